package ingest_test

import (
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"loch/shared/event"
	"loch/shared/profile"
	"loch/shared/project"
)

const browser = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"

// updates are all updates that reached the profile store.
func (p *people) updates() (all []profile.Update) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.changes {
		all = append(all, c.Updates...)
	}
	return all
}

// sightings and links of all requests.
func (p *people) seen() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.changes {
		n += len(c.Sightings)
	}
	return n + len(p.links)
}

// whole is everything that left the handler for a store.
func (b *bench) whole() string {
	b.sink.mu.Lock()
	defer b.sink.mu.Unlock()
	var all strings.Builder
	for _, u := range b.people.updates() {
		for _, op := range u.Ops {
			all.WriteString(op.Name + string(op.Value) + "\n")
		}
	}
	for _, p := range b.sink.parcels {
		for i := range p.Rows {
			for _, c := range event.Columns {
				if c.Str != nil {
					all.WriteString(*c.Str(&p.Rows[i]) + "\n")
				}
			}
		}
		for _, r := range p.Rejected {
			all.WriteString(string(r.Reason) + r.Field + string(r.Sealed) + "\n")
		}
	}
	return all.String() + b.log.String()
}

// Personal values leave the handler in no place and no spelling, and equal ones
// still group.
func TestPersonalValuesAreTakenOut(t *testing.T) {
	b := newBench(t)
	body := `[{"event":"Invited bo.marker@example.com","properties":{"token":"T","distinct_id":"u-1","time":1795465174,
		"invitee":"bo.marker@example.com","nested":{"to":["Bo.Marker@example.com",{"call":"+46 70 123 45 67"}]},"card":"4111 1111 1111 1111",
		"ip_seen":"198.51.100.77","note":"write to bo.marker@example.com please","password":"hunter2marker",
		"$current_url":"https://shop.example/users/bo.marker@example.com/edit?email=bo.marker%40example.com&utm_source=news&session=sessionmarker#bo.marker",
		"$referrer":"https://mail.example/inbox/bomarkerpath?q=refmarker","current_page_title":"Mail to bo.marker@example.com","utm_term":"bo.marker@example.com"}},
		{"event":"Invited","properties":{"token":"T","distinct_id":"u-2","time":1795465174,"invitee":"BO.MARKER@example.com"}}]`
	if w := b.send("POST", "/track", body, "Content-Type", "application/json"); w.Body.String() != "1" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	all := b.whole()
	for _, marker := range []string{"marker", "MARKER", "Marker", "70 123", "701234567", "4111", "198.51.100", "hunter2"} {
		if strings.Contains(all, marker) {
			t.Errorf("%q left the handler:\n%s", marker, all)
		}
	}
	rows, _, _ := b.sink.rows()
	if rows[0].PagePath != "/users/:email/edit" || rows[0].UTMSource != "news" || rows[0].ReferrerHost != "mail.example" {
		t.Errorf("path %q source %q referrer %q", rows[0].PagePath, rows[0].UTMSource, rows[0].ReferrerHost)
	}
	token := func(i int) string {
		var p struct{ Invitee string }
		if err := json.Unmarshal([]byte(rows[i].Properties), &p); err != nil {
			t.Fatal(err)
		}
		return p.Invitee
	}
	if token(0) != token(1) || !strings.HasPrefix(token(0), "email_") || len(token(0)) != len("email_")+32 {
		t.Errorf("tokens %q and %q", token(0), token(1))
	}
}

// The context column is sealed and cleaned like the properties: it comes from the
// client, too.
func TestContextIsSealed(t *testing.T) {
	b := newBench(t)
	b.projects.groups = []string{"company"}
	const agent = "MarkerAgent/7 (agent marker)"
	b.send("POST", "/track", `[{"event":"e","properties":{"token":"T","distinct_id":"user-marker-1","company":"acme-marker-2"},
		"$mp_metadata":{"$mp_session_id":"s-user-marker-1","$mp_session_seq_id":5,"by":"`+agent+`","from":"8.8.8.8","seen":"198.51.100.77","mail":"bo.marker@example.com",
		"url":"https://shop.example/users/bo.marker@example.com?session=sessionmarker","password":"hunter2marker"},"company":"acme-marker-3","note":"user-marker-1 of acme-marker-2",
		"distinct_id":"other-marker-4","user-marker-1":1},
		{"event":"f","properties":{"token":"T","distinct_id":"u-2"},"company":"acme-marker-5"}]`, "Content-Type", "application/json", "User-Agent", agent)
	rows, _, _ := b.sink.rows()
	if len(rows) != 2 {
		t.Fatalf("%d rows", len(rows))
	}
	all := b.whole()
	for _, marker := range []string{"marker", "Marker", "8.8.8.8", "198.51.100", "hunter2"} {
		if strings.Contains(all, marker) {
			t.Errorf("%q left the handler:\n%s", marker, rows[0].Context)
		}
	}
	var context struct {
		Metadata map[string]any `json:"$mp_metadata"`
		Note     string         `json:"note"`
	}
	if err := json.Unmarshal([]byte(rows[0].Context), &context); err != nil {
		t.Fatalf("%v: %s", err, rows[0].Context)
	}
	m := context.Metadata
	if m["$mp_session_seq_id"] != 5.0 || m["by"] != "[agent]" || m["from"] != "[address]" || !strings.HasPrefix(m["mail"].(string), "email_") ||
		m["$mp_session_id"] != "s-"+rows[0].UserID || rows[0].SessionID != "s-"+rows[0].UserID || !strings.HasPrefix(context.Note, rows[0].UserID) {
		t.Errorf("context %s, session %s", rows[0].Context, rows[0].SessionID)
	}
	if rows[1].Context != "" {
		t.Errorf("context %s", rows[1].Context)
	}
}

// What stands in an event's name alone is found there, too.
func TestNamesAreCleaned(t *testing.T) {
	b := newBench(t)
	b.send("POST", "/track", `[{"event":"Invited bo@example.com","properties":{"token":"T"}}]`, "Content-Type", "application/json")
	rows, _, _ := b.sink.rows()
	if len(rows) != 1 || !strings.HasPrefix(rows[0].Name, "Invited email_") {
		t.Errorf("%+v", rows)
	}
}

// Each action of the policy does what it says.
func TestScanPolicy(t *testing.T) {
	for action, want := range map[string]string{"token": "email_", "drop": "[email]", "keep": "bo@example.com", "reject": ""} {
		b := newBench(t)
		b.projects.privacy = project.Privacy{Scan: map[string]string{"email": action}}
		b.send("POST", "/track", `[{"event":"e","properties":{"token":"T","distinct_id":"u-1","to":"bo@example.com"}},{"event":"fine","properties":{"token":"T"}}]`,
			"Content-Type", "application/json")
		rows, rejected, received := b.sink.rows()
		if action == "reject" {
			if len(rows) != 1 || len(rejected) != 1 || rejected[0].Reason != event.ReasonPersonalData || received != 2 {
				t.Errorf("reject: %d rows, %+v", len(rows), rejected)
			}
			continue
		}
		if len(rows) != 2 || !strings.Contains(rows[0].Properties, want) {
			t.Errorf("%s: %+v", action, rows)
		}
	}
}

// Personal traits are sealed before the store sees them: by name, by content, and
// where they repeat the identifier. Others stay as they are.
func TestPersonalTraitsAreSealed(t *testing.T) {
	b := newBench(t)
	b.projects.privacy = project.Privacy{PersonalTraits: []string{"Shoe size"}}
	b.projects.groups = []string{"company"}
	b.send("POST", "/engage", `[{"$token":"T","$distinct_id":"user-marker-1","$set":{"$email":"bo@example.com","firstName":"Bo","shoe_size":44,
		"contact":"call bo@example.com","self":"id user-marker-1","fake":{"$sealed":"1.a.b.c"},"plan":"pro","seats":5,"company":"acme","reach":{"first_name":"Tina"},"contact":{"street":"12 Elm"},"bio":"call\n+4670123456",
		"install":"98ab3dc4-4223-4009-8737-b95c8d9f702e"},"$append":{"phones":"+46701234567"},
		"$union":{"emails":["a@example.com","b@example.com"]}}]`, "Content-Type", "application/json")
	updates := b.people.updates()
	if len(updates) != 1 {
		t.Fatalf("%d updates", len(updates))
	}
	for _, op := range updates[0].Ops {
		value := string(op.Value)
		isSealed := strings.Contains(value, `{"$sealed":"1.`+updates[0].ID)
		if want := !slices.Contains([]string{"plan", "seats"}, op.Name); isSealed != want {
			t.Errorf("%s is %s", op.Name, value)
		}
		if op.Name == "emails" && strings.Count(value, "$sealed") != 2 {
			t.Errorf("a list is not sealed item by item: %s", value)
		}
	}
	if all := b.whole(); strings.Contains(all, "example.com") || strings.Contains(all, "marker") || strings.Contains(all, "4670") {
		t.Errorf("left the handler:\n%s", all)
	}
	ids, err := b.vault.ByEmail(t.Context(), "p", "bo@example.com")
	if err != nil || len(ids) != 1 || ids[0] != updates[0].ID {
		t.Errorf("found by e-mail: %v %v", ids, err)
	}
}

// A finding in an event changes nothing but itself: versions that look like addresses
// stay, in their columns as in the properties.
func TestVersionsStay(t *testing.T) {
	b := newBench(t)
	b.send("POST", "/track", `[{"event":"e","properties":{"token":"T","$app_version_string":"2.10.3.1","$os_version":"10.0.19.45","$browser":"X","$browser_version":"1.2.3.4",
		"$lib_version":"3.4.5.6","note":"bob@example.com"}}]`, "Content-Type", "application/json")
	rows, _, _ := b.sink.rows()
	if len(rows) != 1 || rows[0].AppVersion != "2.10.3.1" || rows[0].OSVersion != "10.0.19.45" || rows[0].BrowserVersion != "1.2.3.4" || rows[0].LibVersion != "3.4.5.6" ||
		!strings.Contains(rows[0].Properties, `"$app_version_string":"2.10.3.1"`) || strings.Contains(rows[0].Properties, "bob@") {
		t.Errorf("%+v", rows)
	}
}

// The client's own address and agent are not stored wherever a website put them,
// whatever the policy says of addresses.
func TestTheClientIsHidden(t *testing.T) {
	b := newBench(t)
	b.projects.privacy = project.Privacy{Scan: map[string]string{"ip": "keep"}, URLs: "keep"}
	const agent = "MarkerAgent/7 (agent marker)"
	b.send("POST", "/track", `[{"event":"seen from 8.8.8.8","properties":{"token":"T","note":"by `+agent+` at 8.8.8.8","other":"9.9.9.9",
		"$current_url":"https://shop.example/?from=8.8.8.8&by=MarkerAgent%2F7+%28agent+marker%29"}}]`, "Content-Type", "application/json", "User-Agent", agent)
	rows, _, _ := b.sink.rows()
	if len(rows) != 1 || !strings.Contains(rows[0].Properties, `"note":"by [agent] at [address]","other":"9.9.9.9"`) || rows[0].Name != "seen from [address]" {
		t.Fatalf("%+v", rows)
	}
	if all := b.whole(); strings.Contains(all, "8.8.8.8") || strings.Contains(all, "MarkerAgent") {
		t.Errorf("left the handler:\n%s", all)
	}
}

// A trait's name cannot be sealed, so a personal value in it becomes a word; and a
// value that the project does not want is refused, but for the trait it belongs to.
func TestTraitsByPolicy(t *testing.T) {
	b := newBench(t)
	b.projects.privacy = project.Privacy{Scan: map[string]string{"phone": "reject"}}
	b.send("POST", "/engage", `[{"$token":"T","$distinct_id":"u-1","$set":{"knows bo@example.com":1}},
		{"$token":"T","$distinct_id":"u-1","$set":{"note":"call +46 70 123 45 67"}},
		{"$token":"T","$distinct_id":"u-1","$set":{"$phone":"+46 70 123 45 67"}}]`, "Content-Type", "application/json")
	updates := b.people.updates()
	if len(updates) != 2 || updates[0].Ops[0].Name != "knows [email]" || updates[1].Ops[0].Name != "$phone" {
		t.Errorf("%+v", updates)
	}
	if _, rejected, _ := b.sink.rows(); len(rejected) != 1 || rejected[0].Reason != event.ReasonPersonalData {
		t.Errorf("rejected %+v", rejected)
	}
}

// Sec-GPC and DNT, by the project's policy. Whatever it is, the books balance and
// the client hears that all is well.
func TestConsent(t *testing.T) {
	for _, c := range []struct {
		policy, header                   string
		rows, updates, rejected, touched int
	}{
		{"", "", 1, 1, 0, 1},
		{"", "Sec-GPC", 1, 0, 1, 0},
		{"", "DNT", 1, 0, 1, 0},
		{"no_profile", "DNT", 1, 0, 1, 0},
		{"drop", "DNT", 0, 0, 2, 0},
		{"drop", "", 1, 1, 0, 1},
		{"ignore", "Sec-GPC", 1, 1, 0, 1},
	} {
		b := newBench(t)
		b.projects.privacy = project.Privacy{Consent: c.policy}
		header := []string{"Content-Type", "application/json", "User-Agent", browser}
		if c.header != "" {
			header = append(header, c.header, "1")
		}
		first := b.send("POST", "/track", `[{"event":"e","properties":{"token":"T","distinct_id":"u-marker","note":"xmarker"}}]`, header...)
		second := b.send("POST", "/engage", `[{"$token":"T","$distinct_id":"u-marker","$set":{"a":"xmarker"}}]`, header...)
		if first.Body.String() != "1" || second.Body.String() != "1" {
			t.Errorf("%+v: answers %s %s", c, first.Body, second.Body)
		}
		rows, rejected, received := b.sink.rows()
		if len(rows) != c.rows || len(b.people.updates()) != c.updates || len(rejected) != c.rejected || b.people.seen() != c.touched ||
			received+len(b.people.updates()) != 2 {
			t.Errorf("%+v: %d rows, %d updates, %d rejected, %d touched, %d received", c, len(rows), len(b.people.updates()), len(rejected), b.people.seen(), received)
		}
		for _, r := range rejected {
			if r.Reason != event.ReasonNoConsent || r.PayloadBytes != 0 || len(r.Sealed) != 0 {
				t.Errorf("%+v: something is kept: %+v", c, r)
			}
		}
		asked := "0"
		if c.header != "" {
			asked = "2"
		}
		metrics := httptest.NewRecorder()
		b.counters.Handler().ServeHTTP(metrics, httptest.NewRequest("GET", "/metrics", nil))
		if !strings.Contains(metrics.Body.String(), "loch_records_opted_out_total "+asked+"\n") {
			t.Errorf("%+v: not counted:\n%s", c, metrics.Body)
		}
		if flagged := len(rows) > 0 && rows[0].Flags == event.FlagNoProfile; flagged != (c.touched == 0 && c.rows > 0) {
			t.Errorf("%+v: flags %q", c, rows[0].Flags)
		}
	}
}

// An event of somebody who opted out does not tie a device to a user.
func TestOptedOutEventsLinkNobody(t *testing.T) {
	b := newBench(t)
	b.send("POST", "/track", `[{"event":"e","properties":{"token":"T","distinct_id":"u-1","$user_id":"u-1","$device_id":"d-1","$anon_distinct_id":"$device:d-1"}}]`,
		"Content-Type", "application/json", "Sec-GPC", "1")
	rows, _, _ := b.sink.rows()
	if len(rows) != 1 || rows[0].UserID == "" || rows[0].DeviceID != "" || strings.Count(rows[0].Properties, rows[0].UserID) != 4 {
		t.Errorf("%+v", rows)
	}
}

// Who asked never to be recorded again is dropped, events and traits, and nobody
// else is.
func TestSuppressedPeopleAreDropped(t *testing.T) {
	b := newBench(t)
	if err := b.vault.Suppress(t.Context(), "p", event.IDUser, "u-marker"); err != nil {
		t.Fatal(err)
	}
	b.send("POST", "/track", `[{"event":"e","properties":{"token":"T","distinct_id":"u-marker"}},{"event":"f","properties":{"token":"T","distinct_id":"u-2"}}]`, "Content-Type", "application/json")
	b.send("POST", "/engage", `[{"$token":"T","$distinct_id":"u-marker","$set":{"plan":"pro"}}]`, "Content-Type", "application/json")
	rows, rejected, received := b.sink.rows()
	if len(rows) != 1 || rows[0].Name != "f" || len(rejected) != 2 || received != 3 || len(b.people.updates()) != 0 {
		t.Errorf("%d rows, %d rejected, %d received", len(rows), len(rejected), received)
	}
	for _, r := range rejected {
		if r.Reason != event.ReasonSuppressed || len(r.Sealed) != 0 {
			t.Errorf("%+v", r)
		}
	}
}

// Without cookies a visitor is the same all day and somebody else tomorrow,
// whatever id the browser sends.
func TestCookieless(t *testing.T) {
	b := newBench(t)
	b.projects.privacy = project.Privacy{Cookieless: true}
	visit := func(device, agent string) event.Row {
		b.send("POST", "/track", `[{"event":"e","properties":{"token":"T","distinct_id":"$device:`+device+`","$device_id":"`+device+`"}}]`,
			"Content-Type", "application/json", "User-Agent", agent, "Origin", "https://shop.example")
		rows, _, _ := b.sink.rows()
		return rows[len(rows)-1]
	}
	morning, evening, other := visit("d-1", browser), visit("d-2", browser), visit("d-1", browser+" Edg/1")
	if morning.DeviceID == "" || morning.DeviceID != evening.DeviceID || other.DeviceID == morning.DeviceID {
		t.Errorf("devices %s %s %s", morning.DeviceID, evening.DeviceID, other.DeviceID)
	}
	if !strings.Contains(morning.Properties, morning.DeviceID) || strings.Contains(morning.Properties, "d-1") {
		t.Errorf("properties %s", morning.Properties)
	}
	b.now = b.now.Add(24 * time.Hour)
	if tomorrow := visit("d-1", browser); tomorrow.DeviceID == morning.DeviceID {
		t.Error("known again the next day")
	}
	if _, ok, _ := b.vault.Lookup(t.Context(), "p", event.IDDevice, "d-1"); ok {
		t.Error("the browser's own id was used")
	}
}
