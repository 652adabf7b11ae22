package sql

import (
	"fmt"
	"regexp/syntax"
	"strings"
	"unicode"
)

// Expressions are written anew for each engine from what Go's parser made of
// them, so that ^, $, . and classes mean the same everywhere: Java's $ is also
// before a last line's end, its classes know other characters, its case folding
// is another. What is written consists of literals, classes of code points,
// groups and repetitions.

// flavour is the part of the notation that engines differ in.
type flavour struct {
	begin, end         string // of the text
	beginLine, endLine string
	boundary, within   string // between words, as ASCII has them
	never              string // fits nothing
	char               func(rune) string
}

func re2(re *syntax.Regexp) string {
	return write(re, &flavour{
		begin: `\A`, end: `\z`, beginLine: `(?m:^)`, endLine: `(?m:$)`, boundary: `\b`, within: `\B`, never: `[^\x{0}-\x{10FFFF}]`,
		char: func(r rune) string { return fmt.Sprintf(`\x{%X}`, r) },
	})
}

func java(re *syntax.Regexp) string {
	const word = `[0-9A-Za-z_]`
	return write(re, &flavour{
		begin: `\A`, end: `\z`, beginLine: `(?<![^\n])`, endLine: `(?![^\n])`,
		boundary: `(?:(?<=` + word + `)(?!` + word + `)|(?<!` + word + `)(?=` + word + `))`,
		within:   `(?:(?<=` + word + `)(?=` + word + `)|(?<!` + word + `)(?!` + word + `))`,
		never:    `(?!)`,
		char: func(r rune) string { // the engine has no notation for code points of any length
			if r > unicode.MaxASCII {
				return string(r)
			}
			return fmt.Sprintf(`\x%02X`, r)
		},
	})
}

func write(re *syntax.Regexp, f *flavour) string {
	var b strings.Builder
	f.write(&b, re)
	return b.String()
}

func (f *flavour) write(b *strings.Builder, re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpNoMatch:
		b.WriteString(f.never)
	case syntax.OpEmptyMatch:
		b.WriteString("(?:)")
	case syntax.OpLiteral:
		b.WriteString("(?:")
		for _, r := range re.Rune {
			f.literal(b, r, re.Flags&syntax.FoldCase != 0)
		}
		b.WriteString(")")
	case syntax.OpCharClass:
		f.class(b, re.Rune)
	case syntax.OpAnyCharNotNL:
		b.WriteString(`[^\n]`)
	case syntax.OpAnyChar:
		b.WriteString(`(?:[^\n]|\n)`)
	case syntax.OpBeginLine:
		b.WriteString(f.beginLine)
	case syntax.OpEndLine:
		b.WriteString(f.endLine)
	case syntax.OpBeginText:
		b.WriteString(f.begin)
	case syntax.OpEndText:
		b.WriteString(f.end)
	case syntax.OpWordBoundary:
		b.WriteString(f.boundary)
	case syntax.OpNoWordBoundary:
		b.WriteString(f.within)
	case syntax.OpCapture:
		f.group(b, re.Sub[0], "")
	case syntax.OpStar:
		f.group(b, re.Sub[0], "*")
	case syntax.OpPlus:
		f.group(b, re.Sub[0], "+")
	case syntax.OpQuest:
		f.group(b, re.Sub[0], "?")
	case syntax.OpRepeat:
		most := ""
		if re.Max >= 0 {
			most = fmt.Sprint(re.Max)
		}
		f.group(b, re.Sub[0], fmt.Sprintf("{%d,%s}", re.Min, most))
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			f.write(b, sub)
		}
	case syntax.OpAlternate:
		b.WriteString("(?:")
		for i, sub := range re.Sub {
			if i > 0 {
				b.WriteByte('|')
			}
			f.write(b, sub)
		}
		b.WriteByte(')')
	}
}

// group writes an expression as one thing, with how often it stands.
func (f *flavour) group(b *strings.Builder, re *syntax.Regexp, times string) {
	b.WriteString("(?:")
	f.write(b, re)
	b.WriteString(")" + times)
}

// literal writes a character, with all that fold to it where case is of no matter.
func (f *flavour) literal(b *strings.Builder, r rune, fold bool) {
	if !fold {
		b.WriteString(f.rune(r))
		return
	}
	b.WriteString("[" + f.rune(r))
	for o := unicode.SimpleFold(r); o != r; o = unicode.SimpleFold(o) {
		b.WriteString(f.rune(o))
	}
	b.WriteByte(']')
}

func (f *flavour) class(b *strings.Builder, pairs []rune) {
	if len(pairs) == 0 {
		b.WriteString(f.never)
		return
	}
	b.WriteByte('[')
	for i := 0; i+1 < len(pairs); i += 2 {
		b.WriteString(f.rune(pairs[i]))
		if pairs[i] != pairs[i+1] {
			b.WriteString("-" + f.rune(pairs[i+1]))
		}
	}
	b.WriteByte(']')
}

// rune writes a character so that it means itself.
func (f *flavour) rune(r rune) string {
	if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) || r == ' ' {
		return string(r)
	}
	return f.char(r)
}
