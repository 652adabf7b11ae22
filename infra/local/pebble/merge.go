package pebble

import (
	"encoding/binary"

	"loch/shared/fault"
	"loch/shared/profile"
)

// merge makes merges one after the other, each in a write of its own: they are
// rare, and whom the next is about hangs on the one before.
func (s *Profiles) merge(merges []profile.Merge) (refusals []profile.Refusal, err error) {
	if err := s.room(); err != nil {
		return nil, err
	}
	for i := range merges {
		m := &merges[i]
		if m.Project == "" || m.From == "" || m.Into == "" {
			return nil, nobody()
		}
		for again := true; again; {
			w := s.begin(true)
			var refused *profile.Refusal
			refused, again, err = w.merge(m)
			if w.end(err); w.commit.err != nil {
				return nil, w.commit.err
			}
			if refused != nil {
				refusals = append(refusals, *refused)
			}
		}
	}
	return refusals, nil
}

// merge makes one. again says that somebody was linked or merged meanwhile, and that
// nothing was done.
func (w *work) merge(m *profile.Merge) (refused *profile.Refusal, again bool, err error) {
	from, _, err := w.resolve(personOf(m.Project, m.From))
	if err != nil {
		return nil, false, err
	}
	into, _, err := w.resolve(personOf(m.Project, m.Into))
	if err != nil {
		return nil, false, err
	}
	if from == into {
		w.again = true // the write that made them one may be on its way
		return nil, false, w.flush()
	}
	defer w.stripes.lock([]person{from, into})()
	for _, who := range []person{from, into} {
		if _, linked, err := w.resolve(who); err != nil || linked {
			return nil, linked, err
		}
	}
	if dead, err := w.erased(from, into); err != nil || dead {
		return nil, false, err
	}
	if refused, err = w.fold(m, from, into); err != nil || refused != nil {
		return refused, false, err
	}
	return nil, false, w.flush()
}

// fold folds one person into another, under the locks of both.
func (w *work) fold(m *profile.Merge, from, into person) (*profile.Refusal, error) {
	deep, err := w.deep(from)
	if err != nil {
		return nil, err
	}
	if deep++; deep > profile.MaxMergeDepth {
		return profile.TooDeep(m), nil
	}
	old, err := w.record(from, true)
	if err != nil {
		return nil, err
	}
	kept, err := w.record(into, true)
	if err != nil {
		return nil, err
	}
	if refused := profile.Fold(&kept.p, &old.p, w.nowMS); refused != nil {
		refused.Index = m.Index
		return refused, nil
	}
	kept.newTraits, kept.newSeen = kept.p.UpdatedMS != 0, kept.p.Seen() != (profile.Seen{})
	old.gone, old.p = true, profile.Profile{Project: old.p.Project, ID: old.p.ID}
	w.links = append(w.links, newLink{device: from, user: into})
	known, err := w.deep(into)
	if err == nil && deep > known {
		w.depth = binary.AppendUvarint(nil, deep)
	}
	return nil, err
}

// deep is how many merges, one into the other, end in a person.
func (w *work) deep(who person) (uint64, error) {
	value, ok, err := w.get(who.key(depthByte))
	if err != nil || !ok {
		return 0, err
	}
	n, width := binary.Uvarint(value)
	if width != len(value) {
		return 0, fault.New(fault.Internal, "a record of the profile store is damaged")
	}
	return n, nil
}
