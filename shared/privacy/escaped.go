package privacy

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// A query writes most punctuation as a percent sign and two digits, and a blank
// as a plus. A phone number with blanks or an IPv6 address does not look like one
// then, so such text is read a second time as a server would.

// scanText finds what the rules recognise in a text as it is, and as it reads
// without escapes.
func (p *Policy) scanText(spans []span, text string, name nameHint) []span {
	from := len(spans)
	spans = p.scan(spans, text, name)
	if isTypographic(text) {
		plain, places := typewritten(text)
		spans = p.scanAgain(spans, plain, places, name)
	}
	if isEscaped(text) {
		plain, places := unescaped(text)
		spans = p.scanAgain(spans, plain, places, name)
	}
	if len(spans) == from {
		return spans
	}
	return spans[:from+len(joined(spans[from:]))]
}

// scanAgain scans another reading of a text. places says where in the text each byte
// of the reading, and its end, come from.
func (p *Policy) scanAgain(spans []span, plain string, places []int, name nameHint) []span {
	raw := len(spans)
	spans = p.scan(spans, plain, name)
	for i := range spans[raw:] {
		s := &spans[raw+i]
		s.start, s.end = places[s.start], places[s.end]
		if !utf8.ValidString(s.Value) {
			s.Value = strings.ToValidUTF8(s.Value, "\uFFFD")
		}
	}
	return spans
}

// joined sorts spans and makes those that overlap one: the wider saw more of the
// value, and nothing that either saw may stay.
func joined(spans []span) []span {
	slices.SortStableFunc(spans, func(a, b span) int { return a.start - b.start })
	kept := spans[:0]
	for _, s := range spans {
		if n := len(kept); n > 0 && s.start < kept[n-1].end {
			last := &kept[n-1]
			if s.end-s.start > last.end-last.start {
				last.Found = s.Found
			}
			last.end = max(last.end, s.end)
			continue
		}
		kept = append(kept, s)
	}
	return kept
}

// isEscaped tells that a text holds a percent escape, or a plus for a blank.
func isEscaped(text string) bool {
	for at := 0; ; at++ {
		i := strings.IndexByte(text[at:], '%')
		if i < 0 {
			break
		}
		if at += i; at+2 < len(text) && isHex(text[at+1]) && isHex(text[at+2]) {
			return true
		}
	}
	i := strings.IndexByte(text, '+')
	if i < 0 {
		return false
	}
	first := strings.IndexByte(text, '=')
	for ; first >= 0 && i < len(text); i++ {
		if i > first && isBlankPlus(text, i) {
			return true
		}
	}
	return false
}

// isBlankPlus tells a plus between words. One that begins a value is a phone's,
// which many forget to escape.
func isBlankPlus(text string, i int) bool {
	if text[i] != '+' || i == 0 || i+1 == len(text) {
		return false
	}
	before, after := text[i-1], text[i+1]
	return (inWord(before) || before == ')') && (inWord(after) || after == '(' || after == '%')
}

// unescaped takes escapes off, as often as they were put on. places says where in
// the text each byte of the result, and its end, come from.
func unescaped(text string) (plain string, places []int) {
	b := []byte(text)
	places = make([]int, len(text)+1)
	for i := range places {
		places[i] = i
	}
	first := max(0, strings.IndexByte(text, '='))
	for i := first + 1; i < len(b); i++ {
		if isBlankPlus(text, i) {
			b[i] = ' '
		}
	}
	for changed, round := true, 0; changed && round < maxEscapes; round++ {
		n := 0
		changed = false
		for i := 0; i < len(b); n++ {
			places[n] = places[i]
			if b[i] == '%' && i+2 < len(b) && isHex(b[i+1]) && isHex(b[i+2]) {
				b[n] = hexDigit(b[i+1])<<4 | hexDigit(b[i+2])
				i, changed = i+3, true
				continue
			}
			b[n] = b[i]
			i++
		}
		places[n] = len(text)
		b = b[:n]
	}
	return string(b), places[:len(b)+1]
}
