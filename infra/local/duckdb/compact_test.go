package duckdb

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"loch/infra/local/lake"
	"loch/infra/local/parquet"
	"loch/shared/event"
)

func (w *world) compact() Compaction {
	w.t.Helper()
	c, err := w.engine.Compact(context.Background(), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) snapshot() *lake.Snapshot {
	s := w.lake.Snapshot()
	w.t.Cleanup(s.Release)
	return s
}

// rels are the files of the events tier, below lake/.
func (w *world) rels() []string {
	var rels []string
	for _, path := range w.snapshot().Events {
		rels = append(rels, w.lake.Rel(path))
	}
	return rels
}

func TestCompactWritesPartitions(t *testing.T) {
	w := newWorld(t)
	other := row("x", day0)
	other.Project = "q"
	w.put(row("b", day0+hourMS), row("a", day0), row("c", day0+dayMS), other)
	w.roll()
	var steps []string
	c, err := w.engine.Compact(context.Background(), func(done, total int) { steps = append(steps, fmt.Sprint(done, "/", total)) })
	if err != nil {
		t.Fatal(err)
	}
	if c.Commits != 1 || c.Landing != 3 || c.RowsIn != 4 || c.RowsOut != 4 || c.Duplicates != 0 || c.Written != 3 {
		t.Errorf("compaction says %+v", c)
	}
	if len(steps) == 0 || steps[len(steps)-1] != "3/3" {
		t.Errorf("progress was %v", steps)
	}
	s := w.snapshot()
	if len(s.Landing) != 0 {
		t.Errorf("landing files are left: %v", s.Landing)
	}
	rels := w.rels()
	for i, folder := range []string{
		"events/project=p/date=2026-11-01/", "events/project=p/date=2026-11-02/", "events/project=q/date=2026-11-01/",
	} {
		if len(rels) != 3 || !strings.HasPrefix(rels[i], folder) {
			t.Fatalf("the files are %v", rels)
		}
	}
	if again := w.compact(); again.Commits != 0 {
		t.Errorf("a second compaction without anything new did %+v", again)
	}
	if got := w.value("SELECT count(*) FROM events_raw"); got != "3" {
		t.Errorf("%s events after compaction", got)
	}
}

// TestCompactedFilesAreLikeLanding reads a compacted file with the package that
// writes the landing files: every column is there, with its value.
func TestCompactedFilesAreLikeLanding(t *testing.T) {
	w := newWorld(t)
	r := row("a", day0+123)
	for _, c := range event.Columns {
		switch {
		case c.Name == "project" || c.Name == "date" || c.Name == "time":
		case c.Type == event.JSON:
			*c.Str(&r) = `{"` + c.Name + `": 12345678901234567890123, "é": "\u0041"}`
		case c.Str != nil:
			*c.Str(&r) = "value of " + c.Name
		case c.Type == event.Time:
			*c.Num(&r) = day0 + 456
		case c.Num != nil:
			*c.Num(&r) = 1<<60 + int64(len(c.Name))
		case c.Flt != nil:
			*c.Flt(&r) = 0.1
		case c.Flag != nil:
			*c.Flag(&r) = true
		}
	}
	w.put(r)
	bare := row("b", day0)
	w.put(bare)
	w.roll()
	w.compact()
	var got []event.Row
	if err := parquet.ReadEvents(w.snapshot().Events[0], func(r *event.Row) error {
		got = append(got, *r)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 {
		t.Fatalf("%d rows", len(got))
	}
	for _, want := range []event.Row{r, bare} {
		found := got[slices.IndexFunc(got, func(g event.Row) bool { return g.Name == want.Name })]
		for _, c := range event.Columns {
			if a, b := show(c, &found), show(c, &want); a != b {
				t.Errorf("%s of %s is %s, want %s", c.Name, want.Name, a, b)
			}
		}
	}
}

func show(c event.Column, r *event.Row) string {
	switch {
	case c.Str != nil:
		return *c.Str(r)
	case c.Num != nil:
		return fmt.Sprint(*c.Num(r))
	case c.Flt != nil:
		return fmt.Sprint(*c.Flt(r))
	default:
		return fmt.Sprint(*c.Flag(r))
	}
}

func TestCompactSortsByPersonAndTime(t *testing.T) {
	w := newWorld(t)
	for i := range 50 {
		r := row(fmt.Sprint("e", i), day0+int64(i*7919%1000))
		r.DeviceID = fmt.Sprint("d", i*31%7)
		if i%3 == 0 {
			r.UserID = fmt.Sprint("a", i%5)
		}
		w.put(r)
	}
	w.roll()
	w.compact()
	last := ""
	err := parquet.ReadEvents(w.snapshot().Events[0], func(r *event.Row) error {
		sender := r.UserID
		if sender == "" {
			sender = r.DeviceID
		}
		at := fmt.Sprintf("%s %020d", sender, r.TimeMS)
		if at < last {
			return fmt.Errorf("%s comes after %s", at, last)
		}
		last = at
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestLateEventJoinsItsDate sends an event of an old date, twice: it must get
// into that date's partition, and its older try must go.
func TestLateEventJoinsItsDate(t *testing.T) {
	w := newWorld(t)
	w.put(row("a", day0), row("b", day0+10*dayMS))
	w.roll()
	w.compact()
	late := row("late", day0+1)
	late.ReceivedTimeMS = day0 + 12*dayMS
	again := row("a", day0)
	again.ReceivedTimeMS = day0 + 12*dayMS
	again.Properties = `{"try":2}`
	w.put(late, again)
	w.roll()
	if c := w.compact(); c.Duplicates != 1 {
		t.Errorf("compaction says %+v", c)
	}
	if got := fmt.Sprint(w.query("SELECT event, properties FROM events_raw WHERE date = '2026-11-01' ORDER BY event").Rows); got != `[[a {"try":2}] [late {}]]` {
		t.Errorf("the old date has %s", got)
	}
	if rels := w.rels(); len(rels) != 2 {
		t.Errorf("the files are %v", rels)
	}
}

// TestFilesStayFew compacts many times and expects neither a file for each time
// nor every row to be written again each time.
func TestFilesStayFew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const rounds, each = 24, 200
	var written int64
	for round := range rounds {
		var rows []event.Row
		for i := range each {
			rows = append(rows, row(fmt.Sprint("e", round, "-", i), day0+int64(i)))
		}
		w.put(rows...)
		w.roll()
		written += w.compact().RowsOut
	}
	if n := len(w.snapshot().Events); n > 6 {
		t.Errorf("%d compactions of one date left %d files", rounds, n)
	}
	if all := int64(rounds * each); written > 8*all {
		t.Errorf("%d rows were written for %d", written, all)
	}
	if got := w.value("SELECT count(*) FROM events"); got != fmt.Sprint(rounds*each) {
		t.Errorf("%s events, want %d", got, rounds*each)
	}
}

// TestEventsSeenOnceThroughout reads all the time while events come in, are
// rolled over and are compacted. A reader must see what was acknowledged before
// it began, each event once, and never fewer than an earlier reader.
func TestEventsSeenOnceThroughout(t *testing.T) {
	w := newWorld(t)
	ctx, stop := context.WithCancel(context.Background())
	var (
		mu    sync.Mutex
		acked int
		work  sync.WaitGroup
		reads int
	)
	work.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			var rows []event.Row
			for i := range 20 {
				r := row(fmt.Sprintf("e%06d", n*20+i), day0+int64(n%3)*dayMS)
				r.InsertID = fmt.Sprint(n*20 + i)
				rows = append(rows, r)
			}
			w.put(rows...)
			mu.Lock()
			acked += len(rows)
			mu.Unlock()
			time.Sleep(2 * time.Millisecond) // leave the processor to the others
		}
	})
	work.Go(func() {
		for ctx.Err() == nil {
			w.roll()
			time.Sleep(5 * time.Millisecond)
		}
	})
	work.Go(func() {
		for ctx.Err() == nil {
			if _, err := w.engine.Compact(ctx, nil); err != nil && ctx.Err() == nil {
				t.Error(err)
				stop()
			}
		}
	})
	seen := 0
	for deadline := time.Now().Add(6 * time.Second); time.Now().Before(deadline) && !t.Failed(); reads++ {
		mu.Lock()
		before := acked
		mu.Unlock()
		r := w.query("SELECT count(*), count(DISTINCT insert_id) FROM events_raw")
		n, err := strconv.Atoi(fmt.Sprint(r.Rows[0][0]))
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(r.Rows[0][0]) != fmt.Sprint(r.Rows[0][1]) {
			t.Errorf("%v rows are seen of %v events", r.Rows[0][0], r.Rows[0][1])
		}
		if n < before || n < seen {
			t.Errorf("%d events are seen; %d were acknowledged and %d seen before", n, before, seen)
		}
		seen = n
	}
	stop()
	work.Wait()
	if reads < 10 {
		t.Errorf("only %d reads", reads)
	}
	t.Logf("%d reads of up to %d events; %d commits", reads, seen, w.snapshot().Version)
}

const killedEnv = "LOCH_TEST_COMPACT_DIR"

// TestCompactKilled kills a process with SIGKILL at random moments of its
// compaction, again and again, and proves each time that every event is there
// exactly once, but for those of erased people, and that the data folder adds up.
func TestCompactKilled(t *testing.T) {
	if dir := os.Getenv(killedEnv); dir != "" {
		w := openWorld(t, dir, Options{})
		w.engine.chunkFiles = 2
		fmt.Println("ready")
		w.compact()
		fmt.Println("done")
		return
	}
	dir := t.TempDir()
	g := newTraffic(77, 3, "p", "q")
	g.oneSender = true
	var all []event.Row
	gone := erased{}
	kills, rounds, enough := 0, 0, 22
	if testing.Short() {
		enough = 6
	}
	delay := 5 * time.Millisecond
	for kills < enough {
		rounds++
		if rounds > 200 {
			t.Fatalf("only %d kills hit a compaction", kills)
		}
		w := openWorld(t, dir, Options{})
		for range 6 {
			rows := g.request(40)
			w.put(rows...)
			all = append(all, rows...)
			w.roll()
		}
		sameLists(t, fmt.Sprintf("after %d kills", kills), w.fingerprints("events", "person_id"),
			fingerprints(newest(gone.rows(all)), persons(gone.linking(all))))
		if rounds%4 == 1 { // the compaction that is killed next has rows to remove
			ids := someone(g.rand, "p", all, gone)
			w.remove("p", ids...)
			gone.add("p", ids...)
		}
		account, err := lake.Verify(context.Background(), w.lake, w.log, nil)
		if err != nil || !account.OK || account.Received != int64(len(all)) {
			t.Fatalf("after %d kills the data folder does not add up to %d: %v\n%s", kills, len(all), err, account)
		}
		w.close()
		if killCompaction(t, dir, delay) {
			kills++
			delay += 17 * time.Millisecond
		} else {
			delay = 5 * time.Millisecond // it came to its end: begin with early moments again
		}
		if delay > 600*time.Millisecond {
			delay = 5 * time.Millisecond
		}
	}
	w := openWorld(t, dir, Options{})
	w.roll()
	w.compact()
	if rows, links := w.inFiles(gone); rows != 0 || links != 0 {
		t.Errorf("the files hold %d rows and %d links that were to go", rows, links)
	}
	account, err := lake.Verify(context.Background(), w.lake, w.log, nil)
	if err != nil || !account.OK || account.Removed == 0 {
		t.Errorf("in the end the data folder does not add up: %v\n%s", err, account)
	}
	t.Logf("%d kills in %d rounds, %d rows, %d of them removed", kills, rounds, len(all), account.Removed)
}

// killCompaction runs a compaction in a process of its own and kills it. It
// tells whether the process was still at it.
func killCompaction(t *testing.T, dir string, delay time.Duration) bool {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestCompactKilled$", "-test.v")
	cmd.Env = append(os.Environ(), killedEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := make(chan string)
	go func() {
		defer close(said)
		buffer := make([]byte, 4096)
		for {
			n, err := out.Read(buffer)
			if n > 0 {
				said <- string(buffer[:n])
			}
			if err != nil {
				return
			}
		}
	}()
	text := ""
	for s := range said {
		if text += s; strings.Contains(text, "ready") {
			break
		}
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
wait:
	for {
		select {
		case s, more := <-said:
			text += s
			if !more {
				break wait
			}
		case <-timer.C:
			break wait
		}
	}
	_ = cmd.Process.Kill()
	for s := range said {
		text += s
	}
	_ = cmd.Wait()
	if strings.Contains(text, "FAIL") {
		t.Fatalf("the compaction failed by itself:\n%s", text)
	}
	return !strings.Contains(text, "done")
}

func TestNeedsCompaction(t *testing.T) {
	at := func(hour, minute int) time.Time { return time.Date(2026, 11, 23, hour, minute, 0, 0, time.UTC) }
	of := func(hours ...int) *lake.Snapshot {
		s := &lake.Snapshot{}
		for i, h := range hours {
			s.Landing = append(s.Landing, filepath.Join("/data", "lake", "landing", "dt=2026-11-23", fmt.Sprintf("hour=%02d", h), fmt.Sprintf("%020d.parquet", i)))
		}
		return s
	}
	for _, c := range []struct {
		name     string
		snapshot *lake.Snapshot
		now      time.Time
		want     bool
	}{
		{"nothing landed", of(), at(12, 0), false},
		{"an hour that goes on", of(12, 12), at(12, 59), false},
		{"an hour that is just over", of(12), at(13, 5), false},
		{"an hour that is over", of(12), at(13, 10), true},
		{"many files", of(slices.Repeat([]int{12}, 16)...), at(12, 30), true},
		{"not many files", of(slices.Repeat([]int{12}, 15)...), at(12, 30), false},
	} {
		if got := NeedsCompaction(c.snapshot, c.now); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	for _, c := range []struct {
		waited time.Duration
		swept  bool
		want   bool
	}{
		{59 * time.Minute, false, false}, {time.Hour, false, true}, {time.Hour, true, false}, {70 * time.Minute, true, true},
	} {
		s := &lake.Snapshot{Removals: []lake.Removal{{Project: "p", IDs: []string{"a"}, TimeMS: day0, Swept: c.swept}}}
		if got := NeedsCompaction(s, time.UnixMilli(day0).Add(c.waited)); got != c.want {
			t.Errorf("rows to be removed for %v, swept %v: %v", c.waited, c.swept, got)
		}
	}
}

// TestCompactInLittleMemory compacts more than fits into the memory it gets.
func TestCompactInLittleMemory(t *testing.T) {
	t.Parallel()
	w := openWorld(t, t.TempDir(), Options{MemoryLimitBytes: 256 << 20})
	n := 150_000
	if testing.Short() {
		n /= 5
	}
	w.fill(n)
	w.roll()
	c := w.compact()
	if c.RowsOut != int64(n) {
		t.Errorf("compaction says %+v", c)
	}
	t.Logf("%d rows in %v, %d commits", n, c.Elapsed, c.Commits)
	if got := w.value("SELECT count(*) FROM events"); got != fmt.Sprint(n) {
		t.Errorf("%s events", got)
	}
	// Nor does writing all files anew without somebody's rows take more.
	someone := w.value("SELECT min(device_id) FROM events_raw")
	rows := w.value("SELECT count(*) FROM events_raw WHERE coalesce(user_id, device_id) = '" + someone + "'")
	w.remove("p", someone)
	if c := w.compact(); fmt.Sprint(c.Removed) != rows || rows == "0" {
		t.Errorf("of %s rows of one device, compaction says %+v", rows, c)
	}
}

// TestCompactStopped cancels a compaction after its first commit. What it
// committed holds, and another goes on.
func TestCompactStopped(t *testing.T) {
	w := newWorld(t)
	w.engine.chunkFiles = 1
	for i := range 4 {
		w.put(row(fmt.Sprint("e", i), day0))
		w.roll()
	}
	ctx, cancel := context.WithCancel(t.Context())
	c, err := w.engine.Compact(ctx, func(int, int) { cancel() })
	if err == nil || c.Commits != 1 {
		t.Fatalf("a compaction that was stopped did %+v, %v", c, err)
	}
	if staged, _ := os.ReadDir(filepath.Join(w.dir, "staging")); len(staged) != 0 {
		t.Errorf("%d staging folders are left", len(staged))
	}
	if got := w.value("SELECT count(*) FROM events"); got != "4" {
		t.Errorf("%s events", got)
	}
	if c := w.compact(); c.Commits != 3 {
		t.Errorf("the next did %+v", c)
	}
}

// TestCompactFailsWhole damages a landing file: nothing of its commit may be
// seen.
func TestCompactFailsWhole(t *testing.T) {
	w := newWorld(t)
	w.put(row("a", day0))
	w.roll()
	w.put(row("b", day0))
	w.roll()
	before := w.snapshot()
	damaged := before.Landing[1]
	good, err := os.ReadFile(damaged)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(damaged, good[:len(good)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := w.engine.Compact(t.Context(), nil); err == nil {
		t.Fatal("a damaged landing file was compacted")
	}
	if after := w.snapshot(); after.Version != before.Version {
		t.Error("a compaction that failed was committed")
	}
	if err := os.WriteFile(damaged, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if c := w.compact(); c.RowsOut != 2 {
		t.Errorf("after the file was mended: %+v", c)
	}
}
