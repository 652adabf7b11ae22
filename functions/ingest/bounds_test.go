package ingest_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"loch/functions/ingest"
	"loch/shared/event"
	"loch/shared/profile"
	"loch/shared/project"
	"loch/shared/web"
)

const oneOfEach = `[{"event":"a","properties":{"token":"T","distinct_id":"u","$device_id":"d"}},{"event":"b","properties":{"token":"T","distinct_id":"u"}}]`

// keptNothing checks that a request was answered so that every SDK sends it again,
// and that nothing of it is anywhere.
func (b *bench) keptNothing(t *testing.T, target, body string) {
	t.Helper()
	w := b.send("POST", target, body, "Origin", "https://shop.test")
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || w.Header().Get("Access-Control-Allow-Origin") == "" || !strings.Contains(w.Body.String(), `"status":0`) {
		t.Errorf("answer %d %v %.200s", w.Code, w.Header(), w.Body)
	}
	rows, rejected, _ := b.sink.rows()
	if len(rows)+len(rejected)+len(b.people.changes) > 0 {
		t.Errorf("%d rows, %d rejected, %d changes were kept", len(rows), len(rejected), len(b.people.changes))
	}
}

// Without room for a body, or for what is made of it, the client sends again; and
// what a request held is given back, whatever became of it.
func TestOverBudget(t *testing.T) {
	many := "[" + strings.Repeat(`{"event":"a","properties":{"token":"T"}},`, 1999) + `{"event":"a","properties":{"token":"T"}}]`
	for name, c := range map[string]struct {
		bytes int64
		body  string
	}{
		"no room for the body":                  {64 << 10, strings.Repeat(" ", 100_000) + oneOfEach},
		"no room for what many records come to": {4 << 20, many},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			budget := web.NewBudget(c.bytes, time.Now)
			b.rebuild(func(d *ingest.Deps) { d.Budget = budget })
			b.keptNothing(t, "/track/?verbose=1", c.body)
			if budget.Used() != 0 {
				t.Errorf("%d bytes are still charged", budget.Used())
			}
			b.rebuild(func(d *ingest.Deps) { d.Budget = web.NewBudget(64<<20, time.Now) })
			if w := b.send("POST", "/track/", c.body); w.Body.String() != "1" {
				t.Errorf("with room: %d %s", w.Code, w.Body)
			}
		})
	}
}

// An event whose row the sink cannot keep is rejected with a reason, and the rest of
// its request is kept.
func TestRowsThatDoNotFit(t *testing.T) {
	b := newBench(t)
	b.rebuild(func(d *ingest.Deps) { d.RowFits = func(r *event.Row) bool { return r.Name != "b" } })
	w := b.send("POST", "/import?strict=1", `[{"event":"a","properties":{"time":1795400000,"$insert_id":"i1"}},
		{"event":"b","properties":{"time":1795400000,"$insert_id":"i2"}},{"event":"c","properties":{"time":1795400000,"$insert_id":"i3"}}]`,
		"Content-Type", "application/json", "Authorization", "Basic VDo=")
	if w.Code != 400 || !strings.Contains(w.Body.String(), `"i2"`) || strings.Contains(w.Body.String(), `"i1"`) {
		t.Errorf("answer %d %s, want the second record named", w.Code, w.Body)
	}
	rows, rejected, _ := b.sink.rows()
	if len(rows) != 2 || len(rejected) != 1 || rejected[0].Reason != event.ReasonTooLarge || rejected[0].BatchIndex != 1 || len(rejected[0].Sealed) == 0 {
		t.Errorf("%d rows, rejected %+v", len(rows), rejected)
	}
}

// lateProjects takes until the time of the request is over to find a project.
type lateProjects struct{ *projects }

func (p lateProjects) ByToken(ctx context.Context, token string) (project.Project, error) {
	<-ctx.Done()
	return p.projects.ByToken(ctx, token)
}

// A request whose client has gone is not worked on for ever: the walk stops behind
// the step in which its time is over.
func TestWalkStops(t *testing.T) {
	b := newBench(t)
	b.rebuild(func(d *ingest.Deps) {
		d.Registry = lateProjects{b.projects}
		d.MaxWalk = time.Millisecond
	})
	b.keptNothing(t, "/track/?verbose=1", oneOfEach)
	b.keptNothing(t, "/engage/?verbose=1", `[{"$token":"T","$distinct_id":"u","$set":{"a":1}}]`)
	b.keptNothing(t, "/track/?verbose=1", `[{"event":"a","properties":{"token":"T","time":"no time"}}]`) // a rejection alone
}

// Nor is an import, and one that would hold more than there is gets a 503 at once.
func TestImportIsBounded(t *testing.T) {
	lines := `{"distinct_id":"u","properties":{"a":1}}` + "\n" + `{"distinct_id":"v","properties":{"a":1}}`
	for name, bound := range map[string]func(*ingest.Deps){
		"time":   func(d *ingest.Deps) { d.MaxWalk = time.Nanosecond },
		"memory": func(d *ingest.Deps) { d.Budget = web.NewBudget(8<<10, time.Now) },
	} {
		b := newBench(t)
		b.rebuild(bound)
		w := b.send("POST", "/api/profiles.ndjson", lines, "Authorization", "Bearer pii")
		if w.Code != http.StatusServiceUnavailable || len(b.people.changes) != 0 {
			t.Errorf("%s: %d %s, %d changes", name, w.Code, w.Body, len(b.people.changes))
		}
	}
}

// notingProjects remembers when the time of a request is over.
type notingProjects struct {
	*projects
	over chan context.Context
}

func (p *notingProjects) ByToken(ctx context.Context, token string) (project.Project, error) {
	select {
	case p.over <- ctx:
	default:
	}
	return p.projects.ByToken(ctx, token)
}

// slowSink is so slow that the time of the walk is over when it is done.
type slowSink struct {
	*sink
	walk <-chan context.Context
}

func (s *slowSink) Put(ctx context.Context, p *event.Parcel) error {
	<-(<-s.walk).Done()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return s.sink.Put(ctx, p)
}

// strictPeople refuse when the time is over.
type strictPeople struct{ *people }

func (p strictPeople) Apply(ctx context.Context, c profile.Changes) ([]profile.Refusal, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return p.people.Apply(ctx, c)
}

// What has been written is carried to its end, or the client would send it again
// and it would count twice.
func TestWrittenIsFinished(t *testing.T) {
	b := newBench(t)
	walks := make(chan context.Context, 1)
	b.rebuild(func(d *ingest.Deps) {
		d.Registry = &notingProjects{b.projects, walks}
		d.Sink, d.Profiles = &slowSink{b.sink, walks}, strictPeople{b.people}
		d.MaxWalk = time.Second
	})
	if w := b.send("POST", "/track/", oneOfEach); w.Code != 200 || w.Body.String() != "1" {
		t.Errorf("answer %d %s", w.Code, w.Body)
	}
	if rows, _, _ := b.sink.rows(); len(rows) != 2 || len(b.people.changes) != 1 {
		t.Errorf("%d rows, %d changes", len(rows), len(b.people.changes))
	}
}
