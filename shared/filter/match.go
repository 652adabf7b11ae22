package filter

import (
	"slices"
	"strings"

	"loch/shared/rawjson"
)

// Type is what a reader knows of a property beforehand.
type Type uint8

// The types.
const (
	Any  Type = iota // each value says by itself what it is
	Time             // a moment of Loch's own: constants are dates or RFC 3339
)

// Matcher is a Where ready to be asked of many rows, by many goroutines.
type Matcher struct {
	// Properties are what Match needs the values of, each once.
	Properties []Property
	// Leaves are the conditions without any. A reader that holds a column as a few
	// values with a code for each row asks each value once, and then decides rows.
	Leaves []Leaf
	all    []branch
}

// Leaf is one condition on one property.
type Leaf struct {
	Property int // in Matcher.Properties
	op       Op  // never a negated one
	negated  bool
	values   []Literal
	spans    []Span   // of a Time, in place of values
	pattern  *pattern // of Matches
}

// branch is a leaf, or, where any is not nil, several branches joined by OR.
type branch struct {
	leaf int
	any  []branch
}

// Compile makes a matcher. typeOf tells what a property is.
func Compile(w Where, typeOf func(Property) Type) (*Matcher, error) {
	m := &Matcher{}
	var err error
	m.all, err = m.branches(w, typeOf)
	return m, err
}

func (m *Matcher) branches(list []Filter, typeOf func(Property) Type) ([]branch, error) {
	out := make([]branch, 0, len(list))
	for i := range list {
		f := &list[i]
		if f.Any != nil {
			below, err := m.branches(f.Any, typeOf)
			if err != nil {
				return nil, err
			}
			out = append(out, branch{any: below})
			continue
		}
		l, err := m.leaf(f, typeOf(f.Property))
		if err != nil {
			return nil, err
		}
		out = append(out, branch{leaf: len(m.Leaves)})
		m.Leaves = append(m.Leaves, l)
	}
	return out, nil
}

func (m *Matcher) leaf(f *Filter, t Type) (l Leaf, err error) {
	l.values = f.Values
	l.op, l.negated = f.Op.Positive()
	if l.Property = slices.Index(m.Properties, f.Property); l.Property < 0 {
		l.Property = len(m.Properties)
		m.Properties = append(m.Properties, f.Property)
	}
	if t == Time {
		l.spans, err = f.Spans()
		return l, err
	}
	if f.Op == Matches {
		l.pattern, err = compile(f.Values[0].Text)
	}
	return l, err
}

// Match asks a row. values are those of Properties, in order.
func (m *Matcher) Match(values []Value) bool {
	return m.Decide(func(leaf int) bool {
		l := &m.Leaves[leaf]
		return l.Ask(&values[l.Property])
	})
}

// Decide says whether a row passes, of which ask tells what each leaf says.
func (m *Matcher) Decide(ask func(leaf int) bool) bool {
	for i := range m.all {
		if !m.all[i].decide(ask) {
			return false
		}
	}
	return true
}

func (b *branch) decide(ask func(leaf int) bool) bool {
	if b.any == nil {
		return ask(b.leaf)
	}
	for i := range b.any {
		if b.any[i].decide(ask) {
			return true
		}
	}
	return false
}

// Ask says whether a value of the leaf's property passes.
func (l *Leaf) Ask(v *Value) bool {
	return (v.kind != rawjson.None && l.holds(v)) != l.negated
}

// holds asks a value that is there.
func (l *Leaf) holds(v *Value) bool {
	if v.kind == moment && l.spans != nil {
		return l.inTime(v.time)
	}
	switch l.op {
	case IsSet:
		return true
	case IsTrue:
		return v.kind == rawjson.True
	case IsFalse:
		return v.kind == rawjson.False
	case Eq, In:
		for i := range l.values {
			if v.equals(&l.values[i]) {
				return true
			}
		}
		return false
	case Contains:
		return v.contains(&l.values[0])
	case StartsWith:
		return v.kind == rawjson.String && strings.HasPrefix(v.string(), l.values[0].Text)
	case Matches:
		return v.kind == rawjson.String && l.pattern.matches(v.string())
	case Between:
		low, okLow := v.order(&l.values[0])
		high, okHigh := v.order(&l.values[1])
		return okLow && okHigh && low >= 0 && high <= 0
	case Gt, Gte, Lt, Lte:
		order, ok := v.order(&l.values[0])
		return ok && l.op.holds(order)
	case Ne, NotIn, NotContains, IsNotSet: // negated, so never here
	}
	return false
}

// holds tells whether an order is the one that the operator asks for.
func (o Op) holds(order int) bool {
	switch o {
	case Gt:
		return order > 0
	case Gte:
		return order >= 0
	case Lt:
		return order < 0
	case Lte:
		return order <= 0
	default:
		return false
	}
}
