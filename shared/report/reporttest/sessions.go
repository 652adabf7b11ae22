package reporttest

import (
	"cmp"
	"math/big"
	"slices"
	"time"

	"loch/shared/event"
	"loch/shared/report"
)

// sessionsQuestion is a sessions spec, read the plain way.
type sessionsQuestion struct {
	common
	Interval string
	Top      int
}

// visit is a session: the events of one person, in order.
type visit struct {
	person string
	events []*happened
}

func (v visit) first() *happened { return v.events[0] }
func (v visit) last() *happened  { return v.events[len(v.events)-1] }

// seconds is how long a session lasted.
func (v visit) seconds() *big.Rat {
	return big.NewRat(v.last().row.TimeMS-v.first().row.TimeMS, 1000)
}

// views are its page views.
func (v visit) views() (list []*happened) {
	for _, h := range v.events {
		if h.row.Kind == event.KindPage || h.row.Kind == event.KindScreen {
			list = append(list, h)
		}
	}
	return list
}

// visits are the sessions that began on the report's days: each person's events,
// walked over with a watch in hand.
func (c *common) visits(w *world) (list []visit) {
	zone, counts := c.zone(w), c.counts(w)
	gap := w.env.SessionGap
	if gap == 0 {
		gap = 30 * time.Minute
	}
	open := map[string]int{} // by person, the session that goes on
	var all []visit
	for i := range w.events {
		h := &w.events[i]
		if h.person == "" || !h.active() || !counts(h) || c.tooLate(h, zone) {
			continue
		}
		at, known := open[h.person]
		if !known || h.row.TimeMS-all[at].last().row.TimeMS > gap.Milliseconds() {
			at = len(all)
			open[h.person] = at
			all = append(all, visit{person: h.person})
		}
		all[at].events = append(all[at].events, h)
	}
	for _, v := range all {
		if v.first().in(c.From, c.To, zone) {
			list = append(list, v)
		}
	}
	return list
}

// tooLate tells whether the last day had ended for 24 hours when it happened. A day
// that clocks show again after it was over has not ended.
func (c *common) tooLate(h *happened, zone *time.Location) bool {
	before := time.UnixMilli(h.row.TimeMS).Add(-24 * time.Hour)
	for minute := range 180 {
		if day(before.Add(time.Duration(minute)*time.Minute).UnixMilli(), zone) <= c.To {
			return false
		}
	}
	return true
}

// sessions answers by looking at all sessions again for each number.
func sessions(w *world, spec []byte) any {
	q := sessionsQuestion{Interval: "day", Top: 10}
	read(spec, &q)
	zone := q.zone(w)
	var visits []visit
	var ranked []*happened
	for _, v := range q.visits(w) {
		if slices.ContainsFunc(v.events, q.passes) {
			visits, ranked = append(visits, v), append(ranked, v.first())
		}
	}
	segmentOf := q.segments(ranked)
	parts := map[string]*part{}
	if len(q.Breakdown) == 0 {
		parts[""] = &part{}
	}
	for _, h := range ranked {
		values, order := segmentOf(h)
		parts[order] = &part{order: order, values: values}
	}
	list := make([]*part, 0, len(parts))
	for _, p := range parts {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b *part) int { return compare(a.order, b.order) })

	of := func(p *part) (some []visit) {
		for _, v := range visits {
			if _, order := segmentOf(v.first()); order == p.order {
				some = append(some, v)
			}
		}
		return some
	}
	sizes := make([]int64, len(list))
	for i, p := range list {
		sizes[i] = persons(of(p))
	}
	hidden := 0
	segments := []any{}
	names, _ := q.buckets(w, q.Interval)
	for i, hide := range report.Hide(sizes, persons(visits), w.env.MinCell) {
		if hide {
			hidden++
			continue
		}
		all := of(list[i])
		points := []any{}
		for _, name := range names {
			var some []visit
			for _, v := range all {
				if q.bucket(v.first().row.TimeMS, zone, q.Interval) == name {
					some = append(some, v)
				}
			}
			point := measured5(some)
			point["t"] = name
			points = append(points, point)
		}
		entry, fewEntry := q.pages(w, all, func(views []*happened) *happened { return views[0] })
		exit, fewExit := q.pages(w, all, func(views []*happened) *happened { return views[len(views)-1] })
		hidden += fewEntry + fewExit
		segments = append(segments, object{"segment": shown(list[i].values), "points": points, "total": measured5(all), "entry_pages": entry, "exit_pages": exit})
	}
	answer := object{"segments": segments}
	if hidden > 0 {
		answer["hidden"] = hidden
	}
	return answer
}

// persons is how many people some sessions are of.
func persons(list []visit) int64 {
	seen := map[string]bool{}
	for _, v := range list {
		seen[v.person] = true
	}
	return int64(len(seen))
}

// measured5 are the five numbers of some sessions.
func measured5(list []visit) object {
	if len(list) == 0 {
		return object{"sessions": 0, "median_seconds": nil, "avg_seconds": nil, "events_per_session": nil, "bounce_rate": nil}
	}
	var lasted []*big.Rat
	events, bounced := 0, 0
	for _, v := range list {
		lasted = append(lasted, v.seconds())
		events += len(v.events)
		if len(v.events) == 1 && len(v.views()) == 1 {
			bounced++
		}
	}
	return object{
		"sessions": len(list), "median_seconds": aggregate("median", lasted), "avg_seconds": aggregate("avg", lasted),
		"events_per_session": ratio(events, len(list)), "bounce_rate": ratio(bounced, len(list)),
	}
}

// pages are the most frequent pages of some sessions, and how many groups are of
// too few persons. Sessions without a page view are a group that is not shown.
func (q *sessionsQuestion) pages(w *world, list []visit, which func(views []*happened) *happened) (pages []any, few int) {
	type page struct {
		name   string
		rank   int // 0 for pages, 1 for all others, 2 for none
		visits []visit
	}
	var found []*page
	put := func(name string, rank int, some ...visit) {
		for _, p := range found {
			if p.name == name && p.rank == rank {
				p.visits = append(p.visits, some...)
				return
			}
		}
		found = append(found, &page{name, rank, some})
	}
	for _, v := range list {
		if views := v.views(); len(views) > 0 {
			name, rank := segment(which(views).get("page_path")).(string), 0
			if name == "(other)" {
				rank = 1
			}
			put(name, rank, v)
		} else {
			put("", 2, v)
		}
	}
	sorted := func() {
		slices.SortFunc(found, func(a, b *page) int {
			return cmp.Or(a.rank-b.rank, len(b.visits)-len(a.visits), compare(a.name, b.name))
		})
	}
	sorted()
	all := found
	found = nil
	for i, p := range all {
		if p.rank == 0 && i >= q.Top {
			put("(other)", 1, p.visits...)
		} else {
			put(p.name, p.rank, p.visits...)
		}
	}
	sorted()
	// Which of several groups of as many persons is hidden goes by their order: the
	// most frequent first, none by its number among them.
	groups := slices.Clone(found)
	slices.SortStableFunc(groups, func(a, b *page) int {
		if a.rank == 1 || b.rank == 1 {
			return a.rank%2 - b.rank%2
		}
		return cmp.Or(len(b.visits)-len(a.visits), compare(a.name, b.name))
	})
	sizes := make([]int64, len(groups))
	for i, p := range groups {
		sizes[i] = persons(p.visits)
	}
	pages = []any{}
	for i, hide := range report.Hide(sizes, persons(list), w.env.MinCell) {
		switch {
		case hide:
			few++
		case groups[i].rank < 2:
			pages = append(pages, object{"page": groups[i].name, "sessions": len(groups[i].visits)})
		}
	}
	return pages, few
}

// sessionsSpec makes a sessions spec.
func sessionsSpec(g *maker) map[string]any {
	interval := pick(g, "hour", "day", "day", "day", "week", "month", "total")
	longest, ok := map[string]int{"hour": 2, "month": 50}[interval]
	if !ok {
		longest = 10
	}
	s := g.common(longest)
	if interval != "day" || g.chance(2) {
		s["interval"] = interval
	}
	if g.chance(2) {
		s["top"] = 1 + g.IntN(3)
	}
	return s
}
