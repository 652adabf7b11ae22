package compact_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"loch/functions/compact"
	"loch/shared/fault"
	"loch/shared/manifest"
)

// run runs the job to its end, or until it dies.
func (w *world) run() error {
	w.calls, w.dead = 0, false
	_, err := compact.Run(context.Background(), w.deps())
	if w.dead {
		return errDied
	}
	return err
}

func (w *world) must() {
	w.t.Helper()
	w.dieAt = 0
	if err := w.run(); err != nil {
		w.t.Fatal(err)
	}
}

// arrive lands some files of random rows, which collide within hours and dates.
func (w *world) arrive(r *rand.Rand, files int) {
	for range files {
		var rows []row
		for range 1 + r.IntN(6) {
			one := row{
				project: []string{"p", "p", "q", "short"}[r.IntN(4)], id: fmt.Sprint(r.IntN(12)),
				dated: r.IntN(3) > 0, version: len(w.received) + len(rows),
			}
			one.dated = one.dated || one.project == "short" // what expires does so with all its copies
			one.date = w.now.AddDate(0, 0, -r.IntN(3)).Format(time.DateOnly)
			if one.project == "short" {
				one.date = w.now.AddDate(0, 0, -29+r.IntN(3)).Format(time.DateOnly)
			}
			// What makes an event the same must not change from copy to copy.
			if one.dated {
				one.id = "d" + one.id
			}
			one.owner = one.project + one.id // an event is of one person, whichever copy it is
			if w.orders["removals/"+one.owner] != "" && w.now.After(w.ordered[one.owner].Add(24*time.Hour)) {
				continue // who was erased sends nothing for ever
			}
			if r.IntN(3) == 0 {
				one.link = fmt.Sprint("device", r.IntN(9))
			}
			rows = append(rows, one)
		}
		w.land(w.now.Add(-time.Duration(r.IntN(3))*time.Hour), fmt.Sprintf("%04d", len(w.received)), rows...)
	}
}

// settled checks what is there when nothing is left to do and no statement runs any
// more: the files that count, and none beside them.
func (w *world) settled() {
	w.t.Helper()
	w.look()
	for key, rows := range w.files {
		switch tier, _, _ := strings.Cut(key, "/"); {
		case tier == "staging", tier == "landing":
			w.t.Fatalf("%s is left", key)
		case tier == "events" && !w.saved.Counts(key):
			w.t.Fatalf("%s is left and does not count: %+v", key, w.saved)
		case slices.ContainsFunc(rows, w.removed):
			w.t.Fatalf("%s has rows that are to be removed", key)
		case slices.ContainsFunc(rows, func(r row) bool { return tier == "events" && w.expired(r) }):
			w.t.Fatalf("%s has rows past their retention", key)
		}
	}
}

// TestKilledAnywhere kills the job before and after each of its calls, and once more
// at any call of the run that follows. Whoever reads meanwhile, by what is published
// or by what was when their statement began, sees each event once; and in the end all
// is as if nothing had happened.
func TestKilledAnywhere(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	base := newWorld(t)
	for range 3 { // so that there are compacted files to meet
		base.arrive(r, 4)
		base.must()
		base.now = base.now.Add(2 * time.Hour)
	}
	base.now = base.now.AddDate(0, 0, 1) // what is old of the project short expires
	base.arrive(r, 4)
	base.remove("p", base.owner("p"))
	whole := base.clone(t)
	whole.must()
	if whole.calls < 60 {
		t.Fatalf("a run has %d calls only: the test proves little", whole.calls)
	}
	for at := 1; at <= whole.calls; at++ {
		for _, after := range []bool{false, true} {
			w := base.clone(t)
			w.dieAt, w.after = at, after
			if err := w.run(); !errors.Is(err, errDied) {
				t.Fatalf("killed at call %d: %v", at, err)
			}
			w.look()
			w.now = w.now.Add(20 * time.Minute)
			w.dieAt, w.after = 1+r.IntN(whole.calls), r.IntN(2) == 0
			if err := w.run(); err != nil && !errors.Is(err, errDied) {
				t.Fatal(err)
			}
			w.look()
			for range 2 {
				w.now = w.now.Add(time.Hour)
				w.must()
			}
			w.settled()
		}
	}
}

// owner is somebody who has compacted rows.
func (w *world) owner(project string) string {
	for _, r := range w.received {
		if r.project == project && r.link != "" {
			return r.owner
		}
	}
	w.t.Fatal("nobody has a link")
	return ""
}

// TestLongRun lets traffic, orders, deaths and time go on for long.
func TestLongRun(t *testing.T) {
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 1))
		w := newWorld(t)
		for step := range 60 {
			w.arrive(r, r.IntN(4))
			if step%9 == 8 && len(w.received) > 0 {
				one := w.received[r.IntN(len(w.received))]
				w.remove(one.project, one.owner)
			}
			w.look()
			w.dieAt, w.after = r.IntN(150), r.IntN(2) == 0
			if err := w.run(); err != nil && !errors.Is(err, errDied) && fault.CodeOf(err) != fault.Unavailable {
				t.Fatal(err)
			}
			w.now = w.now.Add(time.Duration(r.IntN(120)) * time.Minute)
			if step%20 == 19 {
				w.now = w.now.AddDate(0, 0, 3)
			}
		}
		for range 4 {
			w.now = w.now.Add(73 * time.Hour)
			w.must()
		}
		w.settled()
		if len(w.orders) > 0 || len(w.saved.Swept) > 0 {
			t.Errorf("orders are left: %v, %v", w.orders, w.saved.Swept)
		}
	}
}

// TestLate: a file that comes for an hour long past is seen from the next run on,
// and taken in like any other.
func TestLate(t *testing.T) {
	w := newWorld(t)
	w.land(w.now, "a", row{project: "p", date: "2026-11-20", id: "1"})
	w.must()
	w.now = w.now.AddDate(0, 0, 10)
	w.must()
	w.land(w.now.AddDate(0, 0, -5), "late", row{project: "p", date: "2026-11-25", id: "2"})
	w.blind = true
	w.must()
	w.blind = false
	w.views = w.views[len(w.views)-1:]
	w.look()
	w.now = w.now.Add(time.Hour)
	w.must()
	w.settled()
}

// TestAlone: two runs at once do not meet, and a dead one's lease ends.
func TestAlone(t *testing.T) {
	w := newWorld(t)
	w.land(w.now, "a", row{project: "p", date: "2026-11-20", id: "1"})
	w.dieAt = 12
	if err := w.run(); !errors.Is(err, errDied) {
		t.Fatal(err)
	}
	w.dieAt = 0
	if err := w.run(); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("a run beside another: %v", err)
	}
	w.now = w.now.Add(16 * time.Minute)
	w.must()
	// Whoever loses the race for the manifest does nothing more.
	d := w.deps()
	d.State = stale{w}
	if _, err := compact.Run(t.Context(), d); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("a run by an old manifest: %v", err)
	}
}

// stale gives a manifest that another one follows already.
type stale struct{ *world }

func (s stale) Load(ctx context.Context) (m manifest.Manifest, version int64, err error) {
	m, version, err = s.world.Load(ctx)
	return m, version - 1, err
}

// TestManyDates: more dates than one statement may write are written by several.
func TestManyDates(t *testing.T) {
	w := newWorld(t)
	var rows []row
	for i := range 250 {
		rows = append(rows, row{project: "p", id: fmt.Sprint(i), date: w.now.AddDate(0, 0, -i).Format(time.DateOnly)})
	}
	w.land(w.now, "a", rows...)
	w.must()
	w.now = w.now.Add(time.Hour)
	w.must()
	w.settled()
}
