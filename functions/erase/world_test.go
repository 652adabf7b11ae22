package erase_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"loch/functions/erase"
	"loch/shared/audit"
	"loch/shared/event"
	"loch/shared/fault"
	"loch/shared/profile"
	"loch/shared/project"
	"loch/shared/report"
)

// world is everything that an erasure touches, in memory. Its parts can fail or
// die at any step, before or after the step takes effect.
type world struct {
	mu sync.Mutex

	entries    map[string]string // "kind value" to lake id: the vault's
	suppressed map[string]bool
	sealed     map[string]bool // lake ids that have a key
	emails     map[string][]string

	people map[string]profile.Profile
	links  map[string]string // device to user
	graves map[string]bool

	ledger  []audit.Entry
	removed map[string]bool // lake ids whose rows go
	rows    []row

	steps     []string // what was done, in order
	failAt    int      // the step that fails, from 1; 0 for none
	failAfter bool     // it fails after it took effect
	die       bool     // it panics instead
	meanwhile func(step string)

	statements []string
	most       int // rows that the engine gives at once; 0 for what is asked
	failQuery  int // the statement that fails, from 1
}

// row is an event in the lake.
type row struct {
	user, device string
	timeMS       int64
	requestID    string
	index        int
	properties   string
}

// The lake ids of the tests: ann with two devices, bob who uses one of hers, a
// group, and a device of which nothing but events is known.
var (
	ann    = strings.Repeat("a1", 16)
	phone  = strings.Repeat("d1", 16)
	laptop = strings.Repeat("d2", 16)
	bob    = strings.Repeat("b1", 16)
	acme   = strings.Repeat("c1", 16)
	kiosk  = strings.Repeat("e1", 16)
)

const noonMS = 1_795_435_200_000 // 2026-11-23 12:00 UTC

// secrets are what nobody but the asker may read.
var secrets = []string{"ann-lee", "ann@x.test", "Ann Lee", "phone-77", "laptop-88", "kiosk-99", "acme-inc"}

func newWorld() *world {
	trait := func(name, value string) profile.Trait {
		return profile.Trait{Name: name, Value: json.RawMessage(value)}
	}
	return &world{
		entries: map[string]string{
			"user ann-lee": ann, "device phone-77": phone, "device laptop-88": laptop, "user bob": bob,
			"group:company acme-inc": acme, "device kiosk-99": kiosk,
		},
		suppressed: map[string]bool{},
		sealed:     map[string]bool{ann: true, bob: true},
		emails:     map[string][]string{"ann@x.test": {ann}},
		people: map[string]profile.Profile{
			ann: {ID: ann, FirstSeenMS: noonMS - 86_400_000, LastSeenMS: noonMS, UpdatedMS: noonMS, Traits: []profile.Trait{
				trait("plan", `"pro"`), trait("$email", `"ann@x.test"`), trait("$name", `"Ann Lee"`), trait("n", "12345678901234567890123"),
			}, Place: profile.Place{Country: "SE"}, Device: profile.DeviceInfo{Browser: "Firefox"}},
			bob:  {ID: bob, Traits: []profile.Trait{trait("$email", `"bob@x.test"`)}},
			acme: {ID: acme, GroupKey: "company", Traits: []profile.Trait{trait("seats", "5")}},
		},
		links:   map[string]string{phone: ann, laptop: ann},
		graves:  map[string]bool{},
		removed: map[string]bool{},
	}
}

// step counts one thing that is done, and fails where it was told to.
func (w *world) step(name string, do func()) error {
	if w.meanwhile != nil {
		w.meanwhile(name)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.steps = append(w.steps, name)
	if len(w.steps) != w.failAt {
		do()
		return nil
	}
	if w.failAfter {
		do()
	}
	if w.die {
		panic("the process died at " + name)
	}
	return fault.New(fault.Unavailable, "the store cannot be reached")
}

// The vault.

func (w *world) Lookup(_ context.Context, project, kind, value string) (string, bool, error) {
	if value == "vault-down" {
		return "", false, fault.New(fault.Unavailable, "the vault cannot be reached")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	id, ok := w.entries[kind+" "+value]
	return id, ok && project == "shop", nil
}

func (w *world) ByEmail(_ context.Context, _, email string) ([]string, error) {
	return w.emails[email], nil
}

func (w *world) OpenTraits(_ context.Context, _ string, owners []string, traits []profile.Trait) (opened []profile.Trait, names []string, err error) {
	for _, t := range traits {
		if strings.HasPrefix(t.Name, "$") {
			if !slices.ContainsFunc(owners, func(o string) bool { return w.sealed[o] }) {
				continue
			}
			names = append(names, t.Name)
		}
		opened = append(opened, t)
	}
	return opened, names, nil
}

type vaultOf struct{ *world }

func (v vaultOf) Erase(_ context.Context, project string, ids []string, suppress bool) error {
	return v.step("vault", func() {
		for key, id := range v.entries {
			if slices.Contains(ids, id) && project == "shop" {
				delete(v.entries, key)
				if suppress {
					v.suppressed[key] = true
				}
			}
		}
		for _, id := range ids {
			delete(v.sealed, id)
			for email := range v.emails {
				v.emails[email] = slices.DeleteFunc(v.emails[email], func(o string) bool { return o == id })
			}
		}
	})
}

func (v vaultOf) Suppress(_ context.Context, _, kind, value string) error {
	return v.step("suppress", func() {
		if _, known := v.entries[kind+" "+value]; !known {
			v.suppressed[kind+" "+value] = true
		}
	})
}

func (v vaultOf) IsSuppressed(_ context.Context, _, kind, value string) (bool, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.suppressed[kind+" "+value], nil
}

// The profile store.

type profilesOf struct{ *world }

func (profilesOf) Apply(context.Context, profile.Changes) ([]profile.Refusal, error) {
	return nil, fault.New(fault.Internal, "nothing here writes profiles")
}

func (p profilesOf) Get(_ context.Context, project, id string) (profile.Profile, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if user, ok := p.links[id]; ok {
		id = user
	}
	if found, ok := p.people[id]; ok && project == "shop" {
		return found, nil
	}
	return profile.Profile{}, fault.New(fault.NotFound, "nothing is known of this id")
}

func (p profilesOf) Whose(context.Context, string, []string) ([]string, error) {
	return nil, fault.New(fault.Internal, "nothing here writes profiles")
}

func (p profilesOf) Linked(_ context.Context, _, id string) ([]string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if user, ok := p.links[id]; ok {
		id = user
	}
	ids := []string{id}
	for device, user := range p.links {
		if user == id {
			ids = append(ids, device)
		}
	}
	return ids, nil
}

func (p profilesOf) Erase(_ context.Context, _ string, ids []string) error {
	return p.step("profiles", func() {
		for _, id := range ids {
			delete(p.people, id)
			delete(p.links, id)
			p.graves[id] = true
		}
	})
}

// The ledger.

type ledgerOf struct{ *world }

func (l ledgerOf) Append(_ context.Context, e audit.Entry) (audit.Entry, error) {
	err := l.step(string(e.Kind), func() {
		e.Seq, e.TimeMS = uint64(len(l.ledger)+1), noonMS
		l.ledger = append(l.ledger, e)
	})
	return e, err
}

func (l ledgerOf) Walk(_ context.Context, from uint64, fn func(audit.Entry) error) error {
	l.mu.Lock()
	all := slices.Clone(l.ledger)
	l.mu.Unlock()
	for _, e := range all {
		if e.Seq < from {
			continue
		}
		if err := fn(e); err != nil {
			return err
		}
	}
	return nil
}

// The lake.

func (w *world) RemoveRows(_ context.Context, _ string, ids []string) error {
	return w.step("rows", func() {
		for _, id := range ids {
			w.removed[id] = true
		}
	})
}

var (
	idsOf   = regexp.MustCompile(`coalesce\(user_id, device_id\) IN \(([^)]*)\) AND epoch_ms\(received_time\) <= (\d+)`)
	afterOf = regexp.MustCompile(`date >= DATE '([0-9-]+)' AND \(epoch_ms\(time\) > (\d+) .*\(request_id > '([^']*)' .* batch_index > (\d+)`)
	limitOf = regexp.MustCompile(`LIMIT (\d+)$`)
)

// Query understands the two statements of an export, enough to hold that pages
// join without a gap or a repetition.
func (w *world) Query(_ context.Context, project, statement string, limits report.Limits) (report.Result, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.statements = append(w.statements, statement)
	if len(w.statements) == w.failQuery {
		return report.Result{}, fault.New(fault.Unavailable, "the engine is gone")
	}
	ids := idsOf.FindStringSubmatch(statement)
	if project != "shop" || ids == nil || !strings.Contains(statement, " FROM events WHERE ") {
		return report.Result{}, fault.New(fault.Invalid, "this is no statement of an export: "+statement)
	}
	mine := func(r row) bool {
		who := r.user
		if who == "" {
			who = r.device
		}
		return strings.Contains(ids[1], "'"+who+"'")
	}
	if strings.HasPrefix(statement, "SELECT count(*)") {
		n := 0
		for _, r := range w.rows {
			if mine(r) {
				n++
			}
		}
		return report.Result{Rows: [][]any{{json.Number(strconv.Itoa(n))}}}, nil
	}
	most, _ := strconv.Atoi(limitOf.FindStringSubmatch(statement)[1])
	if most != limits.Rows {
		return report.Result{}, fault.New(fault.Internal, "two limits")
	}
	after := afterOf.FindStringSubmatch(statement)
	var out report.Result
	for _, r := range w.rows { // in the order of the statement
		if !mine(r) || after != nil && !later(r, after) {
			continue
		}
		if len(out.Rows) == most || w.most > 0 && len(out.Rows) == w.most {
			out.Truncated = true
			break
		}
		out.Rows = append(out.Rows, r.columns())
	}
	return out, nil
}

func later(r row, after []string) bool {
	at, _ := strconv.ParseInt(after[2], 10, 64)
	index, _ := strconv.Atoi(after[4])
	request := strings.Compare(r.requestID, after[3])
	return r.timeMS > at || r.timeMS == at && (request > 0 || request == 0 && r.index > index)
}

func (r row) columns() []any {
	at := time.UnixMilli(r.timeMS).UTC()
	values := map[string]any{
		"project": "shop", "date": at.Format(time.DateOnly), "event": "Page", "time": at.Format("2006-01-02 15:04:05.999"),
		"properties": r.properties, "is_bot": false, "revenue": json.Number("1.5"), "request_id": r.requestID,
		"batch_index": json.Number(strconv.Itoa(r.index)),
	}
	if r.user != "" {
		values["user_id"] = r.user
	}
	if r.device != "" {
		values["device_id"] = r.device
	}
	out := make([]any, 0, len(event.Columns)+1)
	for _, c := range event.Columns {
		out = append(out, values[c.Name])
	}
	return append(out, json.Number(strconv.FormatInt(r.timeMS, 10)))
}

// The rest.

type registry struct{ project.Registry }

func (registry) ByKey(_ context.Context, key string) (project.Key, error) {
	switch key {
	case "read", "pii", "erase":
		return project.Key{Project: project.Project{ID: "shop"}, Scope: project.Scope(key), Name: key}, nil
	}
	return project.Key{}, fault.New(fault.Unauthorized, "no such key")
}

func (w *world) deps() erase.Deps {
	return erase.Deps{
		Registry: registry{}, Vault: vaultOf{w}, Profiles: profilesOf{w}, Audit: ledgerOf{w}, Engine: w, Rows: w,
		NormalEmail: func(s string) (string, bool) { return strings.ToLower(s), strings.Contains(s, "@") },
		Scrub:       func(s string) string { return strings.ReplaceAll(s, "ann@x.test", "[email]") },
		Now:         func() time.Time { return time.UnixMilli(noonMS) },
	}
}

func (w *world) ask(method, path, key, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	out := httptest.NewRecorder()
	erase.New(w.deps()).ServeHTTP(out, r)
	return out
}

func (w *world) delete(path, body string) *httptest.ResponseRecorder {
	return w.ask(http.MethodDelete, "/api/profiles/"+path, "erase", body)
}

// gone checks that nothing is left of ids, and that others are.
func (w *world) gone(t *testing.T, suppressed, rows bool, ids ...string) {
	t.Helper()
	fresh := newWorld()
	for key, id := range fresh.entries {
		_, known := w.entries[key]
		if erased := slices.Contains(ids, id); known == erased {
			t.Errorf("%s: known %v", key, known)
		} else if erased && w.suppressed[key] != suppressed {
			t.Errorf("%s: suppressed %v", key, w.suppressed[key])
		}
	}
	for id := range fresh.people {
		if _, known := w.people[id]; known == slices.Contains(ids, id) {
			t.Errorf("profile %s: known %v", id, known)
		}
		if fresh.sealed[id] && w.sealed[id] == slices.Contains(ids, id) {
			t.Errorf("key of %s: %v", id, w.sealed[id])
		}
	}
	for _, id := range ids {
		if !w.graves[id] || w.removed[id] != rows {
			t.Errorf("%s: grave %v, rows go %v", id, w.graves[id], w.removed[id])
		}
		if _, linked := w.links[id]; linked {
			t.Errorf("%s is linked", id)
		}
	}
}

// silent checks that a text holds nothing personal.
func silent(t *testing.T, where, text string) {
	t.Helper()
	for _, s := range secrets {
		if strings.Contains(strings.ToLower(text), strings.ToLower(s)) {
			t.Errorf("%s holds %q: %s", where, s, text)
		}
	}
}

func (w *world) ledgerText() string {
	b, err := json.Marshal(w.ledger)
	return fmt.Sprint(string(b), err)
}
