package privacy

import (
	"strings"

	"loch/shared/rawjson"
)

// reference is text that is an address as a whole, cut into its parts. They are
// pieces of the text: net/url refuses what browsers and broken clients really
// send, and its answer to an address it cannot read is to keep the query.
type reference struct {
	head      string // "https://", "//", or nothing
	scheme    string // without colon
	host      string // and its port; user and password are gone
	path      string
	query     string // without its question mark
	contained bool   // the address is its content: only the scheme may stay
	loose     bool   // it begins with a word: "users/12", "www.example.com/a"
}

// contained are the schemes of addresses that point at nothing elsewhere.
var contained = []string{
	"data", "mailto", "tel", "javascript", "file", "sms", "smsto", "callto", "facetime", "geo", "sip", "sips", "xmpp",
}

// cutReference cuts an address into its parts. It returns false for text that
// is none.
func cutReference(s string) (r reference, ok bool) {
	if s == "" {
		return r, false
	}
	rest := s
	if n := schemeLength(s); n > 0 {
		r.scheme, rest = s[:n], s[n+1:]
		switch {
		case isWeb(r.scheme):
		case rest != "" && !isBlank(rest[0]) && foldedIn(contained, r.scheme):
			r.contained = true
			return r, true
		case strings.EqualFold(r.scheme, "blob"):
			return cutBlob(s)
		}
	}
	slashes := 0
	for slashes < len(rest) && isSlash(rest[slashes]) {
		slashes++
	}
	switch {
	case slashes >= 2 && (r.scheme != "" || slashes == 2),
		isWeb(r.scheme) && rest != "" && !isBlank(rest[0]), // browsers read http:/x and http:x as http://x
		r.scheme != "" && slashes == 0 && beginsWithPort(rest):
		r.head = s[:len(s)-len(rest)+slashes]
		if slashes == 0 && !isWeb(r.scheme) {
			r.head, rest, r.scheme = "", s, "" // a host and its port
		}
		rest = rest[slashes:]
		for {
			end := 0
			for end < len(rest) && !isSlash(rest[end]) && rest[end] != '?' && rest[end] != '#' {
				end++
			}
			r.host = hostAlone(rest[:end])
			rest = rest[end:]
			if r.host != "" || end == 0 {
				break
			}
			for rest != "" && isSlash(rest[0]) { // a user at no host: browsers read on
				rest = rest[1:]
			}
		}
	case isSlash(s[0]) || s[0] == '?' || s[0] == '#':
		r.scheme, rest = "", s
	default:
		r.scheme, rest = "", s
		i := strings.IndexAny(s, `/\?#`)
		if i < 0 || strings.ContainsAny(s, " \t\r\n") || i == len(s)-1 && !isSlash(s[i]) {
			return reference{}, false // words, a colour, "really?"
		}
		r.loose = true
	}
	rest, _, _ = strings.Cut(rest, "#")
	r.path, r.query, _ = strings.Cut(rest, "?")
	return r, true
}

// cutBlob cuts "blob:https://host/b9c6…": behind the host is a random name.
func cutBlob(s string) (r reference, ok bool) {
	const head = len("blob:")
	scheme := schemeLength(s[head:])
	if scheme == 0 || !strings.HasPrefix(s[head+scheme:], "://") {
		return reference{}, false
	}
	r.head = s[:head+scheme+len("://")]
	r.host, r.path = s[len(r.head):], "/"
	if end := strings.IndexAny(r.host, `/\?#`); end >= 0 {
		r.host = r.host[:end]
	}
	r.host = hostAlone(r.host)
	return r, true
}

// hostAlone is host and port. What stands before an @ is a user, as
// is what would be a port and is no number: "ann:pw/x@host" was cut at its slash.
func hostAlone(authority string) string {
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		authority = authority[i+1:]
	}
	if strings.IndexByte(authority, '%') >= 0 {
		if i := strings.LastIndex(authority, "%40"); i >= 0 {
			authority = authority[i+3:]
		}
	}
	port := strings.IndexByte(authority, ':')
	if strings.HasPrefix(authority, "[") { // IPv6
		port = -1
		if end := strings.IndexByte(authority, ']'); end >= 0 {
			if i := strings.IndexByte(authority[end:], ':'); i >= 0 {
				port = end + i
			}
		}
	}
	if port >= 0 && strings.Trim(authority[port+1:], "0123456789") != "" {
		authority = authority[:port]
	}
	return authority
}

// schemeLength is the length of the scheme before a colon; 0 if there is none.
func schemeLength(s string) int {
	for i := range len(s) {
		switch {
		case s[i] == ':':
			return i
		case !isSchemeByte(s[i]) || i == 0 && !isLatin(s[i]):
			return 0
		}
	}
	return 0
}

// beginsWithPort tells "8080/x" from "opaque".
func beginsWithPort(s string) bool {
	i := 0
	for i < len(s) && s[i]-'0' <= 9 {
		i++
	}
	return i >= 2 && i <= 5 && (i == len(s) || s[i] == '/' || s[i] == '?' || s[i] == '#')
}

func isWeb(scheme string) bool {
	return len(scheme) <= 5 && (strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "http"))
}

func isSlash(c byte) bool { return c == '/' || c == '\\' }

// blanks are what browsers take off the ends of an address.
const blanks = " \t\r\n"

func isBlank(c byte) bool { return rawjson.IsSpace(c) }

func isLatin(c byte) bool { return c|0x20-'a' < 26 }

func isSchemeByte(c byte) bool {
	return isLatin(c) || c-'0' <= 9 || c == '+' || c == '-' || c == '.'
}

func foldedIn(list []string, s string) bool {
	for _, one := range list {
		if strings.EqualFold(one, s) {
			return true
		}
	}
	return false
}
