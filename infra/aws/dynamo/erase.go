package dynamo

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// An erasure goes in two steps. First gravestones take the place of the ids' items,
// whole: from then on nothing is known of them, and nothing can be written or linked.
// That is one transaction for up to fifty ids, and one after the other for more. Then
// what else stands under the ids is taken away, and whatever device leads to one of
// them leads nowhere. Whoever breaks off calls again with the same ids: a gravestone
// is left alone, and what is left of the second step is found where it was.

// Erase takes away all that is known of the ids.
func (s *Profiles) Erase(ctx context.Context, project string, ids []string) error {
	if err := ctx.Err(); err != nil {
		return gaveUp(err)
	}
	people := make([]key, 0, len(ids))
	for _, id := range ids {
		if id == "" || project == "" {
			return nobody()
		}
		people = append(people, key{project, id})
	}
	people = slices.Compact(slices.SortedFunc(slices.Values(people), func(a, b key) int { return strings.Compare(a.id, b.id) }))
	e := s.effort(ctx)
	for at := 0; at < len(people); at += mostInTransaction / 2 {
		if err := s.bury(ctx, e, people[at:min(len(people), at+mostInTransaction/2)]); err != nil {
			return err
		}
	}
	for _, who := range people {
		if err := s.clear(ctx, e, who, people); err != nil {
			return err
		}
	}
	return nil
}

// bury puts gravestones where there are none.
func (s *Profiles) bury(ctx context.Context, e *effort, people []key) error {
	for {
		p := newPlan(ctx, s)
		if err := p.get(ctx, people); err != nil {
			return err
		}
		var writes []types.TransactWriteItem
		for _, who := range people {
			r := p.known[who]
			if r.dead {
				continue
			}
			grave := record{key: who, rev: r.rev, dead: true}
			i, err := grave.encode(nil)
			if err != nil {
				return err
			}
			// Whatever else is written meanwhile goes with it: nobody who erases has to
			// wait for those who write.
			condition, values := r.leads()
			writes = append(writes, s.putting(i, condition, values))
			if r.to != "" {
				writes = append(writes, s.deleting(key{who.project, r.to}.item(skDevice+who.id), nil, nil))
			}
		}
		if len(writes) == 0 {
			return nil
		}
		err := s.transact(ctx, e, writes)
		for _, who := range people {
			s.recent.forget(who)
		}
		if _, changed := errors.AsType[*refusedCall](err); !changed {
			return err
		}
		if err := e.yield(ctx); err != nil {
			return err
		}
	}
}

// leads is the condition that a record leads where it did when it was read.
func (r *record) leads() (condition *string, values item) {
	if r.to == "" {
		return aws.String("attribute_not_exists(leads)"), nil
	}
	return aws.String("leads=:to"), item{":to": text(r.to)}
}

// clear takes away what stands under a buried id besides its gravestone.
func (s *Profiles) clear(ctx context.Context, e *effort, who key, buried []key) error {
	var gone []item
	var devices []key
	err := s.walk(ctx, e, query{pk: text(who.pk()), keysOnly: true}, func(i item) error {
		if i.text(sk) == skProfile {
			return nil
		}
		gone = append(gone, i)
		if id, ok := strings.CutPrefix(i.text(sk), skDevice); ok && !slices.Contains(buried, key{who.project, id}) {
			devices = append(devices, key{who.project, id})
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, device := range devices {
		if err := s.unlink(ctx, e, device, who); err != nil {
			return err
		}
	}
	return s.deleteAll(ctx, e, gone)
}

// unlink has a device lead nowhere, if it leads to somebody.
func (s *Profiles) unlink(ctx context.Context, e *effort, device, who key) error {
	defer s.recent.forget(device)
	call := newExpression()
	n := call.name(aTo)
	call.require(n+"="+call.value(text(who.id)), func(i item) bool { return i.text(aTo) == who.id })
	call.take(aTo)
	call.addTo(aRev, number(1))
	_, err := s.updateItem(ctx, e, call, device.item(skProfile))
	if _, done := errors.AsType[*refusedCall](err); done {
		return nil
	}
	return err
}
