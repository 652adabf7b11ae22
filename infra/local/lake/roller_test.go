package lake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"loch/infra/local/parquet"
	"loch/infra/local/wal"
	"loch/shared/event"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// parcel makes a request that arrived at a time, with rows of these ids and some
// rejected inputs.
func parcel(at time.Time, rejected int, ids ...string) *event.Parcel {
	p := &event.Parcel{Receipt: event.Receipt{
		RequestID: "req-" + strings.Join(ids, "-"), ReceivedTimeMS: at.UnixMilli(), Received: len(ids) + rejected,
	}}
	for i, id := range ids {
		p.Rows = append(p.Rows, event.Row{
			Project: "default", Date: at.UTC().Format(time.DateOnly), InsertID: id, Name: "Sign up", TimeMS: at.UnixMilli(),
			ReceivedTimeMS: at.UnixMilli(), Revenue: event.NoRevenue, Properties: "{}", BatchIndex: int64(i), RequestID: p.Receipt.RequestID,
		})
	}
	for i := range rejected {
		p.Rejected = append(p.Rejected, event.Rejected{
			ReceivedTimeMS: at.UnixMilli(), RequestID: p.Receipt.RequestID, BatchIndex: int64(len(ids) + i),
			Reason: event.ReasonBadTime, Sealed: []byte("sealed"), PayloadBytes: 6,
		})
	}
	return p
}

// shop is a data folder in use.
type shop struct {
	dir    string
	lake   *Lake
	log    *wal.Log
	roller *Roller
	clock  time.Time
	said   bytes.Buffer
}

func openShop(t testing.TB, dir string) *shop {
	t.Helper()
	s := &shop{dir: dir, lake: mustOpen(t, dir), clock: noon}
	snapshot := s.lake.Snapshot()
	defer snapshot.Release()
	var err error
	s.log, _, err = wal.Open(filepath.Join(dir, "wal"), wal.Options{Now: s.now, After: snapshot.Rolled})
	if err != nil {
		t.Fatal(err, cause(err))
	}
	t.Cleanup(func() { _ = s.log.Close() })
	s.roller = NewRoller(s.lake, s.log, RollerOptions{Now: s.now, Logger: slog.New(slog.NewTextHandler(&s.said, nil))})
	return s
}

func (s *shop) now() time.Time { return s.clock }

func (s *shop) put(t testing.TB, parcels ...*event.Parcel) {
	t.Helper()
	for _, p := range parcels {
		if err := s.log.Put(context.Background(), p); err != nil {
			t.Fatal(err, cause(err))
		}
	}
}

func (s *shop) rollAll(t testing.TB) {
	t.Helper()
	if err := errors.Join(s.log.Rotate(), s.roller.RollAll(context.Background())); err != nil {
		t.Fatal(err, cause(err))
	}
}

// adds checks that the account is right to the last row.
func (s *shop) adds(t testing.TB, received, stored, rejected int64) Account {
	t.Helper()
	a, err := Verify(t.Context(), s.lake, s.log, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !a.OK || len(a.Warnings) > 0 || a.Received != received || a.Stored != stored || a.Rejected != rejected {
		t.Fatalf("want %d received, %d stored, %d rejected:\n%s", received, stored, rejected, a)
	}
	return a
}

func TestRollOverSplitsByArrivalHour(t *testing.T) {
	s := openShop(t, t.TempDir())
	s.put(t,
		parcel(noon.Add(2*time.Second), 0, "late"),
		parcel(noon.Add(-time.Millisecond), 1, "before-noon"),
		parcel(noon, 0, "noon-1", "noon-2"),
		parcel(noon.Add(36*time.Hour), 2),
	)
	s.adds(t, 7, 4, 3)
	s.rollAll(t)
	s.adds(t, 7, 4, 3)

	snapshot := s.lake.Snapshot()
	defer snapshot.Release()
	want := []string{
		"landing/dt=2026-11-23/hour=11/00000000000000000001.parquet before-noon",
		"landing/dt=2026-11-23/hour=12/00000000000000000001.parquet noon-1 noon-2 late",
		"rejected/dt=2026-11-23/hour=11/00000000000000000001.parquet 1",
		"rejected/dt=2026-11-25/hour=00/00000000000000000001.parquet 2",
	}
	var got []string
	for _, path := range snapshot.Landing {
		line := s.lake.Rel(path)
		err := parquet.ReadEvents(path, func(r *event.Row) error { line += " " + r.InsertID; return nil })
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, line)
	}
	for _, path := range snapshot.Rejected {
		n := 0
		err := parquet.ReadRejected(path, func(r *event.Rejected) error {
			if n++; string(r.Sealed) != "sealed" {
				t.Errorf("rejected row %+v", r)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %d", s.lake.Rel(path), n))
	}
	if !slices.Equal(got, want) {
		t.Fatalf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if snapshot.Rolled != 1 {
		t.Errorf("Rolled is %d", snapshot.Rolled)
	}
	for _, segment := range s.log.Segments() {
		if segment.Parcels > 0 {
			t.Errorf("segment %d is still in the log", segment.Seq)
		}
	}
	e, err := s.lake.entry(RollID(1))
	if err != nil || e.Segment != 1 || e.Requests != 4 || e.Received != 7 || e.Stored != 4 || e.Rejected != 3 || e.TimeMS != noon.UnixMilli() {
		t.Fatalf("entry %+v, %v", e, err)
	}
}

// More rows than the sorting window holds, in the disorder that group commit
// makes.
func TestRollOverSorts(t *testing.T) {
	s := openShop(t, t.TempDir())
	const n = 3 * windowRows
	for i := range n / 100 {
		p := parcel(noon.Add(time.Duration(i^5)*time.Millisecond), 0)
		for j := range 100 {
			p.Rows = append(p.Rows, parcel(noon.Add(time.Duration(i^5)*time.Millisecond), 0, fmt.Sprint(i, "-", j)).Rows...)
		}
		p.Receipt.Received = 100
		s.put(t, p)
	}
	s.rollAll(t)
	s.adds(t, n/100*100, n/100*100, 0)
	snapshot := s.lake.Snapshot()
	defer snapshot.Release()
	last := int64(0)
	for _, path := range snapshot.Landing {
		err := parquet.ReadEvents(path, func(r *event.Row) error {
			if r.ReceivedTimeMS < last {
				t.Fatalf("a row of %d comes after one of %d", r.ReceivedTimeMS, last)
			}
			last = r.ReceivedTimeMS
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A crash between the commit and the removal leaves the segment in both places.
func TestRolledSegmentIsNotRolledAgain(t *testing.T) {
	dir := t.TempDir()
	s := openShop(t, dir)
	s.put(t, parcel(noon, 1, "a", "b"))
	if err := s.log.Rotate(); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "wal")
	if err := os.CopyFS(copied, os.DirFS(filepath.Join(dir, "wal"))); err != nil {
		t.Fatal(err)
	}
	s.rollAll(t)
	if err := errors.Join(s.log.Close(), os.RemoveAll(filepath.Join(dir, "wal")), os.Rename(copied, filepath.Join(dir, "wal"))); err != nil {
		t.Fatal(err)
	}

	s = openShop(t, dir)
	s.adds(t, 3, 2, 1) // not counted twice, even before it is removed
	s.rollAll(t)
	if got := see(t, s.lake); got != "a b" {
		t.Fatalf("queries see %q", got)
	}
	s.adds(t, 3, 2, 1)
	if segments := s.log.Segments(); len(segments) != 1 || segments[0].Parcels != 0 {
		t.Fatalf("the log holds %+v", segments)
	}
}

// A log that counts from 1 again, because its folder was lost and the lake's was
// not: its events must not be taken for those that were rolled over.
func TestReusedSegmentNumberLosesNothing(t *testing.T) {
	dir := t.TempDir()
	s := openShop(t, dir)
	s.put(t, parcel(noon, 0, "a"))
	s.rollAll(t)
	log, _, err := wal.Open(filepath.Join(dir, "wal2"), wal.Options{Now: s.now})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	r := NewRoller(s.lake, log, RollerOptions{Now: s.now, Logger: slog.New(slog.DiscardHandler)})
	if err := errors.Join(log.Put(t.Context(), parcel(noon, 0, "z")), log.Rotate()); err != nil {
		t.Fatal(err)
	}
	if err := r.RollAll(t.Context()); err == nil || !strings.Contains(err.Error(), "used twice") {
		t.Fatalf("error is %v", err)
	}
	if segments := log.Segments(); segments[0].Seq != 1 || segments[0].Parcels != 1 {
		t.Fatalf("the log holds %+v", segments)
	}
}

func TestStepClosesOldSegments(t *testing.T) {
	s := openShop(t, t.TempDir())
	s.put(t, parcel(noon, 0, "a"))
	s.clock = noon.Add(5*time.Minute - time.Second)
	s.roller.step(t.Context())
	if got := see(t, s.lake); got != "" {
		t.Fatalf("rolled over too early: %q", got)
	}
	s.clock = noon.Add(5 * time.Minute)
	s.roller.step(t.Context())
	if got := see(t, s.lake); got != "a" {
		t.Fatalf("queries see %q", got)
	}
	s.clock = noon.Add(time.Hour)
	s.roller.step(t.Context()) // nothing to do
	if v := s.lake.version().number; v != 1 {
		t.Fatalf("%d commits", v)
	}
	s.adds(t, 1, 1, 0)
	if s.said.Len() > 0 {
		t.Errorf("logged: %s", &s.said)
	}
}

// A disk that cannot be written to must not end the roller, nor fill the
// server's log.
func TestFailingDiskIsTriedAgain(t *testing.T) {
	s := openShop(t, t.TempDir())
	s.put(t, parcel(noon, 0, "a"))
	if err := s.log.Rotate(); err != nil {
		t.Fatal(err)
	}
	staging := filepath.Join(s.dir, stagingFolder)
	if err := errors.Join(os.Remove(staging), os.WriteFile(staging, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		s.roller.step(t.Context())
	}
	if n := strings.Count(s.said.String(), "level=ERROR"); n != 1 {
		t.Fatalf("%d errors were logged:\n%s", n, &s.said)
	}
	s.clock = s.clock.Add(repeatAfter)
	s.roller.step(t.Context())
	if n := strings.Count(s.said.String(), "level=ERROR"); n != 2 {
		t.Fatalf("after a minute %d errors were logged:\n%s", n, &s.said)
	}
	if err := errors.Join(os.Remove(staging), os.Mkdir(staging, 0o750)); err != nil {
		t.Fatal(err)
	}
	s.roller.step(t.Context())
	if got := see(t, s.lake); got != "a" {
		t.Fatalf("queries see %q", got)
	}
	if !strings.Contains(s.said.String(), "rolled over again") {
		t.Errorf("logged: %s", &s.said)
	}
	s.adds(t, 1, 1, 0)
}

// The process is killed at every step of a roll-over; the log and the lake must
// hold each row once between them.
func TestKillWhileRollingOver(t *testing.T) {
	for n := 0; ; n++ {
		dir := t.TempDir()
		s := openShop(t, dir)
		s.put(t, parcel(noon, 1, "a", "b"), parcel(noon.Add(time.Hour), 0, "c"))
		if err := errors.Join(s.log.Rotate(), s.log.Close()); err != nil {
			t.Fatal(err)
		}
		if !runChild(t, "roll", dir, n) {
			if n < 8 {
				t.Fatalf("only %d processes were killed", n)
			}
			return
		}
		s = openShop(t, dir)
		s.adds(t, 4, 3, 1)
		s.rollAll(t)
		s.adds(t, 4, 3, 1)
		if got := see(t, s.lake); got != "a b c" {
			t.Fatalf("killed before step %d: queries see %q", n, got)
		}
	}
}

func rollChild(t *testing.T, dir string, l *Lake) error {
	log, _, err := wal.Open(filepath.Join(dir, "wal"), wal.Options{})
	if err != nil {
		return err
	}
	now := func() time.Time { return noon }
	return NewRoller(l, log, RollerOptions{Now: now, Logger: slog.New(slog.DiscardHandler)}).RollAll(t.Context())
}

func TestRunEndsWithItsContext(t *testing.T) {
	s := openShop(t, t.TempDir())
	s.put(t, parcel(noon, 0, "a"))
	if err := s.log.Rotate(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	committed := make(chan struct{})
	s.lake.hook = func(step string) error {
		if step == "unstage" {
			close(committed)
		}
		return nil
	}
	go func() {
		defer close(ended)
		s.roller.Run(ctx)
	}()
	<-committed
	cancel()
	<-ended
	if got := see(t, s.lake); got != "a" {
		t.Fatalf("queries see %q", got)
	}
}

func TestRollOverStopsWithItsContext(t *testing.T) {
	s := openShop(t, t.TempDir())
	s.put(t, parcel(noon, 0, "a"))
	if err := s.log.Rotate(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.roller.RollAll(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("error is %v", err)
	}
	s.rollAll(t)
	s.adds(t, 1, 1, 0)
}

// What the log counted and what it gives back must agree before anything is
// committed and the segment removed.
func TestSegmentThatReadsShortIsNotRolled(t *testing.T) {
	s := openShop(t, t.TempDir())
	s.put(t, parcel(noon, 1, "a", "b"))
	if err := s.log.Rotate(); err != nil {
		t.Fatal(err)
	}
	for _, change := range []func(*wal.Segment){
		func(w *wal.Segment) { w.Parcels++ }, func(w *wal.Segment) { w.Rows++ }, func(w *wal.Segment) { w.Rejected-- },
	} {
		segment := s.log.Segments()[0]
		change(&segment)
		if err := s.roller.roll(t.Context(), segment); err == nil {
			t.Errorf("rolled over %+v", segment)
		}
	}
	if got := see(t, s.lake); got != "" {
		t.Fatalf("queries see %q", got)
	}
	s.rollAll(t)
	s.adds(t, 3, 2, 1)
}

// Whoever learns from the log after a crash is asked before a segment leaves it, and
// while they cannot keep what they learnt it stays; so it does after a crash that came
// between the commit and the removal.
func TestBeforeASegmentLeavesTheLog(t *testing.T) {
	s := openShop(t, t.TempDir())
	s.put(t, parcel(noon, 0, "a"))
	if err := s.log.Rotate(); err != nil {
		t.Fatal(err)
	}
	kept, asked := errors.New("it cannot be kept"), 0
	s.roller = NewRoller(s.lake, s.log, RollerOptions{Now: s.now, Logger: slog.New(slog.DiscardHandler), Before: func(context.Context) error {
		if asked++; len(s.log.Segments()) == 0 {
			t.Error("asked when the segment was gone")
		}
		return kept
	}})
	if err := s.roller.RollAll(t.Context()); !errors.Is(err, kept) || asked != 1 || s.log.Segments()[0].Rows != 1 {
		t.Errorf("%v, asked %d times; the log holds %+v", err, asked, s.log.Segments())
	}
	kept = nil
	s.rollAll(t)
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
	for _, segment := range s.log.Segments() {
		if segment.Rows > 0 {
			t.Errorf("still in the log: %+v", segment)
		}
	}
}
