package report

import (
	"strconv"

	"loch/shared/filter"
)

// Funnel counts who went through steps, and how far.
type Funnel struct {
	Common
	Steps       []Step
	WindowMS    int64  // from the attempt's step 1; its end is within
	Count       string // uniques, sessions or totals
	First       bool   // only the first step 1 in range starts an attempt
	Order       string // ordered, strict or any
	Exclude     []Exclusion
	Hold        []filter.Property // their values are those of step 1 at every step
	BreakdownAt int               // the step whose values the break-down takes, from 1
}

// Step is one step of a funnel: an event that one of some alternatives describes.
type Step struct {
	Name string
	Any  []Alternative
}

// Alternative is events that pass filters.
type Alternative struct {
	Events Events
	Where  filter.Where
}

// Exclusion is an event that ends an attempt where it comes after step After and
// before step Before.
type Exclusion struct {
	Alternative
	After, Before int // from 1
}

// totals counts attempts; the other counts of funnels are measures of insights too.
const totals = "totals"

// The orders of steps.
const (
	inOrder  = "ordered"
	strict   = "strict"
	anyOrder = "any"
)

// The bounds of a funnel.
const (
	maxSteps        = 12
	maxAlternatives = 20
	maxExclusions   = 10
	maxHeld         = 3
	maxWindowDays   = 366
	// maxOverlap is how many steps the same event may be able to serve: in each
	// instant, all sets of such steps are looked at.
	maxOverlap = 5
)

// ParseFunnel reads a funnel spec.
func ParseFunnel(body []byte) (*Funnel, error) {
	o, err := readSpec(body, fields("steps", "window", "count", "attempt", "order", "exclude", "hold", "breakdown_at")...)
	if err != nil {
		return nil, err
	}
	f := &Funnel{}
	if f.Common, err = readCommon(o); err != nil {
		return nil, err
	}
	if err := f.readSteps(o); err != nil {
		return nil, err
	}
	if f.WindowMS, err = readWindow(o); err != nil {
		return nil, err
	}
	if f.Count, err = o.word("count", uniques, sessions, totals); err != nil {
		return nil, err
	}
	attempt, err := o.word("attempt", "best", "first")
	if err != nil {
		return nil, err
	}
	f.First = attempt == "first"
	if f.Count == totals && o.has("attempt") {
		return nil, wrong("attempt", "totals count every attempt; leave it out, or count uniques or sessions")
	}
	if f.Order, err = o.word("order", inOrder, strict, anyOrder); err != nil {
		return nil, err
	}
	if err := f.readExclude(o); err != nil {
		return nil, err
	}
	if err := f.readHold(o); err != nil {
		return nil, err
	}
	if f.BreakdownAt, err = o.whole("breakdown_at", 1, len(f.Steps), 1); err != nil {
		return nil, err
	}
	if f.BreakdownAt > 1 && f.Order == anyOrder {
		return nil, wrong("breakdown_at", "steps in any order have no such step; the break-down takes the value of the event that came first")
	}
	return f, f.overlap()
}

// units of a window. A day is 24 hours.
var units = map[string]int64{"second": 1000, "minute": 60 * 1000, "hour": hourMS, "day": dayMS, "week": 7 * dayMS}

// readWindow reads how long an attempt may take: 7 days where it is not said.
func readWindow(o object) (int64, error) {
	if !o.has("window") {
		return 7 * dayMS, nil
	}
	inner, err := readObject(o.members["window"], o.at("window"), "value", "unit")
	if err != nil {
		return 0, err
	}
	unit, err := inner.word("unit", "day", "second", "minute", "hour", "week")
	if err != nil {
		return 0, err
	}
	if !inner.has("value") {
		return 0, wrong(inner.at("value"), `it is missing; a window is such as {"value": 7, "unit": "day"}`)
	}
	n, err := inner.whole("value", 1, int(maxWindowDays*dayMS/units[unit]), 0)
	return int64(n) * units[unit], err
}

func (f *Funnel) readExclude(o object) error {
	items, err := o.list("exclude")
	if err != nil {
		return err
	}
	switch {
	case len(items) > 0 && f.Order != inOrder:
		return wrong("exclude", `it belongs to "order": "ordered"; strict has no event between steps at all, and any has no steps to be between`)
	case len(items) > maxExclusions:
		return wrong("exclude", "at most %d events", maxExclusions)
	}
	for i, raw := range items {
		inner, err := readObject(raw, item("exclude", i), "event", "where", "between")
		if err != nil {
			return err
		}
		e := Exclusion{After: 1, Before: len(f.Steps)}
		if e.Alternative, err = readAlternative(inner); err != nil {
			return err
		}
		if inner.has("between") {
			ends, err := inner.list("between")
			if err != nil {
				return err
			}
			if e.After, e.Before, err = between(ends, len(f.Steps)); err != nil {
				return wrong(inner.at("between"), "it is two steps by number, the earlier first, from 1 to %d: [1, 2]", len(f.Steps))
			}
		}
		f.Exclude = append(f.Exclude, e)
	}
	return nil
}

// between reads the numbers of two steps, the earlier first.
func between(ends [][]byte, steps int) (after, before int, err error) {
	if len(ends) == 2 {
		if after, err = strconv.Atoi(string(ends[0])); err == nil {
			before, err = strconv.Atoi(string(ends[1]))
		}
	}
	if err == nil && (after < 1 || before <= after || before > steps) {
		err = strconv.ErrRange
	}
	return after, before, err
}

func (f *Funnel) readHold(o object) error {
	items, err := o.list("hold")
	if err != nil {
		return err
	}
	if len(items) > maxHeld {
		return wrong("hold", "at most %d properties", maxHeld)
	}
	for i, raw := range items {
		name, err := textOf(raw, item("hold", i))
		if err != nil {
			return err
		}
		if name == "" || len(name) > maxNameBytes {
			return wrong(item("hold", i), "a property's name has 1 to %d bytes", maxNameBytes)
		}
		f.Hold = append(f.Hold, filter.ParseProperty(name))
	}
	return nil
}
