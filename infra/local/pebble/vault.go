package pebble

import (
	"context"
	"errors"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"loch/shared/fault"
	"loch/shared/vault"
)

// Vault is a vault.Store. Once it has told anyone a lake id or a key, that is
// durable.
type Vault struct {
	*database
	ids  first[vault.Key, vault.ID]
	keys first[vault.ID, string]

	// erasing is held for writing while an erasure reads what there is and takes it
	// away, and for reading while anything is added. Nobody waits for a commit of
	// somebody else's under it.
	erasing sync.RWMutex

	cleaning sync.Mutex // one removal at a time, until its bytes are gone; taken before the others
	secrets  sync.Mutex // one change of the secrets at a time
	ledger   sync.Mutex // one entry of the audit ledger at a time
}

// OpenVault opens the vault's store in dir, which is made if it is not there.
func OpenVault(dir string, o Options) (*Vault, error) {
	return openVault(dir, o, surroundings{})
}

func openVault(dir string, o Options, s surroundings) (*Vault, error) {
	d, err := open(dir, "vault", "vault 2", o, s)
	if err != nil {
		return nil, err
	}
	v := &Vault{database: d}
	v.ids = first[vault.Key, vault.ID]{
		shard: func(k vault.Key) byte { return k[0] },
		read:  func(k vault.Key) (vault.ID, bool, error) { return v.read(idKey(&k)) },
	}
	v.keys = first[vault.ID, string]{
		shard: func(o vault.ID) byte { return o[0] },
		read: func(o vault.ID) (string, bool, error) {
			value, ok, err := v.get(join(keyByte, o[:]))
			return string(value), ok, err
		},
	}
	return v, nil
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
		if err := v.ids.settled(keys[i]); err != nil {
			return nil, nil, err
		}
		ids[i], found[i] = id, true
	}
	return ids, found, nil
}

// Create keeps the entries whose keys are new. Of many that create the same key
// at once one wins, and the others return its id after it is durable.
func (v *Vault) Create(ctx context.Context, entries []vault.Entry) ([]vault.ID, error) {
	keys, ids, owners := make([]vault.Key, len(entries)), make([]vault.ID, len(entries)), make([]vault.ID, len(entries))
	for i := range entries {
		keys[i], ids[i], owners[i] = entries[i].Key, entries[i].ID, entries[i].Owner
		if owners[i] == (vault.ID{}) {
			owners[i] = ids[i]
		}
	}
	return create(ctx, v, &v.ids, keys, ids, owners, func(b *pebble.Batch, i int) error {
		if owners[i] != vault.Suppressed { // what was never anybody's goes with nobody
			if err := b.Set(join(ownedByte, owners[i][:], keys[i][:]), nil, nil); err != nil {
				return err
			}
			if owners[i] == ids[i] && entries[i].Project != "" {
				if err := b.Set(homeKey(&owners[i]), []byte(entries[i].Project), nil); err != nil {
					return err
				}
			}
		}
		return b.Set(idKey(&keys[i]), ids[i][:], nil)
	})
}

// Own adds owners to keys.
func (v *Vault) Own(ctx context.Context, owned []vault.Owned) error {
	return v.add(ctx, owned, func(b *pebble.Batch, o *vault.Owned) error {
		return b.Set(join(ownedByte, o.Owner[:], o.Key[:]), nil, nil)
	})
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
