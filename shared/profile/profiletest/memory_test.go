package profiletest_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"loch/shared/fault"
	"loch/shared/profile"
	"loch/shared/profile/profiletest"
)

// The suite holds the plainest store there is to the contract: one lock and two
// maps around package profile. It shows what a store has to add to Apply.
func TestRun(t *testing.T) {
	profiletest.Run(t, func(*testing.T) profiletest.Store { return newMemory() },
		func(_ *testing.T, s profiletest.Store) profiletest.Store { return s })
}

// It has nothing to lose in a crash.
func TestCrash(t *testing.T) {
	profiletest.Crash(t, func(*testing.T) profiletest.Store { return newMemory() },
		func(_ *testing.T, s profiletest.Store, during func(profiletest.Store)) profiletest.Store {
			if rand.IntN(2) == 0 {
				during(s)
			}
			return s
		})
}

type key struct{ project, id string }

type memory struct {
	mu       sync.Mutex
	now      int64
	profiles map[key]profile.Profile
	users    map[key]string
	erased   map[key]bool
	merged   map[key]bool  // who was merged into somebody
	deleted  map[key]bool  // whose profile an update took away
	once     map[once]bool // for good, which is more than OnceForMS
}

// once names an update.
type once struct {
	key
	insertID string
}

func newMemory() *memory {
	return &memory{profiles: map[key]profile.Profile{}, users: map[key]string{}, erased: map[key]bool{},
		merged: map[key]bool{}, deleted: map[key]bool{}, once: map[once]bool{}}
}

func (m *memory) person(project, id string) key {
	for {
		user, ok := m.users[key{project, id}]
		if !ok {
			return key{project, id}
		}
		id = user
	}
}

func (m *memory) read(k key) profile.Profile {
	if p, ok := m.profiles[k]; ok {
		return p
	}
	return profile.Profile{Project: k.project, ID: k.id}
}

func (m *memory) Apply(ctx context.Context, c profile.Changes) (refusals []profile.Refusal, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if ctx.Err() != nil {
		return nil, fault.Wrap(ctx.Err(), fault.Unavailable, "the request was given up")
	}
	m.now++
	var effort profile.Effort
	for _, l := range c.Links {
		k := key{l.Project, l.Device}
		if _, ok := m.users[k]; ok || m.erased[k] || m.erased[key{l.Project, l.User}] {
			continue
		}
		user := m.person(l.Project, l.User)
		if user == k || m.erased[user] {
			continue
		}
		device := m.profiles[k]
		m.see(user, device.Seen().Join(profile.SeenAt(l.TimeMS, profile.Place{}, profile.DeviceInfo{}, profile.Arrival{})))
		m.users[k] = user.id
	}
	for i := range c.Updates {
		u := &c.Updates[i]
		k := key{u.Project, u.ID}
		if !u.ExactID {
			k = m.person(u.Project, u.ID)
		}
		name := once{key{u.Project, u.ID}, u.InsertID}
		if m.erased[k] || m.once[name] {
			continue
		}
		p := m.read(k)
		deletes := u.Deletes(&p)
		keep, refused := false, effort.Take(&p, u)
		if refused == nil {
			keep, refused = profile.Apply(&p, u, m.now)
		}
		if refused == nil && u.InsertID != "" {
			m.once[name] = true
		}
		if refused == nil && deletes {
			m.deleted[k] = true
		}
		switch {
		case refused != nil:
			refusals = append(refusals, *refused)
		case keep:
			m.profiles[k] = p
		default:
			delete(m.profiles, k)
		}
	}
	for i := range c.Sightings {
		g := &c.Sightings[i]
		m.see(m.person(g.Project, g.ID), g.Seen)
	}
	return refusals, nil
}

func (m *memory) Merge(_ context.Context, list []profile.Merging) ([]profile.Merged, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var answers []profile.Merged
	for i := range list {
		answers = append(answers, m.merge(&list[i]))
	}
	return answers, nil
}

func (m *memory) merge(g *profile.Merging) profile.Merged {
	from, into := m.person(g.Project, g.From.ID), m.person(g.Project, g.Into.ID)
	fromDevice, intoDevice := g.From.Device && from.id == g.From.ID, g.Into.Device && into.id == g.Into.ID
	mine, f, p := m.idsOf(into), m.read(from), m.read(into)
	switch {
	case m.erased[from] || m.erased[into]:
		return profile.Merged{}
	case from == into:
		return profile.Merged{Outcome: profile.MergeDone, Person: into.id, IDs: mine}
	case g.OnlyNew && from.id != g.From.ID, fromDevice && intoDevice:
		return profile.Merged{}
	case fromDevice || intoDevice:
		return profile.Merged{Outcome: profile.MergeLinks}
	case g.OnlyNew && m.hasOthers(from), !g.MayTake(m.deleted[from] || f.UpdatedMS != 0, f.Seen() != profile.Seen{}):
		return profile.Merged{}
	}
	mine = append(mine, m.idsOf(from)...)
	if len(mine) > profile.MaxMerged {
		return profile.Merged{}
	}
	if f.GroupKey != "" || p.GroupKey != "" {
		return profile.Merged{}
	}
	p.Absorb(&f)
	if p.UpdatedMS != 0 || p.Seen() != (profile.Seen{}) {
		m.profiles[into] = p
	}
	delete(m.profiles, from)
	m.users[from], m.merged[from] = into.id, true
	slices.Sort(mine)
	return profile.Merged{Outcome: profile.MergeDone, Person: into.id, IDs: mine}
}

// hasOthers tells whether anything was linked or merged into somebody.
func (m *memory) hasOthers(who key) bool {
	for other, user := range m.users {
		if other.project == who.project && user == who.id {
			return true
		}
	}
	return false
}

// idsOf are the ids that were merged into one person, and the person's own.
func (m *memory) idsOf(who key) []string {
	ids := []string{who.id}
	for i := 0; i < len(ids); i++ {
		for other, user := range m.users {
			if other.project == who.project && user == ids[i] && m.merged[other] {
				ids = append(ids, other.id)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

func (m *memory) see(k key, o profile.Seen) {
	p := m.read(k)
	seen := p.Seen()
	if !m.erased[k] && seen.Tells(o) {
		p.SetSeen(seen.Join(o))
		m.profiles[k] = p
	}
}

func (m *memory) Get(_ context.Context, project, id string) (profile.Profile, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, ok := m.profiles[m.person(project, id)]
	if !ok {
		return profile.Profile{}, fault.New(fault.NotFound, "there is no such profile")
	}
	return p, nil
}

func (m *memory) Whose(_ context.Context, project string, ids []string) (people []string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		people = append(people, m.person(project, id).id)
	}
	return people, nil
}

func (m *memory) Linked(_ context.Context, project, id string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ids := []string{m.person(project, id).id}
	for i := 0; i < len(ids); i++ {
		for device, user := range m.users {
			if device.project == project && user == ids[i] {
				ids = append(ids, device.id)
			}
		}
	}
	return ids, nil
}

func (m *memory) Erase(_ context.Context, project string, ids []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		k := key{project, id}
		delete(m.profiles, k)
		delete(m.users, k)
		delete(m.merged, k)
		for device, user := range m.users {
			if device.project == project && user == id {
				delete(m.users, device)
			}
		}
		m.erased[k] = true
	}
	return nil
}
