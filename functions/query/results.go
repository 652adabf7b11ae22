package query

import (
	"container/list"
	"context"
	"crypto/sha256"
	"strconv"
	"sync"

	"loch/shared/report"
)

// results keeps what statements gave, for as long as the data have not changed:
// the version of the data is part of the key. What is asked for twice at the same
// time is run once. A statement that nobody waits for any more is cancelled.
type results struct {
	mu      sync.Mutex
	kept    map[resultKey]*list.Element // of *keptResult
	order   *list.List                  // the last used first
	bytes   int
	running map[resultKey]*run
}

type resultKey [sha256.Size]byte

type keptResult struct {
	key    resultKey
	result report.Result
	bytes  int
}

// run is a statement on its way.
type run struct {
	done    chan struct{}
	result  report.Result
	err     error
	waiting int
	cancel  context.CancelFunc
}

// What is kept, by a rough count of bytes.
const (
	mostKept    = 32 << 20
	mostOfOne   = 4 << 20
	bytesOfCell = 24
)

func newResults() *results {
	return &results{kept: map[resultKey]*list.Element{}, order: list.New(), running: map[resultKey]*run{}}
}

// keyOf is the key of a statement on data of a version.
func keyOf(project, statement, version string) resultKey {
	h := sha256.New()
	for _, s := range []string{project, statement, version} {
		_, _ = h.Write([]byte(strconv.Itoa(len(s)) + ":" + s)) // a hash takes everything
	}
	return resultKey(h.Sum(nil))
}

// get gives a result that is kept, or has ask make it. It is kept only if keep says
// so.
func (c *results) get(ctx context.Context, key resultKey, keep bool, ask func(context.Context) (report.Result, error)) (report.Result, error) {
	c.mu.Lock()
	if e := c.kept[key]; e != nil {
		c.order.MoveToFront(e)
		c.mu.Unlock()
		return e.Value.(*keptResult).result, nil
	}
	r := c.running[key]
	if r == nil {
		r = c.start(ctx, key, keep, ask)
	}
	r.waiting++
	c.mu.Unlock()

	select {
	case <-r.done:
		c.leave(key, r)
		return r.result, r.err
	case <-ctx.Done():
	}
	if c.leave(key, r) {
		<-r.done // nothing outlives the last request that wants it
	}
	return report.Result{}, ctx.Err()
}

// start runs a statement. c.mu is held.
func (c *results) start(ctx context.Context, key resultKey, keep bool, ask func(context.Context) (report.Result, error)) *run {
	// It may be that others wait for it when whoever asked first has gone.
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r := &run{done: make(chan struct{}), cancel: cancel}
	c.running[key] = r
	go func() {
		defer close(r.done)
		r.result, r.err = ask(own)
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.running[key] == r {
			delete(c.running, key)
		}
		if r.err == nil && keep {
			c.keep(key, r.result)
		}
	}()
	return r
}

// leave is called by whoever does not wait any more. It tells whether that was the
// last one, and cancels the statement then.
func (c *results) leave(key resultKey, r *run) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.waiting--; r.waiting > 0 {
		return false
	}
	if c.running[key] == r { // whoever asks from now on must not get a cancelled one
		delete(c.running, key)
	}
	r.cancel()
	return true
}

// keep keeps a result and lets go of those that were not used for longest. c.mu is
// held.
func (c *results) keep(key resultKey, result report.Result) {
	bytes := 0
	for _, row := range result.Rows {
		for _, cell := range row {
			bytes += bytesOfCell
			if s, ok := cell.(string); ok {
				bytes += len(s)
			}
		}
	}
	if bytes > mostOfOne || c.kept[key] != nil {
		return
	}
	c.kept[key] = c.order.PushFront(&keptResult{key, result, bytes})
	for c.bytes += bytes; c.bytes > mostKept; {
		last := c.order.Back()
		old := c.order.Remove(last).(*keptResult)
		delete(c.kept, old.key)
		c.bytes -= old.bytes
	}
}
