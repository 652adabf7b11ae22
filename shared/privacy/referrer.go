package privacy

import "strings"

// Referrer is the address of the page that a visitor came from, as its host:
// "https://www.google.com/". Where the policy wants paths the templated path
// stays too, never a parameter: those are another site's. Text that is no
// address ("$direct") is returned as it is. A project that keeps URLs and says
// nothing of referrers keeps these too.
func (p *Policy) Referrer(text string) string {
	if p.keepReferrers {
		return text
	}
	var scratch [512]byte
	return changedText(p.appendReferrer(scratch[:0], text), text)
}

func (p *Policy) appendReferrer(dst []byte, text string) []byte {
	trimmed := strings.Trim(text, blanks)
	r, ok := cutReference(trimmed)
	for range mostReadings {
		if !ok {
			return p.appendProse(dst, text, true)
		}
		if r.loose {
			// "www.google.com/search": a host, as some libraries send it.
			host, _, _ := strings.Cut(r.path, "/")
			if strings.Contains(host, ".") && hostAlone(host) == host {
				r.host, r.path = host, r.path[len(host):]
			}
		}
		from := len(dst)
		dst = p.appendSite(dst, &r)
		if !r.loose || string(dst[from:]) == trimmed {
			return dst
		}
		trimmed = string(dst[from:])
		text, dst = trimmed, dst[:from]
		r, ok = cutReference(trimmed)
	}
	return append(dst, idWord...)
}

// appendSite appends the host of an address, and its path where the policy says
// so or there is no host: a page of one's own.
func (p *Policy) appendSite(dst []byte, r *reference) []byte {
	start := len(dst)
	if (r.head != "" || r.host != "") && !p.referrerPath {
		r.path = ""
	}
	if r.head != "" && r.host != "" && r.path == "" {
		r.path = "/"
	}
	dst = appendPage(dst, r)
	for len(dst) > start && isBlank(dst[len(dst)-1]) {
		dst = dst[:len(dst)-1]
	}
	return dst
}
