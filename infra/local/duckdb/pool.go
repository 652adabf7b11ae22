package duckdb

import (
	"context"
	"log/slog"
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
	closed bool
	timer  *time.Timer
}

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
	if err != nil {
		w.close()
		return answer{}, err
	}
	p.give(w)
	if a.Fault != nil {
		return answer{}, a.Fault.fault()
	}
	return a, nil
}

func (p *pool) take() (*worker, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, fault.New(fault.Unavailable, "the SQL engine is closed")
	}
	if n := len(p.idle); n > 0 {
		w := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return w, nil
	}
	p.mu.Unlock()
	return startWorker(p.settings(), p.logger)
}

func (p *pool) give(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		w.close()
		return
	}
	w.since = time.Now()
	p.idle = append(p.idle, w)
	if p.timer == nil {
		p.timer = time.AfterFunc(p.keep, p.tidy)
	}
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
		left := p.keep - time.Since(p.idle[0].since)
		if left > 0 {
			p.timer = time.AfterFunc(left, p.tidy)
			return
		}
		p.idle[0].close()
		p.idle = p.idle[1:]
	}
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.timer != nil {
		p.timer.Stop()
	}
	for _, w := range p.idle {
		w.close()
	}
	p.idle = nil
}
