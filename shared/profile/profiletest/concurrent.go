package profiletest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"loch/shared/profile"
)

// together runs n goroutines that start at once and waits for them.
func together(n int, do func(i int)) {
	var done sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		done.Go(func() {
			<-start
			do(i)
		})
	}
	close(start)
	done.Wait()
}

func testConcurrent(t *testing.T, open Opener) {
	s := open(t)
	ctx := context.Background()
	const writers, rounds = 32, 25

	t.Run("N writers adding 1 give N", func(t *testing.T) {
		together(writers, func(i int) {
			for range rounds {
				updates := []profile.Update{update("shared", `$add n 1`), update(fmt.Sprintf("own%d", i), `$add n 1`)}
				if i%2 == 0 {
					updates[0], updates[1] = updates[1], updates[0] // the other order must not lock up
				}
				if _, err := s.Apply(ctx, profile.Changes{Updates: updates}); err != nil {
					t.Error(err)
				}
			}
		})
		mustHold(t, s, "shared", fmt.Sprintf("n %d", writers*rounds))
		for i := range writers {
			mustHold(t, s, fmt.Sprintf("own%d", i), fmt.Sprintf("n %d", rounds))
		}
	})

	t.Run("of many $set_once one wins, whole", func(t *testing.T) {
		together(writers, func(i int) {
			u := update("once", fmt.Sprintf(`$set_once a %d; $set_once b %d`, i, i))
			if _, err := s.Apply(ctx, profile.Changes{Updates: []profile.Update{u}}); err != nil {
				t.Error(err)
			}
		})
		p := get(t, s, "once")
		if len(p.Traits) != 2 || string(p.Traits[0].Value) != string(p.Traits[1].Value) {
			t.Errorf("the winners differ: %s", traits(p))
		}
	})

	t.Run("of many links one wins, and all see the same", func(t *testing.T) {
		found := make([]string, writers)
		together(writers, func(i int) {
			if _, err := s.Apply(ctx, link("device", fmt.Sprintf("user%d", i), noon)); err != nil {
				t.Error(err)
			}
			p, err := s.Get(ctx, home, "device")
			if err != nil {
				t.Error(err)
			}
			found[i] = p.ID
		})
		for i := range found {
			if found[i] != found[0] {
				t.Fatalf("one saw %s, another %s", found[0], found[i])
			}
		}
	})

	t.Run("sightings, links and updates of the same people at once", func(t *testing.T) {
		together(writers, func(i int) {
			device, user := fmt.Sprintf("phone%d", i%4), fmt.Sprintf("owner%d", i%4)
			for round := range int64(rounds) {
				c := link(device, user, noon)
				c.Updates = []profile.Update{update(device, `$add n 1`)}
				c.Sightings = append(sighted(device, noon+round*minute).Sightings, sighted(user, noon-round*minute).Sightings...)
				if _, err := s.Apply(ctx, c); err != nil {
					t.Error(err)
				}
			}
		})
		for i := range 4 {
			user := fmt.Sprintf("owner%d", i)
			mustHold(t, s, user, fmt.Sprintf("n %d", writers/4*rounds))
			mustBeSeen(t, s, user, profile.Seen{FirstMS: noon - (rounds-1)*minute, LastMS: noon + (rounds-1)*minute})
		}
	})
}

// testDurable closes and opens again. What an Apply with updates or links
// acknowledged is there.
func testDurable(t *testing.T, open Opener, reopen Reopener) {
	s := open(t)
	u := update("ann", `$set name "Ann"; $add n 9007199254740993; $append list {"a":[1.50,null]}`)
	u.Place, u.DeviceInfo, u.Arrival = oslo, phone, letter
	g := update("acme", `$set seats 5`)
	g.GroupKey = "company"
	gone := update("gone", `$set a 1`)
	applied(t, s, u, g, gone)
	applied(t, s, update("gone", `$delete`))
	apply(t, s, link("phone1", "ann", noon+minute))
	before := []profile.Profile{get(t, s, "ann"), get(t, s, "acme"), get(t, s, "phone1")}

	s = reopen(t, s)
	for i, id := range []string{"ann", "acme", "phone1"} {
		if after := get(t, s, id); describe(after) != describe(before[i]) || after.Arrival != before[i].Arrival || after.UpdatedMS != before[i].UpdatedMS {
			t.Errorf("%s came back as\n  %s\nwas\n  %s", id, describe(after), describe(before[i]))
		}
	}
	mustBeUnknown(t, s, home, "gone")
	apply(t, s, link("phone1", "bob", noon+2*minute))
	mustBe(t, s, "phone1", "ann")
	applied(t, s, update("phone1", `$add n 1`))
	mustHold(t, s, "ann", `name "Ann"; n 9007199254740994; list [{"a":[1.50,null]}]`)
}
