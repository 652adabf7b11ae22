package reporttest

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"loch/shared/report"
)

// funnelQuestion is a funnel spec, read the plain way.
type funnelQuestion struct {
	common
	Steps  []funnelStep
	Window struct {
		Value int64
		Unit  string
	}
	Count, Attempt, Order string
	Exclude               []struct {
		funnelStep
		Between []int
	}
	Hold        []string
	BreakdownAt int `json:"breakdown_at"`
}

type funnelStep struct {
	Name  string
	Event any
	Where []condition
	Any   []funnelStep
}

// serves tells whether an event can serve a step.
func (s *funnelStep) serves(h *happened) bool {
	if s.Any != nil {
		return slices.ContainsFunc(s.Any, func(one funnelStep) bool { return one.serves(h) })
	}
	return h.is(s.Event) && all(s.Where, h)
}

// attempt is one way through the funnel: when each step that it got to was taken,
// and the event of the break-down.
type attempt struct {
	times []int64
	tie   string
	held  string
	event *happened
}

func (q *funnelQuestion) windowMS() int64 {
	units := map[string]int64{"second": 1000, "minute": 60_000, "hour": 3_600_000, "": 86_400_000, "day": 86_400_000, "week": 7 * 86_400_000}
	if q.Window.Value == 0 {
		return 7 * 86_400_000
	}
	return q.Window.Value * units[q.Window.Unit]
}

// funnel answers by trying everything.
func funnel(w *world, spec []byte) any {
	var q funnelQuestion
	read(spec, &q)
	q.BreakdownAt = max(q.BreakdownAt, 1)
	var chosen []*attempt
	var persons []string
	units := q.units(w)
	for _, name := range sortedKeys(units) {
		if q.Count == "totals" {
			for _, a := range q.chain(q.attempts(w, units[name])) {
				chosen, persons = append(chosen, a), append(persons, units[name][0].person)
			}
			continue
		}
		var best *attempt
		for _, a := range q.attempts(w, units[name]) {
			if best == nil || q.better(a, best) {
				best = a
			}
		}
		if best != nil {
			chosen, persons = append(chosen, best), append(persons, units[name][0].person)
		}
	}
	return q.answer(w, chosen, persons)
}

func sortedKeys(m map[string][]*happened) []string {
	var list []string
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

// better tells whether a person counts with a and not with b.
func (q *funnelQuestion) better(a, b *attempt) bool {
	if q.Attempt != "first" && len(a.times) != len(b.times) {
		return len(a.times) > len(b.times)
	}
	if a.times[0] != b.times[0] {
		return a.times[0] < b.times[0]
	}
	return a.tie < b.tie
}

// chain are the attempts that count where all do: of each held value the first, and
// each that begins after the one before it is over.
func (q *funnelQuestion) chain(attempts []*attempt) []*attempt {
	slices.SortStableFunc(attempts, func(a, b *attempt) int { return int(a.times[0] - b.times[0]) })
	over := map[string]int64{}
	var list []*attempt
	for _, a := range attempts {
		if last, ok := over[a.held]; ok && a.times[0] <= last {
			continue
		}
		over[a.held] = a.times[0] + q.windowMS()
		if n := len(a.times); n == len(q.Steps) {
			over[a.held] = a.times[n-1]
		}
		list = append(list, a)
	}
	return list
}

// units are the events that are looked at, by person, or person and session.
func (q *funnelQuestion) units(w *world) map[string][]*happened {
	counts, units := q.counts(w), map[string][]*happened{}
	gap := w.env.SessionGap.Milliseconds()
	if gap == 0 {
		gap = 30 * 60 * 1000
	}
	last, session := map[string]int64{}, map[string]int{}
	for i := range w.events {
		h := &w.events[i]
		if h.person == "" || !counts(h) {
			continue
		}
		name := h.person
		if q.Count == "sessions" {
			if !h.active() {
				continue
			}
			if before, ok := last[h.person]; ok && h.row.TimeMS-before > gap {
				session[h.person]++
			}
			last[h.person] = h.row.TimeMS
			name = fmt.Sprintf("%s session %d", h.person, session[h.person])
		}
		if q.passes(h) {
			units[name] = append(units[name], h)
		}
	}
	return units
}

func (q *funnelQuestion) held(h *happened) string {
	var all []string
	for _, p := range q.Hold {
		name, of := segmentName(segment(h.get(p)))
		all = append(all, of+name)
	}
	return strings.Join(all, "\x00")
}

// answer counts the chosen attempts.
func (q *funnelQuestion) answer(w *world, chosen []*attempt, persons []string) any {
	var ranked []*happened
	for _, a := range chosen {
		ranked = append(ranked, a.event)
	}
	segmentOf := q.segments(ranked)
	orders, shownAs := []string{}, map[string][]any{}
	if len(q.Breakdown) == 0 {
		orders = append(orders, "")
	}
	for _, a := range chosen {
		values, order := segmentOf(a.event)
		if shownAs[order] = values; !slices.Contains(orders, order) {
			orders = append(orders, order)
		}
	}
	slices.Sort(orders)
	everybody := map[string]bool{}
	sizes := make([]int64, len(orders))
	members := make([][]*attempt, len(orders))
	for s, order := range orders {
		here := map[string]bool{}
		for i, a := range chosen {
			if _, of := segmentOf(a.event); of == order {
				members[s] = append(members[s], a)
				here[persons[i]], everybody[persons[i]] = true, true
			}
		}
		sizes[s] = int64(len(here))
	}
	segments, hidden := []any{}, 0
	var converted []int64
	for s, hide := range report.Hide(sizes, int64(len(everybody)), w.env.MinCell) {
		if hide {
			hidden++
			continue
		}
		segments = append(segments, object{"segment": shown(shownAs[orders[s]]), "steps": q.counted(members[s])})
		for _, a := range members[s] {
			if n := len(a.times); n == len(q.Steps) {
				converted = append(converted, a.times[n-1]-a.times[0])
			}
		}
	}
	answer := object{"segments": segments, "time_to_convert": q.histogram(converted)}
	if hidden > 0 {
		answer["hidden"] = hidden
	}
	return answer
}

// counted are the steps of one segment.
func (q *funnelQuestion) counted(members []*attempt) []any {
	list := []any{}
	ratio := func(a, b int) any {
		if b == 0 {
			return nil
		}
		return big.NewRat(int64(a), int64(b))
	}
	previous := len(members)
	for i, step := range q.Steps {
		n, seconds := 0, []*big.Rat{}
		for _, a := range members {
			if len(a.times) > i {
				n++
				if i > 0 {
					seconds = append(seconds, big.NewRat(a.times[i]-a.times[i-1], 1000))
				}
			}
		}
		name := step.Name
		if q.Order == "any" {
			name = fmt.Sprintf("%d of %d steps", i+1, len(q.Steps))
		}
		one := object{"name": name, "count": n, "from_start": ratio(n, len(members)), "from_previous": ratio(n, previous), "median_seconds": nil, "avg_seconds": nil}
		if len(seconds) > 0 {
			one["median_seconds"], one["avg_seconds"] = aggregate("median", seconds), aggregate("avg", seconds)
		}
		list = append(list, one)
		previous = n
	}
	return list
}

// histogram tells how many took at most how long.
func (q *funnelQuestion) histogram(tookMS []int64) []any {
	const minute, hour, day = 60, 3600, 86400
	list := []any{}
	add := func(edge int64) {
		n := 0
		for _, ms := range tookMS {
			if ms <= edge*1000 {
				n++
			}
		}
		list = append(list, object{"le_seconds": edge, "count": n})
	}
	for _, edge := range []int64{1, 10, 30, minute, 5 * minute, 10 * minute, 30 * minute, hour, 3 * hour, 6 * hour, 12 * hour,
		day, 2 * day, 3 * day, 7 * day, 14 * day, 30 * day, 60 * day, 90 * day, 180 * day} {
		if edge*1000 < q.windowMS() {
			add(edge)
		}
	}
	add(q.windowMS() / 1000)
	return list
}
