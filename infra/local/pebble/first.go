package pebble

import (
	"context"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"loch/shared/fault"
	"loch/shared/vault"
)

// first are records of the vault of which the first stays: lake ids and people's
// keys. Whoever is told one may rely on it, so nobody is before it is durable.
type first[K comparable, V any] struct {
	pending [64]pending[K, V]
	shard   func(K) byte // keys are random, so one byte spreads them evenly
	read    func(K) (V, bool, error)
}

func (f *first[K, V]) claims(k K) *pending[K, V] { return &f.pending[f.shard(k)%64] }

// settled waits until a record that was just read is durable.
func (f *first[K, V]) settled(k K) error {
	if c := f.claims(k).of(k); c != nil {
		return c.wait()
	}
	return nil
}

// claim returns the value that a key has or is about to have, and the commit that
// is about to make it durable, nil if it is. made says that the key was new and
// that the claim is the caller's to write.
func (f *first[K, V]) claim(k K, v V, own *commit) (value V, by *commit, made bool, err error) {
	p := f.claims(k)
	p.mu.Lock()
	defer p.mu.Unlock()
	if c, ok := p.claims[k]; ok {
		return c.value, c.commit, false, nil
	}
	value, ok, err := f.read(k)
	if err != nil || ok {
		return value, nil, false, err
	}
	p.add(k, v, own)
	return v, own, true, nil
}

// finish tells those who wait for own how it went, and ends its claims.
func (f *first[K, V]) finish(own *commit, mine []K, err error) {
	own.err = err
	for _, k := range mine {
		f.claims(k).drop(k, own)
	}
	close(own.done)
}

// create makes the records that are not there, and returns for each what the
// store holds. None is made if one of owners was erased. write puts the record at
// an index into the batch.
func create[K comparable, V any](ctx context.Context, v *Vault, f *first[K, V], keys []K, values []V, owners []vault.ID, write func(b *pebble.Batch, i int) error) ([]V, error) {
	if err := v.begin(ctx); err != nil {
		return nil, err
	}
	defer v.leave()
	if len(keys) == 0 {
		return nil, nil
	}
	if err := v.room(); err != nil {
		return nil, err
	}
	own := newCommit()
	result := make([]V, len(keys))
	var mine []K
	var others []*commit
	batch := v.peb.NewBatch()
	apply := func() error {
		v.erasing.RLock()
		defer v.erasing.RUnlock()
		if err := v.alive(owners); err != nil {
			return err
		}
		for i, k := range keys {
			value, by, made, err := f.claim(k, values[i], own)
			if err == nil && made {
				mine = append(mine, k)
				err = write(batch, i)
			}
			if err != nil {
				return err
			}
			if by != nil && by != own {
				others = append(others, by)
			}
			result[i] = value
		}
		if len(mine) == 0 {
			return nil
		}
		return v.apply(batch, true)
	}
	err := apply()
	if err == nil && len(mine) > 0 {
		err = v.settle(batch, true)
	} else {
		err = errors.Join(err, batch.Close())
	}
	// Its own first: two calls that wait for each other's would never end.
	f.finish(own, mine, err)
	for _, c := range others {
		err = errors.Join(err, c.wait())
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "the vault could not keep this; send again")
	}
	return result, nil
}

// alive refuses owners who were erased. The caller holds erasing.
func (v *Vault) alive(owners []vault.ID) error {
	for i := range owners {
		_, dead, err := v.get(join(graveByte, owners[i][:]))
		if err != nil {
			return err
		}
		if dead {
			return fault.Wrap(vault.ErrErased, fault.Unavailable, "the person was erased meanwhile; send again")
		}
	}
	return nil
}

// add writes records that may be written any number of times.
func (v *Vault) add(ctx context.Context, owned []vault.Owned, write func(b *pebble.Batch, o *vault.Owned) error) error {
	if err := v.begin(ctx); err != nil {
		return err
	}
	defer v.leave()
	if len(owned) == 0 {
		return nil
	}
	if err := v.room(); err != nil {
		return err
	}
	batch := v.peb.NewBatch()
	apply := func() error {
		v.erasing.RLock()
		defer v.erasing.RUnlock()
		for i := range owned {
			if err := v.alive([]vault.ID{owned[i].Owner}); err != nil {
				return err
			}
			if err := write(batch, &owned[i]); err != nil {
				return err
			}
		}
		return v.apply(batch, true)
	}
	if err := apply(); err != nil {
		return fault.Wrap(errors.Join(err, batch.Close()), fault.Unavailable, "the vault could not keep this; send again")
	}
	return v.settle(batch, true)
}
