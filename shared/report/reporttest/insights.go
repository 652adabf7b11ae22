package reporttest

import (
	"math/big"
	"slices"
	"time"

	"loch/shared/report"
)

// insightsQuestion is an insights spec, read the plain way.
type insightsQuestion struct {
	common
	Series []struct {
		Event       any
		Where       []condition
		Measure     string
		Property    string
		PerUser     string `json:"per_user"`
		RollingDays int    `json:"rolling_days"`
		Formula     string
		Name        string
	}
	Interval string
}

// part is the events of one series in one segment.
type part struct {
	order  string
	values []any
}

// insights answers by looking at all events again for each number.
func insights(w *world, spec []byte) any {
	var q insightsQuestion
	read(spec, &q)
	if q.Interval == "" {
		q.Interval = "day"
	}
	zone, counts := q.zone(w), q.counts(w)
	isOf := func(i int, h *happened) bool {
		return q.Series[i].Formula == "" && h.is(q.Series[i].Event) && all(q.Series[i].Where, h) && counts(h) && q.passes(h) &&
			(q.Series[i].Measure != "sessions" || h.active())
	}
	from := func(rolling int) string { return date(q.From, -max(rolling-1, 0)).Format(time.DateOnly) }

	var ranked []*happened
	for i := range w.events {
		h := &w.events[i]
		if h.in(q.From, q.To, zone) && slices.ContainsFunc(indexes(len(q.Series)), func(s int) bool { return isOf(s, h) }) {
			ranked = append(ranked, h)
		}
	}
	segmentOf := q.segments(ranked)

	// The segments of the answer are those that any series has events of.
	parts := map[string]*part{}
	if len(q.Breakdown) == 0 {
		parts[""] = &part{}
	}
	for i := range w.events {
		h := &w.events[i]
		for s := range q.Series {
			if isOf(s, h) && (h.in(q.From, q.To, zone) || h.person != "" && h.in(from(q.Series[s].RollingDays), q.To, zone)) {
				values, order := segmentOf(h)
				parts[order] = &part{order: order, values: values}
			}
		}
	}
	list := make([]*part, 0, len(parts))
	for _, p := range parts {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b *part) int { return compare(a.order, b.order) })

	names, lastDays := q.buckets(w, q.Interval)
	value := func(s int, p *part, bucket int) *big.Rat { // -1 is the whole time
		one := &q.Series[s]
		inBucket := func(h *happened) bool {
			switch {
			case bucket < 0:
				return h.in(q.From, q.To, zone)
			case one.RollingDays > 0:
				return h.in(date(lastDays[bucket], 1-one.RollingDays).Format(time.DateOnly), lastDays[bucket], zone)
			}
			return h.in(q.From, q.To, zone) && q.bucket(h.row.TimeMS, zone, q.Interval) == names[bucket]
		}
		var events []*happened
		for i := range w.events {
			h := &w.events[i]
			if isOf(s, h) && inBucket(h) {
				if _, order := segmentOf(h); order == p.order {
					events = append(events, h)
				}
			}
		}
		return measure(w, &q.common, one.Measure, one.Property, one.PerUser, events)
	}
	lines := []any{}
	hidden := 0
	for s := range q.Series {
		for _, p := range list {
			if hiddenLine(w, &q, s, p, list, isOf, segmentOf) {
				hidden++
				continue
			}
			of := func(bucket int) any {
				if f := q.Series[s].Formula; f != "" {
					return calculated(f, func(letter int) *big.Rat { return value(letter, p, bucket) })
				}
				return value(s, p, bucket)
			}
			points := []any{}
			for b := range names {
				points = append(points, object{"t": names[b], "v": of(b)})
			}
			lines = append(lines, object{"name": q.Series[s].Name, "segment": shown(p.values), "points": points, "total": of(-1)})
		}
	}
	if hidden > 0 {
		return object{"series": lines, "hidden": hidden}
	}
	return object{"series": lines}
}

// hiddenLine tells whether a line, or one that it is calculated of, is of too few
// persons.
func hiddenLine(w *world, q *insightsQuestion, s int, p *part, list []*part, isOf func(int, *happened) bool, segmentOf func(*happened) ([]any, string)) bool {
	if f := q.Series[s].Formula; f != "" {
		for letter := range q.Series {
			if q.Series[letter].Formula == "" && slices.Contains([]byte(f), byte('A'+letter)) && hiddenLine(w, q, letter, p, list, isOf, segmentOf) {
				return true
			}
		}
		return false
	}
	zone := q.zone(w)
	everybody := map[string]bool{}
	persons := make([]int64, len(list))
	for j, other := range list {
		here := map[string]bool{}
		for i := range w.events {
			h := &w.events[i]
			if h.person == "" || !isOf(s, h) || !h.in(q.From, q.To, zone) {
				continue
			}
			everybody[h.person] = true
			if _, order := segmentOf(h); order == other.order {
				here[h.person] = true
			}
		}
		persons[j] = int64(len(here))
	}
	return report.Hide(persons, int64(len(everybody)), w.env.MinCell)[slices.Index(list, p)]
}

// measure is what a series counts of some events.
func measure(w *world, c *common, name, property, per string, events []*happened) *big.Rat {
	persons := map[string][]*happened{}
	var numbers []*big.Rat
	kinds := map[[2]string]bool{}
	sessions := map[[2]string]bool{}
	for _, h := range events {
		if h.person != "" {
			persons[h.person] = append(persons[h.person], h)
			if name == "sessions" {
				sessions[[2]string{h.person, w.sessionOf(c, h)}] = true
			}
		}
		if property == "" {
			continue
		}
		v := h.get(property)
		if n := measured(v); n != nil {
			numbers = append(numbers, n)
		}
		switch v.(type) {
		case nil, []any, map[string]any:
		default:
			name, of := segmentName(segment(v))
			kinds[[2]string{name, of}] = true
		}
	}
	switch name {
	case "", "total":
		return count(len(events))
	case "uniques":
		return count(len(persons))
	case "sessions":
		return count(len(sessions))
	case "distinct":
		return count(len(kinds))
	case "per_user":
		var each []*big.Rat
		for _, list := range persons {
			if property == "" {
				each = append(each, count(len(list)))
				continue
			}
			sum, any := new(big.Rat), false
			for _, h := range list {
				if n := measured(h.get(property)); n != nil {
					sum.Add(sum, n)
					any = true
				}
			}
			if any {
				each = append(each, sum)
			}
		}
		if per == "" {
			per = "avg"
		}
		return aggregate(per, each)
	}
	return aggregate(name, numbers)
}

// aggregate is one number of many; 0 of none.
func aggregate(how string, list []*big.Rat) *big.Rat {
	if len(list) == 0 {
		return count(0)
	}
	slices.SortFunc(list, func(a, b *big.Rat) int { return a.Cmp(b) })
	sum := new(big.Rat)
	for _, n := range list {
		sum.Add(sum, n)
	}
	// The smallest that at least so many in a hundred do not exceed.
	percentile := func(p int) *big.Rat {
		for i := range list {
			if (i+1)*100 >= p*len(list) {
				return list[i]
			}
		}
		panic("none")
	}
	switch how {
	case "sum":
		return sum
	case "avg":
		return sum.Quo(sum, count(len(list)))
	case "min":
		return list[0]
	case "max":
		return list[len(list)-1]
	case "p90":
		return percentile(90)
	case "p99":
		return percentile(99)
	case "median":
		if n := len(list); n%2 == 0 {
			middle := new(big.Rat).Add(list[n/2-1], list[n/2])
			return middle.Quo(middle, count(2))
		}
		return list[len(list)/2]
	}
	panic(how)
}

// sessionOf names the session of an event by the number of those before it: it
// walks over all that its person ever did.
func (w *world) sessionOf(c *common, of *happened) string {
	gap := w.env.SessionGap.Milliseconds()
	if gap == 0 {
		gap = 30 * 60 * 1000
	}
	name, last := "", int64(-1)
	for i := range w.events {
		h := &w.events[i]
		if h.person != of.person || !h.active() || h.row.IsBot && !c.Bots {
			continue
		}
		if last >= 0 && h.row.TimeMS-last > gap {
			name += "+"
		}
		last = h.row.TimeMS
		if h == of {
			return name
		}
	}
	panic("an event of no session")
}

func count(n int) *big.Rat { return new(big.Rat).SetInt64(int64(n)) }

func indexes(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// calculated works a formula out from right to left: the last + or - outside of
// parentheses is done last, then the last * or /. nil is none.
func calculated(text string, of func(letter int) *big.Rat) *big.Rat {
	var kept []byte
	for _, c := range []byte(text) {
		if c != ' ' {
			kept = append(kept, c)
		}
	}
	return calculate(string(kept), of)
}

func calculate(text string, of func(int) *big.Rat) *big.Rat {
	for _, ops := range []string{"+-", "*/"} {
		depth := 0
		for i := len(text) - 1; i > 0; i-- {
			switch c := text[i]; {
			case c == ')':
				depth++
			case c == '(':
				depth--
			case depth == 0 && slices.Contains([]byte(ops), c) && !slices.Contains([]byte("+-*/("), text[i-1]):
				a, b := calculate(text[:i], of), calculate(text[i+1:], of)
				if a == nil || b == nil || c == '/' && b.Sign() == 0 {
					return nil
				}
				out := new(big.Rat)
				switch c {
				case '+':
					return out.Add(a, b)
				case '-':
					return out.Sub(a, b)
				case '*':
					return out.Mul(a, b)
				}
				return out.Quo(a, b)
			}
		}
	}
	switch {
	case text[0] == '-':
		if a := calculate(text[1:], of); a != nil {
			return new(big.Rat).Neg(a)
		}
		return nil
	case text[0] == '(':
		return calculate(text[1:len(text)-1], of)
	case text[0] >= 'A' && text[0] <= 'Z':
		return of(int(text[0] - 'A'))
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		panic(text)
	}
	return r
}
