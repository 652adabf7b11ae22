package lake

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"loch/infra/local/parquet"
	"loch/shared/event"
)

func TestCommitIsSeenInFullOrNotAtAll(t *testing.T) {
	l := mustOpen(t, t.TempDir())
	before := l.Snapshot()
	defer before.Release()

	c := mustBegin(t, l, RollID(7))
	put(t, c, Landing, "dt=2026-11-23/hour=09/7.parquet", "a", "b")
	put(t, c, Rejected, "dt=2026-11-23/hour=09/7.parquet", "r")
	put(t, c, Profiles, "p.parquet", "not an event")
	put(t, c, Links, "l.parquet", "not an event")
	if got := see(t, l); got != "" {
		t.Fatalf("before Finish queries see %q", got)
	}
	mustFinish(t, c, Entry{Kind: KindRoll, TimeMS: 5, Segment: 7, Requests: 1, Received: 3, Stored: 2, Rejected: 1})

	after := l.Snapshot()
	defer after.Release()
	want := filepath.Join(l.dir, "lake/landing/dt=2026-11-23/hour=09/7.parquet")
	if len(after.Landing) != 1 || after.Landing[0] != want ||
		len(after.Rejected) != 1 || len(after.Profiles) != 1 || len(after.Links) != 1 || len(after.Events) != 0 {
		t.Fatalf("snapshot is %+v", after)
	}
	if after.Rolled != 7 || after.Version != 1 || before.Version != 0 || len(before.Landing) != 0 {
		t.Fatalf("snapshots are %+v and %+v", before, after)
	}
	if err := c.Finish(Entry{Kind: KindRoll, TimeMS: 5}); err == nil {
		t.Error("a commit can be finished twice")
	}
	if err := c.Abandon(); err != nil {
		t.Errorf("Abandon after Finish: %v", err)
	}
	if got := see(t, l); got != "a b" {
		t.Errorf("after Finish queries see %q", got)
	}
	if a := isSound(t, l); a.Files != 4 || a.Stored != 2 || a.Rejected != 1 {
		t.Errorf("the account is %+v", a)
	}
}

func TestIDHappensOnce(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir)
	c := mustBegin(t, l, "compact-1")
	if _, err := l.Begin("compact-1"); err == nil || errors.Is(err, ErrCommitted) {
		t.Errorf("beginning twice: %v", err)
	}
	mustFinish(t, c, Entry{Kind: KindCompact, TimeMS: 1})
	for _, l := range []*Lake{l, mustOpen(t, dir)} {
		if _, err := l.Begin("compact-1"); !errors.Is(err, ErrCommitted) {
			t.Errorf("beginning after the commit: %v", err)
		}
	}
}

func TestAbandonLeavesNothing(t *testing.T) {
	l := mustOpen(t, t.TempDir())
	c := mustBegin(t, l, "roll-x")
	path := put(t, c, Landing, "a.parquet", "a")
	if err := c.Abandon(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the staged file is still there: %v", err)
	}
	if _, err := c.Path(Landing, "b.parquet"); err == nil {
		t.Error("an abandoned commit gives out paths")
	}
	isSound(t, l)
	mustFinish(t, mustBegin(t, l, "roll-x"), Entry{Kind: KindRoll, TimeMS: 1}) // the id is free again
}

func TestFilesOfASnapshotStay(t *testing.T) {
	l := mustOpen(t, t.TempDir())
	add(t, l, "first", "a", "b")
	old := l.Snapshot()
	again := l.Snapshot()
	replace(t, l, "second", "first", "a", "b")
	newer := l.Snapshot()
	defer newer.Release()
	replace(t, l, "third", "second", "a", "b")

	exists := func(id string) bool {
		_, err := os.Stat(l.path("events/" + id + ".parquet"))
		return err == nil
	}
	if !exists("first") || !exists("second") || !exists("third") {
		t.Fatal("a file went while a snapshot held it")
	}
	isSound(t, l) // files that wait to be deleted are no strays
	old.Release()
	old.Release()
	if !exists("first") {
		t.Fatal("a file went with the first of two snapshots")
	}
	again.Release()
	if exists("first") || !exists("second") {
		t.Fatalf("after release: first exists=%v, second exists=%v", exists("first"), exists("second"))
	}
	newer.Release()
	if exists("second") {
		t.Fatal("a file that nobody needs is still there")
	}
	if staged, err := os.ReadDir(filepath.Join(l.dir, stagingFolder)); err != nil || len(staged) != 0 {
		t.Fatalf("staging holds %v, %v", staged, err)
	}
	isSound(t, l)
}

func TestEmptyFoldersGo(t *testing.T) {
	l := mustOpen(t, t.TempDir())
	c := mustBegin(t, l, "one")
	put(t, c, Landing, "dt=2026-11-23/hour=09/1.parquet", "a")
	put(t, c, Landing, "dt=2026-11-23/hour=10/1.parquet", "b")
	mustFinish(t, c, Entry{Kind: KindRoll, TimeMS: 1, Received: 2, Stored: 2})
	c = mustBegin(t, l, "two")
	c.Remove("landing/dt=2026-11-23/hour=09/1.parquet")
	put(t, c, Events, "two.parquet", "a")
	mustFinish(t, c, Entry{Kind: KindCompact, TimeMS: 1, RowsIn: 1, RowsOut: 1})
	if hours, err := os.ReadDir(l.path("landing/dt=2026-11-23")); err != nil || len(hours) != 1 || hours[0].Name() != "hour=10" {
		t.Fatalf("folders left: %v, %v", hours, err)
	}
	if got := see(t, l); got != "a b" {
		t.Fatalf("queries see %q", got)
	}
}

func TestRefusals(t *testing.T) {
	l := mustOpen(t, t.TempDir())
	add(t, l, "first", "a")
	for _, id := range []string{"", "..", "a/b", "A", "x.json", strings.Repeat("x", 101)} {
		if _, err := l.Begin(id); err == nil {
			t.Errorf("id %q is taken", id)
		}
	}
	c := mustBegin(t, l, "paths")
	for _, p := range []struct {
		tier Tier
		rel  string
	}{
		{Landing, "../events/x.parquet"}, {Landing, "a/../x.parquet"}, {Landing, "/x.parquet"}, {Landing, ""}, {Landing, "x.json"},
		{"vault", "x.parquet"}, {"", "x.parquet"}, {"..", "x.parquet"}, {Landing, "a//x.parquet"}, {Landing, `a\x.parquet`},
	} {
		if path, err := c.Path(p.tier, p.rel); err == nil {
			t.Errorf("Path(%q, %q) gives %s", p.tier, p.rel, path)
		}
	}

	finish := func(name string, prepare func(c *Commit), e Entry) {
		t.Helper()
		c := mustBegin(t, l, "bad")
		prepare(c)
		e.TimeMS = 1
		if err := c.Finish(e); err == nil {
			t.Errorf("%s: committed", name)
		}
		if err := c.Abandon(); err != nil {
			t.Error(err)
		}
	}
	finish("a file that was never written", func(c *Commit) {
		if _, err := c.Path(Landing, "x.parquet"); err != nil {
			t.Error(err)
		}
	}, Entry{Kind: KindRoll})
	finish("a file that was not asked for", func(c *Commit) {
		path := put(t, c, Landing, "x.parquet", "a")
		if err := os.WriteFile(path+".half", nil, 0o600); err != nil {
			t.Error(err)
		}
	}, Entry{Kind: KindRoll, Stored: 1})
	finish("a file that is not Parquet", func(c *Commit) {
		path, err := c.Path(Landing, "x.parquet")
		if err := errors.Join(err, os.WriteFile(path, []byte("PAR1"), 0o600)); err != nil {
			t.Error(err)
		}
	}, Entry{Kind: KindRoll})
	finish("a name that is taken", func(c *Commit) { put(t, c, Events, "first.parquet", "z") },
		Entry{Kind: KindCompact, RowsIn: 1, RowsOut: 1})
	finish("a removal of what is not there", func(c *Commit) { c.Remove("events/none.parquet") }, Entry{Kind: KindCompact})
	finish("a removal outside the lake", func(c *Commit) { c.Remove("../vault.key") }, Entry{Kind: KindCompact})
	finish("a roll-over that miscounts", func(c *Commit) { put(t, c, Landing, "x.parquet", "a") }, Entry{Kind: KindRoll, Stored: 2})
	finish("a compaction that miscounts", func(c *Commit) { put(t, c, Events, "x.parquet", "a") },
		Entry{Kind: KindCompact, RowsIn: 3, RowsOut: 1, Duplicates: 1})
	if err := mustBegin(t, l, "no-time").Finish(Entry{Kind: KindRoll}); err == nil {
		t.Error("a commit without a time")
	}
	if got := see(t, l); got != "a" {
		t.Errorf("queries see %q", got)
	}
}

// A name may come back only after its old file is gone for good.
func TestNameThatWaitsForDeletionIsTaken(t *testing.T) {
	l := mustOpen(t, t.TempDir())
	add(t, l, "first", "a")
	s := l.Snapshot()
	replace(t, l, "second", "first", "a")
	c := mustBegin(t, l, "third")
	put(t, c, Events, "first.parquet", "b")
	e := Entry{Kind: "other", TimeMS: 1}
	if err := c.Finish(e); err == nil {
		t.Fatal("a file that waits to be deleted was overwritten")
	}
	s.Release()
	mustFinish(t, c, e)
	if got := see(t, mustOpen(t, l.dir)); got != "a b" {
		t.Fatalf("queries see %q", got)
	}
}

// Two commits that replace the same file: only one can, or its rows would be
// there twice.
func TestOnlyOneCommitReplacesAFile(t *testing.T) {
	l := mustOpen(t, t.TempDir())
	add(t, l, "first", "a")
	var commits []*Commit
	for _, id := range []string{"left", "right"} {
		c := mustBegin(t, l, id)
		c.Remove("events/first.parquet")
		put(t, c, Events, id+".parquet", "a")
		commits = append(commits, c)
	}
	e := Entry{Kind: KindCompact, TimeMS: 1, RowsIn: 1, RowsOut: 1}
	mustFinish(t, commits[0], e)
	if err := commits[1].Finish(e); err == nil {
		t.Fatal("both were committed")
	}
	if got := see(t, l); got != "a" {
		t.Fatalf("queries see %q", got)
	}
}

func TestEntriesComeInOrder(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir)
	var want []string
	for i := range 12 {
		id := fmt.Sprintf("c-%d", (i*7)%12) // ids sort otherwise than they happened
		add(t, l, id, "a")
		want = append(want, id)
	}
	for _, l := range []*Lake{l, mustOpen(t, dir)} {
		var got []string
		err := l.Entries(func(e Entry) error {
			if e.Number != uint64(len(got)+1) || len(e.Added) != 1 || e.Added[0].Rows != 1 || e.Added[0].CRC32C == 0 {
				t.Errorf("entry %+v", e)
			}
			got = append(got, e.ID)
			return nil
		})
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v: %v", got, want, err)
		}
	}
	stop := errors.New("enough")
	if err := l.Entries(func(Entry) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("Entries returns %v", err)
	}
}

// A bucket that was copied into the folder is readable without a ledger.
func TestFilesWithoutALedgerAreSeen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "lake/landing/dt=2026-11-23/hour=00/firehose-1.parquet")
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	writeRows(t, path, "a", "b")
	if got := see(t, mustOpen(t, dir)); got != "a b" {
		t.Fatalf("queries see %q", got)
	}
}

// From here on: what the tests of this package share.

func mustOpen(t testing.TB, dir string) *Lake {
	t.Helper()
	l, err := Open(dir)
	if err != nil {
		t.Fatal(err, cause(err))
	}
	return l
}

func mustBegin(t testing.TB, l *Lake, id string) *Commit {
	t.Helper()
	c, err := l.Begin(id)
	if err != nil {
		t.Fatal(err, cause(err))
	}
	return c
}

func mustFinish(t testing.TB, c *Commit, e Entry) {
	t.Helper()
	if err := c.Finish(e); err != nil {
		t.Fatal(err, cause(err))
	}
}

// put writes a file of this commit with one row for each id.
func put(t testing.TB, c *Commit, tier Tier, rel string, ids ...string) string {
	t.Helper()
	path, err := c.Path(tier, rel)
	if err != nil {
		t.Fatal(err)
	}
	if tier == Rejected {
		writeRejected(t, path, ids...)
	} else {
		writeRows(t, path, ids...)
	}
	return path
}

func writeRows(t testing.TB, path string, ids ...string) {
	t.Helper()
	w, err := parquet.CreateEvents(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if err := w.Write([]event.Row{{InsertID: id, Date: "2026-11-23", Revenue: event.NoRevenue}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func writeRejected(t testing.TB, path string, ids ...string) {
	t.Helper()
	w, err := parquet.CreateRejected(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if err := w.Write([]event.Rejected{{RequestID: id, Reason: event.ReasonBadTime}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// add commits the file events/<id>.parquet, as rows that were received now.
func add(t testing.TB, l *Lake, id string, ids ...string) {
	t.Helper()
	c := mustBegin(t, l, id)
	put(t, c, Events, id+".parquet", ids...)
	n := int64(len(ids))
	mustFinish(t, c, Entry{Kind: KindRoll, TimeMS: 1, Requests: 1, Received: n, Stored: n})
}

// replace commits events/<id>.parquet in place of another one with as many rows.
func replace(t testing.TB, l *Lake, id, other string, ids ...string) {
	t.Helper()
	c := mustBegin(t, l, id)
	c.Remove("events/" + other + ".parquet")
	put(t, c, Events, id+".parquet", ids...)
	mustFinish(t, c, Entry{Kind: KindCompact, TimeMS: 1, RowsIn: int64(len(ids)), RowsOut: int64(len(ids))})
}

// see returns the insert ids that a query would find now, sorted.
func see(t testing.TB, l *Lake) string {
	t.Helper()
	s := l.Snapshot()
	defer s.Release()
	return strings.Join(idsIn(t, s), " ")
}

func idsIn(t testing.TB, s *Snapshot) []string {
	t.Helper()
	var ids []string
	for _, path := range slices.Concat(s.Landing, s.Events) {
		err := parquet.ReadEvents(path, func(r *event.Row) error { ids = append(ids, r.InsertID); return nil })
		if err != nil {
			t.Fatalf("%s: %v (%v)", path, err, cause(err))
		}
	}
	slices.Sort(ids)
	return ids
}

// isSound fails the test when Verify finds anything.
func isSound(t testing.TB, l *Lake) Account {
	t.Helper()
	a, err := Verify(t.Context(), l, nil, nil)
	if err != nil {
		t.Fatal(err, cause(err))
	}
	if !a.OK || len(a.Problems)+len(a.Warnings) > 0 {
		t.Fatalf("the lake is not sound:\n%s", a)
	}
	return a
}
