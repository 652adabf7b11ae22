package erase_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
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

func Example() {
	w := newWorld()
	fmt.Print(w.delete("ann-lee", `{"suppress":true,"why":"asked by letter of ann@x.test"}`).Body)
	fmt.Print(w.delete("ann-lee", `{"suppress":true}`).Body)
	fmt.Println(w.ledger[0].Kind, w.ledger[0].Person == ann, w.ledger[0].Why)
	// Output:
	// {"erased":true,"person_id":"a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1","identifiers":3,"suppressed":true,"rows":"kept under an id that nobody can tell","ledger_entry":1,"request_id":""}
	// {"erased":false,"suppressed":true,"message":"nothing is known of this id (any more); ids are case-sensitive, a device's may be written as $device:ID, and a group's needs group_key","request_id":""}
	// erase_begun true asked by letter of [email]
}

func TestOnlyTheScopeErase(t *testing.T) {
	for _, c := range []struct {
		key    string
		status int
	}{{"", 401}, {"stranger", 401}, {"read", 403}, {"pii", 403}, {"erase", 200}} {
		for _, route := range []struct{ method, path string }{{"DELETE", "/api/profiles/ann-lee"}, {"GET", "/api/profiles/ann-lee/export"}} {
			w := newWorld()
			if got := w.ask(route.method, route.path, c.key, ""); got.Code != c.status {
				t.Errorf("%s with %q: %d %s", route.method, c.key, got.Code, got.Body)
			}
			if c.status != 200 && len(w.steps) > 0 {
				t.Errorf("%s with %q did %v", route.method, c.key, w.steps)
			}
		}
	}
}

func TestErase(t *testing.T) {
	for name, c := range map[string]struct {
		path, body     string
		suppress, rows bool
		want           string
	}{
		"plain":         {"ann-lee", "", false, false, `"rows":"kept under an id that nobody can tell"`},
		"by body":       {"ann-lee", `{"remove_rows":true,"suppress":true}`, true, true, `"suppressed":true,"rows":"removed at the next compaction"`},
		"by parameters": {"ann-lee?suppress=true&remove_rows=1&why=x", "", true, true, `"rows":"removed at the next compaction"`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			got := w.delete(c.path, c.body)
			if got.Code != 200 || !strings.Contains(got.Body.String(), `"erased":true`) || !strings.Contains(got.Body.String(), c.want) {
				t.Fatalf("%d %s", got.Code, got.Body)
			}
			w.gone(t, c.suppress, c.rows, ann, phone, laptop)
			silent(t, "the answer", got.Body.String())
			silent(t, "the ledger", w.ledgerText())
			begun, done := w.ledger[0], w.ledger[1]
			if begun.Kind != audit.EraseBegun || begun.Key != "erase" || begun.Person != ann || begun.IDs[0] != ann || len(begun.IDs) != 3 ||
				begun.Suppress != c.suppress || begun.RemoveRows != c.rows {
				t.Errorf("begun: %+v", begun)
			}
			if done.Kind != audit.EraseDone || done.Begun != begun.Seq || done.Person != ann || len(done.IDs) != 3 {
				t.Errorf("done: %+v", done)
			}
			want := []string{"erase_begun", "vault", "profiles", "erase_done"}
			if c.rows {
				want = slices.Insert(want, 1, "rows")
			}
			if !slices.Equal(w.steps, want) {
				t.Errorf("the order is %v", w.steps)
			}
		})
	}
}

// An id may come in the query, whole, for servers that undo the escapes of a path.
func TestByQuery(t *testing.T) {
	w := newWorld()
	if got := w.ask("DELETE", "/api/profile?id=%24device%3Alaptop-88&suppress=true", "erase", ""); got.Code != 200 || !strings.Contains(got.Body.String(), `"erased":true`) {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	w.gone(t, true, false, ann, phone, laptop)
	path, query := newWorld().ask("GET", "/api/profiles/ann-lee/export", "erase", ""), newWorld().ask("GET", "/api/profile/export?id=ann-lee", "erase", "")
	if query.Code != 200 || query.Body.String() != path.Body.String() {
		t.Errorf("by path %s, by query %d %s", path.Body, query.Code, query.Body)
	}
}

func TestWhoIsErased(t *testing.T) {
	everybody := []string{ann, phone, laptop}
	for path, want := range map[string][]string{
		"ann-lee":                        everybody,
		"phone-77":                       everybody,
		"$device:phone-77":               everybody,
		"%24device%3Alaptop-88":          everybody,
		"laptop-88?by=device":            everybody,
		"ann-lee?by=user":                everybody,
		"ann-lee?by=id":                  everybody,
		"Ann@X.test?by=email":            everybody,
		ann + "?by=person":               everybody,
		phone:                            everybody, // a person_id needs no mark
		"kiosk-99":                       {kiosk},   // events, and no profile
		"acme-inc?group_key=company":     {acme},
		"acme-inc":                       nil,
		"acme-inc?group_key=team":        nil,
		"ANN-LEE":                        nil,
		"ann-lee?by=device":              nil,
		"$device:ann-lee":                nil,
		"nobody@x.test?by=email":         nil,
		strings.Repeat("9", 32):          nil,
		kiosk + "?by=person":             nil, // nobody can tell whether it ever was anybody's
		"old@x.test?by=email":            nil, // which is no longer ann's
		strings.ToUpper(ann):             nil,
		"ann-lee%2F":                     nil,
		"ann-lee%20":                     nil,
		"user%20ann-lee":                 nil,
		"$device:" + "$device:phone-77":  nil,
		"$device:phone-77?group_key=dev": nil,
	} {
		w := newWorld()
		w.emails["old@x.test"] = []string{ann}
		got := w.delete(path, "")
		erased := strings.Contains(got.Body.String(), `"erased":true`)
		if got.Code != 200 || erased != (want != nil) {
			t.Errorf("%s: %d %s", path, got.Code, got.Body)
		}
		w.gone(t, false, false, want...)
		if t.Failed() {
			t.Fatalf("by %s", path)
		}
	}
}

// An id that is a user's and a device's, never linked, leads to both.
func TestTwoReadings(t *testing.T) {
	w := newWorld()
	w.entries["device ann-lee"] = strings.Repeat("f1", 16)
	got := w.delete("ann-lee", "")
	if got.Code != 200 || !strings.Contains(got.Body.String(), `"people":[{"person_id":"`+ann+`","identifiers":3,"ledger_entry":1},{"person_id":"`+strings.Repeat("f1", 16)) {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if len(w.entries) != 3 || len(w.ledger) != 4 {
		t.Errorf("left %v, ledger %d", w.entries, len(w.ledger))
	}
}

func TestAnEmailOfSeveral(t *testing.T) {
	w := newWorld()
	w.emails["ann@x.test"] = []string{ann, bob}
	w.people[bob] = profile.Profile{ID: bob, Traits: []profile.Trait{{Name: "$email", Value: json.RawMessage(`["x@x.test","ANN@x.test"]`)}}}
	// Whoever asked has learned that the two are there, and that is in the ledger.
	for _, q := range []struct{ method, path, words string }{
		{"DELETE", "ann@x.test?by=email&why=letter+of+ann@x.test", "all=true"}, {"GET", "ann@x.test/export?by=email&why=letter+of+ann@x.test", "by=person"},
	} {
		w.steps, w.ledger = nil, nil
		got := w.ask(q.method, "/api/profiles/"+q.path, "erase", "")
		if got.Code != 409 || !strings.Contains(got.Body.String(), `2 people`) || !strings.Contains(got.Body.String(), q.words) {
			t.Fatalf("%d %s", got.Code, got.Body)
		}
		if !slices.Equal(w.steps, []string{"read", "read"}) {
			t.Errorf("did %v", w.steps)
		}
		for i, id := range []string{ann, bob} {
			if e := w.ledger[i]; e.Kind != audit.Read || e.Person != id || e.Key != "erase" || e.Why != "letter of [id]" || len(e.Fields) != 0 {
				t.Errorf("%s: %+v", q.method, e)
			}
		}
		w.steps, w.failAt = nil, 2
		if got := w.ask(q.method, "/api/profiles/"+q.path, "erase", ""); got.Code != 503 || strings.Contains(got.Body.String(), "people") {
			t.Errorf("told without a row: %d %s", got.Code, got.Body)
		}
		w.failAt = 0
	}
	w.steps, w.ledger = nil, nil
	if got := w.delete("ann@x.test?by=email&all=true", ""); got.Code != 200 {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	w.gone(t, false, false, ann, phone, laptop, bob)
	if !slices.Equal(w.steps[:2], []string{"erase_begun", "erase_begun"}) {
		t.Errorf("one was begun before the other was ordered: %v", w.steps)
	}
}

// TestEveryCrash fails and dies at each step, before and after it takes effect.
// What was ordered is done after Resume; what was not ordered never happened.
func TestEveryCrash(t *testing.T) {
	const steps = 5 // erase_begun, rows, vault, profiles, erase_done
	for at := 1; at <= steps; at++ {
		for _, after := range []bool{false, true} {
			for _, die := range []bool{false, true} {
				t.Run(fmt.Sprintf("step %d, after %v, die %v", at, after, die), func(t *testing.T) {
					w := newWorld()
					w.failAt, w.failAfter, w.die = at, after, die
					var got *httptest.ResponseRecorder
					func() {
						defer func() {
							if v := recover(); (v != nil) != die {
								t.Fatalf("panic: %v", v)
							}
						}()
						got = w.delete("ann-lee", `{"suppress":true,"remove_rows":true,"why":"letter"}`)
					}()
					if !die {
						want := 202
						if at == 1 {
							want = 503
						}
						if got.Code != want || at > 1 && !strings.Contains(got.Body.String(), `"erased":"pending"`) {
							t.Errorf("%d %s", got.Code, got.Body)
						}
						silent(t, "the answer", got.Body.String())
					}
					ordered := at > 1 || after
					if !ordered && len(w.graves)+len(w.removed)+len(w.suppressed) > 0 {
						t.Fatal("something was done before it was ordered")
					}
					w.failAt = 0
					done := at == steps && after
					want := 0
					if ordered && !done {
						want = 1
					}
					if n, err := erase.Resume(t.Context(), w.deps()); n != want || err != nil {
						t.Fatalf("resumed %d, want %d: %v", n, want, err)
					}
					if n, err := erase.Resume(t.Context(), w.deps()); n != 0 || err != nil {
						t.Errorf("resumed %d once more: %v", n, err)
					}
					if !ordered {
						w.gone(t, false, false)
						return
					}
					w.gone(t, true, true, ann, phone, laptop)
					last := w.ledger[len(w.ledger)-1]
					if last.Kind != audit.EraseDone || last.Begun != 1 || last.Key != "erase" || !last.Suppress || !last.RemoveRows {
						t.Errorf("%+v", last)
					}
					silent(t, "the ledger", w.ledgerText())
				})
			}
		}
	}
}

// What cannot be carried out holds nothing else up, and stays ordered.
func TestResumeGoesOn(t *testing.T) {
	w := newWorld()
	for i, id := range []string{ann, bob} {
		w.ledger = append(w.ledger, audit.Entry{Seq: uint64(i + 1), Project: "shop", Kind: audit.EraseBegun, Person: id, IDs: []string{id}, RemoveRows: id == ann})
	}
	d := w.deps()
	d.Rows = nil
	again := erase.NewResumer(d)
	for _, want := range []int{1, 0, 0} { // the first is tried each time
		if n, err := again.Resume(t.Context()); n != want || err == nil {
			t.Errorf("resumed %d, want %d, %v", n, want, err)
		}
	}
	if w.gone(t, false, false, bob); !w.graves[bob] {
		t.Error("the second was held up")
	}
	// A device that was linked after the order is the same person.
	if n, err := erase.Resume(t.Context(), w.deps()); n != 1 || err != nil {
		t.Errorf("resumed %d, %v", n, err)
	}
	all := erase.NewResumer(w.deps())
	for range 2 {
		if n, err := all.Resume(t.Context()); n != 0 || err != nil {
			t.Errorf("resumed %d, %v", n, err)
		}
	}
	w.ledger = append(w.ledger, audit.Entry{Seq: uint64(len(w.ledger) + 1), Project: "shop", Kind: audit.EraseBegun, Person: bob, IDs: []string{bob}})
	if n, err := all.Resume(t.Context()); n != 1 || err != nil {
		t.Errorf("what came later: resumed %d, %v", n, err)
	}
	w.removed[bob] = true // which was not asked for
	w.gone(t, false, true, ann, phone, laptop, bob)
}

// A device that is linked while the erasure runs goes, too.
func TestALateDevice(t *testing.T) {
	w := newWorld()
	late := strings.Repeat("d3", 16)
	w.entries["device late-1"] = late
	w.meanwhile = func(step string) {
		if step == "vault" {
			w.links[late] = ann
		}
	}
	got := w.delete("ann-lee", `{"remove_rows":true}`)
	if got.Code != 200 || !strings.Contains(got.Body.String(), `"identifiers":4`) {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	w.gone(t, false, true, ann, phone, laptop, late)
	if _, known := w.entries["device late-1"]; known || !slices.Contains(w.ledger[1].IDs, late) {
		t.Errorf("the late device stays: %+v", w.ledger)
	}
}

func TestTwice(t *testing.T) {
	w := newWorld()
	w.delete("ann-lee", "")
	steps := len(w.steps)
	for range 2 {
		got := w.delete("ann-lee", "")
		if got.Code != 200 || !strings.Contains(got.Body.String(), `"erased":false`) || !strings.Contains(got.Body.String(), "case-sensitive") {
			t.Errorf("%d %s", got.Code, got.Body)
		}
	}
	if len(w.steps) != steps {
		t.Errorf("the second did %v", w.steps[steps:])
	}
}

func TestSuppressTheUnknown(t *testing.T) {
	for path, want := range map[string][]string{
		"never-seen":                   {"user never-seen", "device never-seen"},
		"$device:never-seen":           {"device never-seen"},
		"never-seen?group_key=company": {"group:company never-seen"},
		"never@x.test?by=email":        nil,
		ann[:30] + "00?by=person":      nil,
	} {
		w := newWorld()
		got := w.delete(path, `{"suppress":true,"why":"never-seen wrote"}`)
		if got.Code != 200 || !strings.Contains(got.Body.String(), fmt.Sprintf(`"erased":false,"suppressed":%v`, want != nil)) {
			t.Errorf("%s: %d %s", path, got.Code, got.Body)
		}
		for _, key := range want {
			if !w.suppressed[key] {
				t.Errorf("%s: %s is not suppressed", path, key)
			}
		}
		if len(w.suppressed) != len(want) || strings.Contains(w.ledgerText(), "never") {
			t.Errorf("%s: %v, ledger %s", path, w.suppressed, w.ledgerText())
		}
		if want == nil {
			continue
		}
		if len(w.ledger) != 1 || w.ledger[0].Kind != audit.EraseDone || !w.ledger[0].Suppress {
			t.Errorf("%s: ledger %s", path, w.ledgerText())
		}
		if got = w.delete(path, `{"suppress":true}`); !strings.Contains(got.Body.String(), `"suppressed":true`) || len(w.ledger) != 1 {
			t.Errorf("%s, twice: %s, ledger %s", path, got.Body, w.ledgerText())
		}
		if n, err := erase.Resume(t.Context(), w.deps()); n != 0 || err != nil {
			t.Errorf("%s: resumed %d, %v", path, n, err)
		}
	}
}

// The rows of somebody who was erased can be removed later: the ledger still knows
// which lake ids they were, and nothing else does.
func TestRowsOfSomebodyErasedBefore(t *testing.T) {
	w := newWorld()
	w.delete("ann-lee", "")
	for _, path := range []string{ann, ann + "?by=person", "ann-lee?remove_rows=true", strings.Repeat("9", 32) + "?remove_rows=true",
		phone + "?by=user&remove_rows=true"} {
		if got := w.delete(path, ""); got.Code != 200 || !strings.Contains(got.Body.String(), `"erased":false`) {
			t.Errorf("%s: %d %s", path, got.Code, got.Body)
		}
	}
	if len(w.removed) != 0 {
		t.Fatalf("rows of %v go, unasked", w.removed)
	}
	got := w.delete(phone+"?by=person&remove_rows=true", "")
	if got.Code != 200 || !strings.Contains(got.Body.String(), `"identifiers":3`) || !strings.Contains(got.Body.String(), `"rows":"removed at the next compaction"`) {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	w.gone(t, false, true, ann, phone, laptop)
}

// An identifier whose first event comes while it is being suppressed is erased.
func TestSuppressWhileItArrives(t *testing.T) {
	w := newWorld()
	first := true
	w.meanwhile = func(step string) {
		if step == "suppress" && first {
			first = false
			w.entries["user late"] = strings.Repeat("f1", 16)
		}
	}
	got := w.delete("late?by=user", `{"suppress":true}`)
	if got.Code != 200 || !strings.Contains(got.Body.String(), `"erased":true`) || !w.suppressed["user late"] {
		t.Errorf("%d %s %v", got.Code, got.Body, w.suppressed)
	}
}

func TestDryRunDoesNothing(t *testing.T) {
	w := newWorld()
	w.rows = annsEvents(3)
	got := w.delete("ann-lee?dry_run=true", `{"suppress":true,"remove_rows":true}`)
	want := `{"erased":false,"dry_run":true,"person_id":"` + ann + `","identifiers":3,"suppressed":true,"rows":"removed at the next compaction",` +
		`"holds":{"traits":4,"first_seen":"2026-11-22T12:00:00.000Z","last_seen":"2026-11-23T12:00:00.000Z","events":3},` +
		`"message":"nothing was done; this is what would go","request_id":""}` + "\n"
	if got.Code != 200 || got.Body.String() != want {
		t.Errorf("got  %swant %s", got.Body, want)
	}
	w.delete("nobody?dry_run=true", `{"suppress":true}`)
	if !slices.Equal(w.steps, []string{"read"}) || len(w.suppressed) > 0 {
		t.Errorf("did %v", w.steps)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		method, path string
		status       int
		words        string
	}{
		{"DELETE", "/api/profiles/$device:", 400, "empty"},
		{"DELETE", "/api/profiles/%FF", 400, "UTF-8"},
		{"DELETE", "/api/profile", 400, "empty"},
		{"DELETE", "/api/profile?id=x&id=y", 400, "twice"},
		{"DELETE", "/api/profiles/x?id=y", 400, `"field":"id"`},
		{"GET", "/api/profile/export", 400, "empty"},
		{"POST", "/api/profile?id=x", 405, "with DELETE"},
		{"POST", "/api/profile/export?id=x", 405, "with GET"},
		{"DELETE", "/api/profiles/" + strings.Repeat("x", 2000), 400, "2000 bytes"},
		{"DELETE", "/api/profiles/x?group_key=%FF", 400, "group key"},
		{"DELETE", "/api/profiles/x?group_key=a&by=user", 400, "leave by out"},
		{"DELETE", "/api/profiles/x?by=phone", 400, "by=user"},
		{"DELETE", "/api/profiles/x?by=person", 400, "32 lower-case"},
		{"DELETE", "/api/profiles/x?by=email", 400, "e-mail"},
		{"DELETE", "/api/profiles/x?suppres=true", 400, `"field":"suppres"`},
		{"DELETE", "/api/profiles/x?suppress=yes", 400, `"field":"suppress"`},
		{"DELETE", "/api/profiles/x?suppress=true&suppress=true", 400, "twice"},
		{"DELETE", "/api/profiles/x?why=" + strings.Repeat("x", 501), 400, `"field":"why"`},
		{"DELETE", "/api/profiles/x?%zz", 400, "query string"},
		{"DELETE", "/api/profiles/acme-inc?group_key=company&remove_rows=true", 400, `"field":"remove_rows"`},
		{"DELETE", "/api/profiles/vault-down", 503, "vault"},
		{"GET", "/api/profiles/vault-down/export", 503, "vault"},
		{"GET", "/api/profiles/nobody/export", 404, "$device:ID"},
		{"GET", "/api/profiles/x/export?suppress=true", 400, `"field":"suppress"`},
		{"POST", "/api/profiles/x", 405, "with DELETE"},
		{"POST", "/api/profiles/x/export", 405, "with GET"},
		{"DELETE", "/api/profiles/a/b", 404, "%2F"},
		{"GET", "/api/profiles/a/b/export", 404, "%2F"},
	} {
		w := newWorld()
		got := w.ask(c.method, c.path, "erase", "")
		if got.Code != c.status || !strings.Contains(got.Body.String(), c.words) || got.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s %.60s: %d %s, want %d with %q", c.method, c.path, got.Code, got.Body, c.status, c.words)
		}
		if len(w.steps) > 0 {
			t.Errorf("%s %.60s did %v", c.method, c.path, w.steps)
		}
	}
	w := newWorld()
	d := w.deps()
	d.Rows = nil
	r := httptest.NewRequest(http.MethodDelete, "/api/profiles/ann-lee?remove_rows=true", nil)
	r.Header.Set("Authorization", "Bearer erase")
	got := httptest.NewRecorder()
	erase.New(d).ServeHTTP(got, r)
	if got.Code != 400 || len(w.steps) > 0 {
		t.Errorf("rows cannot be removed, and yet: %d %s", got.Code, got.Body)
	}
}

// TestNothingPersonalIsLogged puts identifiers everywhere, through the observed
// handler and over a real connection, failures included.
func TestNothingPersonalIsLogged(t *testing.T) {
	var log bytes.Buffer
	w := newWorld()
	w.rows = annsEvents(2)
	d := w.deps()
	d.Logger, d.Now = slog.New(slog.NewJSONHandler(&log, nil)), time.Now
	srv := httptest.NewServer(web.Observe(erase.New(d), web.ObserveOptions{Logger: d.Logger, Now: time.Now, Rand: rand.Reader}))
	w.failAt = 4 // the second export's entry is the first step; then erase_begun, vault and profiles
	for _, q := range []struct{ method, path, body string }{
		{"GET", "ann-lee/export", ""},
		{"DELETE", "ann-lee?by=ann-lee", ""},
		{"DELETE", "ann-lee?ann-lee=1", ""},
		{"DELETE", "ann-lee", `{"Ann Lee":1}`},
		{"DELETE", "ann-lee", `{"why":"phone-77 of Ann-Lee, ann@x.test"}`},
		{"DELETE", "ann-lee", ""},
		{"DELETE", "$device:phone-77", `{"suppress":true}`},
	} {
		r, err := http.NewRequestWithContext(t.Context(), q.method, srv.URL+"/api/profiles/"+q.path, strings.NewReader(q.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer erase")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	srv.Close()
	if n := strings.Count(log.String(), `"msg":"request"`); n != 7 || !strings.Contains(log.String(), "not done yet") {
		t.Errorf("%d lines: %s", n, log.String())
	}
	silent(t, "the log", log.String())
	// The ledger holds the reason, without what the asker was about; a device that
	// somebody named in prose is beyond it.
	ledger := strings.ReplaceAll(w.ledgerText(), "phone-77", "")
	silent(t, "the ledger", ledger)
	if !strings.Contains(ledger, "[id], [email]") {
		t.Errorf("no reason in %s", ledger)
	}
}
