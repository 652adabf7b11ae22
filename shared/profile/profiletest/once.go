package profiletest

import (
	"context"
	"fmt"
	"testing"

	"loch/shared/profile"
)

// testOnce is about clients that got no answer and send again.
func testOnce(t *testing.T, open Opener, reopen Reopener) {
	s := open(t)

	t.Run("what has an id counts once, however often it is sent", func(t *testing.T) {
		for range 3 {
			applied(t, s, named("u1", "a", `$add n 1; $append list "x"`))
		}
		mustHold(t, s, "u1", `n 1; list ["x"]`)
	})
	t.Run("another id is another update", func(t *testing.T) {
		applied(t, s, named("u1", "b", `$add n 1`))
		mustHold(t, s, "u1", `n 2; list ["x"]`)
	})
	t.Run("ids are told apart, and by person", func(t *testing.T) {
		for _, name := range [][2]string{{"u2", "ab"}, {"u2a", "b"}, {"u", "2ab"}, {"u2", "a"}, {"u2", "abc"}} {
			applied(t, s, named(name[0], name[1], `$add n 1`))
		}
		mustHold(t, s, "u2", `n 3`)
		mustHold(t, s, "u2a", `n 1`)
		mustHold(t, s, "u", `n 1`)
		elsewhere := named("u2", "a", `$add n 1`)
		elsewhere.Project = "elsewhere"
		applied(t, s, elsewhere)
		if p, err := s.Get(context.Background(), "elsewhere", "u2"); err != nil || traits(p) != `n 1` {
			t.Errorf("another project's: %s, %v", traits(p), err)
		}
	})
	t.Run("what has no id counts as often as it is sent", func(t *testing.T) {
		for range 3 {
			applied(t, s, update("u3", `$add n 1`))
		}
		mustHold(t, s, "u3", `n 3`)
	})
	t.Run("twice in one request counts once, too, and the rest counts", func(t *testing.T) {
		applied(t, s, named("u4", "a", `$add n 1`), update("u4", `$add n 10`), named("u4", "a", `$add n 1`), named("u4", "b", `$add n 100`))
		mustHold(t, s, "u4", `n 111`)
		applied(t, s, named("u4", "c", `$add n 1000`), named("u4", "a", `$add n 1`))
		mustHold(t, s, "u4", `n 1111`)
	})
	t.Run("what is sent again late does not undo what came after", func(t *testing.T) {
		applied(t, s, named("u5", "a", `$set plan "free"`))
		applied(t, s, named("u5", "b", `$set plan "pro"`))
		applied(t, s, named("u5", "a", `$set plan "free"`))
		mustHold(t, s, "u5", `plan "pro"`)
	})
	t.Run("what was refused was not applied", func(t *testing.T) {
		applied(t, s, update("u6", `$set n "text"`))
		for range 2 {
			if got := apply(t, s, profile.Changes{Updates: []profile.Update{named("u6", "a", `$add n 1`)}}); len(got) != 1 {
				t.Fatalf("refusals %+v, want one", got)
			}
		}
		applied(t, s, update("u6", `$set n 1`), named("u6", "a", `$add n 1`), named("u6", "a", `$add n 1`))
		mustHold(t, s, "u6", `n 2`)
	})
	t.Run("a profile that was deleted does not come back", func(t *testing.T) {
		applied(t, s, named("u7", "a", `$add n 1`))
		applied(t, s, named("u7", "b", `$delete`))
		applied(t, s, named("u7", "a", `$add n 1`))
		mustBeUnknown(t, s, home, "u7")
		applied(t, s, update("u7", `$set n 5`))
		applied(t, s, named("u7", "b", `$delete`))
		mustHold(t, s, "u7", `n 5`)
	})
	t.Run("a device that signed up in between does not count again for its user", func(t *testing.T) {
		applied(t, s, named("d8", "a", `$add n 1`))
		apply(t, s, link("d8", "u8", noon))
		applied(t, s, named("d8", "a", `$add n 1`))
		mustHold(t, s, "u8", ``)
		applied(t, s, named("d8", "b", `$add n 1`), named("d8", "b", `$add n 1`))
		mustHold(t, s, "u8", `n 1`)
	})
	t.Run("of exactly a linked device, twice", func(t *testing.T) {
		apply(t, s, link("d10", "u10", noon))
		u := named("d10", "a", `$set a 1`)
		u.ExactID = true
		applied(t, s, u)
		applied(t, s, u)
		mustBe(t, s, "d10", "u10")
	})
	t.Run("many send the same at once", func(t *testing.T) {
		const writers, rounds = 16, 10
		together(writers, func(int) {
			for n := range rounds {
				if _, err := s.Apply(context.Background(), profile.Changes{Updates: []profile.Update{named("u9", fmt.Sprint(n), `$add n 1`)}}); err != nil {
					t.Error(err)
				}
			}
		})
		mustHold(t, s, "u9", fmt.Sprint("n ", rounds))
	})
	if reopen == nil {
		return
	}
	s = reopen(t, s)
	t.Run("after a restart", func(t *testing.T) {
		applied(t, s, named("u1", "a", `$add n 1`), named("u4", "b", `$add n 100`), named("u1", "c", `$add n 1`))
		mustHold(t, s, "u1", `n 3; list ["x"]`)
		mustHold(t, s, "u4", `n 1111`)
	})
}
