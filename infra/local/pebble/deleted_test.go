package pebble

import (
	"context"
	"testing"
	"time"

	"loch/shared/fault"
	"loch/shared/profile"
)

// What is told again after a crash does not bring back who was deleted since, under
// whichever of their identifiers; who was seen after that is known again, and so is
// everybody else.
func TestRecallLeavesTheDeletedAlone(t *testing.T) {
	const before, after = 1_000, 3_000
	ctx, dir := context.Background(), t.TempDir()
	o := quietly()
	o.Now = func() time.Time { return time.UnixMilli(2_000) }
	s := openTestProfiles(t, dir, o)
	people := []string{"gone", "phone", "old", "kept", "other"}
	seen := func(ms int64) (list []profile.Sighting) {
		for _, id := range people {
			list = append(list, sightingAt("p", id, ms, profile.Place{}))
		}
		return list
	}
	remove := func(ids ...string) {
		var c profile.Changes
		for i, id := range ids {
			c.Updates = append(c.Updates, profile.Update{Index: i, Project: "p", ID: id, Ops: []profile.Op{{Kind: profile.Delete}}})
		}
		if refused, err := s.Apply(ctx, c); err != nil || len(refused) > 0 {
			t.Fatal(refused, err)
		}
	}
	apply := func(c profile.Changes) {
		if _, err := s.Apply(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	firstSeen := func(id string, want int64) {
		t.Helper()
		p, err := s.Get(ctx, "p", id)
		if want == 0 && fault.CodeOf(err) != fault.NotFound || want != 0 && p.FirstSeenMS != want {
			t.Errorf("%s was first seen at %d, want %d (%v)", id, p.FirstSeenMS, want, err)
		}
	}
	recall := func(ms int64) {
		t.Helper()
		if err := s.Recall(ctx, seen(ms), ms); err != nil {
			t.Fatal(err)
		}
	}

	apply(profile.Changes{Sightings: seen(before)})
	apply(profile.Changes{Links: []profile.Link{{Project: "p", Device: "phone", User: "gone", TimeMS: before}}})
	remove("gone", "old")
	mustMerge(t, s, "old", "kept") // the old profile is deleted, the person it is part of now is not
	for range 2 {
		closeOnce(t, s.database)
		s = openTestProfiles(t, dir, o)
		recall(before)
		firstSeen("gone", 0)
		firstSeen("phone", 0)
		firstSeen("kept", before)
		firstSeen("other", before)
	}
	recall(after)
	firstSeen("gone", after)
	firstSeen("phone", after)
	recall(before)
	firstSeen("gone", after)

	// Nor where the same update made a new one, or a later one did.
	apply(profile.Changes{Sightings: []profile.Sighting{sightingAt("p", "back", before, profile.Place{})}})
	apply(profile.Changes{Updates: []profile.Update{{
		Project: "p", ID: "back", TimeMS: 2_000, Ops: []profile.Op{{Kind: profile.Delete}, {Kind: profile.Set, Name: "a", Value: []byte("1")}},
	}}})
	people = []string{"back"}
	recall(before)
	firstSeen("back", 2_000)
	if err := s.Erase(ctx, "p", []string{"gone"}); err != nil {
		t.Fatal(err)
	}
	if _, there, err := s.get(personOf("p", "gone").key(deletedByte)); there || err != nil {
		t.Errorf("an erasure leaves when the profile was deleted: %v", err)
	}
}
