package query

import (
	"encoding/json"
	"errors"
	"strconv"

	"loch/shared/fault"
)

// Expressions of Mixpanel as filters of reports. A report's filters are a list that
// is joined by AND, of single conditions and of lists that are joined by OR; so an
// expression is brought into that form. What is undefined is false, and what it
// makes false is true behind not, as in exports.

// clauses are an AND of ORs of conditions.
type clauses [][]map[string]any

// mostClauses bounds what multiplying out an expression may give.
const mostClauses = 100

// columnsOf are the properties that Mixpanel's servers add, and the columns in which
// they are here.
var columnsOf = map[string]string{"$city": "city", "$region": "region", "mp_country_code": "country"}

// named is how a filter names a property.
func named(property string) string {
	if column, ok := columnsOf[property]; ok {
		return column
	}
	return "properties." + property
}

// filtersOf are the filters of an expression; place is the parameter's name.
func filtersOf(expression, place string) ([]any, error) {
	if len(expression) > maxWhere {
		return nil, fault.Newf(fault.TooLarge, "the expression has %d bytes; at most %d are taken", len(expression), maxWhere).At(place)
	}
	if expression == "" {
		return nil, nil
	}
	all, err := clausesOf(expression)
	if err != nil {
		if f, ok := errors.AsType[*fault.Error](err); ok {
			err = f.At(place)
		}
		return nil, err
	}
	list := make([]any, len(all))
	for i, c := range all {
		if len(c) == 1 {
			list[i] = c[0]
		} else {
			list[i] = map[string]any{"any": c}
		}
	}
	return list, nil
}

func clausesOf(expression string) (clauses, error) {
	tokens, err := lex(expression)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	all, err := p.anyOf(false)
	if err == nil && p.peek().kind != 0 {
		err = p.unsupported(p.peek())
	}
	return all, err
}

// anyOf reads operands of or. Behind a not it is an and of what is not.
func (p *parser) anyOf(negated bool) (clauses, error) { return p.joined("or", negated, p.allOf) }

// allOf reads operands of and.
func (p *parser) allOf(negated bool) (clauses, error) { return p.joined("and", !negated, p.single) }

// joined reads operands of a word; both says that all of them must hold.
func (p *parser) joined(word string, both bool, operand func(negated bool) (clauses, error)) (clauses, error) {
	negated := both == (word == "or")
	var all clauses
	for first := true; first || p.accept('w', word); first = false {
		part, err := operand(negated)
		if err != nil {
			return nil, err
		}
		switch {
		case first:
			all = part
		case both:
			all = append(all, part...)
		default:
			all = product(all, part)
		}
		if len(all) > mostClauses {
			return nil, wrong("the expression has too many combinations of and within or; write it with fewer")
		}
	}
	return all, nil
}

// product is an AND of ORs that holds where a or b does.
func product(a, b clauses) clauses {
	var all clauses
	for _, x := range a {
		for _, y := range b {
			all = append(all, append(append([]map[string]any{}, x...), y...))
		}
	}
	return all
}

func (p *parser) single(negated bool) (clauses, error) {
	p.nested++
	defer func() { p.nested-- }()
	if p.nested > maxNested {
		return nil, wrong("the expression is nested deeper than %d", maxNested)
	}
	switch {
	case p.accept('w', "not"):
		return p.single(!negated)
	case p.accept('o', "("):
		all, err := p.anyOf(negated)
		if err != nil {
			return nil, err
		}
		return all, p.expect(")", "after a condition")
	case p.accept('w', "defined"):
		if err := p.expect("(", "after defined"); err != nil {
			return nil, err
		}
		of, err := p.operand()
		if err != nil {
			return nil, err
		}
		if of.property == nil {
			return nil, wrong("defined() at byte %d asks about something other than a property%s", of.at, supported)
		}
		return leaf(of.name, either(negated, "is_not_set", "is_set"), nil), p.expect(")", "after defined(…")
	}
	return p.compared(negated)
}

// compared reads a comparison.
func (p *parser) compared(negated bool) (clauses, error) {
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	op := p.next()
	isIn := op.kind == 'w' && op.text == "in"
	if !isIn && (op.kind != 'o' || mirrored[op.text] == "") {
		if op.kind == 0 || op.kind == 'o' && op.text == ")" || op.kind == 'w' && (op.text == "and" || op.text == "or") {
			return nil, wrong("a value alone, without a comparison, is not supported (byte %d)%s", left.at, supported)
		}
		return nil, p.unsupported(op)
	}
	right, err := p.operand()
	if err != nil {
		return nil, err
	}
	for _, side := range []operand{left, right} {
		if side.property != nil && side.name == "time" {
			return nil, wrong(`properties["time"] at byte %d is not supported here; from_date and to_date say when`, side.at)
		}
	}
	if isIn {
		return contained(left, right, op.at, negated)
	}
	sign := op.text
	if left.property == nil {
		left, right, sign = right, left, mirrored[sign]
	}
	if left.property == nil || right.value == nil {
		return nil, wrong("the comparison at byte %d is not supported: one side must be a property, the other a string, a number, true or false%s", op.at, supported)
	}
	switch sign {
	case "==", "!=":
		return leaf(left.name, either(negated == (sign == "=="), "ne", "eq"), right.value.json()), nil
	}
	switch {
	case right.value.kind != 'n':
		return nil, wrong("the operator %s at byte %d compares numbers only", op.text, op.at)
	case negated:
		return nil, wrong("not before %s, at byte %d, is not supported; write the comparison that is meant", op.text, op.at)
	}
	return leaf(left.name, map[string]string{">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}[sign], right.value.json()), nil
}

func contained(left, right operand, at int, negated bool) (clauses, error) {
	switch {
	case left.value != nil && right.property != nil:
		return leaf(right.name, either(negated, "not_contains", "contains"), left.value.json()), nil
	case left.property != nil && len(right.list) > 0:
		values := make([]any, len(right.list))
		for i, l := range right.list {
			values[i] = l.json()
		}
		return leaf(left.name, either(negated, "not_in", "in"), values), nil
	}
	return nil, wrong("this use of in, at byte %d, is not supported: write a constant in a property, or a property in a list of constants%s", at, supported)
}

func leaf(name, op string, value any) clauses {
	f := map[string]any{"property": named(name), "op": op}
	if value != nil {
		f["value"] = value
	}
	return clauses{{f}}
}

func either(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// json is a constant as a filter's value.
func (l literal) json() any {
	switch l.kind {
	case 's':
		return l.text
	case 'b':
		return l.yes
	}
	return json.Number(strconv.FormatFloat(l.num, 'g', -1, 64))
}

// propertyAsked reads an expression that is one property: properties["plan"]. A bare
// name means the same, as scripts write it.
func propertyAsked(expression, place string) (string, error) {
	tokens, err := lex(expression)
	if err == nil {
		p := &parser{tokens: tokens}
		if p.peek().kind == 'w' && p.peek().text != "properties" && len(tokens) == 2 {
			return named(p.peek().text), nil
		}
		var of operand
		if of, err = p.operand(); err == nil && of.property != nil && p.peek().kind == 0 {
			return named(of.name), nil
		}
	}
	return "", fault.Wrap(err, fault.Invalid, `it must be one property, such as properties["plan"]; other expressions are not supported`).At(place)
}
