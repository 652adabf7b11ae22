package lookup_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"loch/functions/lookup"
	"loch/shared/event"
	"loch/shared/fault"
)

// journeys are events of the devices and users of the test, newest first.
type journeys struct {
	rows []event.Row
	ids  []string // asked for last
	err  error
}

func (j *journeys) Journey(_ context.Context, project string, ids []string, before *event.Moment, limit int) ([]event.Row, error) {
	j.ids = ids
	if j.err != nil {
		return nil, j.err
	}
	if project != "shop" {
		return nil, errors.New("another project")
	}
	var rows []event.Row
	for _, r := range j.rows {
		mine := slices.Contains(ids, r.UserID) || r.UserID == "" && slices.Contains(ids, r.DeviceID)
		if mine && (before == nil || r.Moment().Compare(*before) < 0) && len(rows) < limit {
			rows = append(rows, r)
		}
	}
	return rows, nil
}

const walkStart = int64(1795465174500)

// walk is n events of somebody, newest first.
func walk(user string, n int) *journeys {
	j := &journeys{}
	for i := n - 1; i >= 0; i-- {
		j.rows = append(j.rows, event.Row{
			Name: fmt.Sprintf("e%03d", i), Kind: event.KindEvent, UserID: user, TimeMS: walkStart + int64(i)*1000, Revenue: event.NoRevenue, Properties: "{}",
			ReceivedTimeMS: walkStart, RequestID: "r", BatchIndex: int64(i),
		})
	}
	return j
}

type page struct {
	PersonID string `json:"person_id"`
	Events   []struct {
		Event      string          `json:"event"`
		PageTitle  string          `json:"page_title"`
		Properties json.RawMessage `json:"properties"`
	}
	Next *string
}

func readPage(t *testing.T, h http.Handler, path, key string) (p page) {
	t.Helper()
	w := get(h, path, key)
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != 200 {
		t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return p
}

func ExampleNew_journey() {
	d := known()
	j := walk(jane, 1)
	j.rows[0] = event.Row{
		Name: "Purchase", Kind: event.KindEvent, DeviceID: "d-lake", UserID: jane, TimeMS: walkStart, Country: "SE", Browser: "Firefox",
		PagePath: "/billing", Revenue: 12.5, Currency: "EUR", Properties: `{"plan":"pro", "big":12345678901234567890123}`, Groups: `{"company":["acme-lake"]}`,
	}
	d.Journeys = j
	fmt.Print(get(lookup.New(d), "/api/profiles/$device:d-1/events?limit=1", "read").Body)
	// Output:
	// {"distinct_id":"$device:d-1","person_id":"0123456789abcdef0123456789abcdef","events":[{"time":"2026-11-23T20:19:34.500Z","event":"Purchase","kind":"event","device_id":"d-lake","user_id":"0123456789abcdef0123456789abcdef","groups":{"company":["acme-lake"]},"country":"SE","browser":"Firefox","page_path":"/billing","revenue":12.5,"currency":"EUR","properties":{"plan":"pro","big":12345678901234567890123}}],"next":null}
}

// Pages of any size put together are the whole, each event once, and the last one
// says that it is.
func TestJourneyInPages(t *testing.T) {
	for _, size := range []int{1, 7, 100, 250, 251, 1000} {
		d := known()
		d.Journeys = walk(jane, 250)
		h := lookup.New(d)
		var got []string
		path := fmt.Sprintf("/api/profiles/d-1/events?limit=%d", size)
		for next := path; ; {
			p := readPage(t, h, next, "read")
			for _, e := range p.Events {
				got = append(got, e.Event)
			}
			if len(p.Events) > size {
				t.Fatalf("a page of %d", len(p.Events))
			}
			if p.Next == nil {
				break
			}
			next = path + "&cursor=" + *p.Next
		}
		if len(got) != 250 || got[0] != "e249" || got[249] != "e000" || !slices.IsSortedFunc(got, func(a, b string) int { return strings.Compare(b, a) }) {
			t.Errorf("pages of %d: %d events, %v…", size, len(got), got[:min(3, len(got))])
		}
	}
	d := known()
	d.Journeys = walk(jane, 250)
	if p := readPage(t, lookup.New(d), "/api/profiles/d-1/events", "read"); len(p.Events) != 100 {
		t.Errorf("%d events without a limit", len(p.Events))
	}
}

// Without the scope pii a page has no personal values, also where the project has
// its rules off; with it a page is in the ledger before anybody sees it.
func TestJourneyHidesPersonalValues(t *testing.T) {
	const personal = `{"contact":"jane.doe@example.com","note":"call +46 70 123 45 67","card":"4111111111111111","token":"email_0123456789abcdef0123456789abcdef"}`
	d, l := known(), &ledger{}
	j := walk(jane, 1)
	j.rows[0].Properties, j.rows[0].PageTitle = personal, "Mail to jane.doe@example.com"
	d.Journeys, d.Audit = j, l
	h := lookup.New(d)
	w := get(h, "/api/profiles/d-1/events", "read")
	for _, secret := range []string{"jane", "doe", "4670", "123 45", "4111"} {
		if strings.Contains(w.Body.String(), secret) {
			t.Errorf("scope read sees %q: %s", secret, w.Body)
		}
	}
	if !strings.Contains(w.Body.String(), "email_0123456789abcdef0123456789abcdef") || len(l.entries) != 0 {
		t.Errorf("tokens are nobody's secret: %s, %d entries", w.Body, len(l.entries))
	}
	if p := readPage(t, h, "/api/profiles/d-1/events", "pii"); string(p.Events[0].Properties) != personal || p.Events[0].PageTitle != "Mail to jane.doe@example.com" {
		t.Errorf("scope pii sees %s", p.Events[0].Properties)
	}
	if len(l.entries) != 1 || l.entries[0].Person != jane || l.entries[0].Fields[0] != "events" || l.entries[0].Key != "pii" {
		t.Errorf("ledger %+v", l.entries)
	}
	l.err = fault.New(fault.Unavailable, "the ledger has no room")
	if w := get(h, "/api/profiles/d-1/events", "pii"); w.Code != 503 || strings.Contains(w.Body.String(), "jane") {
		t.Errorf("shown without an entry: %d %s", w.Code, w.Body)
	}
}

// Who has events and no profile has a journey; by e-mail it takes the scope pii.
func TestJourneyOfWhom(t *testing.T) {
	d := known()
	j := walk("gone", 3)
	j.rows = append(j.rows, walk(jane, 2).rows...)
	d.Journeys = j
	d.Vault.(vault)["user ghost"] = "gone"
	h := lookup.New(d)
	for path, want := range map[string]int{"ghost": 3, "jane.doe@example.com?by=email&x=1": 2, jane: 2} {
		id, query, _ := strings.Cut(path, "?")
		if p := readPage(t, h, "/api/profiles/"+id+"/events?"+query, "pii"); len(p.Events) != want {
			t.Errorf("%s: %d events, want %d", path, len(p.Events), want)
		}
	}
	for _, c := range []struct {
		path, key string
		status    int
		words     string
	}{
		{"both/events", "", 401, "credentials.json"},
		{"both/events", "erase", 403, `needs \"read\"`},
		{"Both/events", "read", 404, "case-sensitive"},
		{"both/events?limit=0", "read", 400, "1 to 1000"},
		{"both/events?limit=x", "read", 400, "1 to 1000"},
		{"both/events?cursor=abc", "read", 400, "this is no cursor"},
		{"both/events?cursor=!", "read", 400, "this is no cursor"},
		{"acme/events?group_key=company", "read", 400, "no journey of its own"},
		{"jane.doe@example.com/events?by=email", "read", 403, "pii"},
		{"vault-down/events", "read", 503, "vault"},
	} {
		if w := get(h, "/api/profiles/"+c.path, c.key); w.Code != c.status || !strings.Contains(w.Body.String(), c.words) {
			t.Errorf("%s: %d %s, want %d %q", c.path, w.Code, w.Body, c.status, c.words)
		}
	}
	j.err = fault.New(fault.Unavailable, "the lake cannot be read")
	if w := get(h, "/api/profiles/ghost/events", "read"); w.Code != 503 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// FuzzCursor holds that whatever is sent as a cursor is refused or understood.
func FuzzCursor(f *testing.F) {
	f.Add("AbCdEf")
	f.Add("AQICAwQ")
	f.Fuzz(func(t *testing.T, text string) {
		d := known()
		d.Journeys = walk(jane, 3)
		r := "/api/profiles/d-1/events?cursor=" + strings.Map(func(c rune) rune {
			if c <= ' ' || c > '~' || strings.ContainsRune("#&%+;", c) {
				return -1
			}
			return c
		}, text)
		if w := get(lookup.New(d), r, "read"); w.Code != 200 && w.Code != 400 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	})
}
