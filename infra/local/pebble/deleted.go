package pebble

import (
	"context"
	"encoding/binary"

	"loch/shared/fault"
	"loch/shared/profile"
)

// A $delete leaves when it was. What was known of whoever's profile it was must not
// come back by itself, nor may somebody who can prove nothing take their identifier for
// a new one.

// deletion makes the record that somebody's profile is deleted now.
func (w *work) deletion(who person) (key, value []byte) {
	return who.key(deletedByte), binary.BigEndian.AppendUint64(nil, uint64(w.nowMS)) //nolint:gosec // times are after 1970
}

// deletedSince tells whether the profile of an id, or of somebody it leads to, was
// deleted at a time or after it.
func (s *Profiles) deletedSince(id person, ms int64) (bool, error) {
	for {
		value, ok, err := s.get(id.key(deletedByte))
		switch {
		case err != nil:
			return false, err
		case ok && len(value) != 8:
			return false, fault.New(fault.Internal, "a record of the profile store is damaged")
		case ok && int64(binary.BigEndian.Uint64(value)) >= ms: //nolint:gosec // see deletion
			return true, nil
		}
		next, ok, err := s.next(id)
		if err != nil || !ok {
			return false, err
		}
		id = next
	}
}

// Recall tells again who was seen in events that were received at a time, Unix ms, and
// are kept elsewhere: what the store knows changes nothing, and what it did not write
// before a crash is known again. A $delete since then stays: it was acknowledged.
func (s *Profiles) Recall(ctx context.Context, seen []profile.Sighting, receivedMS int64) error {
	if err := ctx.Err(); err != nil {
		return gaveUp(err)
	}
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	c := profile.Changes{Sightings: seen}
	for {
		p, err := s.plan(&c)
		if err != nil {
			return err
		}
		if err := s.room(); err != nil && !p.idle() {
			return err
		}
		for i := range p.sightings {
			p.sightings[i].receivedMS = receivedMS
		}
		if _, again, err := s.execute(&c, p); err != nil || !again {
			return err
		}
	}
}
