// Package profiletest is the contract of a profile.Store as tests: whoever
// writes a store runs them against it.
//
// The cases are written so that a product manager can read them. An update is
// one line of operators, as in
//
//	$set plan "free"; $add visits 1; $unset trial
//
// and a profile is its traits, in order, in the same spelling without "$set".
package profiletest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"loch/shared/fault"
	"loch/shared/profile"
)

// Store is what is tested: a store whose people can be merged.
type Store interface {
	profile.Store
	profile.Merger
}

// Opener returns an empty store that lives as long as the test.
type Opener func(t *testing.T) Store

// Reopener closes a store that an Opener made and opens the same data again, as
// after a restart.
type Reopener func(t *testing.T, s Store) Store

// Run holds a store to its contract. reopen may be nil where a store has no life
// of its own to lose. With -short there are fewer and shorter random lives, and nothing that takes
// hundreds of updates or merges of one person.
func Run(t *testing.T, open Opener, reopen Reopener) {
	t.Helper()
	t.Run("operators", func(t *testing.T) { testOperators(t, open) })
	t.Run("atomic", func(t *testing.T) { testAtomic(t, open) })
	t.Run("limits", func(t *testing.T) { testLimits(t, open) })
	if !testing.Short() {
		t.Run("effort", func(t *testing.T) { testEffort(t, open) })
	}
	t.Run("isolation", func(t *testing.T) { testIsolation(t, open) })
	t.Run("once", func(t *testing.T) { testOnce(t, open, reopen) })
	t.Run("seen", func(t *testing.T) { testSeen(t, open) })
	t.Run("sightings", func(t *testing.T) { testSightings(t, open) })
	t.Run("arrivals", func(t *testing.T) { testArrivals(t, open) })
	t.Run("any order", func(t *testing.T) { testOrder(t, open) })
	t.Run("links", func(t *testing.T) { testLinks(t, open) })
	t.Run("merges", func(t *testing.T) { testMerges(t, open, reopen) })
	t.Run("concurrent", func(t *testing.T) { testConcurrent(t, open) })
	t.Run("erase", func(t *testing.T) { testErase(t, open, reopen) })
	t.Run("erase beside writes", func(t *testing.T) { testEraseBesideWrites(t, open) })
	if reopen != nil {
		t.Run("durable", func(t *testing.T) { testDurable(t, open, reopen) })
	}
	t.Run("random", func(t *testing.T) { testRandom(t, open, reopen) })
}

// The project that cases write to unless they say otherwise, and noon of the day
// on which they happen.
const (
	home = "shop"
	noon = int64(1_795_435_200_000)
)

// update makes an Update from a line of operators.
func update(id, line string) profile.Update {
	return profile.Update{Project: home, ID: id, Ops: parseOps(line), TimeMS: noon}
}

// named is update with an insert id.
func named(id, insertID, line string) profile.Update {
	u := update(id, line)
	u.InsertID = insertID
	return u
}

var opNames = map[string]profile.OpKind{
	"$set": profile.Set, "$set_once": profile.SetOnce, "$add": profile.Add, "$append": profile.Append,
	"$union": profile.Union, "$remove": profile.Remove, "$unset": profile.Unset, "$delete": profile.Delete,
	"$unknown": "unknown",
}

func parseOps(line string) []profile.Op {
	var ops []profile.Op
	for part := range strings.SplitSeq(line, "; ") {
		if part == "" {
			continue
		}
		word, rest, _ := strings.Cut(part, " ")
		kind, ok := opNames[word]
		if !ok {
			panic("profiletest: no operator " + word)
		}
		name, value, _ := strings.Cut(rest, " ")
		ops = append(ops, profile.Op{Kind: kind, Name: name, Value: json.RawMessage(value)})
	}
	return ops
}

// traits writes a profile's traits the way that cases do.
func traits(p profile.Profile) string {
	var parts []string
	for _, tr := range p.Traits {
		parts = append(parts, tr.Name+" "+string(tr.Value))
	}
	return strings.Join(parts, "; ")
}

// apply applies changes that must not fail as a whole.
func apply(t *testing.T, s profile.Store, c profile.Changes) []profile.Refusal {
	t.Helper()
	refusals, err := s.Apply(context.Background(), c)
	if err != nil {
		t.Fatalf("Apply: %v", err)
	}
	return refusals
}

// applied applies updates that must not be refused.
func applied(t *testing.T, s profile.Store, updates ...profile.Update) {
	t.Helper()
	if refusals := apply(t, s, profile.Changes{Updates: updates}); len(refusals) != 0 {
		t.Fatalf("Apply refused %+v", refusals)
	}
}

// get returns a profile that must be there.
func get(t *testing.T, s profile.Store, id string) profile.Profile {
	t.Helper()
	p, err := s.Get(context.Background(), home, id)
	if err != nil {
		t.Fatalf("Get(%s): %v", id, err)
	}
	return p
}

// mustBeUnknown checks that nothing is known of an id.
func mustBeUnknown(t *testing.T, s profile.Store, project, id string) {
	t.Helper()
	p, err := s.Get(context.Background(), project, id)
	if fault.CodeOf(err) != fault.NotFound || err == nil {
		t.Errorf("Get(%s, %s) = %s, %v; want a fault of code not_found", project, id, describe(p), err)
	}
}

// mustHold checks a profile's traits, digit for digit and in order.
func mustHold(t *testing.T, s profile.Store, id, want string) {
	t.Helper()
	if got := traits(get(t, s, id)); got != want {
		t.Errorf("the profile of %s holds\n  %s\nwant\n  %s", id, cut(got), cut(want))
	}
}

func describe(p profile.Profile) string {
	return fmt.Sprintf("{%s %s group=%q [%s] first=%d last=%d place=%v device=%v}",
		p.Project, p.ID, p.GroupKey, cut(traits(p)), p.FirstSeenMS, p.LastSeenMS, p.Place, p.Device)
}

func cut(s string) string {
	if len(s) > 400 {
		return s[:400] + "…"
	}
	return s
}
