package dynamotest

import (
	"maps"
	"math/big"
	"slices"
	"strconv"
)

// sizeValue is what the function size tells: the members of a set or list, the bytes
// of a text.
func sizeValue(v value) value {
	n := v.size()
	if _, list, ok := v.members(); ok {
		n = len(list)
	} else if _, x := v.kind(); x != nil {
		if list, ok := x.([]any); ok {
			n = len(list)
		}
	}
	return value{"N": strconv.Itoa(n)}
}

// apply carries an update expression out on an item. All that it reads is the item as
// it was.
func (x *expressions) apply(update string, before item) (item, *failure) {
	after := maps.Clone(before)
	p := x.parser(update, before)
	touched := map[string]bool{}
	touch := func() string {
		name := p.path()
		if touched[name] {
			p.fail("Two document paths overlap with each other; must remove or rewrite one of these paths")
		}
		touched[name] = true
		return name
	}
	for p.wrong == nil && p.peek() != "" {
		verb := p.next()
		for {
			name := touch()
			switch verb {
			case "SET":
				p.expect("=")
				if v, ok := p.sum(); ok {
					after[name] = v
				}
			case "REMOVE":
				delete(after, name)
			case "ADD", "DELETE":
				v, _ := p.operand()
				p.member(verb, after, name, v)
			default:
				p.fail("Syntax error; token: " + verb)
			}
			if p.wrong != nil || p.peek() != "," {
				break
			}
			p.next()
		}
	}
	return after, p.wrong
}

// sum is the right side of SET: a term, or two with + or - between.
func (p *parser) sum() (value, bool) {
	v, ok := p.term()
	for ok && (p.peek() == "+" || p.peek() == "-") {
		minus := p.next() == "-"
		other, there := p.term()
		a, isA := v.number()
		b, isB := other.number()
		if !there || !isA || !isB {
			p.fail("An operand in the update expression has an incorrect data type")
			return nil, false
		}
		if minus {
			b.Neg(b)
		}
		v = numberOf(a.Add(a, b))
	}
	return v, ok
}

func (p *parser) term() (value, bool) {
	switch p.peek() {
	case "if_not_exists":
		p.next()
		p.expect("(")
		v, there := p.item[p.path()]
		p.expect(",")
		other, ok := p.operand()
		p.expect(")")
		if there {
			return v, true
		}
		return other, ok
	case "list_append":
		p.next()
		p.expect("(")
		a, _ := p.term()
		p.expect(",")
		b, _ := p.term()
		p.expect(")")
		x, isX := a["L"].([]any)
		y, isY := b["L"].([]any)
		if !isX || !isY {
			p.fail("An operand in the update expression has an incorrect data type")
			return nil, false
		}
		return value{"L": slices.Concat(x, y)}, true
	}
	v, there := p.operand()
	if !there {
		p.fail("The provided expression refers to an attribute that does not exist in the item")
	}
	return v, there
}

// member adds to a number or a set, or takes members out of a set.
func (p *parser) member(verb string, after item, name string, v value) {
	had, there := after[name]
	if n, ok := v.number(); ok && verb == "ADD" {
		was := new(big.Rat)
		if there {
			if was, ok = had.number(); !ok {
				p.fail("An operand in the update expression has an incorrect data type")
				return
			}
		}
		after[name] = numberOf(was.Add(was, n))
		return
	}
	kind, list, ok := v.members()
	_, before, isSet := had.members()
	if !ok || there && !isSet {
		p.fail("Incorrect operand type for operator or function; operator: " + verb)
		return
	}
	before = slices.Clone(before)
	for _, m := range list {
		at := slices.Index(before, m)
		switch {
		case verb == "ADD" && at < 0:
			before = append(before, m)
		case verb == "DELETE" && at >= 0:
			before = slices.Delete(before, at, at+1)
		}
	}
	if len(before) == 0 {
		delete(after, name)
		return
	}
	after[name] = setOf(kind, before)
}
