package reporttest

import (
	"math/big"
	"slices"
	"time"

	"loch/shared/report"
)

// retentionQuestion is a retention spec, read the plain way.
type retentionQuestion struct {
	common
	First, Then struct {
		Event any
		Where []condition
	}
	Interval  string
	Intervals int
	Mode      string
	Clock     string
	FirstEver bool `json:"first_ever"`
}

// join is one person in one cohort: the place of the event that they joined by.
type join struct{ cohort, event int }

// retention answers by looking at each person of each cohort for each number.
func retention(w *world, spec []byte) any {
	q := retentionQuestion{Interval: "day", Intervals: 14, Mode: "on", Clock: "calendar"}
	read(spec, &q)
	zone, counts := q.zone(w), q.counts(w)
	isFirst := func(h *happened) bool {
		return h.person != "" && h.is(q.First.Event) && all(q.First.Where, h) && counts(h) && q.passes(h)
	}
	isThen := func(h *happened) bool {
		return h.person != "" && h.is(q.Then.Event) && all(q.Then.Where, h) && counts(h) && q.passes(h)
	}
	names, lastDays := q.buckets(w, q.Interval)

	var joins []join
	var ranked []*happened
	seen := map[[2]string]bool{} // persons of cohorts
	ever := map[string]bool{}    // persons who did first
	for i := range w.events {
		h := &w.events[i]
		if !isFirst(h) {
			continue
		}
		before := ever[h.person]
		ever[h.person] = true
		if !h.in(q.From, q.To, zone) || before && q.FirstEver {
			continue
		}
		name := q.bucket(h.row.TimeMS, zone, q.Interval)
		if key := [2]string{h.person, name}; !seen[key] {
			seen[key] = true
			joins = append(joins, join{slices.Index(names, name), i})
			ranked = append(ranked, h)
		}
	}
	back := func(j join, step int) bool {
		return slices.ContainsFunc(w.events[j.event+1:], func(h happened) bool {
			return h.person == w.events[j.event].person && isThen(&h) && q.isBack(&w.events[j.event], &h, names[j.cohort], step, zone)
		})
	}
	segmentOf := q.segments(ranked)
	parts := map[string]*part{}
	for _, h := range ranked {
		values, order := segmentOf(h)
		parts[order] = &part{order: order, values: values}
	}
	list := make([]*part, 0, len(parts))
	for _, p := range parts {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b *part) int { return compare(a.order, b.order) })

	size := func(p *part, cohort int) (n int) { // of all where p is nil
		for _, j := range joins {
			if _, order := segmentOf(&w.events[j.event]); j.cohort == cohort && (p == nil || p.order == order) {
				n++
			}
		}
		return n
	}
	hidden := 0
	tell := func(p *part) (cohorts, average []any) {
		cohorts = []any{}
		persons, joined, complete := make([]int, q.Intervals), make([]int, q.Intervals), make([]int, q.Intervals)
		for c := range names {
			if q.hides(w, list, p, c, size) {
				hidden++
				continue
			}
			retained := []any{}
			for step := range q.Intervals {
				n := 0
				for _, j := range joins {
					if _, order := segmentOf(&w.events[j.event]); j.cohort == c && (p == nil || p.order == order) && back(j, step) {
						n++
					}
				}
				over := q.over(w.env.Now, names[c], lastDays[c], step, zone)
				if over {
					persons[step] += n
					joined[step] += size(p, c)
					complete[step]++
				}
				retained = append(retained, object{"n": n, "ratio": ratio(n, size(p, c)), "complete": over})
			}
			cohorts = append(cohorts, object{"start": names[c], "size": size(p, c), "retained": retained})
		}
		for step := range q.Intervals {
			average = append(average, object{"ratio": ratio(persons[step], joined[step]), "complete_cohorts": complete[step]})
		}
		return cohorts, average
	}
	cohorts, average := tell(nil)
	answer := object{"cohorts": cohorts, "average": average}
	var segments []any
	for _, p := range list {
		if len(q.Breakdown) > 0 {
			cohorts, average := tell(p)
			segments = append(segments, object{"segment": shown(p.values), "cohorts": cohorts, "average": average})
		}
	}
	if len(segments) > 0 {
		answer["segments"] = segments
	}
	if hidden > 0 {
		answer["hidden"] = hidden
	}
	return answer
}

// isBack tells whether a later event of a person is in the interval, or with
// on_or_after in it or after.
func (q *retentionQuestion) isBack(first, then *happened, cohort string, step int, zone *time.Location) bool {
	if q.Clock == "rolling" {
		after := time.Duration(then.row.TimeMS-first.row.TimeMS) * time.Millisecond
		length := 24 * time.Hour
		if q.Interval == "week" {
			length *= 7
		}
		return after >= time.Duration(step)*length && (q.Mode == "on_or_after" || after < time.Duration(step+1)*length)
	}
	from, to := q.days(cohort, step)
	d := day(then.row.TimeMS, zone)
	return d >= from && (q.Mode == "on_or_after" || d <= to)
}

// days are the first and the last day of a cohort's interval by the calendar.
func (q *retentionQuestion) days(cohort string, step int) (from, to string) {
	first := date(cohort, 0)
	last := first
	switch q.Interval {
	case "week":
		for !equalFold(first.Weekday().String(), q.weekday()) {
			first = first.AddDate(0, 0, -1)
		}
		first = first.AddDate(0, 0, 7*step)
		last = first.AddDate(0, 0, 6)
	case "month":
		first = time.Date(first.Year(), first.Month(), 1, 0, 0, 0, 0, time.UTC).AddDate(0, step, 0)
		last = first.AddDate(0, 1, -1)
	default:
		first = first.AddDate(0, 0, step)
		last = first
	}
	return first.Format(time.DateOnly), last.Format(time.DateOnly)
}

// over tells whether a cohort's interval has ended. The last who could join a
// cohort did so when its last day ended.
func (q *retentionQuestion) over(now time.Time, cohort, lastDay string, step int, zone *time.Location) bool {
	if q.Clock == "rolling" {
		length := 24 * time.Hour
		if q.Interval == "week" {
			length *= 7
		}
		now = now.Add(-time.Duration(step+1) * length)
	} else {
		_, lastDay = q.days(cohort, step)
	}
	for minute := range 180 { // clocks may be set back to show a day once more
		if day(now.Add(time.Duration(minute)*time.Minute).UnixMilli(), zone) <= lastDay {
			return false
		}
	}
	return true
}

// hides tells whether a cohort of a segment is of too few persons.
func (q *retentionQuestion) hides(w *world, list []*part, p *part, cohort int, size func(*part, int) int) bool {
	whole := int64(size(nil, cohort))
	if p == nil {
		return report.Hide([]int64{whole}, whole, w.env.MinCell)[0]
	}
	sizes := make([]int64, len(list))
	for i := range list {
		sizes[i] = int64(size(list[i], cohort))
	}
	return report.Hide(sizes, whole, w.env.MinCell)[slices.Index(list, p)]
}

// ratio is a part of a whole, nil where that is nothing.
func ratio(n, of int) *big.Rat {
	if of == 0 {
		return nil
	}
	return big.NewRat(int64(n), int64(of))
}

// retentionSpec makes a retention spec.
func retentionSpec(g *maker) map[string]any {
	interval := pick(g, "day", "day", "day", "week", "month")
	s := g.common(map[string]int{"day": 6, "week": 20, "month": 50}[interval])
	s["interval"] = interval
	s["intervals"] = 1 + g.IntN(5)
	for _, name := range []string{"first", "then"} {
		act := map[string]any{"event": g.event()}
		if g.chance(5) {
			act["where"] = g.filters(1)
		}
		s[name] = act
	}
	if g.chance(3) {
		s["mode"] = pick(g, "on_or_after", "on_or_after", "on")
	}
	if interval != "month" && g.chance(3) {
		s["clock"] = pick(g, "rolling", "rolling", "calendar")
	}
	if g.chance(4) {
		s["first_ever"] = true
	}
	if g.chance(4) {
		s["cohort_by"] = "interval"
	}
	return s
}
