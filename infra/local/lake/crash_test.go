package lake

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// The change that the tests of this file interrupt: two files replaced by two,
// with a duplicate left out. It must look like one of these, whatever happens.
const (
	stateBefore = "a b b"
	stateAfter  = "a b"
)

// base makes the lake that is changed.
func base(t testing.TB, dir string) {
	l := mustOpen(t, dir)
	add(t, l, "one", "a", "b")
	add(t, l, "two", "b")
}

// change does the change and returns the first error. A second call is how a
// job tries again.
func change(t testing.TB, l *Lake) error {
	c, err := l.Begin("compact-1")
	if errors.Is(err, ErrCommitted) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = c.Abandon() }()
	c.Remove("events/one.parquet")
	c.Remove("events/two.parquet")
	for file, id := range map[string]string{"d=1/x.parquet": "a", "d=2/x.parquet": "b"} {
		put(t, c, Events, file, id)
	}
	return c.Finish(Entry{Kind: KindCompact, TimeMS: 1, RowsIn: 3, RowsOut: 2, Duplicates: 1})
}

// holds checks what must be true after any crash: one of the two states, a
// sound ledger, and a second try that comes to the same end.
func holds(t *testing.T, dir, when string) {
	t.Helper()
	l := mustOpen(t, dir)
	if got := see(t, l); got != stateBefore && got != stateAfter {
		t.Fatalf("%s: queries see %q", when, got)
	}
	isSound(t, l)
	if err := change(t, l); err != nil {
		t.Fatalf("%s: the second try: %v (%v)", when, err, cause(err))
	}
	if got := see(t, l); got != stateAfter {
		t.Fatalf("%s: after the second try queries see %q", when, got)
	}
	if a := isSound(t, l); a.Received != 3 || a.Stored != 2 || a.Duplicates != 1 {
		t.Fatalf("%s: the account is %+v", when, a)
	}
	if names, err := filepath.Glob(filepath.Join(dir, stagingFolder, "*")); err != nil || len(names) > 0 {
		t.Fatalf("%s: left in staging: %v, %v", when, names, err)
	}
}

var errDead = errors.New("the process is dead")

// dyingAt returns a hook that panics at step number n, counted from 0, and lets
// nothing happen afterwards.
func dyingAt(n int, died *string) func(string) error {
	i := -1
	return func(step string) error {
		if i++; *died != "" {
			return errDead
		}
		if i == n {
			*died = step
			panic(errDead)
		}
		return nil
	}
}

// dies runs fn and tells whether it died.
func dies(fn func()) (died bool) {
	defer func() {
		if p := recover(); p != nil {
			if p != any(errDead) {
				panic(p)
			}
			died = true
		}
	}()
	fn()
	return false
}

func TestCrashAtEveryStep(t *testing.T) {
	seen := map[string]bool{}
	for n := 0; ; n++ {
		dir := t.TempDir()
		base(t, dir)
		var step string
		l, err := open(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		l.hook = dyingAt(n, &step)
		if !dies(func() { err = change(t, l) }) {
			if err != nil {
				t.Fatal(err)
			}
			break // it came to its end before step n
		}
		seen[step] = true

		// Die again at every step of the recovery.
		for m := 0; ; m++ {
			var again string
			var recovered *Lake
			if !dies(func() { recovered, err = open(dir, dyingAt(m, &again)) }) {
				if err != nil {
					t.Fatal(err)
				}
				recovered.hook = nil
				break
			}
		}
		holds(t, dir, fmt.Sprintf("died before step %d, %s", n, step))
	}
	for _, step := range []string{
		"file sync", "staging sync", "ledger write", "ledger file sync", "ledger rename", "ledger sync",
		"place", "place sync", "delete", "delete sync", "unstage",
	} {
		if !seen[step] {
			t.Errorf("no run died at %q", step)
		}
	}
}

// The disk refuses one step; the process lives on and tries again.
func TestFailureAtEveryStep(t *testing.T) {
	for n := 0; ; n++ {
		dir := t.TempDir()
		base(t, dir)
		l := mustOpen(t, dir)
		i, failed := -1, ""
		l.hook = func(step string) error {
			if i++; i == n {
				failed = step
				return syscall.EIO
			}
			return nil
		}
		s := l.Snapshot()
		err := change(t, l)
		if got := strings.Join(idsIn(t, s), " "); got != stateBefore {
			t.Fatalf("step %d, %s, failed: the snapshot from before sees %q", n, failed, got)
		}
		s.Release() // deletes what was replaced, which may fail as well
		if failed == "" {
			if err != nil {
				t.Fatal(err)
			}
			break // it came to its end before step n
		}
		when := fmt.Sprintf("step %d, %s, failed", n, failed)
		if got := see(t, l); got != stateBefore && got != stateAfter {
			t.Fatalf("%s: queries see %q", when, got)
		}
		if err := change(t, l); err != nil {
			t.Fatalf("%s: the second try: %v", when, err)
		}
		if err := l.catchUp(); err != nil {
			t.Fatal(err)
		}
		if got := see(t, l); got != stateAfter {
			t.Fatalf("%s: after the second try queries see %q", when, got)
		}
		isSound(t, l)
		holds(t, dir, when)
	}
}

// The same with a process that is really killed. It is this test binary, told by
// the environment what to do.
func TestKillAtEveryStep(t *testing.T) {
	killed := 0
	for n := 0; ; n++ {
		dir := t.TempDir()
		base(t, dir)
		if !runChild(t, "change", dir, n) {
			break
		}
		killed++
		// Killed again while it recovers.
		for m := n % 4; runChild(t, "open", dir, m); m += 4 {
			killed++
		}
		holds(t, dir, fmt.Sprintf("killed before step %d", n))
	}
	if killed < 12 {
		t.Fatalf("only %d processes were killed", killed)
	}
}

const childEnv = "LOCH_TEST_LAKE_CHILD"

// runChild starts a process that kills itself at step n, and tells whether it
// did.
func runChild(t *testing.T, job, dir string, n int) (killed bool) {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$", "-test.count=1")
	c.Env = append(os.Environ(), childEnv+"="+job+","+strconv.Itoa(n)+","+dir)
	out, err := c.CombinedOutput()
	if err == nil {
		return false
	}
	status, ok := errors.AsType[*exec.ExitError](err)
	if !ok || status.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the child ended with %v:\n%s", err, out)
	}
	return true
}

// TestChild is what runChild starts; by itself it does nothing.
func TestChild(t *testing.T) {
	job, rest, _ := strings.Cut(os.Getenv(childEnv), ",")
	at, dir, _ := strings.Cut(rest, ",")
	if job == "" {
		return
	}
	n, err := strconv.Atoi(at)
	if err != nil {
		t.Fatal(err)
	}
	i := -1
	l, err := open(dir, func(string) error {
		if i++; i == n {
			return errors.Join(syscall.Kill(os.Getpid(), syscall.SIGKILL), waitForever())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	switch job {
	case "change":
		err = change(t, l)
	case "roll":
		err = rollChild(t, dir, l)
	case "open":
	}
	if err != nil {
		t.Fatal(err)
	}
}

// waitForever keeps the process from going on in the moment that the signal
// needs.
func waitForever() error { select {} }
