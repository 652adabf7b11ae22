package duckdb

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"loch/shared/event"
)

// browsed is an event as a browser sends it: most columns have a value.
func browsed(r *rand.Rand, i int) event.Row {
	e := benchRow(r, i, benchEvents)
	of := func(kind string, n int) string { return fmt.Sprint(kind, " ", r.IntN(n)) }
	e.Region, e.City, e.Timezone = of("region", 40), of("city", 150), of("zone", 20)
	e.BrowserVersion, e.OSVersion, e.DeviceType, e.DeviceBrand, e.DeviceModel = of("", 30), of("", 10), of("type", 3), of("brand", 15), of("model", 60)
	e.PageTitle, e.ReferrerHost, e.Channel, e.Source = of("Page", 100), of("host", 50), of("channel", 8), of("source", 20)
	e.Locale, e.Lib, e.LibVersion = of("locale", 25), "web", of("2.", 4)
	return e
}

// BenchmarkFacts makes the facts of 200,000 events that are in files, as summaries are
// written and as a schema is told of what has none yet. Most of the processor's time
// goes into reading the members of properties and grouping them by value.
func BenchmarkFacts(b *testing.B) {
	const events = 200_000
	w := openWorld(b, b.TempDir(), Options{MemoryLimitBytes: 4 << 30})
	r := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // the same each time
	for range events / 500 {
		rows := make([]event.Row, 500)
		for i := range rows {
			rows[i] = browsed(r, i)
		}
		w.put(rows...)
	}
	w.roll()
	db, err := openDatabase(settings{Trusted: true, SpillDir: b.TempDir(), MemoryBytes: 1 << 30, Threads: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.conn.Close() }()
	files := w.snapshot().Landing
	out := filepath.Join(b.TempDir(), "facts.parquet")
	q := facts("SELECT " + factRow("f.filename", 1) + " FROM " + numbered(files) + " f")
	began := processorTime()
	for b.Loop() {
		if _, err := db.script(b.Context(), "COPY ("+q+") TO "+literal(out)+" (FORMAT parquet)"); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((processorTime()-began).Milliseconds())/float64(b.N), "cpu-ms/op")
}
