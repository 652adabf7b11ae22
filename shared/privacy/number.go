package privacy

import "strings"

// group is a run of digits in a text.
type group struct{ start, end int }

func (g group) len() int { return g.end - g.start }

// mostGroups is how many groups of digits are looked at as one number.
const mostGroups = 24

// minDigits is how few digits an address has: 1.1.1.1. All else here has more.
const minDigits = 4

// mostRun is how far a run of digits and separators is followed.
const mostRun = 64

// numberAt looks at the run of digits and separators around i.
func (p *Policy) numberAt(text string, i, from int, name nameHint) (span, bool) {
	start, end := i, i
	for start > from && isInNumber[text[start-1]] && i-start < mostRun {
		start--
	}
	count, points := 0, 0
	for end = start; end < len(text) && isInNumber[text[end]] && end-start < 2*mostRun; end++ {
		switch c := text[end]; {
		case isDigit(c):
			count++
		case c == '.':
			points++
		}
	}
	if count < minPhone && (count < minDigits || points < 3) {
		if count >= minIBANRun && p.iban {
			return ibanAround(text, i, from)
		}
		return span{}, false
	}
	var buffer [mostGroups]group
	groups := buffer[:0]
	for j := start; j < end && len(groups) < mostGroups; j++ {
		if !isDigit(text[j]) {
			continue
		}
		g := group{j, j}
		for g.end < end && isDigit(text[g.end]) {
			g.end++
		}
		groups = append(groups, g)
		j = g.end
	}
	for k := range groups {
		if s, ok := p.numberFrom(text, groups[k:], k > 0 && groups[k-1].end+1 == groups[k].start, name); ok && s.start >= from {
			return s, true
		}
	}
	if count >= minIBANDigits && p.iban {
		if s, ok := ibanAround(text, i, from); ok {
			return s, true
		}
	}
	return span{}, false
}

// numberFrom asks the rules of numbers in the order of how sure they are. joined
// says that another group stands one separator before.
func (p *Policy) numberFrom(text string, g []group, joined bool, name nameHint) (span, bool) {
	if p.iban && g[0].len() >= 2 && g[0].start >= 2 {
		if s, ok := ibanFrom(text, g[0].start-2); ok {
			return s, true
		}
	}
	if p.ip && !joined && name != nameOfVersion {
		if end, value := address4(text, g); end > 0 {
			return span{g[0].start, end, Found{IP, value}}, true
		}
	}
	if p.card && !joined && !behindPlus(text, g[0].start) {
		if n, value := card(text, g, name); n > 0 {
			return span{g[0].start, g[n-1].end, Found{Card, value}}, true
		}
	}
	if p.phone && name != nameOfVersion {
		if start, n, value := phone(text, g, joined, name); n > 0 {
			return span{start, g[n-1].end, Found{Phone, value}}, true
		}
	}
	return span{}, false
}

// gap is what stands between two groups.
func gap(text string, a, b group) string { return text[a.end:b.start] }

// join returns the digits of groups.
func join(text string, g []group) string {
	var b strings.Builder
	for _, one := range g {
		b.WriteString(text[one.start:one.end])
	}
	return b.String()
}

// card finds a payment card at the first group: all its digits in one, or in the
// groups that are printed on cards.
func card(text string, g []group, name nameHint) (n int, value string) {
	whole := func(n int) bool {
		value = join(text, g[:n])
		return alone(text, g[0].start, g[n-1].end) && isCard(value)
	}
	// Digits in one are an order number more often than a card, so where the name
	// says that they are, they are.
	if l := g[0].len(); l >= 13 && l <= 19 {
		decimals := len(g) > 1 && gap(text, g[0], g[1]) == "."
		if name != nameOfNumber && !decimals && (g[0].start == 0 || text[g[0].start-1] != '.') && whole(1) {
			return 1, value
		}
		return 0, ""
	}
	for _, form := range [...][]int{{4, 4, 4, 4, 3}, {4, 4, 4, 4}, {4, 6, 5}, {4, 6, 4}} {
		if matches(text, g, form, " ", "-", ".") && whole(len(form)) {
			return len(form), value
		}
	}
	return 0, ""
}

// matches tells that groups have these lengths, with one and the same separator
// between all.
func matches(text string, g []group, form []int, separators ...string) bool {
	if len(g) < len(form) {
		return false
	}
	for k, n := range form {
		if g[k].len() != n {
			return false
		}
	}
	for _, s := range separators {
		same := true
		for k := 1; k < len(form); k++ {
			same = same && gap(text, g[k-1], g[k]) == s
		}
		if same {
			return true
		}
	}
	return false
}

// isCard checks the issuer's range and length, and the check digit.
func isCard(digits string) bool {
	two := digits[:2]
	n := len(digits)
	var known bool
	switch {
	case digits[0] == '4':
		// Of 13 digits there are many more articles than cards.
		known = n == 13 && !isArticle(digits) || n == 16 || n == 19
	case "51" <= two && two <= "55", "2221" <= digits[:4] && digits[:4] <= "2720":
		known = n == 16
	case two == "34" || two == "37":
		known = n == 15
	case two == "36" || two == "38" || two == "39", "300" <= digits[:3] && digits[:3] <= "305":
		known = n == 14
	case digits[:4] == "6011" || two == "65" || "644" <= digits[:3] && digits[:3] <= "649", two == "62", "3528" <= digits[:4] && digits[:4] <= "3589":
		known = n == 16 || n == 19
	case two == "60", two == "81", digits[:3] == "508", "2200" <= digits[:4] && digits[:4] <= "2204", maestro[digits[:4]]:
		known = n == 16 // RuPay, Mir, Maestro
	}
	return known && luhn(digits)
}

// maestro are the ranges in which most of these cards are.
var maestro = map[string]bool{
	"5018": true, "5020": true, "5038": true, "5893": true, "6304": true, "6759": true, "6761": true, "6762": true, "6763": true,
}

// isArticle checks the check digit of an article's number (GTIN-13).
func isArticle(digits string) bool {
	sum := 0
	for i := range len(digits) {
		sum += int(digits[len(digits)-1-i]-'0') * (1 + i%2*2)
	}
	return sum%10 == 0
}

func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
