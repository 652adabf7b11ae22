package audittest

import (
	"context"
	"sync"

	"loch/shared/audit"
)

// Memory is the plainest audit.Store that keeps the contract. Entries is there
// for tests that tamper.
type Memory struct {
	mu      sync.Mutex
	Entries []audit.Entry
}

// NewMemory returns an empty one.
func NewMemory() *Memory { return &Memory{} }

// Append keeps what next makes of the newest entry.
func (m *Memory) Append(ctx context.Context, next func(audit.Entry) (audit.Entry, error)) (audit.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return audit.Entry{}, err
	}
	var newest audit.Entry
	if len(m.Entries) > 0 {
		newest = m.Entries[len(m.Entries)-1]
	}
	e, err := next(newest)
	if err != nil {
		return audit.Entry{}, err
	}
	m.Entries = append(m.Entries, e)
	return e, nil
}

// Walk calls fn for every entry from the given Seq on.
func (m *Memory) Walk(_ context.Context, from uint64, fn func(audit.Entry) error) error {
	m.mu.Lock()
	entries := append([]audit.Entry(nil), m.Entries...)
	m.mu.Unlock()
	for _, e := range entries {
		if e.Seq < from {
			continue
		}
		if err := fn(e); err != nil {
			return err
		}
	}
	return nil
}
