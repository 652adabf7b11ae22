package firehosetest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// prefix is a custom prefix with its expressions: !{timestamp:pattern},
// !{firehose:random-string} and !{firehose:error-output-type}.
type prefix struct {
	parts   []func(at time.Time, why string, rng *rand.Rand) string
	dynamic bool // it has expressions
	timed   bool // of which one is a timestamp
	saysWhy bool // or the type of error
}

func parsePrefix(text string) (*prefix, error) {
	p := &prefix{}
	fixed := func(s string) {
		p.parts = append(p.parts, func(time.Time, string, *rand.Rand) string { return s })
	}
	for {
		before, rest, found := strings.Cut(text, "!{")
		fixed(before)
		if !found {
			break
		}
		inner, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, fmt.Errorf("an expression of the prefix %q has no end", text)
		}
		p.dynamic = true
		if err := p.add(inner); err != nil {
			return nil, err
		}
		text = after
	}
	if !p.timed {
		// Without an expression for time Firehose appends its own folders.
		if err := p.add("timestamp:yyyy/MM/dd/HH/"); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *prefix) add(expression string) error {
	namespace, value, _ := strings.Cut(expression, ":")
	switch {
	case namespace == "timestamp":
		layout, err := javaLayout(value)
		if err != nil {
			return err
		}
		p.timed = true
		p.parts = append(p.parts, func(at time.Time, _ string, _ *rand.Rand) string { return at.UTC().Format(layout) })
	case expression == "firehose:random-string":
		p.parts = append(p.parts, func(_ time.Time, _ string, rng *rand.Rand) string { return random(rng, 11) })
	case expression == "firehose:error-output-type":
		p.saysWhy = true
		p.parts = append(p.parts, func(_ time.Time, why string, _ *rand.Rand) string { return why })
	default:
		return fmt.Errorf("the prefix has an unknown expression !{%s}", expression)
	}
	return nil
}

// expand says where an object goes whose oldest record arrived at the given time.
func (p *prefix) expand(at time.Time, why string, rng *rand.Rand) string {
	var b strings.Builder
	for _, part := range p.parts {
		b.WriteString(part(at, why, rng))
	}
	return b.String()
}

// javaLetters are the letters of Java's DateTimeFormatter that prefixes use, as Go
// says them.
var javaLetters = map[string]string{"yyyy": "2006", "YYYY": "2006", "yy": "06", "MM": "01", "dd": "02", "HH": "15", "mm": "04", "ss": "05"}

func javaLayout(pattern string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(pattern); {
		c := pattern[i]
		if c == '\'' {
			quoted, rest, closed := strings.Cut(pattern[i+1:], "'")
			if !closed {
				return "", fmt.Errorf("a quote of the pattern %q has no end", pattern)
			}
			b.WriteString(quoted)
			i = len(pattern) - len(rest)
			continue
		}
		n := i
		for n < len(pattern) && pattern[n] == c {
			n++
		}
		letters := pattern[i:n]
		switch word, known := javaLetters[letters]; {
		case known:
			b.WriteString(word)
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
			return "", fmt.Errorf("the pattern %q has the letters %s, which are not known here", pattern, letters)
		default:
			b.WriteString(letters)
		}
		i = n
	}
	return b.String(), nil
}

func random(rng *rand.Rand, n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[rng.IntN(len(letters))]
	}
	return string(b)
}
