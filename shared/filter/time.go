package filter

import (
	"slices"
	"time"

	"loch/shared/rawjson"
)

// Span is what a constant says of time: a moment, or a day of UTC, which lasts. It
// reaches from From up to, but without, Until; in milliseconds since 1970.
type Span struct{ From, Until int64 }

const dayMS = 24 * 60 * 60 * 1000

// Spans reads the constants of a filter on a time. It refuses what cannot be asked
// of one.
func (f *Filter) Spans() ([]Span, error) {
	spans := []Span{} // not nil: that marks a time
	if slices.Contains([]Op{StartsWith, Matches, Contains, NotContains, IsTrue, IsFalse}, f.Op) {
		return nil, wrong(f.place+".op", "this property is a time; ask with eq, ne, in, not_in, gt, gte, lt, lte, between, is_set or is_not_set")
	}
	for _, l := range f.Values {
		s, ok := spanOf(l)
		if !ok {
			return nil, wrong(f.place+".value", `this property is a time: compare it with a date ("2026-11-23", UTC) or a moment ("2026-11-23T20:15:00Z")`)
		}
		spans = append(spans, s)
	}
	return spans, nil
}

func spanOf(l Literal) (Span, bool) {
	if l.Kind != rawjson.String {
		return Span{}, false
	}
	if day, err := time.Parse(time.DateOnly, l.Text); err == nil {
		return Span{day.UnixMilli(), day.UnixMilli() + dayMS}, true
	}
	t, err := time.Parse(time.RFC3339, l.Text)
	return Span{t.UnixMilli(), t.UnixMilli() + 1}, err == nil
}

// inTime asks a moment. Later than a day is later than all of it.
func (l *Leaf) inTime(ms int64) bool {
	switch l.op {
	case IsSet:
		return true
	case Eq, In:
		for _, s := range l.spans {
			if ms >= s.From && ms < s.Until {
				return true
			}
		}
	case Gt:
		return ms >= l.spans[0].Until
	case Gte:
		return ms >= l.spans[0].From
	case Lt:
		return ms < l.spans[0].From
	case Lte:
		return ms < l.spans[0].Until
	case Between:
		return ms >= l.spans[0].From && ms < l.spans[1].Until
	case Ne, NotIn, Contains, NotContains, StartsWith, Matches, IsNotSet, IsTrue, IsFalse: // refused, or negated
	}
	return false
}
