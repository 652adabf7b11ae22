package erase

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// reason is what the ledger keeps of a reason: on one line, without the personal
// values that Scrub knows and without the identifier that was asked for, which
// people repeat ("ticket 7, user jane"), though the ledger must not have it.
func (h *handler) reason(text string, q whom) string {
	if h.Scrub == nil || text == "" {
		return ""
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	text = without(text, q.asked)
	text = without(text, strings.TrimPrefix(q.asked, devicePrefix))
	return strings.TrimSpace(h.Scrub(text))
}

// shortID is how long an identifier must be to be taken out from within a word.
const shortID = 5

// without replaces an identifier wherever it stands, in capitals or not; a short
// one only where it is a word of its own, since "a" is in every sentence.
func without(text, id string) string {
	const word = "[id]"
	if id == "" {
		return text
	}
	var b strings.Builder
	before := rune(' ')
	for len(text) > 0 {
		if n := prefixFold(text, id); n > 0 {
			after, _ := utf8.DecodeRuneInString(text[n:])
			if utf8.RuneCountInString(id) >= shortID || !inWord(before) && (len(text) == n || !inWord(after)) {
				b.WriteString(word)
				before, text = ']', text[n:]
				continue
			}
		}
		r, n := utf8.DecodeRuneInString(text)
		b.WriteString(text[:n])
		before, text = r, text[n:]
	}
	return b.String()
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' }

// prefixFold is the length of the beginning of text that is prefix in whatever
// case, or 0.
func prefixFold(text, prefix string) int {
	at := 0
	for _, want := range prefix {
		r, n := utf8.DecodeRuneInString(text[at:])
		if n == 0 || r != want && unicode.ToLower(r) != unicode.ToLower(want) {
			return 0
		}
		at += n
	}
	return at
}
