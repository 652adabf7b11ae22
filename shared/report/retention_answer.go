package report

import (
	"slices"
	"time"

	"loch/shared/fault"
)

// RetentionAnswer is the answer of a retention report: of everybody, and with a
// break-down of each segment as well. A person is in the segment of the event that
// they joined the cohort by.
type RetentionAnswer struct {
	Cohorts  []Cohort           `json:"cohorts"`
	Average  []Average          `json:"average"`
	Segments []RetentionSegment `json:"segments,omitempty"`
	// Hidden is how many cohorts are left out because they are of fewer persons
	// than the project shows, here and in the segments.
	Hidden int `json:"hidden,omitempty"`
}

// RetentionSegment is retention in one segment.
type RetentionSegment struct {
	Segment Segment   `json:"segment"`
	Cohorts []Cohort  `json:"cohorts"`
	Average []Average `json:"average"`
}

// Cohort is who joined in one interval. Start is the first day of it within the
// report.
type Cohort struct {
	Start    string     `json:"start"`
	Size     int64      `json:"size"`
	Retained []Retained `json:"retained"`
}

// Retained is who of a cohort came back in an interval. Ratio is of the cohort's
// size, null where that is 0. Complete tells that the interval has ended: of the
// rolling clock, for whoever could join the cohort last.
type Retained struct {
	N        int64  `json:"n"`
	Ratio    Number `json:"ratio"`
	Complete bool   `json:"complete"`
}

// Average is of all cohorts whose interval is complete: persons who came back by
// persons who joined, null where nobody did.
type Average struct {
	Ratio           Number `json:"ratio"`
	CompleteCohorts int64  `json:"complete_cohorts"`
}

// retentionGroup is a segment with its counts.
type retentionGroup struct {
	segment  Segment
	sizes    []int64   // by cohort
	retained [][]int64 // by cohort and interval
	hidden   []bool    // by cohort
}

// maxAnswerCells bounds the numbers of an answer with segments.
const maxAnswerCells = 1_000_000

// answer works out the answer.
func (s *Retention) answer(cal *calendar, env *Env, rows [][]any) (any, error) {
	buckets := cal.buckets(s.Interval)
	all := s.newGroup(Segment{}, len(buckets))
	groups := map[string]*retentionGroup{}
	for _, row := range rows {
		segment, err := segmentIn(row[2 : len(row)-1])
		if err != nil {
			return nil, err
		}
		g := groups[segment.key()]
		if g == nil {
			if (len(groups)+2)*len(buckets)*s.Intervals > maxAnswerCells {
				return nil, fault.New(fault.TooLarge, "the answer has more numbers than can be given; ask for fewer days, a longer interval, fewer intervals or a smaller limit in breakdown")
			}
			g = s.newGroup(segment, len(buckets))
			groups[segment.key()] = g
		}
		// Each person of a cohort is in one segment, so all segments make the whole.
		if !g.take(row) || !all.take(row) {
			return nil, misshapen()
		}
	}
	list := make([]*retentionGroup, 0, len(groups))
	for _, g := range groups {
		if len(s.Breakdown) > 0 {
			list = append(list, g)
		}
	}
	slices.SortFunc(list, func(a, b *retentionGroup) int { return a.segment.compare(b.segment) })
	complete := s.complete(cal, env.Now, buckets)
	answer := RetentionAnswer{Hidden: hideCohorts(all, list, env.MinCell)}
	answer.Cohorts, answer.Average = s.told(all, buckets, complete)
	for _, g := range list {
		cohorts, average := s.told(g, buckets, complete)
		answer.Segments = append(answer.Segments, RetentionSegment{g.segment, cohorts, average})
	}
	return answer, nil
}

func (s *Retention) newGroup(segment Segment, cohorts int) *retentionGroup {
	g := &retentionGroup{segment: segment, sizes: make([]int64, cohorts), retained: make([][]int64, cohorts), hidden: make([]bool, cohorts)}
	for i := range g.retained {
		g.retained[i] = make([]int64, s.Intervals)
	}
	return g
}

// take adds a row of the result.
func (g *retentionGroup) take(row []any) bool {
	cohort, okCohort := wholeIn(row[0])
	persons, okPersons := wholeIn(row[len(row)-1])
	if !okCohort || !okPersons || cohort < 0 || cohort >= int64(len(g.sizes)) {
		return false
	}
	if row[1] == nil {
		g.sizes[cohort] += persons
		return true
	}
	step, ok := wholeIn(row[1])
	if !ok || step < 0 || step >= int64(len(g.retained[cohort])) {
		return false
	}
	g.retained[cohort][step] += persons
	return true
}

// hideCohorts marks the cohorts of too few persons, cohort by cohort in the whole
// and among its segments, and counts them.
func hideCohorts(all *retentionGroup, list []*retentionGroup, minCell int64) (count int) {
	for c, size := range all.sizes {
		sizes := make([]int64, len(list))
		for i, g := range list {
			sizes[i] = g.sizes[c]
		}
		hidden := Hide(sizes, size, minCell)
		for i, g := range list {
			if g.hidden[c] = hidden[i]; hidden[i] {
				count++
			}
		}
		if all.hidden[c] = Hide([]int64{size}, size, minCell)[0]; all.hidden[c] {
			count++
		}
	}
	return count
}

// complete tells by cohort how many of its intervals have ended.
func (s *Retention) complete(cal *calendar, now time.Time, buckets []bucket) []int {
	counts := make([]int, len(buckets))
	for c := range buckets {
		for i := range s.Intervals {
			var end int64
			if s.Rolling {
				end = cal.endOf(buckets[c].lastDay) + int64(i+1)*s.stepMS()
			} else {
				end = cal.endOf(cal.lastDayOf(s.Interval, buckets[c].number+int64(i)))
			}
			if now.UnixMilli() < end {
				break
			}
			counts[c]++
		}
	}
	return counts
}

// told are the cohorts of a segment that are shown, and their average. In mode
// on_or_after whoever came back late came back after each interval before.
func (s *Retention) told(g *retentionGroup, buckets []bucket, complete []int) ([]Cohort, []Average) {
	cohorts, average := []Cohort{}, make([]Average, s.Intervals)
	persons, joined := make([]int64, s.Intervals), make([]int64, s.Intervals)
	for c := range buckets {
		if g.hidden[c] {
			continue
		}
		one := Cohort{Start: buckets[c].label, Size: g.sizes[c], Retained: make([]Retained, s.Intervals)}
		later := int64(0)
		for i := s.Intervals - 1; i >= 0; i-- {
			n := g.retained[c][i]
			if s.OrAfter {
				later += n
				n = later
			}
			one.Retained[i] = Retained{n, Quotient(Count(n), Count(one.Size)), i < complete[c]}
			if i < complete[c] {
				average[i].CompleteCohorts++
				persons[i] += n
				joined[i] += one.Size
			}
		}
		cohorts = append(cohorts, one)
	}
	for i := range average {
		average[i].Ratio = Quotient(Count(persons[i]), Count(joined[i]))
	}
	return cohorts, average
}
