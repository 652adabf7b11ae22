// Package rostertest is the contract of a roster over a profile store, as tests.
package rostertest

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"loch/shared/fault"
	"loch/shared/filter"
	"loch/shared/profile"
	"loch/shared/roster"
)

// Store is what is tested: a store of profiles that can list them.
type Store interface {
	profile.Store
	profile.Merger
	roster.Roster
}

// Run holds a store to the contract. open makes an empty one; forget may make the
// store drop what it keeps in memory, and may be nil. With -short the random life is a
// shorter one.
func Run(t *testing.T, open func(t *testing.T) Store, forget func(Store)) {
	t.Run("a random life", func(t *testing.T) { random(t, open(t), forget) })
	t.Run("what is acknowledged is listed", func(t *testing.T) { atOnce(t, open(t)) })
	t.Run("sealed values are missing", func(t *testing.T) { sealed(t, open(t)) })
	t.Run("a call that was given up", func(t *testing.T) { givenUp(t, open(t)) })
}

const shop = "shop"

func set(id, name, value string) profile.Update {
	return profile.Update{Project: shop, ID: id, TimeMS: 5000, Ops: []profile.Op{{Kind: profile.Set, Name: name, Value: json.RawMessage(value)}}}
}

func apply(t *testing.T, s Store, c profile.Changes) {
	t.Helper()
	if _, err := s.Apply(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

func merge(t *testing.T, s Store, from, into string) {
	t.Helper()
	list := []profile.Merging{{Project: shop, From: profile.Ref{ID: from}, Into: profile.Ref{ID: into}, TimeMS: 5000}}
	if _, err := s.Merge(t.Context(), list); err != nil {
		t.Fatal(err)
	}
}

func matcher(t *testing.T, where string) *filter.Matcher {
	t.Helper()
	w, err := filter.Parse([]byte(where), "where")
	if err != nil {
		t.Fatal(err)
	}
	m, err := roster.Compile(w)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func list(t *testing.T, s Store, q roster.Query) roster.Page {
	t.Helper()
	page, err := s.List(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func atOnce(t *testing.T, s Store) {
	id := func(n int) string { return fmt.Sprintf("%032x", n) }
	q := roster.Query{Project: shop, Match: matcher(t, `[{"property":"plan","op":"eq","value":"pro"}]`), Order: roster.LastSeen, Limit: 10}
	if page := list(t, s, q); page.Count != 0 || len(page.Profiles) != 0 || page.Next != nil {
		t.Fatalf("an empty store lists %+v", page)
	}
	apply(t, s, profile.Changes{Updates: []profile.Update{set(id(1), "plan", `"pro"`), set(id(2), "plan", `"free"`), set("no hex", "plan", `"pro"`)}})
	if page := list(t, s, q); page.Count != 2 {
		t.Fatalf("%d, want 2", page.Count)
	}
	apply(t, s, profile.Changes{Updates: []profile.Update{set(id(1), "plan", `"free"`), set(id(3), "plan", `"pro"`)}})
	if page := list(t, s, q); page.Count != 2 || page.Profiles[0].ID != id(3) || page.Profiles[1].ID != "no hex" {
		t.Fatalf("%+v", page)
	}
	// A device that is linked is its user from then on.
	apply(t, s, profile.Changes{Links: []profile.Link{{Project: shop, Device: id(3), User: id(2), TimeMS: 1}}})
	if page := list(t, s, q); page.Count != 1 {
		t.Fatalf("a linked device is listed: %+v", page)
	}
	// Who was merged leaves the list, and whom they were merged into has their traits.
	apply(t, s, profile.Changes{Updates: []profile.Update{set(id(4), "plan", `"pro"`), set(id(5), "name", `"Five"`)}})
	if page := list(t, s, q); page.Count != 2 {
		t.Fatalf("%d, want 2", page.Count)
	}
	merge(t, s, id(4), id(5))
	if page := list(t, s, q); page.Count != 2 || !slices.ContainsFunc(page.Profiles, func(p profile.Profile) bool { return p.ID == id(5) }) {
		t.Fatalf("after a merge: %+v", page)
	}
	merge(t, s, id(5), id(1))
	if page := list(t, s, q); page.Count != 1 { // plan "free" stays
		t.Fatalf("after another merge: %+v", page)
	}
	if err := s.Erase(t.Context(), shop, []string{"no hex"}); err != nil {
		t.Fatal(err)
	}
	if page := list(t, s, q); page.Count != 0 {
		t.Fatalf("somebody who was erased is listed: %+v", page)
	}
	if page := list(t, s, roster.Query{Project: "other", Order: roster.LastSeen, Limit: 10}); page.Count != 0 {
		t.Fatalf("another project sees %+v", page)
	}
}

func sealed(t *testing.T, s Store) {
	box := profile.Sealed{Owner: "000102030405060708090a0b0c0d0e0f", Version: 1, Tag: make([]byte, 16), Box: []byte("x")}.Append(nil)
	apply(t, s, profile.Changes{Updates: []profile.Update{
		set("a", "contact", string(box)), set("b", "contact", `"shop floor"`), set("c", "contact", `[`+string(box)+`,"shop floor"]`),
	}})
	for where, want := range map[string]int{
		`[{"property":"contact","op":"is_set"}]`:                             1,
		`[{"property":"contact","op":"is_not_set"}]`:                         2,
		`[{"property":"contact","op":"contains","value":"shop floor"}]`:      1,
		`[{"property":"contact","op":"ne","value":"x"}]`:                     3,
		`[{"property":"contact.$sealed","op":"is_set"}]`:                     0,
		`[{"property":"contact","op":"matches","value":"sealed|000102"}]`:    0,
		`[{"property":"properties.contact","op":"starts_with","value":"s"}]`: 1,
	} {
		if page := list(t, s, roster.Query{Project: shop, Match: matcher(t, where), Order: roster.PersonID, Limit: 10}); page.Count != want {
			t.Errorf("%s: %d, want %d", where, page.Count, want)
		}
	}
}

func givenUp(t *testing.T, s Store) {
	apply(t, s, profile.Changes{Updates: []profile.Update{set("a", "plan", `1`)}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.List(ctx, roster.Query{Project: shop, Order: roster.LastSeen, Limit: 1}); err == nil || fault.CodeOf(err) == fault.Internal {
		t.Errorf("%v", err)
	}
	// A regular expression on one long text is given up, too, and no page is made of
	// what it said.
	apply(t, s, profile.Changes{Updates: []profile.Update{set("b", "bio", `"`+strings.Repeat("lorem ipsum ", 10<<10)+`"`)}})
	q := roster.Query{Project: shop, Order: roster.LastSeen, Limit: 1}
	if _, err := s.List(t.Context(), q); err != nil { // what a store makes ready is ready
		t.Fatal(err)
	}
	plain := &looks{Context: t.Context()}
	if _, err := s.List(plain, q); err != nil || plain.n.Load() >= intoMatch {
		t.Fatalf("the test proves nothing: without an expression there are %d looks (%v)", plain.n.Load(), err)
	}
	for _, op := range []string{"", `{"property":"plan","op":"is_not_set"},`} {
		leaving, leave := context.WithCancel(t.Context())
		q.Match = matcher(t, `[`+op+`{"property":"bio","op":"matches","value":"(.?){900}$x"}]`)
		look := &looks{Context: leaving, at: intoMatch, then: leave}
		if page, err := s.List(look, q); err == nil || fault.CodeOf(err) == fault.Internal {
			t.Errorf("%+v, %v", page, err)
		}
		if n := look.n.Load(); n > 1000 {
			t.Errorf("it went on for %d looks at whether anybody waits", n)
		}
		leave()
	}
}

// intoMatch is at which look whoever waits gives up: well into the text, which takes
// some 800.
const intoMatch = 20

// looks is a context that counts how often it is asked whether it ended, and calls
// then at one of them.
type looks struct {
	context.Context
	n    atomic.Int64
	at   int64
	then func()
}

// Err implements context.Context.
func (l *looks) Err() error {
	if l.n.Add(1) == l.at {
		l.then()
	}
	return l.Context.Err()
}

// random lets a project live and compares every list with one that is made of
// Get alone.
func random(t *testing.T, s Store, forget func(Store)) {
	r := rand.New(rand.NewPCG(21, 22))
	ids := make([]string, 60)
	for i := range ids {
		ids[i] = fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64())
	}
	ids = append(ids, "short", "", "g")
	ids = slices.DeleteFunc(ids, func(id string) bool { return id == "" })
	rounds := 120
	if forget == nil { // what keeps no lists in memory has none that could be stale
		rounds = 40
	}
	if testing.Short() {
		rounds /= 4
	}
	for range rounds {
		live(t, s, r, ids)
		if forget != nil && r.IntN(8) == 0 {
			forget(s)
		}
		compare(t, s, r, ids)
	}
}

// A device's id is never a user's nor a group's: the first ids are devices, then
// come users, then groups.
const devices, users = 20, 50

func live(t *testing.T, s Store, r *rand.Rand, ids []string) {
	t.Helper()
	one := func() string { return ids[r.IntN(len(ids))] }
	user := func() string { return ids[devices+r.IntN(users-devices)] }
	var c profile.Changes
	for range r.IntN(12) {
		u := set(one(), [...]string{"plan", "visits", "tags", "deep", "deep.a", "country"}[r.IntN(6)],
			[...]string{`"pro"`, `"free"`, `1`, `10`, `1.0`, `null`, `["a",1]`, `{"a":"pro","b":2}`, `true`}[r.IntN(9)])
		u.TimeMS = 1_700_000_000_000 + int64(r.IntN(5))*86_400_000
		u.Place = profile.Place{Country: [...]string{"", "NO", "SE"}[r.IntN(3)]}
		u.ExactID = r.IntN(5) == 0
		switch r.IntN(12) {
		case 0:
			u.Ops = []profile.Op{{Kind: profile.Delete}}
		case 1:
			u.ID, u.GroupKey = ids[users+r.IntN(len(ids)-users)], "company"
		case 2:
			u.Ops = append(u.Ops, profile.Op{Kind: profile.Unset, Name: "plan"})
		}
		c.Updates = append(c.Updates, u)
	}
	for range r.IntN(4) {
		at := 1_700_000_000_000 + r.Int64N(10)*86_400_000
		c.Sightings = append(c.Sightings, profile.Sighting{Project: shop, ID: one(), Seen: profile.SeenAt(at, profile.Place{},
			profile.DeviceInfo{OS: [...]string{"", "Linux"}[r.IntN(2)]}, profile.Arrival{Channel: [...]string{"", "organic"}[r.IntN(2)]})})
	}
	if r.IntN(4) == 0 {
		c.Links = append(c.Links, profile.Link{Project: shop, Device: ids[r.IntN(devices)], User: user(), TimeMS: 1_700_000_000_000})
	}
	apply(t, s, c)
	if r.IntN(8) == 0 {
		merge(t, s, user(), user())
	}
	if r.IntN(10) == 0 {
		if err := s.Erase(t.Context(), shop, []string{one()}); err != nil {
			t.Fatal(err)
		}
	}
}

var wheres = []string{
	`[]`,
	`[{"property":"plan","op":"eq","value":"pro"}]`,
	`[{"property":"plan","op":"ne","value":"pro"},{"property":"visits","op":"gte","value":1}]`,
	`[{"any":[{"property":"plan","op":"is_not_set"},{"property":"visits","op":"between","value":[1,5]}]}]`,
	`[{"property":"deep.a","op":"eq","value":"pro"}]`,
	`[{"property":"tags","op":"contains","value":1}]`,
	`[{"property":"country","op":"eq","value":"NO"}]`,
	`[{"property":"properties.country","op":"is_set"}]`,
	`[{"property":"profile.country","op":"in","value":["NO","SE"]},{"property":"os","op":"is_not_set"}]`,
	`[{"property":"last_seen","op":"gte","value":"2023-11-17"}]`,
	`[{"property":"first_seen","op":"is_set"},{"property":"updated","op":"is_set"}]`,
	`[{"property":"person_id","op":"lt","value":"8"}]`,
	`[{"property":"first_channel","op":"eq","value":"organic"}]`,
}

func compare(t *testing.T, s Store, r *rand.Rand, ids []string) {
	t.Helper()
	where := wheres[r.IntN(len(wheres))]
	q := roster.Query{Project: shop, Match: matcher(t, where), Order: [...]roster.Order{roster.LastSeen, roster.FirstSeen, roster.PersonID}[r.IntN(3)], Limit: 1 + r.IntN(8)}
	if r.IntN(4) == 0 {
		q.GroupKey = "company"
	}
	switch r.IntN(8) {
	case 0:
		q.Among = []string{} // a cohort of nobody
	case 1, 2:
		q.Among = []string{ids[r.IntN(len(ids))], "unknown", ids[r.IntN(len(ids))], ids[r.IntN(len(ids))], "unknown"}
	}
	want := naive(t, s, q, ids)
	var got []string
	for {
		page := list(t, s, q)
		if page.Count != len(want) {
			t.Fatalf("%s, %+v: %d pass, want %d", where, q, page.Count, len(want))
		}
		for i := range page.Profiles {
			got = append(got, fmt.Sprint(page.Profiles[i]))
		}
		if page.Next == nil {
			break
		}
		if len(page.Profiles) != q.Limit {
			t.Fatalf("a page of %d before the last, want %d", len(page.Profiles), q.Limit)
		}
		q.After = page.Next
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("%s, %+v:\ngot  %v\nwant %v", where, q, got, want)
	}
}

// naive is the list as Get tells it.
func naive(t *testing.T, s Store, q roster.Query, ids []string) (shown []string) {
	t.Helper()
	var all []profile.Profile
	for _, id := range ids {
		p, err := s.Get(t.Context(), shop, id)
		if fault.CodeOf(err) == fault.NotFound && err != nil || p.ID != id && err == nil {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if p.GroupKey == q.GroupKey && roster.Passes(q.Match, &p) && (q.Among == nil || slices.Contains(q.Among, id)) {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b profile.Profile) int {
		return roster.PlaceOf(&a, q.Order).Compare(roster.PlaceOf(&b, q.Order))
	})
	for i := range all {
		shown = append(shown, fmt.Sprint(all[i]))
	}
	return shown
}
