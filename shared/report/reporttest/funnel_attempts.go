package reporttest

import (
	"fmt"
	"slices"
)

// attempts are all of a person or session.
func (q *funnelQuestion) attempts(w *world, events []*happened) []*attempt {
	if q.Order == "strict" {
		return q.strictAttempts(w, events)
	}
	var list []*attempt
	zone := q.zone(w)
	for _, start := range events {
		var same []*happened
		for _, h := range events {
			if q.held(h) == q.held(start) {
				same = append(same, h)
			}
		}
		if !start.in(q.From, q.To, zone) {
			continue
		}
		a := &attempt{tie: q.held(start), held: q.held(start), event: &happened{}}
		switch {
		case q.Order == "any" && slices.ContainsFunc(q.Steps, func(s funnelStep) bool { return s.serves(start) }):
			a.times = q.anyTimes(same, start)
			a.event = firstAt(same, start.row.TimeMS, q.Steps...)
		case q.Order != "any" && q.Steps[0].serves(start):
			a.times = q.orderedTimes(same, start)
			if len(a.times) >= q.BreakdownAt {
				a.event = firstAt(same, a.times[q.BreakdownAt-1], q.Steps[q.BreakdownAt-1])
			}
		default:
			continue
		}
		list = append(list, a)
	}
	return list
}

// firstAt is the first event of an instant that can serve one of some steps.
func firstAt(events []*happened, ms int64, steps ...funnelStep) *happened {
	for _, h := range events {
		if h.row.TimeMS == ms && slices.ContainsFunc(steps, func(s funnelStep) bool { return s.serves(h) }) {
			return h
		}
	}
	panic("no event where a step was taken")
}

// orderedTimes tries all ways to let different events serve the steps, one not
// before the other, the first in the start's instant. Step i was taken when it
// soonest can be.
func (q *funnelQuestion) orderedTimes(events []*happened, start *happened) []int64 {
	soonest := make([]int64, len(q.Steps))
	used := make([]bool, len(events))
	var try func(step int, from int64)
	try = func(step int, from int64) {
		if step == len(q.Steps) {
			return
		}
		for i, h := range events {
			t := h.row.TimeMS
			if used[i] || t < from || t > start.row.TimeMS+q.windowMS() || step == 0 && t != from || !q.Steps[step].serves(h) {
				continue
			}
			if soonest[step] == 0 || t < soonest[step] {
				soonest[step] = t
			}
			used[i] = true
			try(step+1, t)
			used[i] = false
		}
	}
	try(0, start.row.TimeMS)
	times := []int64{}
	for step, t := range soonest {
		if t == 0 || q.excluded(events, soonest, step) {
			break
		}
		times = append(times, t)
	}
	return times
}

// excluded tells whether an event ends the attempt before a step.
func (q *funnelQuestion) excluded(events []*happened, times []int64, step int) bool {
	for _, e := range q.Exclude {
		after, until := 1, len(q.Steps)
		if e.Between != nil {
			after, until = e.Between[0], e.Between[1]
		}
		if step+1 <= after || step+1 > until {
			continue
		}
		for _, h := range events {
			if h.is(e.Event) && all(e.Where, h) && h.row.TimeMS > times[after-1] && h.row.TimeMS < times[step] {
				return true
			}
		}
	}
	return false
}

// anyTimes are when the steps are first taken from the start on, in turn.
func (q *funnelQuestion) anyTimes(events []*happened, start *happened) []int64 {
	var times []int64
	for _, s := range q.Steps {
		for _, h := range events {
			if s.serves(h) && h.row.TimeMS >= start.row.TimeMS && h.row.TimeMS <= start.row.TimeMS+q.windowMS() {
				times = append(times, h.row.TimeMS)
				break
			}
		}
	}
	slices.Sort(times)
	return times
}

// strictAttempts walk from each start to the events that follow at once.
func (q *funnelQuestion) strictAttempts(w *world, events []*happened) []*attempt {
	rank := func(h *happened) int {
		for i := range q.Steps {
			if q.Steps[i].serves(h) {
				return i
			}
		}
		return len(q.Steps)
	}
	var stream []*happened
	for _, h := range events {
		if h.active() || rank(h) < len(q.Steps) {
			stream = append(stream, h)
		}
	}
	slices.SortStableFunc(stream, func(a, b *happened) int {
		if a.row.TimeMS != b.row.TimeMS {
			return int(a.row.TimeMS - b.row.TimeMS)
		}
		return rank(a) - rank(b)
	})
	zone := q.zone(w)
	var list []*attempt
	for i, start := range stream {
		if !start.in(q.From, q.To, zone) || !q.Steps[0].serves(start) {
			continue
		}
		a := &attempt{tie: fmt.Sprintf("%04d", i), held: q.held(start), event: &happened{}}
		for s := range q.Steps {
			if i+s == len(stream) {
				break
			}
			h := stream[i+s]
			if !q.Steps[s].serves(h) || h.row.TimeMS > start.row.TimeMS+q.windowMS() || q.held(h) != q.held(start) {
				break
			}
			a.times = append(a.times, h.row.TimeMS)
			if s == q.BreakdownAt-1 {
				a.event = h
			}
		}
		list = append(list, a)
	}
	return list
}
