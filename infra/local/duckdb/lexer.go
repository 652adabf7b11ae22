package duckdb

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// This is just enough of SQL's surface to find where a statement begins and
// ends: blanks, comments, and the kinds of quotes. Nothing relies on it for
// safety; a mistake here makes a statement fail (database.wrapped).

// explainPrefix recognises EXPLAIN and EXPLAIN ANALYZE and returns where what
// is explained begins.
func explainPrefix(text string) (prefix string, end int) {
	at := blanks(text, 0)
	word, next := keyword(text, at)
	if word != "EXPLAIN" {
		return "", 0
	}
	prefix, end = word, next
	if word, next = keyword(text, blanks(text, next)); word == "ANALYZE" || word == "ANALYSE" {
		prefix, end = "EXPLAIN ANALYZE", next
	}
	return prefix, end
}

// keyword reads the word at a place, in capitals.
func keyword(text string, at int) (word string, end int) {
	end = at
	for end < len(text) && (text[end]|0x20 >= 'a' && text[end]|0x20 <= 'z' || text[end] == '_') {
		end++
	}
	return strings.ToUpper(text[at:end]), end
}

// bodyEnd returns where the last thing ends that is neither blank, comment nor
// semicolon.
func bodyEnd(text string) int {
	end := 0
	for at := 0; at < len(text); {
		if next := blanks(text, at); next > at {
			at = next
			continue
		}
		if text[at] == ';' {
			at++
			continue
		}
		at = token(text, at)
		end = at
	}
	return end
}

// blanks skips spaces and comments.
func blanks(text string, at int) int {
	for at < len(text) {
		r, size := utf8.DecodeRuneInString(text[at:])
		switch {
		case unicode.IsSpace(r):
			at += size
		case strings.HasPrefix(text[at:], "--"):
			n := strings.IndexAny(text[at:], "\r\n")
			if n < 0 {
				return len(text)
			}
			at += n
		case strings.HasPrefix(text[at:], "/*"):
			at = commentEnd(text, at)
		default:
			return at
		}
	}
	return at
}

// commentEnd skips a comment, which may hold others.
func commentEnd(text string, at int) int {
	depth := 0
	for at < len(text) {
		switch {
		case strings.HasPrefix(text[at:], "/*"):
			depth++
			at += 2
		case strings.HasPrefix(text[at:], "*/"):
			depth--
			at += 2
			if depth == 0 {
				return at
			}
		default:
			at++
		}
	}
	return at
}

// token skips one quoted thing or one character.
func token(text string, at int) int {
	switch text[at] {
	case '\'':
		escapes := at > 0 && text[at-1]|0x20 == 'e' && (at < 2 || !isName(text[at-2]))
		return quoteEnd(text, at, escapes)
	case '"':
		return quoteEnd(text, at, false)
	case '$':
		if end, ok := dollarEnd(text, at); ok {
			return end
		}
	}
	_, size := utf8.DecodeRuneInString(text[at:])
	return at + size
}

func isName(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= utf8.RuneSelf
}

// quoteEnd skips 'text' or "name". A doubled quote belongs to it, and, in
// E'text', whatever follows a backslash.
func quoteEnd(text string, at int, escapes bool) int {
	quote := text[at]
	for at++; at < len(text); at++ {
		switch {
		case escapes && text[at] == '\\':
			at++
		case text[at] == quote && at+1 < len(text) && text[at+1] == quote:
			at++
		case text[at] == quote:
			return at + 1
		}
	}
	return len(text)
}

// dollarEnd skips $tag$text$tag$.
func dollarEnd(text string, at int) (end int, ok bool) {
	if at > 0 && isName(text[at-1]) {
		return 0, false
	}
	n := 1
	for at+n < len(text) && isName(text[at+n]) {
		n++
	}
	if at+n >= len(text) || text[at+n] != '$' {
		return 0, false
	}
	tag := text[at : at+n+1]
	if strings.ContainsAny(tag[1:2], "0123456789") {
		return 0, false
	}
	close := strings.Index(text[at+len(tag):], tag)
	if close < 0 {
		return len(text), true
	}
	return at + len(tag) + close + len(tag), true
}
