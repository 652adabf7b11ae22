package report

import (
	"loch/shared/filter"
)

// Retention asks how many of those who did something came back.
//
// Persons join a cohort by the first event of an interval: once an interval, by
// the earliest of their events in it that fits First. What they did later that
// fits Then is told by how many intervals after it was. The report's filters ask
// both. Cohorts are of the report's days; persons come back after its last day too.
type Retention struct {
	Common
	First, Then Act
	Interval    Interval // Day, Week or Month
	Intervals   int      // so many are told, from interval 0 on
	OrAfter     bool     // count who came back in an interval or any time after it
	Rolling     bool     // intervals are steps of 24 hours from the person's own first event
	FirstEver   bool     // only who never did First before
}

// Act is something somebody does.
type Act struct {
	Events Events
	Where  filter.Where
}

// The words of retention's fields.
const (
	modeOn        = "on"
	modeOrAfter   = "on_or_after"
	clockCalendar = "calendar"
	clockRolling  = "rolling"
)

// The bounds of retention: how many intervals are told, and of how many cohorts.
const (
	maxIntervals     = 400
	maxCells         = 100_000
	defaultIntervals = 14
)

// ParseRetention reads a retention spec.
func ParseRetention(body []byte) (*Retention, error) {
	o, err := readSpec(body, fields("first", "then", "interval", "intervals", "mode", "clock", "cohort_by", "first_ever")...)
	if err != nil {
		return nil, err
	}
	s := &Retention{}
	if s.Common, err = readCommon(o); err != nil {
		return nil, err
	}
	if s.First, err = readAct(o, "first"); err != nil {
		return nil, err
	}
	if s.Then, err = readAct(o, "then"); err != nil {
		return nil, err
	}
	interval, err := o.word("interval", string(Day), string(Week), string(Month))
	if err != nil {
		return nil, err
	}
	s.Interval = Interval(interval)
	if s.Intervals, err = o.whole("intervals", 1, maxIntervals, defaultIntervals); err != nil {
		return nil, err
	}
	mode, err := o.word("mode", modeOn, modeOrAfter)
	if err != nil {
		return nil, err
	}
	clock, err := o.word("clock", clockCalendar, clockRolling)
	if err != nil {
		return nil, err
	}
	s.OrAfter, s.Rolling = mode == modeOrAfter, clock == clockRolling
	if s.Rolling && s.Interval == Month {
		return nil, wrong("interval", "months differ in length; with the rolling clock it is day or week")
	}
	if _, err := o.word("cohort_by", "interval"); err != nil {
		return nil, err
	}
	if s.FirstEver, err = o.flag("first_ever"); err != nil {
		return nil, err
	}
	cal := calendar{weekStart: s.WeekStart, from: s.From.UnixMilli() / dayMS, to: s.To.UnixMilli() / dayMS}
	if cohorts := len(cal.buckets(s.Interval)); cohorts*s.Intervals > maxCells {
		return nil, wrong("intervals", "%d cohorts with %d intervals each are more than %d; ask for fewer of them, fewer days or a longer interval", cohorts, s.Intervals, maxCells)
	}
	return s, nil
}

// readAct reads a field such as {"event": "Sign Up", "where": [FILTER…]}.
func readAct(o object, name string) (a Act, err error) {
	raw := o.members[name]
	if raw == nil {
		return a, wrong(o.at(name), `it is missing; it is an event, such as {"event": "Sign Up"}, or {"event": "*"} for any`)
	}
	inner, err := readObject(raw, o.at(name), "event", "where")
	if err != nil {
		return a, err
	}
	if a.Events, err = readEvents(inner, "event"); err != nil {
		return a, err
	}
	a.Where, err = readWhere(inner)
	return a, err
}

// stepMS is how long an interval of the rolling clock is.
func (s *Retention) stepMS() int64 {
	if s.Interval == Week {
		return 7 * dayMS
	}
	return dayMS
}
