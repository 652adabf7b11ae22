package pebble

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"loch/shared/fault"
	"loch/shared/profile"
	"loch/shared/vault"
)

// Events must not cost a store write each: most tell nothing new, and what they tell
// waits to be written for many people at once.
func TestSightingsAreCoalesced(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	now := time.UnixMilli(1_000_000)
	o := quietly()
	o.Now = func() time.Time { return now }
	s := openTestProfiles(t, dir, o)
	const people, events = 20, 120
	send := func() {
		t.Helper()
		for n := range int64(events) { // an event every 5 s for 10 minutes
			now = time.UnixMilli(1_000_000 + n*5000)
			for i := range people {
				saw := sightingAt("p", fmt.Sprint("d", i), now.UnixMilli(), profile.Place{Country: "NO"})
				if _, err := s.Apply(ctx, profile.Changes{Sightings: []profile.Sighting{saw}}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	send()
	got := s.Stats()
	if got.Sightings != people*events || got.SightingsTold != people*10 || got.SeenWrites != people*10 || got.Commits != 10 {
		t.Errorf("%+v: a person should tell something once a minute, and all of them be written together", got)
	}
	last := now.UnixMilli()
	check := func() {
		t.Helper()
		for i := range people {
			p, err := s.Get(ctx, "p", fmt.Sprint("d", i))
			if err != nil || p.FirstSeenMS != 1_000_000 || last-p.LastSeenMS >= profile.SightingEveryMS || p.Place.Country != "NO" {
				t.Errorf("person %d: %+v, %v", i, p, err)
			}
		}
	}
	check() // also what waits is found

	// Closing writes what waits; memory is empty after a restart, the store is not.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTestProfiles(t, dir, o)
	check()
	send()
	if got := s.Stats(); got.SightingsTold != 0 || got.Commits != 0 {
		t.Errorf("%+v for events that the store knew already", got)
	}

	// A linked device's events tell no more than its user's.
	if _, err := s.Apply(ctx, profile.Changes{Links: []profile.Link{{Project: "p", Device: "d0", User: "u", TimeMS: 2_000_000}}}); err != nil {
		t.Fatal(err)
	}
	for n := range int64(100) {
		saw := sightingAt("p", "d0", 2_000_000+n*500, profile.Place{})
		if _, err := s.Apply(ctx, profile.Changes{Sightings: []profile.Sighting{saw}}); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.Stats(); got.SightingsTold != 0 {
		t.Errorf("100 events of a linked device within a minute told %d times", got.SightingsTold)
	}
}

// Many people do not wait for the time to come.
func TestManySightingsAreWrittenAtOnce(t *testing.T) {
	o := quietly()
	o.Now = func() time.Time { return time.UnixMilli(1) }
	s := openTestProfiles(t, t.TempDir(), o)
	for n := range waitTogether {
		saw := profile.Changes{Sightings: []profile.Sighting{sightingAt("p", fmt.Sprint("d", n), 1, profile.Place{})}}
		if _, err := s.Apply(context.Background(), saw); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.Stats(); got.Commits != 1 || got.SeenWrites != waitTogether || len(s.waiting.all()) != 0 {
		t.Errorf("%+v, %d wait", got, len(s.waiting.all()))
	}
}

// What waits is part of the profile for whoever touches it.
func TestWhatWaitsIsPartOfTheProfile(t *testing.T) {
	s, ctx := openTestProfiles(t, t.TempDir(), quietly()), context.Background()
	see := func(id string) {
		t.Helper()
		saw := profile.Changes{Sightings: []profile.Sighting{sightingAt("p", id, 1000, profile.Place{City: "Oslo"})}}
		if _, err := s.Apply(ctx, saw); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"updated", "deleted", "device", "merged", "erased", "unset"} {
		see(id)
	}
	updates := []profile.Update{one("updated"), {Project: "p", ID: "deleted", Ops: []profile.Op{{Kind: profile.Delete}}}}
	applyUpdates(t, s, updates...)
	if err := s.Erase(ctx, "p", []string{"erased"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Apply(ctx, profile.Changes{Links: []profile.Link{{Project: "p", Device: "device", User: "user", TimeMS: 9000}}}); err != nil {
		t.Fatal(err)
	}
	merging := profile.Merging{Project: "p", From: profile.Ref{ID: "merged"}, Into: profile.Ref{ID: "into"}}
	if _, err := s.Merge(ctx, []profile.Merging{merging}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // before and after it is written
		for id, want := range map[string]profile.Seen{
			"updated": {FirstMS: 1, LastMS: 1000}, "user": {FirstMS: 1000, LastMS: 9000}, "into": {FirstMS: 1000, LastMS: 1000}, "unset": {FirstMS: 1000, LastMS: 1000},
		} {
			p, err := s.Get(ctx, "p", id)
			if err != nil || p.FirstSeenMS != want.FirstMS || p.LastSeenMS != want.LastMS || p.Place.City != "Oslo" {
				t.Errorf("%s: %+v, %v", id, p, err)
			}
		}
		for _, id := range []string{"deleted", "erased"} {
			if p, err := s.Get(ctx, "p", id); fault.CodeOf(err) != fault.NotFound {
				t.Errorf("%s: %+v, %v", id, p, err)
			}
		}
		if err := s.writeWaiting(); err != nil {
			t.Fatal(err)
		}
	}
	// Deleted and seen again in one request.
	if _, err := s.Apply(ctx, profile.Changes{
		Updates:   []profile.Update{{Project: "p", ID: "updated", Ops: []profile.Op{{Kind: profile.Delete}}}},
		Sightings: []profile.Sighting{sightingAt("p", "updated", 5000, profile.Place{})},
	}); err != nil {
		t.Fatal(err)
	}
	if p, err := s.Get(ctx, "p", "updated"); err != nil || p.FirstSeenMS != 5000 || p.Place.City != "" || len(p.Traits) != 0 {
		t.Errorf("deleted and seen again: %+v, %v", p, err)
	}
}

// A request of small updates to large profiles is written in parts, so that it
// never holds all of them in memory; what comes out is the same. Each profile is read
// and written once, also where their updates take turns.
func TestLargeRequestsAreWrittenInParts(t *testing.T) {
	s, ctx := openTestProfiles(t, t.TempDir(), quietly()), context.Background()
	const people = 24
	long := json.RawMessage(`"` + strings.Repeat("x", 200<<10) + `"`)
	for i := range people {
		u := profile.Update{Project: "p", ID: fmt.Sprint("u", i), TimeMS: 1}
		for _, name := range []string{"a", "b", "c", "d"} {
			u.Ops = append(u.Ops, profile.Op{Kind: profile.Set, Name: name, Value: long})
		}
		if _, err := s.Apply(ctx, profile.Changes{Updates: []profile.Update{u}}); err != nil {
			t.Fatal(err)
		}
	}
	before := s.Stats().Commits
	var c profile.Changes
	for range 2 {
		for i := range people {
			c.Updates = append(c.Updates, one(fmt.Sprint("u", i)))
		}
	}
	refused := one("u0")
	refused.Index, refused.Ops[0].Name = 48, "a"
	c.Updates = append(c.Updates, refused)
	refusals, err := s.Apply(ctx, c)
	if err != nil || len(refusals) != 1 || refusals[0].Index != 48 {
		t.Fatalf("%+v, %v", refusals, err)
	}
	parts := s.Stats().Commits - before
	if perPart := int64(partBytes / (4 * len(long))); parts < people/(perPart+1) || parts > people/perPart+2 {
		t.Errorf("%d parts for %d updates of %d KB profiles", parts, 2*people, 4*len(long)>>10)
	}
	for i := range people {
		p, err := s.Get(ctx, "p", fmt.Sprint("u", i))
		if err != nil || len(p.Traits) != 5 || string(p.Traits[4].Value) != "2" {
			t.Fatalf("person %d: %d traits, %v", i, len(p.Traits), err)
		}
	}
}

func TestChangesMustNameSomebody(t *testing.T) {
	s := openTestProfiles(t, t.TempDir(), quietly())
	for _, c := range []profile.Changes{
		{Updates: []profile.Update{one("u"), {Project: "p"}}},
		{Updates: []profile.Update{{ID: "u"}}},
		{Links: []profile.Link{{Project: "p", Device: "d"}}},
		{Links: []profile.Link{{Project: "p", User: "u"}}},
		{Sightings: []profile.Sighting{sightingAt("", "u", 1, profile.Place{})}},
	} {
		if _, err := s.Apply(context.Background(), c); fault.CodeOf(err) != fault.Internal || err == nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
	u, v := profile.Ref{ID: "u"}, profile.Ref{ID: "v"}
	for _, m := range []profile.Merging{{Project: "p", From: u}, {Project: "p", Into: u}, {From: u, Into: v}} {
		if _, err := s.Merge(context.Background(), []profile.Merging{m}); fault.CodeOf(err) != fault.Internal || err == nil {
			t.Errorf("%+v: %v", m, err)
		}
	}
	if _, err := s.Get(context.Background(), "p", "u"); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("something was kept: %v", err)
	}
}

func TestOpenRefusesWhatIsNotItsOwn(t *testing.T) {
	dir := t.TempDir()
	v := openTestVault(t, filepath.Join(dir, "vault"), quietly())
	if _, err := OpenVault(filepath.Join(dir, "vault"), quietly()); fault.CodeOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a store that is open: %v", err)
	}
	if _, err := v.Create(context.Background(), []vault.Entry{{Key: testKey(1), ID: vault.ID{1}}}); err != nil {
		t.Error(err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenProfiles(filepath.Join(dir, "vault"), quietly()); fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "vault 2") {
		t.Errorf("the vault opened as profiles: %v", err)
	}
	v = openTestVault(t, filepath.Join(dir, "vault"), quietly())
	if _, found, err := v.Find(context.Background(), []vault.Key{testKey(1)}); err != nil || !found[0] {
		t.Errorf("after that the vault has lost its id: %v", err)
	}
}

func TestPeopleOfDifferentProjectsNeverMeet(t *testing.T) {
	for _, c := range [][2]string{{"a", "bc"}, {"ab", "c"}, {"", "abc"}, {"abc", ""}, {"\x01a", "b"}, {strings.Repeat("p", 300), "x"}} {
		project, id := personOf(c[0], c[1]).split()
		if project != c[0] || id != c[1] {
			t.Errorf("%q came back as %q, %q", c, project, id)
		}
	}
	if personOf("a", "bc") == personOf("ab", "c") {
		t.Error("two people share a key")
	}
}

func TestRecordsComeBack(t *testing.T) {
	p := profile.Profile{UpdatedMS: 1_795_435_200_000, GroupKey: "company", Traits: []profile.Trait{
		{Name: "plan", Value: json.RawMessage(`"pro"`)}, {Name: "", Value: json.RawMessage(`[1.50, {"a":null}]`)},
	}}
	var back profile.Profile
	if err := decodeTraits(encodeTraits(&p), &back); err != nil || !reflect.DeepEqual(p, back) {
		t.Errorf("%+v came back as %+v, %v", p, back, err)
	}
	seen := profile.Seen{FirstMS: -5, LastMS: 1 << 60,
		Place:   profile.Place{Country: "NO", Region: "Oslo", City: "Oslo", Timezone: "Europe/Oslo"},
		Device:  profile.DeviceInfo{Browser: "Firefox", OS: "Linux", DeviceType: "desktop", Brand: "b", Model: "m"},
		Arrival: profile.Arrival{Referrer: "r", Channel: "c", Source: "s", UTMSource: "1", UTMMedium: "2", UTMCampaign: "3", UTMTerm: "4", UTMContent: "5", ClickIDKind: "k"},
		PlaceMS: 7, DeviceMS: 8, ArrivalMS: -9}
	if got, err := decodeSeen(encodeSeen(seen)); err != nil || got != seen {
		t.Errorf("%+v came back as %+v, %v", seen, got, err)
	}
	if user, err := decodeLink(encodeLink("u", 7)); err != nil || user != "u" {
		t.Errorf("%q, %v", user, err)
	}
	// A field that is added to Seen must be written, too.
	if n := fields(reflect.TypeFor[profile.Seen]()); n != len(seen.Texts())+len(seenTimes(&seen)) {
		t.Errorf("%d texts and %d times are kept of %d", len(seen.Texts()), len(seenTimes(&seen)), n)
	}
}

// fields counts the plain fields of a type, those of its parts included.
func fields(t reflect.Type) (n int) {
	for f := range t.Fields() {
		if f.Type.Kind() == reflect.Struct {
			n += fields(f.Type)
		} else {
			n++
		}
	}
	return n
}

// Damaged records are reported; they neither panic nor take memory for what is
// not there.
func FuzzRecords(f *testing.F) {
	p := profile.Profile{UpdatedMS: 5, Traits: []profile.Trait{{Name: "a", Value: json.RawMessage(`1`)}}}
	f.Add(encodeTraits(&p))
	f.Add(encodeSeen(profile.Seen{FirstMS: 1, LastMS: 2}))
	f.Add([]byte{0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		var p, again profile.Profile
		if err := decodeTraits(b, &p); err == nil {
			if err := decodeTraits(encodeTraits(&p), &again); err != nil || len(again.Traits) != len(p.Traits) {
				t.Errorf("does not come back: %v", err)
			}
		}
		if s, err := decodeSeen(b); err == nil {
			if again, err := decodeSeen(encodeSeen(s)); err != nil || again != s {
				t.Errorf("does not come back: %v", err)
			}
		}
		if _, err := decodeLink(b); err != nil && errors.Unwrap(err) != nil {
			t.Error("the error carries a cause that may carry the record")
		}
	})
}

// A plan is made without locks. What it took for unlinked is looked at again
// under them, and the whole is planned anew if somebody was linked meanwhile.
func TestPlansThatAreOvertaken(t *testing.T) {
	s, ctx := openTestProfiles(t, t.TempDir(), quietly()), context.Background()
	linkTo := func(user string) profile.Changes {
		return profile.Changes{Links: []profile.Link{{Project: "p", Device: "d", User: user, TimeMS: 1}}}
	}
	late := []profile.Changes{
		linkTo("late"),
		{Updates: []profile.Update{one("d")}},
		{Sightings: []profile.Sighting{sightingAt("p", "d", 5, profile.Place{})}},
	}
	var plans []*plan
	for i := range late {
		p, err := s.plan(&late[i])
		if err != nil {
			t.Fatal(err)
		}
		plans = append(plans, p)
	}
	if _, err := s.Apply(ctx, linkTo("first")); err != nil {
		t.Fatal(err)
	}
	before := s.Stats().Commits
	for i, p := range plans {
		if _, again, err := s.execute(&late[i], p); !again || err != nil {
			t.Errorf("plan %d was carried out: %v, %v", i, again, err)
		}
	}
	if n := s.Stats().Commits - before; n != 0 {
		t.Errorf("%d writes from overtaken plans", n)
	}
	for _, c := range late {
		if _, err := s.Apply(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	if p, err := s.Get(ctx, "p", "d"); err != nil || p.ID != "first" || len(p.Traits) != 1 {
		t.Errorf("the device gives %s with %d traits, %v", p.ID, len(p.Traits), err)
	}
}
