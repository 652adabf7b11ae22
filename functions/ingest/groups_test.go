package ingest_test

import (
	"slices"
	"strings"
	"testing"

	"loch/shared/event"
	"loch/shared/fault"
)

func groupUpdate(key string) string {
	return `[{"$token":"T","$group_key":"` + key + `","$group_id":"acme","$set":{"a":1}}]`
}

// The write token is public: what it can make a kind of group is bounded, and the
// words say by what.
func TestKindsOfGroup(t *testing.T) {
	for _, c := range []struct {
		name, key string
		prepare   func(*projects)
		reason    event.Reason
		words     string
	}{
		{"a new kind", "company", func(*projects) {}, "", `"status":1`},
		{"a name of Mixpanel's", "$browser", func(*projects) {}, event.ReasonReservedGroup, "a meaning of its own"},
		{"a campaign", "utm_source", func(*projects) {}, event.ReasonReservedGroup, "choose a name such as company"},
		{"an address", "current_url", func(*projects) {}, event.ReasonReservedGroup, "a meaning of its own"},
		{"a reserved name that is listed", "$browser", func(p *projects) { p.groups = []string{"$browser"} }, "", `"status":1`},
		{"closed", "plan", func(p *projects) { p.listed = true }, event.ReasonUnlistedGroup, "only_listed_groups is on"},
		{"closed, listed", "company", func(p *projects) { p.listed, p.groups = true, []string{"company"} }, "", `"status":1`},
		{"closed while it runs", "plan", func(p *projects) { p.addErr = fault.New(fault.Forbidden, "no") }, event.ReasonUnlistedGroup, "only_listed_groups is on"},
		{"too many", "plan", func(p *projects) { p.addErr = fault.New(fault.Invalid, "no") }, event.ReasonTooManyGroups, "100 kinds of group"},
		{"too long", strings.Repeat("k", 256), func(*projects) {}, event.ReasonNameTooLong, "255 characters"},
	} {
		b := newBench(t)
		c.prepare(b.projects)
		before := len(b.projects.groups)
		w := b.send("POST", "/groups?verbose=1", groupUpdate(c.key), "Content-Type", "application/json")
		_, rejected, _ := b.sink.rows()
		if !strings.Contains(w.Body.String(), c.words) {
			t.Errorf("%s: answer %s", c.name, w.Body)
		}
		if c.reason == "" {
			if len(rejected) != 0 || !slices.Contains(b.projects.groups, c.key) {
				t.Errorf("%s: rejected %+v", c.name, rejected)
			}
			continue
		}
		if len(rejected) != 1 || rejected[0].Reason != c.reason || rejected[0].Field != "$group_key" || len(b.projects.groups) != before {
			t.Errorf("%s: rejected %+v, kinds %v", c.name, rejected, b.projects.groups)
		}
	}
}

// An identifier by which nobody could be looked up, exported or erased is not taken
// in, wherever it stands; one byte less is.
func TestLongIdentifiers(t *testing.T) {
	fits, long := strings.Repeat("x", event.MaxIDBytes), strings.Repeat("x", event.MaxIDBytes+1)
	for _, c := range []struct{ route, record, field string }{
		{"/track", `{"event":"e","properties":{"token":"T","distinct_id":"ID"}}`, "properties.distinct_id"},
		{"/track", `{"event":"e","properties":{"token":"T","$user_id":"ID"}}`, "properties.$user_id"},
		{"/track", `{"event":"e","properties":{"token":"T","$device_id":"ID"}}`, "properties.$device_id"},
		{"/track", `{"event":"$identify","properties":{"token":"T","distinct_id":"u","$anon_distinct_id":"ID"}}`, "properties.$identity"},
		{"/track", `{"event":"$create_alias","properties":{"token":"T","distinct_id":"u","alias":"ID"}}`, "properties.alias"},
		{"/import", `{"event":"$merge","properties":{"token":"T","$distinct_ids":["ID","b"]}}`, "properties.$distinct_ids"},
		{"/track", `{"event":"e","properties":{"token":"T","company":"ID"}}`, "properties"},
		{"/track", `{"event":"e","properties":{"token":"T","company":["a","ID"]}}`, "properties"},
		{"/engage", `{"$token":"T","$distinct_id":"ID","$set":{"a":1}}`, "$distinct_id"},
		{"/engage", `{"$token":"T","$user_id":"ID","$set":{"a":1}}`, "$distinct_id"},
		{"/groups", `{"$token":"T","$group_key":"company","$group_id":"ID","$set":{"a":1}}`, "$group_id"},
	} {
		b := newBench(t)
		b.projects.groups = []string{"company"}
		w := b.send("POST", c.route+"?verbose=1", "["+strings.Replace(c.record, "ID", fits, 1)+","+strings.Replace(c.record, "ID", long, 1)+"]")
		rows, rejected, _ := b.sink.rows()
		if len(rows)+len(b.people.updates()) != 1 || len(rejected) != 1 || rejected[0].Reason != event.ReasonBadID || rejected[0].Field != c.field || rejected[0].BatchIndex != 1 {
			t.Errorf("%s: %d rows, %d updates, rejected %+v", c.record, len(rows), len(b.people.updates()), rejected)
		}
		if c.route != "/import" && !strings.Contains(w.Body.String(), "more than 1024 bytes") {
			t.Errorf("%s: %s", c.record, w.Body)
		}
	}
}
