package enrich

import (
	"math/bits"
	"strings"
)

// needles finds which rules are worth trying on a text. Each rule has literals
// of which at least one occurs in every text that it matches; needles looks for
// all literals of all rules in one pass, by the rarest three bytes of each.
//
// Running a thousand regular expressions takes a millisecond and a half; after
// this filter about twenty are left.
type needles struct {
	heads  [1 << 13]uint16 // by hash of three bytes: 1 + index of the first entry
	chain  []needle
	always ruleSet  // rules without literals
	short  []needle // literals of less than three bytes
}

type needle struct {
	text  string
	rules []uint16
	at    uint8 // where in text the three bytes are
	next  uint16
}

// maxRules is the room of a ruleSet; there are about 1200 agent rules.
const maxRules = 2048

// ruleSet is a set of rule numbers.
type ruleSet [maxRules / 64]uint64

func (s *ruleSet) add(rule int) { s[rule/64] |= 1 << (rule % 64) }

// next returns the smallest rule of the set that is at least from and less than
// end, or -1.
func (s *ruleSet) next(from, end int) int {
	for from < end {
		word := s[from/64] >> (from % 64)
		if word != 0 {
			if from += bits.TrailingZeros64(word); from < end {
				return from
			}
			return -1
		}
		from = (from/64 + 1) * 64
	}
	return -1
}

func hash3(a, b, c byte) uint32 {
	return ((uint32(a)<<16 | uint32(b)<<8 | uint32(c)) * 0x9E3779B1) >> (32 - 13)
}

// ordinary are pieces that most agents hold. A needle is filed under other
// bytes where it can be, so that ordinary agents seldom lead to a comparison.
const ordinary = "mozilla/5.0 (windows nt 10.0; win64; x64) applewebkit/537.36 (khtml, like gecko) chrome/ mobile safari/537.36 " +
	"(macintosh; intel mac os x 10_15_7) version/ (iphone; cpu iphone os 17_0 like mac os x) (linux; android 10; k) build/ gecko/20100101 firefox/"

// newNeedles files the literals of each rule; literals[i] belongs to rule i.
func newNeedles(literals [][]string) *needles {
	n := &needles{}
	owners := make(map[string][]uint16, len(literals))
	var order []string
	for rule, set := range literals {
		if len(set) == 0 {
			n.always.add(rule)
		}
		for _, text := range set {
			if owners[text] == nil {
				order = append(order, text)
			}
			owners[text] = append(owners[text], uint16(rule))
		}
	}
	var uses [1 << 13]uint16
	for i := range len(ordinary) - 2 {
		uses[hash3(ordinary[i], ordinary[i+1], ordinary[i+2])] += 50
	}
	for _, text := range order {
		entry := needle{text: text, rules: owners[text]}
		if len(text) < 3 {
			n.short = append(n.short, entry)
			continue
		}
		best := hash3(text[0], text[1], text[2])
		for i := 1; i < len(text)-2 && i < 256; i++ {
			if h := hash3(text[i], text[i+1], text[i+2]); uses[h] < uses[best] {
				best, entry.at = h, uint8(i)
			}
		}
		uses[best]++
		entry.next = n.heads[best]
		n.chain = append(n.chain, entry)
		n.heads[best] = uint16(len(n.chain))
	}
	return n
}

// find adds to found the rules that text, in lower case, may match.
func (n *needles) find(text string, found *ruleSet) {
	*found = n.always
	for i := range n.short {
		if strings.Contains(text, n.short[i].text) {
			for _, r := range n.short[i].rules {
				found.add(int(r))
			}
		}
	}
	for i := 0; i+2 < len(text); i++ {
		for at := n.heads[hash3(text[i], text[i+1], text[i+2])]; at != 0; {
			e := &n.chain[at-1]
			at = e.next
			if from := i - int(e.at); from >= 0 && strings.HasPrefix(text[from:], e.text) {
				for _, r := range e.rules {
					found.add(int(r))
				}
			}
		}
	}
}
