package duckdb

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"loch/shared/event"
)

// told writes a row the way that the test compares it.
func told(r *event.Row) string {
	return fmt.Sprint(r.Name, "|", orNull(r.DeviceID), "|", orNull(r.UserID), "|", r.TimeMS, "|", r.ReceivedTimeMS, "|",
		r.RequestID, "|", r.BatchIndex, "|", r.Properties)
}

// TestJourneyAgreesWithSQL reads journeys page by page over random traffic that is
// partly in the log, partly rolled over and partly compacted, with duplicates in
// all of these, some of people whose rows are to be removed, and compares them with
// what the relation events says.
func TestJourneyAgreesWithSQL(t *testing.T) {
	for seed := range seeds(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w, g := newWorld(t), newTraffic(seed+80, 6, "p", "p", "q")
			// A hash that comes again comes with another time, and the older of the two
			// is in a page of its own.
			r := rand.New(rand.NewPCG(seed, 9))
			w.engine.chunkFiles = 1 + int(seed)
			for step := range 40 {
				w.put(ofOneSender(g.request(1 + r.IntN(20)))...)
				switch r.IntN(5) {
				case 0, 1:
					w.roll()
				case 2:
					if _, err := w.engine.Compact(context.Background(), nil); err != nil {
						t.Fatal(err)
					}
				case 3: // somebody is erased, and their rows are to go
					if r.IntN(4) == 0 {
						w.remove("p", []string{fmt.Sprintf("user-%02d", r.IntN(8)), fmt.Sprintf("device-%02d", r.IntN(12))}[r.IntN(2)])
					}
				}
				if step%10 != 9 {
					continue
				}
				for range 3 {
					compareJourney(t, w, r)
				}
			}
		})
	}
}

// ofOneSender makes hashes what they are: of a request, and so of one sender. A
// journey reads one person's rows, and could not see that another's is a duplicate.
func ofOneSender(rows []event.Row) []event.Row {
	for i := range rows {
		if r := &rows[i]; r.InsertIDSource == event.InsertIDHash {
			r.InsertID += "-" + cmp.Or(r.UserID, r.DeviceID)
		}
	}
	return rows
}

// compareJourney reads somebody's whole journey in pages.
func compareJourney(t *testing.T, w *world, r *rand.Rand) {
	t.Helper()
	ids := []string{fmt.Sprintf("user-%02d", r.IntN(8))}
	for range r.IntN(4) {
		ids = append(ids, fmt.Sprintf("device-%02d", r.IntN(12)))
	}
	list := "('" + strings.Join(ids, "', '") + "')"
	var want []string
	for _, row := range w.query("SELECT event, device_id, user_id, epoch_ms(time), epoch_ms(received_time), request_id, batch_index, properties " +
		"FROM events WHERE user_id IN " + list + " OR (user_id IS NULL AND device_id IN " + list + ") " +
		"ORDER BY time DESC, received_time DESC, request_id DESC, batch_index DESC").Rows {
		texts := make([]string, len(row))
		for i, v := range row {
			texts[i] = fmt.Sprint(v)
		}
		want = append(want, strings.Join(texts, "|"))
	}
	var got []string
	var before *event.Moment
	for size := 1 + r.IntN(30); ; {
		rows, err := w.engine.Journey(context.Background(), "p", ids, before, size)
		if err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			got = append(got, told(&rows[i]))
		}
		if len(rows) < size {
			break
		}
		last := rows[len(rows)-1].Moment()
		before = &last
		w.put(row("later", day0+int64(r.IntN(1000))*dayMS)) // of somebody else
	}
	if !slices.Equal(got, want) {
		sameLists(t, fmt.Sprint("the journey of ", ids), got, want)
	}
}

// A page that was read stays as it was when events arrive: what is newer is not in
// the next page, what is older is.
func TestJourneyCursorIsStable(t *testing.T) {
	w := newWorld(t)
	send := func(from, to int) {
		var rows []event.Row
		for i := from; i < to; i++ {
			rows = append(rows, row(fmt.Sprintf("e%02d", i), day0+int64(i)*hourMS))
		}
		w.put(rows...)
	}
	names := func(before *event.Moment) (list []string, last *event.Moment) {
		rows, err := w.engine.Journey(context.Background(), "p", []string{"d1"}, before, 5)
		if err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			list = append(list, rows[i].Name)
			m := rows[i].Moment()
			last = &m
		}
		return list, last
	}
	send(10, 30)
	w.roll()
	w.compact()
	first, cursor := names(nil)
	send(30, 40)                        // newer than all
	send(0, 10)                         // older than all
	again := row("e27", day0+27*hourMS) // sent again: it was shown
	again.ReceivedTimeMS, again.RequestID = day0+90*hourMS, "again"
	w.put(again)
	second, _ := names(cursor)
	if want := "[e29 e28 e27 e26 e25] [e24 e23 e22 e21 e20]"; fmt.Sprint(first, second) != want {
		t.Errorf("%v %v, want %s", first, second, want)
	}
	if all, _ := names(nil); all[0] != "e39" {
		t.Errorf("newest first: %v", all)
	}
	if _, err := w.engine.Journey(context.Background(), "p", []string{"nobody"}, nil, 5); err != nil {
		t.Error(err)
	}
}
