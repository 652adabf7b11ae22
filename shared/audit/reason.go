package audit

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// shortID is how long an identifier must be to be taken out from within a word.
	shortID = 5
	// devicePrefix marks an identifier that is a device's; people write it without.
	devicePrefix = "$device:"
	// mark stands for an identifier until scrub has been over the text: a character
	// that an e-mail may hold, so that what is left of one is still seen to be one,
	// and that no reason has, since it cannot be printed.
	mark = "\ue000"
)

// CleanReason is what the ledger keeps of a reason: on one line, without the
// personal values that scrub knows and without the identifier that was asked
// for, which people repeat ("ticket 7, user jane"), though the ledger must not
// have it. Without a scrub it keeps nothing.
func CleanReason(text, asked string, scrub func(string) string) string {
	if scrub == nil || text == "" {
		return ""
	}
	text = oneLine(text)
	for _, id := range []string{asked, strings.TrimPrefix(asked, devicePrefix)} {
		// People also paste the address that they asked.
		for _, written := range []string{id, url.PathEscape(id), url.QueryEscape(id)} {
			text = without(text, strings.TrimSpace(oneLine(written)))
		}
	}
	return strings.TrimSpace(strings.ReplaceAll(scrub(text), mark, "[id]"))
}

func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

// without marks an identifier wherever it stands, in capitals or not; a short
// one only where it is a word of its own, since "a" is in every sentence.
func without(text, id string) string {
	if id == "" {
		return text
	}
	short := utf8.RuneCountInString(id) < shortID
	var b strings.Builder
	before := rune(' ')
	for len(text) > 0 {
		if n := prefixFold(text, id); n > 0 {
			after, _ := utf8.DecodeRuneInString(text[n:])
			if !short || !inWord(before) && (len(text) == n || !inWord(after)) {
				b.WriteString(mark)
				before, text = ' ', text[n:]
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
