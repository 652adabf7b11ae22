package ingest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"loch/shared/event"
	"loch/shared/fault"
	"loch/shared/profile"
	"loch/shared/vault"
)

type importAnswer struct {
	Received, Imported int
	Failed             []struct {
		Line          int
		Reason, Field string
	}
}

func (b *bench) importLines(t *testing.T, lines ...string) importAnswer {
	t.Helper()
	w := b.send(http.MethodPost, "/api/profiles.ndjson", strings.Join(lines, "\n")+"\n", "Authorization", "Bearer pii")
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	var a importAnswer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// lakeID is one that no identifier leads to.
const lakeID = "00112233445566778899aabbccddeeff"

// idOf is a user's lake id, as an export would have it.
func (b *bench) idOf(t *testing.T, user string) string {
	t.Helper()
	ids, err := b.vault.IDs(t.Context(), []vault.Identifier{{Project: "p", Kind: event.IDUser, Value: user}})
	if err != nil {
		t.Fatal(err)
	}
	return ids[0].String()
}

func TestImport(t *testing.T) {
	b := newBench(t)
	a := b.importLines(t,
		`{"distinct_id":"janedoe77","properties":{"plan":"pro","$email":"jane@example.com","big":12345678901234567890.50,"note":"call janedoe77"},"first_seen":"2026-10-01T00:00:00Z","last_seen":"2026-11-01T00:00:00.5Z","geo":{"country":"NO"},"device":{"os":"Linux"},"first_arrival":{"channel":"organic"}}`,
		``,
		`{"$distinct_id":"$device:device-one","$properties":{"plan":"free"}}`,
		`{"person_id":"`+b.idOf(t, "ada77")+`","properties":{"$name":"Ada"},"first_seen":null,"updated":"x"}`,
		`{"distinct_id":"acme","group_key":"company","properties":{"seats":5}}`,
	)
	if a.Received != 4 || a.Imported != 4 || len(a.Failed) != 0 {
		t.Fatalf("%+v", a)
	}
	whole := b.whole()
	for _, clear := range []string{"janedoe77", "jane@", "Ada", "acme", "device-one"} {
		if strings.Contains(whole, clear) {
			t.Errorf("%q left in clear", clear)
		}
	}
	var got []string
	for _, u := range b.people.updates() {
		var ops []string
		for _, op := range u.Ops {
			value := string(op.Value)
			if profile.HoldsSealed(op.Value) {
				value = "sealed"
			}
			ops = append(ops, op.Name+"="+value)
		}
		got = append(got, fmt.Sprint(ops, " ", u.GroupKey, u.TimeMS, u.KeepLastSeen, u.KeepPlace, u.Place.Country, u.DeviceInfo.OS, len(u.ID)))
	}
	want := []string{
		"[] 1790812800000 false true32",
		"[plan=\"pro\" $email=sealed big=12345678901234567890.50 note=sealed] 1793491200500 false falseNOLinux32",
		"[plan=\"free\"] 0 true true32",
		"[seats=5] company0 true true32",
		"[$name=sealed] 0 true true32",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	// A sighting may be lost with the process; what was answered as imported must not.
	first := b.people.updates()[0]
	if first.Arrival.Channel != "organic" || first.TimeMS != 1790812800000 || len(b.people.changes[0].Sightings) != 0 {
		t.Errorf("%+v, %+v", first, b.people.changes[0].Sightings)
	}
	if fmt.Sprint(b.projects.groups) != "[company]" {
		t.Errorf("the registry knows %v", b.projects.groups)
	}
	if _, rejected, _ := b.sink.rows(); len(rejected) != 0 {
		t.Errorf("%+v", rejected)
	}
}

// Sent again, a line does the same to the same person.
func TestImportTwice(t *testing.T) {
	b := newBench(t)
	const line = `{"distinct_id":"u1","properties":{"plan":"pro"},"last_seen":"2026-11-01T00:00:00Z"}`
	b.importLines(t, line)
	b.importLines(t, line)
	all := b.people.updates()
	if len(all) != 2 || all[0].ID != all[1].ID || all[0].TimeMS != all[1].TimeMS || string(all[0].Ops[0].Value) != string(all[1].Ops[0].Value) || all[0].Ops[0].Kind != profile.Set {
		t.Errorf("%+v", all)
	}
}

// A line that fails is told by its number and the reason, without its content, and
// stops no other; what was refused is kept sealed.
func TestImportFailures(t *testing.T) {
	b := newBench(t)
	const secret = "jane@example.com"
	bad := []struct{ line, reason, field string }{
		{`{"distinct_id":"` + secret, "undecodable", ""},
		{`[1]`, "undecodable", ""},
		{"{\"distinct_id\":\"\xff\"}", "undecodable", ""},
		{`{"distinct_id":{"` + secret + `":1}}`, "wrong_type", ""},
		{`{"properties":{"x":"` + secret + `"}}`, "missing_field", "distinct_id"},
		{`{"distinct_id":"undefined","properties":{}}`, "bad_id", "distinct_id"},
		{`{"distinct_id":"a\u0000b"}`, "bad_id", "distinct_id"},
		{`{"person_id":"` + secret + `"}`, "bad_id", "person_id"},
		{`{"person_id":"` + lakeID + `","distinct_id":"x"}`, "bad_id", "person_id"},
		{`{"distinct_id":"x","properties":["` + secret + `"]}`, "wrong_type", "properties"},
		{`{"distinct_id":"x","$properties":{"":1}}`, "name_too_long", "$properties"},
		{`{"distinct_id":"x","first_seen":"2026-11-02T00:00:00Z","last_seen":"2026-11-01T00:00:00Z"}`, "bad_time", "first_seen"},
		{`{"distinct_id":"x","last_seen":"2999-01-01T00:00:00Z"}`, "bad_time", "last_seen"},
		{`{"distinct_id":"x","first_seen":"2026-11-23T22:00:01Z"}`, "bad_time", "first_seen"},
		{`{"distinct_id":"x","last_seen":"1969-12-31T00:00:00Z"}`, "bad_time", "last_seen"},
		{`{"distinct_id":"x","first_seen":"1969-12-31T00:00:00Z"}`, "bad_time", "first_seen"},
		{`{"distinct_id":"x","first_seen":"yesterday"}`, "wrong_type", ""},
		{`{"distinct_id":"x","properties":{"refuse":1}}`, "bad_operator", "$add"},
		{`{"distinct_id":"` + strings.Repeat("x", 2000) + `"}`, "bad_id", "distinct_id"},
	}
	var lines []string
	for i, c := range bad {
		lines = append(lines, c.line, fmt.Sprintf(`{"distinct_id":"good%d","properties":{"n":%d},"last_seen":"2026-11-23T22:00:00Z"}`, i, i))
	}
	a := b.importLines(t, lines...)
	if a.Received != 2*len(bad) || a.Imported != len(bad) || len(a.Failed) != len(bad) {
		t.Fatalf("%+v", a)
	}
	for i, c := range bad {
		if f := a.Failed[i]; f.Line != 2*i+1 || f.Reason != c.reason || f.Field != c.field {
			t.Errorf("%.60s: %+v, want line %d %s %s", c.line, f, 2*i+1, c.reason, c.field)
		}
	}
	if _, rejected, received := b.sink.rows(); len(rejected) != len(bad) || received != len(bad) || rejected[0].Project != "p" || len(rejected[0].Sealed) == 0 {
		t.Errorf("%d rejected of %d", len(rejected), received)
	}
	text, err := json.Marshal(a)
	if err != nil || strings.Contains(string(text), "jane") || strings.Contains(b.whole(), "jane") {
		t.Error("the content of a line is told, or kept in clear")
	}
}

// An id that this vault never gave out, or whose person was erased since the export,
// makes no profile, whatever else the line says; nothing of it is kept, and it stops
// nobody.
func TestImportOfTheUnknown(t *testing.T) {
	b := newBench(t)
	ann := b.idOf(t, "ann77")
	lines := []string{
		`{"person_id":"` + ann + `","properties":{"$email":"jane@example.com"}}`,
		`{"person_id":"` + ann + `","properties":{"plan":"pro"}}`,
		`{"person_id":"` + lakeID + `","properties":{"plan":"pro"}}`,
		`{"person_id":"` + lakeID + `","group_key":"company","properties":{"seats":1}}`,
		`{"distinct_id":"u","properties":{"$email":"joe@example.com"}}`,
	}
	if a := b.importLines(t, lines...); a.Imported != 3 || len(a.Failed) != 2 {
		t.Errorf("while she is known: %+v", a)
	}
	if err := b.vault.Erase(t.Context(), "p", []string{ann}, false); err != nil {
		t.Fatal(err)
	}
	before := len(b.people.updates())
	a := b.importLines(t, lines...)
	if a.Imported != 1 || len(a.Failed) != 4 || len(b.people.updates()) != before+1 || len(b.projects.groups) != 0 {
		t.Errorf("%+v, %d updates, kinds %v", a, len(b.people.updates())-before, b.projects.groups)
	}
	for i, f := range a.Failed {
		if f.Line != i+1 || f.Reason != string(event.ReasonUnknownPerson) || f.Field != "person_id" {
			t.Errorf("%+v", f)
		}
	}
	if _, rejected, _ := b.sink.rows(); len(rejected) != 6 || rejected[0].PayloadBytes != 0 {
		t.Errorf("%d rejected: %+v", len(rejected), rejected[0])
	}
}

// A key of one project imports nobody of another's, however well their lake id is known.
func TestImportOfAnotherProjectsPeople(t *testing.T) {
	b := newBench(t)
	ids, err := b.vault.IDs(t.Context(), []vault.Identifier{
		{Project: "q", Kind: event.IDUser, Value: "ann77"}, {Project: "q", Kind: event.IDGroup + "company", Value: "acme"},
	})
	if err != nil {
		t.Fatal(err)
	}
	ann, acme := ids[0].String(), ids[1].String()
	a := b.importLines(t,
		`{"person_id":"`+ann+`","properties":{"plan":"x"}}`,
		`{"person_id":"`+ann+`","properties":{"$email":"jane@example.com"}}`,
		`{"person_id":"`+acme+`","group_key":"company","properties":{"seats":1}}`,
	)
	if a.Imported != 0 || len(a.Failed) != 3 || a.Failed[0].Reason != string(event.ReasonUnknownPerson) || len(b.people.updates()) != 0 {
		t.Errorf("%+v, %d updates", a, len(b.people.updates()))
	}
	// Their own project has never sealed anything for them; it still can.
	own := []profile.Update{{Project: "q", ID: ann, Ops: []profile.Op{{Kind: profile.Set, Name: "$email", Value: json.RawMessage(`"a"`), Personal: true}}}}
	if err := b.vault.SealUpdates(t.Context(), own); err != nil {
		t.Error(err)
	}
}

// A line that takes a person for a group fails once, however many updates it is.
func TestImportOfAnotherKind(t *testing.T) {
	b := newBench(t)
	ann := b.idOf(t, "ann77")
	b.people.profiles = map[string]profile.Profile{ann: {ID: ann}}
	a := b.importLines(t, `{"person_id":"`+ann+`","group_key":"company","properties":{"seats":1},"first_seen":"2026-10-01T00:00:00Z"}`,
		`{"person_id":"`+ann+`","properties":{"plan":"pro"}}`)
	if a.Imported != 1 || len(a.Failed) != 1 || a.Failed[0].Line != 1 || a.Failed[0].Reason != string(event.ReasonBadID) || a.Failed[0].Field != "group_key" {
		t.Errorf("%+v", a)
	}
}

// Somebody who is erased while the request is under way does not come back either.
func TestImportOfSomebodyBeingErased(t *testing.T) {
	b := newBench(t)
	ann := b.idOf(t, "ann77")
	b.projects.adding = func() { // lines are known by then, and not sealed yet
		if err := b.vault.Erase(t.Context(), "p", []string{ann}, false); err != nil {
			t.Error(err)
		}
	}
	a := b.importLines(t, `{"person_id":"`+ann+`","properties":{"$email":"jane@example.com"}}`,
		`{"distinct_id":"acme","group_key":"company","properties":{"$email":"joe@example.com"}}`)
	if a.Imported != 1 || len(a.Failed) != 1 || a.Failed[0].Line != 1 || a.Failed[0].Reason != string(event.ReasonSuppressed) {
		t.Errorf("%+v", a)
	}
}

func TestImportRefusals(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		method, key, body string
		status            int
	}{
		{"GET", "pii", "", 405}, {"POST", "", "{}", 401}, {"POST", "T", "{}", 401}, {"POST", "read", "{}", 403},
		{"POST", "pii", strings.Repeat("{}\n", 2001), 413}, {"POST", "pii", strings.Repeat("x", 11<<20), 413}, {"POST", "pii", "", 200},
	} {
		if w := b.send(c.method, "/api/profiles.ndjson", c.body, "Authorization", "Bearer "+c.key); w.Code != c.status {
			t.Errorf("%s %s: %d %s", c.method, c.key, w.Code, w.Body)
		}
	}
	b.projects.err = fault.New(fault.Unavailable, "the registry cannot be reached")
	if w := b.send("POST", "/api/profiles.ndjson", "{}", "Authorization", "Bearer pii"); w.Code != 503 {
		t.Errorf("%d", w.Code)
	}
}
