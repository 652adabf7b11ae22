package query_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"loch/functions/query"
	"loch/shared/fault"
	"loch/shared/project"
	"loch/shared/report"
)

// registry knows the keys "read" and "erase" and the service account "svc.user".
type registry struct{ project.Registry }

var shop = project.Project{ID: "shop"}

func (registry) ByKey(_ context.Context, key string) (project.Key, error) {
	switch key {
	case "read", "erase":
		return project.Key{Project: shop, Scope: project.Scope(key), Name: key}, nil
	case "small-read", "small-pii":
		p := project.Project{ID: "small", Settings: project.Settings{Timezone: "Europe/Berlin", Privacy: project.Privacy{MinCell: 5}}}
		return project.Key{Project: p, Scope: project.Scope(key[len("small-"):]), Name: key}, nil
	}
	return project.Key{}, fault.New(fault.Unauthorized, "no such key")
}

func (registry) ByServiceAccount(_ context.Context, username, secret string) (project.Project, error) {
	switch {
	case username == "svc.user" && secret == "svcsecret":
		return shop, nil
	case username == "svc.small":
		return project.Project{ID: "small", Settings: project.Settings{Privacy: project.Privacy{MinCell: 5}}}, nil
	case username == "svc.down":
		return project.Project{}, fault.New(fault.Unavailable, "the registry cannot be reached")
	}
	return project.Project{}, fault.New(fault.Unauthorized, "no such account")
}

// engine is a report.Engine made of one function.
type engine func(ctx context.Context, project, statement string, l report.Limits) (report.Result, error)

func (e engine) Query(ctx context.Context, project, statement string, l report.Limits) (report.Result, error) {
	return e(ctx, project, statement, l)
}

func clock() func() time.Time {
	var asked atomic.Int64
	began := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	return func() time.Time { return began.Add(time.Duration(asked.Add(1)) * 7 * time.Millisecond) }
}

func handler(e engine) http.Handler {
	return query.New(query.Deps{Registry: registry{}, Engine: e, Now: clock()})
}

func ask(h http.Handler, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/api/sql", strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer read")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func Example() {
	// The engine of a real server is DuckDB's; this one always finds the same.
	found := engine(func(context.Context, string, string, report.Limits) (report.Result, error) {
		return report.Result{
			Columns:  []report.Column{{Name: "event", Type: "VARCHAR"}, {Name: "n", Type: "BIGINT"}},
			Rows:     [][]any{{"Sign Up", json.Number("9007199254740993")}, {"Page", 12}},
			RowCount: 2,
			Elapsed:  3 * time.Millisecond,
		}, nil
	})
	h := query.New(query.Deps{Registry: registry{}, Engine: found, Now: clock()})

	r := httptest.NewRequest(http.MethodPost, "/api/sql",
		strings.NewReader(`{"sql":"SELECT event, count(*) AS n FROM events GROUP BY 1"}`))
	r.Header.Set("Authorization", "Bearer read")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output:
	// 200 {"columns":[{"name":"event","type":"VARCHAR"},{"name":"n","type":"BIGINT"}],"rows":[["Sign Up",9007199254740993],["Page",12]],"row_count":2,"truncated":false,"elapsed_ms":3}
}

func TestSQLHandsOnWhatWasAsked(t *testing.T) {
	for _, c := range []struct {
		body string
		rows int
	}{
		{`{"sql":"SELECT 'é' -- \"x\""}`, query.DefaultMaxRows},
		{`{"limit":5,"sql":"SELECT 'é' -- \"x\""}`, 5},
		{`{"sql":"SELECT 'é' -- \"x\"","limit":99999999}`, query.DefaultMaxRows},
	} {
		called := false
		w := ask(handler(func(ctx context.Context, p, statement string, l report.Limits) (report.Result, error) {
			called = true
			if _, bounded := ctx.Deadline(); !bounded {
				t.Error("no deadline")
			}
			if p != "shop" || statement != `SELECT 'é' -- "x"` || l != (report.Limits{Rows: c.rows, Time: query.DefaultMaxTime}) {
				t.Errorf("%s: asked %q %q %+v", c.body, p, statement, l)
			}
			return report.Result{Truncated: true}, nil
		}), c.body)
		want := `{"columns":[],"rows":[],"row_count":0,"truncated":true,"elapsed_ms":7}` + "\n"
		if !called || w.Code != 200 || w.Body.String() != want {
			t.Errorf("%s: %d %s", c.body, w.Code, w.Body)
		}
		if w.Header().Get("Cache-Control") != "no-store" {
			t.Error("the answer may be cached")
		}
	}
}

func TestSQLRefuses(t *testing.T) {
	h := handler(func(context.Context, string, string, report.Limits) (report.Result, error) {
		t.Error("the engine was asked")
		return report.Result{}, nil
	})
	for _, c := range []struct {
		name, body string
		status     int
		words      string
	}{
		{"nothing", ``, 400, "must be a JSON object"},
		{"SQL without JSON", `SELECT 1`, 400, "must be a JSON object"},
		{"a list", `[{"sql":"SELECT 1"}]`, 400, "must be a JSON object"},
		{"no statement", `{}`, 400, "there is no statement"},
		{"another field", `{"sql":"SELECT 1","limits":5}`, 400, `unknown field \"limits\"`},
		{"another case", `{"SQL":"SELECT 1"}`, 400, `unknown field \"SQL\"`},
		{"twice", `{"sql":"SELECT 1","sql":"SELECT 2"}`, 400, "twice"},
		{"empty", `{"sql":"  \n"}`, 400, "empty"},
		{"not a string", `{"sql":1}`, 400, "must be a string"},
		{"null", `{"sql":null}`, 400, "must be a string"},
		{"an object", `{"sql":{"sql":"SELECT 1"}}`, 400, "must be a string"},
		{"a NUL", `{"sql":"SELECT 1\u0000; DROP"}`, 400, "NUL"},
		{"bad UTF-8", "{\"sql\":\"\xff\"}", 400, "UTF-8"},
		{"more after it", `{"sql":"SELECT 1"} {"sql":"SELECT 2"}`, 400, "follows"},
		{"cut short", `{"sql":"SELECT 1"`, 400, "must be a JSON object"},
		{"limit of nothing", `{"sql":"SELECT 1","limit":0}`, 400, "whole number"},
		{"limit in text", `{"sql":"SELECT 1","limit":"5"}`, 400, "whole number"},
		{"half a limit", `{"sql":"SELECT 1","limit":1.5}`, 400, "whole number"},
		{"a huge limit", `{"sql":"SELECT 1","limit":1e30}`, 400, "whole number"},
		{"a long statement", `{"sql":"SELECT '` + strings.Repeat("x", 70_000) + `'"}`, 413, "at most 65536"},
		{"a huge body", `{"sql":"` + strings.Repeat("x", 1_000_000) + `"}`, 413, "size limit"},
		{"a long name", `{"` + strings.Repeat("é", 5000) + `":1}`, 400, "…"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := ask(h, c.body)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.words) || w.Body.Len() > 400 {
				t.Fatalf("%d %s, want %d with %s", w.Code, w.Body, c.status, c.words)
			}
		})
	}
}

func TestSQLKeysAndMethods(t *testing.T) {
	h := handler(func(context.Context, string, string, report.Limits) (report.Result, error) {
		t.Error("the engine was asked")
		return report.Result{}, nil
	})
	for _, c := range []struct {
		method, path, auth string
		status             int
		words              string
	}{
		{"POST", "/api/sql", "", 401, "credentials.json"},
		{"POST", "/api/sql", "Bearer nobody", 401, "not known"},
		{"POST", "/api/sql", "Bearer erase", 403, `needs \"read\"`},
		{"GET", "/api/sql", "Bearer read", 405, "with POST"},
		{"DELETE", "/api/2.0/export", "Bearer read", 405, "with GET"},
		{"GET", "/api/else", "Bearer read", 404, "POST /api/sql"},
	} {
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(`{"sql":"SELECT 1"}`))
		if c.auth != "" {
			r.Header.Set("Authorization", c.auth)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.words) {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Body)
		}
		if c.status == 405 && w.Header().Get("Allow") == "" {
			t.Errorf("%s %s: no Allow", c.method, c.path)
		}
	}
}

func TestSQLErrorsOfTheEngine(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		words  string
	}{
		{fault.New(fault.Invalid, "Parser Error: syntax error at position 8"), 400, "position 8"},
		{fault.New(fault.Forbidden, "only SELECT"), 403, "only SELECT"},
		{fault.New(fault.TooLarge, "out of memory"), 413, "memory"},
		{fault.New(fault.Timeout, "too slow"), 504, "too slow"},
		{fmt.Errorf("stopped: %w", context.DeadlineExceeded), 504, "time limit"},
		{errors.New("secret of the lake"), 500, "internal error"},
	} {
		w := ask(handler(func(context.Context, string, string, report.Limits) (report.Result, error) {
			return report.Result{}, c.err
		}), `{"sql":"SELECT 1"}`)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.words) || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%v: %d %s", c.err, w.Code, w.Body)
		}
	}
}

// TestSQLTimeLimit has an engine that never answers by itself.
func TestSQLTimeLimit(t *testing.T) {
	h := query.New(query.Deps{Registry: registry{}, Now: clock(), MaxTime: time.Millisecond,
		Engine: engine(func(ctx context.Context, _, _ string, _ report.Limits) (report.Result, error) {
			<-ctx.Done()
			return report.Result{}, ctx.Err()
		})})
	if w := ask(h, `{"sql":"SELECT 1"}`); w.Code != 504 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
}

// TestSQLClientGoesAway holds that a statement nobody waits for is cancelled.
func TestSQLClientGoesAway(t *testing.T) {
	started, cancelled := make(chan struct{}), make(chan struct{})
	srv := httptest.NewServer(handler(func(ctx context.Context, _, _ string, _ report.Limits) (report.Result, error) {
		close(started)
		<-ctx.Done()
		close(cancelled)
		return report.Result{}, ctx.Err()
	}))
	defer srv.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, srv.URL+"/api/sql", strings.NewReader(`{"sql":"SELECT 1"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer read")
	if resp, err := http.DefaultClient.Do(r); err == nil {
		_ = resp.Body.Close()
		t.Fatal("there was an answer")
	}
	<-cancelled
}
