// Package audittest is the contract of an audit.Store as tests: whoever writes a
// store runs them against it.
package audittest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"loch/shared/audit"
)

// Run holds a store to its contract. reopen closes a store and opens the same
// data again; it may be nil where a store has no life of its own to lose.
func Run(t *testing.T, open func(t *testing.T) audit.Store, reopen func(t *testing.T, s audit.Store) audit.Store) {
	t.Helper()
	t.Run("in order", func(t *testing.T) { testOrder(t, open(t), reopen) })
	t.Run("concurrent", func(t *testing.T) { testConcurrent(t, open(t)) })
	t.Run("what fails leaves nothing", func(t *testing.T) { testFailure(t, open(t)) })
}

func log(s audit.Store) *audit.Log {
	return audit.New(s, [32]byte{1, 2, 3}, func() time.Time { return time.UnixMilli(1_795_465_174_123) })
}

// whole is an entry with every field set.
func whole(n int) audit.Entry {
	return audit.Entry{
		Project: "p", Kind: audit.EraseBegun, Key: "erase", Person: "person " + strconv.Itoa(n), Fields: []string{"$email", "é"}, Why: "ticket \"1\"",
		RequestID: "r", IDs: []string{"a", "b"}, Suppress: true, RemoveRows: true, Begun: 7,
	}
}

func testOrder(t *testing.T, s audit.Store, reopen func(t *testing.T, s audit.Store) audit.Store) {
	ctx := t.Context()
	for i := range 300 { // more than a byte counts
		if e, err := log(s).Append(ctx, whole(i)); err != nil || e.Seq != uint64(i+1) {
			t.Fatalf("entry %d: seq %d, %v", i+1, e.Seq, err)
		}
	}
	if reopen != nil {
		s = reopen(t, s)
	}
	n := 250
	if err := log(s).Walk(ctx, 251, func(e audit.Entry) error {
		want := whole(n)
		n++
		if e.Seq != uint64(n) || e.Person != want.Person || len(e.Fields) != 2 || e.Why != want.Why || !e.Suppress || !e.RemoveRows || e.Begun != 7 || len(e.IDs) != 2 {
			t.Fatalf("entry %d came back as %+v", n, e)
		}
		return nil
	}); err != nil || n != 300 {
		t.Errorf("walked to %d: %v", n, err)
	}
	if r, err := log(s).Verify(ctx, nil); err != nil || r.Problem != "" || r.Entries != 300 || len(r.Head) != 64 {
		t.Errorf("verify: %+v %v", r, err)
	}
	stop := errors.New("stop")
	if err := log(s).Walk(ctx, 1, func(audit.Entry) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the error of fn is lost: %v", err)
	}
}

func testConcurrent(t *testing.T, s audit.Store) {
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 25 {
				if _, err := log(s).Append(context.Background(), whole(0)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if r, err := log(s).Verify(t.Context(), nil); err != nil || r.Problem != "" || r.Entries != 200 {
		t.Errorf("verify: %+v %v", r, err)
	}
}

func testFailure(t *testing.T, s audit.Store) {
	wrong := errors.New("wrong")
	if _, err := s.Append(t.Context(), func(audit.Entry) (audit.Entry, error) { return audit.Entry{}, wrong }); !errors.Is(err, wrong) {
		t.Errorf("got %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := log(s).Append(ended, whole(0)); err == nil {
		t.Error("kept for somebody who is gone")
	}
	if r, err := log(s).Verify(t.Context(), nil); err != nil || r.Entries != 0 {
		t.Errorf("verify: %+v %v", r, err)
	}
}
