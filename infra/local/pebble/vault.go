package pebble

import (
	"context"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"loch/shared/fault"
	"loch/shared/vault"
)

// Vault is a vault.Store. Once it has told anyone a lake id, through Create or
// Find, that id is durable.
type Vault struct {
	*database
	// Keys are keyed hashes, so their first byte spreads them evenly.
	pending [64]pending[vault.Key, vault.ID]
}

// OpenVault opens the vault's store in dir, which is made if it is not there.
func OpenVault(dir string, o Options) (*Vault, error) {
	return openVault(dir, o, surroundings{})
}

func openVault(dir string, o Options, s surroundings) (*Vault, error) {
	d, err := open(dir, "vault", "vault 1", o, s)
	if err != nil {
		return nil, err
	}
	return &Vault{database: d}, nil
}

func (v *Vault) claims(k *vault.Key) *pending[vault.Key, vault.ID] {
	return &v.pending[k[0]%64]
}

// Find returns the lake id of each key, in order, and whether it exists.
func (v *Vault) Find(ctx context.Context, keys []vault.Key) ([]vault.ID, []bool, error) {
	if err := v.begin(ctx); err != nil {
		return nil, nil, err
	}
	defer v.leave()
	ids, found := make([]vault.ID, len(keys)), make([]bool, len(keys))
	var buf [1 + len(vault.Key{})]byte
	buf[0] = idByte
	for i := range keys {
		copy(buf[1:], keys[i][:])
		id, ok, err := v.read(buf[:])
		if err != nil {
			return nil, nil, err
		}
		if !ok {
			continue
		}
		if c := v.claims(&keys[i]).of(keys[i]); c != nil {
			if err := c.wait(); err != nil {
				return nil, nil, err
			}
		}
		ids[i], found[i] = id, true
	}
	return ids, found, nil
}

// Create keeps the entries whose keys are new. Of many that create the same key
// at once one wins, and the others return its id after it is durable.
func (v *Vault) Create(ctx context.Context, entries []vault.Entry) ([]vault.ID, error) {
	if err := v.begin(ctx); err != nil {
		return nil, err
	}
	defer v.leave()
	if len(entries) == 0 {
		return nil, nil
	}
	if err := v.room(); err != nil {
		return nil, err
	}

	own := newCommit()
	ids := make([]vault.ID, len(entries))
	var mine []*vault.Key
	var others []*commit
	batch := v.peb.NewBatch()
	for i := range entries {
		e := &entries[i]
		id, by, made, err := v.claim(e, own)
		if err == nil && made {
			mine = append(mine, &e.Key)
			err = batch.Set(idKey(&e.Key), id[:], nil)
		}
		if err != nil {
			v.finish(own, mine, errors.Join(err, batch.Close()))
			return nil, fault.Wrap(err, fault.Internal, "a lake id could not be made")
		}
		if by != nil && by != own {
			others = append(others, by)
		}
		ids[i] = id
	}

	// Its own ids first: two calls that wait for each other's would never end.
	err := v.keep(batch, len(mine) > 0)
	v.finish(own, mine, err)
	for _, c := range others {
		err = errors.Join(err, c.wait())
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "a lake id could not be kept; send again")
	}
	return ids, nil
}

// claim returns the id that a key has or is about to have, and the commit that
// is about to make it durable, nil if it is. made says that the key was new and
// that the claim is the caller's to write.
func (v *Vault) claim(e *vault.Entry, own *commit) (id vault.ID, by *commit, made bool, err error) {
	p := v.claims(&e.Key)
	p.mu.Lock()
	defer p.mu.Unlock()
	if c, ok := p.claims[e.Key]; ok {
		return c.value, c.commit, false, nil
	}
	id, ok, err := v.read(idKey(&e.Key))
	if err != nil || ok {
		return id, nil, false, err
	}
	p.add(e.Key, e.ID, own)
	return e.ID, own, true, nil
}

func (v *Vault) keep(batch *pebble.Batch, filled bool) error {
	if !filled {
		return batch.Close()
	}
	if err := v.apply(batch, true); err != nil {
		return err
	}
	return v.settle(batch, true)
}

// finish tells those who wait for own how it went, and ends its claims.
func (v *Vault) finish(own *commit, mine []*vault.Key, err error) {
	own.err = err
	for _, k := range mine {
		v.claims(k).drop(*k)
	}
	close(own.done)
}

// read looks one id up.
func (v *Vault) read(key []byte) (id vault.ID, ok bool, err error) {
	value, closer, err := v.peb.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return id, false, nil
	}
	if err != nil {
		return id, false, unreadable(err)
	}
	n := copy(id[:], value)
	if err := closer.Close(); err != nil {
		return id, false, unreadable(err)
	}
	if n != len(id) {
		return id, false, fault.New(fault.Internal, "the vault holds an id of the wrong length")
	}
	return id, true, nil
}

// begin starts a call unless its client has gone.
func (v *Vault) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return gaveUp(err)
	}
	return v.enter()
}

func gaveUp(err error) error {
	return fault.Wrap(err, fault.Unavailable, "the request was given up before anything was kept")
}
