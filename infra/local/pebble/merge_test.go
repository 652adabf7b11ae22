package pebble

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"loch/shared/profile"
)

func mergeOf(from, into string) []profile.Merging {
	return []profile.Merging{{Project: "p", From: profile.Ref{ID: from}, Into: profile.Ref{ID: into}, TimeMS: 1}}
}

func mustMerge(t *testing.T, s *Profiles, from, into string) {
	t.Helper()
	out, err := s.Merge(context.Background(), mergeOf(from, into))
	if err != nil || out[0].Outcome != profile.MergeDone {
		t.Fatalf("%s into %s: %+v, %v", from, into, out, err)
	}
}

// What a merge answers goes into the lake, so none of it may be lost: neither what
// the same merge, on its way for somebody else, is about to write, nor another of
// the same person, whose ids are told as well.
func TestNoMergeIsToldBeforeItIsDurable(t *testing.T) {
	mem, ctx := vfs.NewCrashableMem(), context.Background()
	h := &held{free: make(chan struct{})}
	s := openProfilesIn(t, surroundings{fs: logFiles(mem, h.on)}, quietly())
	defer closeOnce(t, s.database)
	mustMerge(t, s, "old", "ann")
	h.hold.Store(true)
	told := make(chan string, 3)
	merge := func(from, into string) {
		out, err := s.Merge(ctx, mergeOf(from, into))
		told <- fmt.Sprint(out, err)
	}
	go merge("new", "ann")
	await(t, "the merge is visible inside Pebble", func() bool {
		_, ok, err := s.get(personOf("p", "new").key(linkByte))
		return ok && err == nil
	})
	go merge("new", "ann")
	go merge("old", "ann")
	select {
	case answer := <-told:
		t.Errorf("told before it was durable: %s", answer)
		told <- answer
	case <-time.After(30 * time.Millisecond):
	}
	h.release()
	for range 3 {
		if got, want := <-told, fmt.Sprint([]profile.Merged{{Outcome: profile.MergeDone, Person: "ann", IDs: []string{"ann", "new", "old"}}}, nil); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if n := s.links.n.Load(); n != 0 || len(s.links.claims) != 0 {
		t.Errorf("%d claims are left", n)
	}
}

// A copy of the profiles learns that somebody is gone, and what became of whom they
// were merged into; also when the one was only seen, which waits in memory.
func TestMergesAreInTheNextCopy(t *testing.T) {
	s, ctx := openTestProfiles(t, t.TempDir(), quietly()), context.Background()
	changed := func() (list []string) {
		t.Helper()
		f, err := s.Freeze()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Changed(ctx, 100, func(p *profile.Profile, gone bool) error {
			traits, err := json.Marshal(profile.ShownTraits(p.Traits))
			list = append(list, fmt.Sprintf("%s %s %d gone=%v", p.ID, traits, p.LastSeenMS, gone))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if err := f.Settled(); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		slices.Sort(list)
		return list
	}
	expect := func(want ...string) {
		t.Helper()
		if got := changed(); !slices.Equal(got, want) {
			t.Errorf("changed: %q\nwant %q", got, want)
		}
	}
	applyUpdates(t, s, one("ann"), one("old"))
	if _, err := s.Apply(ctx, profile.Changes{Sightings: []profile.Sighting{sightingAt("p", "seen", 9000, profile.Place{})}}); err != nil {
		t.Fatal(err)
	}
	expect(`ann {"n":1} 1 gone=false`, `old {"n":1} 1 gone=false`, `seen {} 9000 gone=false`)
	mustMerge(t, s, "old", "ann")
	expect(`ann {"n":1} 1 gone=false`, `old {} 0 gone=true`)
	mustMerge(t, s, "seen", "old")
	expect(`ann {"n":1} 9000 gone=false`, `seen {} 0 gone=true`)
	expect()
	mustMerge(t, s, "seen", "ann") // they are one already
	expect()
	applyUpdates(t, s, one("seen"))
	expect(`ann {"n":2} 9000 gone=false`)
	for _, record := range []byte{traitsByte, seenByte} {
		if _, there, err := s.get(personOf("p", "old").key(record)); there || err != nil {
			t.Errorf("record %#x of somebody who was merged is left, %v", record, err)
		}
	}

	f, err := s.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var all []string
	if err := f.All(ctx, func(p *profile.Profile) error {
		all = append(all, p.ID)
		return nil
	}); err != nil || !slices.Equal(all, []string{"ann"}) {
		t.Errorf("a full copy holds %q, %v", all, err)
	}
}
