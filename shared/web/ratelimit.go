package web

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"loch/shared/fault"
	"loch/shared/project"
)

// RateLimit bounds how often each API key may do something. It counts in this
// process; each instance on Lambda counts for itself.
type RateLimit struct {
	now func() time.Time

	mu   sync.Mutex
	keys map[rateKey]*rate.Limiter
}

type rateKey struct {
	project, key string
	perMinute    int
}

// NewRateLimit makes one.
func NewRateLimit(now func() time.Time) *RateLimit {
	return &RateLimit{now: now, keys: map[rateKey]*rate.Limiter{}}
}

// Take takes one of a key's perMinute turns; a minute's worth may be taken at
// once. With none left it returns fault.TooMany, which is answered with 429. Keys
// come from the registry, so the map stays small.
func (l *RateLimit) Take(key project.Key, perMinute int) error { return l.TakeMany(key, 1, perMinute) }

// TakeMany takes n turns, or none.
func (l *RateLimit) TakeMany(key project.Key, n, perMinute int) error {
	if l.of(key, perMinute).AllowN(l.now(), n) {
		return nil
	}
	return fault.Newf(fault.TooMany,
		"this key may open %d people's personal data a minute; wait, or raise lookups_per_minute in the project's settings", perMinute)
}

// Wait takes n turns, a minute's worth at most, as soon as there are so many. Whoever
// wants fewer meanwhile has them first: what can wait keeps nobody else from a turn.
// pause returns when a time is over, or with an error when ctx is.
func (l *RateLimit) Wait(ctx context.Context, key project.Key, n, perMinute int, pause func(context.Context, time.Duration) error) error {
	limiter := l.of(key, perMinute)
	n = min(n, perMinute)
	for {
		now := l.now()
		if limiter.AllowN(now, n) {
			return nil
		}
		r := limiter.ReserveN(now, n)
		wait := r.DelayFrom(now)
		r.CancelAt(now)
		if err := pause(ctx, max(wait, time.Millisecond)); err != nil {
			return err
		}
	}
}

// Pause is how Wait pauses outside of tests.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *RateLimit) of(key project.Key, perMinute int) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := rateKey{key.Project.ID, key.Name, perMinute}
	limiter := l.keys[k]
	if limiter == nil {
		limiter = rate.NewLimiter(rate.Limit(float64(perMinute)/60), perMinute)
		l.keys[k] = limiter
	}
	return limiter
}
