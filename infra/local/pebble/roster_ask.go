package pebble

import (
	"container/heap"
	"context"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"loch/shared/filter"
	"loch/shared/profile"
	"loch/shared/roster"
)

// best keeps the first so many places of an order, the last of them on top.
type best struct {
	most   int
	after  *roster.Place
	places []roster.Place
	count  int // of all who pass
}

// pass counts somebody, and keeps them if they stand before one that is kept. The
// id is made only for those who may.
func (b *best) pass(timeMS int64, id func() string) {
	b.count++
	if b.after != nil && timeMS > b.after.TimeMS {
		return
	}
	full := len(b.places) == b.most
	if full && timeMS < b.places[0].TimeMS {
		return
	}
	p := roster.Place{TimeMS: timeMS, ID: id()}
	switch {
	case b.after != nil && p.Compare(*b.after) <= 0:
	case !full:
		heap.Push(b, p)
	case p.Compare(b.places[0]) < 0:
		b.places[0] = p
		heap.Fix(b, 0)
	}
}

// Len, Less, Swap, Push and Pop are the heap's.
func (b *best) Len() int           { return len(b.places) }
func (b *best) Less(i, j int) bool { return b.places[i].Compare(b.places[j]) > 0 }
func (b *best) Swap(i, j int)      { b.places[i], b.places[j] = b.places[j], b.places[i] }

// Push implements heap.Interface.
func (b *best) Push(p any) { b.places = append(b.places, p.(roster.Place)) } //nolint:forcetypeassert // only pass pushes

// Pop implements heap.Interface; nothing is ever taken.
func (b *best) Pop() any { return nil }

// ask goes through a shard's rows. ok is false where a filter asks for what has no
// column.
func (s *shard) ask(ctx context.Context, q *roster.Query, b *best) (ok bool, err error) {
	pass, ok := s.filter(q.Match)
	if !ok {
		return false, nil
	}
	kinds := s.kind.answers(func(value string, missing bool) bool { return !missing && value[1:] == q.GroupKey })
	times := s.last
	if q.Order == roster.FirstSeen {
		times = s.first
	}
	one := func(row int) {
		if !kinds[s.kind.code(row)] || pass != nil && !pass(row) {
			return
		}
		var at int64
		if q.Order != roster.PersonID {
			at = times[row]
		}
		b.pass(at, func() string { return s.id(row) })
	}
	if q.Among != nil {
		for _, id := range q.Among {
			if row, ok := s.row(id); ok {
				one(row)
			}
		}
		return true, nil
	}
	for row := range s.rows() {
		if row%tick == 0 && ctx.Err() != nil {
			return true, gaveUp(ctx.Err())
		}
		one(row)
	}
	return true, nil
}

// filter makes a filter ready for this shard: each value of a column is asked
// once, and a row's answer is looked up.
func (s *shard) filter(m *filter.Matcher) (pass func(row int) bool, ok bool) {
	if m == nil || len(m.Leaves) == 0 {
		return nil, true
	}
	leaves := make([]func(row int) bool, len(m.Leaves))
	for i := range m.Leaves {
		if leaves[i] = s.leaf(&m.Leaves[i], m.Properties[m.Leaves[i].Property]); leaves[i] == nil {
			return nil, false
		}
	}
	if len(leaves) == 1 {
		only := leaves[0]
		return only, true // alone, inside any or not
	}
	return func(row int) bool { return m.Decide(func(leaf int) bool { return leaves[leaf](row) }) }, true
}

// leaf answers one condition; nil where only the records can.
func (s *shard) leaf(l *filter.Leaf, p filter.Property) func(row int) bool {
	if name, ok := roster.Column(p); ok {
		return s.factLeaf(l, name)
	}
	trait := roster.Trait(p)
	root, within := trait.Root()
	if s.mayBeFull(trait.Name) || len(within) > 0 && s.mayBeFull(root) {
		return nil
	}
	whole := s.columnOf(trait.Name)
	answers := whole.answers(func(value string, missing bool) bool {
		var v filter.Value
		if !missing {
			v = filter.JSON([]byte(value))
		}
		return l.Ask(&v)
	})
	outer := s.columnOf(root)
	if len(within) == 0 || len(outer.values) == 0 {
		return func(row int) bool { return answers[whole.code(row)] }
	}
	inner := outer.answers(func(value string, missing bool) bool {
		v := filter.JSON(trait.Of(func(name string) []byte {
			if name != root || missing {
				return nil
			}
			return []byte(value)
		}))
		return l.Ask(&v)
	})
	return func(row int) bool {
		if code := whole.code(row); code != 0 {
			return answers[code]
		}
		return inner[outer.code(row)]
	}
}

func (s *shard) columnOf(trait string) *column {
	if c := s.traits[trait]; c != nil {
		return c
	}
	return &column{}
}

func (s *shard) factLeaf(l *filter.Leaf, name string) func(row int) bool {
	moment := func(times []int64) func(int) bool {
		return func(row int) bool {
			v := filter.Moment(times[row])
			return l.Ask(&v)
		}
	}
	switch name {
	case "first_seen":
		return moment(s.first)
	case "last_seen":
		return moment(s.last)
	case "updated":
		return moment(s.updated)
	case "person_id":
		return func(row int) bool {
			v := filter.Text(s.id(row))
			return l.Ask(&v)
		}
	}
	i := slices.Index(profile.SeenTexts, name)
	if s.factsFull[i] {
		return nil
	}
	answers := s.facts[i].answers(func(value string, _ bool) bool {
		v := filter.Text(value)
		return l.Ask(&v)
	})
	return func(row int) bool { return answers[s.facts[i].code(row)] }
}

// askRecords does the same as ask on the records of a range of ids.
func askRecords(ctx context.Context, r pebble.Reader, q *roster.Query, from, to string, b *best) error {
	var among map[string]bool
	if q.Among != nil {
		among = make(map[string]bool, len(q.Among))
		for _, id := range q.Among {
			among[id] = true
		}
	}
	values := []filter.Value(nil)
	if q.Match != nil {
		values = make([]filter.Value, len(q.Match.Properties))
	}
	return walk(ctx, r, q.Project, from, to, func(one *raw) (err error) {
		if among != nil && !among[string(one.id)] {
			return nil
		}
		if _, group, _, _ := one.head(); string(group) != q.GroupKey {
			return nil
		}
		for i := range values {
			if values[i], err = one.value(q.Match.Properties[i]); err != nil {
				return err
			}
		}
		if q.Match != nil && !q.Match.Match(values) {
			return nil
		}
		var at int64
		if q.Order != roster.PersonID {
			first, last, err := one.sight(nil)
			if err != nil {
				return err
			}
			if at = last; q.Order == roster.FirstSeen {
				at = first
			}
		}
		b.pass(at, func() string { return string(one.id) })
		return nil
	})
}
