package report

import "slices"

// SessionsAnswer is the answer of a sessions report.
type SessionsAnswer struct {
	Segments []SessionsSegment `json:"segments"`
	// Hidden is how many segments and pages are left out because they are of fewer
	// persons than the project shows.
	Hidden int `json:"hidden,omitempty"`
}

// SessionsSegment is the sessions of one segment: by interval, and all of them. The
// pages are the most frequent first; behind them "(other)" is the rest.
type SessionsSegment struct {
	Segment    Segment         `json:"segment"`
	Points     []SessionsPoint `json:"points"`
	Total      SessionsNumbers `json:"total"`
	EntryPages []PageCount     `json:"entry_pages"`
	ExitPages  []PageCount     `json:"exit_pages"`
}

// SessionsPoint is one interval. T is as in insights.
type SessionsPoint struct {
	T string `json:"t"`
	SessionsNumbers
}

// SessionsNumbers are what is measured of some sessions; all but their number is
// null where there are none. BounceRate is from 0 to 1.
type SessionsNumbers struct {
	Sessions         int64  `json:"sessions"`
	MedianSeconds    Number `json:"median_seconds"`
	AvgSeconds       Number `json:"avg_seconds"`
	EventsPerSession Number `json:"events_per_session"`
	BounceRate       Number `json:"bounce_rate"`
}

// PageCount is how many sessions began, or ended, with a page.
type PageCount struct {
	Page     any   `json:"page"`
	Sessions int64 `json:"sessions"`
}

// sessionsGroup is a segment as the rows told it.
type sessionsGroup struct {
	segment Segment
	persons int64
	buckets map[int64]SessionsNumbers
	pages   [partExit + 1][]pageGroup
}

// pageGroup is the sessions of a page; those without a page view have the key "".
type pageGroup struct {
	key               string
	sessions, persons int64
}

// answer works out the answer.
func (s *Sessions) answer(cal *calendar, minCell int64, rows [][]any) (any, error) {
	groups, everybody := map[string]*sessionsGroup{}, int64(0)
	group := func(segment Segment) *sessionsGroup {
		key := segment.key()
		if groups[key] == nil {
			groups[key] = &sessionsGroup{segment: segment, buckets: map[int64]SessionsNumbers{}}
		}
		return groups[key]
	}
	if len(s.Breakdown) == 0 {
		group(Segment{})
	}
	for _, row := range rows {
		fixed := 2 * len(s.Breakdown)
		if fixed > 0 && row[0] == nil {
			var ok bool
			if everybody, ok = wholeIn(row[len(row)-1]); !ok {
				return nil, misshapen()
			}
			continue
		}
		segment, err := segmentIn(row[:fixed])
		if err != nil || !group(segment).take(row[fixed:]) {
			return nil, misshapen()
		}
	}
	list := make([]*sessionsGroup, 0, len(groups))
	persons := make([]int64, 0, len(groups))
	for _, g := range groups {
		list = append(list, g)
	}
	slices.SortFunc(list, func(a, b *sessionsGroup) int { return a.segment.compare(b.segment) })
	for _, g := range list {
		persons = append(persons, g.persons)
		if len(s.Breakdown) == 0 {
			everybody = g.persons
		}
	}
	answer := SessionsAnswer{Segments: []SessionsSegment{}}
	buckets := cal.buckets(s.Interval)
	for i, hide := range Hide(persons, everybody, minCell) {
		if hide {
			answer.Hidden++
			continue
		}
		answer.Segments = append(answer.Segments, list[i].told(s.Interval, buckets, minCell, &answer.Hidden))
	}
	return answer, nil
}

// take adds a row of the result, behind its segment.
func (g *sessionsGroup) take(row []any) bool {
	part, ok := wholeIn(row[0])
	if !ok || part < partMeasures || part > partExit {
		return false
	}
	var v [7]Number // sessions, lasted, low, high, events, bounced, persons
	for i := range v {
		if v[i], ok = numberIn(row[3+i]); !ok {
			return false
		}
	}
	if part != partMeasures {
		key, ok := row[2].(string)
		g.pages[part] = append(g.pages[part], pageGroup{key, whole(v[0]), whole(v[6])})
		return ok
	}
	bucket := int64(wholeTime)
	if row[1] == nil {
		g.persons = whole(v[6])
	} else if bucket, ok = wholeIn(row[1]); !ok {
		return false
	}
	g.buckets[bucket] = SessionsNumbers{
		Sessions:         whole(v[0]),
		MedianSeconds:    Quotient(v[2].Plus(v[3]), Count(2000)),
		AvgSeconds:       Quotient(Quotient(v[1], v[0]), Count(1000)),
		EventsPerSession: Quotient(v[4], v[0]),
		BounceRate:       Quotient(v[5], v[0]),
	}
	return true
}

// told is the segment in an answer. Pages of too few persons are left out and
// counted in hidden.
func (g *sessionsGroup) told(interval Interval, buckets []bucket, minCell int64, hidden *int) SessionsSegment {
	out := SessionsSegment{Segment: g.segment, Points: make([]SessionsPoint, len(buckets)), Total: g.buckets[wholeTime]}
	for i, b := range buckets {
		n := b.number
		if interval == Total {
			n = wholeTime
		}
		out.Points[i] = SessionsPoint{b.label, g.buckets[n]}
	}
	out.EntryPages = g.pagesOf(partEntry, minCell, hidden)
	out.ExitPages = g.pagesOf(partExit, minCell, hidden)
	return out
}

// pagesOf are the pages that are shown. How many sessions have none can be found by
// subtraction, so those are a group like others.
func (g *sessionsGroup) pagesOf(part int, minCell int64, hidden *int) []PageCount {
	list := g.pages[part]
	behind := func(key string) int {
		if key == string(keyText)+Other {
			return 1
		}
		return 0
	}
	slices.SortFunc(list, func(a, b pageGroup) int {
		switch {
		case behind(a.key) != behind(b.key):
			return behind(a.key) - behind(b.key)
		case a.sessions != b.sessions:
			return int(min(1, max(-1, b.sessions-a.sessions)))
		case a.key < b.key:
			return -1
		}
		return 1
	})
	persons := make([]int64, len(list))
	for i := range list {
		persons[i] = list[i].persons
	}
	pages := []PageCount{}
	for i, hide := range Hide(persons, g.persons, minCell) {
		switch {
		case hide:
			*hidden++
		case list[i].key != "":
			pages = append(pages, PageCount{segmentOf(list[i].key), list[i].sessions})
		}
	}
	return pages
}
