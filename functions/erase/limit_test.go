package erase_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"loch/functions/erase"
	"loch/shared/audit"
	"loch/shared/profile"
	"loch/shared/web"
)

// limited is the world behind a limit of 60 a minute, and its clock.
func limited(w *world) (ask func(method, path string) *httptest.ResponseRecorder, pass func(time.Duration)) {
	now := time.UnixMilli(noonMS)
	d := w.deps()
	d.Limit = web.NewRateLimit(func() time.Time { return now })
	h := erase.New(d)
	return func(method, path string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/api/profiles/"+path, nil)
		r.Header.Set("Authorization", "Bearer erase")
		got := httptest.NewRecorder()
		h.ServeHTTP(got, r)
		return got
	}, func(t time.Duration) { now = now.Add(t) }
}

// Whoever may erase cannot try e-mails without end: each search takes a turn,
// whether anybody is found or not, and past the last turn there is no telling.
func TestSearchesAreLimited(t *testing.T) {
	for _, c := range []struct {
		method, found, nobody string
		missing               int
	}{
		{http.MethodDelete, "ann@x.test?by=email&dry_run=true", "no@x.test?by=email&dry_run=true", 200},
		{http.MethodDelete, "ann-lee?dry_run=true", "no?dry_run=true", 200},
		{http.MethodDelete, "ann@x.test?by=email", "no@x.test?by=email", 200},
		{http.MethodDelete, "ann-lee", "no", 200},
		{http.MethodGet, "ann@x.test/export?by=email", "no@x.test/export?by=email", 404},
		{http.MethodGet, "ann-lee/export", "no/export", 404},
	} {
		w := newWorld()
		ask, pass := limited(w)
		for i := range 60 {
			if got := ask(c.method, c.nobody); got.Code != c.missing {
				t.Fatalf("%s %s, time %d: %d %s", c.method, c.nobody, i, got.Code, got.Body)
			}
		}
		nobody, found := ask(c.method, c.nobody), ask(c.method, c.found)
		if nobody.Code != 429 || found.Code != 429 || nobody.Body.String() != found.Body.String() || len(w.steps) > 0 {
			t.Errorf("%s %s: %d %s, %d %s, did %v", c.method, c.found, nobody.Code, nobody.Body, found.Code, found.Body, w.steps)
		}
		pass(time.Second)
		if got := ask(c.method, c.found); got.Code != 200 {
			t.Errorf("%s %s, a second later: %d %s", c.method, c.found, got.Code, got.Body)
		}
	}
}

// At the rate that is allowed erasing goes on, and sending again does no harm.
func TestErasingAtTheRate(t *testing.T) {
	w := newWorld()
	ask, pass := limited(w)
	for i := range 200 {
		want := `"erased":false`
		if i == 0 {
			want = `"erased":true`
		}
		if got := ask(http.MethodDelete, "ann-lee"); got.Code != 200 || !strings.Contains(got.Body.String(), want) {
			t.Fatalf("time %d: %d %s", i, got.Code, got.Body)
		}
		pass(time.Second)
	}
	if got := ask(http.MethodDelete, "bob"); got.Code != 200 || len(w.ledger) != 4 {
		t.Errorf("%d %s, ledger %s", got.Code, got.Body, w.ledgerText())
	}
	w.gone(t, false, false, ann, phone, laptop, bob)
}

// A request that is refused for its form tells of nobody, and takes no turn.
func TestBadRequestsTakeNoTurn(t *testing.T) {
	ask, _ := limited(newWorld())
	for range 100 {
		ask(http.MethodDelete, "ann-lee?suppres=true")
		ask(http.MethodGet, "ann-lee/export?by=phone")
	}
	if got := ask(http.MethodDelete, "ann-lee"); got.Code != 200 {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}

// Whom a dry run finds, it finds on the record: a row for each, with the reason
// and without the identifier, before anything is told.
func TestDryRunsAreAudited(t *testing.T) {
	w := newWorld()
	w.emails["ann@x.test"] = []string{ann, bob}
	w.people[bob] = profile.Profile{ID: bob, Traits: []profile.Trait{{Name: "$email", Value: []byte(`"ann@x.test"`)}}}
	got := w.delete("ann@x.test?by=email&dry_run=true&why=ANN@x.test+wrote", "")
	if got.Code != 200 || len(w.ledger) != 2 {
		t.Fatalf("%d %s, ledger %s", got.Code, got.Body, w.ledgerText())
	}
	for i, id := range []string{ann, bob} {
		if e := w.ledger[i]; e.Kind != audit.Read || e.Person != id || e.Key != "erase" || e.Project != "shop" || e.Why != "[id] wrote" {
			t.Errorf("%+v", e)
		}
	}
	w.delete("no@x.test?by=email&dry_run=true", "")
	if !slices.Equal(w.steps, []string{"read", "read"}) {
		t.Errorf("did %v", w.steps)
	}
	w = newWorld()
	w.failAt = 1
	if got := w.delete("ann-lee?dry_run=true", ""); got.Code != 503 || strings.Contains(got.Body.String(), ann) {
		t.Errorf("told without a row: %d %s", got.Code, got.Body)
	}
}
