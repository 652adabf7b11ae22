package privacy

import (
	"bytes"
	"strings"

	"loch/shared/rawjson"
)

// URLs rewrites the addresses in the JSON text of an event's properties, nested
// ones too:
//
//   - "scheme://…" in any string, alone or within text, names included;
//   - in properties whose name says so (url, path, href, link, location, page …)
//     also addresses without a scheme, and contained ones such as mailto:;
//   - queries in properties named search or query, fragments in those named hash;
//   - referrers by their own rule.
//
// Everything else stays byte for byte. It returns the text itself, and makes
// nothing, when nothing changes; only strings with escapes and segments with
// percent signs are decoded into memory of their own.
func (p *Policy) URLs(json string) string {
	if p.keepURLs && p.keepReferrers || !mayHoldURL(json) {
		return json
	}
	w := rewriter{policy: p, json: json}
	w.walk()
	if w.kept == 0 {
		return json
	}
	w.out.WriteString(json[w.kept:])
	return w.out.String()
}

// mayHoldURL looks for the bytes without which no string is judged. It must
// agree with judged: what happens to one property may not hang on another.
func mayHoldURL(json string) bool {
	return strings.IndexByte(json, '/') >= 0 || strings.IndexByte(json, '?') >= 0 || strings.IndexByte(json, '#') >= 0 ||
		strings.IndexByte(json, '@') >= 0 || strings.IndexByte(json, '\\') >= 0
}

// The bytes that matter inside a string.
const (
	ends    = 1 << iota // the closing quote
	escapes             // a backslash
	slash
	judged // any other byte of an address
)

var stringBytes = [256]byte{'"': ends, '\\': escapes, '/': slash, '?': judged, '#': judged, '@': judged}

// rewriter is one walk over JSON text that a cursor has read before. Of text
// that is not JSON it changes what looks like strings with addresses.
type rewriter struct {
	policy  *Policy
	json    string
	kept    int // what comes before it is in out; 0 while nothing has changed
	out     strings.Builder
	scratch [512]byte
}

// walk goes from string to string. The name that governs a value is that of its
// member, or of the member whose array it is in.
func (w *rewriter) walk() {
	var around [32]string // names of the open objects and arrays
	name, depth, json := "", 0, w.json
	for i := 0; i < len(json); i++ {
		switch json[i] {
		case '{', '[':
			if depth < len(around) {
				around[depth] = name
			}
			depth++
		case '}', ']':
			depth = max(depth-1, 0)
			name = ""
			if depth < len(around) {
				name = around[depth]
			}
		case '"':
			start := i + 1
			end, seen := quoteAfter(json, start)
			if end < 0 {
				return
			}
			i = end
			if rawjson.IsName(json, end+1) {
				name = json[start:end]
				if seen&(slash|escapes) != 0 {
					w.rewrite(start, end, seen, "")
				}
			} else if seen != 0 {
				w.rewrite(start, end, seen, name)
			}
		}
	}
}

// quoteAfter finds the closing quote of a string, and which bytes that matter are
// in it. It returns a negative place for a string without an end.
func quoteAfter(json string, start int) (end int, seen byte) {
	for i := uint(start); i < uint(len(json)); i++ {
		kind := stringBytes[json[i]]
		if kind == 0 {
			continue
		}
		if kind == ends {
			return int(i), seen
		}
		seen |= kind
		if kind == escapes {
			i++
		}
	}
	return -1, 0
}

// rewrite replaces the inside of one string if an address in it changes.
func (w *rewriter) rewrite(start, end int, seen byte, name string) {
	raw := w.json[start:end]
	text := raw
	if seen&escapes != 0 {
		if seen&^escapes == 0 && !escapesAddress(raw) {
			return
		}
		text = rawjson.Text([]byte(w.json[start-1 : end+1]))
	}
	out := w.policy.appendValue(w.scratch[:0], text, name)
	if string(out) == text {
		return
	}
	if w.kept == 0 {
		w.out.Grow(len(w.json) + 64)
	}
	w.out.WriteString(w.json[w.kept:start])
	if seen&escapes != 0 {
		out = rawjson.AppendQuoted(nil, string(out))
		out = out[1 : len(out)-1]
	}
	w.out.Write(out)
	w.kept = end
}

// escapesAddress tells whether an escape stands for a byte of an address, and not
// for a quote, a line break or a letter beyond ASCII.
func escapesAddress(raw string) bool {
	for i := 0; i+1 < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		i++
		if raw[i] == '\\' || raw[i] == '/' || raw[i] == 'u' && i+3 < len(raw) && raw[i+1:i+3] == "00" && raw[i+3] < '8' {
			return true
		}
	}
	return false
}

// nature is what a property's name says of its value.
type nature uint8

const (
	noAddress nature = iota
	anAddress
	aQuery
	aFragment
	aReferrer
)

// appendValue appends a string value without what points at a person in its
// addresses.
func (p *Policy) appendValue(dst []byte, text, name string) []byte {
	kind := natureOf(name)
	switch {
	case kind == aReferrer: // kept only where all URLs are, see URLs
		return p.appendReferrer(dst, text)
	case p.keepURLs:
		return append(dst, text...)
	case kind == anAddress:
		return p.appendURL(dst, text)
	case kind == aFragment && strings.HasPrefix(text, "#"):
		return dst
	case kind == aQuery && strings.HasPrefix(text, "?"):
		query, _, _ := strings.Cut(text[1:], "#")
		return p.appendQuery(dst, query, '?')
	case isDataURL(text):
		return append(dst, "data:"...)
	}
	return p.appendProse(dst, text, false)
}

// isDataURL tells "data:image/png;base64,…" from a sentence about data.
func isDataURL(s string) bool {
	if len(s) < 6 || !strings.EqualFold(s[:5], "data:") {
		return false
	}
	head, _, ok := strings.Cut(s[5:min(len(s), 128)], ",")
	return ok && !strings.ContainsAny(head, " \t\n") && (strings.Contains(head, "/") || strings.Contains(head, ";"))
}

// addressNames are how names of properties end that hold addresses.
var addressNames = []string{"url", "uri", "path", "pathname", "href", "link", "location", "page", "route", "endpoint", "src"}

// natureOf reads a property's name: "$current_url", "Page URL" and "pageUrl"
// are one. Only the last part counts, so "curl" is a URL too; that is harmless,
// since its value must look like one.
func natureOf(name string) nature {
	var b [64]byte
	n := 0
	for i := max(0, len(name)-len(b)); i < len(name); i++ {
		c := name[i]
		if c-'A' < 26 {
			c |= 0x20
		}
		if c-'a' < 26 {
			b[n] = c
			n++
		}
	}
	plain := b[:n]
	if bytes.Contains(plain, []byte("refer")) && (bytes.Contains(plain, []byte("referrer")) || bytes.Contains(plain, []byte("referer")) || bytes.Contains(plain, []byte("referringurl"))) {
		return aReferrer
	}
	if n > 0 && plain[n-1] == 's' {
		plain = plain[:n-1] // "urls"
	}
	for _, end := range addressNames {
		if endsWith(plain, end) {
			return anAddress
		}
	}
	switch {
	case endsWith(plain, "search"), endsWith(plain, "query"), endsWith(plain, "querystring"):
		return aQuery
	case endsWith(plain, "hash"), endsWith(plain, "fragment"):
		return aFragment
	}
	return noAddress
}

func endsWith(b []byte, end string) bool {
	return len(b) >= len(end) && string(b[len(b)-len(end):]) == end
}
