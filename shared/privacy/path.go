package privacy

import (
	"strings"
	"unicode/utf8"
)

// Path is a path in which every segment that points at one person or thing is
// made general: "/users/8271/orders" is "/users/:id/orders". Words, dates,
// versions and file names stay, so that pages can still be told apart. A query
// or fragment behind the path goes.
func (p *Policy) Path(text string) string {
	if p.keepURLs {
		return text
	}
	var scratch [512]byte
	path := text
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	return changedText(appendPath(scratch[:0], path, anywhere), text)
}

// appendPath appends a path made general, segment by segment. What a segment
// means depends on the one before it: after says what came before the first.
func appendPath(dst []byte, path string, after place) []byte {
	for {
		end := 0
		for end < len(path) && !isSlash(path[end]) {
			end++
		}
		if end > 0 {
			from := len(dst)
			dst, after = appendSegment(dst, path[:end], after)
			if len(dst) == from { // nothing but parameters: "/;a=b/c" is "/c", for "//c" would be a host
				for end < len(path) && isSlash(path[end]) {
					end++
				}
				path = path[end:]
				continue
			}
		}
		if end == len(path) {
			return dst
		}
		dst = append(dst, path[end])
		path = path[end+1:]
	}
}

// appendSegment appends one segment made general, and tells what it means for
// the next one. Nearly all segments are a lower-case word or several: these take
// one look.
func appendSegment(dst []byte, raw string, after place) ([]byte, place) {
	simple := len(raw) < longWord && after <= afterOrders
	for i := 0; i < len(raw) && simple; i++ {
		simple = raw[i]-'a' < 26 || raw[i] == '-' || raw[i] == '_'
	}
	if simple {
		return append(dst, raw...), placeAfter(raw)
	}
	if strings.IndexByte(raw, '%') < 0 {
		from := len(dst)
		dst = appendMeaning(dst, raw, after)
		return dst, after.then(dst[from:])
	}

	decoded, ok := decodeFully(raw, false)
	if !ok {
		return append(dst, idWord...), anywhere
	}
	// An escaped slash makes a path in a segment.
	var scratch [256]byte
	out := scratch[:0]
	for rest := decoded; ; {
		end := strings.IndexAny(rest, `/\`)
		if end < 0 {
			end = len(rest)
		}
		if from := len(out); end > 0 {
			out = appendMeaning(out, rest[:end], after)
			after = after.then(out[from:])
		}
		if end == len(rest) {
			break
		}
		out = append(out, rest[end])
		rest = rest[end+1:]
	}
	if string(out) == decoded {
		return append(dst, raw...), after
	}
	return appendEscaped(dst, out), after
}

// appendMeaning appends a decoded segment without what does not belong to a
// path, and judges the rest.
func appendMeaning(dst []byte, s string, after place) []byte {
	s = withoutParameters(s)
	end := len(s)
	for end > 0 && (isBlank(s[end-1]) || strings.IndexByte(closers, s[end-1]) >= 0) {
		end-- // the end of a sentence that the address stood in
	}
	if end == 0 {
		return append(dst, s...) // nothing that could be an id
	}
	dst = appendGeneral(dst, s[:end], after)
	return append(dst, s[end:]...)
}

// withoutParameters cuts what broken links and servlets hang on a segment:
// matrix parameters (";jsessionid=…"), a query whose question mark was escaped or
// lost ("&token=…"), an escaped fragment.
func withoutParameters(s string) string {
	if i := strings.IndexByte(s, ';'); i >= 0 {
		s = s[:i]
	}
	if i := strings.IndexByte(s, '?'); i >= 0 && i+1 < len(s) {
		s = s[:i]
	}
	if last := strings.LastIndexByte(s, '='); last >= 0 {
		if i := strings.IndexAny(s[:last], "&#"); i >= 0 {
			s = s[:i]
		}
	}
	return s
}

// maxEscapes is how often text may be escaped over and over and still be read.
const maxEscapes = 4

// decodeFully takes percent escapes off until there are none: "%2540" is an @ to
// some server on the way. It returns false for text that nobody escapes so
// often for an honest reason. plus says that + is a blank, as in a query.
func decodeFully(s string, plus bool) (string, bool) {
	if plus {
		s = strings.ReplaceAll(s, "+", " ")
	}
	for range maxEscapes {
		decoded, changed := decodeOnce(s)
		if !changed {
			return s, true
		}
		s = decoded
	}
	_, more := decodeOnce(s)
	return s, !more
}

func decodeOnce(s string) (decoded string, changed bool) {
	i := strings.IndexByte(s, '%')
	if i < 0 {
		return s, false
	}
	var scratch [256]byte
	b := append(scratch[:0], s[:i]...)
	for ; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && hexDigit(s[i+1]) < 16 && hexDigit(s[i+2]) < 16 {
			b = append(b, hexDigit(s[i+1])<<4|hexDigit(s[i+2]))
			i += 2
			changed = true
			continue
		}
		b = append(b, s[i])
	}
	if !changed {
		return s, false
	}
	return string(b), true
}

// appendEscaped appends text as part of a path.
func appendEscaped(dst, text []byte) []byte {
	const digits = "0123456789ABCDEF"
	for _, c := range text {
		if c < utf8.RuneSelf && (isLatin(c) || c-'0' <= 9 || strings.IndexByte("-._~!$&'()*+,=:@", c) >= 0) {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', digits[c>>4], digits[c&15])
		}
	}
	return dst
}

// hexDigit is the value of a hexadecimal digit, 16 if c is none.
func hexDigit(c byte) byte {
	switch {
	case c-'0' <= 9:
		return c - '0'
	case c|0x20-'a' < 6:
		return c | 0x20 - 'a' + 10
	}
	return 16
}
