package pebble

import (
	"loch/shared/fault"
	"loch/shared/profile"
)

// plan is what a request needs, found out without a lock: who its updates and
// sightings are about after all links are followed, and which locks that takes.
// Since somebody else may link a device meanwhile, execute checks it again.
type plan struct {
	links     []newLink
	updates   []person // whose profile each update is about
	sightings []sighting
	unlinked  []person // ids that had no link, which all that are followed end in
	people    []person // everybody whose lock is needed, maybe more than once
	waits     []*commit
	linkings  int64 // how many links and merges there had been

	busy  map[person]bool   // the same as people
	fresh map[person]person // links that this request makes
}

func (p *plan) need(who person) {
	p.people = append(p.people, who)
	p.busy[who] = true
}

// newLink is a link to be written, or a merge: of device into user.
type newLink struct {
	device, user person
	ms           int64
	merged       bool // device is somebody who was merged into user
}

type sighting struct {
	*profile.Sighting
	who        person
	receivedMS int64 // of one that is told again, see Recall; else 0
}

// follow follows an id to the person it belongs to, by links of this request as well.
func (p *plan) follow(s *Profiles, id person) (who person, err error) {
	for ok := true; ok && err == nil; id, ok = p.fresh[who] {
		if who, _, err = s.resolve(id); err == nil {
			p.unlinked = append(p.unlinked, who)
		}
	}
	return who, err
}

// plan makes the plan of a request.
func (s *Profiles) plan(c *profile.Changes) (*plan, error) {
	p := &plan{busy: map[person]bool{}, fresh: map[person]person{}, linkings: s.linkings.Load()}
	for i := range c.Links {
		if err := p.link(s, &c.Links[i]); err != nil {
			return nil, err
		}
	}
	for i := range c.Updates {
		u := &c.Updates[i]
		if u.Project == "" || u.ID == "" {
			return nil, nobody()
		}
		who := personOf(u.Project, u.ID)
		if !u.ExactID {
			var err error
			if who, err = p.follow(s, who); err != nil {
				return nil, err
			}
		}
		p.updates = append(p.updates, who)
		p.need(who)
	}
	for i := range c.Sightings {
		g := &c.Sightings[i]
		if g.Project == "" || g.ID == "" {
			return nil, nobody()
		}
		who := personOf(g.Project, g.ID)
		known, ok := s.recent.known(who)
		for ok && known.user != "" {
			who = known.user
			known, ok = s.recent.known(who)
		}
		// The usual event ends here: somebody known, nothing new, no read. Not if
		// the request has more to say about the same person, since memory knows
		// only what is written.
		if !p.busy[who] && ok && !known.seen().Tells(g.Seen) {
			continue
		}
		who, err := p.follow(s, who)
		if err != nil {
			return nil, err
		}
		p.sightings = append(p.sightings, sighting{Sighting: g, who: who})
		p.need(who)
	}
	return p, nil
}

// link plans one link: nothing if the device is linked, except to wait if it is
// so only just.
func (p *plan) link(s *Profiles, l *profile.Link) error {
	if l.Project == "" || l.Device == "" || l.User == "" {
		return nobody()
	}
	device := personOf(l.Project, l.Device)
	if _, ok := p.fresh[device]; ok {
		return nil
	}
	_, linked, err := s.resolve(device)
	if err != nil {
		return err
	}
	if linked {
		if c := s.links.of(device); c != nil {
			p.waits = append(p.waits, c)
		}
		return nil
	}
	user, err := p.follow(s, personOf(l.Project, l.User))
	if err != nil || user == device {
		return err // they are one by a merge
	}
	// A link to or from somebody who was erased makes nothing, so what the device
	// does is its own.
	if dead, err := s.erased(device, user); err != nil || dead {
		return err
	}
	p.fresh[device] = user
	p.links = append(p.links, newLink{device: device, user: user, ms: l.TimeMS})
	p.unlinked = append(p.unlinked, device)
	p.need(device)
	p.need(user)
	return nil
}

func nobody() error {
	return fault.New(fault.Internal, "a change of a profile names nobody")
}

// mustLast says whether the request holds what may not be lost.
func (p *plan) mustLast() bool { return len(p.links) > 0 || len(p.updates) > 0 }

// idle says whether there is nothing to write.
func (p *plan) idle() bool { return !p.mustLast() && len(p.sightings) == 0 }

// stale says whether somebody was linked or erased since the plan was made so
// that it does not hold any more. The caller holds the locks of all people; a link
// is made under the lock of its device.
func (s *Profiles) stale(p *plan) (bool, error) {
	for i := range p.links {
		if dead, err := s.erased(p.links[i].device, p.links[i].user); err != nil || dead {
			return dead, err
		}
	}
	// A link is counted before the lock of its device is let go. Mostly there was
	// none, and nobody needs to be looked up again.
	if s.linkings.Load() == p.linkings {
		return false, nil
	}
	for _, id := range p.unlinked {
		_, linked, err := s.resolve(id)
		if err != nil || linked {
			return linked, err
		}
	}
	return false, nil
}

// erased says whether one of two has a gravestone.
func (s *Profiles) erased(a, b person) (bool, error) {
	for _, who := range []person{a, b} {
		if _, dead, err := s.get(who.key(tombByte)); err != nil || dead {
			return dead, err
		}
	}
	return false, nil
}
