package pebble

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"loch/shared/filter"
	"loch/shared/profile"
	"loch/shared/roster"
	"loch/shared/roster/rostertest"
)

// forgetRoster makes the next list read everybody again.
func forgetRoster(s rostertest.Store) {
	p := s.(*Profiles) //nolint:forcetypeassert // the tests below open no other
	p.rosters.mu.Lock()
	defer p.rosters.mu.Unlock()
	p.rosters.drop("shop")
}

func TestRosterContract(t *testing.T) {
	rostertest.Run(t, func(t *testing.T) rostertest.Store {
		return openTestProfiles(t, t.TempDir(), quietly())
	}, forgetRoster)
}

// The same where columns hold next to nothing, so that the records are asked.
func TestRosterContractWithoutColumns(t *testing.T) {
	for _, l := range []limits{{values: 1, bytes: 1 << 20, names: 100}, {values: 2, bytes: 300, names: 1}, {values: 0, bytes: 0, names: 0}} {
		t.Run(fmt.Sprint(l), func(t *testing.T) {
			rostertest.Run(t, func(t *testing.T) rostertest.Store {
				s := openTestProfiles(t, t.TempDir(), quietly())
				s.rosters.limits = l
				return s
			}, forgetRoster)
		})
	}
}

func planIs(t testing.TB, plan string) *filter.Matcher {
	t.Helper()
	w, err := filter.Parse([]byte(`[{"property":"plan","op":"eq","value":"`+plan+`"}]`), "where")
	if err != nil {
		t.Fatal(err)
	}
	m, err := roster.Compile(w)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Memory that nobody asks for any more is let go, also while profiles change on
// and on; the next list is right all the same.
func TestRosterIsDropped(t *testing.T) {
	now := time.UnixMilli(1_795_435_200_000)
	o := quietly()
	o.Now = func() time.Time { return now }
	s := openTestProfiles(t, t.TempDir(), o)
	put := func(n int, plan string) {
		t.Helper()
		if _, err := s.Apply(context.Background(), profile.Changes{Updates: []profile.Update{{
			Project: "shop", ID: fmt.Sprintf("%032x", n), Ops: []profile.Op{{Kind: profile.Set, Name: "plan", Value: json.RawMessage(`"` + plan + `"`)}},
		}}}); err != nil {
			t.Fatal(err)
		}
	}
	count := func(plan string) int {
		t.Helper()
		page, err := s.List(context.Background(), roster.Query{Project: "shop", Match: planIs(t, plan), Order: roster.LastSeen, Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		return page.Count
	}
	put(1, "pro")
	if s.rosters.some.Load() {
		t.Error("a table is kept before anybody asks")
	}
	if count("pro") != 1 || !s.rosters.some.Load() {
		t.Error("no table is kept")
	}
	now = now.Add(rosterIdle + time.Second)
	put(2, "pro")
	if s.rosters.some.Load() {
		t.Error("a table is kept that nobody asks")
	}
	if n := count("pro"); n != 2 {
		t.Errorf("%d", n)
	}
	for n := range rosterChanges + 1 {
		s.rosters.touch(personOf("shop", fmt.Sprint(n)), now)
	}
	if s.rosters.some.Load() {
		t.Error("changes pile up")
	}
	if n := count("pro"); n != 2 {
		t.Errorf("%d", n)
	}
}

// Whose people somebody lists finds the table made when the server starts again, as
// it would be made by a list; who has not listed for a week does not.
func TestListsAreKept(t *testing.T) {
	now := time.UnixMilli(1_795_435_200_000)
	o := quietly()
	o.Now = func() time.Time { return now }
	dir := t.TempDir()
	s := openTestProfiles(t, dir, o)
	put := func(from, to int) {
		t.Helper()
		for n := from; n < to; n++ {
			if _, err := s.Apply(context.Background(), profile.Changes{Updates: []profile.Update{usual(n)}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	list := func() int {
		t.Helper()
		page, err := s.List(context.Background(), roster.Query{Project: "shop", Order: roster.LastSeen, Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		return page.Count
	}
	keep := func() *table {
		t.Helper()
		if err := s.KeepLists(context.Background()); err != nil {
			t.Fatal(err)
		}
		return s.rosters.tables["shop"]
	}
	again := func() {
		t.Helper()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openTestProfiles(t, dir, o)
	}
	put(0, 10)
	if keep() != nil {
		t.Error("a table is made that nobody asked for")
	}
	list()
	again()
	made := keep()
	if made == nil || !made.built {
		t.Fatal("no table is made")
	}
	rows := func() (n int) {
		for _, shard := range made.shards {
			n += shard.rows()
		}
		return n
	}
	if put(10, 10+keepFrom-1); keep() != made || rows() != 10 {
		t.Errorf("%d rows: few changes are read again", rows())
	}
	if put(10+keepFrom-1, 10+keepFrom); keep() != made || rows() != 10+keepFrom {
		t.Errorf("%d rows", rows())
	}
	if n := list(); n != 10+keepFrom {
		t.Errorf("%d listed", n)
	}
	again()
	if now = now.Add(rosterIdle + noteEvery); keep() != nil {
		t.Error("a table is made for nobody")
	}
}

func TestShardOf(t *testing.T) {
	for _, id := range []string{"", "/", "0", "0f", "1", "9z", ":", "A", "a", "b0", "ef", "f", "ff", "zz", "~"} {
		n := shardOf(id)
		if from, to := rangeOf(n); id < from || to != "" && id >= to {
			t.Errorf("%q is said to be in [%q, %q)", id, from, to)
		}
	}
}

// BenchmarkList lists a million people with a filter that one in ten passes: by a
// trait with few values, and by one that is another for everybody.
func BenchmarkList(b *testing.B) {
	const people = 1_000_000
	o := quietly()
	o.NoSync = true
	s := openTestProfiles(b, b.TempDir(), o)
	for at := 0; at < people; at += 1000 {
		var c profile.Changes
		for n := at; n < at+1000; n++ {
			u := usual(n)
			u.ID = fmt.Sprintf("%016x%016x", uint64(n)*0x9E3779B97F4A7C15, n) //nolint:gosec // n is not negative
			u.Ops[1].Value = json.RawMessage(`"` + [...]string{"free", "pro"}[min(1, n%10)^1] + `"`)
			u.Ops[3].Value = json.RawMessage(fmt.Sprintf(`"%d %s"`, n, strings.Repeat("lorem ipsum ", 10)))
			c.Updates = append(c.Updates, u)
		}
		if _, err := s.Apply(context.Background(), c); err != nil {
			b.Fatal(err)
		}
	}
	if err := errors.Join(s.WriteSightings(), s.peb.Flush(), s.peb.Compact(context.Background(), []byte{0}, []byte{0xff}, true)); err != nil {
		b.Fatal(err)
	}
	q := roster.Query{Project: "shop", Match: planIs(b, "pro"), Order: roster.LastSeen, Limit: 50}
	begin, before := 0, time.Duration(0)
	list := func(b *testing.B, want int) {
		if begin++; begin == 1 {
			before = processCPU(b)
		}
		defer func() {
			b.ReportMetric(float64(processCPU(b)-before)/float64(time.Millisecond)/float64(begin), "CPU-ms/op")
		}()
		page, err := s.List(context.Background(), q)
		if err != nil || page.Count != want || len(page.Profiles) != 50 {
			b.Fatal(page.Count, len(page.Profiles), err)
		}
	}
	b.Run("first, which reads everybody", func(b *testing.B) {
		begin = 0
		for b.Loop() {
			forgetRoster(s)
			list(b, people/10)
		}
	})
	b.Run("then", func(b *testing.B) {
		begin = 0
		for b.Loop() {
			list(b, people/10)
		}
		total := 0
		for _, shard := range s.rosters.tables["shop"].shards {
			total += shard.weight()
		}
		b.ReportMetric(float64(total)/people, "bytes/profile")
	})
	b.Run("then, with 1000 changes since", func(b *testing.B) {
		begin = 0
		for b.Loop() {
			for n := range 1000 {
				s.rosters.touch(personOf("shop", fmt.Sprintf("%016x%016x", uint64(n)*0x9E3779B97F4A7C15, n)), s.now())
			}
			list(b, people/10)
		}
	})
	b.Run("by a trait without a column", func(b *testing.B) {
		w, err := filter.Parse([]byte(`[{"property":"about","op":"matches","value":"^[0-9]*7 "}]`), "where")
		if err != nil {
			b.Fatal(err)
		}
		if q.Match, err = roster.Compile(w); err != nil {
			b.Fatal(err)
		}
		begin = 0
		for b.Loop() {
			list(b, people/10)
		}
	})
}

// What a walk reads of a record is what decoding it tells.
func TestSightIsTheRecord(t *testing.T) {
	seen := profile.Seen{}
	for i, ms := range seenTimes(&seen) {
		*ms = int64(i + 1)
	}
	for i, text := range seen.Texts() {
		*text = fmt.Sprint("text ", i)
	}
	one := raw{seen: encodeSeen(seen)}
	want := seen.Texts()
	n := 0
	first, last, err := one.sight(func(i int, value []byte) {
		if string(value) != *want[i] {
			t.Errorf("%s is %q, want %q", profile.SeenTexts[i], value, *want[i])
		}
		n++
	})
	if err != nil || first != seen.FirstMS || last != seen.LastMS || n != len(want) {
		t.Errorf("%d %d, %d texts, %v", first, last, n, err)
	}
}
