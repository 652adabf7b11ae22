package lake

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// orders tells which removals stand, for a test to compare.
func orders(removals []Removal) string {
	var all []string
	for _, r := range removals {
		all = append(all, fmt.Sprintf("%s%v%d%v", r.Project, r.IDs, r.TimeMS, r.Swept))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func standingIn(t *testing.T, dir string) string { return orders(mustOpen(t, dir).removals) }

func at(ms int64) time.Time { return time.UnixMilli(ms) }

func TestRemovalStandsUntilItIsFulfilled(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir)
	before := l.Snapshot()
	defer before.Release()
	if err := l.RemoveRows("p", []string{"b", "a", "b"}, at(7)); err != nil {
		t.Fatal(err)
	}
	first := l.Snapshot()
	defer first.Release()
	if len(before.Removals) != 0 || orders(first.Removals) != "p[a b]7false" {
		t.Fatalf("snapshots before and after tell %v and %v", before.Removals, first.Removals)
	}
	if err := l.Swept(first.Removals); err != nil {
		t.Fatal(err)
	}
	// Ordered again in another order of ids: the same order, with a new date.
	if err := l.RemoveRows("p", []string{"a", "b"}, at(9)); err != nil {
		t.Fatal(err)
	}
	if err := l.RemoveRows("q", []string{"a"}, at(9)); err != nil {
		t.Fatal(err)
	}
	const want = "p[a b]9true q[a]9false"
	if got := orders(l.standing()); got != want || standingIn(t, dir) != want {
		t.Fatalf("%s stands, and %s after a start", got, standingIn(t, dir))
	}
	// Whoever looked before it was ordered again does not end it.
	if err := l.Fulfilled(first.Removals); err != nil || orders(l.standing()) != want {
		t.Fatalf("an order of now was ended with one of before: %v, %v", orders(l.standing()), err)
	}
	if err := l.Fulfilled(l.standing()[:1]); err != nil {
		t.Fatal(err)
	}
	if got := orders(l.standing()); got != "q[a]9false" || standingIn(t, dir) != got {
		t.Errorf("%s stands, and %s after a start", got, standingIn(t, dir))
	}
	if orders(first.Removals) != "p[a b]7false" {
		t.Error("a snapshot changed")
	}
	isSound(t, l)
}

func TestRemovalRefusals(t *testing.T) {
	l := mustOpen(t, t.TempDir())
	for _, err := range []error{
		l.RemoveRows("", []string{"a"}, at(1)), l.RemoveRows("p", nil, at(1)), l.RemoveRows("p", []string{""}, at(1)),
	} {
		if err == nil {
			t.Error("an order that names nobody was taken")
		}
	}
}

// A note that cannot be read must not be passed over.
func TestDamagedRemovalIsRefused(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir)
	if err := l.RemoveRows("p", []string{"a"}, at(1)); err != nil {
		t.Fatal(err)
	}
	r := l.standing()[0]
	path := filepath.Join(dir, removalsFolder, r.name())
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "{", strings.Replace(string(good), `"a"`, `"c"`, 1), `{"project":"p"}`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), r.name()+" is damaged") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// What is done to removals, one after the other, and what stands before and after
// each.
var removalJobs = []struct {
	do   func(*Lake) error
	want string
}{
	{func(l *Lake) error { return l.RemoveRows("p", []string{"a"}, at(1)) }, "p[a]1false"},
	{func(l *Lake) error { return l.RemoveRows("p", []string{"b"}, at(2)) }, "p[a]1false p[b]2false"},
	{func(l *Lake) error { return l.RemoveRows("p", []string{"a"}, at(3)) }, "p[a]3false p[b]2false"},
	{func(l *Lake) error { return l.Swept(removalsOf(l, "b")) }, "p[a]3false p[b]2true"},
	{func(l *Lake) error { return l.Fulfilled(removalsOf(l, "b")) }, "p[a]3false"},
}

func removalsOf(l *Lake, id string) []Removal {
	return slices.DeleteFunc(slices.Clone(l.standing()), func(r Removal) bool { return r.IDs[0] != id })
}

// The process dies, or the disk fails, at every step: what was done holds, what was
// not is not or is whole, and a second try comes to the same end.
func TestRemovalsAtEveryStep(t *testing.T) {
	for _, killed := range []bool{true, false} {
		for n := 0; ; n++ {
			dir := t.TempDir()
			l := mustOpen(t, dir)
			done, step, i := 0, "", -1
			run := func() {
				for ; done < len(removalJobs); done++ {
					if err := removalJobs[done].do(l); err != nil {
						return
					}
				}
			}
			if killed {
				l.hook = dyingAt(n, &step)
				dies(run)
			} else {
				l.hook = func(name string) error {
					if i++; i == n {
						step = name
						return syscall.EIO
					}
					return nil
				}
				run()
			}
			if step == "" {
				if done != len(removalJobs) {
					t.Fatalf("only %d jobs came to their end", done)
				}
				break
			}
			when := fmt.Sprintf("step %d, %s, in job %d", n, step, done)
			before := ""
			if done > 0 {
				before = removalJobs[done-1].want
			}
			if got := standingIn(t, dir); got != before && got != removalJobs[done].want {
				t.Fatalf("%s: %q stands after a start", when, got)
			}
			if !killed {
				if got := orders(l.standing()); got != before && got != removalJobs[done].want {
					t.Fatalf("%s: %q stands", when, got)
				}
			} else {
				l = mustOpen(t, dir)
			}
			l.hook = nil
			run()
			if got := standingIn(t, dir); got != removalJobs[len(removalJobs)-1].want || got != orders(l.standing()) {
				t.Fatalf("%s: %q stands after the second try", when, got)
			}
			isSound(t, l)
		}
	}
}
