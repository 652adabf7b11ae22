package query_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"loch/functions/query"
	"loch/shared/fault"
	"loch/shared/schema"
)

// facts is a schema.Source made of one function.
type facts func(project, event string) ([]schema.Fact, error)

func (f facts) Facts(ctx context.Context, project, event string) ([]schema.Fact, error) {
	if _, bounded := ctx.Deadline(); !bounded {
		return nil, fault.New(fault.Internal, "no deadline")
	}
	return f(project, event)
}

func askSchema(source schema.Source, key, method, path string) *httptest.ResponseRecorder {
	h := query.New(query.Deps{Registry: registry{}, Now: clock(), Schema: source})
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("Authorization", "Bearer "+key)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestSchema(t *testing.T) {
	source := facts(func(project, event string) ([]schema.Fact, error) {
		switch {
		case project == "small" || project == "shop" && (event == "" || event == "Sign Up"):
			return []schema.Fact{{Kind: schema.OfEvent, Event: "Sign Up", Type: "event", Count: 2, Persons: 2}}, nil
		case event == "broken":
			return nil, fault.New(fault.Unavailable, "gone")
		}
		return nil, nil
	})
	const seen = `"name":"Sign Up","kind":"event","count":2,"first_seen":"1970-01-01T00:00:00Z","last_seen":"1970-01-01T00:00:00Z"}`
	const rest = `"properties":[],"left_out":{"events":0,"properties":0}}`
	for _, c := range []struct {
		key, method, path string
		status            int
		body              string
	}{
		{"read", "GET", "/api/schema", 200, `{"events":[{` + seen + `],` + rest},
		{"read", "GET", "/api/schema?event=Sign+Up", 200, `{"event":{` + seen + `,` + rest},
		{"small-read", "GET", "/api/schema", 200, `{"events":[{"name":"Sign Up","kind":"event","hidden":true}],` + rest},
		{"small-pii", "GET", "/api/schema", 200, `{"events":[{` + seen + `],` + rest},
		{"read", "GET", "/api/schema?event=Other", 404, `no event of this name`},
		{"read", "GET", "/api/schema?event=broken", 503, `gone`},
		{"read", "GET", "/api/schema?event=", 400, `"field":"event"`},
		{"read", "GET", "/api/schema?event=" + strings.Repeat("x", 1001), 400, `"field":"event"`},
		{"read", "GET", "/api/schema?events=A", 400, `no such parameter`},
		{"none", "GET", "/api/schema", 401, `not known`},
		{"erase", "GET", "/api/schema", 403, `scope`},
		{"read", "POST", "/api/schema", 405, `with GET`},
	} {
		w := askSchema(source, c.key, c.method, c.path)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.body) {
			t.Errorf("%s %s %.60s: %d %s", c.key, c.method, c.path, w.Code, w.Body)
		}
	}
	if w := askSchema(nil, "read", http.MethodGet, "/api/schema"); w.Code != 404 {
		t.Errorf("without a source: %d %s", w.Code, w.Body)
	}
}
