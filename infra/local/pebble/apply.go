package pebble

import (
	"context"
	"errors"
	"slices"

	"loch/shared/profile"
)

// Apply makes a request's changes durable. They become visible together and
// are written together, unless they are so large that they are written in
// parts; each update is whole in any case.
func (s *Profiles) Apply(ctx context.Context, c profile.Changes) ([]profile.Refusal, error) {
	if err := ctx.Err(); err != nil {
		return nil, gaveUp(err)
	}
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	s.writers.Add(1)
	defer s.writers.Add(-1)
	s.sightings.Add(int64(len(c.Sightings)))
	refusals, err := s.change(&c)
	if err := s.writeDue(); err != nil { // no reason to fail what is done; it is tried again
		s.log.out.Warn("sightings could not be written; it is tried again", "error", err)
	}
	return refusals, err
}

// change plans and carries out until a plan holds.
func (s *Profiles) change(c *profile.Changes) ([]profile.Refusal, error) {
	for {
		p, err := s.plan(c)
		if err != nil {
			return nil, err
		}
		if !p.idle() {
			if err := s.room(); err != nil {
				if p.mustLast() {
					return nil, err
				}
				p.sightings = nil // the events themselves are kept elsewhere; last seen can wait
			}
		}
		refusals, again, err := s.execute(c, p)
		if again {
			continue
		}
		for _, other := range p.waits {
			err = errors.Join(err, other.wait())
		}
		if err != nil {
			return nil, err
		}
		return refusals, nil
	}
}

// execute carries a plan out. again says that it was stale and nothing was done.
func (s *Profiles) execute(c *profile.Changes, p *plan) (refusals []profile.Refusal, again bool, err error) {
	if p.idle() {
		return nil, false, nil
	}
	w := s.begin(p.mustLast())
	refusals, again, err = w.underLocks(c, p)
	// Others who found one of the links wait for this, too.
	w.end(err)
	if w.commit.err != nil {
		return nil, again, w.commit.err
	}
	return refusals, again, nil
}

// begin begins to work; sync says that it is to be durable.
func (s *Profiles) begin(sync bool) *work {
	return &work{
		Profiles: s, nowMS: s.now().UnixMilli(), sync: sync, commit: newCommit(), open: map[person]*record{}, named: map[string]bool{},
	}
}

// underLocks does what must happen while nobody else touches the people. It
// ends when the writes are visible; they are not durable yet.
func (w *work) underLocks(c *profile.Changes, p *plan) (refusals []profile.Refusal, again bool, err error) {
	defer w.stripes.lock(p.people)()
	if stale, err := w.stale(p); err != nil || stale {
		return nil, stale, err
	}
	for i := range p.links {
		if err := w.link(&p.links[i]); err != nil {
			return nil, false, err
		}
	}
	for _, i := range byPerson(p.updates) {
		refused, err := w.update(p.updates[i], &c.Updates[i])
		if err != nil {
			return nil, false, err
		}
		if refused != nil {
			refusals = append(refusals, *refused)
		}
	}
	for i := range p.sightings {
		if err := w.sight(&p.sightings[i]); err != nil {
			return nil, false, err
		}
	}
	slices.SortFunc(refusals, func(a, b profile.Refusal) int { return a.Index - b.Index })
	return refusals, false, w.flush()
}

// byPerson is the order in which updates are applied: those of one person after each
// other, as they came. Turn by turn, a few large profiles would be read and written
// for each of their updates, gigabytes for a request of kilobytes.
func byPerson(people []person) []int {
	first, order := map[person]int{}, make([]int, len(people))
	for i, who := range people {
		if _, ok := first[who]; !ok {
			first[who] = i
		}
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return first[people[a]] - first[people[b]] })
	return order
}
