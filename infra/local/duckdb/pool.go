package duckdb

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"loch/shared/fault"
)

// pool keeps workers that have nothing to do for a while, since starting one
// takes some tens of milliseconds. How many there are at once is bounded by
// whoever calls.
type pool struct {
	keep     time.Duration
	logger   *slog.Logger
	settings func() settings

	mu     sync.Mutex
	idle   []*worker // the one that was used last is at the end
	busy   []*worker
	closed bool
	timer  *time.Timer
}

var errPoolClosed = fault.New(fault.Unavailable, "the SQL engine is closed, since the server is stopping")

func newPool(keep time.Duration, logger *slog.Logger, settings func() settings) *pool {
	return &pool{keep: keep, logger: logger, settings: settings}
}

// call gives an order to a worker. A worker that failed to answer is not used
// again.
func (p *pool) call(ctx context.Context, o order) (answer, error) {
	w, err := p.take()
	if err != nil {
		return answer{}, err
	}
	a, err := w.call(ctx, o)
	open := p.give(w, err == nil && !a.Spent)
	switch {
	case err != nil && !open:
		return answer{}, errPoolClosed
	case err != nil:
		return answer{}, err
	case a.Fault != nil:
		return answer{}, a.Fault.fault()
	default:
		return a, nil
	}
}

// take returns a worker that lives, a new one if none is idle.
func (p *pool) take() (*worker, error) {
	p.mu.Lock()
	for !p.closed && len(p.idle) > 0 {
		last := len(p.idle) - 1
		w := p.idle[last]
		p.idle = p.idle[:last]
		if w.alive() {
			p.busy = append(p.busy, w)
			p.mu.Unlock()
			return w, nil
		}
		w.close() // something ended it while it had nothing to do
	}
	closed := p.closed
	p.mu.Unlock()
	if closed {
		return nil, errPoolClosed
	}
	w, err := startWorker(p.settings(), p.logger)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		w.close()
		return nil, errPoolClosed
	}
	p.busy = append(p.busy, w)
	return w, nil
}

// give takes a worker back. It tells whether the pool is still open.
func (p *pool) give(w *worker, fit bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at := slices.Index(p.busy, w); at >= 0 {
		p.busy = slices.Delete(p.busy, at, at+1)
	}
	if p.closed || !fit {
		w.close()
		return !p.closed
	}
	w.since = time.Now()
	p.idle = append(p.idle, w)
	if p.timer == nil {
		p.timer = time.AfterFunc(p.keep, p.tidy)
	}
	return true
}

// tidy ends the workers that have been idle for long enough, so that a server
// that nobody asks anything keeps no memory for it.
func (p *pool) tidy() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer = nil
	if p.closed {
		return
	}
	for len(p.idle) > 0 {
		if left := p.keep - time.Since(p.idle[0].since); left > 0 {
			p.timer = time.AfterFunc(left, p.tidy)
			return
		}
		p.idle[0].close()
		p.idle = p.idle[1:]
	}
}

// close ends all workers, also those in the middle of a statement.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.timer != nil {
		p.timer.Stop()
	}
	for _, w := range slices.Concat(p.idle, p.busy) {
		w.close()
	}
	p.idle = nil
}
