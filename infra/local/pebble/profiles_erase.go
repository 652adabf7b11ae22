package pebble

import (
	"context"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"loch/shared/fault"
)

// Linked returns the lake ids that are one person, the person's own first.
func (s *Profiles) Linked(ctx context.Context, project, id string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, gaveUp(err)
	}
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	who, _, err := s.resolve(personOf(project, id))
	if err != nil {
		return nil, err
	}
	_, own := who.split()
	ids := []string{own}
	err = s.below(who, func(id string, _ bool) { ids = append(ids, id) })
	return ids, err
}

// devices are the ids that lead to a user directly: linked devices, and whoever
// was merged into the user.
func (s *Profiles) devices(user person) (ids []string, err error) {
	prefix := user.linkedKey()
	err = s.scan(prefix, func(k, _ []byte) error {
		ids = append(ids, string(k[len(prefix):]))
		return nil
	})
	return ids, err
}

// Erase takes away all that is known of the ids, in one write, and then their
// bytes from the files.
func (s *Profiles) Erase(ctx context.Context, project string, ids []string) error {
	if err := ctx.Err(); err != nil {
		return gaveUp(err)
	}
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	if err := s.room(); err != nil {
		return err
	}
	people := make([]person, len(ids))
	for i, id := range ids {
		if id == "" || project == "" {
			return nobody()
		}
		people[i] = personOf(project, id)
	}
	batch, touched := s.peb.NewBatch(), [][]byte(nil)
	if err := s.takeAway(batch, people, &touched); err != nil {
		return fault.Wrap(errors.Join(err, batch.Close()), fault.Unavailable, "the profile could not be erased; nothing was, try again")
	}
	if err := s.settle(batch, true); err != nil {
		return err
	}
	return s.scrub(ctx, touched)
}

// takeAway does what must happen while nobody else touches the people. A link is
// made under the locks of both its ends, so none comes up meanwhile.
func (s *Profiles) takeAway(b *pebble.Batch, people []person, touched *[][]byte) (err error) {
	defer s.stripes.lock(people)()
	remove := func(key []byte) {
		*touched = append(*touched, key)
		err = errors.Join(err, b.Delete(key, nil))
	}
	forget := slices.Clone(people)
	for _, who := range people {
		_, id := who.split()
		if value, ok, e := s.get(who.key(linkByte)); e != nil {
			return e
		} else if ok {
			user, e := decodeLink(value)
			if e != nil {
				return e
			}
			remove(append(who.sibling(user).linkedKey(), id...))
		}
		devices, e := s.devices(who)
		if e != nil {
			return e
		}
		for _, device := range devices {
			remove(who.sibling(device).key(linkByte))
			remove(append(who.linkedKey(), device...))
			forget = append(forget, who.sibling(device))
		}
		for _, record := range []byte{traitsByte, seenByte, linkByte, deletedByte} {
			remove(who.key(record))
		}
		err = errors.Join(err, s.eraseNames(b, who, touched))
		err = errors.Join(err, b.Set(who.key(tombByte), nil, nil))
	}
	for _, who := range forget {
		key, value := s.mark(who)
		err = errors.Join(err, b.Set(key, value, nil))
	}
	if err != nil {
		return err
	}
	if err := s.apply(b, true); err != nil {
		return err
	}
	for _, who := range people {
		s.waiting.drop(who)
	}
	for _, who := range forget {
		s.recent.people.Remove(who)
		s.rosters.touch(who, s.now())
	}
	return nil
}
