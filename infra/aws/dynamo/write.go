package dynamo

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"

	"loch/shared/profile"
)

// write writes a group. r is what the request has read of the person, and may be nil.
// elsewhere says that they turned out to be linked or merged, and nothing was written.
// refused has a place for each of the group's updates.
func (p *plan) write(ctx context.Context, g *group, r *record) (refused []*profile.Refusal, elsewhere bool, err error) {
	s := p.s
	e := s.effort(ctx)
	w, err := s.newWrite(len(g.updates) > 0)
	if err != nil {
		return nil, false, err
	}
	conflicts, done := 0, func() {}
	defer func() { done() }()
	for mine := false; ; {
		call, ok := express(g, w)
		if r == nil && !ok {
			if r, err = s.read(ctx, e, g.key); err != nil {
				return nil, false, err
			}
		}
		if r != nil {
			switch {
			case w.wrote(r): // and the answer was lost
				return refused, false, nil
			case r.to != "" && !g.exact():
				return nil, true, nil
			case r.dead:
				return nil, false, nil
			case len(g.updates) == 0 && !r.p.Seen().Tells(g.seen):
				return nil, false, nil
			}
		}
		var after item
		if ok && (r == nil || call.fits(r.raw)) {
			refused = make([]*profile.Refusal, len(g.updates))
			after, err = s.updateItem(ctx, e, call, g.item(skProfile))
		} else {
			if conflicts > 0 && !mine {
				next, waited, err := s.turns.take(ctx, g.key)
				if err != nil {
					return nil, false, err
				}
				if done, mine = next, true; waited {
					w = &write{nowMS: s.nowMS(), call: w.call}
					e, r = s.effort(ctx), nil // whoever was before has written
					continue
				}
			}
			after, refused, err = p.rewrite(ctx, e, g, w, r)
		}
		no, isRefused := errors.AsType[*refusedCall](err)
		if err == nil && after == nil {
			return refused, false, nil // there was nothing to write
		}
		if isRefused {
			after = no.item
		} else if err != nil {
			return nil, false, err
		}
		now, err := decodeRecord(g.key, after)
		if err != nil {
			return nil, false, err
		}
		s.recent.saw(now, s.Now())
		if !isRefused {
			return refused, false, nil
		}
		// Somebody else was quicker, or it was not as it had to be for one call. What
		// is there is at hand, so the next try is made at once; then others get a chance.
		if conflicts++; conflicts > 2 {
			if err := e.yield(ctx); err != nil {
				return nil, false, err
			}
		}
		r = now
	}
}

// rewrite applies a group to a record that was read, and writes it whole under the
// condition that nobody wrote it since. after is nil where nothing changes.
func (p *plan) rewrite(ctx context.Context, e *effort, g *group, w *write, r *record) (after item, refused []*profile.Refusal, err error) {
	s := p.s
	if len(g.updates) > 0 {
		if err := s.load(ctx, e, r); err != nil {
			return nil, nil, err
		}
		if r.dead || r.to != "" && !g.exact() { // it was read again
			return nil, nil, &refusedCall{item: r.raw}
		}
	}
	next := *r
	next.names = r.names.clone()
	if r.names.elsewhere(w.week()) {
		if err := s.recall(ctx, e, g, &next.names, w.week()); err != nil {
			return nil, nil, err
		}
	}
	refused, changed := p.apply(g, w, &next)
	if !changed {
		return nil, refused, nil
	}
	// Those of before move; those of this write must not be anywhere without it.
	if r.names.tooMany(w.week()) {
		if err := s.putAll(ctx, e, r.names.moved(r.project, w.week())); err != nil {
			return nil, nil, err
		}
		next.names = next.names.without(&r.names, w.week())
	}
	if err := s.shape(ctx, e, &next); err != nil {
		return nil, nil, err
	}
	if after, err = next.encode(w); err != nil {
		return nil, nil, err
	}
	if err := s.put(ctx, e, r, after); err != nil {
		s.tidy(ctx, e, &next, r) // the new pieces are nobody's
		return nil, refused, err
	}
	s.tidy(ctx, e, r, &next)
	return after, refused, nil
}

// apply applies a group to a record in memory. changed says that it must be written.
func (p *plan) apply(g *group, w *write, r *record) (refused []*profile.Refusal, changed bool) {
	refused = make([]*profile.Refusal, len(g.updates))
	for n, u := range g.updates {
		name := ""
		if u.InsertID != "" {
			if name = nameOf(u); r.names.has(w.week(), name) {
				continue
			}
		}
		if refused[n] = p.take(&r.p, u); refused[n] != nil {
			continue
		}
		there, deletes := r.exists(), u.Deletes(&r.p)
		keep, no := profile.Apply(&r.p, u, w.nowMS)
		if no != nil {
			refused[n] = no
			continue
		}
		if deletes {
			r.deletedMS = w.nowMS
		}
		if !keep {
			r.p = profile.Profile{Project: r.project, ID: r.id}
		}
		if name != "" {
			r.names.add(w.week(), name)
		}
		changed = changed || keep || there || name != ""
	}
	if seen := r.p.Seen(); seen.Tells(g.seen) {
		r.p.SetSeen(seen.Join(g.seen))
		changed = true
	}
	return refused, changed
}

// shape decides where a record's traits stand, and writes the pieces of large ones.
func (s *Profiles) shape(ctx context.Context, e *effort, r *record) error {
	if !r.whole {
		return nil // nobody touched them
	}
	if r.parts = ""; !isLarge(r.p.Traits) {
		return nil
	}
	pieces, err := s.pieces(r)
	if err != nil {
		return err
	}
	r.size = sizeOf(r.p.Traits)
	return s.putAll(ctx, e, pieces)
}

// put writes a record's item under the condition that it is as it was read.
func (s *Profiles) put(ctx context.Context, e *effort, r *record, after item) error {
	condition, values := r.unchanged()
	return s.putIf(ctx, e, after, condition, values)
}

// unchanged is the condition that nobody wrote a record since it was read. A gravestone
// may have any revision, since it does not wait for those who write.
func (r *record) unchanged() (condition *string, values item) {
	if r.rev == 0 {
		return aws.String("attribute_not_exists(" + aRev + ")"), nil
	}
	return aws.String(aRev + "=:rev AND attribute_not_exists(" + aDead + ")"), item{":rev": number(r.rev)}
}

// tidy takes away the pieces of one record that another does not have. Nobody need hear
// if it fails: nobody reads them.
func (s *Profiles) tidy(ctx context.Context, e *effort, has, not *record) {
	if has.parts == "" || has.parts == not.parts {
		return
	}
	if keys, err := has.pieceKeys(); err == nil {
		_ = s.deleteAll(ctx, e, keys)
	}
}
