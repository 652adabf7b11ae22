package privacy

import "strings"

// Digits alone are no phone number: most of them are something else. What makes
// one is a form that people give to phone numbers and to little besides, or a
// name that says so.
const (
	minPhone, maxPhone = 7, 15 // digits, ITU-T E.164
	minWithPlus        = 8
)

// phone finds a phone number at the first group.
func phone(text string, g []group, joined bool, name nameHint) (start, n int, value string) {
	start = g[0].start
	if name == nameOfPhone && !joined {
		if n := take(text, g, maxPhone); n > 0 && digitsOf(g[:n]) >= minPhone {
			start, plus := plusBefore(text, g[0].start)
			return start, n, plus + join(text, g[:n])
		}
		return 0, 0, ""
	}
	if at, plus := plusBefore(text, start); plus != "" && (at == 0 || !inWord(text[at-1])) {
		if n = takeInternational(text, g); n > 0 && endsAlone(text, g[n-1].end) {
			return at, n, plus + join(text, g[:n])
		}
		return 0, 0, ""
	}
	if joined || start > 0 && inWord(text[start-1]) {
		return 0, 0, ""
	}
	if n = american(text, g); n == 0 {
		n = national(text, g)
	}
	if n == 0 && name != nameOfNumber {
		n = dialledAbroad(text, g)
	}
	if n == 0 {
		n = withoutTrunk(text, g)
	}
	if n == 0 || !endsAlone(text, g[n-1].end) {
		return 0, 0, ""
	}
	if start > 0 && text[start-1] == '(' {
		start--
	}
	return start, n, join(text, g[:n])
}

func endsAlone(text string, end int) bool {
	return end == len(text) || !inWord(text[end]) && !(text[end] == '.' && end+1 < len(text) && isDigit(text[end+1]))
}

func digitsOf(g []group) (n int) {
	for _, one := range g {
		n += one.len()
	}
	return n
}

// plusBefore finds a plus before a group: "+46", "+ (46", "(+46", or encoded.
func plusBefore(text string, start int) (at int, plus string) {
	at = start
	if at > 0 && text[at-1] == '(' {
		at--
	}
	if at > 0 && text[at-1] == ' ' {
		at--
	}
	if at > 0 && text[at-1] == '+' {
		return at - 1, "+"
	}
	if start >= 3 && strings.EqualFold(text[start-3:start], "%2B") {
		return start - 3, "+"
	}
	return start, ""
}

// behindPlus tells a number that begins with a plus: a phone, whatever its last
// digit makes of it.
func behindPlus(text string, start int) bool {
	_, plus := plusBefore(text, start)
	return plus != ""
}

// ordinaryGap are what people put between the digits of a phone number.
var ordinaryGap = map[string]bool{
	" ": true, "-": true, ".": true, "/": true, ")": true, ") ": true, " (": true, ")-": true, "(": true, " - ": true, " / ": true,
}

// take is how many groups belong together, of at most so many digits.
func take(text string, g []group, most int) (n int) {
	total := 0
	for n < len(g) && (n == 0 || ordinaryGap[gap(text, g[n-1], g[n])]) && total+g[n].len() <= most {
		total += g[n].len()
		n++
	}
	return n
}

// takeInternational is take for what follows a plus. A number in one group ends
// there; one with a single point is a decimal.
func takeInternational(text string, g []group) int {
	if g[0].len() >= 10 && g[0].len() <= maxPhone && text[g[0].start] != '0' {
		return 1
	}
	n := take(text, g, maxPhone)
	if n == 0 || text[g[0].start] == '0' || digitsOf(g[:n]) < minWithPlus {
		return 0
	}
	if n == 2 && gap(text, g[0], g[1]) == "." {
		return 0
	}
	return n
}

// american finds 3-3-4 digits whose area and exchange begin with 2 to 9 (North
// American Numbering Plan), with or without a 1 before.
func american(text string, g []group) int {
	skip := 0
	if len(g) > 3 && g[0].len() == 1 && text[g[0].start] == '1' && ordinaryGap[gap(text, g[0], g[1])] {
		skip = 1
	}
	if len(g) < skip+3 {
		return 0
	}
	a, b, c := g[skip], g[skip+1], g[skip+2]
	if a.len() != 3 || b.len() != 3 || c.len() != 4 || text[a.start] < '2' || text[b.start] < '2' {
		return 0
	}
	before, after := gap(text, a, b), gap(text, b, c)
	switch {
	case before == after && (before == "-" || before == "." || before == " "):
	case (before == ") " || before == ")" || before == ")-") && (after == "-" || after == " " || after == "."):
	default:
		return 0
	}
	// More groups make it something longer, such as a serial number.
	if n := skip + 3; len(g) > n && gap(text, g[n-1], g[n]) == before {
		return 0
	}
	return skip + 3
}

// dialledAbroad finds a number in one group behind the prefix 00 (ITU-T E.123):
// 004915112345678. What is filled up with zeros has three of them, or fewer digits.
func dialledAbroad(text string, g []group) int {
	digits := text[g[0].start:g[0].end]
	if len(digits) < 12 || len(digits) > maxPhone+2 || digits[0] != '0' || digits[1] != '0' || digits[2] == '0' {
		return 0
	}
	// Two countries have one length only: +1 with an area from 2, and +7.
	if digits[2] == '1' && (len(digits) != 13 || digits[3] < '2') || digits[2] == '7' && len(digits) != 13 {
		return 0
	}
	if len(g) > 1 && ordinaryGap[gap(text, g[0], g[1])] {
		return 0
	}
	return 1
}

// national finds numbers with a trunk zero in groups (020 7946 0958, 06 12 34 56
// 78, 0171-1234567), and those that dial abroad with 00.
func national(text string, g []group) int {
	if text[g[0].start] != '0' || g[0].len() < 2 || len(g) < 2 {
		return 0
	}
	abroad := g[0].len() >= 3 && text[g[0].start+1] == '0' && text[g[0].start+2] != '0'
	least, most := 9, 11
	if text[g[0].start+1] == '1' && g[0].len() >= 4 {
		most = 12 // a German mobile phone
	}
	switch {
	case abroad:
		least, most = 10, maxPhone+2
	case matches(text, g, []int{2, 2, 2, 2, 2}, "."): // as in France; other numbers with points are versions and dates
		return 5
	case matches(text, g, []int{6, 5}, " "): // an Indian mobile phone
	case text[g[0].start+1] == '0' || g[0].len() > 5:
		return 0
	}
	n := take(text, g, most)
	for k := 1; k < n; k++ {
		// Behind a country's code, 6 and 1 are areas.
		if g[k].len() < 2 && !(abroad && k == 1) || gap(text, g[k-1], g[k]) == "." {
			return 0
		}
	}
	// An American postal code, 02664-1656, and a part's number, 010-02063-00.
	if n == 2 && matches(text, g, []int{5, 4}, "-") || n == 3 && g[2].len() == 2 && gap(text, g[0], g[1]) == "-" && gap(text, g[1], g[2]) == "-" {
		return 0
	}
	// A date in the middle: 01/02/2024 03.
	if n >= 3 && g[0].len() == 2 && g[1].len() == 2 && g[2].len() == 4 {
		return 0
	}
	if n < 2 || digitsOf(g[:n]) < least || n < len(g) && ordinaryGap[gap(text, g[n-1], g[n])] {
		return 0
	}
	return n
}

// withoutTrunk finds numbers of countries that dial no zero in the groups that
// little else has: Spain's (612 34 56 78, 91 123 45 67), Italy's mobile phones
// (347 1234567) and India's (98765 43210). Three groups of three are left out,
// since prices have them.
func withoutTrunk(text string, g []group) int {
	first := text[g[0].start]
	n := 0
	switch {
	case first >= '6' && matches(text, g, []int{3, 2, 2, 2}, " "), first >= '8' && matches(text, g, []int{2, 3, 2, 2}, " "):
		n = 4
	case first >= '6' && matches(text, g, []int{5, 5}, " "), first == '3' && matches(text, g, []int{3, 7}, " "):
		n = 2
	}
	if n == 0 || n < len(g) && ordinaryGap[gap(text, g[n-1], g[n])] {
		return 0
	}
	return n
}
