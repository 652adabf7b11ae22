package privacy

import "net/netip"

// address4 finds an IPv4 address at the first group: four numbers that could be
// one, standing for themselves. Chrome/120.0.0.0 is a version, and an address
// behind :// is the site's own.
func address4(text string, g []group) (end int, value string) {
	if len(g) < 4 {
		return 0, ""
	}
	for k := range 4 {
		if g[k].len() > 3 || k > 0 && gap(text, g[k-1], g[k]) != "." {
			return 0, ""
		}
	}
	start, end := g[0].start, g[3].end
	if !alone(text, start, end) || len(g) > 4 && text[end] == '.' {
		return 0, ""
	}
	if start > 0 {
		switch before := text[start-1]; {
		case before == '.' || before == '-':
			return 0, ""
		case before == '/' && start > 1 && (text[start-2] == '/' || inWord(text[start-2])):
			return 0, ""
		}
	}
	a, err := netip.ParseAddr(text[start:end])
	if err != nil || a.IsLoopback() || a.IsUnspecified() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) || saysVersion(text[:start]) {
		return 0, ""
	}
	return end, a.String()
}

// saysVersion tells that the words before a number call it a version.
func saysVersion(before string) bool {
	return endsFold(before, "version ") || endsFold(before, "version: ") || endsFold(before, " v") || endsFold(before, "build ")
}

func endsFold(s, end string) bool {
	if len(s) < len(end) {
		return false
	}
	for i := range len(end) {
		c := s[len(s)-len(end)+i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != end[i] {
			return false
		}
	}
	return true
}

// address6At finds an IPv6 address around a colon near i.
func address6At(text string, i, from int) (start, end int, value string) {
	in := func(c byte) bool { return isHex(c) || c == ':' || c == '.' }
	start, end = i, i
	if !in(text[i]) {
		start, end = i+1, i+1
	}
	for start > from && in(text[start-1]) && i-start < 48 {
		start--
	}
	colons := 0
	for end < len(text) && in(text[end]) && end-start < 48 {
		if text[end] == ':' {
			colons++
		}
		end++
	}
	for end > start && text[end-1] == '.' {
		end--
	}
	if colons < 2 || end-start < 4 || !alone(text, start, end) {
		return 0, 0, ""
	}
	a, err := netip.ParseAddr(text[start:end])
	if err != nil || !a.Is6() || a.IsLoopback() || a.IsUnspecified() {
		return 0, 0, ""
	}
	return start, end, a.String()
}
