package query_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"loch/functions/query"
	"loch/shared/fault"
	"loch/shared/report"
)

// slow is a patient engine with one statement at a time, which is done when it is told.
type slow struct {
	engine
	project, statement string
	done               bool
	stopped, cancelled int
	result             report.Result
}

const slowID = "0f7a3bc1-0000-4000-8000-000000000001"

func (s *slow) Begin(_ context.Context, project, statement string) (string, error) {
	if strings.HasPrefix(statement, "SHOW") {
		return "", report.ErrAtOnce
	}
	s.project, s.statement = project, statement
	return slowID, nil
}

func (s *slow) Fetch(ctx context.Context, project, id string, l report.Limits, wait time.Duration) (report.Result, bool, error) {
	if id != slowID || project != s.project {
		return report.Result{}, false, fault.New(fault.NotFound, "no such statement")
	}
	if wait != query.DefaultMaxTime || l.Rows == 0 {
		return report.Result{}, false, fault.Newf(fault.Internal, "asked for %+v, %s", l, wait)
	}
	return s.result, s.done, ctx.Err()
}

func (s *slow) Stop(context.Context, string) { s.stopped++ }

func (s *slow) Cancel(_ context.Context, project, id string) error {
	if id != slowID || project != s.project {
		return fault.New(fault.NotFound, "no such statement")
	}
	s.cancelled++
	return nil
}

func (s *slow) send(t *testing.T, key, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	h := query.New(query.Deps{Registry: registry{}, Engine: s, Now: clock()})
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+key)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// A statement that takes long is answered with a place, and the place with the answer.
func TestSlowSQL(t *testing.T) {
	s := &slow{engine: func(context.Context, string, string, report.Limits) (report.Result, error) {
		return report.Result{RowCount: 4}, nil
	}}
	w := s.send(t, "read", "POST", "/api/sql", `{"sql":"SELECT 7 AS n","limit":5}`)
	place := w.Header().Get("Location")
	if w.Code != http.StatusAccepted || place != "/api/queries/"+slowID+"?limit=5" || w.Header().Get("Retry-After") == "" {
		t.Fatalf("%d to %q: %s", w.Code, place, w.Body)
	}
	if w = s.send(t, "read", "GET", place, ""); w.Code != http.StatusAccepted || w.Header().Get("Location") != place {
		t.Errorf("still running: %d to %q", w.Code, w.Header().Get("Location"))
	}
	s.done, s.result = true, report.Result{
		Columns: []report.Column{{Name: "n", Type: "INTEGER"}}, Rows: [][]any{{json.Number("7")}}, RowCount: 1, Elapsed: 41 * time.Second,
	}
	const want = `{"columns":[{"name":"n","type":"INTEGER"}],"rows":[[7]],"row_count":1,"truncated":false,"elapsed_ms":41000}`
	if w = s.send(t, "read", "GET", place, ""); w.Code != 200 || strings.TrimSpace(w.Body.String()) != want {
		t.Errorf("done: %d %s", w.Code, w.Body)
	}
	if w = s.send(t, "read", "POST", "/api/sql", `{"sql":"SELECT 7 AS n"}`); w.Code != 200 {
		t.Errorf("one that is done in time: %d %s", w.Code, w.Body)
	}
	if w = s.send(t, "read", "POST", "/api/sql", `{"sql":"SHOW TABLES"}`); w.Code != 200 || !strings.Contains(w.Body.String(), `"row_count":4`) {
		t.Errorf("one that needs no time: %d %s", w.Code, w.Body)
	}
	for _, c := range []struct {
		key, method, path string
		status            int
	}{
		{"nobody", "GET", place, 401},
		{"erase", "GET", place, 403},
		{"small-read", "GET", place, 403}, // rows that a report would hide
		{"small-pii", "GET", place, 404},  // another project's
		{"read", "GET", "/api/queries/other", 404},
		{"read", "GET", "/api/queries/" + slowID + "?limit=no", 400},
		{"read", "GET", "/api/queries/" + slowID + "?report=insights&spec=no!&at=1", 400},
		{"read", "GET", "/api/queries/" + slowID + "?report=insights&at=x&spec=q1YqVrKqBQA", 400},
		{"read", "POST", place, 405},
		{"nobody", "DELETE", place, 401},
		{"erase", "DELETE", place, 403},
		{"small-pii", "DELETE", place, 404},
		{"read", "DELETE", "/api/queries/other", 404},
		{"read", "DELETE", place, 204},
	} {
		if w := s.send(t, c.key, c.method, c.path, ""); w.Code != c.status {
			t.Errorf("%s %s by %s: %d, want %d: %s", c.method, c.path, c.key, w.Code, c.status, w.Body)
		}
	}
	if s.cancelled != 1 {
		t.Errorf("ended %d times", s.cancelled)
	}
}

// Where statements are answered at once there is nothing to end.
func TestCancelAtOnce(t *testing.T) {
	r := httptest.NewRequestWithContext(t.Context(), http.MethodDelete, "/api/queries/"+slowID, nil)
	r.Header.Set("Authorization", "Bearer read")
	w := httptest.NewRecorder()
	handler(nil).ServeHTTP(w, r)
	if w.Code != 404 || !strings.Contains(w.Body.String(), "answered at once") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// The place of a report gives what the report would have given.
func TestSlowReport(t *testing.T) {
	const spec = `{"from":"2026-11-01","to":"2026-11-03","series":[{"event":"Page View"}],"interval":"total"}`
	s := &slow{}
	w := s.send(t, "read", "POST", "/api/reports/insights", spec)
	place := w.Header().Get("Location")
	if w.Code != http.StatusAccepted || !strings.HasPrefix(place, "/api/queries/"+slowID+"?") || !strings.Contains(place, "report=insights") {
		t.Fatalf("%d to %q: %s", w.Code, place, w.Body)
	}
	s.done = true
	direct, later := s.send(t, "read", "POST", "/api/reports/insights", spec), s.send(t, "read", "GET", place, "")
	if direct.Code != 200 || later.Code != 200 || direct.Body.String() != later.Body.String() || !strings.Contains(later.Body.String(), "Page View") {
		t.Errorf("%d %s\nwant %d %s", later.Code, later.Body, direct.Code, direct.Body)
	}
}

// Whoever goes away takes the statement along; and where groups are hidden, no place is
// given by which they could be seen.
func TestSlowAndGone(t *testing.T) {
	s := &slow{}
	h := query.New(query.Deps{Registry: registry{}, Engine: s, Now: clock()})
	gone, leave := context.WithCancel(t.Context())
	leave()
	r := httptest.NewRequestWithContext(gone, "POST", "/api/sql", strings.NewReader(`{"sql":"SELECT 7 AS n"}`))
	r.Header.Set("Authorization", "Bearer read")
	h.ServeHTTP(httptest.NewRecorder(), r)
	if s.stopped != 1 {
		t.Errorf("a statement that nobody waits for was ended %d times", s.stopped)
	}
	s = &slow{engine: func(context.Context, string, string, report.Limits) (report.Result, error) {
		return report.Result{}, fault.New(fault.Timeout, "too slow")
	}}
	const spec = `{"from":"2026-11-01","to":"2026-11-03","series":[{"event":"Page View"}]}`
	if w := s.send(t, "small-read", "POST", "/api/reports/insights", spec); w.Code != 504 || w.Header().Get("Location") != "" {
		t.Errorf("%d to %q: %s", w.Code, w.Header().Get("Location"), w.Body)
	}
}
