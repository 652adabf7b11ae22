package pebble

import (
	"bytes"
	"context"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"loch/shared/filter"
	"loch/shared/profile"
	"loch/shared/roster"
)

// A profile is two records, and a third where the id is a device that is linked.
// They stand far apart, each in the order of ids, so all people are walked by
// three iterators side by side. Nothing is decoded that nobody asks for.

// raw is one id's records. The slices are good until the walk goes on.
type raw struct {
	id     []byte
	traits []byte // nil where there is no such record
	seen   []byte
}

// tick is how many people a walk passes between two looks at its context.
const tick = 2048

// walk calls fn for every person of a project whose id lies in [from, to), in
// order. Without to, there is no end. Linked devices are left out.
func walk(ctx context.Context, r pebble.Reader, project, from, to string, fn func(*raw) error) (err error) {
	first := personOf(project, from)
	skip := 1 + len(first) - len(from) // what stands before the id
	var its [3]*pebble.Iterator
	defer func() {
		for _, it := range its {
			if it != nil {
				if e := it.Close(); e != nil && err == nil {
					err = unreadable(e)
				}
			}
		}
	}()
	for i, record := range []byte{traitsByte, seenByte, linkByte} {
		o := &pebble.IterOptions{LowerBound: first.key(record), UpperBound: personOf(project, to).key(record)}
		if to == "" {
			o.UpperBound = after(o.UpperBound)
		}
		if its[i], err = r.NewIter(o); err != nil {
			return unreadable(err)
		}
		its[i].First()
	}
	for n := 0; ; n++ {
		if n%tick == 0 && ctx.Err() != nil {
			return gaveUp(ctx.Err())
		}
		var one raw
		for _, it := range its[:2] {
			if it.Valid() && (one.id == nil || bytes.Compare(it.Key()[skip:], one.id) < 0) {
				one.id = it.Key()[skip:]
			}
		}
		if one.id == nil {
			return errors.Join(its[0].Error(), its[1].Error(), its[2].Error())
		}
		for its[2].Valid() && bytes.Compare(its[2].Key()[skip:], one.id) < 0 {
			its[2].Next()
		}
		linked := its[2].Valid() && bytes.Equal(its[2].Key()[skip:], one.id)
		hasTraits := its[0].Valid() && bytes.Equal(its[0].Key()[skip:], one.id)
		hasSeen := its[1].Valid() && bytes.Equal(its[1].Key()[skip:], one.id)
		if !linked {
			if one.traits, err = valueOf(its[0], hasTraits); err == nil {
				one.seen, err = valueOf(its[1], hasSeen)
			}
			if err == nil {
				err = fn(&one)
			}
			if err != nil {
				return err
			}
		}
		if hasTraits {
			its[0].Next()
		}
		if hasSeen {
			its[1].Next()
		}
	}
}

func valueOf(it *pebble.Iterator, here bool) ([]byte, error) {
	if !here {
		return nil, nil
	}
	v, err := it.ValueAndErr()
	if err != nil {
		return nil, unreadable(err)
	}
	if v == nil {
		v = []byte{}
	}
	return v, nil
}

// head is what stands before the traits, and a reader at the first of them.
func (one *raw) head() (updatedMS int64, groupKey []byte, traits int, r reader) {
	if one.traits == nil {
		return 0, nil, 0, r
	}
	r = reader{rest: one.traits}
	updatedMS, groupKey = r.number(), r.text()
	return updatedMS, groupKey, r.count(), r
}

// trait finds a trait that is not sealed; nil where there is none.
func (one *raw) trait(name string) []byte {
	_, _, n, r := one.head()
	for range n {
		found, value := r.text(), r.text()
		if string(found) == name {
			if profile.HoldsSealed(value) {
				return nil
			}
			return value
		}
	}
	return nil
}

// sight reads when somebody was first and last seen, and hands on the texts of
// profile.SeenTexts as bytes: of a million people few are looked at any closer.
func (one *raw) sight(text func(i int, value []byte)) (firstMS, lastMS int64, err error) {
	if one.seen == nil {
		return 0, 0, nil
	}
	r := reader{rest: one.seen}
	var times [5]int64 // of seenTimes
	for i := range times {
		times[i] = r.number()
	}
	for i := range profile.SeenTexts {
		if value := r.text(); text != nil {
			text(i, value)
		}
	}
	return times[0], times[1], r.end()
}

// value is a property of one who is walked past, for a filter.
func (one *raw) value(p filter.Property) (v filter.Value, err error) {
	column, ok := roster.Column(p)
	if !ok {
		return filter.JSON(roster.Trait(p).Of(one.trait)), nil
	}
	switch column {
	case "person_id":
		return filter.Text(string(one.id)), nil
	case "updated":
		updated, _, _, _ := one.head()
		return filter.Moment(updated), nil
	}
	first, last, err := one.sight(func(i int, value []byte) {
		if profile.SeenTexts[i] == column {
			v = filter.Text(string(value))
		}
	})
	switch column {
	case "first_seen":
		v = filter.Moment(first)
	case "last_seen":
		v = filter.Moment(last)
	}
	return v, err
}
