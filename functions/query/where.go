package query

import (
	"strings"
)

const (
	maxWhere  = 16 << 10 // bytes of an expression
	maxNested = 64       // brackets and nots within each other
	maxItems  = 1000     // constants of one list
)

// supported ends each error about an expression.
const supported = `; supported are properties["name"] with == != > >= < <= and in, defined(properties["name"]), and, or, not, and brackets`

// parser turns a where expression of Mixpanel into a SQL condition while it
// reads. The condition's shape comes from this code; names and values go through
// quote and number.
type parser struct {
	tokens       []token
	i            int
	milliseconds bool // of properties["time"]
	nested       int
}

// whereSQL returns the SQL condition of a where expression, over the columns of
// events and the column document.
func whereSQL(expression string, milliseconds bool) (string, error) {
	if len(expression) > maxWhere {
		return "", wrong("the expression has %d bytes; at most %d are taken", len(expression), maxWhere)
	}
	tokens, err := lex(expression)
	if err != nil {
		return "", err
	}
	p := &parser{tokens: tokens, milliseconds: milliseconds}
	condition, err := p.or()
	if err != nil {
		return "", err
	}
	if t := p.peek(); t.kind != 0 {
		return "", p.unsupported(t)
	}
	return condition, nil
}

func (p *parser) peek() token { return p.tokens[p.i] }

func (p *parser) next() token {
	t := p.tokens[p.i]
	if t.kind != 0 {
		p.i++
	}
	return t
}

// accept takes the next token if it is the given word or operator.
func (p *parser) accept(kind byte, text string) bool {
	if t := p.peek(); t.kind == kind && t.text == text {
		p.i++
		return true
	}
	return false
}

func (p *parser) expect(text, where string) error {
	if !p.accept('o', text) {
		return wrong("%s is missing %s at byte %d", text, where, p.peek().at)
	}
	return nil
}

func (p *parser) or() (string, error) { return p.chain("or", " OR ", p.and) }

func (p *parser) and() (string, error) { return p.chain("and", " AND ", p.not) }

func (p *parser) chain(word, joined string, operand func() (string, error)) (string, error) {
	var parts []string
	for {
		part, err := operand()
		if err != nil {
			return "", err
		}
		parts = append(parts, part)
		if !p.accept('w', word) {
			if len(parts) == 1 {
				return part, nil
			}
			return "(" + strings.Join(parts, joined) + ")", nil
		}
	}
}

func (p *parser) not() (string, error) {
	p.nested++
	defer func() { p.nested-- }()
	if p.nested > maxNested {
		return "", wrong("the expression is nested deeper than %d", maxNested)
	}
	if p.accept('w', "not") {
		condition, err := p.not()
		return "(NOT " + condition + ")", err
	}
	switch {
	case p.accept('o', "("):
		condition, err := p.or()
		if err != nil {
			return "", err
		}
		return condition, p.expect(")", "after a condition")
	case p.accept('w', "defined"):
		if err := p.expect("(", "after defined"); err != nil {
			return "", err
		}
		of, err := p.operand()
		if err != nil {
			return "", err
		}
		if of.property == nil {
			return "", wrong("defined() at byte %d asks about something other than a property%s", of.at, supported)
		}
		return of.property.defined(), p.expect(")", "after defined(…")
	}
	return p.comparison()
}

// operand is one side of a comparison: a property, a constant or a list of
// constants.
type operand struct {
	at       int
	name     string // of the property
	property *property
	value    *literal
	list     []literal
}

// mirrored are the operators for a comparison whose sides change places.
var mirrored = map[string]string{"==": "==", "!=": "!=", ">": "<", ">=": "<=", "<": ">", "<=": ">="}

func (p *parser) comparison() (string, error) {
	left, err := p.operand()
	if err != nil {
		return "", err
	}
	op := p.next()
	if op.kind == 'w' && op.text == "in" {
		right, err := p.operand()
		if err != nil {
			return "", err
		}
		return in(left, right, op.at)
	}
	if op.kind != 'o' || mirrored[op.text] == "" {
		if op.kind == 0 || op.kind == 'o' && op.text == ")" || op.kind == 'w' && (op.text == "and" || op.text == "or") {
			return "", wrong("a value alone, without a comparison, is not supported (byte %d)%s", left.at, supported)
		}
		return "", p.unsupported(op)
	}
	right, err := p.operand()
	if err != nil {
		return "", err
	}
	sign := op.text
	if left.property == nil {
		left, right, sign = right, left, mirrored[sign]
	}
	if left.property == nil || right.value == nil {
		return "", wrong("the comparison at byte %d is not supported: one side must be a property, the other a string, a number, true or false%s", op.at, supported)
	}
	switch {
	case sign == "==":
		return left.property.equals(*right.value), nil
	case sign == "!=":
		return "(NOT " + left.property.equals(*right.value) + ")", nil
	case right.value.kind != 'n':
		return "", wrong("the operator %s at byte %d compares numbers only", op.text, op.at)
	}
	return left.property.order(sign, right.value.num), nil
}

func in(left, right operand, at int) (string, error) {
	switch {
	case left.value != nil && right.property != nil:
		return right.property.holds(*left.value), nil
	case left.property != nil && right.value != nil && right.value.kind == 's':
		return left.property.within(right.value.text), nil
	case left.property != nil && right.list != nil:
		return left.property.among(right.list), nil
	}
	return "", wrong("this use of in, at byte %d, is not supported: write a constant in a property, or a property in a string or a list of constants%s", at, supported)
}

func (p *parser) operand() (operand, error) {
	t := p.next()
	switch {
	case t.kind == 's':
		return operand{at: t.at, value: &literal{kind: 's', text: t.text}}, nil
	case t.kind == 'n':
		return operand{at: t.at, value: &literal{kind: 'n', num: t.num}}, nil
	case t.kind == 'o' && t.text == "-" && p.peek().kind == 'n':
		return operand{at: t.at, value: &literal{kind: 'n', num: -p.next().num}}, nil
	case t.kind == 'w' && (t.text == "true" || t.text == "false"):
		return operand{at: t.at, value: &literal{kind: 'b', yes: t.text == "true"}}, nil
	case t.kind == 'w' && t.text == "properties":
		return p.property(t.at)
	case t.kind == 'o' && t.text == "[":
		return p.list(t.at)
	}
	return operand{}, p.unsupported(t)
}

func (p *parser) property(at int) (operand, error) {
	if err := p.expect("[", "after properties"); err != nil {
		return operand{}, err
	}
	name := p.next()
	if name.kind != 's' {
		return operand{}, wrong("the property's name in quotes is missing at byte %d", name.at)
	}
	found := propertyOf(name.text, p.milliseconds)
	return operand{at: at, name: name.text, property: &found}, p.expect("]", "after the property's name")
}

func (p *parser) list(at int) (operand, error) {
	out := operand{at: at, list: []literal{}}
	if p.accept('o', "]") {
		return out, nil
	}
	for {
		item := p.peek()
		if item.kind == 'o' && item.text == "[" {
			return out, wrong("a list within a list, at byte %d, is not supported", item.at)
		}
		of, err := p.operand()
		if err != nil {
			return out, err
		}
		if of.value == nil {
			return out, wrong("a list may hold constants only (byte %d)%s", of.at, supported)
		}
		if out.list = append(out.list, *of.value); len(out.list) > maxItems {
			return out, wrong("the list at byte %d has more than %d items", at, maxItems)
		}
		if !p.accept('o', ",") {
			return out, p.expect("]", "after a list")
		}
	}
}

// known are the words of Mixpanel's language that an error may name. Other
// words are the client's own and are told by their place.
var known = map[string]string{
	"user": `user["…"], a profile's property,`, "event": `event["…"]`,
	"number": "number()", "string": "string()", "boolean": "boolean()", "datetime": "datetime()",
	"floor": "floor()", "round": "round()", "ceil": "ceil()", "typeof": "typeof()",
	"null": "null", "undefined": "undefined", "list": "list()", "set": "set()", "len": "len()",
	"any": "any()", "all": "all()", "let": "let()", "if": "if()", "lower": "lower()", "upper": "upper()",
	"in": "in here", "and": "and here", "or": "or here", "not": "not here", "defined": "defined() here",
}

func (p *parser) unsupported(t token) error {
	switch t.kind {
	case 0:
		return wrong("the expression ends too early%s", supported)
	case 'w':
		if name, ok := known[t.text]; ok {
			return wrong("%s is not supported (byte %d)%s", name, t.at, supported)
		}
		return wrong("the word at byte %d is not known%s", t.at, supported)
	case 'o':
		return wrong("the operator %s is not supported there (byte %d)%s", t.text, t.at, supported)
	}
	return wrong("an operator is missing before byte %d%s", t.at, supported)
}
