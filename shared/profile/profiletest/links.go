package profiletest

import (
	"context"
	"strings"
	"testing"

	"loch/shared/profile"
)

func link(device, user string, ms int64) profile.Changes {
	return profile.Changes{Links: []profile.Link{{Project: home, Device: device, User: user, TimeMS: ms}}}
}

func sighted(id string, ms int64) profile.Changes {
	return seenAs(id, profile.SeenAt(ms, profile.Place{}, profile.DeviceInfo{}, profile.Arrival{}))
}

func seenAs(id string, seen profile.Seen) profile.Changes {
	return profile.Changes{Sightings: []profile.Sighting{{Project: home, ID: id, Seen: seen}}}
}

// mustBe checks whose profile an id gives.
func mustBe(t *testing.T, s profile.Store, id, person string) {
	t.Helper()
	if p := get(t, s, id); p.ID != person {
		t.Errorf("Get(%s) gives %s, want %s", id, p.ID, person)
	}
}

func testLinks(t *testing.T, open Opener) {
	s := open(t)

	t.Run("a visitor signs up: the device gives the user's profile", func(t *testing.T) {
		apply(t, s, sighted("phone1", noon))
		mustBe(t, s, "phone1", "phone1")
		apply(t, s, link("phone1", "ann", noon+minute))
		applied(t, s, update("ann", `$set name "Ann"`))
		mustBe(t, s, "phone1", "ann")
		mustHold(t, s, "phone1", `name "Ann"`)
		mustBe(t, s, "ann", "ann")
	})
	t.Run("a second device", func(t *testing.T) {
		apply(t, s, link("laptop1", "ann", noon))
		mustBe(t, s, "laptop1", "ann")
		mustBe(t, s, "phone1", "ann")
	})
	t.Run("a shared device stays with its first user", func(t *testing.T) {
		apply(t, s, link("phone1", "bob", noon+2*minute))
		apply(t, s, sighted("bob", noon+2*minute))
		mustBe(t, s, "phone1", "ann")
		mustBe(t, s, "bob", "bob")
	})
	t.Run("the first of two links in one request counts", func(t *testing.T) {
		c := link("tv", "ann", noon)
		c.Links = append(c.Links, link("tv", "bob", noon).Links...)
		apply(t, s, c)
		mustBe(t, s, "tv", "ann")
	})
	t.Run("whose: in the order of the question, the id itself for who is nobody's", func(t *testing.T) {
		whose, err := s.Whose(context.Background(), home, []string{"bob", "phone1", "nobody", "ann", "tv", "phone1"})
		if got := strings.Join(whose, " "); err != nil || got != "bob ann nobody ann ann ann" {
			t.Errorf("%s %v", got, err)
		}
		whose, err = s.Whose(context.Background(), "other", []string{"phone1"})
		if err != nil || whose[0] != "phone1" {
			t.Errorf("in another project: %v %v", whose, err)
		}
	})
	t.Run("a link is a sighting of the user", func(t *testing.T) {
		apply(t, s, link("phone2", "cai", noon))
		mustBeSeen(t, s, "cai", profile.Seen{FirstMS: noon, LastMS: noon})
		mustBeSeen(t, s, "phone2", profile.Seen{FirstMS: noon, LastMS: noon})
	})
	t.Run("a user was first seen when the first device was", func(t *testing.T) {
		apply(t, s, sighted("phone3", noon-10*minute))
		apply(t, s, link("phone3", "dee", noon))
		mustBeSeen(t, s, "dee", profile.Seen{FirstMS: noon - 10*minute, LastMS: noon})
	})
	t.Run("later events of the device count for the user", func(t *testing.T) {
		apply(t, s, sighted("phone3", noon+5*minute))
		mustBeSeen(t, s, "dee", profile.Seen{FirstMS: noon - 10*minute, LastMS: noon + 5*minute})
	})
	t.Run("what was set on the device before stays behind", func(t *testing.T) {
		applied(t, s, update("phone4", `$set theme "dark"`))
		mustHold(t, s, "phone4", `theme "dark"`)
		apply(t, s, link("phone4", "eva", noon))
		mustHold(t, s, "phone4", ``)
		mustHold(t, s, "eva", ``)
	})
	t.Run("an update of a linked device is the user's", func(t *testing.T) {
		applied(t, s, update("phone4", `$set theme "light"`))
		mustHold(t, s, "eva", `theme "light"`)
	})
	t.Run("an update of exactly the device is not", func(t *testing.T) {
		u := update("phone4", `$set theme "loud"`)
		u.ExactID = true
		applied(t, s, u)
		mustHold(t, s, "eva", `theme "light"`)
		u = update("phone4", `$delete`)
		u.ExactID = true
		applied(t, s, u)
		mustHold(t, s, "phone4", `theme "light"`)
	})
	t.Run("a request's links come before its updates", func(t *testing.T) {
		c := link("phone5", "fay", noon)
		c.Updates = []profile.Update{update("phone5", `$set a 1`)}
		c.Sightings = sighted("phone5", noon+2*minute).Sightings
		apply(t, s, c)
		mustHold(t, s, "fay", `a 1`)
		mustBeSeen(t, s, "fay", profile.Seen{FirstMS: noon, LastMS: noon + 2*minute})
	})
	t.Run("$delete of the user leaves the link", func(t *testing.T) {
		applied(t, s, update("fay", `$delete`))
		mustBeUnknown(t, s, home, "fay")
		mustBeUnknown(t, s, home, "phone5")
		applied(t, s, update("phone5", `$set a 2`))
		mustHold(t, s, "fay", `a 2`)
	})
}
