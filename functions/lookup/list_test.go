package lookup_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"loch/functions/lookup"
	"loch/shared/audit"
	"loch/shared/fault"
	"loch/shared/profile"
	"loch/shared/project"
	"loch/shared/report"
	"loch/shared/roster"
	"loch/shared/web"
)

// people is a roster in the plainest way.
type people []profile.Profile

func (l people) List(_ context.Context, q roster.Query) (roster.Page, error) {
	var all []profile.Profile
	for i := range l {
		if p := &l[i]; q.Project == "shop" && p.GroupKey == q.GroupKey && roster.Passes(q.Match, p) && (q.Among == nil || slices.Contains(q.Among, p.ID)) {
			all = append(all, *p)
		}
	}
	slices.SortFunc(all, func(a, b profile.Profile) int {
		return roster.PlaceOf(&a, q.Order).Compare(roster.PlaceOf(&b, q.Order))
	})
	page := roster.Page{Count: len(all)}
	for i := range all {
		place := roster.PlaceOf(&all[i], q.Order)
		if q.After != nil && place.Compare(*q.After) <= 0 {
			continue
		}
		if len(page.Profiles) == q.Limit {
			last := roster.PlaceOf(&page.Profiles[q.Limit-1], q.Order)
			page.Next = &last
			break
		}
		page.Profiles = append(page.Profiles, all[i])
	}
	return page, nil
}

// engine knows who did what, and remembers what it was asked.
type engine struct {
	asked     string
	did       []string
	truncated bool
}

func (e *engine) Query(_ context.Context, project, statement string, _ report.Limits) (report.Result, error) {
	e.asked = project + ": " + statement
	r := report.Result{Truncated: e.truncated}
	for _, id := range e.did {
		r.Rows = append(r.Rows, []any{id})
	}
	return r, nil
}

// crowd has people u00 to u39, of whom u00 was seen last, and a group.
func crowd() (lookup.Deps, *engine, *ledger) {
	d := known()
	var list people
	for n := range 40 {
		traits := []profile.Trait{
			{Name: "plan", Value: json.RawMessage(`"` + [...]string{"free", "pro"}[n%2] + `"`)},
			{Name: "visits", Value: json.RawMessage(fmt.Sprint(n))},
			{Name: "$name", Value: json.RawMessage(fmt.Sprintf(`"sealed:Person %02d"`, (n*7)%40))},
			{Name: "$phone", Value: json.RawMessage(`"+4670123"`)}, // from before there was a vault
		}
		list = append(list, profile.Profile{Project: "shop", ID: fmt.Sprintf("u%02d", n), Traits: traits,
			FirstSeenMS: int64(1 + n), LastSeenMS: 1_795_465_174_500 - int64(n)*1000, Place: profile.Place{Country: "SE"}})
	}
	list = append(list, profile.Profile{Project: "shop", ID: "acme", GroupKey: "company"})
	e, l := &engine{}, &ledger{}
	d.Roster, d.Engine, d.Audit = list, e, l
	d.Now = func() time.Time { return time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC) }
	d.Limit = web.NewRateLimit(d.Now)
	return d, e, l
}

type listed struct {
	Profiles []struct {
		PersonID   string                     `json:"person_id"`
		Properties map[string]json.RawMessage `json:"properties"`
	} `json:"profiles"`
	Count int     `json:"count"`
	Next  *string `json:"next"`
}

func (l *listed) ids() (ids []string) {
	for _, p := range l.Profiles {
		ids = append(ids, p.PersonID)
	}
	return ids
}

func ask(t *testing.T, h http.Handler, key string, pairs ...string) (listed, *httptest.ResponseRecorder) {
	t.Helper()
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	w := get(h, "/api/profiles?"+q.Encode(), key)
	var l listed
	if w.Code == 200 {
		if err := json.Unmarshal(w.Body.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
	}
	return l, w
}

func TestListPages(t *testing.T) {
	d, _, ledger := crowd()
	h := lookup.New(d)
	for _, order := range []string{"", "last_seen", "first_seen", "person_id"} {
		var got []string
		next := ""
		for {
			l, w := ask(t, h, "read", "where", `[{"property":"plan","op":"eq","value":"pro"}]`, "order", order, "limit", "7", "cursor", next)
			if w.Code != 200 || l.Count != 20 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			got = append(got, l.ids()...)
			if l.Next == nil {
				break
			}
			next = *l.Next
		}
		var want []string
		for n := 1; n < 40; n += 2 {
			want = append(want, fmt.Sprintf("u%02d", n))
		}
		if order == "first_seen" {
			slices.Reverse(want)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v", order, got)
		}
	}
	if len(ledger.entries) != 0 {
		t.Error("a list of nothing personal stands in the ledger")
	}
	if l, _ := ask(t, h, "read", "group_key", "company"); l.Count != 1 || l.Profiles[0].PersonID != "acme" {
		t.Errorf("%+v", l)
	}
}

func TestListShowsNothingPersonal(t *testing.T) {
	d, _, ledger := crowd()
	h := lookup.New(d)
	for _, l := range [][]string{{"read"}, {"pii", "personal", "false"}} {
		_, w := ask(t, h, l[0], l[1:]...)
		for _, personal := range []string{"Person", "name", "phone", "4670", "sealed"} {
			if w.Code != 200 || strings.Contains(w.Body.String(), personal) {
				t.Errorf("%v: %d, %q is shown", l, w.Code, personal)
			}
		}
	}
	if len(ledger.entries) != 0 {
		t.Error("nothing was opened, and the ledger says so")
	}
	l, w := ask(t, h, "pii", "limit", "3")
	if w.Code != 200 || string(l.Profiles[0].Properties["$name"]) != `"Person 00"` || string(l.Profiles[0].Properties["$phone"]) != `"+4670123"` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if len(ledger.entries) != 3 || ledger.entries[1].Person != "u01" || ledger.entries[1].Kind != audit.Read || strings.Join(ledger.entries[1].Fields, " ") != "$name $phone" {
		t.Errorf("%+v", ledger.entries)
	}
	ledger.err = fault.New(fault.Unavailable, "the ledger has no room")
	if _, w := ask(t, h, "pii", "limit", "3"); w.Code != 503 || strings.Contains(w.Body.String(), "Person") {
		t.Errorf("opened without an entry: %d %s", w.Code, w.Body)
	}
}

// Neither a filter nor an order tells a key without scope pii anything personal,
// however the trait is spelt and wherever the condition stands.
func TestListIsNoOracle(t *testing.T) {
	d, _, _ := crowd()
	h := lookup.New(d)
	for _, property := range []string{"$name", "name", "properties.$name", "profile.$name", "profile.properties.First Name", "$email", "email.domain", "address.street", "Phone2", "user_email"} {
		for _, where := range []string{`[{"property":%q,"op":"is_set"}]`, `[{"property":"plan","op":"is_set"},{"any":[{"property":"plan","op":"is_set"},{"any":[{"property":%q,"op":"ne","value":"x"}]}]}]`} {
			if _, w := ask(t, h, "read", "where", fmt.Sprintf(where, property)); w.Code != 403 || !strings.Contains(w.Body.String(), `"field":"where[`) {
				t.Errorf("%s: %d %s", property, w.Code, w.Body)
			}
		}
	}
	if _, w := ask(t, h, "read", "order", "name"); w.Code != 403 || !strings.Contains(w.Body.String(), `"field":"order"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if _, w := ask(t, h, "read", "personal", "true"); w.Code != 403 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestListByPersonalTraits(t *testing.T) {
	d, _, ledger := crowd()
	h := lookup.New(d)
	l, w := ask(t, h, "pii", "where", `[{"property":"$name","op":"starts_with","value":"Person 1"},{"property":"plan","op":"eq","value":"free"}]`, "personal", "false")
	var want []string
	for n := 0; n < 40; n += 2 {
		if m := n * 7 % 40; m >= 10 && m < 20 {
			want = append(want, fmt.Sprintf("u%02d", n))
		}
	}
	if fmt.Sprint(l.ids()) != fmt.Sprint(want) || l.Count != len(want) || strings.Contains(w.Body.String(), "Person") {
		t.Errorf("%d %s, want %v", w.Code, w.Body, want)
	}
	if len(ledger.entries) != 1 || ledger.entries[0].Person != "" || strings.Join(ledger.entries[0].Fields, " ") != "$name" {
		t.Errorf("%+v", ledger.entries)
	}
	var names []string
	next := ""
	for {
		l, w := ask(t, h, "pii", "order", "name", "limit", "9", "cursor", next, "personal", "false")
		if w.Code != 200 || l.Count != 40 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		for _, id := range l.ids() {
			var n int
			if _, err := fmt.Sscanf(id, "u%02d", &n); err != nil {
				t.Fatal(err)
			}
			names = append(names, fmt.Sprintf("Person %02d", n*7%40))
		}
		if l.Next == nil {
			break
		}
		next = *l.Next
		if strings.Contains(next, "Person") {
			t.Error("a cursor carries a name")
		}
	}
	if len(names) != 40 || !slices.IsSorted(names) {
		t.Errorf("%v", names)
	}
	if _, w := ask(t, h, "pii", "order", "name", "cursor", base64.RawURLEncoding.EncodeToString([]byte(`{"o":"name","i":"gone"}`))); w.Code != 400 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	many := make(people, 10_001)
	for i := range many {
		many[i].ID = fmt.Sprint(i)
	}
	d.Roster = many
	if _, w := ask(t, lookup.New(d), "pii", "order", "name"); w.Code != 413 || !strings.Contains(w.Body.String(), "10000") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestListBySealedValue: a key of scope pii finds by what was sealed for what it holds,
// under a name that says nothing; other keys do not, and where there are too many people
// the answer says what it may lack.
func TestListBySealedValue(t *testing.T) {
	d, _, l := crowd()
	list, _ := d.Roster.(people)
	for _, n := range []int{3, 8, 30} {
		list[n].Traits = append(list[n].Traits, profile.Trait{Name: "note", Value: json.RawMessage(`{"$sealed":"1.` + strconv.Itoa(n) + `"}`)})
	}
	list[5].Traits = append(list[5].Traits, profile.Trait{Name: "note", Value: json.RawMessage(`"call 30 times"`)})
	d.Vault = noted{vault{}}
	h := lookup.New(d)
	const where = `[{"property":"note","op":"contains","value":"call 3"}]`
	if got, w := ask(t, h, "read", "where", where); w.Code != 200 || fmt.Sprint(got.ids()) != "[u05]" || len(l.entries) > 0 {
		t.Errorf("without the scope: %d %s, the ledger has %+v", w.Code, w.Body, l.entries)
	}
	got, w := ask(t, h, "pii", "where", where, "personal", "false", "why", "ticket 7")
	if w.Code != 200 || fmt.Sprint(got.ids()) != "[u03 u05 u30]" || got.Count != 3 || strings.Contains(w.Body.String(), "was not looked at") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if len(l.entries) != 1 || fmt.Sprint(l.entries[0].Fields) != "[note]" || l.entries[0].Why != "ticket 7" || l.entries[0].Person != "" {
		t.Errorf("the ledger has %+v", l.entries)
	}
	first, _ := ask(t, h, "pii", "where", where, "personal", "false", "limit", "2")
	if second, w := ask(t, h, "pii", "where", where, "personal", "false", "limit", "2", "cursor", *first.Next); fmt.Sprint(first.ids(), second.ids()) != "[u03 u05] [u30]" || second.Next != nil {
		t.Errorf("%v, then %d %s", first.ids(), w.Code, w.Body)
	}
	if got, w := ask(t, h, "pii", "where", `[{"property":"note","op":"is_not_set"}]`, "personal", "false"); w.Code != 200 || got.Count != 36 {
		t.Errorf("%d %d", w.Code, got.Count)
	}
	if got, w := ask(t, h, "pii", "where", where, "cohort", `{"did":{"event":"A","at_least":1}}`, "personal", "false"); w.Code != 200 || got.Count != 0 {
		t.Errorf("nobody did it: %d %s", w.Code, w.Body)
	}
	rows := len(l.entries)
	if _, w := ask(t, h, "pii", "where", `[{"property":"plan","op":"eq","value":"pro"}]`, "personal", "false"); w.Code != 200 || len(l.entries) != rows {
		t.Errorf("what nobody has sealed opens nobody: %d, the ledger has %+v", w.Code, l.entries[rows:])
	}
	e, answer := engage(t, h, "pii", "where", `"call 3" in properties["note"]`, "personal", "false")
	if answer.Code != 200 || fmt.Sprint(e.ids()) != "[u03 u05 u30]" {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
	for n := range 10_000 {
		list = append(list, profile.Profile{Project: "shop", ID: fmt.Sprintf("x%05d", n)})
	}
	d.Roster = list
	if got, w := ask(t, lookup.New(d), "pii", "where", where, "personal", "false"); w.Code != 200 || fmt.Sprint(got.ids()) != "[u05]" || !strings.Contains(w.Body.String(), "was not looked at") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	where2 := strings.TrimSuffix(where, "]") + `,{"property":"country","op":"eq","value":"SE"}]`
	if got, w := ask(t, lookup.New(d), "pii", "where", where2, "personal", "false"); w.Code != 200 || fmt.Sprint(got.ids()) != "[u03 u05 u30]" || strings.Contains(w.Body.String(), "was not looked at") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// noted opens {"$sealed":"1.N"} as "call N".
type noted struct{ vault }

func (v noted) OpenTraits(ctx context.Context, project string, owners []string, traits []profile.Trait) (opened []profile.Trait, names []string, err error) {
	if opened, names, err = v.vault.OpenTraits(ctx, project, owners, traits); err != nil {
		return nil, nil, err
	}
	for i, t := range opened {
		if n, ok := strings.CutPrefix(string(t.Value), `{"$sealed":"1.`); ok {
			opened[i].Value = json.RawMessage(`"call ` + strings.TrimSuffix(n, `"}`) + `"`)
			names = append(names, t.Name)
		}
	}
	return opened, names, nil
}

func TestListByBehaviour(t *testing.T) {
	d, e, _ := crowd()
	h := lookup.New(d)
	e.did = []string{"u03", "u01", "u02", "a stranger"}
	l, w := ask(t, h, "read", "cohort", `{"did":{"event":"Purchase","at_least":2,"within_days":7}}`, "where", `[{"property":"plan","op":"eq","value":"pro"}]`)
	if w.Code != 200 || fmt.Sprint(l.ids()) != "[u01 u03]" || l.Count != 2 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if !strings.HasPrefix(e.asked, "shop: SELECT person_id FROM events WHERE event = 'Purchase'") || !strings.Contains(e.asked, "2026-11-17") {
		t.Errorf("asked %s", e.asked)
	}
	e.did = nil
	if l, _ := ask(t, h, "read", "cohort", `{"did":{"event":"Purchase"}}`); l.Count != 0 {
		t.Errorf("nobody did it, and %d are listed", l.Count)
	}
	e.truncated = true
	if _, w := ask(t, h, "read", "cohort", `{"did":{"event":"Purchase"}}`); w.Code != 413 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestListRefusals(t *testing.T) {
	d, _, _ := crowd()
	h := lookup.New(d)
	good, _ := ask(t, h, "read", "limit", "1")
	for _, c := range []struct {
		query, key string
		status     int
		field      string
	}{
		{"", "", 401, ""}, {"", "erase", 403, ""},
		{"?wher=[]", "read", 400, ""}, {"?limit=1&limit=2", "read", 400, "limit"}, {"?limit=0", "read", 400, "limit"}, {"?limit=1001", "read", 400, "limit"},
		{"?limit=x", "read", 400, "limit"}, {"?order=plan", "read", 400, "order"}, {"?cursor=x", "read", 400, "cursor"},
		{"?order=first_seen&cursor=" + *good.Next, "read", 400, "cursor"},
		{"?where=[{}]", "read", 400, "where[0].property"}, {`?where=[{"property":"last_seen","op":"gt","value":1}]`, "read", 400, "where[0].value"},
		{"?cohort={}", "read", 400, "cohort.did"}, {"?cohort=", "read", 400, "cohort"}, {"?where", "pii", 400, "where"}, {"?group_key=%FF", "read", 400, "group_key"}, {"?personal=no", "read", 400, "personal"}, {"?limit=%zz", "read", 400, ""},
	} {
		w := get(h, "/api/profiles"+strings.NewReplacer(`"`, "%22", "{", "%7B", "}", "%7D").Replace(c.query), c.key)
		if w.Code != c.status || c.field != "" && !strings.Contains(w.Body.String(), `"field":"`+c.field+`"`) {
			t.Errorf("%s: %d %s", c.query, w.Code, w.Body)
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/api/profiles", nil)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 405 {
		t.Errorf("%d", w.Code)
	}
}

// Turns are taken for people, so a long list costs what as many look-ups do.
func TestListsAreLimited(t *testing.T) {
	d, _, _ := crowd()
	h := lookup.New(d)
	if _, w := ask(t, h, "pii", "limit", "35"); w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if _, w := ask(t, h, "pii", "limit", "35"); w.Code != 429 || !strings.Contains(w.Body.String(), "personal=false") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if _, w := ask(t, h, "pii", "limit", "35", "personal", "false"); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// shy is a registry whose project hides small groups.
type shy struct{ registry }

func (s shy) ByKey(ctx context.Context, key string) (project.Key, error) {
	k, err := s.registry.ByKey(ctx, key)
	k.Project.Settings.Privacy.MinCell = 5
	return k, err
}

func TestListsCountNobodySmall(t *testing.T) {
	d, _, _ := crowd()
	d.Registry = shy{}
	h := lookup.New(d)
	if _, w := ask(t, h, "read"); w.Code != 403 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if _, w := ask(t, h, "pii", "limit", "1"); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// dawdling is a roster that says how long it may look, and is not through by then.
type dawdling struct{ left time.Duration }

func (d *dawdling) List(ctx context.Context, _ roster.Query) (roster.Page, error) {
	until, _ := ctx.Deadline()
	d.left = time.Until(until)
	<-ctx.Done()
	return roster.Page{}, ctx.Err()
}

// A list is not looked for without end, and not for somebody who has gone.
func TestListsEnd(t *testing.T) {
	d, _, _ := crowd()
	slow := &dawdling{}
	d.Roster = slow
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/profiles", http.NoBody)
	r.Header.Set("Authorization", "Bearer read")
	w := httptest.NewRecorder()
	lookup.New(d).ServeHTTP(w, r)
	if w.Code < 400 || slow.left <= 0 || slow.left > 20*time.Second {
		t.Errorf("%d, with %v to look", w.Code, slow.left)
	}
}
