package ingest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"loch/functions/ingest"
	"loch/shared/enrich"
	"loch/shared/event"
	"loch/shared/fault"
	"loch/shared/profile"
	"loch/shared/project"
	"loch/shared/vault"
	"loch/shared/vault/vaulttest"
	"loch/shared/web"
)

// sink keeps parcels, or fails when told to.
type sink struct {
	mu      sync.Mutex
	parcels []event.Parcel
	err     error
}

func (s *sink) Put(_ context.Context, p *event.Parcel) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	s.parcels = append(s.parcels, *p)
	return nil
}

func (s *sink) rows() (rows []event.Row, rejected []event.Rejected, received int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.parcels {
		rows, rejected, received = append(rows, p.Rows...), append(rejected, p.Rejected...), received+p.Receipt.Received
	}
	return rows, rejected, received
}

// people keeps changes, and refuses updates whose first trait is "refuse".
type people struct {
	mu       sync.Mutex
	changes  []profile.Changes // but for links
	links    []profile.Link
	asked    []profile.Merging
	merged   profile.Merged
	mergeErr error
	profiles map[string]profile.Profile // by lake id
}

func (p *people) Apply(_ context.Context, c profile.Changes) ([]profile.Refusal, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.links = append(p.links, c.Links...)
	if len(c.Links) > 0 {
		return nil, nil
	}
	p.changes = append(p.changes, c)
	var refused []profile.Refusal
	for _, u := range c.Updates {
		if len(u.Ops) > 0 && u.Ops[0].Name == "refuse" {
			refused = append(refused, profile.Refusal{Index: u.Index, Field: "$add", Reason: "not a number"})
		}
		if stored, ok := p.profiles[u.ID]; ok && stored.GroupKey != u.GroupKey {
			refused = append(refused, profile.Refusal{Index: u.Index, Field: profile.FieldGroupKey, Reason: "another kind"})
		}
	}
	return refused, nil
}

// Whose tells what the links that came say; the first stays.
func (p *people) Whose(_ context.Context, _ string, ids []string) ([]string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	whose := slices.Clone(ids)
	for i, id := range ids {
		for _, l := range p.links {
			if l.Device == id {
				whose[i] = l.User
				break
			}
		}
	}
	return whose, nil
}

func (p *people) Linked(_ context.Context, _, id string) ([]string, error) { return []string{id}, nil }

func (p *people) Erase(context.Context, string, []string) error { return nil }

func (p *people) Get(_ context.Context, _, id string) (profile.Profile, error) {
	if found, ok := p.profiles[id]; ok {
		return found, nil
	}
	return profile.Profile{}, fault.New(fault.NotFound, "none")
}

// projects knows the token T, the service account svc:secret, and nothing else.
type projects struct {
	mu      sync.Mutex
	groups  []string
	privacy project.Privacy
	listed  bool // only listed kinds of group
	addErr  error
	scheme  string
	err     error
	adding  func() // called when a kind of group is added
}

func (p *projects) find(ok bool) (project.Project, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return project.Project{}, p.err
	}
	if !ok {
		return project.Project{}, fault.New(fault.Unauthorized, "no project")
	}
	return project.Project{ID: "p", Token: "T", Settings: project.Settings{
		GroupKeys: p.groups, OnlyListedGroups: p.listed, Privacy: p.privacy, Identity: p.scheme,
	}}, nil
}

func (p *projects) ByToken(_ context.Context, t string) (project.Project, error) {
	return p.find(t == "T")
}

func (p *projects) ByServiceAccount(_ context.Context, user, secret string) (project.Project, error) {
	return p.find(user == "svc" && secret == "secret")
}

func (p *projects) ByKey(_ context.Context, key string) (project.Key, error) {
	of, err := p.find(key == "read" || key == "pii")
	return project.Key{Project: of, Scope: project.Scope(key), Name: key}, err
}

func (p *projects) AddGroupKey(_ context.Context, _, key string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.adding != nil {
		p.adding()
	}
	if p.addErr == nil {
		p.groups = append(p.groups, key)
	}
	return p.addErr
}

// bench is a handler with everything behind it in memory.
type bench struct {
	sink     *sink
	people   *people
	projects *projects
	log      *bytes.Buffer
	handler  http.Handler
	vault    *vault.Vault
	counters *web.Counters
	now      time.Time
	deps     ingest.Deps
}

// rebuild makes the handler anew with other means.
func (b *bench) rebuild(change func(*ingest.Deps)) {
	change(&b.deps)
	b.handler = web.Observe(ingest.New(b.deps), web.ObserveOptions{
		Logger: b.deps.Logger, Now: b.deps.Now, Rand: b.deps.Rand, Counters: b.counters,
	})
}

var now = time.Date(2026, 11, 23, 21, 0, 0, 0, time.UTC)

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{sink: &sink{}, people: &people{}, projects: &projects{}, log: &bytes.Buffer{}, now: now}
	clock := func() time.Time { return b.now }
	store := vaulttest.NewMemory()
	var err error
	if b.vault, err = vault.Open(t.Context(), store, vault.NewKeyFile(vault.MasterKey{7}), vault.Options{Rand: rand.Reader, Now: clock}); err != nil {
		t.Fatal(err)
	}
	enricher, err := enrich.New(enrich.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = enricher.Close() })
	logger := slog.New(slog.NewTextHandler(b.log, nil))
	counters := web.NewCounters()
	b.counters = counters
	b.deps = ingest.Deps{
		Registry: b.projects, Vault: b.vault, Enricher: enricher, Sink: b.sink, Profiles: b.people, Merger: b.people,
		Counters: counters, Logger: logger, Now: clock, Rand: rand.Reader,
	}
	b.rebuild(func(*ingest.Deps) {})
	return b
}

func (b *bench) send(method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.RemoteAddr = "8.8.8.8:1000"
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	return w
}

// Received = stored + rejected, whatever comes, and what is rejected is sealed.
func TestEveryRecordIsAccountedFor(t *testing.T) {
	for _, c := range []struct {
		name, target, body     string
		stored, rejected, code int
		answer                 string
	}{
		{"good", "/track", `[{"event":"a","properties":{"token":"T"}}]`, 1, 0, 200, "1"},
		{"two good, one bad", "/track", `[{"event":"a","properties":{"token":"T"}},{"event":1},{"event":"b","properties":{"token":"T"}}]`, 2, 1, 200, "1"},
		{"unknown token", "/track?verbose=1", `[{"event":"a","properties":{"token":"X"}}]`, 0, 1, 401, `{"error":"1 of 1`},
		{"no token", "/track", `[{"event":"a","properties":{}}]`, 0, 1, 401, `{"error":"1 of 1`},
		{"one token good, one unknown", "/track", `[{"event":"a","properties":{"token":"X"}},{"event":"a","properties":{"token":"T"}}]`, 1, 1, 200, "1"},
		{"future import", "/import?strict=1", `[{"event":"a","properties":{"token":"T","time":1895465174,"$insert_id":"i"}}]`, 0, 1, 400, `{"code":400`},
		{"undecodable", "/track", `data=%%%`, 0, 1, 200, "0"},
		{"empty", "/track", ``, 0, 1, 200, "0"},
		{"empty list", "/track", `[]`, 0, 0, 200, "1"},
		{"with a prefix", "/x7/track/", `{"event":"a","properties":{"token":"T"}}`, 1, 0, 200, "1"},
		{"short route", "/t", `{"event":"a","properties":{"token":"T"}}`, 1, 0, 200, "1"},
		{"too many", "/track", "[" + strings.Repeat(`{"event":"a"},`, 2000) + `{"event":"a"}]`, 0, 1, 413, "0"},
		{"too large", "/track", `{"event":"a","properties":{"x":"` + strings.Repeat("x", 10<<20) + `"}}`, 0, 1, 413, "0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			w := b.send("POST", c.target, c.body)
			rows, rejected, received := b.sink.rows()
			if len(rows) != c.stored || len(rejected) != c.rejected || received != len(rows)+len(rejected) {
				t.Errorf("stored %d, rejected %d, received %d", len(rows), len(rejected), received)
			}
			if w.Code != c.code || !strings.HasPrefix(w.Body.String(), c.answer) {
				t.Errorf("answer %d %.200q", w.Code, w.Body)
			}
			for _, r := range rejected {
				if len(r.Sealed) == 0 || bytes.Contains(r.Sealed, []byte(`"event"`)) {
					t.Error("the payload is not sealed")
				}
			}
		})
	}
}

// A zip bomb stops at the limit.
func TestZipBomb(t *testing.T) {
	var small bytes.Buffer
	z := gzip.NewWriter(&small)
	for range 200 {
		_, _ = z.Write(make([]byte, 1<<20))
	}
	_ = z.Close()
	b := newBench(t)
	w := b.send("POST", "/track", small.String(), "Content-Encoding", "gzip", "Origin", "https://shop.test")
	if w.Code != http.StatusRequestEntityTooLarge || w.Header().Get("Access-Control-Allow-Origin") != "https://shop.test" {
		t.Errorf("answer %d, origin %q", w.Code, w.Header().Get("Access-Control-Allow-Origin"))
	}
	if _, rejected, _ := b.sink.rows(); len(rejected) != 1 || rejected[0].Reason != event.ReasonTooLarge {
		t.Errorf("rejected %+v", rejected)
	}
}

// When nothing can be kept, the SDK is told to send again, across origins too:
// every other answer would make it drop the batch.
func TestUnavailable(t *testing.T) {
	for name, breakIt := range map[string]func(*bench){
		"sink":     func(b *bench) { b.sink.err = fault.New(fault.Unavailable, "no room") },
		"registry": func(b *bench) { b.projects.err = fault.New(fault.Unavailable, "no registry") },
	} {
		b := newBench(t)
		breakIt(b)
		w := b.send("POST", "/track/?verbose=1", `{"event":"a","properties":{"token":"T","distinct_id":"u"}}`, "Origin", "https://shop.test")
		if w.Code != 503 || w.Header().Get("Retry-After") == "" || w.Header().Get("Access-Control-Allow-Credentials") != "true" {
			t.Errorf("%s: %d %v %s", name, w.Code, w.Header(), w.Body)
		}
	}
}

func TestIdentityPlaceAndLinks(t *testing.T) {
	b := newBench(t)
	b.send("POST", "/groups", `{"$token":"T","$group_key":"company","$group_id":"acme","$set":{"a":1}}`)
	b.send("POST", "/track/?ip=1", `[{"event":"a","properties":{"token":"T","distinct_id":"$device:d1","$device_id":"d1","company":"acme"}},
	  {"event":"$identify","properties":{"token":"T","distinct_id":"ann@example.test","$user_id":"ann@example.test","$device_id":"d1","time":1795465174.5}}]`)
	rows, _, _ := b.sink.rows()
	if len(rows) != 2 || rows[0].DeviceID != rows[1].DeviceID || rows[1].UserID == "" || rows[0].Country != "US" {
		t.Fatalf("rows %+v", rows)
	}
	group := b.people.changes[0].Updates[0].ID
	if want := `{"company":["` + group + `"]}`; rows[0].Groups != want {
		t.Errorf("groups %s, want %s", rows[0].Groups, want)
	}
	c := b.people.changes[1]
	if links := b.people.links; len(links) != 1 || links[0].User != rows[1].UserID || len(c.Sightings) != 2 {
		t.Errorf("links %+v sightings %+v", links, c.Sightings)
	}
}

// An update that the profile does not take is a rejection like any other.
func TestRefusedUpdate(t *testing.T) {
	b := newBench(t)
	w := b.send("POST", "/engage?verbose=1", `[{"$token":"T","$distinct_id":"u","$add":{"refuse":1}}]`)
	if _, rejected, _ := b.sink.rows(); len(rejected) != 1 || rejected[0].Reason != event.ReasonBadOperator || rejected[0].Project != "p" {
		t.Errorf("rejected %+v", rejected)
	}
	if !strings.Contains(w.Body.String(), `"status":0`) {
		t.Errorf("answer %s", w.Body)
	}
}

// A service account may import events that carry no token.
func TestServiceAccount(t *testing.T) {
	b := newBench(t)
	w := b.send("POST", "/import", `data=`+`{"event":"$merge","properties":{"$distinct_ids":["user-1","user-2"]}}`, "Authorization", "Basic c3ZjOnNlY3JldA==")
	if rows, _, _ := b.sink.rows(); len(rows) != 1 || w.Body.String() != "1" {
		t.Errorf("rows %v, answer %s", rows, w.Body)
	}
}

// A secret that is wrong refuses an import as a whole, tokens in its events or not;
// a credential without a secret, or for another route, does not stand in the way.
func TestWrongSecret(t *testing.T) {
	const records = `[{"event":"a","properties":{"token":"T"}},{"event":"b","properties":{"token":"T"}}]`
	for _, c := range []struct {
		target, user, secret, body string
		rows, code                 int
		answer                     string
	}{
		{"/import?strict=0&project_id=1", "svc", "secret", records, 2, 200, `{"code":200,`},
		{"/import?strict=0&project_id=1", "svc", "WRONG", records, 0, 401, `{"code":401,"error":"invalid credentials: `},
		{"/import?strict=0", "T", "WRONG", records, 0, 401, `{"code":401,`},
		{"/import?strict=0", "T", "", records, 2, 200, `{"code":200,`},
		{"/import?strict=0", "old-api-secret", "", records, 2, 200, `{"code":200,`},
		{"/import?verbose=1", "svc", "WRONG", "data=" + records, 0, 401, `{"error":"invalid credentials: `},
		{"/import", "svc", "WRONG", "garbage", 0, 401, `{"error":"invalid credentials: `},
		{"/track", "svc", "WRONG", records, 2, 200, "1"},
	} {
		b := newBench(t)
		credential := base64.StdEncoding.EncodeToString([]byte(c.user + ":" + c.secret))
		w := b.send("POST", c.target, c.body, "Authorization", "Basic "+credential)
		rows, rejected, received := b.sink.rows()
		if w.Code != c.code || !strings.HasPrefix(w.Body.String(), c.answer) || len(rows) != c.rows || received != len(rows)+len(rejected) {
			t.Errorf("%+v: %d %s, %d rows, %d rejected", c, w.Code, w.Body, len(rows), len(rejected))
		}
		if c.rows == 0 && (len(rejected) != 1 || rejected[0].BatchIndex != -1 || rejected[0].Reason != event.ReasonForbiddenWrite || len(rejected[0].Sealed) == 0) {
			t.Errorf("%+v: rejected %+v", c, rejected)
		}
		if strings.Contains(w.Body.String()+b.log.String(), "WRONG") {
			t.Errorf("%+v: the secret is repeated", c)
		}
	}
	b := newBench(t)
	b.projects.err = fault.New(fault.Unavailable, "no registry")
	if w := b.send("POST", "/import", records, "Authorization", "Basic c3ZjOnNlY3JldA=="); w.Code != 503 {
		t.Errorf("when the registry cannot tell: %d %s", w.Code, w.Body)
	}
}

// Routes beside the events answer so that the SDK stays quiet, preflights too.
func TestHarmlessRoutes(t *testing.T) {
	b := newBench(t)
	for _, path := range []string{"/flags", "/flags/", "/flags/definitions", "/settings/", "/record/", "/decide", "/flags/42/first-time-events", "/x/flags/"} {
		w := b.send("GET", path+"?distinct_id=ann@example.test", "", "Origin", "https://shop.test")
		if w.Code != 200 || !json.Valid(w.Body.Bytes()) || w.Header().Get("Access-Control-Allow-Origin") == "" {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	w := b.send("OPTIONS", "/flags/", "", "Origin", "https://shop.test", "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "authorization,traceparent")
	if w.Code != 204 || w.Header().Get("Access-Control-Allow-Headers") != "authorization,traceparent" {
		t.Errorf("preflight: %d %v", w.Code, w.Header())
	}
	for _, path := range []string{"/nothing", "/v1/track", "/api/x/track", "/a/b/track"} {
		if w := b.send("POST", path, "{}"); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if strings.Contains(b.log.String(), "ann@") {
		t.Error("a query reached the log")
	}
}

// No marker that a client plants reaches the log, an answer, or what is stored.
func TestNothingLeaks(t *testing.T) {
	b := newBench(t)
	const marker = "marker-7f3a9c"
	for _, body := range []string{
		`{"event":"e","properties":{"token":"T","distinct_id":"` + marker + `","$current_url":"https://x.test/` + marker + `"}}`,
		`{"event":"e","properties":{"token":"` + marker + `"}}`,
		`{"event":"e","properties":{"token":"T","time":"` + marker + `"}}`,
		`{"event":"e","properties":{"token":"T","distinct_id":{"a":"` + marker + `"}}}`,
		`{"` + marker + `":1}`,
		`{broken ` + marker,
		`data=` + marker,
	} {
		w := b.send("POST", "/track?verbose=1", body, "User-Agent", marker, "X-Forwarded-For", "203.0.113.77", "Cookie", marker)
		if strings.Contains(w.Body.String(), marker) {
			t.Errorf("the answer to %s repeats it: %s", body, w.Body)
		}
	}
	text, err := json.Marshal(b.sink.parcels[0].Rejected)
	if err != nil {
		t.Fatal(err)
	}
	rows, rejected, _ := b.sink.rows()
	for _, r := range rows {
		text = append(text, strings.ReplaceAll(r.Properties+r.PageURL+r.PagePath+r.Name, "\n", " ")...)
	}
	for _, r := range rejected {
		text = append(append(text, r.Sealed...), r.Field...)
	}
	if bytes.Contains(text, []byte(marker)) || strings.Contains(b.log.String(), marker) {
		t.Error("the marker is stored or logged in clear")
	}
	if len(rows) != 1 || len(rejected) != 6 {
		t.Errorf("%d rows, %d rejected", len(rows), len(rejected))
	}
}
