package profiletest

import (
	"context"
	"slices"
	"sync"
	"testing"

	"loch/shared/profile"
)

func linked(t *testing.T, s profile.Store, id string) []string {
	t.Helper()
	ids, err := s.Linked(context.Background(), home, id)
	if err != nil {
		t.Fatalf("Linked(%s): %v", id, err)
	}
	return ids
}

func erase(t *testing.T, s profile.Store, ids ...string) {
	t.Helper()
	if err := s.Erase(context.Background(), home, ids); err != nil {
		t.Fatalf("Erase(%v): %v", ids, err)
	}
}

// testErase: who is erased stays erased, whatever was on its way; nobody else is
// touched.
func testErase(t *testing.T, open Opener, reopen Reopener) {
	s := open(t)
	apply(t, s, link("phone", "ann", noon))
	apply(t, s, link("laptop", "ann", noon))
	apply(t, s, link("tablet", "anna", noon)) // whose id begins with the other's
	applied(t, s, update("ann", `$set plan "pro"`), update("anna", `$set plan "free"`), update("loner", `$set a 1`))
	for _, c := range []struct {
		id   string
		want []string
	}{
		{"ann", []string{"ann", "laptop", "phone"}}, {"phone", []string{"ann", "laptop", "phone"}}, {"anna", []string{"anna", "tablet"}},
		{"loner", []string{"loner"}}, {"nobody", []string{"nobody"}},
	} {
		ids := linked(t, s, c.id)
		if first := ids[0]; c.want[0] != first {
			t.Errorf("%s: the person's own id is not the first of %v", c.id, ids)
		}
		if slices.Sort(ids); !slices.Equal(ids, c.want) {
			t.Errorf("%s is linked to %v, want %v", c.id, ids, c.want)
		}
	}

	erase(t, s, linked(t, s, "phone")...)
	gone := func(s profile.Store) {
		t.Helper()
		for _, id := range []string{"ann", "phone", "laptop"} {
			mustBeUnknown(t, s, home, id)
			if ids := linked(t, s, id); len(ids) != 1 || ids[0] != id {
				t.Errorf("%s is still linked to %v", id, ids)
			}
		}
	}
	gone(s)
	erase(t, s, "ann", "phone", "laptop", "nobody")
	// What was on its way comes to nothing, and is not refused either.
	applied(t, s, update("ann", `$set plan "pro"`), update("phone", `$set_once a 1; $append b 2`))
	apply(t, s, link("phone", "anna", noon))
	apply(t, s, link("watch", "ann", noon))
	apply(t, s, sighted("ann", noon))
	apply(t, s, sighted("laptop", noon))
	gone(s)
	mustHold(t, s, "anna", `plan "free"`)
	mustHold(t, s, "tablet", `plan "free"`)
	mustHold(t, s, "loner", `a 1`)
	applied(t, s, update("watch", `$set a 1`)) // its link was dropped, so it is somebody
	mustHold(t, s, "watch", `a 1`)
	if reopen != nil {
		s = reopen(t, s)
		gone(s)
		applied(t, s, update("ann", `$set plan "pro"`))
		gone(s)
		mustHold(t, s, "anna", `plan "free"`)
	}
	// Another project's person of the same id is somebody else.
	other := update("ann", `$set plan "pro"`)
	other.Project = "elsewhere"
	applied(t, s, other)
	if p, err := s.Get(context.Background(), "elsewhere", "ann"); err != nil || traits(p) != `plan "pro"` {
		t.Errorf("another project's ann: %s %v", traits(p), err)
	}
}

// testEraseBesideWrites erases a person while others write about them: after
// Erase has returned nothing can be read, and nothing comes back.
func testEraseBesideWrites(t *testing.T, open Opener) {
	for range 5 {
		s := open(t)
		apply(t, s, link("phone", "ann", noon))
		stop := make(chan struct{})
		var writers sync.WaitGroup
		for _, id := range []string{"ann", "phone", "ann", "phone"} {
			writers.Go(func() {
				for n := int64(0); ; n++ {
					select {
					case <-stop:
						return
					default:
					}
					c := profile.Changes{
						Updates:   []profile.Update{update(id, `$add n 1`)},
						Links:     []profile.Link{{Project: home, Device: "phone", User: "ann", TimeMS: noon}},
						Sightings: sighted(id, noon+n*profile.SightingEveryMS).Sightings,
					}
					if _, err := s.Apply(context.Background(), c); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		erase(t, s, linked(t, s, "ann")...)
		for range 20 {
			mustBeUnknown(t, s, home, "ann")
			mustBeUnknown(t, s, home, "phone")
		}
		close(stop)
		writers.Wait()
		mustBeUnknown(t, s, home, "ann")
	}
}
