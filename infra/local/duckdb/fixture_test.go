package duckdb

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"loch/infra/local/lake"
	"loch/infra/local/wal"
	"loch/shared/event"
	"loch/shared/report"
)

// world is a data folder with a log, a lake, a roller and an engine.
type world struct {
	t      testing.TB
	dir    string
	log    *wal.Log
	lake   *lake.Lake
	roller *lake.Roller
	engine *Engine
}

// seeds is how many random lives a test leads the engine through: with -short one of
// so many.
func seeds(n uint64) uint64 {
	if testing.Short() {
		return 1
	}
	return n
}

func newWorld(t testing.TB) *world { return openWorld(t, t.TempDir(), Options{}) }

// testMemory keeps the workers of tests small.
const testMemory = 512 << 20

func openWorld(t testing.TB, dir string, o Options) *world {
	t.Helper()
	w := &world{t: t, dir: dir}
	var err error
	if w.lake, err = lake.Open(dir); err != nil {
		t.Fatal(err)
	}
	snapshot := w.lake.Snapshot()
	after := snapshot.Rolled
	snapshot.Release()
	if w.log, _, err = wal.Open(filepath.Join(dir, "wal"), wal.Options{NoSync: true, After: after}); err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.DiscardHandler)
	w.roller = lake.NewRoller(w.lake, w.log, lake.RollerOptions{Now: time.Now, Logger: logger})
	if o.MemoryLimitBytes == 0 {
		o.MemoryLimitBytes = testMemory
	}
	o.TempDir = filepath.Join(dir, "tmp")
	if w.engine, err = Open(w.lake, w.log, o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	return w
}

func (w *world) close() {
	if w.engine == nil {
		return
	}
	if err := w.engine.Close(); err != nil {
		w.t.Error(err)
	}
	if err := w.log.Close(); err != nil {
		w.t.Error(err)
	}
	w.engine = nil
}

// put sends rows as one request.
func (w *world) put(rows ...event.Row) {
	w.t.Helper()
	p := &event.Parcel{Rows: rows}
	p.Receipt = event.Receipt{RequestID: "r", ReceivedTimeMS: 1, Received: len(rows)}
	if len(rows) > 0 {
		p.Receipt.RequestID, p.Receipt.ReceivedTimeMS = rows[0].RequestID, rows[0].ReceivedTimeMS
	}
	if err := w.log.Put(context.Background(), p); err != nil {
		w.t.Fatal(err)
	}
}

// roll moves everything from the log to the landing tier.
func (w *world) roll() {
	w.t.Helper()
	if err := w.log.Rotate(); err != nil {
		w.t.Fatal(err)
	}
	if err := w.roller.RollAll(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) query(statement string) report.Result {
	w.t.Helper()
	r, err := w.engine.Query(context.Background(), "p", statement, report.Limits{Rows: 100_000, Time: time.Minute})
	if err != nil {
		w.t.Fatalf("%s: %v", statement, err)
	}
	return r
}

// value runs a statement that gives one value.
func (w *world) value(statement string) string {
	w.t.Helper()
	r := w.query(statement)
	if len(r.Rows) != 1 || len(r.Rows[0]) != 1 {
		w.t.Fatalf("%s gave %v", statement, r.Rows)
	}
	return fmt.Sprint(r.Rows[0][0])
}

func (w *world) failure(statement string, limits report.Limits) error {
	w.t.Helper()
	_, err := w.engine.Query(context.Background(), "p", statement, limits)
	return err
}

// day0 is when the made-up events begin: 2026-11-01.
var day0 = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

const (
	dayMS  = 24 * 60 * 60 * 1000
	hourMS = 60 * 60 * 1000
)

// row is an event with every column filled that must be, for project p.
func row(name string, timeMS int64) event.Row {
	r := event.Row{
		Project: "p", Name: name, Kind: event.KindEvent, Protocol: "mixpanel",
		InsertID: fmt.Sprintf("%s-%d", name, timeMS), InsertIDSource: "client",
		DeviceID: "d1", TimeMS: timeMS, ReceivedTimeMS: timeMS + 1000, TimeSource: "client",
		Revenue: event.NoRevenue, Properties: "{}", RequestID: fmt.Sprintf("req-%d", timeMS),
		SchemaVersion: event.SchemaVersion,
	}
	r.Date = time.UnixMilli(timeMS).UTC().Format(time.DateOnly)
	return r
}

// traffic makes up rows that collide as real ones do: tries again after seconds
// and after days, in the same request and in others, events of two devices with
// one id, hashes across midnight, devices with several users.
type traffic struct {
	rand     *rand.Rand
	projects []string
	days     int
	sent     []event.Row
	requests int
	clock    int64 // received time of the next request

	// oneSender keeps an event's sender the same on a second try, as it is but
	// where a person was erased in between.
	oneSender bool
}

func newTraffic(seed uint64, days int, projects ...string) *traffic {
	return &traffic{rand: rand.New(rand.NewPCG(seed, 1)), projects: projects, days: days, clock: day0}
}

// request is the rows of the next request.
func (g *traffic) request(n int) []event.Row {
	g.requests++
	g.clock += int64(g.rand.IntN(g.days * dayMS / 50))
	var rows []event.Row
	for i := range n {
		var r event.Row
		if len(g.sent) > 0 && g.rand.IntN(6) == 0 {
			r = g.again()
		} else {
			r = g.fresh()
		}
		r.ReceivedTimeMS = g.clock
		switch g.rand.IntN(10) {
		case 0:
			r.ReceivedTimeMS -= int64(g.rand.IntN(6 * hourMS)) // the server's clock was set back
		case 1:
			if len(g.sent) > 0 { // in the same millisecond as another
				r.ReceivedTimeMS = g.sent[len(g.sent)-1-g.rand.IntN(min(len(g.sent), 40))].ReceivedTimeMS
			}
		}
		r.RequestID = fmt.Sprintf("req-%06d", g.requests)
		r.BatchIndex = int64(i)
		if r.TimeSource == "received" {
			r.TimeMS = r.ReceivedTimeMS
		}
		r.Date = time.UnixMilli(r.TimeMS).UTC().Format(time.DateOnly)
		rows = append(rows, r)
		g.sent = append(g.sent, r)
	}
	return rows
}

// again is an event that was sent before, with what may differ on a second try.
func (g *traffic) again() event.Row {
	r := g.sent[g.rand.IntN(len(g.sent))]
	switch g.rand.IntN(6) {
	case 0:
		r.Name += "'" // another event with the same id
	case 1:
		r.TimeMS += dayMS
	case 2:
		if !g.oneSender {
			r.DeviceID = g.device() // same sender only if there is a user
		}
	case 3:
		r.Project = g.projects[g.rand.IntN(len(g.projects))]
	}
	r.Properties = fmt.Sprintf(`{"try":%d}`, g.rand.IntN(1000))
	return r
}

func (g *traffic) device() string { return fmt.Sprintf("device-%02d", g.rand.IntN(12)) }

func (g *traffic) fresh() event.Row {
	r := row([]string{"Page View", "Sign Up", "Purchase"}[g.rand.IntN(3)], g.clock-int64(g.rand.IntN(3*hourMS)))
	r.Project = g.projects[g.rand.IntN(len(g.projects))]
	r.InsertID = fmt.Sprintf("i%d", g.rand.IntN(1_000_000))
	r.DeviceID = g.device()
	if g.rand.IntN(3) == 0 {
		r.UserID = fmt.Sprintf("user-%02d", g.rand.IntN(8))
	}
	if g.rand.IntN(8) == 0 && r.UserID != "" {
		r.DeviceID = ""
	}
	if g.rand.IntN(4) == 0 && r.UserID != "" && r.DeviceID != "" {
		r.Flags = []string{event.FlagNotLinked, event.FlagTextReplaced + "," + event.FlagNotLinked, event.FlagTextReplaced}[g.rand.IntN(3)]
	}
	if g.rand.IntN(4) == 0 {
		r.InsertIDSource = "hash"
		if g.rand.IntN(2) == 0 {
			r.TimeSource = "received"
		}
	}
	if g.rand.IntN(5) == 0 {
		r.Revenue = math.Round(g.rand.Float64()*10000) / 100
		r.Currency = "EUR"
	}
	return r
}

// entryOf is what a commit says of itself that is neither roll-over nor
// compaction.
func entryOf(kind string) lake.Entry { return lake.Entry{Kind: kind, TimeMS: 1} }
