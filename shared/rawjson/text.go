package rawjson

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Text returns the string that a quoted JSON string stands for. The text must
// have been read by a Cursor.
func Text(quoted []byte) string {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	out, err := jsontext.AppendUnquote(nil, quoted)
	if err != nil {
		// A lone surrogate; Clean has replaced those in what is stored.
		return string(bytes.ToValidUTF8(out, []byte("\uFFFD")))
	}
	return string(out)
}

// AppendQuoted appends s as a JSON string.
func AppendQuoted(dst []byte, s string) []byte {
	out, err := jsontext.AppendQuote(dst, s)
	if err != nil {
		out, _ = jsontext.AppendQuote(dst, string(bytes.ToValidUTF8([]byte(s), []byte("\uFFFD"))))
	}
	return out
}

// Clean makes text that any JSON reader takes: bytes that are not UTF-8 and
// escaped surrogates without their other half become U+FFFD. It returns b itself
// when nothing has to change, which is nearly always.
//
// Without it one event from a broken client would make every later query over
// its column fail, since engines refuse such text.
func Clean(b []byte) (clean []byte, changed bool) {
	if !utf8.Valid(b) {
		b, changed = bytes.ToValidUTF8(b, []byte("\uFFFD")), true
	}
	if fixed, any := replaceLoneSurrogates(b); any {
		return fixed, true
	}
	return b, changed
}

// replaceLoneSurrogates overwrites each \uD800..\uDFFF escape that has no
// partner by \uFFFD, which is as long.
func replaceLoneSurrogates(b []byte) ([]byte, bool) {
	var out []byte
	for i := 0; ; {
		next := bytes.IndexByte(b[i:], '\\')
		if next < 0 || i+next+1 >= len(b) {
			break
		}
		i += next
		if b[i+1] != 'u' {
			i += 2
			continue
		}
		r, ok := unit(b[i:])
		if !ok || !utf16.IsSurrogate(r) {
			i += 2
			continue
		}
		if low, ok := unit(b[min(i+6, len(b)):]); ok && utf16.DecodeRune(r, low) != utf8.RuneError {
			i += 12
			continue
		}
		if out == nil {
			out = bytes.Clone(b)
		}
		copy(out[i:], `\uFFFD`)
		i += 6
	}
	if out == nil {
		return b, false
	}
	return out, true
}

// unit reads one \uXXXX escape.
func unit(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' || escapeLen(b) != 6 {
		return 0, false
	}
	var r rune
	for _, h := range b[2:6] {
		r <<= 4
		switch {
		case h <= '9':
			r |= rune(h - '0')
		case h <= 'F':
			r |= rune(h - 'A' + 10)
		default:
			r |= rune(h - 'a' + 10)
		}
	}
	return r, true
}
