package vaulttest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"loch/shared/fault"
	"loch/shared/vault"
)

// Memory is the plainest vault.Store that keeps the contract: one lock and some
// maps. The suite compares others with it, and tests of other packages use it.
type Memory struct {
	mu      sync.Mutex
	ids     map[vault.Key]vault.ID
	owned   map[vault.ID]map[vault.Key]bool
	keys    map[vault.ID][]byte
	index   map[vault.Key]map[vault.ID]bool
	secrets map[string][]byte
	graves  map[vault.ID]bool
	homes   map[vault.ID]string // owners' projects
}

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{
		ids: map[vault.Key]vault.ID{}, owned: map[vault.ID]map[vault.Key]bool{}, keys: map[vault.ID][]byte{},
		index: map[vault.Key]map[vault.ID]bool{}, secrets: map[string][]byte{}, graves: map[vault.ID]bool{},
		homes: map[vault.ID]string{},
	}
}

// begin locks the store for a call, unless nobody waits for it any more.
func (m *Memory) begin(ctx context.Context) (end func(), err error) {
	if ctx.Err() != nil {
		return nil, fault.Wrap(ctx.Err(), fault.Unavailable, "the request was given up")
	}
	m.mu.Lock()
	return m.mu.Unlock, nil
}

// alive refuses owners that were erased.
func (m *Memory) alive(owners ...vault.ID) error {
	if slices.ContainsFunc(owners, func(o vault.ID) bool { return m.graves[o] }) {
		return fault.Wrap(vault.ErrErased, fault.Unavailable, "the person was erased meanwhile; send again")
	}
	return nil
}

// Find implements vault.Store.
func (m *Memory) Find(ctx context.Context, keys []vault.Key) ([]vault.ID, []bool, error) {
	end, err := m.begin(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer end()
	ids, found := make([]vault.ID, len(keys)), make([]bool, len(keys))
	for i, k := range keys {
		ids[i], found[i] = m.ids[k]
	}
	return ids, found, nil
}

// Create implements vault.Store.
func (m *Memory) Create(ctx context.Context, entries []vault.Entry) ([]vault.ID, error) {
	end, err := m.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	for _, e := range entries {
		if err := m.alive(ownerOf(e)); err != nil {
			return nil, err
		}
	}
	ids := make([]vault.ID, len(entries))
	for i, e := range entries {
		if _, ok := m.ids[e.Key]; !ok {
			m.ids[e.Key] = e.ID
			if e.ID == ownerOf(e) && e.Project != "" {
				m.homes[e.ID] = e.Project
			}
			if owner := ownerOf(e); owner != (vault.ID{}) {
				m.own(owner, e.Key)
			}
		}
		ids[i] = m.ids[e.Key]
	}
	return ids, nil
}

func ownerOf(e vault.Entry) vault.ID {
	if e.Owner == (vault.ID{}) {
		return e.ID
	}
	return e.Owner
}

func (m *Memory) own(owner vault.ID, key vault.Key) {
	if m.owned[owner] == nil {
		m.owned[owner] = map[vault.Key]bool{}
	}
	m.owned[owner][key] = true
}

// Own implements vault.Store.
func (m *Memory) Own(ctx context.Context, owned []vault.Owned) error {
	end, err := m.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	for _, o := range owned {
		if err := m.alive(o.Owner); err != nil {
			return err
		}
	}
	for _, o := range owned {
		m.own(o.Owner, o.Key)
	}
	return nil
}

// Known implements vault.Store.
func (m *Memory) Known(ctx context.Context, owners []vault.ID) (known []bool, projects []string, err error) {
	end, err := m.begin(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer end()
	for _, o := range owners {
		known, projects = append(known, len(m.owned[o]) > 0), append(projects, m.homes[o])
	}
	return known, projects, nil
}

// FindPersonKeys implements vault.Store.
func (m *Memory) FindPersonKeys(ctx context.Context, owners []vault.ID) ([][]byte, error) {
	end, err := m.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	keys := make([][]byte, len(owners))
	for i, o := range owners {
		keys[i] = slices.Clone(m.keys[o])
	}
	return keys, nil
}

// CreatePersonKeys implements vault.Store.
func (m *Memory) CreatePersonKeys(ctx context.Context, list []vault.PersonKey) ([][]byte, error) {
	end, err := m.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	for _, k := range list {
		if err := m.alive(k.Owner); err != nil {
			return nil, err
		}
		if !m.isOf(k.Project, k.Owner) {
			return nil, fault.Wrap(vault.ErrOtherProject, fault.Internal, "a person belongs to another project")
		}
	}
	keys := make([][]byte, len(list))
	for i, k := range list {
		if m.keys[k.Owner] == nil {
			m.keys[k.Owner] = slices.Clone(k.Wrapped)
		}
		if m.homes[k.Owner] == "" && k.Project != "" {
			m.homes[k.Owner] = k.Project
		}
		keys[i] = slices.Clone(m.keys[k.Owner])
	}
	return keys, nil
}

// isOf says that an owner is a project's, or that no project of theirs is noted.
func (m *Memory) isOf(project string, owner vault.ID) bool {
	home := m.homes[owner]
	return home == "" || home == project
}

// AddIndex implements vault.Store.
func (m *Memory) AddIndex(ctx context.Context, entries []vault.Owned) error {
	end, err := m.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	for _, e := range entries {
		if err := m.alive(e.Owner); err != nil {
			return err
		}
	}
	for _, e := range entries {
		if m.index[e.Key] == nil {
			m.index[e.Key] = map[vault.ID]bool{}
		}
		m.index[e.Key][e.Owner] = true
	}
	return nil
}

// FindIndex implements vault.Store.
func (m *Memory) FindIndex(ctx context.Context, key vault.Key, limit int) ([]vault.ID, error) {
	end, err := m.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	ids := slices.Collect(maps.Keys(m.index[key]))
	return ids[:min(len(ids), limit)], nil
}

// Secret implements vault.Store.
func (m *Memory) Secret(ctx context.Context, name string) (value []byte, ok bool, err error) {
	end, err := m.begin(ctx)
	if err != nil {
		return nil, false, err
	}
	defer end()
	value, ok = m.secrets[name]
	return slices.Clone(value), ok, nil
}

// Secrets implements vault.Store.
func (m *Memory) Secrets(ctx context.Context, prefix string, fn func(name string, value []byte) error) error {
	end, err := m.begin(ctx)
	if err != nil {
		return err
	}
	all := maps.Clone(m.secrets)
	end()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if strings.HasPrefix(name, prefix) {
			if err := fn(name, slices.Clone(all[name])); err != nil {
				return err
			}
		}
	}
	return nil
}

// CreateSecret implements vault.Store.
func (m *Memory) CreateSecret(ctx context.Context, name string, value []byte) ([]byte, error) {
	end, err := m.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	if _, ok := m.secrets[name]; !ok {
		m.secrets[name] = slices.Clone(value)
	}
	return slices.Clone(m.secrets[name]), nil
}

// ReplaceSecrets implements vault.Store.
func (m *Memory) ReplaceSecrets(ctx context.Context, values map[string][]byte) error {
	end, err := m.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	for name, value := range values {
		if value == nil {
			delete(m.secrets, name)
		} else {
			m.secrets[name] = slices.Clone(value)
		}
	}
	return nil
}

// Erase implements vault.Store.
func (m *Memory) Erase(ctx context.Context, project string, owners []vault.ID, suppress bool) ([]vault.Key, error) {
	end, err := m.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	var gone []vault.Key
	for _, owner := range owners {
		if !m.isOf(project, owner) {
			continue
		}
		for key := range m.owned[owner] {
			id, there := m.ids[key]
			switch {
			case !there || id == vault.Suppressed:
				continue
			case suppress && id == owner:
				m.ids[key] = vault.Suppressed
			default:
				delete(m.ids, key)
			}
			gone = append(gone, key)
		}
		delete(m.owned, owner)
		delete(m.keys, owner)
		delete(m.homes, owner)
		for key := range m.index {
			delete(m.index[key], owner)
		}
		m.graves[owner] = true
	}
	return gone, nil
}
