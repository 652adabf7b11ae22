package main

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"io"
	"mime/quotedprintable"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// peels is how many wrappings are taken off, one inside the other.
const peels = 4

// peel gives every way to read a text: as it is, and without each encoding that
// it may be wrapped in, layer by layer. see is called with the text and with what
// was done to it.
func peel(s string, see func(s, how string)) {
	seen := map[string]bool{}
	var walk func(s, how string, depth int)
	walk = func(s, how string, depth int) {
		if len(s) < minNeedle || seen[s] || len(seen) > 200 {
			return
		}
		seen[s] = true
		see(s, how)
		if depth == peels {
			return
		}
		unwrap(s, func(inner, layer string) { walk(inner, join(how, layer), depth+1) })
		if depth <= 1 {
			walk(reversed(s), join(how, "backwards"), peels)
			walk(rot13(s), join(how, "rot13"), peels)
		}
	}
	walk(s, "", 0)
}

func join(how, layer string) string {
	if how == "" || layer == "" {
		return how + layer
	}
	return how + ", " + layer
}

// unwrap takes one layer off in every way that fits.
func unwrap(s string, give func(inner, layer string)) {
	if strings.ContainsAny(s, "%+") {
		if inner, err := url.QueryUnescape(s); err == nil && inner != s {
			give(inner, "URL-encoded")
		} else if inner := lenientUnescape(s); inner != s {
			give(inner, "URL-encoded")
		}
	}
	if strings.IndexByte(s, '\\') >= 0 {
		var inner string
		if json.Unmarshal([]byte(`"`+strings.ReplaceAll(s, `"`, `\"`)+`"`), &inner) == nil && inner != s {
			give(inner, "JSON-escaped")
		}
		if json.Unmarshal([]byte(`"`+s+`"`), &inner) == nil && inner != s {
			give(inner, "JSON-escaped")
		}
	}
	if strings.IndexByte(s, '&') >= 0 {
		if inner := html.UnescapeString(s); inner != s {
			give(inner, "HTML-escaped")
		}
	}
	if quotedByte.MatchString(s) {
		if inner, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(s))); err == nil && string(inner) != s {
			give(string(inner), "quoted-printable")
		}
	}
	if inner := plainLetters(s); inner != s {
		give(inner, "disguised letters")
	}
	if len(s) < 4096 {
		if inner := spelledOut.ReplaceAllStringFunc(s, spell); inner != s {
			give(inner, "spelled out")
		}
	}
	coded(s, give)
}

// coded decodes each run of letters that may be base64, base32 or hexadecimal.
func coded(s string, give func(inner, layer string)) {
	for _, run := range codedRun.FindAllString(s, 64) {
		if len(run) > 1<<16 {
			continue
		}
		for _, try := range decoders {
			if b, err := try.decode(run); err == nil && len(b) >= minNeedle {
				if isReadable(b) {
					give(string(b), try.layer)
				} else if inner := inflate(b); len(inner) >= minNeedle && isReadable(inner) {
					give(string(inner), try.layer+", compressed")
				}
			}
		}
	}
}

var codedRun = regexp.MustCompile(`[A-Za-z0-9+/_=-]{8,}`)

var quotedByte = regexp.MustCompile(`=[0-9A-F]{2}`)

var decoders = []struct {
	layer  string
	decode func(string) ([]byte, error)
}{
	{"hexadecimal", hex.DecodeString},
	{"base64", func(s string) ([]byte, error) { return base64.RawStdEncoding.DecodeString(trimCoded(s)) }},
	{"base64", func(s string) ([]byte, error) {
		if !strings.ContainsAny(s, "-_") {
			return nil, base64.CorruptInputError(0)
		}
		// An id's prefix, such as "u_", is of the same alphabet.
		if b, err := base64.RawURLEncoding.DecodeString(trimCoded(s)); err == nil && isReadable(b) {
			return b, nil
		}
		return base64.RawURLEncoding.DecodeString(trimCoded(s[strings.IndexAny(s, "-_")+1:]))
	}},
	{"base32", func(s string) ([]byte, error) {
		return base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(strings.TrimRight(s, "=")))
	}},
	{"base32", func(s string) ([]byte, error) {
		return base32.HexEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(strings.TrimRight(s, "=")))
	}},
}

// trimCoded takes the padding off, and a last letter that holds no byte.
func trimCoded(s string) string {
	s = strings.TrimRight(s, "=")
	if len(s)%4 == 1 {
		s = s[:len(s)-1]
	}
	return s
}

// isReadable tells text from bytes that came out by chance.
func isReadable(b []byte) bool {
	if !utf8.Valid(b) {
		return false
	}
	for _, c := range b {
		if !isText(c) && c != 0 {
			return false
		}
	}
	return true
}

func inflate(b []byte) []byte {
	const limit = 1 << 20
	if r, err := gzip.NewReader(bytes.NewReader(b)); err == nil {
		out, _ := io.ReadAll(io.LimitReader(r, limit)) // what came before the damage counts
		return out
	}
	if r, err := zlib.NewReader(bytes.NewReader(b)); err == nil {
		out, _ := io.ReadAll(io.LimitReader(r, limit))
		return out
	}
	out, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(b)), limit))
	if err != nil {
		return nil
	}
	return out
}

// lenientUnescape decodes what is encoded and leaves a stray % where it is.
func lenientUnescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if c, err := hex.DecodeString(s[i+1 : i+3]); err == nil {
				b.WriteByte(c[0])
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

var spelledOut = regexp.MustCompile(`(?i)\s*[\[({<]\s*(?:at|dot|@|\.)\s*[\])}>]\s*|\s+(?:at|dot)\s+|_at_|\s*@\s+|\s+@\s*`)

func spell(s string) string {
	if strings.Contains(strings.ToLower(s), "dot") || strings.Contains(s, ".") {
		return "."
	}
	return "@"
}

// plainLetters undoes full-width letters and takes out what cannot be seen.
func plainLetters(s string) string {
	for i := range len(s) {
		if s[i] >= 0x80 || s[i] == 0 {
			return strings.Map(func(r rune) rune {
				switch {
				case r >= 0xff01 && r <= 0xff5e:
					return r - 0xff01 + '!'
				case r == 0, r == 0xad, r >= 0x200b && r <= 0x200f, r == 0x2060, r == 0xfeff:
					return -1
				}
				return r
			}, s)
		}
	}
	return s
}

func reversed(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

func rot13(s string) string {
	b := []byte(s)
	for i, c := range b {
		if l := c | 0x20; 'a' <= l && l <= 'z' {
			b[i] = (l-'a'+13)%26 + 'a' - 0x20 + c&0x20
		}
	}
	return string(b)
}

// lower folds ASCII alone, so that bytes that are no text stay what they are.
func lower(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for j, c := range b {
				if 'A' <= c && c <= 'Z' {
					b[j] = c + 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}
