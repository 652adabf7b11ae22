package athena

import (
	"strings"

	"loch/shared/fault"
)

// kind is what a token is.
type kind uint8

const (
	end    kind = iota // of the statement
	word               // a name or keyword without quotes
	quoted             // a name in quotes
	text               // a text in quotes
	number
	sign // one character of anything else
)

// token is the smallest part of a statement. Texts and numbers are data; of them
// only the place matters.
type token struct {
	kind kind
	name string // of word and quoted, in small letters; of sign the character
	at   int    // where it begins
}

// is tells whether a token is a keyword or sign.
func (t token) is(name string) bool { return t.name == name && (t.kind == word || t.kind == sign) }

// lex takes a statement apart as Trino's grammar does. What that grammar does not
// know, or reads in several ways, is refused: nothing may look like one thing here
// and be another there.
func lex(statement string) ([]token, error) {
	var tokens []token
	for at := 0; at < len(statement); {
		c := statement[at]
		switch {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			at++
		case strings.HasPrefix(statement[at:], "--"):
			n := strings.IndexAny(statement[at:], "\r\n")
			if n < 0 {
				n = len(statement) - at
			}
			at += n
		case strings.HasPrefix(statement[at:], "/*"): // no comment stands inside another
			n := strings.Index(statement[at+2:], "*/")
			if n < 0 {
				return nil, wrong(statement, at, "a comment is not closed")
			}
			at += n + 4
		case c == '\'' || c == '"':
			stop, value := quoteEnd(statement, at)
			if stop < 0 {
				return nil, wrong(statement, at, "a quote is not closed")
			}
			if c == '\'' {
				tokens = append(tokens, token{kind: text, at: at})
			} else {
				tokens = append(tokens, token{kind: quoted, name: lower(value), at: at})
			}
			at = stop
		case isLetter(c):
			stop := at
			for stop < len(statement) && (isLetter(statement[stop]) || isDigit(statement[stop])) {
				stop++
			}
			tokens = append(tokens, token{kind: word, name: lower(statement[at:stop]), at: at})
			at = stop
		case isDigit(c):
			stop := numberEnd(statement, at)
			if stop < len(statement) && (isLetter(statement[stop]) || isDigit(statement[stop])) {
				return nil, wrong(statement, at, "a number and a word stand together; put a blank between them")
			}
			tokens = append(tokens, token{kind: number, at: at})
			at = stop
		case c == '?':
			return nil, fault.New(fault.Invalid, "a statement has no parameters; write the values into it")
		case strings.IndexByte("()[],.;*+-/%<>=!|:&", c) >= 0:
			tokens = append(tokens, token{kind: sign, name: string(c), at: at})
			at++
		default:
			return nil, wrong(statement, at, "this character can stand inside quotes only")
		}
	}
	return append(tokens, token{at: len(statement)}), nil
}

func isLetter(c byte) bool { return c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }

// lower folds case as Trino's names are folded here, in ASCII only: with Unicode's
// folding one name could pass for another.
func lower(name string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, name)
}

// quoteEnd returns where a text or name ends that begins at a quote, and what it
// says. A doubled quote belongs to it.
func quoteEnd(s string, at int) (stop int, value string) {
	quote := s[at : at+1]
	for i := at + 1; i < len(s); i++ {
		if s[i] != quote[0] {
			continue
		}
		if i+1 < len(s) && s[i+1] == quote[0] {
			i++
			continue
		}
		return i + 1, strings.ReplaceAll(s[at+1:i], quote+quote, quote)
	}
	return -1, ""
}

// numberEnd skips 1, 1.5, 1. and 1.5e-3.
func numberEnd(s string, at int) int {
	digits := func() {
		for at < len(s) && isDigit(s[at]) {
			at++
		}
	}
	digits()
	if at < len(s) && s[at] == '.' {
		at++
		digits()
	}
	if at < len(s) && s[at]|0x20 == 'e' {
		exponent := at + 1
		if exponent < len(s) && (s[exponent] == '+' || s[exponent] == '-') {
			exponent++
		}
		if exponent < len(s) && isDigit(s[exponent]) {
			at = exponent
			digits()
		}
	}
	return at
}

// wrong is the fault for a place that cannot be read.
func wrong(statement string, at int, words string) error {
	line, column := place(statement, at)
	return fault.Newf(fault.Invalid, "%s (line %d, column %d)", words, line, column)
}

// place is the line and column of a byte, counted from 1.
func place(statement string, at int) (line, column int) {
	before := statement[:min(at, len(statement))]
	return strings.Count(before, "\n") + 1, len([]rune(before[strings.LastIndexByte(before, '\n')+1:])) + 1
}
