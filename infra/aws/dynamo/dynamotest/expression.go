package dynamotest

import (
	"slices"
	"strings"
)

// expressions are a call's expressions and what their placeholders stand for. DynamoDB
// refuses a placeholder that no expression uses, and so does used.
type expressions struct {
	names  map[string]string
	values map[string]value
	seen   map[string]bool
}

func (x *expressions) used() *failure {
	for name := range x.names {
		if !x.seen[name] {
			return invalid("Value provided in ExpressionAttributeNames unused in expressions: keys: {" + name + "}")
		}
	}
	for name := range x.values {
		if !x.seen[name] {
			return invalid("Value provided in ExpressionAttributeValues unused in expressions: keys: {" + name + "}")
		}
	}
	return nil
}

// parser reads an expression and says at once what it comes to for an item.
type parser struct {
	x      *expressions
	item   item
	tokens []string
	wrong  *failure
}

func (x *expressions) parser(text string, i item) *parser {
	if x.seen == nil {
		x.seen = map[string]bool{}
	}
	return &parser{x: x, item: i, tokens: tokens(text)}
}

const marks = "()=<>+-,"

func tokens(text string) (list []string) {
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		n := 1
		switch {
		case strings.HasPrefix(text, "<=") || strings.HasPrefix(text, ">=") || strings.HasPrefix(text, "<>"):
			n = 2
		case !strings.ContainsAny(text[:1], marks):
			if n = strings.IndexAny(text, marks+" "); n < 0 {
				n = len(text)
			}
		}
		list, text = append(list, text[:n]), text[n:]
	}
	return list
}

func (p *parser) peek() string {
	if len(p.tokens) == 0 {
		return ""
	}
	return p.tokens[0]
}

func (p *parser) next() string {
	t := p.peek()
	p.tokens = p.tokens[min(1, len(p.tokens)):]
	return t
}

func (p *parser) expect(token string) {
	if got := p.next(); got != token {
		p.fail("Syntax error; token: " + got)
	}
}

func (p *parser) fail(words string) {
	if p.wrong == nil {
		p.wrong = invalid("Invalid expression: " + words)
	}
}

// holds evaluates a condition. An absent one holds.
func (x *expressions) holds(condition string, i item) (bool, *failure) {
	if condition == "" {
		return true, nil
	}
	p := x.parser(condition, i)
	ok := p.or()
	if p.peek() != "" {
		p.fail("Syntax error; token: " + p.peek())
	}
	return ok, p.wrong
}

func (p *parser) or() bool {
	ok := p.and()
	for p.peek() == "OR" {
		p.next()
		other := p.and()
		ok = ok || other
	}
	return ok
}

func (p *parser) and() bool {
	ok := p.not()
	for p.peek() == "AND" {
		p.next()
		other := p.not()
		ok = ok && other
	}
	return ok
}

func (p *parser) not() bool {
	switch p.peek() {
	case "NOT":
		p.next()
		return !p.not()
	case "(":
		p.next()
		ok := p.or()
		p.expect(")")
		return ok
	case "attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains":
		return p.function(p.next())
	}
	return p.comparison()
}

func (p *parser) function(name string) bool {
	p.expect("(")
	a, there := p.item[p.path()]
	var b value
	if strings.HasPrefix(name, "attribute_") && name != "attribute_type" {
		p.expect(")")
		return there == (name == "attribute_exists")
	}
	p.expect(",")
	b, _ = p.operand()
	p.expect(")")
	kind, _ := a.kind()
	switch name {
	case "attribute_type":
		return there && b["S"] == kind
	case "begins_with":
		for _, k := range []string{"S", "B"} {
			x, isX := a.bytes(k)
			y, isY := b.bytes(k)
			if isX && isY {
				return strings.HasPrefix(string(x), string(y))
			}
		}
		return false
	}
	if set, list, ok := a.members(); ok {
		m, is := b[set[:1]].(string)
		return is && slices.Contains(list, m)
	}
	x, isX := a.bytes("S")
	y, isY := b.bytes("S")
	return isX && isY && strings.Contains(string(x), string(y))
}

func (p *parser) comparison() bool {
	a, thereA := p.operand()
	operator := p.next()
	b, thereB := p.operand()
	same := thereA && thereB && equal(a, b)
	order, ordered := compare(a, b)
	ordered = ordered && thereA && thereB
	switch operator {
	case "=":
		return same
	case "<>":
		return !same
	case "<":
		return ordered && order < 0
	case "<=":
		return ordered && order <= 0
	case ">":
		return ordered && order > 0
	case ">=":
		return ordered && order >= 0
	}
	p.fail("Syntax error; token: " + operator)
	return false
}

// path is the name of an attribute. Only whole attributes can be named here.
func (p *parser) path() string {
	t := p.next()
	switch {
	case strings.HasPrefix(t, "#"):
		name, ok := p.x.names[t]
		if !ok {
			p.fail("An expression attribute name used in the document path is not defined; attribute name: " + t)
		}
		p.x.seen[t] = true
		return name
	case t == "" || strings.ContainsAny(t, marks+":.["):
		p.fail("Syntax error; token: " + t)
	}
	return t
}

// operand is a placeholder, an attribute or the size of one.
func (p *parser) operand() (v value, there bool) {
	switch t := p.peek(); {
	case strings.HasPrefix(t, ":"):
		p.next()
		if v, there = p.x.values[t]; !there {
			p.fail("An expression attribute value used in expression is not defined; attribute value: " + t)
		}
		p.x.seen[t] = true
		return v, there
	case t == "size":
		p.next()
		p.expect("(")
		v, there = p.item[p.path()]
		p.expect(")")
		if !there {
			return nil, false
		}
		return sizeValue(v), true
	}
	v, there = p.item[p.path()]
	return v, there
}
