// Package expression reads the expressions by which Mixpanel's users filter:
//
//	properties["plan"] == "pro" and not ("x" in properties["tags"] or properties["seats"] < 5)
//
// Parse turns a text into a tree of conditions, and says at which byte something is
// wrong, or not supported. Two readers share the tree: Filters makes the filters of
// reports and lists of it, and the raw export makes SQL of it. The language is that of
// Mixpanel's reference (reference/segmentation-expressions.mdx in mixpanel/docs): what
// is undefined counts as false, and what it makes false is true behind not. Values of
// two types are never equal, and only numbers have an order.
package expression

import (
	"encoding/json"
	"strconv"

	"loch/shared/fault"
)

// The limits of an expression.
const (
	MaxBytes  = 16 << 10
	maxNested = 64   // brackets and nots within each other
	maxItems  = 1000 // constants of one list
)

// Supported ends each error about what is not.
const Supported = `; supported are properties["name"] with == != > >= < <= and in, defined(properties["name"]), and, or, not, and brackets`

// Op is what a condition does.
type Op string

// The operators.
const (
	Or      Op = "or"
	And     Op = "and"
	Not     Op = "not"
	Defined Op = "defined"
	Eq      Op = "=="
	Ne      Op = "!="
	Gt      Op = ">"
	Gte     Op = ">="
	Lt      Op = "<"
	Lte     Op = "<="
	In      Op = "in"
)

// Condition is one node of the tree.
type Condition struct {
	Op Op
	At int         // byte offset of the operator
	Of []Condition // of And and Or, two or more; of Not, one
	// Left and Right are the sides. Of Defined there is the left one only, a property.
	// Of the comparisons the left is a property and the right a constant, whichever way
	// they were written. Of In they are as written.
	Left, Right Operand
}

// Operand is one side of a comparison: a property, a constant or a list of constants.
type Operand struct {
	At       int
	Property *Property
	Value    *Literal
	List     []Literal // not nil where it is a list, which may be empty
}

// Property is properties["name"], or user["name"].
type Property struct {
	Name string
	User bool // of the profile, whatever is filtered
}

// Kind is the type of a constant.
type Kind uint8

// The kinds.
const (
	Text Kind = iota + 1
	Number
	Boolean
)

// Literal is a constant.
type Literal struct {
	Kind Kind
	Text string
	Num  float64
	Yes  bool
}

// JSON is the constant as JSON has it.
func (l Literal) JSON() any {
	switch l.Kind {
	case Text:
		return l.Text
	case Boolean:
		return l.Yes
	case Number:
	}
	return json.Number(strconv.FormatFloat(l.Num, 'g', -1, 64))
}

// Wrong is the fault for an expression that cannot be read; whoever asked for it says
// with At which parameter it was, where that was not "where".
func Wrong(format string, args ...any) error {
	return fault.Newf(fault.Invalid, format, args...).At("where")
}
