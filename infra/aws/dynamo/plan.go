package dynamo

import (
	"context"
	"maps"
	"slices"
	"sync"

	"loch/shared/profile"
)

// plan finds out whom a request is about. It holds what the request has read, and what
// its updates have cost.
type plan struct {
	s     *Profiles
	e     *effort
	known map[key]*record

	mu    sync.Mutex
	spent profile.Effort
	taken map[*profile.Update]*profile.Refusal // updates that were counted, refused or not
}

func newPlan(ctx context.Context, s *Profiles) *plan {
	return &plan{s: s, e: s.effort(ctx), known: map[key]*record{}, taken: map[*profile.Update]*profile.Refusal{}}
}

// take counts an update that is about to be applied, or refuses it where the request
// has cost enough. One that is tried again counts once.
func (p *plan) take(to *profile.Profile, u *profile.Update) *profile.Refusal {
	p.mu.Lock()
	defer p.mu.Unlock()
	refused, again := p.taken[u]
	if !again {
		refused = p.spent.Take(to, u)
		p.taken[u] = refused
	}
	return refused
}

// follow follows an id to the person it belongs to, as far as is known. Where it ends
// is unread if nothing is known of that id.
func (p *plan) follow(k key) (who key, unread bool) {
	now := p.s.Now()
	for {
		if r, ok := p.known[k]; ok {
			if r.to == "" {
				return k, false
			}
			k = key{k.project, r.to}
			continue
		}
		to, ok := p.s.recent.leads(k, now)
		if !ok {
			return k, true
		}
		k = to
	}
}

// read reads what is not known of some ids, and of whom they lead to.
func (p *plan) read(ctx context.Context, ids []key) error {
	for {
		want := map[key]bool{}
		for _, k := range ids {
			if who, unread := p.follow(k); unread {
				want[who] = true
			}
		}
		if len(want) == 0 {
			return nil
		}
		if err := p.get(ctx, slices.Collect(maps.Keys(want))); err != nil {
			return err
		}
	}
}

// get reads records.
func (p *plan) get(ctx context.Context, ids []key) error {
	if len(ids) == 1 {
		r, err := p.s.read(ctx, p.e, ids[0])
		p.known[ids[0]] = r
		return err
	}
	keys := make([]item, len(ids))
	for n, k := range ids {
		keys[n] = k.item(skProfile)
	}
	found, err := p.s.getItems(ctx, p.e, keys)
	if err != nil {
		return err
	}
	byPK := map[string]item{}
	for _, i := range found {
		byPK[i.text(pk)] = i
	}
	for _, k := range ids {
		r, err := decodeRecord(k, byPK[k.pk()])
		if err != nil {
			return err
		}
		p.known[k] = r
		p.s.recent.saw(r, p.s.Now())
	}
	return nil
}

// groups puts together what is said about each person. Nobody is read of whom memory
// knows that a sighting tells nothing new. Nor is the only person of a request that
// updates them: the update finds out by itself whether they are who they were.
func (p *plan) groups(ctx context.Context, updates []profile.Update, left []int, sightings []profile.Sighting) ([]*group, error) {
	now := p.s.Now()
	alone := len(left) > 0
	named := map[key]bool{} // ids that the request has something to write about
	for _, i := range left {
		k := key{updates[i].Project, updates[i].ID}
		if !updates[i].ExactID {
			k, _ = p.follow(k)
		}
		named[k] = true
		alone = alone && !p.s.recent.busy(k)
	}
	var news []*profile.Sighting
	for i := range sightings {
		g := &sightings[i]
		who, _ := p.follow(key{g.Project, g.ID})
		if known, ok := p.s.recent.seen(who, now); ok && !named[who] && !known.Tells(g.Seen) {
			continue
		}
		if g.Seen.FirstMS != 0 {
			news = append(news, g)
		}
	}
	alone = alone && len(named) == 1
	var ids []key
	for _, g := range news {
		who, _ := p.follow(key{g.Project, g.ID})
		alone = alone && named[who]
		ids = append(ids, who)
	}
	if !alone {
		for _, i := range left {
			ids = append(ids, key{updates[i].Project, updates[i].ID})
		}
		if err := p.read(ctx, ids); err != nil {
			return nil, err
		}
	}

	var list []*group
	by := map[key]*group{}
	of := func(k key) *group {
		if by[k] == nil {
			by[k] = &group{key: k}
			list = append(list, by[k])
		}
		return by[k]
	}
	for _, i := range left {
		u := &updates[i]
		k := key{u.Project, u.ID}
		if !u.ExactID {
			k, _ = p.follow(k)
		}
		g := of(k)
		g.at, g.updates = append(g.at, i), append(g.updates, u)
	}
	for _, n := range news {
		who, _ := p.follow(key{n.Project, n.ID})
		g := of(who)
		g.seen = g.seen.Join(n.Seen)
	}
	return list, nil
}
