package reporttest

import (
	"encoding/json"
	"slices"
	"time"
)

// common are the fields that all reports have, read the plain way.
type common struct {
	From, To  string
	Timezone  string
	Where     []condition
	Breakdown []struct {
		Property string
		Limit    int
	}
	Cohort *struct {
		Did struct {
			Event      string
			AtLeast    int `json:"at_least"`
			WithinDays int `json:"within_days"`
		}
	}
	Bots      bool
	WeekStart string `json:"week_start"`
}

func read(spec []byte, into any) {
	if err := json.Unmarshal(spec, into); err != nil {
		panic(err)
	}
}

// zone is the report's time zone.
func (c *common) zone(w *world) *time.Location {
	name := c.Timezone
	if name == "" {
		name = w.env.Timezone
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return zone
}

// day is the date that the clocks showed.
func day(ms int64, zone *time.Location) string {
	return time.UnixMilli(ms).In(zone).Format(time.DateOnly)
}

// date reads a day and moves it by some days.
func date(text string, by int) time.Time {
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return d.AddDate(0, 0, by)
}

// in tells whether it happened on the days from to to, both included.
func (h *happened) in(from, to string, zone *time.Location) bool {
	d := day(h.row.TimeMS, zone)
	return d >= from && d <= to
}

// counts tells whether an event is of somebody whose events count, leaving time
// and filters aside: no bot, and of the cohort.
func (c *common) counts(w *world) func(*happened) bool {
	zone := c.zone(w)
	times := map[string]int{}
	least := 1
	if c.Cohort != nil {
		did := c.Cohort.Did
		if did.AtLeast > 0 {
			least = did.AtLeast
		}
		days := 30
		if did.WithinDays > 0 {
			days = did.WithinDays
		}
		for i := range w.events {
			h := &w.events[i]
			if (c.Bots || !h.row.IsBot) && h.row.Name == did.Event && h.in(date(c.To, 1-days).Format(time.DateOnly), c.To, zone) {
				times[h.person]++
			}
		}
	}
	return func(h *happened) bool {
		if h.row.IsBot && !c.Bots {
			return false
		}
		return c.Cohort == nil || h.person != "" && times[h.person] >= least
	}
}

// passes tells whether an event passes the report's filters.
func (c *common) passes(h *happened) bool { return all(c.Where, h) }

// weekday is the first day of a week.
func (c *common) weekday() string {
	if c.WeekStart == "" {
		return "monday"
	}
	return c.WeekStart
}

// buckets are the names of all intervals of the report, and the last day of each.
func (c *common) buckets(w *world, interval string) (names, lastDays []string) {
	zone := c.zone(w)
	if interval == "hour" {
		for at := date(c.From, -2); at.Before(date(c.To, 3)); at = at.Add(time.Minute) {
			if d := day(at.UnixMilli(), zone); d >= c.From && d <= c.To {
				if name := c.bucket(at.UnixMilli(), zone, interval); !slices.Contains(names, name) {
					names, lastDays = append(names, name), append(lastDays, d)
				}
			}
		}
		return names, lastDays
	}
	for at := date(c.From, 0); !at.After(date(c.To, 0)); at = at.AddDate(0, 0, 1) {
		name := c.named(at, interval)
		if len(names) == 0 || names[len(names)-1] != name {
			names, lastDays = append(names, name), append(lastDays, "")
		}
		lastDays[len(names)-1] = at.Format(time.DateOnly)
	}
	return names, lastDays
}

// bucket is the name of the interval in which something happened: its first day,
// for hours the minute at which the clocks began to show it.
func (c *common) bucket(ms int64, zone *time.Location, interval string) string {
	if interval != "hour" {
		return c.named(date(day(ms, zone), 0), interval)
	}
	at := time.UnixMilli(ms).In(zone).Truncate(time.Minute)
	shown := func(t time.Time) string { return t.Format("2006-01-02T15 -0700") }
	for shown(at.Add(-time.Minute)) == shown(at) {
		at = at.Add(-time.Minute)
	}
	return at.Format(time.RFC3339)
}

func (c *common) named(at time.Time, interval string) string {
	first := at
	switch interval {
	case "week":
		for !equalFold(first.Weekday().String(), c.weekday()) {
			first = first.AddDate(0, 0, -1)
		}
	case "month":
		first = time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
	case "total":
		first = date(c.From, 0)
	}
	if from := date(c.From, 0); first.Before(from) {
		first = from
	}
	return first.Format(time.DateOnly)
}

// segments ranks the values of the break-down among some events, and tells the
// segment of an event: its values, and a text by which segments sort.
func (c *common) segments(ranked []*happened) func(*happened) (values []any, order string) {
	type seen struct {
		name, of string
		n        int
	}
	tops := make([][]seen, len(c.Breakdown))
	for i, b := range c.Breakdown {
		counts := map[[2]string]int{}
		for _, h := range ranked {
			name, of := segmentName(segment(h.get(b.Property)))
			if name != "(other)" || of != "t" {
				counts[[2]string{name, of}]++
			}
		}
		for k, n := range counts {
			tops[i] = append(tops[i], seen{k[0], k[1], n})
		}
		slices.SortFunc(tops[i], func(a, b seen) int {
			switch {
			case a.n != b.n:
				return b.n - a.n
			case a.name != b.name:
				return compare(a.name, b.name)
			}
			return compare(a.of, b.of)
		})
		limit := b.Limit
		if limit == 0 {
			limit = 10
		}
		tops[i] = tops[i][:min(limit, len(tops[i]))]
	}
	return func(h *happened) (values []any, order string) {
		for i, b := range c.Breakdown {
			v := segment(h.get(b.Property))
			name, of := segmentName(v)
			at := slices.IndexFunc(tops[i], func(s seen) bool { return s.name == name && s.of == of })
			if at < 0 {
				v, at = "(other)", 1000
			}
			values = append(values, v)
			order += string(rune('0'+at/100)) + string(rune('0'+at/10%10)) + string(rune('0'+at%10)) + "."
		}
		return values, order
	}
}

// shown is a segment in an answer.
func shown(values []any) any {
	switch len(values) {
	case 0:
		return nil
	case 1:
		return values[0]
	}
	return values
}
