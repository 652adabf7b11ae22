package parquet_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"loch/infra/local/parquet"
	"loch/shared/event"
)

// TestPickAgreesWithReading compares what is picked out of a file for somebody with
// a reading of the whole file.
func TestPickAgreesWithReading(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	id := func(kind string, n int) string { return fmt.Sprintf("%s%031d", kind, n) }
	var rows []event.Row
	for i := range 5000 {
		e := event.Row{
			Project: "p", Date: "2026-11-01", Name: fmt.Sprint("e", i), Kind: event.KindEvent, Protocol: "mixpanel", InsertID: fmt.Sprint(i), InsertIDSource: "hash",
			TimeMS: int64(i), ReceivedTimeMS: int64(i), TimeSource: "client", Revenue: event.NoRevenue, Properties: fmt.Sprintf(`{"i":%d}`, i), RequestID: "r", BatchIndex: int64(i),
		}
		if r.IntN(10) > 0 {
			e.DeviceID = id("d", r.IntN(300))
		}
		if r.IntN(3) == 0 {
			e.UserID = id("u", r.IntN(100))
		}
		rows = append(rows, e)
	}
	path := filepath.Join(t.TempDir(), "a.parquet")
	w, err := parquet.CreateEvents(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	whose, err := parquet.ReadWhose(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 40 {
		ids := []string{id("u", r.IntN(110)), id("d", r.IntN(330)), id("d", r.IntN(330))}
		var want, got []string
		for _, e := range rows {
			if slices.Contains(ids, e.UserID) || e.UserID == "" && slices.Contains(ids, e.DeviceID) {
				want = append(want, e.Name+e.UserID+e.DeviceID+e.Properties)
			}
		}
		groups, err := whose.Groups(ids)
		if err != nil {
			t.Fatal(err)
		}
		if err := whose.Pick(groups, ids, []string{"event", "properties"}, func(e *event.Row) error {
			if e.InsertID != "" {
				t.Error("a column that was not asked for is filled")
			}
			got = append(got, e.Name+e.UserID+e.DeviceID+e.Properties)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%v: %d rows, want %d", ids, len(got), len(want))
		}
	}
	// Ids that lie within the bounds are kept out by the Bloom filters.
	in := 0
	for i := range 200 {
		groups, err := whose.Groups([]string{id("d", 5) + "x" + fmt.Sprint(i)})
		if err != nil {
			t.Fatal(err)
		}
		in += len(groups)
	}
	if in > 20 {
		t.Errorf("%d of 200 who are not in the file would be looked for", in)
	}
}
