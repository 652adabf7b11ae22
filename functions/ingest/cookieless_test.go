package ingest_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"loch/shared/event"
	"loch/shared/profile"
	"loch/shared/project"
)

// fromBrowser are the headers by which a browser is known.
var fromBrowser = []string{"Content-Type", "application/json", "User-Agent", browser, "Origin", "https://shop.example"}

// The first who logs in behind an address is not linked to all the others there:
// no row names a user and the device of the day, in a column or a property.
func TestCookielessLinksNobody(t *testing.T) {
	for name, header := range map[string][]string{"plain": nil, "opted out": {"Sec-GPC", "1"}} {
		b := newBench(t)
		b.projects.privacy = project.Privacy{Cookieless: true}
		b.send("POST", "/track", `[{"event":"e","properties":{"token":"T","distinct_id":"$device:dev-0001","$device_id":"dev-0001"}},
			{"event":"$identify","properties":{"token":"T","distinct_id":"u-1","$user_id":"u-1","$device_id":"dev-0001","$anon_distinct_id":"$device:dev-0001"}},
			{"event":"$create_alias","properties":{"token":"T","distinct_id":"$device:dev-0001","$device_id":"dev-0001","alias":"u-1"}}]`, append(header, fromBrowser...)...)
		rows, _, _ := b.sink.rows()
		if len(rows) != 3 || rows[0].DeviceID == "" || rows[0].UserID != "" || rows[1].UserID == "" {
			t.Fatalf("%s: %+v", name, rows)
		}
		for _, row := range rows[1:] {
			if row.DeviceID != "" || strings.Contains(row.Properties, rows[0].DeviceID) || strings.Contains(row.Properties, "$device:") ||
				!strings.Contains(row.Properties, rows[1].UserID) {
				t.Errorf("%s: %s %+v", name, row.Name, row)
			}
		}
	}
}

// A device of the day is nobody's: it has no link, is not seen, and has no
// traits. Users have, and so have the devices that a server names.
func TestDevicesOfTheDayHaveNoProfile(t *testing.T) {
	b := newBench(t)
	b.projects.privacy = project.Privacy{Cookieless: true}
	events := `[{"event":"e","properties":{"token":"T","distinct_id":"$device:dev-0001","$device_id":"dev-0001"}},
		{"event":"e","properties":{"token":"T","$user_id":"u-1","$device_id":"dev-0001"}}]`
	update := `[{"$token":"T","$distinct_id":"$device:dev-0001","$set":{"a":"xmarker"}}]`
	b.send("POST", "/track", events, fromBrowser...)
	if w := b.send("POST", "/engage", update, fromBrowser...); w.Body.String() != "1" {
		t.Errorf("answer %s", w.Body)
	}
	rows, rejected, received := b.sink.rows()
	if len(rows) != 2 || len(rejected) != 1 || rejected[0].Reason != event.ReasonNoConsent || len(rejected[0].Sealed) != 0 || received != 3 {
		t.Errorf("%d rows, %+v, %d received", len(rows), rejected, received)
	}
	var all profile.Changes
	for _, c := range b.people.changes {
		all.Sightings, all.Updates = append(all.Sightings, c.Sightings...), append(all.Updates, c.Updates...)
	}
	if len(all.Sightings) != 1 || all.Sightings[0].ID != rows[1].UserID || len(b.people.links) != 0 || len(all.Updates) != 0 {
		t.Errorf("%+v", all)
	}
	b.send("POST", "/track", events, "Content-Type", "application/json")
	b.send("POST", "/engage", update, "Content-Type", "application/json")
	if len(b.people.updates()) != 1 || b.people.seen() != 1+3 {
		t.Errorf("of a server: %d updates, %d seen", len(b.people.updates()), b.people.seen())
	}
}

// A browser that had a profile before the project went without cookies can still
// have it deleted. It learns nothing else of the browser's id: one that is not known
// is not made known, and nothing is set.
func TestCookielessStillDeletes(t *testing.T) {
	b := newBench(t)
	b.send("POST", "/engage", `[{"$token":"T","$distinct_id":"$device:dev-0001","$set":{"a":"x","b":1}}]`, fromBrowser...)
	b.projects.privacy = project.Privacy{Cookieless: true}
	for record, want := range map[string]int{
		`"$device:dev-0001","$delete":""`:                    1,
		`"$device:dev-0001","$unset":["a"],"$set":{"c":"x"}`: 1,
		`"$device:dev-0001","$set":{"c":"x"}`:                0,
		`"$device:dev-0002","$delete":""`:                    0,
	} {
		before := len(b.people.updates())
		if w := b.send("POST", "/engage", `[{"$token":"T","$distinct_id":`+record+`}]`, fromBrowser...); w.Body.String() != "1" {
			t.Errorf("%s: answer %s", record, w.Body)
		}
		got := b.people.updates()[before:]
		if len(got) != want {
			t.Errorf("%s: %d updates", record, len(got))
		}
		for _, u := range got {
			if len(u.Ops) != 1 || u.Ops[0].Kind != profile.Delete && u.Ops[0].Kind != profile.Unset {
				t.Errorf("%s: %+v", record, u.Ops)
			}
		}
	}
	if _, known, err := b.vault.Lookup(t.Context(), "p", event.IDDevice, "dev-0001"); err != nil || !known {
		t.Fatalf("the test looks in the wrong place: %v", err)
	}
	if _, known, err := b.vault.Lookup(t.Context(), "p", event.IDDevice, "dev-0002"); err != nil || known {
		t.Errorf("a browser became known by asking to be deleted: %v", err)
	}
}

// The browser's own id does not stay where a website repeats it.
func TestForgottenDevicesAreHidden(t *testing.T) {
	const id = "cless/uuid+0002"
	body := fmt.Sprintf(`[{"event":"e","properties":{"token":"T","distinct_id":"$device:%[1]s","$device_id":"%[1]s","other":"%[1]s","anon":"$device:%[1]s",
		"list":["x %[1]s y"],"$current_url":"https://shop.example/a/%[2]s?utm_source=%[2]s"}},
		{"event":"f","properties":{"token":"T","$user_id":"u-1","$device_id":"%[1]s","other":"%[1]s","ab":"ab"}},
		{"event":"g","properties":{"token":"T","$device_id":"ab","short":"ab"}}]`, id, url.QueryEscape(id))
	for name, header := range map[string][]string{"plain": nil, "opted out": {"Sec-GPC", "1"}} {
		b := newBench(t)
		b.projects.privacy = project.Privacy{Cookieless: true}
		b.send("POST", "/track", body, append(header, fromBrowser...)...)
		if all := b.whole(); strings.Contains(all, "uuid") || strings.Count(all, "[device]") < 4 || !strings.Contains(all, `"short":"ab"`) {
			t.Errorf("%s: left the handler:\n%s", name, all)
		}
	}
}

// Many devices in one request are each hidden in their own event.
func TestManyForgottenDevices(t *testing.T) {
	b := newBench(t)
	b.projects.privacy = project.Privacy{Cookieless: true}
	var events []string
	for i := range 500 {
		events = append(events, fmt.Sprintf(`{"event":"e","properties":{"token":"T","$device_id":"uuid-%04d","other":"uuid-%04d","n":%d}}`, i, i, i))
	}
	b.send("POST", "/track", "["+strings.Join(events, ",")+"]", fromBrowser...)
	rows, _, _ := b.sink.rows()
	if all := b.whole(); len(rows) != 500 || strings.Contains(all, "uuid") || strings.Count(all, "[device]") != 500 {
		t.Errorf("%d rows, %d hidden", len(rows), strings.Count(all, "[device]"))
	}
}
