package pebble

import (
	"context"
	"hash/maphash"
	"sync/atomic"
	"time"

	"loch/shared/fault"
	"loch/shared/profile"
)

// Profiles is a profile.Store. A request's updates and links travel in one
// write to the log; events mostly cost none.
type Profiles struct {
	*database
	now     func() time.Time
	stripes stripes
	links   pending[person, struct{}] // links that are not durable yet, by device
	recent  recent

	commits, sightings, dropped atomic.Int64
}

// OpenProfiles opens the profile store in dir, which is made if it is not there.
func OpenProfiles(dir string, o Options) (*Profiles, error) {
	return openProfiles(dir, o, surroundings{})
}

func openProfiles(dir string, o Options, s surroundings) (*Profiles, error) {
	d, err := open(dir, "profiles", "profiles 2", o, s)
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Profiles{database: d, now: o.Now, stripes: stripes{seed: maphash.MakeSeed()}, recent: newRecent()}, nil
}

// Stats counts since the store was opened.
type Stats struct {
	Commits          int64 // writes to the log
	Sightings        int64 // that came
	SightingsDropped int64 // of those, how many told nothing new
}

// Stats returns the counters.
func (s *Profiles) Stats() Stats {
	return Stats{Commits: s.commits.Load(), Sightings: s.sightings.Load(), SightingsDropped: s.dropped.Load()}
}

// Get returns the profile of a lake id, for a linked device its user's.
func (s *Profiles) Get(ctx context.Context, project, id string) (profile.Profile, error) {
	if err := ctx.Err(); err != nil {
		return profile.Profile{}, gaveUp(err)
	}
	if err := s.enter(); err != nil {
		return profile.Profile{}, err
	}
	defer s.leave()
	who, _, err := s.resolve(personOf(project, id))
	if err != nil {
		return profile.Profile{}, err
	}

	// A snapshot, because the profile is two records.
	now := s.peb.NewSnapshot()
	traits, hasTraits, err := copyOf(now, who.key(traitsByte))
	seen, hasSeen := []byte(nil), false
	if err == nil {
		seen, hasSeen, err = copyOf(now, who.key(seenByte))
	}
	if e := now.Close(); err == nil && e != nil {
		err = unreadable(e)
	}
	if err != nil {
		return profile.Profile{}, err
	}
	if !hasTraits && !hasSeen {
		return profile.Profile{}, fault.New(fault.NotFound, "there is no profile for this id")
	}
	return decodeProfile(who, traits, seen)
}

// decodeProfile puts a profile together; a record that is not there is nil.
func decodeProfile(who person, traits, seen []byte) (p profile.Profile, err error) {
	p.Project, p.ID = who.split()
	if traits != nil {
		if err := decodeTraits(traits, &p); err != nil {
			return profile.Profile{}, err
		}
	}
	if seen != nil {
		s, err := decodeSeen(seen)
		if err != nil {
			return profile.Profile{}, err
		}
		p.SetSeen(s)
	}
	return p, nil
}

// resolve follows an identifier to its person: a device to its user, and whoever
// was merged to whom they were merged into.
func (s *Profiles) resolve(p person) (who person, linked bool, err error) {
	for who = p; ; linked = true {
		next, more, err := s.hop(who)
		if err != nil || !more {
			return who, linked, err
		}
		who = next
	}
}

// hop follows one link, if there is one.
func (s *Profiles) hop(p person) (who person, linked bool, err error) {
	if known, ok := s.recent.known(p); ok {
		if known.user != "" {
			return known.user, true, nil
		}
		return p, false, nil
	}
	value, ok, err := s.get(p.key(linkByte))
	if err != nil || !ok {
		return p, false, err
	}
	user, err := decodeLink(value)
	if err != nil {
		return p, false, err
	}
	who = p.sibling(user)
	s.recent.linked(p, who)
	return who, true, nil
}
