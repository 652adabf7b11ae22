package report

import (
	"strings"
	"time"

	"loch/shared/fault"
	"loch/shared/filter"
)

// Common are the fields that all reports have.
type Common struct {
	From, To  time.Time // calendar days, midnight UTC, both included
	Timezone  string    // IANA name; "" means the project's
	Where     filter.Where
	Breakdown []Breakdown
	Cohort    *filter.Did // whose events count; nil for everybody's
	Bots      bool        // count bots too
	WeekStart time.Weekday
}

// Breakdown cuts an answer into segments by a property's values.
type Breakdown struct {
	Property filter.Property
	Limit    int // so many values by themselves, the rest as one

	place string
}

// Env is what a report takes from outside its spec.
type Env struct {
	Timezone   string        // the project's; "" is UTC
	SessionGap time.Duration // a session ends after a longer silence; 0 is 30 minutes
	MinCell    int64         // hide groups of fewer persons; 0 and 1 hide none
	Now        time.Time     // for what has not ended yet
}

// DefaultSessionGap ends a session where a project does not say otherwise.
const DefaultSessionGap = 30 * time.Minute

// sessionGapMS is the longest silence within a session.
func (e *Env) sessionGapMS() int64 {
	if e.SessionGap > 0 {
		return e.SessionGap.Milliseconds()
	}
	return DefaultSessionGap.Milliseconds()
}

// The bounds of the common fields.
const (
	maxDays       = 3660
	maxBreakdowns = 3
	maxLimit      = 100
	defaultLimit  = 10
)

// commonFields are their names.
var commonFields = []string{"from", "to", "timezone", "where", "breakdown", "cohort", "bots", "week_start"}

// fields are the names of a report's fields: its own first.
func fields(own ...string) []string { return append(own, commonFields...) }

// readCommon takes the common fields out of a spec.
func readCommon(o object) (c Common, err error) {
	if c.From, err = dayOf(o, "from"); err != nil {
		return c, err
	}
	if c.To, err = dayOf(o, "to"); err != nil {
		return c, err
	}
	switch days := c.To.Sub(c.From).Hours()/24 + 1; {
	case days < 1:
		return c, wrong("to", "it must not be before from")
	case days > maxDays:
		return c, wrong("to", "a report spans at most %d days", maxDays)
	}
	if c.Timezone, _, err = o.text("timezone"); err != nil {
		return c, err
	}
	if o.has("timezone") {
		if _, err := location(c.Timezone); err != nil || c.Timezone == "" {
			return c, wrong("timezone", "there is no such time zone; it is an IANA name such as Europe/Berlin, or UTC")
		}
	}
	if c.WeekStart, err = weekday(o); err != nil {
		return c, err
	}
	if c.Where, err = readWhere(o); err != nil {
		return c, err
	}
	if c.Breakdown, err = readBreakdowns(o); err != nil {
		return c, err
	}
	if raw := o.members["cohort"]; raw != nil {
		did, err := filter.ParseCohort(raw, o.at("cohort"))
		if err != nil {
			return c, err
		}
		c.Cohort = &did
	}
	c.Bots, err = o.flag("bots")
	return c, err
}

func dayOf(o object, name string) (time.Time, error) {
	s, there, err := o.text(name)
	if err != nil {
		return time.Time{}, err
	}
	day, err := time.Parse(time.DateOnly, s)
	switch {
	case !there:
		return day, wrong(o.at(name), `it is missing; a report needs a first and a last day: "from": "2026-11-01", "to": "2026-11-30"`)
	case err != nil:
		return day, wrong(o.at(name), "it must be a day such as 2026-11-23")
	case day.Year() < 1971 || day.Year() > 2200: // older events are not taken in
		return day, wrong(o.at(name), "it must be a day from 1971-01-01 to 2200-12-31")
	}
	return day, nil
}

// weekday reads week_start.
func weekday(o object) (time.Weekday, error) {
	words := make([]string, 7)
	for i := range words {
		words[i] = strings.ToLower(((time.Monday + time.Weekday(i)) % 7).String())
	}
	s, err := o.word("week_start", words...)
	if err != nil {
		return 0, err
	}
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.ToLower(d.String()) == s {
			return d, nil
		}
	}
	return time.Monday, nil
}

// readWhere reads the filters of an object.
func readWhere(o object) (filter.Where, error) {
	raw := o.members["where"]
	if raw == nil {
		return nil, nil
	}
	return filter.Parse(raw, o.at("where"))
}

func readBreakdowns(o object) ([]Breakdown, error) {
	items, err := o.list("breakdown")
	if err != nil {
		return nil, err
	}
	if len(items) > maxBreakdowns {
		return nil, wrong("breakdown", "at most %d properties", maxBreakdowns)
	}
	var list []Breakdown
	for i, raw := range items {
		b := Breakdown{place: item("breakdown", i)}
		inner, err := readObject(raw, b.place, "property", "limit")
		if err != nil {
			return nil, err
		}
		if b.Property, err = readProperty(inner, "property"); err != nil {
			return nil, err
		}
		if b.Limit, err = inner.whole("limit", 1, maxLimit, defaultLimit); err != nil {
			return nil, err
		}
		list = append(list, b)
	}
	return list, nil
}

// readProperty reads a property's name that must be there.
func readProperty(o object, name string) (filter.Property, error) {
	s, there, err := o.text(name)
	switch {
	case err != nil:
		return filter.Property{}, err
	case !there:
		return filter.Property{}, wrong(o.at(name), "it is missing; it is a property's name, such as country or properties.plan")
	case s == "" || len(s) > maxNameBytes:
		return filter.Property{}, wrong(o.at(name), "a property's name has 1 to %d bytes", maxNameBytes)
	}
	return filter.ParseProperty(s), nil
}

// Events says which events something is about.
type Events struct {
	All   bool     // "*": whatever somebody did
	Names []string // else those of these names
}

const maxEventNames = 100

// readEvents reads an "event" field: a name, "*", or {"any": [names]}.
func readEvents(o object, name string) (e Events, err error) {
	raw, place := o.members[name], o.at(name)
	if raw == nil {
		return e, wrong(place, `it is missing; it is an event's name, "*" for any, or {"any": ["A", "B"]}`)
	}
	if raw[0] == '"' {
		s, err := eventName(raw, place)
		if s == "*" {
			return Events{All: true}, err
		}
		return Events{Names: []string{s}}, err
	}
	if raw[0] != '{' {
		return e, wrong(place, `it must be an event's name, "*" for any, or {"any": ["A", "B"]}`)
	}
	inner, err := readObject(raw, place, "any")
	if err != nil {
		return e, err
	}
	items, err := inner.list("any")
	if err != nil {
		return e, err
	}
	if len(items) == 0 || len(items) > maxEventNames {
		return e, wrong(inner.at("any"), "it must be a list of 1 to %d names", maxEventNames)
	}
	for i, raw := range items {
		s, err := eventName(raw, item(inner.at("any"), i))
		if err != nil {
			return e, err
		}
		if s == "*" {
			e.All = true
		}
		e.Names = append(e.Names, s)
	}
	if e.All {
		e.Names = nil
	}
	return e, nil
}

func eventName(raw []byte, place string) (string, error) {
	s, err := textOf(raw, place)
	if err == nil && (s == "" || len(s) > maxNameBytes) {
		err = wrong(place, "an event's name has 1 to %d bytes", maxNameBytes)
	}
	return s, err
}

// location finds a time zone by its IANA name. "" is UTC.
func location(name string) (*time.Location, error) {
	if name == "Local" {
		return nil, fault.New(fault.Invalid, "there is no such time zone")
	}
	return time.LoadLocation(name)
}
