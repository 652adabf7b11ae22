package instance

import (
	"context"
	"net/http"
	"sync"

	"loch/shared/web"
)

// Late is something that is made at the first request, since to make it AWS must be
// asked. When that fails, the request fails, and the next one tries again: an instance
// never starts with half of what it needs, and never stays without it.
type Late[T any] struct {
	make func(ctx context.Context) (T, error)

	mu   sync.Mutex
	made bool
	it   T
}

// MakeLate returns what will be made.
func MakeLate[T any](make func(ctx context.Context) (T, error)) *Late[T] {
	return &Late[T]{make: make}
}

// Get returns it, and makes it before if it is not there yet.
func (l *Late[T]) Get(ctx context.Context) (T, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.made {
		return l.it, nil
	}
	it, err := l.make(ctx)
	if err != nil {
		return it, err
	}
	l.it, l.made = it, true
	return it, nil
}

// Handler serves requests by a handler that is made at the first one.
func Handler(l *Late[http.Handler]) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, err := l.Get(r.Context())
		if err != nil {
			web.NameRoute(r, "start")
			web.WriteError(w, r, err)
			return
		}
		h.ServeHTTP(w, r)
	})
}
