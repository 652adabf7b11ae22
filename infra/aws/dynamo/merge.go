package dynamo

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"loch/shared/profile"
)

// A merge is a transaction like a link. Whoever was merged keeps an item that says into
// whom, and the names of their updates. A merge only ever leads from one root to
// another, and changes both items; so if both are as they were read, the identifiers
// that were counted below them are all there are.

// Merge makes identifiers one person, one merging after the other.
func (s *Profiles) Merge(ctx context.Context, list []profile.Merging) ([]profile.Merged, error) {
	merged := make([]profile.Merged, len(list))
	known := map[key]counted{}
	for i := range list {
		m := &list[i]
		if m.Project == "" || m.Into.ID == "" || m.From.ID == "" {
			return nil, nobody()
		}
		var err error
		if merged[i], err = s.mergeInTurn(ctx, m, known); err != nil {
			return nil, err
		}
	}
	return merged, nil
}

// mergeInTurn carries out one merging, of a project's one at a time in this process.
func (s *Profiles) mergeInTurn(ctx context.Context, m *profile.Merging, known map[key]counted) (profile.Merged, error) {
	done, _, err := s.turns.take(ctx, key{project: m.Project})
	if err != nil {
		return profile.Merged{}, err
	}
	defer done()
	for e := s.effort(ctx); ; {
		out, again, err := s.merge(ctx, e, m, known)
		if err != nil || !again {
			return out, err
		}
		if err := e.yield(ctx); err != nil {
			return profile.Merged{}, err
		}
	}
}

// counted are the identifiers that were merged into a person as of a revision.
type counted struct {
	rev int64
	ids []string
}

// merge tries one merging. again says that an item had changed, and nothing was done.
// known are people of the same request.
func (s *Profiles) merge(ctx context.Context, e *effort, m *profile.Merging, known map[key]counted) (out profile.Merged, again bool, err error) {
	keeps, err := s.root(ctx, e, key{m.Project, m.Into.ID})
	if err != nil {
		return out, false, err
	}
	goes, err := s.root(ctx, e, key{m.Project, m.From.ID})
	if err != nil || keeps.dead || goes.dead {
		return out, false, err
	}
	isDevice := func(r *record, ref profile.Ref) bool { return ref.Device && r.id == ref.ID }
	switch intoDevice, fromDevice := isDevice(keeps, m.Into), isDevice(goes, m.From); {
	case keeps.id == goes.id:
	case m.OnlyNew && goes.id != m.From.ID, intoDevice && fromDevice:
		return out, false, nil
	case intoDevice || fromDevice:
		return profile.Merged{Outcome: profile.MergeLinks}, false, nil
	case m.OnlyNew:
		if !m.MayTake(goes.p.UpdatedMS != 0 || goes.deletedMS != 0, goes.p.Seen() != profile.Seen{}) {
			return out, false, nil
		}
		if known, err := s.hasOthers(ctx, e, goes.key); err != nil || known {
			return out, false, err
		}
	}
	mine, err := s.merged(ctx, e, keeps, known)
	if err != nil {
		return out, false, err
	}
	done := profile.Merged{Outcome: profile.MergeDone, Person: keeps.id, IDs: mine}
	if keeps.id == goes.id {
		return done, false, nil
	}
	if keeps.p.GroupKey != "" || goes.p.GroupKey != "" {
		return out, false, nil
	}
	theirs, err := s.merged(ctx, e, goes, known)
	if err != nil || len(mine)+len(theirs) > profile.MaxMerged {
		return out, false, err
	}
	done.IDs = slices.Concat(mine, theirs)
	slices.Sort(done.IDs)
	rev := keeps.rev + 1
	if again, err = s.absorb(ctx, e, keeps, goes); err == nil && !again {
		known[keeps.key] = counted{rev, done.IDs}
	}
	return done, again, err
}

// hasOthers tells whether any identifier leads to somebody.
func (s *Profiles) hasOthers(ctx context.Context, e *effort, who key) (known bool, err error) {
	q := query{pk: text(who.pk()), from: text(skDevice), keysOnly: true, most: 1}
	err = s.walk(ctx, e, q, func(item) error {
		known = true
		return nil
	})
	return known, err
}

// absorb writes the merge of goes into keeps.
func (s *Profiles) absorb(ctx context.Context, e *effort, keeps, goes *record) (again bool, err error) {
	w, err := s.newWrite(false)
	if err != nil {
		return false, err
	}
	wasKept, wasGone := *keeps, *goes
	for _, r := range []*record{keeps, goes} {
		if err := s.load(ctx, e, r); err != nil {
			return false, err
		}
		if r.to != "" || r.dead {
			return true, nil
		}
	}
	keeps.p.Absorb(&goes.p)
	keeps.names.join(&goes.names, w.week())
	goes.p, goes.parts, goes.to = profile.Profile{Project: goes.project, ID: goes.id}, "", keeps.id
	if err := s.spill(ctx, e, keeps, w); err != nil {
		return false, err
	}
	if err := s.shape(ctx, e, keeps); err != nil {
		return false, err
	}
	var writes []types.TransactWriteItem
	for _, r := range []*record{keeps, goes} {
		i, err := r.encode(w)
		if err != nil {
			return false, err
		}
		condition, values := r.unchanged()
		writes = append(writes, s.putting(i, condition, values))
	}
	leads := keeps.key.item(skDevice + goes.id)
	leads[aMerged] = yes()
	err = s.transact(ctx, e, append(writes, s.putting(leads, nil, nil)))
	s.recent.forget(keeps.key)
	s.recent.forget(goes.key)
	if _, changed := errors.AsType[*refusedCall](err); changed {
		s.tidy(ctx, e, keeps, &wasKept)
		return true, nil
	}
	if err != nil {
		return false, err
	}
	s.tidy(ctx, e, &wasKept, keeps)
	s.tidy(ctx, e, &wasGone, goes)
	return false, nil
}

// merged are the identifiers that were merged into a person, and the person's own.
func (s *Profiles) merged(ctx context.Context, e *effort, who *record, known map[key]counted) (ids []string, err error) {
	if c, ok := known[who.key]; ok && c.rev == who.rev {
		return c.ids, nil
	}
	ids = []string{who.id}
	err = s.below(ctx, e, who.key, func(id string, merged bool) {
		if merged {
			ids = append(ids, id)
		}
	})
	slices.Sort(ids)
	return ids, err
}

// below calls fn with every identifier that leads to a person, over however many
// others.
func (s *Profiles) below(ctx context.Context, e *effort, who key, fn func(id string, merged bool)) error {
	for open := []key{who}; len(open) > 0; {
		user := open[len(open)-1]
		open = open[:len(open)-1]
		err := s.walk(ctx, e, query{pk: text(user.pk()), from: text(skDevice)}, func(i item) error {
			id := strings.TrimPrefix(i.text(sk), skDevice)
			merged := i.has(aMerged)
			fn(id, merged)
			if merged { // nothing leads to a device
				open = append(open, key{user.project, id})
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Linked returns the lake ids that are one person, the person's own first.
func (s *Profiles) Linked(ctx context.Context, project, id string) ([]string, error) {
	e := s.effort(ctx)
	r, err := s.root(ctx, e, key{project, id})
	if err != nil {
		return nil, err
	}
	ids := []string{r.id}
	err = s.below(ctx, e, r.key, func(id string, _ bool) { ids = append(ids, id) })
	return ids, err
}
