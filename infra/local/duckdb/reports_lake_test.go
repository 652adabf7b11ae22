package duckdb

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"loch/shared/event"
)

// The lake of the benchmark of reports: a hundred people for each ten thousand
// events, some of whom come all the time and most seldom, over thirty days. They
// come for visits of one to fifteen events, half of them page views. A third sign up
// at some point, and have a user's id from then on; each has up to three devices. A
// fiftieth are crawlers. It is written as all lakes are: through the log, rolled over
// into landing files, and compacted, day after day.
//
//	make bench-reports                      ten million events
//	make bench-reports EVENTS=100000000     a hundred million
const (
	lakeDays         = 30
	lakeEventsPerson = 100
)

// lakeEvents is how many events the lake has.
func lakeEvents(t testing.TB) int {
	text := os.Getenv("LOCH_BENCH_EVENTS")
	if text == "" {
		return 1_000_000
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 10_000 {
		t.Fatal("LOCH_BENCH_EVENTS is a number of events, from 10000")
	}
	return n
}

// reportsLake makes the lake, or opens the one that an earlier run has left under
// LOCH_BENCH_DIR.
func reportsLake(b *testing.B) *world {
	b.Helper()
	n, dir := lakeEvents(b), os.Getenv("LOCH_BENCH_DIR")
	if dir == "" {
		dir = b.TempDir()
	}
	dir = filepath.Join(dir, "reports-"+strconv.Itoa(n))
	options := Options{MemoryLimitBytes: 4 << 30}
	done := filepath.Join(dir, "made")
	if _, err := os.Stat(done); err == nil {
		w := openWorld(b, dir, options)
		w.compact() // an earlier Loch may have made it, without what this one keeps
		return w
	}
	if err := os.RemoveAll(dir); err != nil {
		b.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		b.Fatal(err)
	}
	w, began := openWorld(b, dir, options), time.Now()
	g := &audience{rand: rand.New(rand.NewPCG(7, 7)), people: n / lakeEventsPerson}
	var wrote, rolled, compacted time.Duration
	for day := range lakeDays {
		start := time.Now()
		g.day(w, day, n/lakeDays)
		wrote += time.Since(start)
		start = time.Now()
		w.roll()
		rolled += time.Since(start)
		compacted += w.compact().Elapsed
		fmt.Fprintf(os.Stderr, "\r   day %d of %d, %.0f s", day+1, lakeDays, time.Since(began).Seconds())
	}
	size := int64(0)
	for _, path := range w.snapshot().Events {
		size += sizeOf(path)
	}
	fmt.Fprintf(os.Stderr, "\r   a lake of %d events in %.0f s (log %.0f, roll over %.0f, compact %.0f): %d files, %d MB\n",
		n, time.Since(began).Seconds(), wrote.Seconds(), rolled.Seconds(), compacted.Seconds(), len(w.snapshot().Events), size>>20)
	if err := os.WriteFile(done, nil, 0o600); err != nil {
		b.Fatal(err)
	}
	return w
}

// audience makes up the events.
type audience struct {
	rand   *rand.Rand
	people int
	made   int
}

var (
	audienceEvents    = []string{"Search", "View Item", "Add To Cart", "Share", "Play Video", "Download", "Invite", "Add Card", "Purchase", "Feedback"}
	audienceCountries = []string{"DE", "US", "US", "US", "FR", "JP", "GB", "IN", "BR", "ES", "IT", "NL", "PL", "CA"}
	audienceBrowsers  = []string{"Chrome", "Chrome", "Chrome", "Safari", "Safari", "Firefox", "Edge"}
)

// day puts a day's events into the log, in the order of the visits.
func (g *audience) day(w *world, day, n int) {
	rows := make([]event.Row, 0, 2000)
	for made := 0; made < n; {
		visit := g.visit(day, n, made)
		made += len(visit)
		for _, r := range visit {
			if rows = append(rows, r); len(rows) == cap(rows) {
				w.put(rows...)
				rows = rows[:0]
			}
		}
	}
	w.put(rows...)
}

// visit is one visit. Visits are spread over the day.
func (g *audience) visit(day, n, made int) []event.Row {
	r := g.rand
	p := int(float64(g.people) * r.Float64() * r.Float64() * r.Float64())
	at := day0 + int64(day)*dayMS + int64(float64(made)/float64(n)*(dayMS-hourMS))
	length := 1 + r.IntN(8) + r.IntN(8)
	signedUp := p%3 == 0 && day >= p%29
	device := fmt.Sprintf("%032x", (p*4+r.IntN(1+p%3))*7919+1)
	var rows []event.Row
	for i := range length {
		name := "Page View"
		switch {
		case i > 0 && signedUp && day == p%29 && r.IntN(3) == 0:
			name = "Sign Up"
		case r.IntN(2) == 0:
			name = audienceEvents[min(r.IntN(len(audienceEvents)), r.IntN(len(audienceEvents)))]
		}
		e := row(name, at)
		e.DeviceID = device
		if signedUp && i > 0 {
			e.UserID = fmt.Sprintf("%032x", p+1<<40)
		}
		g.made++
		e.InsertID, e.RequestID = fmt.Sprintf("%016x%016x", r.Uint64(), g.made), fmt.Sprintf("%016x", r.Uint64())
		e.Country, e.Browser, e.OS, e.DeviceType = audienceCountries[p%len(audienceCountries)], audienceBrowsers[p%len(audienceBrowsers)], "Windows", "desktop"
		e.IsBot = p%50 == 49
		page := r.IntN(300)
		e.PageHost, e.PagePath, e.PageURL, e.Channel = "example.com", fmt.Sprintf("/docs/%d", page), fmt.Sprintf("https://example.com/docs/%d", page), "direct"
		properties, _ := json.Marshal(map[string]any{
			"plan": []string{"free", "pro", "team"}[p%3], "amount": r.IntN(10000), "title": fmt.Sprintf("Billing and plans, page %d", page),
			"mp_lib": "web", "$screen_height": 1080, "$screen_width": 1920, "referrer": "https://www.example.org/search", "flag": true, "list": []int{1, 2, 3},
		})
		e.Properties = string(properties)
		rows = append(rows, e)
		at += int64(5000 + r.IntN(115_000))
	}
	return rows
}
