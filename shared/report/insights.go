package report

import (
	"slices"
	"strings"

	"loch/shared/filter"
)

// Insights counts events, persons and values over time.
type Insights struct {
	Common
	Series   []Series
	Interval Interval
}

// Series is one line of an insights report: a measure of events, or a formula.
type Series struct {
	Name        string
	Events      Events
	Where       filter.Where
	Measure     string           // one of the words below; "" for a formula
	Property    *filter.Property // what sum, avg, … are of
	Per         string           // of per_user: avg, median, p90, p99, min or max
	RollingDays int64            // of uniques: 7 or 30; 0 is none

	place   string
	formula *formula
}

// The measures.
const (
	total    = "total"    // events
	uniques  = "uniques"  // persons
	sessions = "sessions" // sessions with such an event in them
	sum      = "sum"      // of a property's numbers, as the next five
	avg      = "avg"
	median   = "median"
	p90      = "p90"
	p99      = "p99"
	least    = "min"
	most     = "max"
	distinct = "distinct" // different values of a property
	perUser  = "per_user" // events, or a property's sum, of each person who has some
)

var (
	measures   = []string{total, uniques, sessions, sum, avg, median, p90, p99, least, most, distinct, perUser}
	ofProperty = []string{sum, avg, median, p90, p99, least, most, distinct}
	ofPersons  = []string{avg, median, p90, p99, least, most}
)

const (
	maxSeries  = 26 // as many as there are letters
	maxBuckets = 10_000
	maxName    = 200
)

// ParseInsights reads an insights spec.
func ParseInsights(body []byte) (*Insights, error) {
	o, err := readSpec(body, fields("series", "interval")...)
	if err != nil {
		return nil, err
	}
	s := &Insights{}
	if s.Common, err = readCommon(o); err != nil {
		return nil, err
	}
	if s.Interval, err = readInterval(o, &s.Common); err != nil {
		return nil, err
	}
	items, err := o.list("series")
	if err != nil {
		return nil, err
	}
	if len(items) == 0 || len(items) > maxSeries {
		return nil, wrong("series", `it must be a list of 1 to %d series, such as [{"event": "Page View", "measure": "total"}]`, maxSeries)
	}
	for i, raw := range items {
		one, err := readSeries(raw, item("series", i))
		if err != nil {
			return nil, err
		}
		if one.RollingDays > 0 && s.Interval == Hour {
			return nil, wrong(one.place+".rolling_days", "rolling days need an interval of a day or longer")
		}
		s.Series = append(s.Series, one)
	}
	return s, s.readFormulas(items)
}

// readFormulas comes last, when it is known what the letters stand for.
func (s *Insights) readFormulas(items [][]byte) error {
	known := func(i int) bool { return i < len(s.Series) && s.Series[i].Measure != "" }
	for i := range s.Series {
		one := &s.Series[i]
		if one.Measure != "" {
			continue
		}
		o, err := readObject(items[i], one.place, "formula", "name")
		if err != nil {
			return err
		}
		text, _, err := o.text("formula")
		if err != nil {
			return err
		}
		if one.formula, err = parseFormula(text, o.at("formula"), known); err != nil {
			return err
		}
		if one.Name == "" {
			one.Name = strings.TrimSpace(text)
		}
	}
	return nil
}

func readSeries(raw []byte, place string) (s Series, err error) {
	o, err := readObject(raw, place, "event", "where", "measure", "property", "per_user", "rolling_days", "formula", "name")
	if err != nil {
		return s, err
	}
	s.place = place
	if s.Name, _, err = o.text("name"); err != nil {
		return s, err
	}
	if len(s.Name) > maxName {
		return s, wrong(o.at("name"), "a name has at most %d bytes", maxName)
	}
	if o.has("formula") {
		for _, name := range []string{"event", "where", "measure", "property", "per_user", "rolling_days"} {
			if o.has(name) {
				return s, wrong(o.at(name), "a formula stands alone, with a name at most")
			}
		}
		return s, nil
	}
	if s.Events, err = readEvents(o, "event"); err != nil {
		return s, err
	}
	if s.Where, err = readWhere(o); err != nil {
		return s, err
	}
	if err := s.readMeasure(o); err != nil {
		return s, err
	}
	if s.Name == "" {
		s.Name = s.given()
	}
	return s, nil
}

func (s *Series) readMeasure(o object) (err error) {
	if s.Measure, err = o.word("measure", measures...); err != nil {
		return err
	}
	needs := slices.Contains(ofProperty, s.Measure)
	switch {
	case needs || o.has("property") && s.Measure == perUser:
		p, err := readProperty(o, "property")
		if err != nil {
			return err
		}
		s.Property = &p
	case o.has("property"):
		return wrong(o.at("property"), "%s is of events, not of a property; %s are", s.Measure, strings.Join(ofProperty, ", "))
	}
	if o.has("per_user") && s.Measure != perUser {
		return wrong(o.at("per_user"), `it belongs to "measure": "per_user"`)
	}
	if s.Measure == perUser {
		if s.Per, err = o.word("per_user", ofPersons...); err != nil {
			return err
		}
	}
	if o.has("rolling_days") {
		days, err := o.whole("rolling_days", 7, 30, 0)
		if err != nil || days != 7 && days != 30 {
			return wrong(o.at("rolling_days"), "it is 7 or 30")
		}
		if s.Measure != uniques {
			return wrong(o.at("rolling_days"), `it belongs to "measure": "uniques"`)
		}
		s.RollingDays = int64(days)
	}
	return nil
}

// given is the name of a series that was not given one.
func (s *Series) given() string {
	event := "any event"
	if !s.Events.All {
		event = strings.Join(s.Events.Names, " or ")
	}
	property := ""
	if s.Property != nil {
		property = " of " + s.Property.String()
	}
	switch {
	case s.Measure == total:
		return event
	case s.RollingDays == 7:
		return event + ", uniques of 7 days"
	case s.RollingDays == 30:
		return event + ", uniques of 30 days"
	case s.Measure == perUser && property == "":
		return event + ", " + s.Per + " per user"
	case s.Measure == perUser:
		return event + ", " + s.Per + property + " per user"
	}
	return event + ", " + s.Measure + property
}
