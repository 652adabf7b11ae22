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
	unlinked  []person // ids that had no link, and persons whom nobody was merged with
	people    []person // everybody whose lock is needed, maybe more than once
	waits     []*commit

	busy map[person]bool // the same as people
}

func (p *plan) need(who person) {
	p.people = append(p.people, who)
	p.busy[who] = true
}

type newLink struct {
	*profile.Link
	device, user person
	person       person // whom the user was merged into, or the user
	merged       bool   // device is an identifier that was merged into user
}

type sighting struct {
	*profile.Sighting
	who person
}

// plan makes the plan of a request.
func (s *Profiles) plan(c *profile.Changes) (*plan, error) {
	p := &plan{busy: map[person]bool{}}
	fresh := map[person]person{} // links that this request makes
	for i := range c.Links {
		if err := p.link(s, &c.Links[i], fresh); err != nil {
			return nil, err
		}
	}
	follow := func(id person) (person, error) {
		if user, ok := fresh[id]; ok {
			return user, nil
		}
		who, _, err := s.resolve(id)
		if err == nil {
			p.unlinked = append(p.unlinked, who) // so that a merge of theirs is noticed
		}
		return who, err
	}
	for i := range c.Updates {
		u := &c.Updates[i]
		if u.Project == "" || u.ID == "" {
			return nil, nobody()
		}
		who := personOf(u.Project, u.ID)
		if !u.ExactID {
			var err error
			if who, err = follow(who); err != nil {
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
		if !p.busy[who] && ok && !known.seen().Tells(g) {
			continue
		}
		who, err := follow(who)
		if err != nil {
			return nil, err
		}
		p.sightings = append(p.sightings, sighting{g, who})
		p.need(who)
	}
	return p, nil
}

// link plans one link: nothing if the device is linked, except to wait if it is
// so only just.
func (p *plan) link(s *Profiles, l *profile.Link, fresh map[person]person) error {
	if l.Project == "" || l.Device == "" || l.User == "" {
		return nobody()
	}
	device, user := personOf(l.Project, l.Device), personOf(l.Project, l.User)
	if _, ok := fresh[device]; ok {
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
	// A link to or from somebody who was erased makes nothing, so what the device
	// does is its own.
	if dead, err := s.erased(device, user); err != nil || dead {
		return err
	}
	root, _, err := s.resolve(user)
	if err != nil {
		return err
	}
	fresh[device] = root
	p.links = append(p.links, newLink{Link: l, device: device, user: user, person: root})
	p.unlinked = append(p.unlinked, device, root)
	p.need(device)
	p.need(user)
	p.need(root)
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
