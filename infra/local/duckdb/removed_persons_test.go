package duckdb

import (
	"testing"

	"loch/shared/event"
)

// TestRemovedPeopleLeaveMerges removes somebody who had been merged: the merges of
// their ids are not read from then on, and go from the files, while those of others
// stay. It is done with few files of merges, which the sweep writes anew, and where
// the next merge has them written as one.
func TestRemovedPeopleLeaveMerges(t *testing.T) {
	for name, files := range map[string]int{"one file": 1, "so many that they are written as one": mergeLinks} {
		t.Run(name, func(t *testing.T) { testRemovedMerges(t, files) })
	}
}

func testRemovedMerges(t *testing.T, files int) {
	w := newWorld(t)
	merged := func(at int64, person string, ids ...string) event.Row {
		r := row("$create_alias", day0+at)
		r.Kind, r.UserID, r.DeviceID = event.KindAlias, person, ""
		event.AddMerged(&r, person, ids)
		return r
	}
	of := func(at int64, user string) event.Row {
		r := row("visit", day0+at)
		r.UserID, r.DeviceID = user, ""
		return r
	}
	for i := range files {
		at := int64(i) * 10
		w.put(merged(at, "ann", "ann", "ann-late", "ann-old"), of(at+1, "ann-old"), of(at+4, "ann-late"), merged(at+2, "bob", "bob", "bob-old"), of(at+3, "bob-old"))
		w.roll()
		w.compact()
	}
	persons := func() (n int) {
		for _, path := range w.snapshot().Links {
			if isPersons(path) {
				n++
			}
		}
		return n
	}
	if n := persons(); n != files {
		t.Fatalf("%d files of merges, want %d", n, files)
	}
	w.put(merged(1000, "ann", "ann", "ann-late", "ann-old"), of(1001, "bob-old"))
	w.remove("p", "ann", "ann-old")
	// An id that came to be hers while she was erased is nobody's: its rows show
	// whether the merge is still read.
	check := func(when string) {
		t.Helper()
		if got := w.value("SELECT string_agg(DISTINCT person_id, ' ' ORDER BY person_id) FROM events"); got != "ann-late bob" {
			t.Errorf("%s, the people are %s", when, got)
		}
	}
	check("at once")
	w.roll()
	check("rolled over")
	w.compact()
	check("compacted")
	gone := erased{}
	gone.add("p", "ann", "ann-old")
	inFiles := func(when string) {
		t.Helper()
		if rows, links := w.inFiles(gone); rows != 0 || links != 0 {
			t.Errorf("%s, the files hold %d of her rows and %d of her merges", when, rows, links)
		}
		if persons() == 0 {
			t.Errorf("%s, no file of merges is left", when)
		}
	}
	inFiles("compacted")
	// A request that was on its way comes when the files were searched already.
	w.put(merged(2000, "ann", "ann", "ann-late", "ann-old"), of(2001, "bob-old"))
	check("later")
	w.roll()
	w.compact()
	check("compacted again")
	inFiles("compacted again")
}
