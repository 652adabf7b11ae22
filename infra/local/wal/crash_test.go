package wal

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"loch/shared/event"
)

const (
	crashDir   = "LOCH_WAL_CRASH_DIR"
	crashRound = "LOCH_WAL_CRASH_ROUND"
)

// TestMain lets the test binary play the server that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		serveUntilKilled(dir, os.Getenv(crashRound))
		return
	}
	os.Exit(m.Run())
}

// serveUntilKilled puts parcels from several writers and prints the id of each
// that was acknowledged, in one write a line.
func serveUntilKilled(dir, round string) {
	l, _, err := Open(dir, Options{SegmentBytes: 100_000})
	if err != nil {
		fmt.Println("cannot open:", err)
		os.Exit(1)
	}
	var wg sync.WaitGroup
	for w := range 6 {
		wg.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%s-%d-%d", round, w, i)
				if err := l.Put(context.Background(), crashParcel(id)); err != nil {
					fmt.Println("cannot put:", err)
					os.Exit(1)
				}
				fmt.Println("acknowledged", id)
			}
		})
	}
	wg.Wait()
}

// crashParcel is made from its id alone, so that the parent knows what must be
// in it.
func crashParcel(id string) *event.Parcel {
	rows := 0
	for _, b := range []byte(id) {
		rows = (rows*31 + int(b)) % 23
	}
	return sampleParcel(id, rows)
}

// TestKilledAtAnyMoment kills a process that writes, over and over on the same
// folder, and finds after each time every parcel that had been acknowledged.
func TestKilledAtAnyMoment(t *testing.T) {
	const rounds = 25
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(20, 26))
	acknowledged := map[string]bool{}
	for round := range rounds {
		child := exec.CommandContext(t.Context(), self)
		child.Env = append(os.Environ(), crashDir+"="+dir, fmt.Sprintf("%s=%d", crashRound, round))
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		// The moment is when a random number of lines has come; the writers
		// are then anywhere. What was printed before the kill is still read.
		killAfter := rng.IntN(120)
		if killAfter == 0 {
			_ = child.Process.Kill() // while it opens the log
		}
		lines := bufio.NewScanner(out)
		for n := 1; lines.Scan(); n++ {
			id, ok := strings.CutPrefix(lines.Text(), "acknowledged ")
			if !ok {
				t.Fatalf("round %d: the child says %q", round, lines.Text())
			}
			acknowledged[id] = true
			if n == killAfter {
				_ = child.Process.Kill() // it may have ended by itself, which Wait tells
			}
		}
		if err := child.Wait(); err == nil || child.ProcessState.ExitCode() != -1 {
			t.Fatalf("round %d: the child ended by itself: %v", round, err)
		}

		l, found, err := Open(dir, Options{})
		if err != nil {
			t.Fatalf("round %d: Open: %v (cause %v)", round, err, cause(err))
		}
		here := map[string]bool{}
		for _, p := range readAll(t, l) {
			id := p.Receipt.RequestID
			if here[id] {
				t.Errorf("round %d: %s is there twice", round, id)
			}
			here[id] = true
			want := appendParcel(nil, event.Columns, crashParcel(id))
			if !bytes.Equal(appendParcel(nil, event.Columns, p), want) {
				t.Errorf("round %d: %s is there in part", round, id)
			}
		}
		if len(here) != found.Parcels {
			t.Errorf("round %d: Open reports %d parcels, but %d are there", round, found.Parcels, len(here))
		}
		for id := range acknowledged {
			if !here[id] {
				t.Errorf("round %d: %s was acknowledged and is gone", round, id)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(acknowledged) < rounds {
		t.Errorf("only %d parcels in %d rounds: the test did not test much", len(acknowledged), rounds)
	}
}
