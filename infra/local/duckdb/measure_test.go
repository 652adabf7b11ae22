package duckdb

import (
	"os"
	"slices"
	"testing"

	"loch/shared/event"
	"loch/shared/report"
)

// TestMeasure holds that what a report reads is measured by the dates and columns
// that it asks for, of compacted files and of what landed since.
func TestMeasure(t *testing.T) {
	w := newWorld(t)
	var rows []event.Row
	for day := range int64(3) {
		for i := range int64(50) {
			r := row("Page View", day0+day*dayMS+i)
			r.Country = "DE"
			rows = append(rows, r)
		}
	}
	w.put(rows...)
	w.roll()
	w.compact()
	measure := func(from, to string, columns ...string) report.Measured {
		t.Helper()
		m, err := w.engine.Measure(t.Context(), "p", report.Reading{From: from, To: to, Columns: columns})
		if err != nil {
			t.Fatal(err)
		}
		var sum int64
		for _, c := range m.Columns {
			sum += c.Bytes
		}
		if sum != m.Bytes {
			t.Errorf("%d bytes are not the sum of %v", m.Bytes, m.Columns)
		}
		return m
	}
	day, all := measure("2026-11-02", "2026-11-02", "time"), measure("2026-11-01", "2026-11-30", "time")
	if day.Files != 1 || all.Files != 3 || day.Bytes <= 0 || all.Bytes <= day.Bytes {
		t.Errorf("a day is %+v, all days are %+v", day, all)
	}
	two := measure("2026-11-01", "2026-11-30", "time", "country")
	if i := slices.IndexFunc(two.Columns, func(c report.ColumnBytes) bool { return c.Name == "time" }); i < 0 || two.Columns[i].Bytes != all.Bytes || two.Bytes <= all.Bytes {
		t.Errorf("two columns are %+v, one is %+v", two, all)
	}
	var names []string
	for _, c := range event.Columns {
		names = append(names, c.Name)
	}
	var sizes int64
	for _, path := range w.snapshot().Events {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		sizes += info.Size()
	}
	if whole := measure("2026-11-01", "2026-11-30", names...); whole.Bytes >= sizes || whole.Bytes <= two.Bytes {
		t.Errorf("all columns have %d bytes in files of %d", whole.Bytes, sizes)
	}
	w.put(row("Page View", day0+40*dayMS)) // in the log, which statements read whole
	if m := measure("2026-11-02", "2026-11-02", "time"); m.Files != day.Files+1 || m.Bytes <= day.Bytes {
		t.Errorf("with an event in the log it is %+v, was %+v", m, day)
	}
	if m := measure("2026-12-24", "2026-12-24", "none"); m.Bytes != 0 {
		t.Errorf("nothing is %+v", m)
	}
}
