package pebble

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"loch/shared/fault"
	"loch/shared/vault"
)

// Erase takes away all that belongs to the project's owners, in one write, and then
// their bytes from the files.
func (v *Vault) Erase(ctx context.Context, project string, owners []vault.ID, suppress bool) ([]vault.Key, error) {
	if err := v.begin(ctx); err != nil {
		return nil, err
	}
	defer v.leave()
	if err := v.room(); err != nil {
		return nil, err
	}
	e := &erasure{v: v, project: project, owners: owners, suppress: suppress, done: map[vault.Key]bool{}}
	err := v.clean(ctx, func(mark func(*pebble.Batch) error) ([][]byte, error) {
		e.batch = v.peb.NewBatch()
		if err := e.apply(mark); err != nil {
			e.gone = nil
			return nil, fault.Wrap(errors.Join(err, e.batch.Close()), fault.Unavailable, "the person could not be erased; nothing was, try again")
		}
		return e.touched, v.settle(e.batch, true)
	})
	return e.gone, err
}

// erasure is one erasure being put together.
type erasure struct {
	v        *Vault
	batch    *pebble.Batch
	project  string
	owners   []vault.ID
	suppress bool
	done     map[vault.Key]bool // entries that were dealt with; two of the owners may share one
	gone     []vault.Key
	touched  [][]byte
}

// apply takes everything away while nobody adds anything.
func (e *erasure) apply(mark func(*pebble.Batch) error) error {
	e.v.erasing.Lock()
	defer e.v.erasing.Unlock()
	if err := e.leaveOthers(); err != nil {
		return err
	}
	for i := range e.owners {
		owner := &e.owners[i]
		if err := e.entries(owner); err != nil {
			return err
		}
		if err := e.indexes(owner); err != nil {
			return err
		}
		e.touched = append(e.touched, join(keyByte, owner[:]))
		err := errors.Join(e.batch.Delete(join(keyByte, owner[:]), nil), e.batch.Delete(homeKey(owner), nil),
			e.batch.Set(join(graveByte, owner[:]), nil, nil))
		if err != nil {
			return err
		}
	}
	if err := mark(e.batch); err != nil {
		return err
	}
	if err := e.v.apply(e.batch, true); err != nil {
		return err
	}
	for _, k := range e.gone {
		e.v.ids.claims(k).forget(k)
	}
	return nil
}

// leaveOthers leaves owners of other projects out.
func (e *erasure) leaveOthers() error {
	var mine []vault.ID
	for i := range e.owners {
		home, err := e.v.home(&e.owners[i])
		if err != nil {
			return err
		}
		if home == "" || home == e.project {
			mine = append(mine, e.owners[i])
		}
	}
	e.owners = mine
	return nil
}

// entries takes away the identifiers and tokens of an owner.
func (e *erasure) entries(owner *vault.ID) error {
	prefix := join(ownedByte, owner[:])
	found := false
	err := e.v.scan(prefix, func(k, _ []byte) error {
		found = true
		if err := e.batch.Delete(bytes.Clone(k), nil); err != nil {
			return err
		}
		var key vault.Key
		copy(key[:], k[len(prefix):])
		return e.entry(&key)
	})
	if found {
		e.touched = append(e.touched, prefix)
	}
	return err
}

func (e *erasure) entry(key *vault.Key) error {
	id, ok, err := e.v.read(idKey(key))
	if err != nil || !ok || id == vault.Suppressed || e.done[*key] {
		return err
	}
	e.done[*key] = true
	e.gone = append(e.gone, *key)
	e.touched = append(e.touched, idKey(key))
	if e.suppress && slices.Contains(e.owners, id) {
		return e.batch.Set(idKey(key), vault.Suppressed[:], nil)
	}
	return e.batch.Delete(idKey(key), nil)
}

// indexes takes an owner out of the blind index.
func (e *erasure) indexes(owner *vault.ID) error {
	prefix := join(backByte, owner[:])
	found := false
	err := e.v.scan(prefix, func(k, _ []byte) error {
		found = true
		entry := join(indexByte, k[len(prefix):], owner[:])
		e.touched = append(e.touched, entry)
		return errors.Join(e.batch.Delete(bytes.Clone(k), nil), e.batch.Delete(entry, nil))
	})
	if found {
		e.touched = append(e.touched, prefix)
	}
	return err
}
