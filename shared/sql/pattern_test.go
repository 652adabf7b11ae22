package sql

import (
	"regexp"
	"regexp/syntax"
	"testing"
)

// TestPatterns holds that what is written for RE2 means what was asked: Go's own
// engine reads the same notation. What is written for Java is told in full.
func TestPatterns(t *testing.T) {
	texts := []string{"", "a", "A", "ab", "b", "a\n", "\na", "a\nb", "é", "É", "1", "x1_", "x-", "aaa", "k", "K", "K", "s", "ſ", "[", `\`, "'", "€"}
	for _, c := range []struct{ pattern, java string }{
		{"a", `(?:a)`},
		{"^a$", `\A(?:a)\z`},
		{"(?m)^a$", `(?<![^\n])(?:a)(?![^\n])`},
		{"a.b", `(?:a)[^\n](?:b)`},
		{"(?s)a.b", `(?:a)(?:[^\n]|\n)(?:b)`},
		{"(?i)k", "(?:[KkK])"},
		{"(?i)s", "(?:[Ssſ])"},
		{"[^a-z]", ""},
		{`\d+`, `(?:[0-9])+`},
		{`\w{2,3}`, ""},
		{`\bx`, `(?:(?<=[0-9A-Za-z_])(?![0-9A-Za-z_])|(?<![0-9A-Za-z_])(?=[0-9A-Za-z_]))(?:x)`},
		{`\Bx`, ""},
		{"(a|b)?c*", ""},
		{`\[|\\|'`, `[\x27\x5B-\x5C]`},
		{"(?i)É", "(?:[\u00c9\u00e9])"},
		{"[^\\x00-\\x{10FFFF}]", "(?!)"},
		{"", "(?:)"},
		{`\p{Greek}|€`, ""},
	} {
		re, err := syntax.Parse(c.pattern, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		re = re.Simplify()
		if got := java(re); c.java != "" && got != c.java {
			t.Errorf("%s for Java: %s, want %s", c.pattern, got, c.java)
		}
		asked, written := regexp.MustCompile(c.pattern), regexp.MustCompile(re2(re))
		for _, text := range texts {
			if asked.MatchString(text) != written.MatchString(text) {
				t.Errorf("%s became %s, which is another on %q", c.pattern, re2(re), text)
			}
		}
	}
}
