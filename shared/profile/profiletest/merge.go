package profiletest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"loch/shared/profile"
)

func testMerges(t *testing.T, open Opener, reopen Reopener) {
	t.Run("cases", func(t *testing.T) { testMergeCases(t, open(t)) })
	t.Run("without proof", func(t *testing.T) { testMergeUnproved(t, open(t), reopen) })
	t.Run("what follows", func(t *testing.T) { testMerged(t, open(t), reopen) })
	if !testing.Short() {
		t.Run("limit", func(t *testing.T) { testMergeLimit(t, open(t)) })
	}
	t.Run("erased", func(t *testing.T) { testMergeErased(t, open(t)) })
	t.Run("concurrent", func(t *testing.T) { testMergeConcurrent(t, open(t)) })
	t.Run("counted meanwhile", func(t *testing.T) { testMergeWhileCounting(t, open(t)) })
}

// ref reads an identifier of a case: one that begins with "d" is a device's.
func ref(id string) profile.Ref { return profile.Ref{ID: id, Device: strings.HasPrefix(id, "d")} }

// merged merges and writes what came of it: "refused", "links", or "person: ids".
func merged(t *testing.T, s profile.Merger, into, from string, onlyNew bool) string {
	t.Helper()
	out, err := s.Merge(context.Background(), []profile.Merging{{Project: home, Into: ref(into), From: ref(from), OnlyNew: onlyNew, TimeMS: noon}})
	if err != nil || len(out) != 1 {
		t.Fatalf("Merge: %v, %v", out, err)
	}
	return wordsOf(out[0])
}

func wordsOf(m profile.Merged) string {
	switch m.Outcome {
	case profile.MergeDone:
		return m.Person + ": " + strings.Join(m.IDs, " ")
	case profile.MergeLinks:
		return "links"
	default:
		return "refused"
	}
}

func mustMerge(t *testing.T, s profile.Merger, into, from string, onlyNew bool, want string) {
	t.Helper()
	if got := merged(t, s, into, from, onlyNew); got != want {
		t.Errorf("merging %s into %s gives %q, want %q", from, into, got, want)
	}
}

// mustBeOne checks all identifiers of a person, the person's own first.
func mustBeOne(t *testing.T, s profile.Store, id, want string) {
	t.Helper()
	person, _, _ := strings.Cut(want, " ")
	if whose, err := s.Whose(context.Background(), home, []string{id}); err != nil || whose[0] != person {
		t.Errorf("Whose(%s) = %v %v, want %s", id, whose, err, person)
	}
	ids, err := s.Linked(context.Background(), home, id)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(ids[1:])
	if got := strings.Join(ids, " "); got != want {
		t.Errorf("Linked(%s) = %s, want %s", id, got, want)
	}
}

func testMergeCases(t *testing.T, s Store) {
	t.Run("the profile that is kept has its own traits, and those that only the other had", func(t *testing.T) {
		applied(t, s, update("ann", `$set plan "pro"; $set name "Ann"`), update("ann-old", `$set plan "free"; $set city "Oslo"`))
		apply(t, s, sighted("ann-old", noon-hour))
		mustMerge(t, s, "ann", "ann-old", false, "ann: ann ann-old")
		mustHold(t, s, "ann", `plan "pro"; name "Ann"; city "Oslo"`)
		mustBe(t, s, "ann-old", "ann")
		mustBeSeen(t, s, "ann", profile.Seen{FirstMS: noon - hour, LastMS: noon})
	})
	t.Run("updates and sightings of a merged identifier count for the person", func(t *testing.T) {
		applied(t, s, update("ann-old", `$set age 40`))
		apply(t, s, sighted("ann-old", noon+hour))
		mustHold(t, s, "ann", `plan "pro"; name "Ann"; city "Oslo"; age 40`)
		mustBeSeen(t, s, "ann", profile.Seen{FirstMS: noon - hour, LastMS: noon + hour})
	})
	t.Run("merging again changes nothing and answers the same", func(t *testing.T) {
		mustMerge(t, s, "ann", "ann-old", true, "ann: ann ann-old")
		mustMerge(t, s, "ann-old", "ann", false, "ann: ann ann-old")
	})
	t.Run("an alias of an alias", func(t *testing.T) {
		mustMerge(t, s, "ann-old", "ann-mail", true, "ann: ann ann-mail ann-old")
	})
	t.Run("an alias belongs to one person", func(t *testing.T) {
		mustMerge(t, s, "bob", "ann-mail", true, "refused")
		mustBe(t, s, "ann-mail", "ann")
	})
	t.Run("a group is merged with nobody", func(t *testing.T) {
		g := update("acme", `$set seats 1`)
		g.GroupKey = "company"
		applied(t, s, g, update("gus", `$set a 1`))
		mustMerge(t, s, "gus", "acme", false, "refused")
		mustMerge(t, s, "acme", "gus", false, "refused")
		mustHold(t, s, "acme", "seats 1")
		mustHold(t, s, "gus", "a 1")
		mustBeOne(t, s, "gus", "gus")
	})
	t.Run("who has identifiers of their own is not new", func(t *testing.T) {
		apply(t, s, link("d-vic", "vic", noon))
		mustMerge(t, s, "thief", "vic", true, "refused")
		mustMerge(t, s, "wes", "wes-mail", true, "wes: wes wes-mail")
		mustMerge(t, s, "thief", "wes", true, "refused")
	})
	t.Run("two persons with all that is theirs, devices too", func(t *testing.T) {
		apply(t, s, link("d-bob", "bob", noon))
		mustMerge(t, s, "bob", "bob-old", false, "bob: bob bob-old")
		mustMerge(t, s, "ann-mail", "bob-old", false, "ann: ann ann-mail ann-old bob bob-old")
		for _, id := range []string{"bob", "bob-old", "d-bob"} {
			mustBe(t, s, id, "ann")
			mustBeOne(t, s, id, "ann ann-mail ann-old bob bob-old d-bob")
		}
	})
	t.Run("a device that is linked to a merged identifier gives the person", func(t *testing.T) {
		apply(t, s, link("d-new", "bob-old", noon+2*hour))
		mustBe(t, s, "d-new", "ann")
		mustBeOne(t, s, "ann", "ann ann-mail ann-old bob bob-old d-bob d-new")
		mustBeSeen(t, s, "ann", profile.Seen{FirstMS: noon - hour, LastMS: noon + 2*hour})
	})
	t.Run("a device of nobody and a user are linked, not merged", func(t *testing.T) {
		mustMerge(t, s, "cai", "d-cai", true, "links")
		mustMerge(t, s, "d-cai", "cai", false, "links")
		apply(t, s, link("d-cai", "cai", noon))
		mustMerge(t, s, "cai", "d-cai", true, "cai: cai")
	})
	t.Run("a linked device stands for its user", func(t *testing.T) {
		mustMerge(t, s, "gil", "d-cai", true, "refused")
		mustMerge(t, s, "gil", "d-cai", false, "gil: cai gil")
		mustBe(t, s, "d-cai", "gil")
	})
	t.Run("two devices of nobody cannot be merged", func(t *testing.T) {
		mustMerge(t, s, "d-one", "d-two", false, "refused")
	})
	t.Run("projects are apart", func(t *testing.T) {
		out, err := s.Merge(context.Background(), []profile.Merging{{Project: "other", Into: ref("ann"), From: ref("bob")}})
		if err != nil || wordsOf(out[0]) != "ann: ann bob" {
			t.Errorf("%v %v", out, err)
		}
	})
}

const hour = 60 * minute

// testMergeUnproved holds that whoever can prove nothing gets nobody: an identifier of
// which something is known stays who it is, and so does one whose profile was deleted,
// since that is what anybody may ask for, too.
func testMergeUnproved(t *testing.T, s Store, reopen Reopener) {
	try := func(t *testing.T, from string, orVisitor bool, want string) {
		t.Helper()
		out, err := s.Merge(context.Background(), []profile.Merging{{
			Project: home, Into: ref("mallory"), From: ref(from), OnlyNew: true, OrVisitor: orVisitor, TimeMS: noon,
		}})
		if err != nil || !strings.HasPrefix(wordsOf(out[0]), want) {
			t.Errorf("merging %s, or a visitor: %v, gives %q, %v; want %q", from, orVisitor, wordsOf(out[0]), err, want)
		}
	}
	refused := func(t *testing.T, ids ...string) {
		t.Helper()
		for _, id := range ids {
			try(t, id, true, "refused")
			try(t, id, false, "refused")
			mustBeOne(t, s, id, id)
		}
	}
	quiet := update("quiet", `$set plan "gold"`)
	quiet.TimeMS, quiet.KeepLastSeen = 0, true
	applied(t, s, update("set", `$set plan "gold"`), update("here", ``), quiet)
	applied(t, s, update("unset", `$set plan "gold"`))
	applied(t, s, update("unset", `$unset plan`))
	apply(t, s, sighted("both", noon))
	applied(t, s, update("both", `$set plan "gold"`))
	t.Run("somebody whose profile was set", func(t *testing.T) { refused(t, "set", "here", "quiet", "unset", "both") })
	apply(t, s, sighted("gone", noon))
	applied(t, s, update("gone", `$delete`), update("back", `$set a 1`), update("back", `$delete; $set a 2`), update("left", `$set a 1`))
	applied(t, s, update("left", `$delete`))
	t.Run("somebody whose profile was deleted", func(t *testing.T) { refused(t, "gone", "back", "left") })
	applied(t, s, update("left", `$set a 1`))
	applied(t, s, update("left", `$delete`))
	if reopen != nil {
		s = reopen(t, s)
		t.Run("after a restart", func(t *testing.T) { refused(t, "set", "unset", "both", "gone", "left") })
	}
	apply(t, s, sighted("visitor", noon))
	t.Run("a visitor is taken where one may be, and keeps when they came", func(t *testing.T) {
		try(t, "visitor", false, "refused")
		mustBeOne(t, s, "visitor", "visitor")
		try(t, "visitor", true, "mallory: ")
		mustBeSeen(t, s, "mallory", profile.Seen{FirstMS: noon, LastMS: noon})
		try(t, "visitor", true, "mallory: ") // sent again
	})
	t.Run("somebody of whom nothing is known", func(t *testing.T) {
		applied(t, s, update("never", `$delete`), update("none", `$unset a`))
		for _, id := range []string{"new", "never", "none"} {
			try(t, id, false, "mallory: ")
		}
	})
	t.Run("a proof takes anybody", func(t *testing.T) {
		for _, id := range []string{"set", "both", "gone"} {
			mustMerge(t, s, "ann", id, false, "ann: ann "+id)
			if err := s.Erase(context.Background(), home, []string{id}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// testMergeLimit holds that devices do not count, and that a person who is full
// takes nobody in.
func testMergeLimit(t *testing.T, s Store) {
	for i := range 20 {
		apply(t, s, link(fmt.Sprint("d", i), "u", noon))
	}
	list := make([]profile.Merging, profile.MaxMerged)
	for i := range list {
		list[i] = profile.Merging{Project: home, Into: ref("u"), From: ref(fmt.Sprint("u", i)), TimeMS: noon}
	}
	out, err := s.Merge(context.Background(), list)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range out {
		if want := i < profile.MaxMerged-1; want != (m.Outcome == profile.MergeDone) || want && len(m.IDs) != i+2 {
			t.Fatalf("merge %d: %d ids, outcome %d", i, len(m.IDs), m.Outcome)
		}
	}
	mustBe(t, s, fmt.Sprint("u", profile.MaxMerged-2), "u")
	mustBeUnknown(t, s, home, fmt.Sprint("u", profile.MaxMerged-1))
}

// testMergeErased holds that who was erased is not brought back by a merge.
func testMergeErased(t *testing.T, s Store) {
	applied(t, s, update("eve", `$set a 1`), update("eve2", `$set b 2`), update("fay", `$set c 3`))
	mustMerge(t, s, "eve", "eve2", false, "eve: eve eve2")
	apply(t, s, link("d-eve", "eve2", noon))
	mustBeOne(t, s, "d-eve", "eve d-eve eve2")
	if err := s.Erase(context.Background(), home, []string{"eve", "d-eve", "eve2"}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"eve", "eve2", "d-eve"} {
		mustBeUnknown(t, s, home, id)
		mustBeOne(t, s, id, id)
	}
	mustMerge(t, s, "fay", "eve2", false, "refused")
	mustMerge(t, s, "eve", "fay", false, "refused")
	mustHold(t, s, "fay", `c 3`)
}

// testMergeConcurrent merges one chain of people from many sides, while each is
// counted up: whoever wins, nobody's count is lost.
func testMergeConcurrent(t *testing.T, s Store) {
	const people, adds = 24, 10
	ctx := context.Background()
	var all sync.WaitGroup
	for i := range people {
		id := fmt.Sprint("u", i)
		all.Go(func() {
			for range adds {
				if _, err := s.Apply(ctx, profile.Changes{Updates: []profile.Update{update(id, "$add n-"+id+" 1")}}); err != nil {
					t.Error(err)
				}
			}
		})
		all.Go(func() {
			other := profile.Merging{Project: home, Into: ref(fmt.Sprint("u", (i+7)%people)), From: ref(id), TimeMS: noon}
			if _, err := s.Merge(ctx, []profile.Merging{other}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	p := get(t, s, "u0")
	if len(p.Traits) != people {
		t.Fatalf("%d people's counts, want %d: %s", len(p.Traits), people, describe(p))
	}
	for _, tr := range p.Traits {
		if string(tr.Value) != fmt.Sprint(adds) {
			t.Errorf("%s counts %s, want %d", tr.Name, tr.Value, adds)
		}
	}
	for i := range people {
		mustBe(t, s, fmt.Sprint("u", i), p.ID)
	}
}
