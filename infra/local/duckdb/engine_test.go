package duckdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"loch/infra/local/parquet"
	"loch/infra/local/wal"
	"loch/shared/event"
	"loch/shared/fault"
	"loch/shared/profile"
	"loch/shared/report"
)

func TestRowLimit(t *testing.T) {
	w := newWorld(t)
	limited := func(statement string, rows int) report.Result {
		t.Helper()
		r, err := w.engine.Query(t.Context(), "p", statement, report.Limits{Rows: rows})
		if err != nil {
			t.Fatal(err)
		}
		if r.RowCount != len(r.Rows) {
			t.Errorf("row count %d of %d rows", r.RowCount, len(r.Rows))
		}
		if r.Elapsed <= 0 {
			t.Error("no time went by")
		}
		return r
	}
	if r := limited("SELECT * FROM range(10)", 10); len(r.Rows) != 10 || r.Truncated {
		t.Errorf("as many rows as the limit: %d, truncated %v", len(r.Rows), r.Truncated)
	}
	if r := limited("SELECT * FROM range(11)", 10); len(r.Rows) != 10 || !r.Truncated {
		t.Errorf("one row more than the limit: %d, truncated %v", len(r.Rows), r.Truncated)
	}
	// A result of this size could never be put together in full.
	r := limited("SELECT * FROM range(10000000000)", 3)
	if fmt.Sprint(r.Rows) != "[[0] [1] [2]]" || !r.Truncated {
		t.Errorf("the first rows of very many are %v", r.Rows)
	}
	// The limit must cut after the order, also where DuckDB sorts in parallel.
	r = limited("SELECT x FROM (SELECT (range * 7919) % 1000003 AS x FROM range(1000003)) ORDER BY x DESC", 4)
	if fmt.Sprint(r.Rows) != "[[1000002] [1000001] [1000000] [999999]]" || !r.Truncated {
		t.Errorf("the last four are %v", r.Rows)
	}
	r = limited("SELECT x FROM (SELECT (range * 7919) % 1000003 AS x FROM range(1000003)) ORDER BY x LIMIT 500000 OFFSET 10", 3)
	if fmt.Sprint(r.Rows) != "[[10] [11] [12]]" {
		t.Errorf("after an offset there are %v", r.Rows)
	}
	// Rows may be few and yet too large.
	w.engine.resultBytes = 2 << 20
	if r := limited("SELECT repeat('x', 300000) FROM range(30)", 100); !r.Truncated || len(r.Rows) > 10 || len(r.Rows) < 5 {
		t.Errorf("%d rows of 0.3 MB, truncated %v", len(r.Rows), r.Truncated)
	}
}

// TestOnlyOwnProject plants rows of another project in every tier and the log.
func TestOnlyOwnProject(t *testing.T) {
	w := newWorld(t)
	for step := range 3 {
		mine, other := row("mine", day0+int64(step)), row("other", day0+int64(step))
		mine.InsertID, other.InsertID = fmt.Sprint(step), fmt.Sprint(step)
		other.Project = "q"
		other.UserID = "their user"
		p := &event.Parcel{Rows: []event.Row{mine, other}, Receipt: event.Receipt{RequestID: "r", Received: 4, ReceivedTimeMS: 1}}
		for _, project := range []string{"p", "q"} {
			p.Rejected = append(p.Rejected, event.Rejected{Project: project, ReceivedTimeMS: day0, Protocol: "mixpanel",
				RequestID: "r", Reason: event.ReasonBadTime, Field: project, PayloadBytes: 7, Sealed: []byte("sealed")})
		}
		if err := w.log.Put(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		if step < 2 {
			w.roll()
		}
		if step < 1 {
			w.compact()
		}
	}
	for statement, want := range map[string]string{
		"SELECT DISTINCT project FROM events":                                           "[[p]]",
		"SELECT DISTINCT project FROM events_raw":                                       "[[p]]",
		"SELECT DISTINCT project, field FROM rejected":                                  "[[p p]]",
		"SELECT DISTINCT person_id FROM events":                                         "[[d1]]",
		"SELECT count(*), min(event), max(event) FROM events":                           "[[3 mine mine]]",
		"SELECT reason, sum(payload_bytes), count(*) FROM rejected GROUP BY 1":          "[[bad_time 21 3]]",
		"SELECT received_time, protocol, request_id, batch_index FROM rejected LIMIT 1": "[[2026-11-01 00:00:00 mixpanel r 0]]",
	} {
		if got := fmt.Sprint(w.query(statement).Rows); got != want {
			t.Errorf("%s gave %s, want %s", statement, got, want)
		}
	}
	r, err := w.engine.Query(t.Context(), "nobody' OR '1'='1", "SELECT count(*) FROM events", report.Limits{})
	if err != nil || fmt.Sprint(r.Rows) != "[[0]]" {
		t.Errorf("a project that does not exist sees %v, %v", r.Rows, err)
	}
}

// TestSeenAtOnce asks after every event, also while the log is rotated.
func TestSeenAtOnce(t *testing.T) {
	w := newWorld(t)
	for i := range 40 {
		w.put(row("e", day0+int64(i)))
		if i%7 == 3 {
			if err := w.log.Rotate(); err != nil {
				t.Fatal(err)
			}
		}
		if got := w.value("SELECT count(*) FROM events"); got != fmt.Sprint(i+1) {
			t.Fatalf("after %d events %s are seen", i+1, got)
		}
	}
	pieces := 0
	for _, s := range w.engine.hot.segments {
		pieces += len(s.pieces)
		if len(s.pieces) > mergePieces+1 {
			t.Errorf("a segment is in %d pieces", len(s.pieces))
		}
	}
	files, err := os.ReadDir(filepath.Join(w.dir, "tmp", "sql", "hot"))
	if err != nil || len(files) != pieces {
		t.Errorf("%d files for %d pieces, %v", len(files), pieces, err)
	}
	w.roll()
	if got := w.value("SELECT count(*) FROM events"); got != "40" {
		t.Errorf("%s events after the roll-over", got)
	}
	if files, _ := os.ReadDir(filepath.Join(w.dir, "tmp", "sql", "hot")); len(files) != 0 {
		t.Errorf("%d files are left of segments that are in the lake", len(files))
	}
}

// TestGoneWhileReading removes a segment between the moment that it is listed
// and the moment that it is read.
func TestGoneWhileReading(t *testing.T) {
	w := newWorld(t)
	w.put(row("a", day0))
	m := &moment{hot: w.engine.hot, snapshot: w.lake.Snapshot()}
	listed := w.log.Segments()
	w.roll()
	if err := m.load(t.Context(), listed); !errors.Is(err, wal.ErrGone) {
		t.Fatalf("a segment that is gone gave %v", err)
	}
	m.release()
	if got := w.value("SELECT count(*) FROM events"); got != "1" {
		t.Errorf("%s events", got)
	}
}

// TestRolledBetweenLooks rolls the log over between the two looks that freeze
// takes, at the log and at the lake.
func TestRolledBetweenLooks(t *testing.T) {
	w := newWorld(t)
	for i := range 3 {
		w.put(row("e", day0+int64(i)))
		w.engine.hot.between = func() {
			w.engine.hot.between = nil
			w.roll()
		}
		if got := w.value("SELECT count(*) FROM events_raw"); got != fmt.Sprint(i+1) {
			t.Errorf("%s of %d events are seen", got, i+1)
		}
	}
}

// TestSnapshotStays reads a moment after its segments are rolled over and
// compacted away.
func TestSnapshotStays(t *testing.T) {
	w := newWorld(t)
	w.put(row("a", day0))
	w.roll()
	w.put(row("b", day0+1))
	m, err := w.engine.hot.freeze(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.put(row("c", day0+2))
	w.roll()
	w.compact()
	if got := w.value("SELECT count(*) FROM events"); got != "3" {
		t.Errorf("%s events now", got)
	}
	a, err := w.engine.pool.call(t.Context(), order{Question: &question{
		Project: "p", Statement: "SELECT string_agg(event, '' ORDER BY event) FROM events", Rows: 10, Bytes: 1000, Files: m.files("p"),
	}})
	if err != nil || fmt.Sprint(a.Result.Rows) != "[[ab]]" {
		t.Errorf("the moment shows %v, %v", a.Result, err)
	}
	m.release()
}

// TestLargeSortSpills sorts far more than fits into memory.
func TestLargeSortSpills(t *testing.T) {
	t.Parallel()
	w := openWorld(t, t.TempDir(), Options{MemoryLimitBytes: 2 * minMemory, Parallel: 2})
	r := w.query(`SELECT max(n), count(*) FROM (
		SELECT row_number() OVER (ORDER BY s) AS n FROM (SELECT md5(range::VARCHAR) || repeat('x', 100) AS s FROM range(3000000)))`)
	if fmt.Sprint(r.Rows) != "[[3000000 3000000]]" {
		t.Errorf("the sort gave %v", r.Rows)
	}
}

func TestTimeLimitEndsForReal(t *testing.T) {
	w := newWorld(t)
	w.query("SELECT 1")
	start := time.Now()
	err := w.failure("SELECT count(*) FROM range(1000000000000)", report.Limits{Time: 300 * time.Millisecond})
	if fault.CodeOf(err) != fault.Timeout {
		t.Fatalf("a statement without end gave %v", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("a time limit of 0.3 s took %v", took)
	}
	// The worker was interrupted, not lost.
	if n := len(w.engine.pool.idle); n != 1 {
		t.Errorf("%d workers are left", n)
	}
	// What cannot be interrupted ends with its process.
	err = w.failure("SELECT levenshtein(repeat('a', 300000), repeat('b', 300000))", report.Limits{Time: 300 * time.Millisecond})
	if fault.CodeOf(err) != fault.Timeout {
		t.Errorf("a statement that cannot be interrupted gave %v", err)
	}
	if n := len(w.engine.pool.idle); n != 0 {
		t.Errorf("%d workers are left", n)
	}
	if got := w.value("SELECT 42"); got != "42" {
		t.Errorf("then 42 is %s", got)
	}
}

// TestClientGoesAway cancels a statement's context.
func TestClientGoesAway(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := w.engine.Query(ctx, "p", "SELECT count(*) FROM range(1000000000000)", report.Limits{Time: time.Hour})
		done <- err
	}()
	for len(w.engine.slots) == 0 {
		runtime.Gosched()
	}
	cancel()
	if err := <-done; fault.CodeOf(err) != fault.Unavailable || !errors.Is(err, context.Canceled) {
		t.Errorf("a statement that nobody waits for gave %v", err)
	}
	if n := len(w.engine.slots); n != 0 {
		t.Errorf("%d places are taken", n)
	}
}

// TestOthersWait fills all places and expects the next to wait, and to give up
// when its time ends.
func TestOthersWait(t *testing.T) {
	w := openWorld(t, t.TempDir(), Options{Parallel: 2})
	ctx, cancel := context.WithCancel(t.Context())
	var busy sync.WaitGroup
	for range 2 {
		busy.Go(func() {
			_, _ = w.engine.Query(ctx, "p", "SELECT count(*) FROM range(1000000000000)", report.Limits{Time: time.Hour}) // cancelled below
		})
	}
	for len(w.engine.slots) < 2 {
		runtime.Gosched()
	}
	err := w.failure("SELECT 1", report.Limits{Time: 50 * time.Millisecond})
	if fault.CodeOf(err) != fault.Timeout || !strings.Contains(err.Error(), "other statements") {
		t.Errorf("without a place: %v", err)
	}
	answered := make(chan string)
	go func() { answered <- w.value("SELECT 7") }()
	cancel()
	if got := <-answered; got != "7" {
		t.Errorf("the one that waited got %s", got)
	}
	busy.Wait()
}

// TestManyAtOnce asks from many goroutines while events come in.
func TestManyAtOnce(t *testing.T) {
	w := newWorld(t)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 5 {
				w.put(row(fmt.Sprintf("e%d%d", g, i), day0+int64(i)))
				r, err := w.engine.Query(t.Context(), "p", fmt.Sprintf("SELECT count(*) FROM events WHERE event = 'e%d%d'", g, i), report.Limits{Time: time.Minute})
				if err != nil || fmt.Sprint(r.Rows) != "[[1]]" {
					t.Errorf("%v, %v", r.Rows, err)
				}
			}
		})
	}
	all.Wait()
}

// TestWorkersEnd checks that no process is kept for a server that nobody asks.
func TestWorkersEnd(t *testing.T) {
	w := openWorld(t, t.TempDir(), Options{Idle: 50 * time.Millisecond})
	if n := len(w.engine.pool.idle); n != 0 {
		t.Errorf("%d workers run before the first statement", n)
	}
	w.query("SELECT 1")
	w.engine.pool.mu.Lock()
	pid := 0
	if len(w.engine.pool.idle) == 1 {
		pid = w.engine.pool.idle[0].cmd.Process.Pid
	}
	w.engine.pool.mu.Unlock()
	if pid == 0 {
		t.Fatal("no worker is kept for the next statement")
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		w.engine.pool.mu.Lock()
		n := len(w.engine.pool.idle)
		w.engine.pool.mu.Unlock()
		if n == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the worker is kept for ever")
		}
	}
	if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); err == nil {
		t.Errorf("process %d is still there", pid)
	}
	w.query("SELECT 1")
}

func TestClosed(t *testing.T) {
	w := newWorld(t)
	w.put(row("a", day0))
	w.query("SELECT count(*) FROM events")
	engine := w.engine
	w.close()
	if _, err := engine.Query(t.Context(), "p", "SELECT 1", report.Limits{}); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("a closed engine says %v", err)
	}
	if err := engine.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}

// TestWithoutLog opens an engine over the lake alone, as for a copied bucket.
func TestWithoutLog(t *testing.T) {
	w := newWorld(t)
	w.put(row("a", day0))
	w.roll()
	e, err := Open(w.lake, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.Query(t.Context(), "p", "SELECT count(*) FROM events", report.Limits{})
	if err != nil || fmt.Sprint(r.Rows) != "[[1]]" {
		t.Errorf("%v, %v", r.Rows, err)
	}
	dir := e.dir
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the folder of temporary files is left")
	}
}

// TestLostFileIsTold removes a file behind the lake's back.
func TestLostFileIsTold(t *testing.T) {
	w := newWorld(t)
	w.put(row("a", day0))
	w.roll()
	if err := os.Remove(w.snapshot().Landing[0]); err != nil {
		t.Fatal(err)
	}
	err := w.failure("SELECT count(*) FROM events", report.Limits{})
	if fault.CodeOf(err) != fault.Unavailable || strings.Contains(err.Error(), w.dir) {
		t.Errorf("a lost file gave %v", err)
	}
}

// TestPersonOnlyWhenAsked holds that the links are left alone by a statement
// that does not ask for the person.
func TestPersonOnlyWhenAsked(t *testing.T) {
	w := newWorld(t)
	linked := row("a", day0)
	linked.UserID = "u"
	w.put(linked, row("b", day0+1))
	w.roll()
	w.compact()
	for statement, want := range map[string]bool{
		"SELECT event, count(*) FROM events GROUP BY 1":             false,
		"SELECT count(*) FROM events e WHERE e.time > '2026-01-01'": false,
		"SELECT count(*) FROM (SELECT device_id FROM events)":       false,
		"SELECT person_id FROM events":                              true,
		"SELECT \"PERSON_ID\" FROM events":                          true,
		"SELECT * FROM events":                                      true,
		"SELECT e.* FROM events e":                                  true,
		"SELECT e FROM events e":                                    true,
		"SELECT events FROM events":                                 true,
		"SELECT COLUMNS('per.*') FROM events":                       true,
		"SELECT count(*) FROM events a NATURAL JOIN events b":       true,
		"FROM events": true,
	} {
		plan := fmt.Sprint(w.query("EXPLAIN " + statement).Rows)
		if got := strings.Contains(plan, "JOIN") && strings.Contains(plan, "arg_min"); got != want {
			t.Errorf("%s resolves the person: %v, want %v\n%s", statement, got, want, plan)
		}
	}
}

// TestFirstLinkStays sends the row that linked a device first once more, later
// than another link. Compaction drops its first try; the link must stay.
func TestFirstLinkStays(t *testing.T) {
	w := newWorld(t)
	at := func(name, user string, received int64) event.Row {
		r := row(name, day0)
		r.UserID, r.ReceivedTimeMS, r.RequestID = user, received, fmt.Sprint("req", received)
		return r
	}
	anonymous := row("anonymous", day0)
	w.put(at("login", "first", day0+1), anonymous)
	w.roll()
	w.put(at("login again", "second", day0+2))
	w.roll()
	w.put(at("login", "first", day0+3))
	check := func(when string) {
		t.Helper()
		if got := w.value("SELECT person_id FROM events WHERE event = 'anonymous'"); got != "first" {
			t.Errorf("%s the person is %s", when, got)
		}
	}
	check("in the log")
	w.roll()
	check("after the roll-over")
	w.compact()
	check("after compaction")
	w.put(at("earlier", "earliest", day0))
	w.roll()
	if got := w.value("SELECT person_id FROM events WHERE event = 'anonymous'"); got != "earliest" {
		t.Errorf("with an earlier link the person is %s", got)
	}
	w.compact()
	if got := w.value("SELECT person_id FROM events WHERE event = 'anonymous'"); got != "earliest" {
		t.Errorf("with an earlier link, compacted, the person is %s", got)
	}
}

// profileFile is a file of snapshots in the lake. A row is a person, a plan ("" for
// one who is gone) and the time.
func profileFile(t *testing.T, w *world, name string, rows ...[3]any) {
	t.Helper()
	commit, err := w.lake.Begin("profiles-" + name)
	if err != nil {
		t.Fatal(err)
	}
	path, err := commit.Path("profiles", name+".parquet")
	if err != nil {
		t.Fatal(err)
	}
	out, err := parquet.CreateProfiles(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		row := profile.Snapshot{Project: "p", PersonID: r[0].(string), Traits: `{"plan":"` + r[1].(string) + `"}`, Gone: r[1] == "", SnapshotMS: int64(r[2].(int)), LastMS: 5}
		row.Seen.Place.Country = "NO"
		if row.PersonID == "other" {
			row.Project = "q"
		}
		if err := out.Write([]profile.Snapshot{row}); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	entry := entryOf("profiles")
	if err := commit.Finish(entry); err != nil {
		t.Fatal(err)
	}
}

// TestProfilesFromFiles holds that of each person the newest row counts, whichever
// files it is in and however often.
func TestProfilesFromFiles(t *testing.T) {
	w := newWorld(t)
	check := func(says, want string) {
		t.Helper()
		if got := fmt.Sprint(w.query("SELECT person_id, traits->>'plan', country FROM profiles ORDER BY 1").Rows); got != want {
			t.Errorf("%s: %s, want %s", says, got, want)
		}
	}
	check("no files", "[]")
	profileFile(t, w, "changes-1", [3]any{"a", "free", 1}, [3]any{"a", "free", 1}, [3]any{"other", "x", 1})
	check("changes alone", "[[a free NO]]")
	profileFile(t, w, "full-2", [3]any{"a", "pro", 2}, [3]any{"b", "pro", 2}, [3]any{"c", "pro", 2}, [3]any{"other", "x", 2})
	profileFile(t, w, "changes-3", [3]any{"b", "free", 3}, [3]any{"c", "", 3}, [3]any{"a", "team", 4}, [3]any{"a", "team", 4})
	check("changes behind a full one", "[[a team NO] [b free NO]]")
	profileFile(t, w, "full-5", [3]any{"a", "team", 5}, [3]any{"b", "free", 5})
	check("two full ones", "[[a team NO] [b free NO]]")
	if got := w.value("SELECT count(*) FROM profiles WHERE group_key IS NULL AND updated IS NULL AND first_channel IS NULL AND snapshot_time < TIMESTAMP '1970-01-02'"); got != "2" {
		t.Errorf("%s rows with their columns", got)
	}
}

// TestWorkerKilled kills workers from outside: one that has nothing to do, which
// nobody may notice, and one in the middle of a statement.
func TestWorkerKilled(t *testing.T) {
	w := newWorld(t)
	w.query("SELECT 1")
	idle := w.engine.pool.idle[0]
	if err := idle.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-idle.gone
	if got := w.value("SELECT 2"); got != "2" {
		t.Errorf("after the idle worker was killed, 2 is %s", got)
	}
	done := make(chan error)
	go func() {
		_, err := w.engine.Query(t.Context(), "p", "SELECT count(*) FROM range(1000000000000)", report.Limits{Time: time.Hour})
		done <- err
	}()
	var busy *worker
	for busy == nil {
		w.engine.pool.mu.Lock()
		if len(w.engine.pool.busy) == 1 {
			busy = w.engine.pool.busy[0]
		}
		w.engine.pool.mu.Unlock()
	}
	if err := busy.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; fault.CodeOf(err) != fault.TooLarge {
		t.Errorf("a statement whose worker was killed gave %v", err)
	}
	if got := w.value("SELECT 3"); got != "3" {
		t.Errorf("then 3 is %s", got)
	}
}

// TestCloseEndsStatements closes the engine in the middle of a statement.
func TestCloseEndsStatements(t *testing.T) {
	w := newWorld(t)
	engine := w.engine
	done := make(chan error)
	go func() {
		_, err := engine.Query(t.Context(), "p", "SELECT count(*) FROM range(1000000000000)", report.Limits{Time: time.Hour})
		done <- err
	}()
	for busy := 0; busy == 0; {
		engine.pool.mu.Lock()
		busy = len(engine.pool.busy)
		engine.pool.mu.Unlock()
	}
	w.close()
	if err := <-done; fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("a statement of an engine that was closed gave %v", err)
	}
}

// TestDatesArePruned damages the file of one date. Statements about others must
// not open it.
func TestDatesArePruned(t *testing.T) {
	for _, folder := range []string{"data", "a=b"} {
		w := openWorld(t, filepath.Join(t.TempDir(), folder), Options{})
		for day := range int64(3) {
			w.put(row("e", day0+day*dayMS))
		}
		w.roll()
		w.compact()
		if got := w.value("SELECT count(DISTINCT date) FROM events WHERE date < '2026-11-03' AND project = 'p'"); got != "2" {
			t.Errorf("in folder %s there are %s dates", folder, got)
		}
		if folder == "a=b" {
			continue // there it cannot be done, and need not
		}
		if err := os.WriteFile(w.snapshot().Events[2], []byte("not Parquet"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := w.value("SELECT count(*) FROM events WHERE date <= '2026-11-02'"); got != "2" {
			t.Errorf("%s events of the undamaged dates", got)
		}
		if err := w.failure("SELECT sum(length(event)) FROM events", report.Limits{}); err == nil {
			t.Error("damage of a file was not noticed")
		}
	}
}

// TestVersion holds that the version changes with everything that an answer may
// depend on, and with nothing else.
func TestVersion(t *testing.T) {
	w := newWorld(t)
	version := func() string {
		t.Helper()
		v, err := w.engine.Version(t.Context(), "p")
		if err != nil || v == "" {
			t.Fatalf("%q %v", v, err)
		}
		return v
	}
	last := version()
	changes := func(what string, do func()) {
		t.Helper()
		do()
		if v := version(); v == last {
			t.Errorf("%s changes nothing", what)
		} else {
			last = v
		}
		w.query("SELECT count(*) FROM events")
		if v := version(); v != last {
			t.Errorf("after %s a statement changes the version", what)
		}
	}
	changes("an event", func() { w.put(row("A", day0)) })
	changes("a roll-over", w.roll)
	changes("a compaction", func() { w.compact() })
	changes("a profile", func() { profileFile(t, w, "v", [3]any{"d1", "pro", 1}) })
	changes("a removal", func() {
		if err := w.lake.RemoveRows("p", []string{"d1"}, time.UnixMilli(day0)); err != nil {
			t.Fatal(err)
		}
	})
	if err := w.lake.RemoveRows("q", []string{"d1"}, time.UnixMilli(day0)); err != nil {
		t.Fatal(err)
	}
	if version() != last {
		t.Error("a removal in another project changes the version")
	}
}
