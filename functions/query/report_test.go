package query_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"loch/functions/query"
	"loch/shared/fault"
	"loch/shared/report"
	"loch/shared/sql"
)

const spec = `{"from":"2026-11-01","to":"2026-11-02","series":[{"event":"A"}]}`

func askReport(h http.Handler, key, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+key)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// counting is an engine's answer to spec: 12 on the second day.
func counting(context.Context, string, string, report.Limits) (report.Result, error) {
	n := json.Number("12.000000000")
	return report.Result{Rows: [][]any{{json.Number("0"), json.Number("1"), nil, n, nil}, {json.Number("0"), nil, nil, n, nil}}}, nil
}

func TestReport(t *testing.T) {
	w := askReport(handler(func(ctx context.Context, project, statement string, l report.Limits) (report.Result, error) {
		if project != "shop" || !strings.Contains(statement, "event = 'A'") || l.Rows != report.MaxRows {
			t.Errorf("asked %s %s %v", project, statement, l)
		}
		return counting(ctx, project, statement, l)
	}), "read", "/api/reports/insights", spec)
	const want = `{"series":[{"name":"A","segment":null,"points":[{"t":"2026-11-01","v":0},{"t":"2026-11-02","v":12}],"total":12}]}` + "\n"
	if w.Code != 200 || w.Body.String() != want || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v\ngot  %swant %s", w.Code, w.Header(), w.Body, want)
	}
}

func TestReportRefuses(t *testing.T) {
	never := func(context.Context, string, string, report.Limits) (report.Result, error) {
		t.Error("the engine was asked")
		return report.Result{}, nil
	}
	for _, c := range []struct {
		key, path, body string
		status          int
		field           string
	}{
		{"none", "insights", spec, 401, ""},
		{"erase", "insights", spec, 403, ""},
		{"read", "pies", spec, 404, ""},
		{"read", "insights", `{`, 400, ""},
		{"read", "insights", `{"from":"2026-11-01","to":"2026-11-02","series":[{"event":"A"},{"event":"A","measure":"mean"}]}`, 400, "series[1].measure"},
		{"read", "insights", strings.Replace(spec, "series", "serie", 1), 400, "serie"},
		{"read", "insights", strings.Repeat(" ", report.MaxSpecBytes+1), 413, ""},
		{"read", "insights?explain=plan", spec, 400, "explain"},
	} {
		w := askReport(handler(never), c.key, "/api/reports/"+c.path, c.body)
		var body struct{ Error struct{ Field string } }
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != c.status || body.Error.Field != c.field {
			t.Errorf("%s %s %.60s: %d %s, want %d at %q", c.key, c.path, c.body, w.Code, w.Body, c.status, c.field)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/api/reports/insights", nil)
	w := httptest.NewRecorder()
	handler(never).ServeHTTP(w, r)
	if w.Code != 405 || w.Header().Get("Allow") != "POST" {
		t.Errorf("GET: %d %v", w.Code, w.Header())
	}
}

func TestReportExplains(t *testing.T) {
	h := query.New(query.Deps{Registry: registry{}, Now: clock(), Dialect: sql.Trino})
	w := askReport(h, "read", "/api/reports/insights?explain=sql", spec)
	var body struct {
		SQL     string
		Columns []report.Meaning
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != 200 || !strings.Contains(body.SQL, "date_diff('millisecond'") || len(body.Columns) != 5 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// measuring is an engine that can tell what there is to read.
type measuring struct {
	engine
	bytes int64
	asked report.Reading
}

func (m *measuring) Measure(_ context.Context, project string, r report.Reading) (report.Measured, error) {
	if project != "shop" {
		return report.Measured{}, errors.New("another project")
	}
	m.asked = r
	return report.Measured{Files: 3, Bytes: m.bytes, Columns: []report.ColumnBytes{{Name: "event", Bytes: m.bytes}}}, nil
}

// TestReportCost holds that a report is priced by what it would read, ten megabytes
// at least, and that an engine that cannot tell is no error of the server.
func TestReportCost(t *testing.T) {
	const byCountry = `{"from":"2026-11-01","to":"2026-11-02","series":[{"event":"A"}],"breakdown":[{"property":"country"}]}`
	for _, c := range []struct {
		bytes int64
		want  string
	}{
		{100, `"scanned_bytes":200,"billed_bytes":10485760,"usd":0.000047684}`},
		{1 << 39, `"scanned_bytes":1099511627776,"billed_bytes":1099511627776,"usd":5}`},
		{5<<20 + 1, `"scanned_bytes":10485762,"billed_bytes":11534336,"usd":0.000052452}`},
	} {
		e := &measuring{bytes: c.bytes}
		w := askReport(query.New(query.Deps{Registry: registry{}, Now: clock(), Engine: e}), "read", "/api/reports/insights?explain=cost", byCountry)
		if w.Code != 200 || !strings.HasSuffix(strings.TrimSpace(w.Body.String()), c.want) || !strings.Contains(w.Body.String(), `"from":"2026-11-01","to":"2026-11-02","files":3,`) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if e.asked.Looks != 2 {
			t.Errorf("asked to measure %+v", e.asked)
		}
	}
	w := askReport(handler(nil), "read", "/api/reports/insights?explain=cost", spec)
	if w.Code != 400 || !strings.Contains(w.Body.String(), "Athena tells") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestReportHidesFew holds that a key that may not see people may not count small
// groups of them, and that one that may sees all.
func TestReportHidesFew(t *testing.T) {
	const bySegment = `{"from":"2026-11-01","to":"2026-11-01","series":[{"event":"A"}],"breakdown":[{"property":"country"}],"interval":"total"}`
	number := func(n int) json.Number { return json.Number(fmt.Sprint(n)) }
	engine := func(_ context.Context, _, statement string, _ report.Limits) (report.Result, error) {
		var rows [][]any
		for i, s := range []struct {
			key             string
			events, persons int
		}{{"tDE", 90, 30}, {"tFR", 40, 6}, {"tNO", 9, 2}} {
			rows = append(rows, []any{number(0), nil, nil, number(i + 1), s.key, number(s.events), nil})
			if strings.Contains(statement, "SELECT 2 AS pass") {
				rows = append(rows, []any{number(2), nil, nil, number(i + 1), s.key, number(s.persons), nil})
			}
		}
		if strings.Contains(statement, "SELECT 2 AS pass") {
			rows = append(rows, []any{number(2), nil, nil, nil, nil, number(38), nil})
		}
		return report.Result{Rows: rows}, nil
	}
	w := askReport(handler(engine), "small-read", "/api/reports/insights", bySegment)
	if body := w.Body.String(); w.Code != 200 || !strings.Contains(body, `"DE"`) || strings.Contains(body, `"NO"`) || strings.Contains(body, `"FR"`) || !strings.Contains(body, `"hidden":2`) {
		t.Errorf("%d %s", w.Code, body)
	}
	w = askReport(handler(engine), "small-pii", "/api/reports/insights", bySegment)
	if body := w.Body.String(); w.Code != 200 || !strings.Contains(body, `"NO"`) || strings.Contains(body, "hidden") {
		t.Errorf("%d %s", w.Code, body)
	}
}

func TestReportIsKept(t *testing.T) {
	var asked atomic.Int32
	version, fails := "1", false
	h := query.New(query.Deps{Registry: registry{}, Now: clock(),
		Version: func(context.Context, string) (string, error) { return version, nil },
		Engine: engine(func(ctx context.Context, p, s string, l report.Limits) (report.Result, error) {
			asked.Add(1)
			if fails {
				return report.Result{}, fault.New(fault.Unavailable, "gone")
			}
			return counting(ctx, p, s, l)
		})})
	ask := func(body string, want int32) {
		t.Helper()
		w := askReport(h, "read", "/api/reports/insights", body)
		if !fails && (w.Code != 200 || !strings.Contains(w.Body.String(), `"total":12`)) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if n := asked.Load(); n != want {
			t.Errorf("the engine was asked %d times, want %d", n, want)
		}
	}
	ask(spec, 1)
	ask(spec, 1)
	// A name is not in the statement, but in the answer.
	renamed := strings.Replace(spec, `"event":"A"`, `"event":"A","name":"other"`, 1)
	ask(renamed, 1)
	if w := askReport(h, "read", "/api/reports/insights", renamed); !strings.Contains(w.Body.String(), `"name":"other"`) {
		t.Errorf("%s", w.Body)
	}
	ask(strings.ReplaceAll(spec, "-02", "-03"), 2)
	version = "2"
	ask(spec, 3)
	version = "" // nobody knows
	ask(spec, 4)
	ask(spec, 5)
	version, fails = "3", true
	ask(spec, 6)
	ask(spec, 7) // a failure is not kept
	fails = false
	ask(spec, 8)
	ask(spec, 8)
}

// TestReportIsRunOnce holds that what several ask for at once is run once, goes on
// when the first of them leaves, and is cancelled with the last.
func TestReportIsRunOnce(t *testing.T) {
	var asked atomic.Int32
	started, release, cancelled := make(chan struct{}), make(chan struct{}), make(chan struct{})
	h := query.New(query.Deps{Registry: registry{}, Now: clock(),
		Engine: engine(func(ctx context.Context, p, s string, l report.Limits) (report.Result, error) {
			if asked.Add(1) == 1 {
				close(started)
			}
			select {
			case <-release:
				return counting(ctx, p, s, l)
			case <-ctx.Done():
				close(cancelled)
				return report.Result{}, ctx.Err()
			}
		})})
	ask := func(ctx context.Context) int {
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/api/reports/insights", strings.NewReader(spec))
		r.Header.Set("Authorization", "Bearer read")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	first, leave := context.WithCancel(t.Context())
	second, leaveToo := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		if code := ask(first); code != 499 {
			t.Errorf("who left got %d", code)
		}
	})
	<-started
	joined := make(chan int, 1)
	all.Go(func() { joined <- ask(second) })
	query.AwaitWaiting(h, 2)
	leave()
	query.AwaitWaiting(h, 1)
	close(release)
	if code := <-joined; code != 200 || asked.Load() != 1 {
		t.Errorf("%d after %d runs", code, asked.Load())
	}
	all.Wait()

	release = make(chan struct{})
	third, leaveLast := context.WithCancel(t.Context())
	all.Go(func() { ask(third) })
	query.AwaitWaiting(h, 1)
	leaveLast()
	<-cancelled
	all.Wait()
	leaveToo()
}

// TestReportEngineFails holds that what the engine says of a statement that we
// wrote is not put to the client.
func TestReportEngineFails(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
	}{
		{fault.New(fault.Invalid, "Binder Error: secret"), 500},
		{fault.New(fault.TooLarge, "out of memory"), 413},
		{fault.New(fault.Timeout, "too slow"), 504},
		{errors.New("secret of the lake"), 500},
	} {
		w := askReport(handler(func(context.Context, string, string, report.Limits) (report.Result, error) {
			return report.Result{}, c.err
		}), "read", "/api/reports/insights", spec)
		if w.Code != c.status || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%v: %d %s", c.err, w.Code, w.Body)
		}
	}
	for name, rows := range map[string][][]any{"few columns": {{json.Number("0")}}, "no number": {{"x", nil, nil, nil, nil}}} {
		w := askReport(handler(func(context.Context, string, string, report.Limits) (report.Result, error) {
			return report.Result{Rows: rows}, nil
		}), "read", "/api/reports/insights", spec)
		if w.Code != 500 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	w := askReport(handler(func(context.Context, string, string, report.Limits) (report.Result, error) {
		return report.Result{Truncated: true}, nil
	}), "read", "/api/reports/insights", spec)
	if w.Code != 413 || !strings.Contains(w.Body.String(), "fewer days") {
		t.Errorf("too many rows: %d %s", w.Code, w.Body)
	}
}
