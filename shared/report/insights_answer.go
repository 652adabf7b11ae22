package report

import (
	"slices"
)

// InsightsAnswer is the answer of an insights report.
type InsightsAnswer struct {
	Series []Line `json:"series"`
	// Hidden is how many lines are left out because they are of fewer persons
	// than the project shows.
	Hidden int `json:"hidden,omitempty"`
}

// Line is one series of one segment.
type Line struct {
	Name    string  `json:"name"`
	Segment Segment `json:"segment"`
	Points  []Point `json:"points"`
	Total   Number  `json:"total"`
}

// Point is the value of one bucket. T is the first day of it within the report,
// for hours a moment.
type Point struct {
	T string `json:"t"`
	V Number `json:"v"`
}

// cells are the values of one series in one segment as the passes told them.
type cells struct {
	a, b    map[int64]Number // by bucket; wholeTime is all of it
	pieces  []rollingPiece
	persons int64
}

type rollingPiece struct{ day, until, n, fresh int64 }

const wholeTime = -1

// group is a segment with the cells of all series.
type group struct {
	segment Segment
	series  []cells
}

// insightsTable is the result of the statement by segment.
type insightsTable struct {
	groups  map[string]*group
	persons []int64 // by series, of all segments together
	series  int
}

// answer works out the answer.
func (s *Insights) answer(cal *calendar, minCell int64, rows [][]any) (any, error) {
	table := &insightsTable{groups: map[string]*group{}, persons: make([]int64, len(s.Series)), series: len(s.Series)}
	if len(s.Breakdown) == 0 {
		table.group(Segment{})
	}
	for _, row := range rows {
		if err := s.take(table, row); err != nil {
			return nil, err
		}
	}
	groups := make([]*group, 0, len(table.groups))
	for _, g := range table.groups {
		groups = append(groups, g)
	}
	slices.SortFunc(groups, func(a, b *group) int { return a.segment.compare(b.segment) })
	hidden := s.hidden(table, groups, minCell)
	buckets := cal.buckets(s.Interval)
	answer := InsightsAnswer{Series: []Line{}}
	for i := range s.Series {
		for j, g := range groups {
			if hidden[i][j] {
				answer.Hidden++
				continue
			}
			answer.Series = append(answer.Series, s.line(i, g, cal, buckets))
		}
	}
	return answer, nil
}

func (t *insightsTable) group(segment Segment) *group {
	key := segment.key()
	if t.groups[key] == nil {
		g := &group{segment: segment, series: make([]cells, t.series)}
		for i := range g.series {
			g.series[i] = cells{a: map[int64]Number{}, b: map[int64]Number{}}
		}
		t.groups[key] = g
	}
	return t.groups[key]
}

// take adds a row of the result.
func (s *Insights) take(t *insightsTable, row []any) error {
	const fixed = 3 // pass, bucket, until
	pass, ok := wholeIn(row[0])
	if !ok {
		return misshapen()
	}
	values := row[fixed+2*len(s.Breakdown):]
	segment := row[fixed : fixed+2*len(s.Breakdown)]
	if pass == passPersons && len(segment) > 0 && segment[0] == nil { // all segments
		return s.eachValue(values, func(i int, a, _ Number) { t.persons[i] += whole(a) })
	}
	at, err := segmentIn(segment)
	if err != nil {
		return err
	}
	g := t.group(at)
	bucket, until := int64(wholeTime), int64(0)
	if row[1] != nil {
		if bucket, ok = wholeIn(row[1]); !ok {
			return misshapen()
		}
	}
	if row[2] != nil {
		if until, ok = wholeIn(row[2]); !ok {
			return misshapen()
		}
	}
	return s.eachValue(values, func(i int, a, b Number) {
		c := &g.series[i]
		switch pass {
		case passPersons:
			c.persons += whole(a)
			if len(segment) == 0 {
				t.persons[i] = c.persons
			}
		case passRolling:
			if a.r != nil {
				c.pieces = append(c.pieces, rollingPiece{bucket, until, whole(a), whole(b)})
			}
		default:
			if a.r != nil {
				c.a[bucket] = a
			}
			if b.r != nil {
				c.b[bucket] = b
			}
		}
	})
}

func whole(n Number) int64 {
	if n.r == nil {
		return 0
	}
	return n.r.Num().Int64()
}

// eachValue reads the fields a0, b0, … of the series that are measured.
func (s *Insights) eachValue(values []any, with func(i int, a, b Number)) error {
	at := 0
	for i := range s.Series {
		if s.Series[i].Measure == "" {
			continue
		}
		a, okA := numberIn(values[at])
		b, okB := numberIn(values[at+1])
		if !okA || !okB {
			return misshapen()
		}
		with(i, a, b)
		at += 2
	}
	return nil
}

// hidden tells which series of which group are of too few persons. A formula is
// hidden with any series that it calculates with.
func (s *Insights) hidden(t *insightsTable, groups []*group, minCell int64) [][]bool {
	all := make([][]bool, len(s.Series))
	for i := range s.Series {
		persons := make([]int64, len(groups))
		for j, g := range groups {
			persons[j] = g.series[i].persons
		}
		all[i] = Hide(persons, t.persons[i], minCell)
	}
	for i := range s.Series {
		s.Series[i].formula.uses(func(of int) {
			for j := range groups {
				all[i][j] = all[i][j] || all[of][j]
			}
		})
	}
	return all
}

// line is a series of a group.
func (s *Insights) line(i int, g *group, cal *calendar, buckets []bucket) Line {
	l := Line{Name: s.Series[i].Name, Segment: g.segment, Points: make([]Point, len(buckets)), Total: s.at(i, g, cal, buckets, wholeTime)}
	for b := range buckets {
		l.Points[b] = Point{buckets[b].label, s.at(i, g, cal, buckets, buckets[b].number)}
	}
	return l
}

// at is the value of a series in a bucket: 0 where nothing happened.
func (s *Insights) at(i int, g *group, cal *calendar, buckets []bucket, n int64) Number {
	one, c := &s.Series[i], &g.series[i]
	if one.formula != nil {
		return one.formula.value(func(of int) Number { return s.at(of, g, cal, buckets, n) })
	}
	if one.RollingDays > 0 {
		return c.rolling(cal, buckets, n)
	}
	if s.Interval == Total {
		n = wholeTime
	}
	a, b := c.a[n], c.b[n]
	measure := one.Measure
	if measure == perUser {
		measure = one.Per
	}
	switch measure {
	case avg:
		a = Quotient(a, b)
	case median:
		a = Quotient(a.Plus(b), Count(2))
	}
	if a.r == nil {
		return Count(0)
	}
	return a
}

// rolling counts persons in the days up to and with a bucket's last day, or, in the
// whole time, in all of it.
func (c *cells) rolling(cal *calendar, buckets []bucket, n int64) Number {
	var sum int64
	if n == wholeTime {
		for _, p := range c.pieces {
			sum += p.fresh
		}
		return Count(sum)
	}
	last := buckets[n].lastDay - cal.from
	for _, p := range c.pieces {
		if p.day <= last && last < p.until {
			sum += p.n
		}
	}
	return Count(sum)
}
