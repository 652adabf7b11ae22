package duckdb

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"loch/infra/local/lake"
	"loch/shared/event"
	"loch/shared/report/laketest"
	"loch/shared/schema"
	"loch/shared/schema/schematest"
)

// TestSchemaContract runs the contract of schema.Source.
func TestSchemaContract(t *testing.T) {
	schematest.Run(t, schematest.Effort{Seeds: int(seeds(2)), Steps: 16, Every: 4}, func(t *testing.T) schematest.Lake {
		w := newWorld(t)
		compact := func(t *testing.T) {
			if _, err := w.engine.Compact(context.Background(), nil); err != nil {
				t.Fatal(err)
			}
		}
		return schematest.Lake{
			Lake: laketest.Lake{
				Engine: w.engine,
				Put:    func(_ *testing.T, rows []event.Row) { w.put(rows...) },
				Upkeep: func(t *testing.T, n int) {
					w.engine.chunkFiles = 1 + n%5
					switch n / 20 {
					case 0, 1:
						w.roll()
					case 2:
						compact(t)
					}
				},
				Remove: func(t *testing.T, ids []string) {
					if err := w.lake.RemoveRows("p", ids, time.Now()); err != nil {
						t.Fatal(err)
					}
				},
			},
			Source: w.engine,
			Settle: func(t *testing.T) { w.roll(); compact(t) },
		}
	})
}

// TestSchemaByHand: what a small world's schema is, before and after compaction, and
// that persons are users, and devices only as long as nobody has one.
func TestSchemaByHand(t *testing.T) {
	w := newWorld(t)
	for i := range 12 {
		r := row("Purchase", day0+int64(i)*hourMS)
		r.DeviceID = fmt.Sprintf("%032x", i)
		r.Country = "DE"
		r.Properties = fmt.Sprintf(`{"plan":"pro","order":"o%d","email":"email_%032x","amount":%d}`, i, i%3, i%4)
		w.put(r)
	}
	ask := func(event string) []schema.Fact {
		t.Helper()
		list, err := w.engine.Facts(context.Background(), "p", event)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	fact := func(list []schema.Fact, kind schema.Kind, name, value string) schema.Fact {
		t.Helper()
		for _, f := range list {
			if f.Kind == kind && f.Name == name && f.Value == value {
				return f
			}
		}
		t.Fatalf("no fact %s %s %s in %+v", kind, name, value, list)
		return schema.Fact{}
	}
	check := func(purchases, persons int64) {
		t.Helper()
		for _, event := range []string{"", "Purchase"} {
			list := ask(event)
			if f := fact(list, schema.OfEvent, "", ""); f.Event != "Purchase" || f.Count != purchases || f.FirstMS != day0 || f.LastMS != day0+(purchases-1)*hourMS {
				t.Errorf("of %q: %+v", event, f)
			}
			if f := fact(list, schema.OfValue, "plan", `"pro"`); f.Count != purchases || f.Persons < persons-3 || f.Persons > persons {
				t.Errorf("of %q: %+v, of %d people", event, f, persons)
			}
			if f := fact(list, schema.OfProperty, "email", ""); f.Odd != purchases {
				t.Errorf("of %q: %+v", event, f)
			}
			if f := fact(list, schema.OfValue, "country", `"DE"`); f.Space != schema.Column || f.Count != purchases {
				t.Errorf("of %q: %+v", event, f)
			}
			for _, f := range list {
				if f.Kind == schema.OfValue && f.Name == "email" {
					t.Errorf("of %q: %+v", event, f)
				}
			}
		}
		if list := ask("Unheard"); slices.ContainsFunc(list, func(f schema.Fact) bool { return f.Space != schema.Column }) {
			t.Errorf("of an event that nobody sent: %+v", list)
		}
	}
	compact := func() {
		t.Helper()
		if _, err := w.engine.Compact(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
	}
	check(12, 12)
	w.roll()
	check(12, 12)
	compact()
	check(12, 12)
	for i := 12; i < 14; i++ { // two users: from now on a device may be one of theirs
		r := row("Purchase", day0+int64(i)*hourMS)
		r.DeviceID, r.UserID, r.Country = "", fmt.Sprintf("%032x", 100+i), "DE"
		r.Properties = `{"plan":"pro","email":"email_00000000000000000000000000000001"}`
		w.put(r)
	}
	check(14, 2)
	w.roll()
	compact()
	check(14, 2)

	// An erased person's rows are told by nobody, at once and for good, and no file
	// of summaries says what they did.
	if err := w.lake.RemoveRows("p", []string{fmt.Sprintf("%032x", 113)}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if f := fact(ask(""), schema.OfValue, "plan", `"pro"`); f.Count != 13 {
		t.Errorf("an erased person still counts: %+v", f)
	}
	compact()
	if f := fact(ask(""), schema.OfEvent, "", ""); f.Count != 13 || f.LastMS != day0+12*hourMS {
		t.Errorf("an erased person still counts: %+v", f)
	}
	snapshot := w.lake.Snapshot()
	defer snapshot.Release()
	p := w.engine.newPass(func(int, int) {})
	defer p.end()
	for _, s := range p.surveySummaries(snapshot) {
		if err := p.compare(context.Background(), s); err != nil {
			t.Fatal(err)
		}
		if s.stale || len(s.missing) > 0 || len(s.files) == 0 {
			t.Errorf("the summaries are not those of the lake's files: %+v", s)
		}
	}
	account, err := lake.Verify(context.Background(), w.lake, w.log, nil)
	if err != nil || !account.OK {
		t.Errorf("%v %+v", err, account.Problems)
	}
}

// TestSchemaOfOldLakes: files that were compacted before there were summaries are
// read until the next pass, which makes some.
func TestSchemaOfOldLakes(t *testing.T) {
	w := newWorld(t)
	for day := range 12 {
		w.put(row("A", day0+int64(day)*dayMS), row("B", day0+int64(day)*dayMS))
		w.roll()
		if _, err := w.engine.Compact(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
	}
	count := func() int64 {
		t.Helper()
		list, err := w.engine.Facts(context.Background(), "p", "A")
		if err != nil || len(list) == 0 {
			t.Fatal(list, err)
		}
		return list[0].Count
	}
	snapshot := w.lake.Snapshot()
	if n := len(snapshot.Summaries); n == 0 || n > mergeSummaries {
		t.Errorf("%d files of summaries", n)
	}
	snapshot.Release()
	for range 2 { // the same twice: summaries may be lost again
		snapshot := w.lake.Snapshot()
		commit, err := w.lake.Begin(fmt.Sprint("without-", snapshot.Version))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range snapshot.Summaries {
			commit.Remove(w.lake.Rel(path))
		}
		snapshot.Release()
		if err := commit.Finish(entryOf("without")); err != nil {
			t.Fatal(err)
		}
		if n := count(); n != 12 {
			t.Errorf("%d events without summaries", n)
		}
		if _, err := w.engine.Compact(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
		snapshot = w.lake.Snapshot()
		if n := len(snapshot.Summaries); n != 1 || count() != 12 {
			t.Errorf("%d files of summaries, %d events", n, count())
		}
		snapshot.Release()
	}
}
