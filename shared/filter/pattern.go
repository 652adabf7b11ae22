package filter

import (
	"context"
	"errors"
	"math/bits"
	"regexp"
	"regexp/syntax"
	"strings"
)

const (
	// maxPattern is how long an expression may be, in bytes.
	maxPattern = 1000

	// maxProgram is how many steps the expressions of one list of filters may have
	// together, with repetitions written out: "(.?){1000}" is 4000. At each character of
	// a text all of them may have to be looked at, and each takes memory. What people
	// write has a few hundred.
	maxProgram = 4000

	// longMatch is how many steps times bytes are looked at before it is asked whether
	// anybody still waits: some milliseconds' worth.
	longMatch = 1 << 19
)

// pattern is a compiled expression.
type pattern struct {
	re   *regexp.Regexp
	size int
	ctx  context.Context // of the one request whose matcher this is, see Until; else nil
}

// sizeOf reads an expression and says how many steps it has, without making them.
func sizeOf(text string) (int, error) {
	re, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return 0, err
	}
	return steps(re), nil
}

// steps counts about what regexp/syntax compiles: one for each character or empty
// match, and those that tie the parts together. A class counts for the search among
// its ranges, which in an engine that knows bytes alone are many steps.
func steps(re *syntax.Regexp) int {
	n := 0
	for _, sub := range re.Sub {
		n += steps(sub)
	}
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune)
	case syntax.OpCharClass:
		return 1 + bits.Len(uint(len(re.Rune)/2))
	case syntax.OpCapture:
		return n + 2
	case syntax.OpRepeat:
		most := max(re.Max, re.Min+1) // without a Max, the last is repeated
		if re.Max == re.Min {
			most = re.Max
		}
		return max(1, most*n+most-re.Min)
	case syntax.OpConcat:
		return n
	case syntax.OpAlternate:
		return n + len(re.Sub) - 1
	default: // one that reads a character or none, or a repetition of one alternative
		return n + 1
	}
}

// compile makes a pattern of an expression that sizeOf has read.
func compile(text string) (*pattern, error) {
	size, err := sizeOf(text)
	if err != nil {
		return nil, err
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	return &pattern{re: re, size: size}, nil
}

// matches says whether the expression is in a text; false once nobody waits.
func (p *pattern) matches(text string) bool {
	if p.ctx == nil {
		return p.re.MatchString(text)
	}
	if p.ctx.Err() != nil {
		return false
	}
	if len(text)*p.size < longMatch {
		return p.re.MatchString(text)
	}
	return p.re.MatchReader(&patient{Reader: strings.NewReader(text), ctx: p.ctx, every: max(1, longMatch/p.size)}) && p.ctx.Err() == nil
}

// patient reads a text until it is over or nobody waits any more.
type patient struct {
	*strings.Reader
	ctx   context.Context // of the one call that reads
	every int             // characters between two looks
	read  int
}

// ReadRune implements io.RuneReader.
func (p *patient) ReadRune() (r rune, size int, err error) {
	if p.read++; p.read%p.every == 0 {
		if err := p.ctx.Err(); err != nil {
			return 0, 0, err
		}
	}
	return p.Reader.ReadRune()
}

// Until returns a matcher whose expressions are looked for no longer than ctx lasts:
// a single text can take seconds. What Match says after that means nothing, so
// whoever asks looks at ctx when they are through.
func (m *Matcher) Until(ctx context.Context) *Matcher {
	bound := *m
	bound.Leaves = append([]Leaf(nil), m.Leaves...)
	for i := range bound.Leaves {
		if p := bound.Leaves[i].pattern; p != nil {
			bound.Leaves[i].pattern = &pattern{re: p.re, size: p.size, ctx: ctx}
		}
	}
	return &bound
}

// problem says what is wrong with an expression without repeating it.
func problem(err error) string {
	if e, ok := errors.AsType[*syntax.Error](err); ok {
		return string(e.Code)
	}
	return "it cannot be read"
}
