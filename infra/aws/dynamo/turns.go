package dynamo

import (
	"context"
	"hash/maphash"
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

// take waits for somebody's turn. A goroutine takes one at a time. waited says that it
// was another's, who has written since. Waiting is no failure of DynamoDB's, so it takes
// nothing from the patience; it lasts as long as the request may.
func (t *turns) take(ctx context.Context, k key) (done func(), waited bool, err error) {
	door := t.doors[maphash.Comparable(t.seed, k)%uint64(len(t.doors))]
	done = func() { <-door }
	select {
	case door <- struct{}{}:
		return done, false, nil
	default:
	}
	select {
	case door <- struct{}{}:
		return done, true, nil
	case <-ctx.Done():
		return nil, false, gaveUp(ctx.Err())
	}
}
