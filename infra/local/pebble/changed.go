package pebble

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"loch/shared/profile"
)

// Whoever keeps a copy of the profiles, as the lake does, must learn what changed
// since, also after a crash. So each write to a profile leaves a mark in the same
// batch, with a number that grows. A copy is made of a Frozen store, and when it is
// safe the marks are taken away, but for those that somebody has written anew.

// mark makes the record that somebody changed.
func (s *Profiles) mark(who person) (key, value []byte) {
	return who.key(changedByte), binary.BigEndian.AppendUint64(nil, uint64(s.marks.Add(1))) //nolint:gosec // it only grows from the time of opening
}

// Frozen is the store at one moment. Whoever takes one closes it.
type Frozen struct {
	s    *Profiles
	peb  *pebble.Snapshot
	seen []markedPerson
}

type markedPerson struct {
	key   []byte
	value string
}

// Freeze takes the store as it is now, with the sightings that wait.
func (s *Profiles) Freeze() (*Frozen, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	return &Frozen{s: s, peb: s.written()}, nil
}

// Close lets go of the moment.
func (f *Frozen) Close() error {
	defer f.s.leave()
	if err := f.peb.Close(); err != nil {
		return unreadable(err)
	}
	return nil
}

// Changed calls fn for the profiles that changed since they were last Settled, at
// most so many; gone says that there is no such profile any more. It returns how
// many there were.
func (f *Frozen) Changed(ctx context.Context, most int, fn func(p *profile.Profile, gone bool) error) (n int, err error) {
	err = f.marks(ctx, func(m markedPerson) error {
		if n == most {
			return errEnough
		}
		n++
		f.seen = append(f.seen, m)
		p, there, err := f.profile(person(m.key[1:]))
		if err != nil {
			return err
		}
		return fn(&p, !there)
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return n, err
}

// profile is somebody as they were at the moment; a linked device is nobody.
func (f *Frozen) profile(who person) (p profile.Profile, there bool, err error) {
	p.Project, p.ID = who.split()
	one, there, err := recordsIn(f.peb, who)
	if err != nil || !there {
		return p, false, err
	}
	p, err = decodeProfile(who, one.traits, one.seen)
	return p, true, err
}

// All calls fn for every profile of every project, in the order of ids.
func (f *Frozen) All(ctx context.Context, fn func(*profile.Profile) error) error {
	projects, err := f.projects()
	if err != nil {
		return err
	}
	for _, project := range projects {
		if err := f.Each(ctx, project, "", fn); err != nil {
			return err
		}
	}
	return nil
}

// Each calls fn for every profile of one project whose id comes after one.
func (f *Frozen) Each(ctx context.Context, project, after string, fn func(*profile.Profile) error) error {
	from := after
	if after != "" {
		from += "\x00" // the first text behind it
	}
	return walk(ctx, f.peb, project, from, "", func(one *raw) error {
		// The profile keeps parts of the record, which is good until the walk goes on.
		p, err := decodeProfile(personOf(project, string(one.id)), slices.Clone(one.traits), one.seen)
		if err != nil {
			return err
		}
		return fn(&p)
	})
}

// projects are those that have profiles, found by leaps over the people of each.
func (f *Frozen) projects() (list []string, err error) {
	for _, record := range []byte{traitsByte, seenByte} {
		it, err := f.peb.NewIter(&pebble.IterOptions{LowerBound: []byte{record}, UpperBound: []byte{record + 1}})
		if err != nil {
			return nil, unreadable(err)
		}
		for valid := it.First(); valid; {
			project, _ := person(it.Key()[1:]).split()
			list = append(list, project)
			valid = it.SeekGE(after(personOf(project, "").key(record)))
		}
		if err := errors.Join(it.Error(), it.Close()); err != nil {
			return nil, unreadable(err)
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(list))), nil
}

// Settled says that the copy of what Changed told is safe. That is not written
// down at once: after a crash some are told again.
func (f *Frozen) Settled() error {
	for chunk := range slices.Chunk(f.seen, settleAtOnce) {
		if err := f.settle(chunk); err != nil {
			return err
		}
	}
	f.seen = nil
	return nil
}

// AllSettled says that the copy made by All is safe: all that had changed at the
// moment is in it.
func (f *Frozen) AllSettled(ctx context.Context) error {
	chunk := make([]markedPerson, 0, settleAtOnce)
	err := f.marks(ctx, func(m markedPerson) error {
		if chunk = append(chunk, m); len(chunk) < settleAtOnce {
			return nil
		}
		err := f.settle(chunk)
		chunk = chunk[:0]
		return err
	})
	return errors.Join(err, f.settle(chunk))
}

// settleAtOnce is of how many people the locks are held together.
const settleAtOnce = 500

// settle takes marks away that nobody has written anew. Who writes one holds the
// person's lock until it can be read.
func (f *Frozen) settle(marks []markedPerson) error {
	if len(marks) == 0 {
		return nil
	}
	people := make([]person, len(marks))
	for i := range marks {
		people[i] = person(marks[i].key[1:])
	}
	defer f.s.stripes.lock(people)()
	b := f.s.peb.NewBatch()
	for _, m := range marks {
		value, ok, err := f.s.get(m.key)
		if err == nil && ok && string(value) == m.value {
			err = b.Delete(m.key, nil)
		}
		if err != nil {
			return errors.Join(unreadable(err), b.Close())
		}
	}
	if err := f.s.apply(b, false); err != nil {
		return err
	}
	return f.s.settle(b, false)
}

// marks calls fn for every mark, in the order of projects and ids.
func (f *Frozen) marks(ctx context.Context, fn func(markedPerson) error) (err error) {
	it, err := f.peb.NewIter(&pebble.IterOptions{LowerBound: []byte{changedByte}, UpperBound: []byte{changedByte + 1}})
	if err != nil {
		return unreadable(err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	n := 0
	for it.First(); it.Valid(); it.Next() {
		if n++; n%tick == 0 && ctx.Err() != nil {
			return gaveUp(ctx.Err())
		}
		value, err := it.ValueAndErr()
		if err != nil {
			return unreadable(err)
		}
		if err := fn(markedPerson{slices.Clone(it.Key()), string(value)}); err != nil {
			return err
		}
	}
	return it.Error()
}
