package profiletest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"loch/shared/fault"
	"loch/shared/profile"
)

func testRandom(t *testing.T, open Opener, reopen Reopener) {
	for range lives() {
		Random(t, open, reopen, nil, rand.Uint64())
	}
}

// lives is how many random lives a store is led through, and rounds how long each is.
func lives() int {
	if testing.Short() {
		return 1
	}
	return 4
}

func rounds() int {
	if testing.Short() {
		return 2 * anEra
	}
	return 4 * anEra
}

// Crasher ends a store's life while during is under way, as a loss of power or a
// kill would, at a moment of its own choosing, and returns what is found when the
// same data are opened again. during has ended by then.
type Crasher func(t *testing.T, s Store, during func(Store)) Store

// Crash holds a store that can be crashed to its promise: what was acknowledged is
// there, once; what was under way is there whole or not at all, and sending it
// again makes it there once if it has a name.
func Crash(t *testing.T, open Opener, crash Crasher) {
	for range lives() {
		Random(t, open, nil, crash, rand.Uint64())
	}
}

const (
	anEra     = 75 // rounds, after which there are new people: those from before are linked, merged and erased by then
	aCrash    = 12 // rounds, about
	mostTales = 64
)

// Random applies requests made from a seed to a store and to a plain model, and
// compares: operators, links, merges, erasures, requests that are sent again, and
// restarts or crashes, in any order. The seed of a failure is printed; call Random
// with it to see the failure again.
func Random(t *testing.T, open Opener, reopen Reopener, crash Crasher, seed uint64) {
	t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
		r := &run{t: t, generator: generator{Rand: rand.New(rand.NewPCG(seed, 0)), now: noon}, s: open(t), tales: []*model{newModel()}}
		for r.round = range rounds() {
			if r.round%anEra == 0 {
				r.newPeople()
			}
			c := r.request()
			if again := r.sent; len(again) > 0 && r.IntN(6) == 0 {
				c = pick(&r.generator, again)
			}
			r.sent = append(r.sent[max(0, len(r.sent)-8):], c)
			if crash != nil && r.IntN(aCrash) == 0 {
				r.crash(crash, c)
				if r.IntN(4) == 0 {
					continue // the client gives up
				}
			}
			r.apply(c)
			if r.IntN(50) == 0 {
				r.erase(pick(&r.generator, r.people))
			}
			if reopen != nil && r.round%anEra == anEra-1 {
				r.s = reopen(t, r.s)
				r.compare(c)
			}
		}
	})
}

// run is one sequence of changes. After a crash it may be open for a while what was
// applied: a named update that changed nothing is not to be seen until it is sent
// again. So there may be several models of what happened; one must always fit.
type run struct {
	generator
	t     *testing.T
	s     Store
	tales []*model
	sent  []request
	round int
}

// apply applies a request to the store and all models, and compares.
func (r *run) apply(c request) {
	r.t.Helper()
	merged, err := r.s.Merge(context.Background(), c.merges)
	if err != nil || len(merged) != len(c.merges) {
		r.t.Fatalf("round %d: %v, %v\n%s", r.round, merged, err, tell(c))
	}
	var refused []int
	for _, refusal := range apply(r.t, r.s, c.Changes) {
		refused = append(refused, refusal.Index)
	}
	var want []int
	r.keep(c, func(m *model) string {
		for i, g := range c.merges {
			if want := m.merge(g); !reflect.DeepEqual(merged[i], want) {
				return fmt.Sprintf("merging %s into %s gives %+v, want %+v", g.From.ID, g.Into.ID, merged[i], want)
			}
		}
		if want = m.apply(c.Changes); !slices.Equal(refused, want) {
			return fmt.Sprintf("refused %v, want %v", refused, want)
		}
		return ""
	})
	r.compare(c)
}

func (r *run) compare(c request) {
	r.t.Helper()
	found := r.read()
	r.keep(c, func(m *model) string { return m.differs(found, (*person).wrong) })
}

// read reads everybody.
func (r *run) read() map[string]*profile.Profile {
	r.t.Helper()
	found := map[string]*profile.Profile{}
	for _, id := range r.everybody {
		p, err := r.s.Get(context.Background(), home, id)
		if err != nil && fault.CodeOf(err) != fault.NotFound {
			r.t.Fatalf("round %d: Get(%s): %v", r.round, id, err)
		}
		if found[id] = nil; err == nil {
			found[id] = &p
		}
	}
	return found
}

// keep keeps the models that fit.
func (r *run) keep(c request, problem func(*model) string) {
	r.t.Helper()
	var fit []*model
	var why []string
	for _, m := range r.tales {
		if p := problem(m); p == "" {
			fit = append(fit, m)
		} else {
			why = append(why, p)
		}
	}
	if len(fit) == 0 {
		r.t.Fatalf("round %d: %s\n%s", r.round, strings.Join(why, "\nor "), tell(c))
	}
	r.tales = fit
}

// crash crashes the store while it applies c. Each merge, and then the rest, are
// there or not, in this order.
func (r *run) crash(crash Crasher, c request) {
	r.t.Helper()
	r.s = crash(r.t, r.s, func(s Store) {
		if _, err := s.Merge(context.Background(), c.merges); err == nil {
			_, _ = s.Apply(context.Background(), c.Changes)
		}
	})
	var tales []*model
	for _, m := range r.tales {
		tales = append(tales, m)
		for _, g := range c.merges {
			m = m.clone()
			m.merge(g)
			tales = append(tales, m)
		}
		m = m.clone()
		m.apply(c.Changes)
		tales = append(tales, m)
	}
	found := r.read()
	r.tales = tales
	r.keep(c, func(m *model) string { return m.differs(found, (*person).wrongAfterCrash) })
	told := map[string]bool{}
	r.tales = slices.DeleteFunc(r.tales, func(m *model) bool {
		m.adopt(found)
		again := told[m.tell()]
		told[m.tell()] = true
		return again
	})
	if len(r.tales) > mostTales {
		r.t.Fatalf("round %d: %d things may have happened", r.round, len(r.tales))
	}
}

// erase erases whoever an id belongs to, from the store and the models.
func (r *run) erase(id string) {
	r.t.Helper()
	ids := linked(r.t, r.s, id)
	r.keep(request{}, func(m *model) string {
		want := slices.Sorted(slices.Values(m.linked(id)))
		if got := slices.Sorted(slices.Values(ids)); !slices.Equal(got, want) {
			return fmt.Sprintf("%s is linked to %v, want %v", id, got, want)
		}
		m.erase(ids)
		return ""
	})
	if err := r.s.Erase(context.Background(), home, ids); err != nil {
		r.t.Fatal(err)
	}
}
