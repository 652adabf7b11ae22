package profiletest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"loch/shared/profile"
)

func merge(from, into string) profile.Changes {
	return profile.Changes{Merges: []profile.Merge{{Project: home, From: from, Into: into}}}
}

// merged merges two people, which must not be refused.
func merged(t *testing.T, s profile.Store, from, into string) {
	t.Helper()
	if refusals := apply(t, s, merge(from, into)); len(refusals) != 0 {
		t.Fatalf("merging %s into %s was refused: %+v", from, into, refusals)
	}
}

func mustBeLinked(t *testing.T, s profile.Store, id string, want ...string) {
	t.Helper()
	ids := linked(t, s, id)
	if len(ids) == 0 || ids[0] != want[0] {
		t.Errorf("%s is linked to %v, of which the first should be %s", id, ids, want[0])
	}
	if !slices.Equal(slices.Sorted(slices.Values(ids)), slices.Sorted(slices.Values(want))) {
		t.Errorf("%s is linked to %v, want %v", id, ids, want)
	}
}

// testMerges is about two people who turn out to be one.
func testMerges(t *testing.T, open Opener, reopen Reopener) {
	s := open(t)

	t.Run("whom somebody is merged into keeps their traits, and gets those they lack", func(t *testing.T) {
		applied(t, s, update("ann", `$set name "Ann"; $set visits 3; $set tags ["a"]; $set x null`))
		applied(t, s, update("anne", `$set city "Oslo"; $set visits 40; $set tags ["b"]; $set x 1; $set name "Anne"; $set age 30`))
		merged(t, s, "anne", "ann")
		mustHold(t, s, "ann", `name "Ann"; visits 3; tags ["a"]; x null; city "Oslo"; age 30`)
		mustBe(t, s, "anne", "ann")
		mustBeLinked(t, s, "anne", "ann", "anne")
	})
	t.Run("what comes under the old id goes to the same person", func(t *testing.T) {
		applied(t, s, update("anne", `$add visits 1`))
		mustHold(t, s, "ann", `name "Ann"; visits 4; tags ["a"]; x null; city "Oslo"; age 30`)
		apply(t, s, sighted("anne", noon+5*minute))
		mustBeSeen(t, s, "ann", profile.Seen{FirstMS: noon, LastMS: noon + 5*minute})
	})
	t.Run("again, or the other way round, changes nothing", func(t *testing.T) {
		merged(t, s, "anne", "ann")
		merged(t, s, "ann", "anne")
		merged(t, s, "ann", "ann")
		mustBe(t, s, "anne", "ann")
		mustBe(t, s, "ann", "ann")
	})
	t.Run("when, where and how are joined", func(t *testing.T) {
		apply(t, s, seenAs("bob", profile.SeenAt(noon, oslo, desktop, direct)))
		apply(t, s, seenAs("rob", profile.SeenAt(noon-minute, profile.Place{}, phone, letter).Join(profile.SeenAt(noon+minute, lima, profile.DeviceInfo{}, search))))
		merged(t, s, "rob", "bob")
		mustBeSeen(t, s, "bob", profile.Seen{FirstMS: noon - minute, LastMS: noon + minute, Place: lima, Device: desktop, Arrival: letter})
	})
	t.Run("a device with a profile becomes a user's, traits included", func(t *testing.T) {
		applied(t, s, update("d1", `$set theme "dark"; $set plan "none"`), update("cai", `$set plan "pro"`))
		merged(t, s, "d1", "cai")
		mustHold(t, s, "d1", `plan "pro"; theme "dark"`)
		apply(t, s, link("d1", "bob", noon)) // the first counts
		mustBe(t, s, "d1", "cai")
	})
	t.Run("all devices come along, those of later too", func(t *testing.T) {
		apply(t, s, link("phone1", "dan", noon))
		apply(t, s, link("phone2", "dee", noon))
		merged(t, s, "dan", "dee")
		apply(t, s, link("phone3", "dan", noon))
		mustBeLinked(t, s, "phone1", "dee", "dan", "phone1", "phone2", "phone3")
		applied(t, s, update("phone1", `$add n 1`), update("phone3", `$add n 1`), update("dan", `$add n 1`))
		mustHold(t, s, "phone2", `n 3`)
	})
	t.Run("by a device, its user is merged", func(t *testing.T) {
		apply(t, s, link("phone4", "eve", noon))
		merged(t, s, "phone4", "phone2")
		mustBe(t, s, "eve", "dee")
	})
	t.Run("one into another into a third", func(t *testing.T) {
		applied(t, s, update("f1", `$set a 1`), update("f2", `$set a 2; $set b 2`), update("f3", `$set a 3; $set b 3; $set c 3`))
		merged(t, s, "f3", "f2")
		merged(t, s, "f2", "f1")
		mustHold(t, s, "f3", `a 1; b 2; c 3`)
		mustBeLinked(t, s, "f2", "f1", "f2", "f3")
	})
	t.Run("people of whom nothing is known yet", func(t *testing.T) {
		merged(t, s, "g1", "g2")
		mustBeUnknown(t, s, home, "g1")
		applied(t, s, update("g1", `$set a 1`))
		mustBe(t, s, "g1", "g2")
	})
	t.Run("an update of exactly the old id is not the person's", func(t *testing.T) {
		u := update("anne", `$set name "Nobody"`)
		u.ExactID = true
		applied(t, s, u)
		mustBe(t, s, "anne", "ann")
		if p := get(t, s, "anne"); string(p.Traits[0].Value) != `"Ann"` {
			t.Errorf("the profile is %s", describe(p))
		}
	})
	t.Run("what was sent before counts once after, too", func(t *testing.T) {
		applied(t, s, named("h1", "a", `$add n 1`))
		merged(t, s, "h1", "h2")
		applied(t, s, named("h1", "a", `$add n 1`), named("h1", "b", `$add n 1`))
		mustHold(t, s, "h2", `n 2`)
	})
	t.Run("a request's links come first, then merges, then updates", func(t *testing.T) {
		c := merge("phone6", "i2")
		c.Links = link("phone6", "i1", noon).Links
		c.Updates = []profile.Update{update("phone6", `$set a 1`)}
		c.Sightings = sighted("i1", noon+3*minute).Sightings
		apply(t, s, c)
		mustBeLinked(t, s, "i2", "i2", "i1", "phone6")
		mustHold(t, s, "i2", `a 1`)
		mustBeSeen(t, s, "i2", profile.Seen{FirstMS: noon, LastMS: noon + 3*minute})
	})
	t.Run("a user who was merged into a device is not linked to it again", func(t *testing.T) {
		merged(t, s, "j1", "phone7")
		apply(t, s, link("phone7", "j1", noon))
		mustBeLinked(t, s, "j1", "phone7", "j1")
	})
	t.Run("two links of one request, the second to somebody who was merged into the first's device", func(t *testing.T) {
		merged(t, s, "p1", "phone8")
		c := link("phone8", "p2", noon)
		c.Links = append(c.Links, link("phone9", "p1", noon-minute).Links...)
		apply(t, s, c)
		mustBeLinked(t, s, "phone9", "p2", "p1", "phone8", "phone9")
		mustBeSeen(t, s, "p2", profile.Seen{FirstMS: noon - minute, LastMS: noon})
	})
	t.Run("of projects, each is its own", func(t *testing.T) {
		if p, err := s.Get(context.Background(), "elsewhere", "anne"); err == nil {
			t.Errorf("elsewhere there is %s", describe(p))
		}
	})
	if reopen != nil {
		s = reopen(t, s)
		t.Run("after a restart", func(t *testing.T) {
			mustBeLinked(t, s, "phone1", "dee", "dan", "phone1", "phone2", "phone3", "eve", "phone4")
			mustHold(t, s, "f3", `a 1; b 2; c 3`)
		})
	}
	t.Run("who was erased is not merged", func(t *testing.T) {
		applied(t, s, update("k1", `$set a 1`), update("k2", `$set a 2`), update("k3", `$set a 3`))
		erase(t, s, "k1")
		merged(t, s, "k1", "k2")
		merged(t, s, "k3", "k1")
		mustBeUnknown(t, s, home, "k1")
		mustBeLinked(t, s, "k2", "k2")
		mustHold(t, s, "k3", `a 3`)
	})
	t.Run("a person who was merged is erased whole", func(t *testing.T) {
		erase(t, s, linked(t, s, "phone4")...)
		for _, id := range []string{"dee", "dan", "eve", "phone1", "phone2", "phone3", "phone4"} {
			mustBeUnknown(t, s, home, id)
			applied(t, s, update(id, `$set a 1`))
			mustBeUnknown(t, s, home, id)
		}
	})
	testMergeLimits(t, s)
	testMergesAtOnce(t, s)
}

func testMergeLimits(t *testing.T, s profile.Store) {
	t.Run("more than a profile may hold is refused, and nobody is merged", func(t *testing.T) {
		var half [2]profile.Update
		for n := range half {
			half[n] = update(fmt.Sprint("l", n), "")
			for i := range profile.MaxTraits/2 + n {
				half[n].Ops = append(half[n].Ops, profile.Op{Kind: profile.Set, Name: fmt.Sprintf("p%d.%d", n, i), Value: json.RawMessage("1")})
			}
		}
		applied(t, s, half[:]...)
		c := merge("l1", "l0")
		c.Merges[0].Index = 7
		c.Updates = []profile.Update{update("l1", `$set mine 1`)}
		got := apply(t, s, c)
		if len(got) != 1 || got[0].Index != 7 || got[0].Field != "$merge" || !strings.Contains(got[0].Reason, "2000 properties") {
			t.Errorf("refusals %+v", got)
		}
		mustBeLinked(t, s, "l1", "l1")
		if a, b := len(get(t, s, "l0").Traits), len(get(t, s, "l1").Traits); a != profile.MaxTraits/2 || b != profile.MaxTraits/2+2 {
			t.Errorf("the two have %d and %d properties", a, b)
		}
	})
	t.Run("a row of merges has an end", func(t *testing.T) {
		for n := range profile.MaxMergeDepth {
			merged(t, s, fmt.Sprint("m", n), fmt.Sprint("m", n+1))
		}
		end, beyond := fmt.Sprint("m", profile.MaxMergeDepth), fmt.Sprint("m", profile.MaxMergeDepth+1)
		if got := apply(t, s, merge(end, beyond)); len(got) != 1 || got[0].Field != "$merge" || got[0].Reason == "" {
			t.Errorf("refusals %+v", got)
		}
		merged(t, s, beyond, end) // this does not make the row longer
		if ids := linked(t, s, "m0"); len(ids) != profile.MaxMergeDepth+2 {
			t.Errorf("%d ids are one person", len(ids))
		}
	})
}

func testMergesAtOnce(t *testing.T, s profile.Store) {
	const writers, rounds = 8, 20
	t.Run("nothing is lost while people are merged, and no two ways of merging lock up", func(t *testing.T) {
		together(writers, func(i int) {
			for n := range rounds {
				id := fmt.Sprint("n", (i+n)%4)
				c := profile.Changes{Updates: []profile.Update{named(id, fmt.Sprint(i, ".", n), `$append log 1`)}}
				if n == rounds/2 {
					c.Merges = merge(fmt.Sprint("n", i%4), fmt.Sprint("n", (i+1)%4)).Merges
				}
				if _, err := s.Apply(context.Background(), c); err != nil {
					t.Error(err)
				}
			}
		})
		// Which list is kept is up to chance; ids and lookups must agree in any case.
		ids := linked(t, s, "n0")
		if len(ids) != 4 {
			t.Fatalf("one person has %v", ids)
		}
		for _, id := range ids {
			mustBe(t, s, id, ids[0])
		}
	})
	t.Run("additions under the old id all count", func(t *testing.T) {
		applied(t, s, update("o0", `$set a 1`))
		together(writers, func(i int) {
			for n := range rounds {
				c := profile.Changes{Updates: []profile.Update{update("o1", `$add n 1`)}}
				if i == 0 && n == rounds/2 {
					c.Merges = merge("o1", "o0").Merges
				}
				if _, err := s.Apply(context.Background(), c); err != nil {
					t.Error(err)
				}
			}
		})
		mustHold(t, s, "o1", fmt.Sprintf("a 1; n %d", writers*rounds))
	})
}
