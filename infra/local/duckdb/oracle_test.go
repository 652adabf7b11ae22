package duckdb

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"loch/infra/local/lake"
	"loch/shared/event"
)

// The definitions of the contract, written down as plainly as possible, over all
// rows that were ever received.

// eventOf is what makes two rows the same event.
func eventOf(r event.Row) string {
	if r.InsertIDSource == "hash" {
		return fmt.Sprint("hash|", r.Project, "|", r.InsertID)
	}
	sender := r.UserID
	if sender == "" {
		sender = r.DeviceID
	}
	return fmt.Sprint("client|", r.Project, "|", r.Name, "|", sender, "|", r.TimeMS, "|", r.InsertID)
}

// newest keeps of each event the row that was received last.
func newest(rows []event.Row) []event.Row {
	best := map[string]event.Row{}
	for _, r := range rows {
		old, seen := best[eventOf(r)]
		if !seen || cmp.Or(
			cmp.Compare(r.ReceivedTimeMS, old.ReceivedTimeMS),
			strings.Compare(r.RequestID, old.RequestID),
			cmp.Compare(r.BatchIndex, old.BatchIndex)) > 0 {
			best[eventOf(r)] = r
		}
	}
	var kept []event.Row
	for _, r := range best {
		kept = append(kept, r)
	}
	return kept
}

// persons resolves the person of rows, with the links that all rows show.
func persons(all []event.Row) func(event.Row) string {
	first := map[string]event.Row{}
	for _, r := range all {
		if r.DeviceID == "" || r.UserID == "" || strings.Contains(r.Flags, event.FlagNotLinked) {
			continue
		}
		key := r.Project + "|" + r.DeviceID
		old, seen := first[key]
		if !seen || cmp.Or(
			cmp.Compare(r.ReceivedTimeMS, old.ReceivedTimeMS),
			cmp.Compare(r.TimeMS, old.TimeMS),
			cmp.Compare(r.BatchIndex, old.BatchIndex),
			strings.Compare(r.UserID, old.UserID)) < 0 {
			first[key] = r
		}
	}
	return func(r event.Row) string {
		if r.UserID != "" {
			return r.UserID
		}
		if link, ok := first[r.Project+"|"+r.DeviceID]; ok && r.DeviceID != "" {
			return link.UserID
		}
		return r.DeviceID
	}
}

func orNull(s string) string {
	if s == "" {
		return "<nil>"
	}
	return s
}

// fingerprints are rows as text, in order, for project p.
func fingerprints(rows []event.Row, person func(event.Row) string) []string {
	var list []string
	for _, r := range rows {
		if r.Project != "p" {
			continue
		}
		list = append(list, fmt.Sprint(r.Name, "|", r.InsertID, "|", r.InsertIDSource, "|", orNull(r.DeviceID), "|", orNull(r.UserID), "|",
			r.TimeMS, "|", r.ReceivedTimeMS, "|", r.RequestID, "|", r.BatchIndex, "|", r.Properties, "|", r.Date, "|", orNull(person(r))))
	}
	slices.Sort(list)
	return list
}

func (w *world) fingerprints(relation, person string) []string {
	w.t.Helper()
	r := w.query(`SELECT event, insert_id, insert_id_source, device_id, user_id, epoch_ms(time), epoch_ms(received_time),
		request_id, batch_index, properties, date, ` + person + ` FROM ` + relation)
	if r.Truncated {
		w.t.Fatal("the result was cut")
	}
	var list []string
	for _, row := range r.Rows {
		texts := make([]string, len(row))
		for i, v := range row {
			texts[i] = fmt.Sprint(v)
		}
		list = append(list, strings.Join(texts, "|"))
	}
	slices.Sort(list)
	return list
}

func sameLists(t testing.TB, what string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	t.Errorf("%s: %d rows, want %d", what, len(got), len(want))
	for i := 0; i < len(got) && i < len(want); i++ {
		if got[i] != want[i] {
			t.Fatalf("%s: row %d is\n  %s\nwant\n  %s", what, i, got[i], want[i])
		}
	}
	t.FailNow()
}

// TestRelationsAgreeWithOracle sends random traffic, rolls it over and compacts
// it at random moments, and each time compares the relations with the plain
// definitions.
func TestRelationsAgreeWithOracle(t *testing.T) {
	for seed := range seeds(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			g := newTraffic(seed, 4, "p", "p", "p", "q")
			choice := rand.New(rand.NewPCG(seed, 2))
			var all []event.Row
			compactions := 0
			w.engine.chunkFiles = 1 + int(seed)%3
			for step := range 60 {
				for range choice.IntN(4) {
					rows := g.request(1 + choice.IntN(25))
					w.put(rows...)
					all = append(all, rows...)
				}
				switch choice.IntN(5) {
				case 0, 1:
					w.roll()
				case 2:
					before := len(w.fingerprints("events_raw", "NULL"))
					c, err := w.engine.Compact(context.Background(), nil)
					if err != nil {
						t.Fatal(err)
					}
					compactions += c.Commits
					if c.RowsIn != c.RowsOut+c.Duplicates {
						t.Fatalf("it does not add up: %+v", c)
					}
					after := len(w.fingerprints("events_raw", "NULL"))
					if before-after > int(c.Duplicates) {
						t.Fatalf("%d rows of p are gone, only %d were duplicates", before-after, c.Duplicates)
					}
				}
				if step%4 != 3 {
					continue
				}
				sameLists(t, "events", w.fingerprints("events", "person_id"), fingerprints(newest(all), persons(all)))
			}
			if compactions < 2 {
				t.Fatalf("only %d compactions: the test proves little", compactions)
			}
			account, err := lake.Verify(context.Background(), w.lake, w.log, nil)
			if err != nil || !account.OK {
				t.Fatalf("the data folder does not add up: %v\n%s", err, account)
			}
			if account.Received != int64(len(all)) {
				t.Fatalf("received %d, sent %d", account.Received, len(all))
			}
		})
	}
}
