package report

import "slices"

// FunnelAnswer is the answer of a funnel report.
type FunnelAnswer struct {
	Segments []FunnelSegment `json:"segments"`
	// TimeToConvert is cumulative: how many of the segments shown took at most so
	// long from the first step to the last.
	TimeToConvert []Converted `json:"time_to_convert"`
	// Hidden is how many segments are left out because they are of fewer persons
	// than the project shows.
	Hidden int `json:"hidden,omitempty"`
}

// FunnelSegment is the funnel of one segment.
type FunnelSegment struct {
	Segment Segment      `json:"segment"`
	Steps   []FunnelStep `json:"steps"`
}

// FunnelStep is who got to a step. The ratios are from 0 to 1, null where there is
// nobody to be a part of; the seconds are since the step before, null for the first
// step and where nobody got to it.
type FunnelStep struct {
	Name          string `json:"name"`
	Count         int64  `json:"count"`
	FromStart     Number `json:"from_start"`
	FromPrevious  Number `json:"from_previous"`
	MedianSeconds Number `json:"median_seconds"`
	AvgSeconds    Number `json:"avg_seconds"`
}

// Converted is how many took at most so many seconds.
type Converted struct {
	LeSeconds int64 `json:"le_seconds"`
	Count     int64 `json:"count"`
}

// funnelGroup is a segment as the rows told it.
type funnelGroup struct {
	segment   Segment
	steps     []FunnelStep
	converted []int64
	persons   int64
}

// answer works out the answer.
func (f *Funnel) answer(minCell int64, rows [][]any) (any, error) {
	groups, everybody := map[string]*funnelGroup{}, int64(0)
	if len(f.Breakdown) == 0 {
		groups[Segment{}.key()] = f.group(Segment{})
	}
	for _, row := range rows {
		fixed := 2 * len(f.Breakdown)
		var values []Number
		for _, v := range row[fixed:] {
			n, ok := numberIn(v)
			if !ok {
				return nil, misshapen()
			}
			values = append(values, n)
		}
		step := whole(values[0])
		if step == 0 {
			everybody = whole(values[5])
			continue
		}
		segment, err := segmentIn(row[:fixed])
		if err != nil || step < 1 || step > int64(len(f.Steps)) {
			return nil, misshapen()
		}
		g := groups[segment.key()]
		if g == nil {
			g = f.group(segment)
			groups[segment.key()] = g
		}
		g.take(int(step-1), values[1:])
	}
	return f.shown(groups, everybody, minCell), nil
}

func (f *Funnel) group(segment Segment) *funnelGroup {
	g := &funnelGroup{segment: segment, steps: make([]FunnelStep, len(f.Steps)), converted: make([]int64, len(f.edges()))}
	for i := range g.steps {
		g.steps[i].Name = f.Steps[i].Name
		if f.Order == anyOrder {
			g.steps[i].Name = Count(int64(i+1)).String() + " of " + Count(int64(len(f.Steps))).String() + " steps"
		}
	}
	return g
}

// take adds what a row tells of a step.
func (g *funnelGroup) take(step int, values []Number) {
	n := values[0]
	g.steps[step].Count = whole(n)
	if step == 0 {
		g.persons = whole(values[4])
	} else {
		g.steps[step].AvgSeconds = Quotient(Quotient(values[1], n), Count(1000))
		g.steps[step].MedianSeconds = Quotient(values[2].Plus(values[3]), Count(2000))
	}
	if step == len(g.steps)-1 {
		for i := range g.converted {
			g.converted[i] = whole(values[5+i])
		}
	}
}

// shown are the segments in order, without those of too few persons.
func (f *Funnel) shown(groups map[string]*funnelGroup, everybody, minCell int64) FunnelAnswer {
	list := make([]*funnelGroup, 0, len(groups))
	for _, g := range groups {
		list = append(list, g)
	}
	slices.SortFunc(list, func(a, b *funnelGroup) int { return a.segment.compare(b.segment) })
	persons := make([]int64, len(list))
	for i, g := range list {
		persons[i] = g.persons
	}
	answer := FunnelAnswer{Segments: []FunnelSegment{}}
	converted := make([]int64, len(f.edges()))
	for i, hide := range Hide(persons, everybody, minCell) {
		if hide {
			answer.Hidden++
			continue
		}
		g := list[i]
		for s := range g.steps {
			n := Count(g.steps[s].Count)
			g.steps[s].FromStart = Quotient(n, Count(g.steps[0].Count))
			g.steps[s].FromPrevious = Quotient(n, Count(g.steps[max(s-1, 0)].Count))
		}
		for e, n := range g.converted {
			converted[e] += n
		}
		answer.Segments = append(answer.Segments, FunnelSegment{g.segment, g.steps})
	}
	for i, e := range f.edges() {
		answer.TimeToConvert = append(answer.TimeToConvert, Converted{e, converted[i]})
	}
	return answer
}
