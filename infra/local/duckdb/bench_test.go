package duckdb

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"loch/shared/event"
	"loch/shared/report"
)

// The benchmarks run over a million events of 30 days, 50,000 devices of which a
// third have a user, with about 300 bytes of properties each:
//
//	go test -run '^$' -bench . ./infra/local/duckdb
const (
	benchEvents  = 1_000_000
	benchDays    = 30
	benchDevices = 50_000
)

// benchRow is the i-th event.
func benchRow(r *rand.Rand, i, of int) event.Row {
	at := day0 + int64(float64(i)/float64(of)*benchDays*dayMS)
	e := row([]string{"Page View", "Page View", "Page View", "Sign Up", "Add Card", "Purchase"}[r.IntN(6)], at)
	e.ReceivedTimeMS = day0 + benchDays*dayMS + int64(i)/100 // an import, of days that are over
	device := r.IntN(benchDevices)
	e.DeviceID = fmt.Sprintf("%032x", device*7919)
	if device%3 == 0 && r.IntN(2) == 0 {
		e.UserID = fmt.Sprintf("%032x", device+1<<40)
	}
	e.InsertID = fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64())
	e.Country, e.Browser, e.OS = []string{"DE", "US", "FR", "JP"}[r.IntN(4)], "Chrome", "Windows"
	e.PageHost, e.PagePath = "example.com", fmt.Sprintf("/docs/%d", r.IntN(300))
	e.Properties = fmt.Sprintf(`{"$plan":"%s","amount":%d,"$current_url":"https://example.com/docs/%d","mp_lib":"web","$screen_height":1080,`+
		`"$screen_width":1920,"title":"Billing and plans, page %d","referrer":"https://www.example.org/search","session":"%016x","flag":true,"list":[1,2,3]}`,
		[]string{"free", "pro", "team"}[r.IntN(3)], r.IntN(10000), r.IntN(300), r.IntN(300), r.Uint64())
	return e
}

var (
	benchOnce sync.Once
	benchDir  string
)

// benchWorld is a lake of benchEvents compacted events, made once a run.
func benchWorld(b *testing.B) *world {
	b.Helper()
	benchOnce.Do(func() {
		var err error
		if benchDir, err = os.MkdirTemp("", "loch-bench-"); err != nil {
			b.Fatal(err)
		}
		w := openWorld(b, benchDir, Options{MemoryLimitBytes: 4 << 30})
		w.fill(benchEvents)
		start := time.Now()
		w.roll()
		rolled := time.Since(start)
		c := w.compact()
		b.Logf("rolled over %d rows/s, compacted %d rows/s into %d files, %d commits",
			int(benchEvents/rolled.Seconds()), int(benchEvents/c.Elapsed.Seconds()), len(w.snapshot().Events), c.Commits)
		w.close()
	})
	return openWorld(b, benchDir, Options{MemoryLimitBytes: 4 << 30})
}

// fill puts n events into the log.
func (w *world) fill(n int) {
	r := rand.New(rand.NewPCG(1, 1))
	rows := make([]event.Row, 0, 500)
	for i := range n {
		rows = append(rows, benchRow(r, i, n))
		if len(rows) == cap(rows) || i == n-1 {
			w.put(rows...)
			rows = rows[:0]
		}
	}
}

func TestMain(m *testing.M) {
	Work()
	code := m.Run()
	for _, dir := range []string{benchDir, journeys.dir} {
		if dir != "" {
			_ = os.RemoveAll(dir)
		}
	}
	os.Exit(code)
}

func BenchmarkQuery(b *testing.B) {
	w := benchWorld(b)
	for _, q := range []struct{ name, statement string }{
		{"one", "SELECT 1"},
		{"count", "SELECT count(*) FROM events"},
		{"count by day", "SELECT date, count(*) FROM events GROUP BY 1 ORDER BY 1"},
		{"count by day and event", "SELECT date, event, count(*) FROM events GROUP BY 1, 2 ORDER BY 1, 2"},
		{"count by day raw", "SELECT date, count(*) FROM events_raw GROUP BY 1 ORDER BY 1"},
		{"persons", "SELECT count(DISTINCT person_id) FROM events"},
		{"persons by day", "SELECT date, count(*) FROM (SELECT DISTINCT date, person_id FROM events) GROUP BY 1 ORDER BY 1"},
		{"JSON property", "SELECT properties->>'$.\"$plan\"', count(*) FROM events GROUP BY 1"},
		{"one day", "SELECT event, count(*) FROM events WHERE date = '2026-11-07' GROUP BY 1"},
		{"star limit", "SELECT * FROM events LIMIT 100"},
		{"newest", "SELECT * FROM events ORDER BY time DESC LIMIT 100"},
	} {
		b.Run(q.name, func(b *testing.B) {
			w.t = b
			for b.Loop() {
				w.query(q.statement)
			}
		})
	}
}

// BenchmarkQueryFresh is the same over a lake with 20,000 events that are not
// compacted yet, half of them still in the log, of the last of the days.
func BenchmarkQueryFresh(b *testing.B) {
	w := benchWorld(b)
	r := rand.New(rand.NewPCG(2, 2))
	for half := range 2 {
		var rows []event.Row
		for range 10_000 {
			e := benchRow(r, benchEvents-1, benchEvents)
			rows = append(rows, e)
		}
		w.put(rows...)
		if half == 0 {
			w.roll()
		}
	}
	for _, q := range []struct{ name, statement string }{
		{"count by day", "SELECT date, count(*) FROM events GROUP BY 1 ORDER BY 1"},
		{"persons by day", "SELECT date, count(*) FROM (SELECT DISTINCT date, person_id FROM events) GROUP BY 1 ORDER BY 1"},
	} {
		b.Run(q.name, func(b *testing.B) {
			w.t = b
			for b.Loop() {
				w.query(q.statement)
			}
		})
		b.Run(q.name+", one event more each time", func(b *testing.B) {
			w.t = b
			for i := 0; b.Loop(); i++ {
				w.put(row("one more", day0+int64(i)))
				w.query(q.statement)
			}
		})
	}
	w.roll()
	w.compact()
}

// BenchmarkFirstQuery starts a new engine each time.
func BenchmarkFirstQuery(b *testing.B) {
	w := benchWorld(b)
	for b.Loop() {
		e, err := Open(w.lake, w.log, Options{MemoryLimitBytes: 4 << 30, TempDir: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := e.Query(context.Background(), "p", "SELECT count(*) FROM events", report.Limits{}); err != nil {
			b.Fatal(err)
		}
		if err := e.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHotLoad writes what the log holds to where statements can read it.
func BenchmarkHotLoad(b *testing.B) {
	w := openWorld(b, b.TempDir(), Options{})
	const n = 50_000
	w.fill(n)
	for b.Loop() {
		h := newHot(w.lake, w.log, filepath.Join(b.TempDir()))
		m, err := h.freeze(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		m.release()
		h.close()
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkRemoval has compaction remove the rows of one device, of which there are
// about twenty, from a million: the search, and the files that are written anew.
func BenchmarkRemoval(b *testing.B) {
	w := openWorld(b, b.TempDir(), Options{MemoryLimitBytes: 4 << 30})
	w.fill(benchEvents)
	w.roll()
	w.compact()
	var bytes int64
	files, removed := len(w.snapshot().Events), int64(0)
	for _, path := range w.snapshot().Events {
		bytes += sizeOf(path)
	}
	b.Logf("%d files, %d bytes", files, bytes)
	for n := 1; b.Loop(); n++ {
		w.remove("p", fmt.Sprintf("%032x", n*3*7919+7919))
		removed += w.compact().Removed
	}
	b.ReportMetric(float64(removed)/float64(b.N), "rows/op")
}

func BenchmarkCompact(b *testing.B) {
	const n = 100_000
	for b.Loop() {
		b.StopTimer()
		w := openWorld(b, b.TempDir(), Options{MemoryLimitBytes: 4 << 30})
		w.fill(n)
		w.roll()
		b.StartTimer()
		w.compact()
		b.StopTimer()
		w.close()
		b.StartTimer()
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkSchema asks for the schema of a lake of benchEvents compacted events: of
// all events, and of one. What writing the summaries takes is logged.
func BenchmarkSchema(b *testing.B) {
	w := benchWorld(b)
	for name, event := range map[string]string{"all": "", "one": "Purchase"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := w.engine.Facts(b.Context(), "p", event); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	bytes := int64(0)
	for _, path := range w.snapshot().Summaries {
		bytes += sizeOf(path)
	}
	b.Logf("%d files of summaries, %d bytes, for %d files of events", len(w.snapshot().Summaries), bytes, len(w.snapshot().Events))
}

// BenchmarkSummarise writes the summaries of the whole lake anew.
func BenchmarkSummarise(b *testing.B) {
	w := benchWorld(b)
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		commit, err := w.lake.Begin(fmt.Sprintf("without-%d-%d", i, time.Now().UnixNano()))
		if err != nil {
			b.Fatal(err)
		}
		for _, path := range w.snapshot().Summaries {
			commit.Remove(w.lake.Rel(path))
		}
		if err := commit.Finish(entryOf("without")); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if _, err := w.engine.Compact(b.Context(), nil); err != nil {
			b.Fatal(err)
		}
	}
}
