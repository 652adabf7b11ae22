package pebble

import (
	"context"
	"errors"
	"slices"

	"loch/shared/profile"
)

// A merged identifier is kept like a linked device: a record leads from it to
// whom it was merged into, and another back. Neither is ever changed, so what
// memory knows of a link stays true; who was merged into somebody that was merged
// in turn is found by following both.

// mergedMark is the value of a record from the user's side whose other end was
// merged. A linked device's is empty.
var mergedMark = []byte{1}

var _ profile.Merger = (*Profiles)(nil)

// Merge makes identifiers one person. Each merging is a batch of its own, and all
// of them share the wait for the disk.
func (s *Profiles) Merge(ctx context.Context, list []profile.Merging) ([]profile.Merged, error) {
	if err := ctx.Err(); err != nil {
		return nil, gaveUp(err)
	}
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	if err := s.room(); err != nil {
		return nil, err
	}
	w := s.begin(true)
	merged := make([]profile.Merged, len(list))
	var waits []*commit
	var err error
	for i := range list {
		if merged[i], err = w.merge(&list[i], &waits); err != nil {
			break
		}
	}
	w.end(err)
	if w.commit.err != nil {
		return nil, w.commit.err
	}
	for _, other := range waits {
		if err := other.wait(); err != nil {
			return nil, err
		}
	}
	return merged, nil
}

// merge does one merging. waits gets the commits of others that it relies on.
func (w *work) merge(m *profile.Merging, waits *[]*commit) (profile.Merged, error) {
	if m.Project == "" || m.Into.ID == "" || m.From.ID == "" {
		return profile.Merged{}, nobody()
	}
	into, from := personOf(m.Project, m.Into.ID), personOf(m.Project, m.From.ID)
	for {
		keeps, _, err := w.resolve(into)
		if err != nil {
			return profile.Merged{}, err
		}
		goes, _, err := w.resolve(from)
		if err != nil {
			return profile.Merged{}, err
		}
		out, stale, err := w.mergeRoots(m, keeps, goes)
		switch {
		case err != nil:
			return profile.Merged{}, err
		case stale:
			continue
		}
		// What is told must not be lost: of what others are about to write, too.
		*waits = w.unsure(*waits, into, from)
		for _, id := range out.IDs {
			*waits = w.unsure(*waits, into.sibling(id))
		}
		return out, nil
	}
}

// unsure adds the commits of others in which people are linked or merged that are
// not durable yet.
func (w *work) unsure(waits []*commit, people ...person) []*commit {
	for _, who := range people {
		if c := w.Profiles.links.of(who); c != nil && c != w.commit && !slices.Contains(waits, c) {
			waits = append(waits, c)
		}
	}
	return waits
}

// mergeRoots merges two persons under their locks. stale says that one of them
// was merged or linked meanwhile.
func (w *work) mergeRoots(m *profile.Merging, keeps, goes person) (out profile.Merged, stale bool, err error) {
	defer w.stripes.lock([]person{keeps, goes})()
	for _, who := range []person{keeps, goes} {
		if _, linked, err := w.resolve(who); err != nil || linked {
			return out, linked, err
		}
	}
	if dead, err := w.erased(keeps, goes); err != nil || dead {
		return out, false, err
	}
	mine, err := w.merged(keeps)
	if err != nil {
		return out, false, err
	}
	_, out.Person = keeps.split()
	isDevice := func(who person, r profile.Ref) bool { return r.Device && who == personOf(m.Project, r.ID) }
	switch intoDevice, fromDevice := isDevice(keeps, m.Into), isDevice(goes, m.From); {
	case keeps == goes:
		out.Outcome, out.IDs = profile.MergeDone, mine
		return out, false, nil
	case m.OnlyNew && goes != personOf(m.Project, m.From.ID), intoDevice && fromDevice:
		return profile.Merged{}, false, nil
	case intoDevice || fromDevice:
		return profile.Merged{Outcome: profile.MergeLinks}, false, nil
	case m.OnlyNew:
		if may, err := w.mayTake(m, goes); err != nil || !may {
			return profile.Merged{}, false, err
		}
	}
	theirs, err := w.merged(goes)
	if err != nil {
		return out, false, err
	}
	if len(mine)+len(theirs) > profile.MaxMerged {
		return profile.Merged{}, false, nil
	}
	out.Outcome, out.IDs = profile.MergeDone, append(mine, theirs...)
	slices.Sort(out.IDs)
	groups, err := w.absorb(m, keeps, goes)
	if err != nil || groups {
		return profile.Merged{}, false, err
	}
	return out, false, nil
}

// mayTake tells whether nothing of a person speaks against the merge. Their lock is
// held.
func (w *work) mayTake(m *profile.Merging, goes person) (bool, error) {
	if others, err := w.hasOthers(goes); err != nil || others {
		return false, err
	}
	updated := false
	for _, record := range []byte{traitsByte, deletedByte} {
		_, there, err := w.get(goes.key(record))
		if err != nil {
			return false, err
		}
		updated = updated || there
	}
	seen, err := w.seen(goes)
	return m.MayTake(updated, seen != profile.Seen{}), err
}

// hasOthers tells whether any identifier leads to somebody.
func (s *Profiles) hasOthers(who person) (known bool, err error) {
	err = s.scan(who.linkedKey(), func(_, _ []byte) error { known = true; return errEnough })
	if errors.Is(err, errEnough) {
		err = nil
	}
	return known, err
}

// absorb writes the merge of goes into keeps. Both locks are held. groups says that one
// of them is a group, and nothing was written.
func (w *work) absorb(m *profile.Merging, keeps, goes person) (groups bool, err error) {
	winner, err := w.record(keeps, true)
	if err != nil {
		return false, err
	}
	loser, err := w.record(goes, true)
	if err != nil {
		return false, err
	}
	if winner.p.GroupKey != "" || loser.p.GroupKey != "" {
		return true, w.flush() // nothing, but what was read is good under these locks only
	}
	winner.p.Absorb(&loser.p)
	winner.newTraits, winner.newSeen = winner.p.UpdatedMS != 0, winner.p.Seen() != profile.Seen{}
	loser.gone, loser.p = true, profile.Profile{Project: loser.p.Project, ID: loser.p.ID}
	w.links = append(w.links, newLink{device: goes, user: keeps, ms: m.TimeMS, merged: true})
	return false, w.flush()
}

// merged are the identifiers that were merged into a person, and the person's own.
func (s *Profiles) merged(who person) (ids []string, err error) {
	_, own := who.split()
	ids = []string{own}
	err = s.below(who, func(id string, merged bool) {
		if merged {
			ids = append(ids, id)
		}
	})
	slices.Sort(ids)
	return ids, err
}

// below calls fn with every identifier that leads to a person, over however many
// others.
func (s *Profiles) below(who person, fn func(id string, merged bool)) error {
	for open := []person{who}; len(open) > 0; {
		user := open[len(open)-1]
		open = open[:len(open)-1]
		prefix := user.linkedKey()
		if err := s.scan(prefix, func(k, v []byte) error {
			id := string(k[len(prefix):])
			fn(id, len(v) > 0)
			if len(v) > 0 { // nothing leads to a device
				open = append(open, user.sibling(id))
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}
