package e2e

import (
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"testing"
)

// canonical writes a JSON value in one way only: members sorted, numbers as
// exact fractions, so that two texts are equal if and only if they mean the
// same. It is written apart from the product, which has its own.
func canonical(v any) string {
	var b strings.Builder
	writeCanonical(&b, v)
	return b.String()
}

func writeCanonical(b *strings.Builder, v any) {
	switch v := v.(type) {
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		b.WriteByte('{')
		for i, name := range names {
			if i > 0 {
				b.WriteByte(',')
			}
			writeCanonical(b, name)
			b.WriteByte(':')
			writeCanonical(b, v[name])
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			writeCanonical(b, item)
		}
		b.WriteByte(']')
	case json.Number:
		exact, ok := new(big.Rat).SetString(v.String())
		if !ok {
			b.WriteString("not a number: " + v.String())
			return
		}
		b.WriteString(exact.RatString())
	default:
		text, err := json.Marshal(v)
		if err != nil {
			b.WriteString("not JSON: " + err.Error())
			return
		}
		b.Write(text)
	}
}

func TestCanonical(t *testing.T) {
	parse := func(text string) (v any) { decode(t, []byte(text), &v); return v }
	same := [][2]string{
		{`{"a":1,"b":[1.50,"x"]}`, `{ "b":[15e-1,"\u0078"], "a":1.0 }`},
		{`123456789012345678901234567890`, `1.2345678901234567890123456789e29`},
	}
	for _, p := range same {
		if a, b := canonical(parse(p[0])), canonical(parse(p[1])); a != b {
			t.Errorf("%s and %s are equal, but %s and %s are not", p[0], p[1], a, b)
		}
	}
	different := [][2]string{
		{`9007199254740993`, `9007199254740992`}, {`"1"`, `1`}, {`null`, `false`}, {`[1,2]`, `[2,1]`}, {`{"a":null}`, `{}`},
	}
	for _, p := range different {
		if a, b := canonical(parse(p[0])), canonical(parse(p[1])); a == b {
			t.Errorf("%s and %s are different, but both are %s", p[0], p[1], a)
		}
	}
}
