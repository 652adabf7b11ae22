package wal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"loch/shared/event"
	"loch/shared/fault"
)

// waitUntil waits for a condition that another goroutine is about to make true.
func waitUntil(t *testing.T, is func() bool) {
	t.Helper()
	limit := time.After(10 * time.Second)
	for !is() {
		select {
		case <-limit:
			t.Fatal("waited 10 s in vain")
		case <-time.After(50 * time.Microsecond):
		}
	}
}

func (l *Log) waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue)
}

// held returns a log on a disk whose syncs wait for a token, with one Put that
// waits for its sync. The function lets n syncs through.
func held(t *testing.T) (*Log, *memDisk, func(n int), chan error) {
	t.Helper()
	d := newMemDisk(1)
	l, _, err := open(d, Options{})
	if err != nil {
		t.Fatal(err)
	}
	d.syncGate = make(chan struct{})
	first := make(chan error, 1)
	go func() { first <- l.Put(context.Background(), sampleParcel("first", 1)) }()
	waitUntil(t, func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return int64(len(d.seen[fileName(1)].seen)) > l.Segments()[0].Bytes
	})
	return l, d, func(n int) {
		for range n {
			d.syncGate <- struct{}{}
		}
	}, first
}

func TestWritersThatWaitShareOneSync(t *testing.T) {
	l, d, release, first := held(t)
	var wg sync.WaitGroup
	for i := range 63 {
		wg.Go(func() { mustPut(t, l, sampleParcel(fmt.Sprint(i), 1)) })
	}
	waitUntil(t, func() bool { return l.waiting() == 63 })
	release(2) // one for the first, one for all the others; a third would never be taken
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if got := len(readAll(t, l)); got != 64 {
		t.Errorf("%d parcels, want 64", got)
	}
	d.cutPower()
	l, _, err := open(d.clone(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := len(readAll(t, l)); got != 64 {
		t.Errorf("%d parcels after a power cut, want 64", got)
	}
}

func TestAGroupHasABound(t *testing.T) {
	l, _, release, first := held(t)
	big := sampleParcel("big", 1)
	big.Rows[0].Properties = string(make([]byte, groupBytes/2+1))
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { mustPut(t, l, big) })
	}
	waitUntil(t, func() bool { return l.waiting() == 3 })
	release(4) // the first, and each big one alone, since no two fit together
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	wg.Wait()
}

func TestAFailingGroupFailsForAll(t *testing.T) {
	for _, op := range []string{"write", "sync"} {
		t.Run(op, func(t *testing.T) {
			l, d, _, first := held(t)
			errs := make(chan error)
			for i := range 5 {
				go func() { errs <- l.Put(context.Background(), sampleParcel(fmt.Sprint(i), 1)) }()
			}
			waitUntil(t, func() bool { return l.waiting() == 5 })
			d.mu.Lock()
			calls := 0
			d.fault = func(o string) error {
				if o != op {
					return nil
				}
				// The first parcel is written already, and yet to be synced.
				calls++
				if fails := map[string]int{"write": 1, "sync": 2}[op]; calls == fails {
					return syscall.ENOSPC
				}
				return nil
			}
			d.mu.Unlock()
			close(d.syncGate) // from now on no sync waits
			if err := <-first; err != nil {
				t.Fatal(err)
			}
			for range 5 {
				if err := <-errs; fault.CodeOf(err) != fault.Unavailable || !errors.Is(err, syscall.ENOSPC) {
					t.Errorf("Put = %v, want a fault of code %s because of ENOSPC", err, fault.Unavailable)
				}
			}
			mustPut(t, l, sampleParcel("next", 1))
			if got, want := ids(readAll(t, l)), []string{"first", "next"}; !slices.Equal(got, want) {
				t.Errorf("read %v, want %v", got, want)
			}
		})
	}
}

// TestAFileWhoseSyncFailedIsLeftAlone: the system may have dropped what it
// could not write, so the log goes on in another file.
func TestAFileWhoseSyncFailedIsLeftAlone(t *testing.T) {
	d := newMemDisk(1)
	l, _, err := open(d, Options{})
	if err != nil {
		t.Fatal(err)
	}
	put := func(id string) error { return l.Put(context.Background(), sampleParcel(id, 1)) }
	if err := put("a"); err != nil {
		t.Fatal(err)
	}
	failing := true
	d.fault = func(op string) error {
		if op == "sync" && failing {
			failing = false
			return syscall.EIO
		}
		return nil
	}
	if err := put("b"); fault.CodeOf(err) != fault.Unavailable {
		t.Fatalf("Put = %v, want a fault of code %s", err, fault.Unavailable)
	}
	if err := put("c"); err != nil {
		t.Fatal(err)
	}
	list := l.Segments()
	if len(list) != 2 || !list[0].Closed || list[0].Parcels != 1 || list[1].Parcels != 1 {
		t.Errorf("segments %+v, want the first closed with one parcel and the second with one", list)
	}
	if got := ids(readAll(t, l)); !slices.Equal(got, []string{"a", "c"}) {
		t.Errorf("read %v, want [a c]", got)
	}
}

func TestContext(t *testing.T) {
	l, _, release, first := held(t)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	err := l.Put(gone, sampleParcel("too late", 1))
	if fault.CodeOf(err) != fault.Unavailable || !errors.Is(err, context.Canceled) {
		t.Errorf("Put with a cancelled context = %v, want a fault of code %s", err, fault.Unavailable)
	}

	// Once it waits for its turn, a parcel is kept, and Put says so.
	ctx, cancel := context.WithCancel(context.Background())
	second := make(chan error, 1)
	go func() { second <- l.Put(ctx, sampleParcel("second", 1)) }()
	waitUntil(t, func() bool { return l.waiting() == 1 })
	cancel()
	release(2)
	for _, c := range []chan error{first, second} {
		if err := <-c; err != nil {
			t.Errorf("Put = %v, want nil", err)
		}
	}
	if got := ids(readAll(t, l)); !slices.Equal(got, []string{"first", "second"}) {
		t.Errorf("read %v, want [first second]", got)
	}
}

func TestRotateAndCloseWaitForTheirTurn(t *testing.T) {
	l, _, release, first := held(t)
	var wg sync.WaitGroup
	wg.Go(func() { mustPut(t, l, sampleParcel("second", 1)) })
	waitUntil(t, func() bool { return l.waiting() == 1 })
	wg.Go(func() {
		if err := l.Rotate(); err != nil {
			t.Errorf("Rotate = %v", err)
		}
	})
	waitUntil(t, func() bool { return l.waiting() == 2 })
	wg.Go(func() {
		if err := l.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
	})
	waitUntil(t, func() bool { return l.waiting() == 3 })
	if err := l.Put(context.Background(), sampleParcel("late", 1)); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("Put after Close has begun = %v, want a fault of code %s", err, fault.Unavailable)
	}
	release(3) // two groups and the new segment
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	list := l.Segments()
	if len(list) != 2 || list[0].Parcels != 2 || list[1].Parcels != 0 {
		t.Errorf("segments %+v, want both parcels in the first of two", list)
	}
}

func TestOversizeParcel(t *testing.T) {
	l, _ := mustOpen(t, t.TempDir(), Options{NoSync: true})
	p := &event.Parcel{Rows: []event.Row{{Properties: string(make([]byte, maxBody))}}}
	if err := l.Put(context.Background(), p); fault.CodeOf(err) != fault.TooLarge {
		t.Errorf("Put = %v, want a fault of code %s", err, fault.TooLarge)
	}
	mustPut(t, l, sampleParcel("next", 1))
}
