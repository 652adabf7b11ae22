package main

import (
	"context"
	"net/http"
	"sync"
	"time"

	"loch/functions/ingest"
	"loch/shared/event"
	"loch/shared/fault"
)

// Who was seen waits in memory while the log has the events that tell of it. A server
// that was killed learns it again from there, so no segment may leave the log before
// all that its events tell is on disk.

// sightingsEvery is how often it is looked whether sightings have waited for long
// enough to be written.
const sightingsEvery = 5 * time.Second

// writeSightings writes them, since requests may stop coming.
func (p *product) writeSightings(ctx context.Context) {
	if err := p.profiles.WriteSightings(); err != nil && ctx.Err() == nil {
		p.settings.logger.Warn("who was seen could not be written; it is tried again", "error", err)
	}
}

// keepSeen makes durable who was seen in all that the log holds, in closed segments at
// least. It comes before each roll-over.
func (p *product) keepSeen(ctx context.Context) error {
	if err := p.recall(ctx); err != nil {
		return err
	}
	if err := p.taking.wait(ctx); err != nil {
		return err
	}
	return p.profiles.WriteAllSightings()
}

// recall tells the profiles who was seen in what the log held at the start, once. Of
// somebody whose profile was deleted since, they take nothing from before.
func (p *product) recall(ctx context.Context) error {
	p.recalling.Lock()
	defer p.recalling.Unlock()
	for len(p.recovered) > 0 {
		_, err := p.log.Read(p.recovered[0].Seq, 0, func(parcel *event.Parcel) error {
			return p.profiles.Recall(ctx, ingest.Recall(parcel.Rows, p.registry.Settings), parcel.Receipt.ReceivedTimeMS)
		})
		if err != nil {
			return fault.Wrap(err, fault.CodeOf(err), "who was seen before the last stop could not be read from the log")
		}
		p.recovered = p.recovered[1:]
	}
	return nil
}

// taking are the requests that may have put events into the log and not told the
// profiles yet who was seen in them. The zero value is ready.
type taking struct {
	mu   sync.Mutex
	open map[*taken]bool
}

// taken is one request.
type taken struct{ done chan struct{} }

type takenKey struct{}

// handler notes the end of each request that next takes.
func (t *taking) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		one := &taken{done: make(chan struct{})}
		defer func() {
			t.mu.Lock()
			delete(t.open, one)
			t.mu.Unlock()
			close(one.done)
		}()
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), takenKey{}, one)))
	})
}

// sink notes that a request begins to write, which is long after it came where its
// client is slow.
func (t *taking) sink(next event.Sink) event.Sink { return notedSink{next, t} }

type notedSink struct {
	event.Sink
	taking *taking
}

// Put implements event.Sink.
func (s notedSink) Put(ctx context.Context, p *event.Parcel) error {
	if one, ok := ctx.Value(takenKey{}).(*taken); ok {
		s.taking.mu.Lock()
		if s.taking.open == nil {
			s.taking.open = map[*taken]bool{}
		}
		s.taking.open[one] = true
		s.taking.mu.Unlock()
	}
	return s.Sink.Put(ctx, p)
}

// wait waits for the requests that had begun to write when it was called.
func (t *taking) wait(ctx context.Context) error {
	t.mu.Lock()
	var open []*taken
	for one := range t.open {
		open = append(open, one)
	}
	t.mu.Unlock()
	for _, one := range open {
		select {
		case <-one.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
