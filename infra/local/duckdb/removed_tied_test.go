package duckdb

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"loch/infra/local/lake"
	"loch/infra/local/parquet"
	"loch/shared/event"
)

// TestRemovedIDsLeaveTheRowsOfOthers removes somebody whom rows of others tie to
// somebody: merges that were done and refused, and what the simplified scheme keeps
// of a call. Whoever sent them, they go like her own, wherever they are, and what
// those others did stays.
func TestRemovedIDsLeaveTheRowsOfOthers(t *testing.T) {
	w := newWorld(t)
	ann, work, phone := strings.Repeat("a", 32), strings.Repeat("b", 32), strings.Repeat("1", 32)
	carol, bob := strings.Repeat("c", 32), strings.Repeat("d", 32)
	at := day0
	of := func(kind event.Kind, properties string) event.Row {
		at++
		r := row(string(kind), at)
		r.Kind, r.UserID, r.DeviceID, r.Properties = kind, carol, "", properties
		return r
	}
	merged := func(r event.Row, person string, ids ...string) event.Row {
		event.AddMerged(&r, person, ids)
		return r
	}
	kept := 0
	for _, where := range []string{"compacted", "landed", "in the log"} {
		stay := []event.Row{
			of(event.KindEvent, "{}"),
			merged(of(event.KindAlias, `{"alias":"`+bob+`"}`), bob, bob, carol),
			of(event.KindIdentify, `{"$anon_distinct_id":"`+bob+`"}`),
			of(event.KindEvent, `{"seen_by":"`+ann+`"}`), // a word of the website's, and no identity
		}
		kept += len(stay)
		w.put(append(stay,
			merged(of(event.KindAlias, `{"$distinct_ids":["`+ann+`","`+work+`"]}`), ann, ann, work),
			merged(of(event.KindIdentify, "{}"), bob, bob, work),
			of(event.KindAlias, `{"alias":"`+ann+`"}`),
			of(event.KindIdentify, `{"$anon_distinct_id":"$device:`+phone+`"}`))...)
		if where != "in the log" {
			w.roll()
		}
		if where == "compacted" {
			w.compact()
		}
	}
	w.remove("p", ann, work, phone)
	check := func(when string) {
		t.Helper()
		for _, relation := range []string{"events", "events_raw"} {
			if got := w.value("SELECT count(*) FROM " + relation); got != fmt.Sprint(kept) {
				t.Errorf("%s, %s has %s rows, want %d", when, relation, got, kept)
			}
		}
		journey, err := w.engine.Journey(t.Context(), "p", []string{carol}, nil, 100)
		if err != nil || len(journey) != kept {
			t.Errorf("%s, the journey has %d rows, want %d: %v", when, len(journey), kept, err)
		}
	}
	check("at once")
	w.roll()
	check("rolled over")
	if c := w.compact(); c.Removed != 12 || c.RowsIn != c.RowsOut+c.Removed+c.Duplicates {
		t.Errorf("compaction says %+v", c)
	}
	check("compacted")
	for _, path := range w.snapshot().Events {
		if err := parquet.ReadEvents(path, func(r *event.Row) error {
			if r.Kind != event.KindEvent && slices.ContainsFunc([]string{ann, work, phone}, func(id string) bool {
				return strings.Contains(r.Properties+r.Context, id)
			}) {
				t.Errorf("a file holds %+v", r)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	// A request that was on its way comes late, and is none of anybody's duplicates.
	w.put(of(event.KindAlias, `{"alias":"`+work+`"}`))
	check("late")
	account, err := lake.Verify(t.Context(), w.lake, w.log, nil)
	if err != nil || !account.OK || account.Removed != 12 || account.Duplicates != 0 {
		t.Errorf("it does not add up: %v\n%s", err, account)
	}
}
