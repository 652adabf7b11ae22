package web

import (
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
	l.mu.Lock()
	defer l.mu.Unlock()
	k := rateKey{key.Project.ID, key.Name, perMinute}
	limiter := l.keys[k]
	if limiter == nil {
		limiter = rate.NewLimiter(rate.Limit(float64(perMinute)/60), perMinute)
		l.keys[k] = limiter
	}
	if limiter.AllowN(l.now(), n) {
		return nil
	}
	return fault.Newf(fault.TooMany,
		"this key may open %d people's personal data a minute; wait, or raise lookups_per_minute in the project's settings", perMinute)
}
