package enrich

import (
	"net/netip"
	"strings"
	"unicode/utf8"
)

// address is a web address cut into the pieces that enrichment needs. They are
// pieces of the original wherever possible: net/url makes ten allocations and
// refuses addresses that browsers really send.
type address struct {
	host     string // lower case, without user name and port
	path     string // as sent; "/" where there is a host and nothing after it
	query    string // without its question mark
	fragment string
}

// splitAddress cuts "https://user@Host:8080/path?query#fragment". An address
// without a host gives a path if it begins with a slash, and otherwise nothing
// but query and fragment: "about:blank" is nowhere.
func splitAddress(s string) address {
	var a address
	s, a.fragment, _ = strings.Cut(strings.TrimSpace(s), "#")
	s, a.query, _ = strings.Cut(s, "?")
	rest, ok := strings.CutPrefix(s, "//")
	if i := strings.Index(s, "://"); i > 0 && isScheme(s[:i]) {
		rest, ok = s[i+3:], true
	}
	if !ok {
		if strings.HasPrefix(s, "/") {
			a.path = s
		}
		return a
	}
	authority := rest
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		authority, a.path = rest[:i], rest[i:]
	}
	a.host = hostOf(authority)
	if a.path == "" && a.host != "" {
		a.path = "/"
	}
	return a
}

func isScheme(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if (c < 'a' || c > 'z') && (i == 0 || (s[i] < '0' || s[i] > '9') && s[i] != '+' && s[i] != '-' && s[i] != '.') {
			return false
		}
	}
	return s != ""
}

// hostOf takes user name, port and a closing dot off an authority.
func hostOf(authority string) string {
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		authority = authority[i+1:]
	}
	if strings.HasPrefix(authority, "[") {
		inside, _, closed := strings.Cut(authority[1:], "]")
		if a, err := netip.ParseAddr(inside); closed && err == nil && a.Zone() == "" {
			return "[" + a.String() + "]"
		}
		return ""
	}
	if i := strings.IndexByte(authority, ':'); i >= 0 {
		authority = authority[:i]
	}
	host := strings.TrimSuffix(authority, ".")
	if strings.ContainsAny(host, " \t\\\"<>[]") {
		return "" // no host has these; nothing good comes of keeping it
	}
	return lower(host)
}

// referrerHost is the host of a referring address without "www.". Some
// libraries send a bare host, and Mixpanel's word for none.
func referrerHost(referrer string) string {
	if referrer == "" || referrer == "$direct" {
		return ""
	}
	host := splitAddress(referrer).host
	if host == "" && !strings.Contains(referrer, ":") {
		if bare, _, _ := strings.Cut(strings.TrimSpace(referrer), "/"); strings.Contains(bare, ".") {
			host = hostOf(bare)
		}
	}
	return strings.TrimPrefix(host, "www.")
}

// maxParameter is the longest campaign parameter that is kept.
const maxParameter = 512

// parameterText decodes the value of a query parameter. What cannot be decoded
// stays as it is.
func parameterText(s string) string {
	if len(s) > maxParameter {
		s = s[:maxParameter]
	}
	if strings.ContainsAny(s, "%+") {
		s = unescapeQuery(s)
	}
	if plain(s) {
		return s
	}
	return cutText(s, maxParameter)
}

// plain reports whether text needs no cleaning: printable ASCII without blanks
// at its ends.
func plain(s string) bool {
	if s == "" {
		return true
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return s[0] != ' ' && s[len(s)-1] != ' '
}

func unescapeQuery(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			b = append(b, ' ')
		case s[i] == '%' && i+2 < len(s) && hex(s[i+1]) < 16 && hex(s[i+2]) < 16:
			b = append(b, hex(s[i+1])<<4|hex(s[i+2]))
			i += 2
		default:
			b = append(b, s[i])
		}
	}
	return string(b)
}

func hex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 16
}
