package e2e

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// lakeEvents is how many events the lake of the benchmarks holds.
const lakeEvents = 1_000_000

// large makes one lake for all benchmarks of a run.
var large struct {
	once sync.Once
	dir  string
}

// largeLake returns a data folder with lakeEvents sample events, rolled over and
// compacted.
func largeLake(b *testing.B) string {
	b.Helper()
	large.once.Do(func() {
		dir, err := os.MkdirTemp("", "loch-bench-")
		if err != nil {
			b.Fatal(err)
		}
		large.dir = dir
		s := start(b, dir)
		began := time.Now()
		if out, code := loch(b, "seed", "--data", dir, "--events", strconv.Itoa(lakeEvents), "--days", "30"); code != 0 {
			b.Fatalf("loch seed ended with %d: %s", code, out)
		}
		seeded := time.Since(began)
		if out, code := loch(b, "compact", "--data", dir); code != 0 {
			b.Fatalf("loch compact ended with %d: %s", code, out)
		}
		n := s.number("select count(*) from events")
		s.stop()
		fmt.Fprintf(os.Stderr, "a lake of %d events was made: posted in %.1f s, compacted in %.1f s\n",
			n, seeded.Seconds(), (time.Since(began) - seeded).Seconds())
	})
	if large.dir == "" {
		b.Fatal("there is no large lake; see above")
	}
	return large.dir
}

// dropLargeLake runs at the end of TestMain.
func dropLargeLake() error {
	if large.dir == "" {
		return nil
	}
	return os.RemoveAll(large.dir)
}

// BenchmarkStart measures the time from starting the process to the answer of
// its health check, on a lake of a million events.
func BenchmarkStart(b *testing.B) {
	dir := largeLake(b)
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		s := start(b, dir)
		if a := s.send("GET", "/healthz", nil); a.status != 200 {
			b.Fatalf("healthz is answered %d %s", a.status, a.body)
		}
		took = append(took, time.Since(began))
		s.stop()
	}
	reportMedian(b, took, "start")
}

// BenchmarkMemory measures the memory of a server with a lake of a million
// events: after start, after ten thousand events and a query, and when it has
// rested. Children of the server count.
func BenchmarkMemory(b *testing.B) {
	s := start(b, largeLake(b))
	atStart := residentMiB(b, s)
	for i := range 200 {
		var events []map[string]any
		for j := range 50 {
			events = append(events, newEvent("Bench", fmt.Sprintf("bench-%d", j), map[string]any{"i": i*50 + j, "filler": strings.Repeat("x", 500)}))
		}
		s.track(events...)
	}
	if n := s.number("select count(*) from events where event = 'Bench'"); n == 0 {
		b.Fatal("no event was counted")
	}
	used := residentMiB(b, s)
	// At rest is when the figure no longer falls: the least of a minute's.
	rest := used
	for range 12 {
		time.Sleep(5 * time.Second)
		rest = min(rest, residentMiB(b, s))
	}
	s.stop()
	for b.Loop() { // one look is enough
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(atStart, "MiB-at-start")
	b.ReportMetric(used, "MiB-after-10k-events-and-SQL")
	b.ReportMetric(rest, "MiB-at-rest")
}

// BenchmarkFirstEventToSQL measures how long after the first byte of a request
// SQL finds its event, on a lake of a million events.
func BenchmarkFirstEventToSQL(b *testing.B) {
	s := start(b, largeLake(b))
	// The very first question opens the database; it is told apart.
	began := time.Now()
	s.track(newEvent("First", "first", nil))
	for s.number("select count(*) from events where event = 'First'") == 0 {
	}
	first := time.Since(began)
	var took []time.Duration
	i := 0
	for b.Loop() {
		i++
		name := fmt.Sprintf("Latency %d", i)
		began := time.Now()
		s.track(newEvent(name, "someone", nil))
		for s.number("select count(*) from events where event = '%s'", name) == 0 {
		}
		took = append(took, time.Since(began))
	}
	s.stop()
	reportMedian(b, took, "event-to-SQL")
	b.ReportMetric(float64(first.Microseconds())/1000, "first-ms")
}

func reportMedian(b *testing.B, took []time.Duration, what string) {
	b.Helper()
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(took[len(took)/2]), what+"-median-ms")
	b.ReportMetric(ms(took[len(took)-1]), what+"-worst-ms")
}

// residentMiB is the memory of a process and its children, as Linux counts it:
// pages that several of them share count once, by proportion.
func residentMiB(b *testing.B, s *server) float64 {
	b.Helper()
	total := 0.0
	for _, pid := range append(childrenOf(b, s.cmd.Process.Pid), s.cmd.Process.Pid) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			b.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			if fields := strings.Fields(string(line)); len(fields) > 1 && fields[0] == "Pss:" {
				kib, err := strconv.ParseFloat(fields[1], 64)
				if err != nil {
					b.Fatal(err)
				}
				total += kib / 1024
			}
		}
	}
	return total
}

// childrenOf returns the processes that pid started and that still run.
func childrenOf(t testing.TB, pid int) []int {
	t.Helper()
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		t.Fatal(err)
	}
	var children []int
	for _, thread := range threads {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, thread.Name()))
		if err != nil {
			continue // the thread has ended
		}
		for field := range strings.FieldsSeq(string(text)) {
			child, err := strconv.Atoi(field)
			if err != nil {
				t.Fatal(err)
			}
			children = append(children, child)
			children = append(children, childrenOf(t, child)...)
		}
	}
	return children
}
