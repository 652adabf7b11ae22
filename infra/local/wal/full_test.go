package wal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"loch/infra/local/disk/disktest"
	"loch/shared/event"
	"loch/shared/fault"
)

// TestFullDisk fills a real disk under a log that is being written, and makes
// room again.
func TestFullDisk(t *testing.T) {
	disktest.OnSmallDisk(t, 6<<20, func(t *testing.T, dir string) {
		o := Options{SegmentBytes: 200_000}
		l, _ := mustOpen(t, dir, o)
		var mu sync.Mutex
		var want []string
		next := 0
		// burst puts n parcels from four writers and counts what was refused.
		burst := func(n int) (refused int) {
			t.Helper()
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					for range n / 4 {
						mu.Lock()
						next++
						id := fmt.Sprint(next)
						mu.Unlock()
						err := l.Put(context.Background(), sampleParcel(id, 1+len(id)))
						mu.Lock()
						switch {
						case err == nil:
							want = append(want, id)
						case fault.CodeOf(err) == fault.Unavailable && errors.Is(err, syscall.ENOSPC) && strings.Contains(err.Error(), "full"):
							refused++
						default:
							t.Errorf("Put = %v (cause %v), want a fault of code %s that says the disk is full", err, cause(err), fault.Unavailable)
						}
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			return refused
		}
		check := func(when string, l *Log) {
			t.Helper()
			got := ids(readAll(t, l))
			slices.Sort(got)
			sorted := slices.Sorted(slices.Values(want))
			if !slices.Equal(got, sorted) {
				t.Errorf("%s: %d parcels can be read, %d were acknowledged", when, len(got), len(want))
			}
		}

		if refused := burst(40); refused != 0 {
			t.Fatalf("%d of 40 parcels were refused on an empty disk", refused)
		}
		ballast := disktest.Fill(t, dir)
		ballast.Shrink(64 << 10) // a few more fit, so that it runs full in the middle
		if refused := burst(200); refused == 0 || refused == 200 {
			t.Fatalf("%d of 200 parcels were refused while the disk ran full, want some", refused)
		}
		check("full", l)
		if err := l.Rotate(); fault.CodeOf(err) != fault.Unavailable {
			t.Errorf("Rotate on a full disk = %v, want a fault of code %s", err, fault.Unavailable)
		}

		// A start on a full disk works as far as it can.
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l, found := mustOpen(t, dir, o)
		if found.Parcels != len(want) || found.CutBytes != 0 {
			t.Errorf("reopened while full: %+v, want %d parcels and no cut", found, len(want))
		}
		if err := l.Put(context.Background(), &event.Parcel{}); fault.CodeOf(err) != fault.Unavailable {
			t.Errorf("Put after a start on a full disk = %v, want a fault of code %s", err, fault.Unavailable)
		}
		check("reopened while full", l)

		ballast.Remove()
		if refused := burst(200); refused != 0 {
			t.Errorf("%d of 200 parcels were refused after there was room again", refused)
		}
		check("after", l)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l, found = mustOpen(t, dir, o)
		if found.Parcels != len(want) || found.CutBytes != 0 {
			t.Errorf("reopened: %+v, want %d parcels and no cut", found, len(want))
		}
		check("reopened", l)
	})
}

// TestRemoveMakesRoom: the roll-over frees the disk that has run full, and Put
// works again without a restart.
func TestRemoveMakesRoom(t *testing.T) {
	disktest.OnSmallDisk(t, 2<<20, func(t *testing.T, dir string) {
		l, _ := mustOpen(t, dir, Options{SegmentBytes: 300_000})
		var err error
		for n := 0; err == nil; n++ {
			if n > 1000 {
				t.Fatal("the disk never ran full")
			}
			err = l.Put(context.Background(), sampleParcel("x", 10))
		}
		if fault.CodeOf(err) != fault.Unavailable {
			t.Fatalf("Put = %v, want a fault of code %s", err, fault.Unavailable)
		}
		if err := l.Remove(l.Segments()[0].Seq); err != nil {
			t.Fatal(err)
		}
		mustPut(t, l, sampleParcel("y", 10))
		if err := l.Rotate(); err != nil {
			t.Fatal(err)
		}
	})
}
