package report

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
)

// Number is a number of an answer, exact: counts, decimals and quotients of those.
// The zero Number is none, null in JSON.
type Number struct{ r *big.Rat }

// Count is a whole number.
func Count(n int64) Number { return Number{new(big.Rat).SetInt64(n)} }

// Rat is the number as a fraction, nil where there is none.
func (n Number) Rat() *big.Rat { return n.r }

// parseNumber reads a number as an engine writes it.
func parseNumber(text string) (Number, bool) {
	r, ok := new(big.Rat).SetString(text)
	return Number{r}, ok
}

// Quotient is a divided by b; none where one is missing, or b is 0.
func Quotient(a, b Number) Number {
	if a.r == nil || b.r == nil || b.r.Sign() == 0 {
		return Number{}
	}
	return Number{new(big.Rat).Quo(a.r, b.r)}
}

// Plus adds; none where one is missing.
func (n Number) Plus(o Number) Number {
	if n.r == nil || o.r == nil {
		return Number{}
	}
	return Number{new(big.Rat).Add(n.r, o.r)}
}

// decimals is up to where a number is written with all its digits.
const decimals = 10

// String writes a number with all its digits where there are few behind the
// point, else to the precision of a float64.
func (n Number) String() string {
	if n.r == nil {
		return "null"
	}
	if digits, exact := n.r.FloatPrec(); exact && digits <= decimals {
		text := n.r.FloatString(digits)
		if text == "-0" {
			return "0"
		}
		return text
	}
	f, _ := n.r.Float64()
	text := strconv.FormatFloat(f, 'g', -1, 64)
	return strings.Replace(text, "e+", "e", 1)
}

// MarshalJSON writes a JSON number, or null.
func (n Number) MarshalJSON() ([]byte, error) { return []byte(n.String()), nil }

// numberIn reads a value of a report.Result.
func numberIn(v any) (Number, bool) {
	switch v := v.(type) {
	case nil:
		return Number{}, true
	case json.Number:
		return parseNumber(string(v))
	case string: // Athena tells all values as text
		return parseNumber(v)
	}
	return Number{}, false
}
