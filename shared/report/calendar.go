package report

import (
	"slices"
	"time"
	_ "time/tzdata" // the same time zones wherever Loch runs

	"loch/shared/fault"
	"loch/shared/sql"
)

// A calendar cuts time into days, weeks, months and hours as the clocks of a time
// zone show them.
//
// Engines have time zones of their own, in versions of their own. So the calendar
// is worked out here: over the time that a report looks at, a zone is a few
// stretches of time with a constant offset from UTC, and SQL gets those as
// numbers. A day is the moments at which the clocks showed its date, also where
// they were set back over midnight.
type calendar struct {
	zone      *time.Location
	weekStart time.Weekday
	from, to  int64 // days after 1970-01-01, both included
}

const (
	hourMS = 60 * 60 * 1000
	dayMS  = 24 * hourMS
)

// stretch is a time in which a zone's offset from UTC is the same.
type stretch struct {
	from, until int64 // milliseconds since 1970; until is not in it
	offset      int64 // milliseconds to add to UTC
}

// span is a time: from is in it, until is not. Milliseconds since 1970.
type span struct{ from, until int64 }

// calendarOf is the calendar of a spec.
func calendarOf(c *Common, env *Env) (calendar, error) {
	name := c.Timezone
	if name == "" {
		name = env.Timezone
	}
	zone, err := location(name)
	if err != nil {
		return calendar{}, fault.Wrap(err, fault.Invalid, "the project's time zone is not known; it is an IANA name such as Europe/Berlin").At("timezone")
	}
	return calendar{zone: zone, weekStart: c.WeekStart, from: c.From.UnixMilli() / dayMS, to: c.To.UnixMilli() / dayMS}, nil
}

// stretches are those of the zone over a time, in order, joined where only the
// zone's name changes.
func (c *calendar) stretches(over span) []stretch {
	var list []stretch
	for at := over.from; at < over.until; {
		t := time.UnixMilli(at).In(c.zone)
		_, seconds := t.Zone()
		_, end := t.ZoneBounds()
		next := over.until
		if !end.IsZero() {
			// Of the last day of a leap year Go tells an end that is over already; the
			// year's end is looked at anew.
			if end.UnixMilli() <= at {
				end = time.UnixMilli((at/dayMS + 1) * dayMS)
			}
			next = min(next, end.UnixMilli())
		}
		offset := int64(seconds) * 1000
		if n := len(list); n > 0 && list[n-1].offset == offset {
			list[n-1].until = next
		} else {
			list = append(list, stretch{at, next, offset})
		}
		at = next
	}
	return list
}

// around is a time that surely holds some days.
func around(from, to int64) span { return span{(from - 2) * dayMS, (to + 3) * dayMS} }

// spans are when the clocks showed one of some days: one span, or more where they
// were set back over midnight at an end.
func (c *calendar) spans(from, to int64) []span {
	var list []span
	for _, s := range c.stretches(around(from, to)) {
		a, b := max(s.from, from*dayMS-s.offset), min(s.until, (to+1)*dayMS-s.offset)
		switch n := len(list); {
		case a >= b:
		case n > 0 && list[n-1].until == a:
			list[n-1].until = b
		default:
			list = append(list, span{a, b})
		}
	}
	return list
}

// hull is the shortest span that holds all of list.
func hull(list []span) span {
	if len(list) == 0 {
		return span{}
	}
	return span{list[0].from, list[len(list)-1].until}
}

// shifted is t, milliseconds in UTC, with what adds to it by the stretch it is in.
func shifted(t sql.Expr, list []stretch, adds func(i int) int64) sql.Expr {
	var edges, values []int64
	for i := range list {
		v := adds(i)
		if n := len(values); n > 0 && values[n-1] == v {
			continue
		}
		if i > 0 {
			edges = append(edges, list[i].from)
		}
		values = append(values, v)
	}
	if len(values) == 0 || len(values) == 1 && values[0] == 0 { // no time at all, or UTC
		return t
	}
	return sql.E("(? + ?)", t, sql.Case(t, edges, values))
}

// localDay is the day, counted from 1970-01-01, that the clocks showed at t.
func (c *calendar) localDay(d sql.Dialect, t sql.Expr, over span) sql.Expr {
	list := c.stretches(over)
	return d.Div(shifted(t, list, func(i int) int64 { return list[i].offset }), sql.Int(dayMS))
}

// Interval is how time is cut.
type Interval string

// The intervals.
const (
	Hour  Interval = "hour"
	Day   Interval = "day"
	Week  Interval = "week"
	Month Interval = "month"
	Total Interval = "total"
)

// bucket is one piece of time.
type bucket struct {
	number  int64  // as bucketOf tells it
	label   string // "2026-11-01"; of an hour its start, "2026-11-01T02:00:00+01:00"
	lastDay int64  // its last day within the report, counted from 1970-01-01
}

// bucketOf is the number of the bucket that t is in, from 0, for t within the
// report. For days alone it also holds before it, where it is negative.
func (c *calendar) bucketOf(d sql.Dialect, interval Interval, t sql.Expr, over span) sql.Expr {
	switch interval {
	case Hour:
		list := c.stretches(over)
		skipped := hoursSkipped(list)
		base := c.firstHour(list, skipped)
		hour := d.Div(shifted(t, list, func(i int) int64 { return list[i].offset + skipped[i]*hourMS }), sql.Int(hourMS))
		return sql.E("(? - ?)", hour, sql.Int(base))
	case Week:
		week := d.Div(sql.E("(? + ?)", c.localDay(d, t, over), sql.Int(c.weekShift())), sql.Int(7))
		return sql.E("(? - ?)", week, sql.Int(c.week(c.from)))
	case Month:
		day := d.Day(c.localDay(d, t, over))
		return sql.E("(year(?) * 12 + month(?) - ?)", day, day, sql.Int(month(c.from)))
	case Day:
		return sql.E("(? - ?)", c.localDay(d, t, over), sql.Int(c.from))
	case Total:
	}
	return sql.Int(0)
}

// week numbers weeks so that each begins on the calendar's first day of a week.
// 1970-01-01 was a Thursday.
func (c *calendar) week(day int64) int64 { return (day + c.weekShift()) / 7 }

func (c *calendar) weekShift() int64 { return int64((time.Thursday - c.weekStart + 7) % 7) }

// month numbers months as the SQL above does.
func month(day int64) int64 {
	t := time.UnixMilli(day * dayMS).UTC()
	return int64(t.Year())*12 + int64(t.Month())
}

// bucketAt is the number of the day, week or month that a day is in.
func (c *calendar) bucketAt(interval Interval, day int64) int64 {
	switch interval {
	case Week:
		return c.week(day) - c.week(c.from)
	case Month:
		return month(day) - month(c.from)
	case Day, Hour, Total:
	}
	return day - c.from
}

// lastDayOf is the last day of the day, week or month of a number, also where that
// is after the report.
func (c *calendar) lastDayOf(interval Interval, number int64) int64 {
	switch interval {
	case Week:
		return (c.week(c.from)+number+1)*7 - c.weekShift() - 1
	case Month:
		first := time.UnixMilli(c.from * dayMS).UTC()
		next := time.Date(first.Year(), first.Month()+time.Month(number)+1, 1, 0, 0, 0, 0, time.UTC)
		return next.UnixMilli()/dayMS - 1
	case Day, Hour, Total:
	}
	return c.from + number
}

// endOf is the moment from which on the clocks show no more of a day. A day that
// clocks skip ends where the one before it does.
func (c *calendar) endOf(day int64) int64 { return hull(c.spans(day-3, day)).until }

// hoursSkipped tells for each stretch what to add to the hours that its clocks
// show, so that hours are numbered without a gap or a repetition: where clocks
// are set forward an hour is missing, where they are set back one comes again.
func hoursSkipped(list []stretch) []int64 {
	skipped := make([]int64, len(list))
	for i := 1; i < len(list); i++ {
		before := (list[i].from - 1 + list[i-1].offset) / hourMS
		after := (list[i].from + list[i].offset) / hourMS
		skipped[i] = skipped[i-1] + before + 1 - after
	}
	return skipped
}

func (c *calendar) firstHour(list []stretch, skipped []int64) int64 {
	start := hull(c.spans(c.from, c.to)).from
	for i, s := range list {
		if start < s.until {
			return (start+s.offset)/hourMS + skipped[i]
		}
	}
	return 0
}

// buckets are all buckets of the report, in order.
func (c *calendar) buckets(interval Interval) []bucket {
	switch interval {
	case Hour:
		return c.hours()
	case Total:
		return []bucket{{0, dayLabel(c.from), c.to}}
	case Day, Week, Month:
	}
	key := func(day int64) int64 {
		switch interval {
		case Week:
			return c.week(day)
		case Month:
			return month(day)
		default:
			return day
		}
	}
	var list []bucket
	for day := c.from; day <= c.to; day++ {
		if n := len(list); n > 0 && key(day) == key(day-1) {
			list[n-1].lastDay = day
			continue
		}
		list = append(list, bucket{int64(len(list)), dayLabel(day), day})
	}
	return list
}

func dayLabel(day int64) string { return time.UnixMilli(day * dayMS).UTC().Format(time.DateOnly) }

// hours walks over the time of the report in hours as the clocks show them. One
// is shorter where clocks were moved within it.
func (c *calendar) hours() []bucket {
	var list []bucket
	over := c.spans(c.from, c.to)
	var number int64
	for _, s := range c.stretches(hull(over)) {
		for at := s.from; at < s.until; number++ {
			next := min(s.until, ((at+s.offset)/hourMS+1)*hourMS-s.offset)
			// Clocks that are set back over midnight show the day before once more.
			if slices.ContainsFunc(over, func(o span) bool { return at < o.until && o.from < next }) {
				list = append(list, bucket{number, time.UnixMilli(at).In(c.zone).Format(time.RFC3339), c.to})
			}
			at = next
		}
	}
	return list
}
