package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// minNeedle is the shortest text that is looked for; shorter ones turn up by
// chance.
const minNeedle = 6

// needle is a spelling of a value, in lower case.
type needle struct {
	text    string
	entry   entry
	how     string
	aside   bool // must not touch a letter or digit on either side
	endOnly bool // must not touch one on its right
}

// haystack finds all needles in a text at once: the first six bytes at each
// place choose the needles to be compared.
type haystack struct {
	filter [1 << 18]uint64
	byHead map[uint64][]needle
	digits map[string]entry // phones, by each way to dial them
}

// spellings are the ways in which a value may be written without being hidden.
func spellings(e entry, v string) []needle {
	lower := strings.ToLower(v)
	switch e.kind {
	case email:
		list := []needle{{text: lower, how: "in clear", endOnly: true}}
		if at := strings.LastIndexByte(lower, '@'); at > 0 {
			if at >= 8 {
				list = append(list, needle{text: lower[:at], how: "its part before the @", aside: true})
			}
			if short := strings.ReplaceAll(lower[:at], ".", "") + lower[at:]; short != lower {
				list = append(list, needle{text: short, how: "without dots", endOnly: true})
			}
		}
		return list
	case user, device:
		list := []needle{{text: lower, how: "in clear", aside: true}}
		if plain := strings.ReplaceAll(lower, "-", ""); plain != lower && len(plain) >= 12 {
			list = append(list, needle{text: plain, how: "without dashes", aside: true})
		}
		return list
	case address:
		a, err := netip.ParseAddr(v)
		if err != nil || !a.Is4() {
			return []needle{{text: lower, how: "in clear", aside: true}}
		}
		b := a.As4()
		number := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
		return []needle{
			{text: lower, how: "in clear", aside: true},
			{text: strings.ReplaceAll(lower, ".", "-"), how: "as a host name", aside: true},
			{text: fmt.Sprintf("%d.%d.%d.%d.in-addr.arpa", b[3], b[2], b[1], b[0]), how: "as a reverse name"},
			{text: fmt.Sprintf("%03d.%03d.%03d.%03d", b[0], b[1], b[2], b[3]), how: "with zeroes", aside: true},
			{text: strconv.FormatUint(uint64(number), 10), how: "as one number", aside: true},
			{text: fmt.Sprintf("%08x", number), how: "in hexadecimal", aside: true},
			{text: fmt.Sprintf("%04x:%04x", number>>16, number&0xffff), how: "as IPv6", endOnly: true},
		}
	default: // phones are dialled, see dialled
		return nil
	}
}

// countries are the country codes that a phone number may begin with, for the
// national way to write it.
var countries = []string{"+1", "+33", "+34", "+44", "+49", "+39", "+31", "+43", "+41", "+46", "+48", "+91"}

// dialled are the digits by which a number may be written.
func dialled(v string) []string {
	digits := onlyDigits(v)
	list := []string{digits, "00" + digits, "011" + digits}
	for _, c := range countries {
		if national, ok := strings.CutPrefix(v, c); ok {
			list = append(list, onlyDigits(national), "0"+onlyDigits(national), digits[:len(c)-1]+"0"+onlyDigits(national))
			break
		}
	}
	return list
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

const (
	minDialled = 9 // shorter numbers are anything
	maxDialled = 16
)

func newHaystack(l *lists) *haystack {
	h := &haystack{byHead: map[uint64][]needle{}, digits: map[string]entry{}}
	for _, e := range l.all() {
		if e.kind == phone {
			for _, d := range dialled(l.value(e)) {
				if len(d) >= minDialled {
					h.digits[d] = e
				}
			}
			continue
		}
		for _, n := range spellings(e, l.value(e)) {
			if len(n.text) < minNeedle {
				continue
			}
			n.entry = e
			k := headOf(n.text)
			h.byHead[k] = append(h.byHead[k], n)
			bit := mix(k)
			h.filter[bit>>6&(1<<18-1)] |= 1 << (bit & 63)
		}
	}
	return h
}

// headOf is the first six bytes as a number.
func headOf(s string) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40
}

func mix(k uint64) uint64 { return (k * 0x9E3779B97F4A7C15) >> 40 }

// find calls hit for each needle in a text, which is in lower case. In a loose
// text a needle that is long enough may touch its neighbours.
func (h *haystack) find(s string, loose bool, hit func(e entry, how string)) {
	for i := 0; i+minNeedle <= len(s); i++ {
		k := headOf(s[i:])
		bit := mix(k)
		if h.filter[bit>>6&(1<<18-1)]&(1<<(bit&63)) == 0 {
			continue
		}
		for _, n := range h.byHead[k] {
			if strings.HasPrefix(s[i:], n.text) && (loose && len(n.text) >= 10 || n.stands(s, i)) {
				hit(n.entry, n.how)
			}
		}
	}
	h.dial(s, hit)
}

// stands tells whether a needle at i is not merely a part of something longer.
func (n *needle) stands(s string, i int) bool {
	end := i + len(n.text)
	right := end == len(s) || !alnum(s[end])
	if n.endOnly {
		return right && (i == 0 || !alnum(s[i-1]))
	}
	if !n.aside {
		return true
	}
	if n.entry.kind == address && (end+1 < len(s) && s[end] == '.' && digit(s[end+1]) || i > 1 && s[i-1] == '.' && digit(s[i-2])) {
		return false
	}
	return right && (i == 0 || !alnum(s[i-1]))
}

func alnum(c byte) bool { return digit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' }
func digit(c byte) bool { return '0' <= c && c <= '9' }

// dial looks at groups of digits between the separators that people use, and at
// all runs of neighbouring groups.
func (h *haystack) dial(s string, hit func(e entry, how string)) {
	for i := 0; i < len(s); i++ {
		if !digit(s[i]) || i > 0 && alnum(s[i-1]) {
			continue
		}
		var ends []int // where each group ends
		j := i
		for j < len(s) {
			k := j
			for k < len(s) && digit(s[k]) {
				k++
			}
			if k == j || k < len(s) && alnum(s[k]) {
				break
			}
			ends = append(ends, k)
			j = k
			for j < len(s) && j-k < 3 && strings.IndexByte(" ().-/", s[j]) >= 0 {
				j++
			}
			if j == k || len(ends) == 8 {
				break
			}
		}
		for _, end := range slices.Backward(ends) {
			d := s[i:end]
			if len(d) < minDialled {
				break
			}
			how := "in clear"
			if d = onlyDigits(d); len(d) != end-i {
				how = "in clear, with separators"
			}
			if len(d) < minDialled || len(d) > maxDialled {
				continue
			}
			if e, ok := h.digits[d]; ok {
				hit(e, how)
				break
			}
		}
	}
}
