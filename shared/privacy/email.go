package privacy

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// emailAt finds the e-mail around an @ or %40 near i: a local part of the usual
// characters, a domain with a dot, and an end that is a top-level domain by its
// form. "icon@2x.png" and "pkg@1.2.3" are none.
func emailAt(text string, i, from int) (start, end int, value string) {
	at, width := atSign(text, i)
	if at < 0 {
		return 0, 0, ""
	}
	start = localStart(text, at, width, from)
	for start < at && (text[start] == '.' || text[start] == '\'' || text[start] == '-') {
		start++
	}
	end = at + width
	for end < len(text) && end-at < 2*mostDomain && (inLabel(text[end]) || text[end] == '.' && end+1 < len(text) && inLabel(text[end+1])) {
		end++
	}
	for end > at+width && (text[end-1] == '-' || text[end-1] == '.') {
		end--
	}
	local, domain := text[start:at], text[at+width:end]
	if local == "" || len(local) >= mostLocal || !isDomain(domain) {
		return 0, 0, ""
	}
	if strings.IndexByte(local, '%') >= 0 {
		if plain, err := url.PathUnescape(local); err == nil {
			local = plain
		}
	}
	return start, end, strings.ToLower(local + "@" + domain)
}

// How long the parts of an e-mail are at most (RFC 5321 has 64 and 255 octets).
// What surrounds a sign is looked at no further: a text of signs alone must not be
// read from end to end for each of them.
const (
	mostLocal  = 256
	mostDomain = 253
)

// atSign finds the sign at or beside i.
func atSign(text string, i int) (at, width int) {
	for j := max(0, i-2); j <= i+1 && j < len(text); j++ {
		if text[j] == '@' && j >= i {
			return j, 1
		}
		if strings.HasPrefix(text[j:], "%40") {
			return j, 3
		}
	}
	return -1, 0
}

// localStart walks back over the local part before a sign. It ends at a percent sign,
// so that a text of escaped signs is not read from end to end for each of them: before
// a plain sign at any, with the two digits behind it; before an escaped one at the
// escape of a character that does not belong to an address, such as %3D.
func localStart(text string, at, width, from int) int {
	start := at
	for start > from && at-start < mostLocal*width && inLocal(text[start-1]) {
		start--
		if text[start] != '%' {
			continue
		}
		escape := text[start+1 : min(start+3, at)]
		switch {
		case width == 1 && len(escape) == 2 && isHex(escape[0]) && isHex(escape[1]):
			return start + 3
		case width == 1:
			return start + 1
		case len(escape) == 2 && !inEscapedLocal(escape):
			return start + 3
		}
	}
	return start
}

// inEscapedLocal tells the escapes of + . - _ and %.
func inEscapedLocal(escape string) bool {
	a, b := escape[0], escape[1]|0x20
	return a == '2' && (b == 'b' || b == 'e' || b == 'd' || b == '5'|0x20) || a == '5' && b == 'f'
}

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

func inLocal(c byte) bool {
	return isDigit(c) || isLetter(c) || c >= 0x80 || strings.IndexByte("._%+-'", c) >= 0
}

func inLabel(c byte) bool { return isDigit(c) || isLetter(c) || c == '-' || c >= 0x80 }

// files are ends that look like top-level domains and are files' more often.
var files = map[string]bool{
	"png": true, "jpg": true, "jpeg": true, "gif": true, "svg": true, "webp": true, "avif": true, "ico": true, "bmp": true,
	"js": true, "mjs": true, "css": true, "map": true, "json": true, "html": true, "htm": true, "xml": true, "txt": true,
	"pdf": true, "zip": true, "mp4": true, "webm": true, "woff": true, "woff2": true, "ttf": true,
}

func isDomain(domain string) bool {
	dot := strings.LastIndexByte(domain, '.')
	if dot <= 0 || len(domain) > mostDomain || strings.Contains(domain, "..") {
		return false
	}
	top := strings.ToLower(domain[dot+1:])
	if strings.HasPrefix(top, "xn--") {
		return true
	}
	if utf8.RuneCountInString(top) < 2 || len(top) > 24 || files[top] {
		return false
	}
	for i := range len(top) {
		if !isLetter(top[i]) && top[i] < 0x80 {
			return false
		}
	}
	return true
}

// NormalEmail returns an e-mail in its normal form, lower case without space
// around it, and false for a text that is not an e-mail as a whole.
func (p *Policy) NormalEmail(text string) (string, bool) {
	text = strings.TrimSpace(text)
	at := strings.IndexByte(text, '@')
	if at <= 0 || len(text) > 320 {
		return "", false
	}
	start, end, value := emailAt(text, at, 0)
	return value, start == 0 && end == len(text) && end > 0
}
