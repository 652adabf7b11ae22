package lookup_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"loch/functions/lookup"
	"loch/shared/audit"
	"loch/shared/fault"
	"loch/shared/profile"
	"loch/shared/project"
	"loch/shared/web"
)

// registry knows one key for each scope, named like it.
type registry struct{ project.Registry }

func (registry) ByKey(_ context.Context, key string) (project.Key, error) {
	switch key {
	case "read", "pii", "erase":
		return project.Key{Project: project.Project{ID: "shop"}, Scope: project.Scope(key), Name: key}, nil
	}
	return project.Key{}, fault.New(fault.Unauthorized, "no such key")
}

// vault maps "kind value" to lake ids.
type vault map[string]string

func (v vault) Lookup(_ context.Context, project, kind, value string) (string, bool, error) {
	if project != "shop" {
		return "", false, errors.New("another project")
	}
	if value == "vault-down" {
		return "", false, fault.New(fault.Unavailable, "the vault cannot be reached")
	}
	id, ok := v[kind+" "+value]
	return id, ok, nil
}

func (vault) ByEmail(_ context.Context, _, email string) ([]string, error) {
	return map[string][]string{"jane.doe@example.com": {"gone", "old", jane}, "old@example.com": {"old"}}[email], nil
}

// OpenTraits opens a text that begins with "sealed:".
func (vault) OpenTraits(_ context.Context, _ string, owners []string, traits []profile.Trait) (opened []profile.Trait, names []string, err error) {
	for _, t := range traits {
		if text, ok := strings.CutPrefix(string(t.Value), `"sealed:`); ok {
			if len(owners) == 0 {
				continue
			}
			t.Value = json.RawMessage(`"` + text)
			names = append(names, t.Name)
		}
		opened = append(opened, t)
	}
	return opened, names, nil
}

// ledger keeps what is appended, or fails.
type ledger struct {
	entries []audit.Entry
	err     error
}

func (l *ledger) Append(_ context.Context, e audit.Entry) (audit.Entry, error) {
	if l.err == nil {
		l.entries = append(l.entries, e)
	}
	return e, l.err
}

type profiles map[string]profile.Profile

func (profiles) Whose(context.Context, string, []string) ([]string, error) {
	return nil, fault.New(fault.Internal, "nothing here writes profiles")
}

func (profiles) Linked(_ context.Context, _, id string) ([]string, error) { return []string{id}, nil }

func (profiles) Erase(context.Context, string, []string) error {
	return errors.New("a lookup erases nobody")
}

func (profiles) Apply(context.Context, profile.Changes) ([]profile.Refusal, error) {
	return nil, errors.New("a lookup writes nothing")
}

func (p profiles) Get(_ context.Context, project, id string) (profile.Profile, error) {
	if found, ok := p[id]; ok && project == "shop" {
		return found, nil
	}
	return profile.Profile{}, fault.New(fault.NotFound, "nothing is known of this id")
}

const jane = "0123456789abcdef0123456789abcdef"

func known() lookup.Deps {
	trait := func(name, value string) profile.Trait {
		return profile.Trait{Name: name, Value: json.RawMessage(value)}
	}
	return lookup.Deps{
		Registry: registry{}, Audit: &ledger{}, Limit: web.NewRateLimit(func() time.Time { return time.Unix(0, 0) }),
		Vault: vault{
			"user Jane/1 é": jane, "device d-1": jane, "user both": "u-lake", "device both": "d-lake",
			"user deleted": "gone", "device deleted": "d-lake", "group:company acme": "acme-lake", "user ..": "dots", "user $device:": "x",
		},
		Profiles: profiles{
			jane: {
				ID: jane, FirstSeenMS: 1795465174500, LastSeenMS: 1795468774000, UpdatedMS: 1795468774001,
				Traits: []profile.Trait{
					trait("plan", `"pro"`), trait("$email", `"sealed:jane.doe@example.com"`), trait("$name", `"sealed:Ada <b>"`),
					trait("big", `12345678901234567890123`), trait("$phone", `"+46701234567"`), trait("list", `[1.50,{"b":1,"a":"\ud800"}]`),
				},
				Place:  profile.Place{Country: "SE", Timezone: "Europe/Stockholm"},
				Device: profile.DeviceInfo{Browser: "Firefox", OS: "Linux", DeviceType: "desktop"},
			},
			"u-lake":    {ID: "u-lake"},
			"old":       {ID: "old", LastSeenMS: 1 << 60, Traits: []profile.Trait{trait("$email", `"sealed:new@example.com"`)}},
			"d-lake":    {ID: "d-lake"},
			"dots":      {ID: "dots"},
			"acme-lake": {ID: "acme-lake", GroupKey: "company", Traits: []profile.Trait{trait("seats", "5")}},
		},
	}
}

func get(h http.Handler, path, key string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func Example() {
	h := lookup.New(known())
	fmt.Print(get(h, "/api/profiles/$device:d-1", "read").Body)
	// Output:
	// {"distinct_id":"$device:d-1","person_id":"0123456789abcdef0123456789abcdef","first_seen":"2026-11-23T20:19:34.500Z","last_seen":"2026-11-23T21:19:34.000Z","updated":"2026-11-23T21:19:34.001Z","properties":{"plan":"pro","$email":"j…@e….com","$name":"A…","big":12345678901234567890123,"$phone":"+…","list":[1.50,{"b":1,"a":"\ud800"}]},"geo":{"country":"SE","region":null,"city":null,"timezone":"Europe/Stockholm"},"device":{"browser":"Firefox","os":"Linux","device_type":"desktop","device_brand":null,"device_model":null},"first_arrival":{"referrer_host":null,"channel":null,"source":null,"utm_source":null,"utm_medium":null,"utm_campaign":null,"utm_term":null,"utm_content":null,"click_id_kind":null}}
}

// An id may come in the query, whole, for servers that undo the escapes of a path.
func TestByQuery(t *testing.T) {
	h := lookup.New(known())
	for path, query := range map[string]string{
		"/api/profiles/Jane%2F1%20%C3%A9":        "/api/profile?id=Jane%2F1+%C3%A9",
		"/api/profiles/$device:d-1":              "/api/profile?id=$device:d-1",
		"/api/profiles/nobody":                   "/api/profile?id=nobody",
		"/api/profiles/d-1/events?by=phone":      "/api/profile/events?id=d-1&by=phone",
		"/api/profiles/$device:?by=email":        "/api/profile?by=email",
		"/api/profiles/%FF":                      "/api/profile?id=%FF",
		"/api/profiles/Jane%2F1%20%C3%A9?id=d-1": "/api/profile?id=Jane%2F1+%C3%A9",
	} {
		if a, b := get(h, path, "read"), get(h, query, "read"); a.Code != b.Code || a.Body.String() != b.Body.String() {
			t.Errorf("%s: %d %s\n%s: %d %s", path, a.Code, a.Body, query, b.Code, b.Body)
		}
	}
	d := known()
	d.Journeys = walk(jane, 3)
	h = lookup.New(d)
	if p := readPage(t, h, "/api/profile/events?id=d-1", "read"); len(p.Events) != 3 {
		t.Errorf("a journey by query: %+v", p)
	}
	if w := get(h, "/api/profile", "read"); w.Code != 400 || !strings.Contains(w.Body.String(), "empty") {
		t.Errorf("nobody asked for: %d %s", w.Code, w.Body)
	}
}

func TestClearOnlyForPII(t *testing.T) {
	h := lookup.New(known())
	w := get(h, "/api/profiles/Jane%2F1%20%C3%A9", "pii")
	const want = `"properties":{"plan":"pro","$email":"jane.doe@example.com","$name":"Ada <b>","big":12345678901234567890123,"$phone":"+46701234567",`
	if w.Code != 200 || !strings.Contains(w.Body.String(), want) || !strings.Contains(w.Body.String(), `{"distinct_id":"Jane/1 é",`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w.Header().Get("Cache-Control") != "no-store" {
		t.Error("a profile may be cached")
	}
	w = get(h, "/api/profiles/Jane%2F1%20%C3%A9", "read")
	for _, personal := range []string{"jane", "doe", "Ada", "4670"} {
		if strings.Contains(w.Body.String(), personal) {
			t.Errorf("the scope read sees %q: %s", personal, w.Body)
		}
	}
}

func TestWhichProfile(t *testing.T) {
	h := lookup.New(known())
	for _, c := range []struct{ path, want string }{
		{"Jane%2F1%20%C3%A9", jane},
		{"$device:d-1", jane},
		{jane, jane}, // by the lake id, as SQL has it
		{"%24device%3Ad-1", jane},
		{"d-1", jane},
		{"both", "u-lake"},         // the user comes first
		{"$device:both", "d-lake"}, // unless the device is asked for
		{"deleted", "d-lake"},      // a user whose profile is gone hides no device
		{"%2E%2E", "dots"},
		{"acme?group_key=company", "acme-lake"},
	} {
		w := get(h, "/api/profiles/"+c.path, "read")
		var got struct {
			PersonID string `json:"person_id"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 || got.PersonID != c.want {
			t.Errorf("%s: %d %s, want %s", c.path, w.Code, w.Body, c.want)
		}
	}
	w := get(h, "/api/profiles/acme?group_key=company", "read")
	want := `{"distinct_id":"acme","person_id":"acme-lake","group_key":"company","first_seen":null,"last_seen":null,"updated":null,"properties":{"seats":5},` +
		`"geo":{"country":null,"region":null,"city":null,"timezone":null},"device":{"browser":null,"os":null,"device_type":null,"device_brand":null,"device_model":null},"first_arrival":{"referrer_host":null,"channel":null,"source":null,"utm_source":null,"utm_medium":null,"utm_campaign":null,"utm_term":null,"utm_content":null,"click_id_kind":null}}` + "\n"
	if w.Body.String() != want {
		t.Errorf("got  %swant %s", w.Body, want)
	}
}

func TestRefusals(t *testing.T) {
	h := lookup.New(known())
	for _, c := range []struct {
		method, path, key string
		status            int
		words             string
	}{
		{"GET", "/api/profiles/both", "", 401, "credentials.json"},
		{"GET", "/api/profiles/both", "stranger", 401, "not known"},
		{"GET", "/api/profiles/both", "erase", 403, `needs \"read\"`},
		{"GET", "/api/profiles/Both", "read", 404, "case-sensitive"},
		{"GET", "/api/profiles/gone", "read", 404, "$device:ID"},
		{"GET", "/api/profiles/acme", "read", 404, "?group_key=KIND"},
		{"GET", "/api/profiles/acme?group_key=team", "read", 404, "group_key"},
		{"GET", "/api/profiles/", "read", 404, "URL-escaped"},
		{"GET", "/api/profiles/Jane/1", "read", 404, "%2F"},
		{"GET", "/api/profiles/$device:", "read", 400, "empty"},
		{"GET", "/api/profiles/%FF", "read", 400, "UTF-8"},
		{"GET", "/api/profiles/" + strings.Repeat("x", 2000), "read", 400, "2000 bytes"},
		{"GET", "/api/profiles/x?group_key=%FF", "read", 400, "group key"},
		{"GET", "/api/profiles/vault-down", "read", 503, "vault"},
		{"GET", "/api/profiles/both?by=name", "read", 400, "by=email"},
		{"GET", "/api/profiles/jane.doe@example.com?by=email", "read", 403, "pii"},
		{"GET", "/api/profiles/jane?by=email", "pii", 400, "no e-mail"},
		{"GET", "/api/profiles/old@example.com?by=email", "pii", 404, "by=email"}, // had once
		{"POST", "/api/profiles/both", "read", 405, "with GET"},
	} {
		r := httptest.NewRequest(c.method, c.path, nil)
		if c.key != "" {
			r.SetBasicAuth(c.key, "")
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.words) || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s %.60s: %d %s, want %d with %q", c.method, c.path, w.Code, w.Body, c.status, c.words)
		}
		if c.status == 404 && (strings.Contains(w.Body.String(), "gone") || strings.Contains(w.Body.String(), "Both")) {
			t.Errorf("the error repeats the id: %s", w.Body)
		}
	}
}

// TestLogNeverHasTheID puts an id, a trait and a key through the observed
// handler, over a real connection.
func TestLogNeverHasTheID(t *testing.T) {
	var log bytes.Buffer
	srv := httptest.NewServer(web.Observe(lookup.New(known()), web.ObserveOptions{
		Logger: slog.New(slog.NewJSONHandler(&log, nil)), Now: time.Now, Rand: rand.Reader,
	}))
	for _, path := range []string{"Jane%2F1%20%C3%A9", "Jane", "Jane/1", "vault-down", "acme?group_key=Jane"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/api/profiles/"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer pii")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	srv.Close()
	if n := strings.Count(log.String(), "\n"); n != 5 {
		t.Errorf("%d lines", n)
	}
	if !strings.Contains(log.String(), "/api/profiles/{distinct_id}") {
		t.Errorf("no route in %s", log.String())
	}
	for _, secret := range []string{"Jane", "jane", "vault-down", "pii", "company"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log has %q: %s", secret, log.String())
		}
	}
}

// Whoever opens personal data stands in the ledger before they see any, with
// what they opened and why; who sees masks does not.
func TestOpeningIsAudited(t *testing.T) {
	d := known()
	l := &ledger{}
	d.Audit = l
	h := lookup.New(d)
	r := httptest.NewRequest(http.MethodGet, "/api/profiles/d-1", nil)
	r.Header.Set("Authorization", "Bearer pii")
	r.Header.Set("X-Reason", "ticket 4711 of jane@example.com")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	get(h, "/api/profiles/d-1", "read")
	get(h, "/api/profiles/both", "pii") // holds nothing personal
	if len(l.entries) != 1 {
		t.Fatalf("%d entries", len(l.entries))
	}
	e := l.entries[0]
	if e.Kind != audit.Read || e.Key != "pii" || e.Person != jane || e.Project != "shop" || strings.Join(e.Fields, " ") != "$email $name $phone" || e.Why != "ticket 4711 of [email]" {
		t.Errorf("%+v", e)
	}
	l.err = fault.New(fault.Unavailable, "the ledger has no room")
	if w := get(h, "/api/profiles/d-1", "pii"); w.Code != 503 || strings.Contains(w.Body.String(), "jane") {
		t.Errorf("opened without an entry: %d %s", w.Code, w.Body)
	}
}

// However somebody is asked for, the ledger does not learn it from the reason,
// where an erasure could not take it out again.
func TestReasonHoldsNoID(t *testing.T) {
	long := strings.Repeat("x", 494)
	for _, c := range []struct{ path, reason, want string }{
		{"janedoe77", "ticket 9: JaneDoe77 cannot log in", "ticket 9: [id] cannot log in"},
		{"$device:d-1", "device d-1, or $device:d-1", "device [id], or [id]"},
		{"%24device%3Ad-1", "$device:d-1", "[id]"},
		{"Jane%2F1%20%C3%A9", "Jane/1 é asks", "[id] asks"},
		{"Jane%2F1%20%C3%A9", "see Jane%2F1%20%C3%A9", "see [id]"},
		{"Jane.Doe@example.com?by=email", "for jane.doe@example.com of joe@example.com", "for [id] of [email]"},
		{"janedoe77", long + " janedoe77", long + " [id]"},
		{"janedoe77", long + "99 janedoe77", long + "99 [id"}, // no part of it where the reason is cut
		{"janedoe77", strings.Repeat("janedoe77 ", 1000), "[too long]"},
		{"janedoe77", "", ""},
	} {
		for _, way := range []string{"header", "address"} {
			d, l := known(), &ledger{}
			d.Audit = l
			d.Vault.(vault)["user janedoe77"] = jane
			r := httptest.NewRequest(http.MethodGet, "/api/profiles/"+c.path, nil)
			r.Header.Set("Authorization", "Bearer pii")
			if way == "header" {
				r.Header.Set("X-Reason", c.reason)
			} else {
				q := r.URL.Query()
				q.Set("why", c.reason)
				r.URL.RawQuery = q.Encode()
			}
			w := httptest.NewRecorder()
			lookup.New(d).ServeHTTP(w, r)
			if w.Code != 200 || len(l.entries) != 1 || l.entries[0].Why != c.want {
				t.Errorf("%s, %.40q in the %s: %d %+v, want %q", c.path, c.reason, way, w.Code, l.entries, c.want)
			}
		}
	}
}

// A reason that is said in two places is none that anybody could rely on.
func TestReasonSaidTwice(t *testing.T) {
	for path, header := range map[string]string{"d-1?why=a": "b", "d-1?why=a&why=b": ""} {
		d, l := known(), &ledger{}
		d.Audit = l
		r := httptest.NewRequest(http.MethodGet, "/api/profiles/"+path, nil)
		r.Header.Set("Authorization", "Bearer pii")
		r.Header.Set("X-Reason", header)
		w := httptest.NewRecorder()
		lookup.New(d).ServeHTTP(w, r)
		if w.Code != 400 || !strings.Contains(w.Body.String(), `"field":"why"`) || len(l.entries) != 0 {
			t.Errorf("%s: %d %s, %+v", path, w.Code, w.Body, l.entries)
		}
	}
}

func TestByEmail(t *testing.T) {
	w := get(lookup.New(known()), "/api/profiles/Jane.Doe@Example.com?by=email", "pii")
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"person_id":"`+jane+`"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// A key that opens too many people has to wait; masks are not counted.
func TestLookupsAreLimited(t *testing.T) {
	d := known()
	now := time.Unix(0, 0)
	d.Limit = web.NewRateLimit(func() time.Time { return now })
	h := lookup.New(d)
	for i := range 60 {
		if w := get(h, "/api/profiles/d-1", "pii"); w.Code != 200 {
			t.Fatalf("look-up %d: %d %s", i, w.Code, w.Body)
		}
	}
	if w := get(h, "/api/profiles/d-1", "pii"); w.Code != 429 || !strings.Contains(w.Body.String(), "lookups_per_minute") {
		t.Errorf("the 61st: %d %s", w.Code, w.Body)
	}
	if w := get(h, "/api/profiles/d-1", "read"); w.Code != 200 {
		t.Errorf("masked: %d", w.Code)
	}
	now = now.Add(time.Second)
	if w := get(h, "/api/profiles/d-1", "pii"); w.Code != 200 {
		t.Errorf("a second later: %d", w.Code)
	}
}

// A search by e-mail takes a turn whether it finds somebody or not: a miss is an
// answer, too.
func TestSearchesByEmailAreLimited(t *testing.T) {
	h := lookup.New(known())
	for i := range 60 {
		if w := get(h, "/api/profiles/nobody@example.com?by=email", "pii"); w.Code != 404 {
			t.Fatalf("search %d: %d %s", i, w.Code, w.Body)
		}
	}
	if w := get(h, "/api/profiles/nobody@example.com?by=email", "pii"); w.Code != 429 {
		t.Errorf("the 61st: %d %s", w.Code, w.Body)
	}
}
