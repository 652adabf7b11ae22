package rowjson

import "unicode/utf8"

// plain marks the bytes that stand for themselves in a JSON text. Those above
// ASCII are looked at, since they may be no UTF-8.
var plain = func() (t [256]bool) {
	for i := range utf8.RuneSelf {
		t[i] = i >= ' ' && i != '"' && i != '\\'
	}
	return t
}()

const hex = "0123456789abcdef"

// appendText appends s with quotes.
func appendText(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0 // what is before it has been copied
	for i := 0; i < len(s); {
		b := s[i]
		if plain[b] {
			i++
			continue
		}
		if b >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[from:i]...), "\uFFFD"...)
				from = i + 1
			}
			i += size
			continue
		}
		dst = append(dst, s[from:i]...)
		switch b {
		case '"', '\\':
			dst = append(dst, '\\', b)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\r':
			dst = append(dst, '\\', 'r')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[b>>4], hex[b&15])
		}
		i++
		from = i
	}
	return append(append(dst, s[from:]...), '"')
}
