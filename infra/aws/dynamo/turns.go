package dynamo

import (
	"context"
	"hash/maphash"
	"time"
)

// turns has goroutines of one process that read and rewrite the same person do so one
// after the other. They would get there without, but each would try again whenever
// another was quicker. On Lambda, where a process serves one request at a time, nobody
// ever waits here.
type turns struct {
	seed  maphash.Seed
	doors [256]chan struct{}
}

func newTurns() *turns {
	t := &turns{seed: maphash.MakeSeed()}
	for i := range t.doors {
		t.doors[i] = make(chan struct{}, 1)
	}
	return t
}

// take waits for somebody's turn, for as long as the effort lasts. A goroutine takes one
// at a time.
func (t *turns) take(ctx context.Context, e *effort, k key) (done func(), err error) {
	door := t.doors[maphash.Comparable(t.seed, k)%uint64(len(t.doors))]
	select {
	case door <- struct{}{}:
		return func() { <-door }, nil
	default:
	}
	timer := time.NewTimer(time.Until(e.until))
	defer timer.Stop()
	select {
	case door <- struct{}{}:
		return func() { <-door }, nil
	case <-ctx.Done():
		return nil, gaveUp(ctx.Err())
	case <-timer.C:
		return nil, errBusy
	}
}
