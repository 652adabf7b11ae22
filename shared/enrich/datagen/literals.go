package main

import (
	"regexp/syntax"
	"slices"
	"strings"
)

// Limits of the analysis: more strings or longer ones would not make the filter
// sharper.
const (
	maxStrings = 48
	maxLength  = 24
)

// language is what the analysis knows about the strings that an expression
// matches, all in lower case.
type language struct {
	exact []string // every string it matches, when those are few; else nil
	need  []string // each match contains at least one of these; nil when nothing is known
}

// requiredLiterals returns strings in lower case of which at least one occurs in
// every text that the expression matches. A matcher that finds none of them need
// not run the expression. Nil means that the expression has no such strings.
func requiredLiterals(expr string) ([]string, error) {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil, err
	}
	l := analyse(re.Simplify())
	need := better(l.exact, l.need)
	if score(need) == 0 {
		return nil, nil
	}
	slices.Sort(need)
	need = slices.Compact(need)
	// "abc" makes "abcd" needless.
	return slices.DeleteFunc(slices.Clone(need), func(s string) bool {
		return slices.ContainsFunc(need, func(t string) bool { return t != s && strings.Contains(s, t) })
	}), nil
}

func analyse(re *syntax.Regexp) language {
	switch re.Op {
	case syntax.OpLiteral:
		return language{exact: []string{lower(string(re.Rune))}}
	case syntax.OpCharClass:
		return language{exact: classStrings(re.Rune)}
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return language{exact: []string{""}}
	case syntax.OpCapture:
		return analyse(re.Sub[0])
	case syntax.OpQuest:
		sub := analyse(re.Sub[0])
		if sub.exact != nil && len(sub.exact) < maxStrings {
			return language{exact: append(slices.Clone(sub.exact), "")}
		}
		return language{}
	case syntax.OpPlus:
		sub := analyse(re.Sub[0])
		return language{need: better(sub.exact, sub.need)}
	case syntax.OpRepeat:
		if re.Min == 0 {
			return language{}
		}
		sub := analyse(re.Sub[0])
		return language{need: better(sub.exact, sub.need)}
	case syntax.OpAlternate:
		return alternate(re.Sub)
	case syntax.OpConcat:
		return concat(re.Sub)
	default: // any character, star
		return language{}
	}
}

func classStrings(ranges []rune) []string {
	var out []string
	for i := 0; i < len(ranges); i += 2 {
		if ranges[i+1]-ranges[i] > 10 {
			return nil
		}
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			if r < ' ' {
				continue // the matcher turns control characters into spaces
			}
			out = append(out, lower(string(r)))
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	if len(out) > 10 {
		return nil
	}
	return out
}

func alternate(subs []*syntax.Regexp) language {
	var exact, need []string
	isExact, isNeeded := true, true
	for _, s := range subs {
		l := analyse(s)
		isExact = isExact && l.exact != nil
		n := better(l.exact, l.need)
		isNeeded = isNeeded && n != nil
		exact = append(exact, l.exact...)
		need = append(need, n...)
	}
	switch {
	case isExact && len(exact) <= maxStrings:
		return language{exact: exact}
	case isNeeded && len(need) <= 4*maxStrings:
		return language{need: need}
	}
	return language{}
}

// concat multiplies neighbours whose strings are all known into longer strings,
// and keeps the sharpest run.
func concat(subs []*syntax.Regexp) language {
	run := []string{""}
	var need []string
	whole := true
	for _, s := range subs {
		l := analyse(s)
		if l.exact == nil {
			whole = false
			need = better(need, better(run, l.need))
			run = []string{""}
			continue
		}
		next := product(run, l.exact)
		if next == nil {
			whole = false
			need = better(need, run)
			next = slices.Clone(l.exact)
		}
		run = next
	}
	if whole {
		return language{exact: run}
	}
	return language{need: better(need, run)}
}

func product(a, b []string) []string {
	if len(a)*len(b) > maxStrings {
		return nil
	}
	var out []string
	for _, x := range a {
		for _, y := range b {
			if len(x)+len(y) > maxLength {
				return nil
			}
			out = append(out, x+y)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// common are words that nearly every browser's agent holds: true of any match,
// and useless to tell rules apart.
const common = "mozilla/5.0 (windows nt 10.0; win64; x64) (linux; android ; k) (macintosh; intel mac os x applewebkit/537.36 (khtml, like gecko) chrome/ mobile safari/537.36 iphone; cpu iphone os like mac os x) version/"

// score says how sharp a set of literals is: 0 when useless.
func score(set []string) int {
	if len(set) == 0 {
		return 0
	}
	worst := 1 << 20
	for _, s := range set {
		v := 10 * len(s)
		if len(s) < 2 {
			v = 0
		} else if strings.Contains(common, s) {
			v = 1 + len(s)
		}
		worst = min(worst, v)
	}
	if worst == 0 {
		return 0
	}
	return max(1, worst-len(set)/8)
}

// lower maps ASCII only, as the matcher does.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

func better(a, b []string) []string {
	if score(b) > score(a) {
		return b
	}
	if score(a) == 0 {
		return nil
	}
	return a
}
