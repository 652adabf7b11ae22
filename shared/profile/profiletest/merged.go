package profiletest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"loch/shared/profile"
)

// joins merges the people of two ids, of whom the second stays.
func joins(t *testing.T, s profile.Merger, from, into string) {
	t.Helper()
	out, err := s.Merge(context.Background(), []profile.Merging{{Project: home, Into: ref(into), From: ref(from), TimeMS: noon}})
	if err != nil || out[0].Outcome != profile.MergeDone || out[0].Person != into {
		t.Fatalf("merging %s into %s: %+v, %v", from, into, out, err)
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

// testMerged is about what is known of two people who turned out to be one, and
// about what comes under their ids after that.
func testMerged(t *testing.T, s Store, reopen Reopener) {
	t.Run("whom somebody is merged into keeps their traits, and gets those they lack", func(t *testing.T) {
		applied(t, s, update("ann", `$set name "Ann"; $set visits 3; $set tags ["a"]; $set x null`))
		applied(t, s, update("anne", `$set city "Oslo"; $set visits 40; $set tags ["b"]; $set x 1; $set name "Anne"; $set age 30`))
		joins(t, s, "anne", "ann")
		mustHold(t, s, "ann", `name "Ann"; visits 3; tags ["a"]; x null; city "Oslo"; age 30`)
		applied(t, s, update("anne", `$add visits 1`))
		mustHold(t, s, "ann", `name "Ann"; visits 4; tags ["a"]; x null; city "Oslo"; age 30`)
	})
	t.Run("when, where and how are joined", func(t *testing.T) {
		apply(t, s, seenAs("bob", profile.SeenAt(noon, oslo, desktop, direct)))
		apply(t, s, seenAs("rob", profile.SeenAt(noon-minute, profile.Place{}, phone, letter).Join(profile.SeenAt(noon+minute, lima, profile.DeviceInfo{}, search))))
		joins(t, s, "rob", "bob")
		mustBeSeen(t, s, "bob", profile.Seen{FirstMS: noon - minute, LastMS: noon + minute, Place: lima, Device: desktop, Arrival: letter})
	})
	t.Run("somebody who was seen, merged into somebody of whom nothing is known", func(t *testing.T) {
		apply(t, s, seenAs("cy", profile.SeenAt(noon, oslo, phone, search)))
		joins(t, s, "cy", "cyd")
		mustBeSeen(t, s, "cyd", profile.Seen{FirstMS: noon, LastMS: noon, Place: oslo, Device: phone, Arrival: search})
	})
	t.Run("all devices come along, those of later too", func(t *testing.T) {
		apply(t, s, link("d-phone1", "pam", noon))
		apply(t, s, link("d-phone2", "pia", noon))
		joins(t, s, "pam", "pia")
		apply(t, s, link("d-phone3", "pam", noon))
		mustBeLinked(t, s, "d-phone1", "pia", "pam", "d-phone1", "d-phone2", "d-phone3")
		applied(t, s, update("d-phone1", `$add n 1`), update("d-phone3", `$add n 1`), update("pam", `$add n 1`))
		mustHold(t, s, "d-phone2", `n 3`)
	})
	t.Run("one into another into a third", func(t *testing.T) {
		applied(t, s, update("f1", `$set a 1`), update("f2", `$set a 2; $set b 2`), update("f3", `$set a 3; $set b 3; $set c 3`))
		joins(t, s, "f3", "f2")
		joins(t, s, "f2", "f1")
		mustHold(t, s, "f3", `a 1; b 2; c 3`)
		mustBeLinked(t, s, "f2", "f1", "f2", "f3")
	})
	t.Run("people of whom nothing is known yet", func(t *testing.T) {
		joins(t, s, "g1", "g2")
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
		joins(t, s, "h1", "h2")
		applied(t, s, named("h1", "a", `$add n 1`), named("h1", "b", `$add n 1`))
		mustHold(t, s, "h2", `n 2`)
	})
	t.Run("a link and updates of one request go to whom the user was merged into", func(t *testing.T) {
		joins(t, s, "i1", "i2")
		c := link("d-phone6", "i1", noon)
		c.Updates = []profile.Update{update("d-phone6", `$set a 1`)}
		c.Sightings = sighted("i1", noon+3*minute).Sightings
		apply(t, s, c)
		mustBeLinked(t, s, "i2", "i2", "i1", "d-phone6")
		mustHold(t, s, "i2", `a 1`)
		mustBeSeen(t, s, "i2", profile.Seen{FirstMS: noon, LastMS: noon + 3*minute})
	})
	t.Run("a profile that is full is merged, nothing is lost, and it may only shrink", func(t *testing.T) {
		for n := range 2 {
			u := update(fmt.Sprint("l", n), "")
			for i := range profile.MaxTraits/2 + n {
				u.Ops = append(u.Ops, profile.Op{Kind: profile.Set, Name: fmt.Sprintf("p%d.%d", n, i), Value: json.RawMessage("1")})
			}
			applied(t, s, u)
		}
		joins(t, s, "l0", "l1")
		if n := len(get(t, s, "l0").Traits); n != profile.MaxTraits+1 {
			t.Errorf("%d properties", n)
		}
		if refused := apply(t, s, profile.Changes{Updates: []profile.Update{update("l0", `$set more 1`)}}); len(refused) != 1 {
			t.Errorf("refused %+v", refused)
		}
		applied(t, s, update("l0", `$unset p0.0`))
	})
	if reopen != nil {
		s = reopen(t, s)
		t.Run("after a restart", func(t *testing.T) {
			mustBeLinked(t, s, "d-phone1", "pia", "pam", "d-phone1", "d-phone2", "d-phone3")
			mustHold(t, s, "f3", `a 1; b 2; c 3`)
		})
	}
	t.Run("a person who was merged is erased whole", func(t *testing.T) {
		erase(t, s, linked(t, s, "d-phone3")...)
		for _, id := range []string{"pia", "pam", "d-phone1", "d-phone2", "d-phone3"} {
			mustBeUnknown(t, s, home, id)
			applied(t, s, update(id, `$set a 1`))
			mustBeUnknown(t, s, home, id)
		}
	})
}

// testMergeWhileCounting adds under an old id while its person is merged: all count.
func testMergeWhileCounting(t *testing.T, s Store) {
	const writers, rounds = 8, 20
	applied(t, s, update("o0", `$set a 1`))
	together(writers, func(i int) {
		for n := range rounds {
			if i == 0 && n == rounds/2 {
				joins(t, s, "o1", "o0")
			}
			if _, err := s.Apply(context.Background(), profile.Changes{Updates: []profile.Update{update("o1", `$add n 1`)}}); err != nil {
				t.Error(err)
			}
		}
	})
	mustHold(t, s, "o1", fmt.Sprintf("a 1; n %d", writers*rounds))
}
