package report

import (
	"math/big"
	"strings"
)

// A formula calculates with the series before it, by their letters: A is the
// first. It knows numbers, + - * / and parentheses. Anything divided by 0 is
// none, and so is what is calculated with none.
type formula struct {
	op          byte // '+', '-', '*', '/', 'm' for minus, 's' for a series, 'n' for a number
	left, right *formula
	series      int
	number      *big.Rat
}

const (
	maxFormula      = 1000
	maxFormulaDepth = 100
	maxDigits       = 30
)

// parseFormula reads a formula. place is where it stands; known tells whether a
// series may be used.
func parseFormula(text, place string, known func(series int) bool) (*formula, error) {
	if len(text) > maxFormula {
		return nil, wrong(place, "a formula has at most %d characters", maxFormula)
	}
	p := formulaParser{text: text, place: place, known: known}
	f, err := p.sum(0)
	if err == nil && p.peek() != 0 {
		err = p.unexpected()
	}
	return f, err
}

type formulaParser struct {
	text  string
	at    int
	place string
	known func(int) bool
}

// peek is the next character that is not blank, 0 at the end.
func (p *formulaParser) peek() byte {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
	if p.at == len(p.text) {
		return 0
	}
	return p.text[p.at]
}

func (p *formulaParser) unexpected() error {
	if p.peek() == 0 {
		return wrong(p.place, "the formula ends too early; it is something like (B + C) / A * 100")
	}
	return wrong(p.place, "character %d cannot stand there; a formula has letters of series (A, B, …), numbers, + - * / and parentheses", p.at+1)
}

// sum reads terms with + and - between them.
func (p *formulaParser) sum(depth int) (*formula, error) {
	left, err := p.product(depth)
	for err == nil && (p.peek() == '+' || p.peek() == '-') {
		op := p.text[p.at]
		p.at++
		var right *formula
		right, err = p.product(depth)
		left = &formula{op: op, left: left, right: right}
	}
	return left, err
}

// product reads factors with * and / between them.
func (p *formulaParser) product(depth int) (*formula, error) {
	left, err := p.factor(depth)
	for err == nil && (p.peek() == '*' || p.peek() == '/') {
		op := p.text[p.at]
		p.at++
		var right *formula
		right, err = p.factor(depth)
		left = &formula{op: op, left: left, right: right}
	}
	return left, err
}

func (p *formulaParser) factor(depth int) (*formula, error) {
	if depth > maxFormulaDepth {
		return nil, wrong(p.place, "the formula is nested more than %d times", maxFormulaDepth)
	}
	c := p.peek()
	switch {
	case c == '-':
		p.at++
		of, err := p.factor(depth + 1)
		return &formula{op: 'm', left: of}, err
	case c == '(':
		p.at++
		inner, err := p.sum(depth + 1)
		if err != nil {
			return nil, err
		}
		if p.peek() != ')' {
			return nil, p.unexpected()
		}
		p.at++
		return inner, nil
	case c >= 'A' && c <= 'Z':
		series := int(c - 'A')
		if !p.known(series) {
			return nil, wrong(p.place, "there is no series %c to calculate with; A is the first, and formulas are none", c)
		}
		p.at++
		return &formula{op: 's', series: series}, nil
	case c >= '0' && c <= '9' || c == '.':
		return p.number()
	}
	return nil, p.unexpected()
}

func (p *formulaParser) number() (*formula, error) {
	start := p.at
	for p.at < len(p.text) && (p.text[p.at] >= '0' && p.text[p.at] <= '9' || p.text[p.at] == '.') {
		p.at++
	}
	text := p.text[start:p.at]
	r, ok := new(big.Rat).SetString(text)
	if !ok || len(text) > maxDigits || strings.HasSuffix(text, ".") || text[0] == '.' {
		return nil, wrong(p.place, "there is no good number at character %d; it is something like 100 or 0.5", start+1)
	}
	return &formula{op: 'n', number: r}, nil
}

// value calculates with the values of the series.
func (f *formula) value(of func(series int) Number) Number {
	switch f.op {
	case 's':
		return of(f.series)
	case 'n':
		return Number{f.number}
	}
	a := f.left.value(of)
	if f.op == 'm' {
		if a.r == nil {
			return a
		}
		return Number{new(big.Rat).Neg(a.r)}
	}
	b := f.right.value(of)
	if a.r == nil || b.r == nil {
		return Number{}
	}
	switch f.op {
	case '+':
		return a.Plus(b)
	case '-':
		return Number{new(big.Rat).Sub(a.r, b.r)}
	case '*':
		return Number{new(big.Rat).Mul(a.r, b.r)}
	default:
		return Quotient(a, b)
	}
}

// uses tells the series that a formula calculates with.
func (f *formula) uses(with func(series int)) {
	if f == nil {
		return
	}
	if f.op == 's' {
		with(f.series)
	}
	f.left.uses(with)
	f.right.uses(with)
}
