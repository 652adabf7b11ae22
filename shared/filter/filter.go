// Package filter is the grammar of conditions that reports and lists share:
//
//	[{"property": "plan", "op": "in", "value": ["pro", "team"]},
//	 {"any": [{"property": "visits", "op": "gte", "value": 10},
//	          {"property": "last_seen", "op": "gte", "value": "2026-11-01"}]}]
//
// Parse reads it strictly and says which place is wrong. What it returns is a
// tree, which two readers share: Compile makes a Matcher of it, which asks one
// row after the other in Go, and a report's compiler makes SQL of the same tree.
//
// Filters of a list are joined by AND, those of any by OR. Values compare by
// their JSON type, numbers as decimals of any length, text by its bytes. What is
// absent or null is missing: a filter on it is false, but for ne, not_in,
// not_contains and is_not_set.
package filter

import "loch/shared/rawjson"

// Op is what is asked of a property.
type Op string

// The operators.
const (
	Eq          Op = "eq"
	Ne          Op = "ne"
	In          Op = "in"
	NotIn       Op = "not_in"
	Contains    Op = "contains" // part of a text, or an item of a list
	NotContains Op = "not_contains"
	StartsWith  Op = "starts_with"
	Matches     Op = "matches" // RE2, anywhere in the text unless it has ^ and $
	Gt          Op = "gt"
	Gte         Op = "gte"
	Lt          Op = "lt"
	Lte         Op = "lte"
	Between     Op = "between" // both ends included
	IsSet       Op = "is_set"
	IsNotSet    Op = "is_not_set"
	IsTrue      Op = "is_true"
	IsFalse     Op = "is_false"
)

// Where is a list of filters joined by AND. None lets everything through.
type Where []Filter

// Filter is one condition, or, where Any is not nil, several joined by OR.
type Filter struct {
	Property Property
	Op       Op
	Values   []Literal // one, but two for Between, some for In and NotIn, none for Is…
	Any      []Filter

	place string // where it stood, for errors of Compile
}

// Literal is a constant: a text, a number or a boolean.
type Literal struct {
	Kind rawjson.Kind // String, Number, True or False
	Text string       // the text, or the number's digits as they were sent
}

// Literal's own words for what it may be.
const literalWords = "a text, a number, true or false"

// Positive is the operator that a negated one negates; itself for all others.
func (o Op) Positive() (positive Op, negated bool) {
	if positive, negated = negations[o]; !negated {
		positive = o
	}
	return positive, negated
}

var negations = map[Op]Op{Ne: Eq, NotIn: In, NotContains: Contains, IsNotSet: IsSet}

// Properties are the properties that a filter asks for, each as often as it does.
func (f *Filter) Properties() []Property {
	if f.Any == nil {
		return []Property{f.Property}
	}
	var list []Property
	for i := range f.Any {
		list = append(list, f.Any[i].Properties()...)
	}
	return list
}

// Place is where the filter stood in the request.
func (f *Filter) Place() string { return f.place }
