package privacy

import (
	"net/url"
	"strings"
)

// Query is a query with its allow-listed parameters only, in their order: those
// that name a campaign (utm_…) and those of the project's settings. It may begin
// with a question mark; where nothing is left, that goes too.
func (p *Policy) Query(text string) string {
	if p.keepURLs {
		return text
	}
	var scratch [512]byte
	query, marked := strings.CutPrefix(text, "?")
	query, _, _ = strings.Cut(query, "#")
	out := p.appendQuery(scratch[:0], query, '?')
	if !marked && len(out) > 0 {
		out = out[1:]
	}
	return changedText(out, text)
}

// campaignParameters are the parameters that say which campaign sent a visitor.
// Click ids (gclid and its like) are not among them: each is one person's click.
var campaignParameters = []string{
	"utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id", "utm_source_platform",
	"utm_creative_format", "utm_marketing_tactic",
}

// appendQuery appends the allow-listed parameters of a query, the first after
// separator and the others after an ampersand.
func (p *Policy) appendQuery(dst []byte, query string, separator byte) []byte {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		// Broken links write a second question mark, old ones a semicolon, and
		// pages that escape twice "&amp;". Each begins a parameter if a name and an
		// equals sign follow; otherwise it belongs to a value.
		last := strings.LastIndexByte(pair, '=')
		for pair != "" {
			end := -1
			if last > 0 {
				end = firstOf(pair[:last], ';', '?')
			}
			one := pair
			if end >= 0 {
				one, pair, last = pair[:end], pair[end+1:], last-end-1
			} else {
				pair = ""
			}
			from := len(dst)
			dst = append(dst, separator)
			dst = p.appendParameter(dst, one)
			if len(dst) == from+1 {
				dst = dst[:from]
			} else {
				separator = '&'
			}
		}
	}
	return dst
}

// appendParameter appends a parameter if it is allow-listed.
func (p *Policy) appendParameter(dst []byte, pair string) []byte {
	name, value, _ := strings.Cut(pair, "=")
	if !p.keepsParameter(name) {
		return dst
	}
	if strings.IndexByte(value, '%') < 0 && !strings.Contains(value, "://") {
		return append(dst, pair...)
	}
	decoded, ok := decodeFully(value, true)
	if !ok {
		return dst
	}
	// A value that holds further parameters, or an address, is one that was
	// escaped once too often.
	kept := decoded
	if last := strings.LastIndexByte(kept, '='); last >= 0 {
		if i := strings.IndexAny(kept[:last], "&?;#"); i >= 0 {
			kept = kept[:i]
		}
	}
	if strings.Contains(kept, "://") {
		kept = withoutQueries(kept)
	}
	if kept == decoded {
		return append(dst, pair...)
	}
	dst = append(append(dst, name...), '=')
	return append(dst, url.QueryEscape(kept)...)
}

// withoutQueries rewrites the addresses in a parameter's value. Theirs are no
// parameters of this project's campaigns.
func withoutQueries(text string) string {
	var out []byte
	for {
		before, address, rest := nextAddress(text)
		out = append(out, before...)
		if address == "" {
			return string(out)
		}
		text = rest
		if r, ok := cutReference(address); ok {
			out = appendPage(out, &r)
		}
	}
}

// keepsParameter tells whether a parameter is allow-listed, by its name as it
// stands in the query.
func (p *Policy) keepsParameter(name string) bool {
	if firstOf(name, '%', '+') >= 0 {
		decoded, ok := decodeFully(name, true)
		if !ok {
			return false
		}
		name = decoded
	}
	if len(name) > 4 && name[0]|0x20 == 'u' && foldedIn(campaignParameters, name) {
		return true
	}
	return len(p.parameters) > 0 && p.parameters[strings.ToLower(name)]
}

// firstOf is where the first of two bytes stands in s, or -1.
func firstOf(s string, a, b byte) int {
	for i := range len(s) {
		if s[i] == a || s[i] == b {
			return i
		}
	}
	return -1
}
