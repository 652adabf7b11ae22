package wal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"loch/infra/local/disk"
	"loch/infra/local/disk/disktest"
	"loch/shared/event"
	"loch/shared/fault"
)

func TestPutReadReopen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "by", "Open")
	l, found := mustOpen(t, dir, Options{})
	if found != (Recovery{}) {
		t.Errorf("new log: found %+v, want nothing", found)
	}
	want := []*event.Parcel{sampleParcel("1", 1), sampleParcel("2", 50), sampleParcel("3", 0)}
	for _, p := range want {
		mustPut(t, l, p)
	}
	check := func(l *Log) {
		t.Helper()
		got := readAll(t, l)
		if len(got) != len(want) {
			t.Fatalf("%d parcels, want %d", len(got), len(want))
		}
		for i := range got {
			if words(got[i]) != words(want[i]) {
				t.Errorf("parcel %d\ngot  %s\nwant %s", i, words(got[i]), words(want[i]))
			}
		}
	}
	check(l)
	before := l.Segments()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}

	l, found = mustOpen(t, dir, Options{})
	if (found != Recovery{Segments: 1, Parcels: 3}) {
		t.Errorf("reopened: found %+v, want 1 segment, 3 parcels", found)
	}
	check(l)
	after := l.Segments()
	if len(after) != 2 || !after[0].Closed || after[1].Closed || after[1].Parcels != 0 {
		t.Fatalf("reopened: segments %+v, want a closed one and an empty open one", after)
	}
	b, a := before[0], after[0]
	if b.Seq != 1 || a.Seq != 1 || a.Bytes != b.Bytes || a.Parcels != 3 || a.Rows != 51 || a.Rejected != 7 ||
		b.Parcels != 3 || b.Rows != 51 || b.Rejected != 7 {
		t.Errorf("counters before %+v, after %+v; want 3 parcels, 51 rows, 7 rejected both times", b, a)
	}
}

func TestFilesBelongToTheOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "wal")
	mustOpen(t, dir, Options{})
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, fileName(1)): 0o600} {
		s, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if s.Mode().Perm() != want {
			t.Errorf("%s has mode %o, want %o", path, s.Mode().Perm(), want)
		}
	}
}

func TestSegmentsCloseBySizeAndByRotate(t *testing.T) {
	now := time.UnixMilli(1_795_000_000_000)
	l, _ := mustOpen(t, t.TempDir(), Options{SegmentBytes: 4000, Now: func() time.Time { return now }})
	opened := func() (list []bool) {
		for _, s := range l.Segments() {
			list = append(list, s.Closed)
		}
		return list
	}
	if err := l.Rotate(); err != nil || !slices.Equal(opened(), []bool{false}) {
		t.Errorf("Rotate of an empty log = %v, closed %v; want nothing to happen", err, opened())
	}
	now = now.Add(time.Hour)
	mustPut(t, l, sampleParcel("1", 1))
	if got := l.Segments()[0].OpenedAt; !got.Equal(now) {
		t.Errorf("OpenedAt = %v, want %v: the time of the first parcel", got, now)
	}
	now = now.Add(time.Hour)
	if err := l.Rotate(); err != nil || !slices.Equal(opened(), []bool{true, false}) {
		t.Errorf("Rotate = %v, closed %v; want one closed and one open", err, opened())
	}
	for i := range 4 {
		mustPut(t, l, sampleParcel(fmt.Sprint(i), 1)) // 1.3 KB each, and 0.8 KB of header
	}
	if !slices.Equal(opened(), []bool{true, true, false}) {
		t.Errorf("closed %v after four more parcels; want two closed and one open", opened())
	}
	if got := len(readAll(t, l)); got != 5 {
		t.Errorf("%d parcels, want 5", got)
	}
}

func TestRemove(t *testing.T) {
	dir := t.TempDir()
	l, _ := mustOpen(t, dir, Options{})
	mustPut(t, l, sampleParcel("1", 1))
	if err := l.Remove(1); err == nil {
		t.Error("Remove of the open segment = nil, want an error")
	}
	if err := l.Rotate(); err != nil {
		t.Fatal(err)
	}
	mustPut(t, l, sampleParcel("2", 1))

	// A read that has begun goes on to its end.
	var read int
	_, err := l.Read(1, 0, func(*event.Parcel) error {
		read++
		return l.Remove(1)
	})
	if err != nil || read != 1 {
		t.Errorf("Read while Remove = %v after %d parcels, want nil after 1", err, read)
	}
	if _, err := l.Read(1, 0, func(*event.Parcel) error { return nil }); !errors.Is(err, ErrGone) {
		t.Errorf("Read of a removed segment = %v, want ErrGone", err)
	}
	if fault.CodeOf(ErrGone) != fault.NotFound {
		t.Errorf("ErrGone has code %s, want %s", fault.CodeOf(ErrGone), fault.NotFound)
	}
	if err := l.Remove(1); err != nil {
		t.Errorf("Remove for the second time = %v, want nil", err)
	}
	if _, err := os.Stat(filepath.Join(dir, fileName(1))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file of a removed segment: %v, want that it does not exist", err)
	}
	if got := ids(readAll(t, l)); !slices.Equal(got, []string{"2"}) {
		t.Errorf("left: %v, want [2]", got)
	}
}

// TestNumbersNeverComeBack: a segment with the number of one that is in the
// lake already would be taken for it, and removed.
func TestNumbersNeverComeBack(t *testing.T) {
	dir := t.TempDir()
	for want := uint64(1); want <= 3; want++ {
		l, _ := mustOpen(t, dir, Options{})
		mustPut(t, l, sampleParcel("x", 1))
		if err := l.Rotate(); err != nil {
			t.Fatal(err)
		}
		if err := l.Remove(want); err != nil {
			t.Fatal(err)
		}
		list := l.Segments()
		if len(list) != 1 || list[0].Seq != want+1 {
			t.Fatalf("segments %+v, want number %d only", list, want+1)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// Somebody empties the folder. The lake knows how far it was.
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	l, _ := mustOpen(t, dir, Options{After: 3})
	if got := l.Segments()[0].Seq; got != 4 {
		t.Errorf("with After: 3 the first segment is %d, want 4", got)
	}
}

func TestReadGoesOnWhereItEnded(t *testing.T) {
	l, _ := mustOpen(t, t.TempDir(), Options{})
	var got []string
	collect := func(p *event.Parcel) error {
		got = append(got, p.Receipt.RequestID)
		return nil
	}
	next := int64(0)
	for i := range 5 {
		mustPut(t, l, sampleParcel(fmt.Sprint(i), i))
		var err error
		if next, err = l.Read(1, next, collect); err != nil {
			t.Fatal(err)
		}
		if next != l.Segments()[0].Bytes {
			t.Errorf("next = %d, want %d", next, l.Segments()[0].Bytes)
		}
	}
	if want := []string{"0", "1", "2", "3", "4"}; !slices.Equal(got, want) {
		t.Errorf("read %v, want %v", got, want)
	}

	// An error of the caller's stops before the parcel, which is read again.
	stop := errors.New("stop")
	seen := 0
	next, err := l.Read(1, 0, func(*event.Parcel) error {
		if seen++; seen == 3 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || seen != 3 {
		t.Fatalf("Read = %v after %d parcels, want the caller's error after 3", err, seen)
	}
	got = nil
	if _, err := l.Read(1, next, collect); err != nil || !slices.Equal(got, []string{"2", "3", "4"}) {
		t.Errorf("read on: %v, %v; want [2 3 4]", got, err)
	}
	for _, from := range []int64{-1, 5, 1 << 40} {
		if _, err := l.Read(1, from, collect); err == nil {
			t.Errorf("Read from %d = nil, want an error", from)
		}
	}
	if _, err := l.Read(1, next+1, collect); !errors.Is(err, ErrCorrupt) {
		t.Errorf("Read from the middle of a parcel = %v, want ErrCorrupt", err)
	}
}

// TestReadWhilePutGoesOn tails the log with several readers while several
// writers write and segments close. Each reader must see every parcel once.
func TestReadWhilePutGoesOn(t *testing.T) {
	const writers, each, readers = 8, 60, 2
	l, _ := mustOpen(t, t.TempDir(), Options{SegmentBytes: 40_000, NoSync: true})
	written := make(chan struct{})
	var wg, readersDone sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				mustPut(t, l, sampleParcel(fmt.Sprintf("%d-%d", w, i), i%4))
			}
		})
	}
	for range readers {
		readersDone.Go(func() {
			seen := map[string]int{}
			at := map[uint64]int64{}
			for last := false; ; {
				for _, s := range l.Segments() {
					next, err := l.Read(s.Seq, at[s.Seq], func(p *event.Parcel) error {
						seen[p.Receipt.RequestID]++
						return nil
					})
					if err != nil {
						t.Errorf("Read(%d): %v", s.Seq, err)
						return
					}
					at[s.Seq] = next
				}
				if last {
					break
				}
				select {
				case <-written:
					last = true // everything is there now: once more round
				default:
				}
			}
			if len(seen) != writers*each {
				t.Errorf("a reader saw %d parcels, want %d", len(seen), writers*each)
			}
			for id, n := range seen {
				if n != 1 {
					t.Errorf("a reader saw %s %d times", id, n)
				}
			}
		})
	}
	wg.Wait()
	close(written)
	readersDone.Wait()
}

func TestOnlyDurableParcelsAreRead(t *testing.T) {
	d := newMemDisk(1)
	l, _, err := open(d, Options{})
	if err != nil {
		t.Fatal(err)
	}
	d.syncGate = make(chan struct{})
	done := make(chan error)
	go func() { done <- l.Put(context.Background(), sampleParcel("1", 1)) }()
	waitUntil(t, func() bool { // the bytes are written, the sync waits
		d.mu.Lock()
		defer d.mu.Unlock()
		return int64(len(d.seen[fileName(1)].seen)) > l.Segments()[0].Bytes
	})
	if got := readAll(t, l); len(got) != 0 {
		t.Errorf("%d parcels can be read before the sync, want none", len(got))
	}
	d.syncGate <- struct{}{}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, l); len(got) != 1 {
		t.Errorf("%d parcels can be read after the sync, want 1", len(got))
	}
}

func TestClosedLog(t *testing.T) {
	l, _ := mustOpen(t, t.TempDir(), Options{})
	mustPut(t, l, sampleParcel("1", 1))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, readErr := l.Read(1, 0, func(*event.Parcel) error { return nil })
	for what, err := range map[string]error{
		"Put": l.Put(context.Background(), sampleParcel("2", 1)), "Rotate": l.Rotate(), "Remove": l.Remove(1), "Read": readErr,
	} {
		if fault.CodeOf(err) != fault.Unavailable {
			t.Errorf("%s = %v, want a fault of code %s", what, err, fault.Unavailable)
		}
	}
	if err := l.Close(); err != nil {
		t.Errorf("Close for the second time = %v, want nil", err)
	}
	if got := l.Segments(); len(got) != 1 || got[0].Parcels != 1 {
		t.Errorf("Segments = %+v, want the one of before", got)
	}
}

func TestReadOnlyFolder(t *testing.T) {
	disktest.OnSmallDisk(t, 4<<20, func(t *testing.T, dir string) {
		dir = filepath.Join(dir, "wal")
		l, _ := mustOpen(t, dir, Options{})
		mustPut(t, l, sampleParcel("1", 1))
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		disktest.ReadOnly(t, filepath.Dir(dir))
		for _, folder := range []string{dir, filepath.Join(filepath.Dir(dir), "new")} {
			_, _, err := Open(folder, Options{})
			if fault.CodeOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "read-only") {
				t.Errorf("Open(%s) = %v, want a fault of code %s that mentions read-only", folder, err, fault.Unavailable)
			}
		}
	})
}

func TestFolderThatIsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wal")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err := Open(path, Options{})
	if fault.CodeOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("Open = %v, want a fault of code %s that says why", err, fault.Unavailable)
	}
}

func TestGuardIsAsked(t *testing.T) {
	dir := t.TempDir()
	l, _ := mustOpen(t, dir, Options{Guard: disk.New(dir, 1<<62, time.Now)})
	if err := l.Put(context.Background(), sampleParcel("1", 1)); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("Put = %v, want a fault of code %s", err, fault.Unavailable)
	}
	if got := readAll(t, l); len(got) != 0 {
		t.Errorf("%d parcels were kept, want none", len(got))
	}
}
