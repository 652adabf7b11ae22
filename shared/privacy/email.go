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
	start = at
	for start > from && inLocal(text[start-1]) {
		start--
	}
	// A percent sign is a part only where an encoded address has one.
	if width == 1 {
		if cut := strings.LastIndexByte(text[start:at], '%'); cut >= 0 {
			start += cut + 1
			if start+2 <= at && isHex(text[start]) && isHex(text[start+1]) {
				start += 2
			}
		}
	} else if text[start:at] != "" {
		start = afterEscapes(text, start, at)
	}
	for start < at && (text[start] == '.' || text[start] == '\'' || text[start] == '-') {
		start++
	}
	end = at + width
	for end < len(text) && (inLabel(text[end]) || text[end] == '.' && end+1 < len(text) && inLabel(text[end+1])) {
		end++
	}
	for end > at+width && (text[end-1] == '-' || text[end-1] == '.') {
		end--
	}
	local, domain := text[start:at], text[at+width:end]
	if local == "" || len(local) > 256 || !isDomain(domain) {
		return 0, 0, ""
	}
	if strings.IndexByte(local, '%') >= 0 {
		if plain, err := url.PathUnescape(local); err == nil {
			local = plain
		}
	}
	return start, end, strings.ToLower(local + "@" + domain)
}

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

// afterEscapes moves past encoded characters that stand before an encoded address
// and do not belong to it, such as %3D.
func afterEscapes(text string, start, at int) int {
	for j := start; j+3 <= at; j++ {
		if text[j] == '%' {
			switch strings.ToUpper(text[j+1 : j+3]) {
			case "2B", "2E", "2D", "5F", "25":
			default:
				start = j + 3
			}
		}
	}
	return start
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
	if dot <= 0 || len(domain) > 253 || strings.Contains(domain, "..") {
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
