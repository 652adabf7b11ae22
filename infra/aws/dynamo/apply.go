package dynamo

import (
	"context"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"loch/shared/fault"
	"loch/shared/profile"
)

// Apply makes a request's changes durable: first its links, one after the other, then
// for each person all that is said about them, in one write. People are written at the
// same time. Whoever turns out to have been linked or merged meanwhile is looked for
// again.
func (s *Profiles) Apply(ctx context.Context, c profile.Changes) ([]profile.Refusal, error) {
	if err := ctx.Err(); err != nil {
		return nil, gaveUp(err)
	}
	p := newPlan(ctx, s)
	for i := range c.Links {
		if l := &c.Links[i]; l.Project == "" || l.Device == "" || l.User == "" {
			return nil, nobody()
		}
	}
	if err := p.link(ctx, c.Links); err != nil {
		return nil, err
	}
	left := make([]int, len(c.Updates))
	for i := range c.Updates {
		left[i] = i
		if u := &c.Updates[i]; u.Project == "" || u.ID == "" {
			return nil, nobody()
		}
	}
	sightings := slices.Clone(c.Sightings)
	for i := range sightings {
		if g := &sightings[i]; g.Project == "" || g.ID == "" {
			return nil, nobody()
		}
	}

	// What was refused is told in the order of the list.
	refusals := make([]*profile.Refusal, len(c.Updates))
	for len(left) > 0 || len(sightings) > 0 {
		groups, err := p.groups(ctx, c.Updates, left, sightings)
		if err != nil {
			return nil, err
		}
		moved, err := p.writeAll(ctx, groups, refusals)
		if err != nil {
			return nil, err
		}
		left, sightings = nil, nil
		for _, g := range moved {
			left = append(left, g.at...)
			if g.seen != (profile.Seen{}) {
				sightings = append(sightings, profile.Sighting{Project: g.project, ID: g.id, Seen: g.seen})
			}
		}
		slices.Sort(left)
	}
	var list []profile.Refusal
	for _, r := range refusals {
		if r != nil {
			list = append(list, *r)
		}
	}
	return list, nil
}

func nobody() error {
	return fault.New(fault.Internal, "a change of a profile names nobody")
}

// atOnce is how many people of one request are written at the same time.
const atOnce = 16

// writeAll writes the groups. It returns those that turned out to be about somebody
// else, of which nothing was written, and puts refusals in their places.
func (p *plan) writeAll(ctx context.Context, groups []*group, refusals []*profile.Refusal) (moved []*group, err error) {
	if len(groups) == 1 { // as nearly always; a goroutine would be the dearest part of it
		return p.writeOne(ctx, groups[0], refusals)
	}
	var mu sync.Mutex
	all, bounded := errgroup.WithContext(ctx)
	all.SetLimit(atOnce)
	for _, g := range groups {
		all.Go(func() error {
			m, err := p.writeOne(bounded, g, refusals)
			mu.Lock()
			defer mu.Unlock()
			moved = append(moved, m...)
			return err
		})
	}
	return moved, all.Wait()
}

func (p *plan) writeOne(ctx context.Context, g *group, refusals []*profile.Refusal) (moved []*group, err error) {
	refused, elsewhere, err := p.write(ctx, g, p.known[g.key])
	if err != nil {
		return nil, err
	}
	if elsewhere {
		return []*group{g}, nil
	}
	for n, r := range refused {
		refusals[g.at[n]] = r
	}
	return nil, nil
}
