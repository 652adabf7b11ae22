package pebble

import (
	"bytes"
	"context"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"loch/shared/fault"
	"loch/shared/vault"
)

// Known tells of each owner whether a key belongs to it, and its project.
func (v *Vault) Known(ctx context.Context, owners []vault.ID) (known []bool, projects []string, err error) {
	if err := v.begin(ctx); err != nil {
		return nil, nil, err
	}
	defer v.leave()
	known, projects = make([]bool, len(owners)), make([]string, len(owners))
	for i := range owners {
		if projects[i], err = v.home(&owners[i]); err != nil {
			return nil, nil, err
		}
		err := v.scan(join(ownedByte, owners[i][:]), func(_, _ []byte) error {
			known[i] = true
			return errEnough
		})
		if err != nil && !errors.Is(err, errEnough) {
			return nil, nil, err
		}
	}
	return known, projects, nil
}

// home is an owner's project, empty where none is noted.
func (v *Vault) home(owner *vault.ID) (string, error) {
	project, _, err := v.get(homeKey(owner))
	return string(project), err
}

// FindPersonKeys returns the wrapped key of each owner, in order, nil for none.
func (v *Vault) FindPersonKeys(ctx context.Context, owners []vault.ID) ([][]byte, error) {
	if err := v.begin(ctx); err != nil {
		return nil, err
	}
	defer v.leave()
	keys := make([][]byte, len(owners))
	for i := range owners {
		key, ok, err := v.get(join(keyByte, owners[i][:]))
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if err := v.keys.settled(owners[i]); err != nil {
			return nil, err
		}
		keys[i] = key
	}
	return keys, nil
}

// CreatePersonKeys keeps each key whose owner has none yet.
func (v *Vault) CreatePersonKeys(ctx context.Context, list []vault.PersonKey) ([][]byte, error) {
	owners, values := make([]vault.ID, len(list)), make([]string, len(list))
	for i := range list {
		owners[i], values[i] = list[i].Owner, string(list[i].Wrapped)
	}
	if err := v.allOfOne(ctx, list); err != nil {
		return nil, err
	}
	kept, err := create(ctx, v, &v.keys, owners, values, owners, func(b *pebble.Batch, i int) error {
		if list[i].Project != "" {
			if err := b.Set(homeKey(&owners[i]), []byte(list[i].Project), nil); err != nil {
				return err
			}
		}
		return b.Set(join(keyByte, owners[i][:]), list[i].Wrapped, nil)
	})
	if err != nil {
		return nil, err
	}
	keys := make([][]byte, len(kept))
	for i := range kept {
		keys[i] = []byte(kept[i])
	}
	return keys, nil
}

// allOfOne refuses owners of other projects than their keys'. Of two projects that make
// the first key of somebody at once, one gets the other's, and cannot open it.
func (v *Vault) allOfOne(ctx context.Context, list []vault.PersonKey) error {
	if err := v.begin(ctx); err != nil {
		return err
	}
	defer v.leave()
	for i := range list {
		home, err := v.home(&list[i].Owner)
		if err != nil {
			return err
		}
		if home != "" && home != list[i].Project {
			return fault.Wrap(vault.ErrOtherProject, fault.Internal, "a person belongs to another project")
		}
	}
	return nil
}

// AddIndex puts owners under blind index keys.
func (v *Vault) AddIndex(ctx context.Context, entries []vault.Owned) error {
	return v.add(ctx, entries, func(b *pebble.Batch, o *vault.Owned) error {
		return errors.Join(b.Set(join(indexByte, o.Key[:], o.Owner[:]), nil, nil), b.Set(join(backByte, o.Owner[:], o.Key[:]), nil, nil))
	})
}

// FindIndex returns the owners under a blind index key.
func (v *Vault) FindIndex(ctx context.Context, key vault.Key, limit int) (ids []vault.ID, err error) {
	if err := v.begin(ctx); err != nil {
		return nil, err
	}
	defer v.leave()
	prefix := join(indexByte, key[:])
	err = v.scan(prefix, func(k, _ []byte) error {
		if len(ids) == limit {
			return errEnough
		}
		var id vault.ID
		copy(id[:], k[len(prefix):])
		ids = append(ids, id)
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return ids, err
}

var errEnough = fault.New(fault.Internal, "enough was found")

// Secret returns a secret of the vault itself.
func (v *Vault) Secret(ctx context.Context, name string) (value []byte, ok bool, err error) {
	if err := v.begin(ctx); err != nil {
		return nil, false, err
	}
	defer v.leave()
	v.secrets.Lock() // what is being written is not told before it is durable
	defer v.secrets.Unlock()
	return v.get(join(secretByte, []byte(name)))
}

// secret is one with its name.
type secret struct {
	name  string
	value []byte
}

// Secrets calls fn for every secret whose name begins with prefix. fn may call the
// vault.
func (v *Vault) Secrets(ctx context.Context, prefix string, fn func(name string, value []byte) error) error {
	all, err := v.readSecrets(ctx, prefix)
	if err != nil {
		return err
	}
	for _, s := range all {
		if err := fn(s.name, s.value); err != nil {
			return err
		}
	}
	return nil
}

func (v *Vault) readSecrets(ctx context.Context, prefix string) (all []secret, err error) {
	if err := v.begin(ctx); err != nil {
		return nil, err
	}
	defer v.leave()
	v.secrets.Lock()
	defer v.secrets.Unlock()
	err = v.scan(join(secretByte, []byte(prefix)), func(k, value []byte) error {
		all = append(all, secret{string(k[1:]), bytes.Clone(value)})
		return nil
	})
	return all, err
}

// CreateSecret keeps the value if the name has none.
func (v *Vault) CreateSecret(ctx context.Context, name string, value []byte) ([]byte, error) {
	if err := v.begin(ctx); err != nil {
		return nil, err
	}
	defer v.leave()
	v.secrets.Lock()
	defer v.secrets.Unlock()
	kept, ok, err := v.get(join(secretByte, []byte(name)))
	if err != nil || ok {
		return kept, err
	}
	return value, v.replace(map[string][]byte{name: value}, nil)
}

// ReplaceSecrets writes all of the values or none; nil deletes. The bytes of what
// was there before are gone from the files when it returns.
func (v *Vault) ReplaceSecrets(ctx context.Context, values map[string][]byte) error {
	if err := v.begin(ctx); err != nil {
		return err
	}
	defer v.leave()
	return v.clean(ctx, func(mark func(*pebble.Batch) error) ([][]byte, error) {
		v.secrets.Lock()
		defer v.secrets.Unlock()
		return [][]byte{{secretByte}}, v.replace(values, mark)
	})
}

// replace writes secrets, and a mark if there is one. The caller holds secrets.
func (v *Vault) replace(values map[string][]byte, mark func(*pebble.Batch) error) error {
	if err := v.room(); err != nil {
		return err
	}
	batch := v.peb.NewBatch()
	var err error
	if mark != nil {
		err = mark(batch)
	}
	for name, value := range values {
		if value == nil {
			err = errors.Join(err, batch.Delete(join(secretByte, []byte(name)), nil))
		} else {
			err = errors.Join(err, batch.Set(join(secretByte, []byte(name)), value, nil))
		}
	}
	if err == nil {
		err = v.apply(batch, true)
	}
	if err != nil {
		return fault.Wrap(errors.Join(err, batch.Close()), fault.Unavailable, "a key of the vault could not be kept")
	}
	return v.settle(batch, true)
}
