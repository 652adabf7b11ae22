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
// write to the log; events cost none of their own.
type Profiles struct {
	*database
	now     func() time.Time
	stripes stripes
	links   pending[person, struct{}] // links that are not durable yet, by device
	recent  recent
	waiting waiting
	rosters rosters
	marks   atomic.Int64 // the number of the last mark, see changed.go

	linkings                                          atomic.Int64 // links and merges since the store was opened
	commits, sightings, told, seenCommits, seenWrites atomic.Int64
}

// OpenProfiles opens the profile store in dir, which is made if it is not there.
func OpenProfiles(dir string, o Options) (*Profiles, error) {
	return openProfiles(dir, o, surroundings{})
}

// profilesCacheBytes holds the filters and indexes of a million profiles, which
// every look-up needs, and some of the profiles.
const profilesCacheBytes = 32 << 20

func openProfiles(dir string, o Options, s surroundings) (*Profiles, error) {
	if o.CacheBytes <= 0 {
		o.CacheBytes = profilesCacheBytes
	}
	d, err := open(dir, "profiles", "profiles 3", o, s)
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	p := &Profiles{database: d, now: o.Now, stripes: stripes{seed: maphash.MakeSeed()}, recent: newRecent(),
		rosters: rosters{limits: usualLimits}}
	d.closing = p.writeWaiting
	p.marks.Store(o.Now().UnixNano()) // above all marks of the process before
	return p, nil
}

// Stats counts since the store was opened.
type Stats struct {
	Commits       int64 // writes to the log
	Sightings     int64 // that came
	SightingsTold int64 // of those, how many told something new: as many would a store write that cannot let them wait
	SeenCommits   int64 // of the writes to the log, those of nothing but sightings
	SeenWrites    int64 // how many people's records those held
}

// Stats returns the counters.
func (s *Profiles) Stats() Stats {
	return Stats{
		Commits: s.commits.Load(), Sightings: s.sightings.Load(), SightingsTold: s.told.Load(),
		SeenCommits: s.seenCommits.Load(), SeenWrites: s.seenWrites.Load(),
	}
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

	p, ok, err := s.stored(who)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "there is no profile for this id")
	}
	return p, err
}

// Whose implements profile.Store.
func (s *Profiles) Whose(ctx context.Context, project string, ids []string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, gaveUp(err)
	}
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	people := make([]string, len(ids))
	for i, id := range ids {
		p := personOf(project, id)
		for {
			next, ok, err := s.next(p)
			if err != nil {
				return nil, err
			}
			if !ok {
				break
			}
			if c := s.links.of(p); c != nil { // not durable yet
				if err := c.wait(); err != nil {
					return nil, err
				}
			}
			p = next
		}
		_, people[i] = p.split()
	}
	return people, nil
}

// stored reads the profile of an id as it stands, from a snapshot, because it is
// two records. Of somebody whose sighting waits, nobody may write one meanwhile.
func (s *Profiles) stored(who person) (p profile.Profile, ok bool, err error) {
	if _, waits := s.waiting.of(who); waits {
		defer s.stripes.lock([]person{who})()
	}
	now := s.peb.NewSnapshot()
	traits, hasTraits, err := copyOf(now, who.key(traitsByte))
	seen, hasSeen := []byte(nil), false
	if err == nil {
		seen, hasSeen, err = copyOf(now, who.key(seenByte))
	}
	if e := now.Close(); err == nil && e != nil {
		err = unreadable(e)
	}
	late, waits := s.waiting.of(who)
	if err != nil || !hasTraits && !hasSeen && !waits {
		return profile.Profile{}, false, err
	}
	if p, err = decodeProfile(who, traits, seen); waits {
		p.SetSeen(late)
	}
	return p, err == nil, err
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

// resolve follows a device to its user, and who was merged to whom they were merged
// into, to the end. It takes no lock: a person who is found may be merged meanwhile,
// so who writes looks again under the person's lock.
func (s *Profiles) resolve(p person) (who person, linked bool, err error) {
	who = p
	for hops := 0; ; hops++ {
		next, ok, err := s.next(who)
		if err != nil {
			return p, false, err
		}
		if !ok {
			if hops > 1 {
				s.recent.linked(p, who)
			}
			return who, hops > 0, nil
		}
		who = next
	}
}

// next is whom an id was linked to or merged into.
func (s *Profiles) next(p person) (user person, ok bool, err error) {
	if known, ok := s.recent.known(p); ok {
		return known.user, known.user != "", nil
	}
	value, ok, err := s.get(p.key(linkByte))
	if err != nil || !ok {
		return "", false, err
	}
	id, err := decodeLink(value)
	if err != nil {
		return "", false, err
	}
	user = p.sibling(id)
	s.recent.linked(p, user)
	return user, true, nil
}
