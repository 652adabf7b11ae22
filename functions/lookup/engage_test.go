package lookup_test

import (
	"context"
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
	"loch/shared/fault"
	"loch/shared/profile"
	"loch/shared/project"
	"loch/shared/web"
)

// accounts knows a service account, too, and a project that has a kind of group.
type accounts struct{ registry }

func (accounts) ByServiceAccount(_ context.Context, username, secret string) (project.Project, error) {
	if username == "svc.user" && secret == "svcsecret" {
		return project.Project{ID: "shop", Settings: project.Settings{GroupKeys: []string{"company"}}}, nil
	}
	return project.Project{}, fault.New(fault.Unauthorized, "no such account")
}

type engaged struct {
	Page      int
	PageSize  int    `json:"page_size"`
	SessionID string `json:"session_id"`
	Status    string
	Total     int
	Results   []struct {
		DistinctID string                     `json:"$distinct_id"`
		Properties map[string]json.RawMessage `json:"$properties"`
	}
}

func (e *engaged) ids() (ids []string) {
	for i := range e.Results {
		ids = append(ids, e.Results[i].DistinctID)
	}
	return ids
}

// engage asks as scripts do: a form, and Basic.
func engage(t *testing.T, h http.Handler, key string, pairs ...string) (engaged, *httptest.ResponseRecorder) {
	t.Helper()
	form := url.Values{"project_id": {"7"}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, "/api/query/engage", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	user, secret, _ := strings.Cut(key, ":")
	r.SetBasicAuth(user, secret)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var e engaged
	if w.Code == 200 {
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
	}
	return e, w
}

func engaging() (lookup.Deps, *ledger) {
	d, _, l := crowd()
	d.Registry = accounts{}
	return d, l
}

const service = "svc.user:svcsecret"

// TestEngagePages walks pages as scripts do: with the session of the answer before, or
// with that of the first.
func TestEngagePages(t *testing.T) {
	d, l := engaging()
	h := lookup.New(d)
	var want []string
	for n := 1; n < 40; n += 2 {
		want = append(want, fmt.Sprintf("u%02d", n))
	}
	for _, size := range []int{1, 3, 7, 10, 20, 21} {
		for _, fromFirst := range []bool{false, true} {
			var got []string
			session, pages := "", 0
			for page := 0; ; page++ {
				pairs := []string{"where", `properties["plan"] == "pro"`, "page_size", strconv.Itoa(size)}
				if page > 0 {
					pairs = append(pairs, "session_id", session, "page", strconv.Itoa(page))
				}
				e, w := engage(t, h, service, pairs...)
				if w.Code != 200 || e.Total != 20 || e.Page != page || e.PageSize != size || e.Status != "ok" {
					t.Fatalf("%d %s", w.Code, w.Body)
				}
				if session == "" || !fromFirst {
					session = e.SessionID
				}
				got = append(got, e.ids()...)
				if pages++; len(e.Results) < e.PageSize {
					break
				}
			}
			if !slices.Equal(got, want) || pages != 20/size+1 {
				t.Errorf("%d a page, %v: %v in %d pages", size, fromFirst, got, pages)
			}
		}
	}
	if len(l.entries) > 0 {
		t.Errorf("the ledger has %+v", l.entries)
	}
}

// TestEngageShows what the scope of the key allows, and no more.
func TestEngageShows(t *testing.T) {
	d, l := engaging()
	h := lookup.New(d)
	const one = `properties["visits"] == 8`
	e, w := engage(t, h, service, "where", one)
	if w.Code != 200 || e.PageSize != 1000 || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if got, want := fmt.Sprintf("%s", e.Results[0].Properties), `map[$country_code:"SE" $last_seen:"2026-11-23T20:19:26" plan:"free" visits:8]`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	e, _ = engage(t, h, service, "where", one, "output_properties", `["plan","$country_code","$email"]`)
	if got, want := fmt.Sprintf("%s", e.Results[0].Properties), `map[$country_code:"SE" plan:"free"]`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if len(l.entries) > 0 {
		t.Errorf("the ledger has %+v", l.entries)
	}
	e, w = engage(t, h, "pii", "where", one, "why", "ticket 7")
	if got, want := fmt.Sprintf("%s", e.Results[0].Properties), `map[$country_code:"SE" $last_seen:"2026-11-23T20:19:26" $name:"Person 16" $phone:"+4670123" plan:"free" visits:8]`; got != want {
		t.Errorf("%s: got  %s\nwant %s", w.Body, got, want)
	}
	if len(l.entries) != 1 || l.entries[0].Person != "u08" || l.entries[0].Why != "ticket 7" || !slices.Contains(l.entries[0].Fields, "$name") || e.PageSize != 15 {
		t.Errorf("the ledger has %+v, pages %d", l.entries, e.PageSize)
	}
	// What does not open anybody leaves no row, and takes no turn.
	for range 100 {
		e, w = engage(t, h, "pii", "where", one, "output_properties", `["plan","visits"]`)
		if w.Code != 200 || len(e.Results) != 1 || len(l.entries) != 1 {
			t.Fatalf("%d %s, the ledger has %+v", w.Code, w.Body, l.entries)
		}
	}
	if e, w = engage(t, h, "pii", "where", one, "personal", "false"); w.Code != 200 || e.PageSize != 1000 || len(e.Results[0].Properties) != 4 || len(l.entries) != 1 {
		t.Errorf("%d %s, the ledger has %+v", w.Code, w.Body, l.entries)
	}
	e, w = engage(t, h, "pii", "where", `properties["$name"] == "Person 16" or user["$name"] == "Person 23"`)
	if w.Code != 200 || fmt.Sprint(e.ids()) != "[u08 u09]" || len(l.entries) != 3 || l.entries[1].Person != "" || len(l.entries[2].IDs) != 2 {
		t.Errorf("%d %s, the ledger has %+v", w.Code, w.Body, l.entries)
	}
}

// TestEngageWaits: a page with personal traits comes when the key has turns for all
// who are opened.
func TestEngageWaits(t *testing.T) {
	d, l := engaging()
	now := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	d.Now = func() time.Time { return now }
	d.Limit = web.NewRateLimit(d.Now)
	var waited time.Duration
	d.Pause = func(ctx context.Context, pause time.Duration) error {
		if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > 20*time.Second {
			t.Errorf("waiting has no end")
		}
		if pause > 20*time.Second {
			return context.DeadlineExceeded
		}
		now, waited = now.Add(pause), waited+pause
		return nil
	}
	h := lookup.New(d)
	session, seen := "", 0
	for page := range 3 {
		e, w := engage(t, h, "pii", "page", strconv.Itoa(page), "session_id", session)
		if w.Code != 200 || e.PageSize != 15 || e.Total != 40 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		seen, session = seen+len(e.Results), e.SessionID
	}
	if seen != 40 || waited > 0 || len(l.entries) != 3 {
		t.Errorf("%d people in %s, %d rows", seen, waited, len(l.entries))
	}
	// 20 turns are left of 60: more come one a second.
	if e, w := engage(t, h, "pii", "page_size", "30"); w.Code != 200 || len(e.Results) != 30 || waited.Round(time.Second) != 10*time.Second {
		t.Errorf("%d after %s", w.Code, waited)
	}
	if _, w := engage(t, h, "pii", "page_size", "30"); w.Code != 429 || !strings.Contains(w.Body.String(), `"status":"error"`) || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestEngageByIdentifier(t *testing.T) {
	d, l := engaging()
	h := lookup.New(d)
	e, w := engage(t, h, service, "distinct_id", "Jane/1 é")
	if w.Code != 200 || e.Total != 1 || e.Page != 0 || e.ids()[0] != "Jane/1 é" || e.Results[0].Properties["$name"] != nil || string(e.Results[0].Properties["big"]) != "12345678901234567890123" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	// Her device is she, once; a lake id is good, too; nobody is no error.
	e, w = engage(t, h, service, "distinct_ids", `["$device:d-1","nobody","Jane/1 é","both",7]`, "output_properties", `["plan"]`)
	if w.Code != 200 || fmt.Sprint(e.ids()) != "[$device:d-1 both]" || fmt.Sprintf("%s", e.Results[0].Properties) != `map[plan:"pro"]` || e.Total != 2 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if e, w = engage(t, h, service, "distinct_id", jane, "where", `properties["plan"] in ["pro"]`); w.Code != 200 || fmt.Sprint(e.ids()) != "["+jane+"]" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if e, w = engage(t, h, service, "distinct_id", jane, "where", `properties["plan"] != "pro"`); w.Code != 200 || len(e.Results) != 0 || e.Total != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if e, w = engage(t, h, service, "distinct_ids", `[]`); w.Code != 200 || len(e.Results) != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if e, w = engage(t, h, service, "distinct_id", "acme", "data_group_id", "company"); w.Code != 200 || string(e.Results[0].Properties["seats"]) != "5" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if e, w = engage(t, h, service, "data_group_id", "company"); w.Code != 200 || fmt.Sprint(e.ids()) != "[acme]" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if len(l.entries) > 0 {
		t.Errorf("the ledger has %+v", l.entries)
	}
	e, w = engage(t, h, "pii", "distinct_ids", `["Jane/1 é"]`, "where", `"jane" in properties["$email"]`)
	if w.Code != 200 || e.Total != 1 || string(e.Results[0].Properties["$email"]) != `"jane.doe@example.com"` || len(l.entries) != 2 || l.entries[1].Person != jane {
		t.Errorf("%d %s, the ledger has %+v", w.Code, w.Body, l.entries)
	}
	if e, w = engage(t, h, "pii", "distinct_ids", `["Jane/1 é"]`, "where", `not ("jane" in properties["$email"])`); w.Code != 200 || e.Total != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestEngageWhere: what is noted counts where the website set nothing of that name.
func TestEngageWhere(t *testing.T) {
	d, _ := engaging()
	list := people{}
	for i, traits := range []string{`"Oslo"`, `"Lund"`, ""} {
		p := profile.Profile{Project: "shop", ID: string(rune('a' + i)), LastSeenMS: time.Date(2026, 11, 20+i, 12, 0, 0, 0, time.UTC).UnixMilli(), Place: profile.Place{City: "Oslo"}}
		if traits != "" {
			p.Traits = []profile.Trait{{Name: "$city", Value: json.RawMessage(traits)}, {Name: "$created", Value: json.RawMessage(`"2026-11-0` + strconv.Itoa(i) + `T10:00:00"`)}}
		}
		list = append(list, p)
	}
	d.Roster = list
	h := lookup.New(d)
	for where, want := range map[string]string{
		`properties["$city"] == "Oslo"`:                                                             "[a c]",
		`properties["$city"] != "Oslo"`:                                                             "[b]",
		`defined(properties["$city"]) and not "und" in properties["$city"]`:                         "[a c]",
		`properties["$last_seen"] >= "2026-11-21"`:                                                  "[b c]",
		`properties["$last_seen"] > "2026-11-21T12:00:00"`:                                          "[c]",
		`properties["$last_seen"] <= "2026-11-21T12:00:00" and user["$created"] > "2026-11-01"`:     "[b]",
		`properties["$created"] < "2026-11-01T00:00:00" or properties["$last_seen"] > "2026-11-22"`: "[a]",
		`properties["nothing"] == 1`:                                                                "[]",
	} {
		e, w := engage(t, h, service, "where", where)
		if w.Code != 200 || fmt.Sprint(e.ids()) != want {
			t.Errorf("%s: %d %s, want %s", where, w.Code, w.Body, want)
		}
		if old, _ := engage(t, h, service, "selector", where); fmt.Sprint(old.ids()) != want {
			t.Errorf("as selector: %v", old.ids())
		}
	}
	e, _ := engage(t, h, service, "distinct_id", "nobody", "where", "")
	if e.Status != "ok" {
		t.Errorf("%+v", e)
	}
}

func TestEngageRefuses(t *testing.T) {
	d, l := engaging()
	h := lookup.New(d)
	first, _ := engage(t, h, service, "page_size", "5")
	for _, c := range []struct {
		key    string
		pairs  []string
		status int
		words  string
	}{
		{"nobody", nil, 401, "not known"},
		{"svc.user:wrong", nil, 401, "not known"},
		{"erase", nil, 403, "scope"},
		{service, []string{"where", `properties["$email"] == "x@example.com"`}, 403, "where: people are filtered by personal traits with a key of scope pii only"},
		{service, []string{"where", `properties["plan"] == 1 or not defined(properties["Last name"])`}, 403, "where: "},
		{"read", []string{"where", `properties["$email"] == "x@example.com"`, "distinct_id", "Jane/1 é"}, 403, "where: "},
		{service, []string{"where", `properties["plan"]`}, 400, "where: a value alone"},
		{service, []string{"where", `number(properties["plan"]) == 1`}, 400, "where: number() is not supported"},
		{service, []string{"where", `event["plan"] == 1`}, 400, `where: event[\"…\"] is not supported`},
		{service, []string{"where", `properties["plan"] > "pro"`}, 400, "where: the operator > at byte 19"},
		{service, []string{"where", `not properties["visits"] > 3`}, 400, "write the comparison that is meant"},
		{service, []string{"where", `properties["$distinct_id"] == "u1"`}, 400, "where: the property at byte 0 is an identifier"},
		{service, []string{"where", `properties["$last_seen"] == "now"`}, 400, "where: this property is a time"},
		{service, []string{"where", `properties[""] == 1`}, 400, "where: the property at byte 0 has no name"},
		{service, []string{"where", `"" in properties["a"]`}, 400, "where: every text holds the empty one"},
		{service, []string{"where", `properties["a"] == 1`, "selector", `properties["a"] == 1`}, 400, "selector: "},
		{service, []string{"distinct_id", ""}, 400, "distinct_id: the id is empty"},
		{service, []string{"distinct_ids", `["a",""]`}, 400, "distinct_ids: the id is empty"},
		{service, []string{"distinct_ids", `a`}, 400, "distinct_ids: it must be a JSON list"},
		{service, []string{"distinct_ids", `[null]`}, 400, "distinct_ids: it must be a JSON list"},
		{service, []string{"distinct_ids", `["a"]`, "distinct_id", "b"}, 400, "distinct_ids: "},
		{service, []string{"distinct_ids", `["a"]`, "page", "1", "session_id", first.SessionID, "page_size", "5"}, 400, "page: "},
		{service, []string{"output_properties", `plan`}, 400, "output_properties: "},
		{service, []string{"page", "1"}, 400, "page: pages after the first need"},
		{service, []string{"page", "-1"}, 400, "page: "},
		{service, []string{"page_size", "1001"}, 400, "page_size: "},
		{service, []string{"page", "1", "session_id", "nonsense"}, 400, "session_id: this is no session"},
		{service, []string{"page", "1", "session_id", first.SessionID, "where", `properties["a"] == 1`}, 400, "session_id: the session is of another question"},
		{service, []string{"page", "1", "session_id", first.SessionID, "page_size", "6"}, 400, "page_size: the session's pages have 5"},
		{service, []string{"filter_by_cohort", `{"id":7}`, "include_all_users", "true"}, 400, "filter_by_cohort: there are no saved cohorts"},
		{service, []string{"behaviors", "[]"}, 400, "no behaviors"},
		{service, []string{"data_group_id", "7"}, 400, "data_group_id: "},
		{service, []string{"format", "csv"}, 400, "format: "},
		{service, []string{"sort_key", "x"}, 400, `\"sort_key\": this parameter is not supported`},
		{"pii", []string{"page_size", "61"}, 200, ""},
	} {
		_, w := engage(t, h, c.key, c.pairs...)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.words) || w.Code != 200 && !strings.Contains(w.Body.String(), `"status":"error"`) {
			t.Errorf("%s %q: %d %s, want %d %q", c.key, c.pairs, w.Code, w.Body, c.status, c.words)
		}
	}
	if n := len(l.entries); n != 1 {
		t.Errorf("the ledger has %d rows", n)
	}
	r := httptest.NewRequest(http.MethodDelete, "/api/query/engage", nil)
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("DELETE: %d", w.Code)
	}
}
