package privacy

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// URL is an address without what points at a person: its fragment, user name
// and password go, of its parameters the allow-listed stay, and path segments
// that look like ids become general:
//
//	https://ann:pw@shop.example/users/8271/orders?token=s3cret&utm_source=news#top
//	https://shop.example/users/:id/orders?utm_source=news
//
// A path with a query ("/a?b=c"), a host without a scheme and a query alone are
// addresses too. Of addresses that hold their content themselves (data:,
// mailto:, tel:, javascript:, file:) only the scheme stays, of blob: the origin.
// Longer text is searched for addresses; text that has none is returned as it
// is. So is everything where the policy keeps URLs.
func (p *Policy) URL(text string) string {
	if p.keepURLs {
		return text
	}
	var scratch [512]byte
	return changedText(p.appendURL(scratch[:0], text), text)
}

// changedText spares the copy of what did not change.
func changedText(out []byte, text string) string {
	if string(out) == text {
		return text
	}
	return string(out)
}

// appendURL appends text without what points at a person in it as an address, or
// in the addresses that it holds.
func (p *Policy) appendURL(dst []byte, text string) []byte {
	trimmed := strings.Trim(text, blanks)
	r, ok := cutReference(trimmed)
	for range mostReadings {
		if !ok {
			return p.appendProse(dst, text, false)
		}
		from := len(dst)
		dst = p.appendReference(dst, &r)
		if !r.loose || string(dst[from:]) == trimmed {
			return dst
		}
		// "a:;b//c?d" is "a://c?d" without its parameter: another address. What is
		// stored must read as it was meant.
		trimmed = string(dst[from:])
		text, dst = trimmed, dst[:from]
		r, ok = cutReference(trimmed)
	}
	return append(dst, idWord...)
}

// mostReadings is how often text may turn out to be another address. Nobody sends
// what does so twice.
const mostReadings = 8

// appendReference appends an address without what points at a person.
func (p *Policy) appendReference(dst []byte, r *reference) []byte {
	start := len(dst)
	dst = appendPage(dst, r)
	dst = p.appendQuery(dst, r.query, '?')
	for len(dst) > start && isBlank(dst[len(dst)-1]) {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// appendPage appends an address up to its query.
func appendPage(dst []byte, r *reference) []byte {
	if r.contained {
		return append(append(dst, r.scheme...), ':')
	}
	dst = append(dst, r.head...)
	dst = append(dst, r.host...)
	after := anywhere
	if r.scheme != "" && !isWeb(r.scheme) {
		after = placeAfter(r.host) // shop://users/ann: the "host" is the first segment
	}
	return appendPath(dst, r.path, after)
}

// appendProse appends text in which every address is rewritten: as a referrer,
// or as any other.
func (p *Policy) appendProse(dst []byte, text string, referrer bool) []byte {
	for {
		before, address, rest := nextAddress(text)
		dst = append(dst, before...)
		if address == "" {
			return dst
		}
		text = rest
		r, ok := cutReference(address)
		switch {
		case !ok:
			dst = append(dst, address...)
		case referrer:
			dst = p.appendSite(dst, &r)
		default:
			dst = p.appendReference(dst, &r)
		}
	}
}

// closers are what may stand behind an address in a sentence.
const closers = ".,;:!?)]}'*"

// nextAddress finds "scheme://…" in text: up to white space, a quote or a
// bracket of mark-up, without the punctuation that closes a sentence. What
// belongs to the address may be too much by this, never too little. Without one
// all of the text comes before it.
func nextAddress(text string) (before, address, rest string) {
	for at := 0; ; {
		i := strings.IndexByte(text[at:], '/')
		if i < 0 {
			return text, "", ""
		}
		at += i
		if at > 0 && text[at-1] == ':' && at+1 < len(text) && text[at+1] == '/' {
			if start := schemeStart(text[:at-1]); start < at-1 {
				end := addressEnd(text, at+2)
				return text[:start], text[start:end], text[end:]
			}
		}
		at++
	}
}

// schemeStart is where the scheme at the end of s begins.
func schemeStart(s string) int {
	start := len(s)
	for start > 0 && isSchemeByte(s[start-1]) {
		start--
	}
	for start < len(s) && !isLatin(s[start]) {
		start++
	}
	if start >= 5 && start < len(s) && strings.EqualFold(s[start-5:start], "blob:") {
		start -= 5
	}
	return start
}

func addressEnd(text string, from int) int {
	end := from
	for end < len(text) {
		c := text[end]
		if c <= ' ' || c == '"' || c == '<' || c == '>' || c == '`' || c == 0x7f {
			break
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(text[end:])
			if unicode.IsSpace(r) {
				break
			}
			end += size - 1
		}
		end++
	}
	for end > from && strings.IndexByte(closers, text[end-1]) >= 0 {
		end--
	}
	return end
}
