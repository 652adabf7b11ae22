package vaulttest_test

import (
	"context"
	"sync"
	"testing"

	"loch/shared/fault"
	"loch/shared/vault"
	"loch/shared/vault/vaulttest"
)

// The suite holds the plainest store there is, a map, to the contract.
func TestRun(t *testing.T) {
	vaulttest.Run(t, func(*testing.T) vault.Store { return &memory{ids: map[vault.Key]vault.ID{}} },
		func(_ *testing.T, s vault.Store) vault.Store { return s })
}

type memory struct {
	mu  sync.Mutex
	ids map[vault.Key]vault.ID
}

func (m *memory) Find(_ context.Context, keys []vault.Key) ([]vault.ID, []bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ids, found := make([]vault.ID, len(keys)), make([]bool, len(keys))
	for i, k := range keys {
		ids[i], found[i] = m.ids[k]
	}
	return ids, found, nil
}

func (m *memory) Create(ctx context.Context, entries []vault.Entry) ([]vault.ID, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if ctx.Err() != nil {
		return nil, fault.Wrap(ctx.Err(), fault.Unavailable, "the request was given up")
	}
	ids := make([]vault.ID, len(entries))
	for i, e := range entries {
		if _, ok := m.ids[e.Key]; !ok {
			m.ids[e.Key] = e.ID
		}
		ids[i] = m.ids[e.Key]
	}
	return ids, nil
}
