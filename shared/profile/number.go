package profile

import (
	"bytes"
	"math/big"
	"strconv"
	"strings"
)

// Numbers are added as decimals, on their digits: a counter beyond 2^53 does
// not stick, and a balance does not become 0.30000000000000004.

// The bounds of exact addition. Any two float64 values fit.
const (
	maxNumberText = 1000 // digits as sent
	maxNumberGap  = 1000 // powers of ten between the two
)

// decimal is a number in its one shortest form, ± digits × 10^exp: digits has
// neither leading nor trailing zeros and is empty for zero.
type decimal struct {
	negative bool
	digits   string
	exp      int64
}

// parseDecimal reads a JSON number. It is false for other JSON, and for an
// exponent so long that no arithmetic can be done with it.
func parseDecimal(text []byte) (decimal, bool) {
	s := string(bytes.TrimSpace(text))
	var d decimal
	s, d.negative = strings.CutPrefix(s, "-")
	if s == "" || s[0] < '0' || s[0] > '9' {
		return decimal{}, false
	}
	mantissa, exponent := s, ""
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponent = s[:i], strings.TrimPrefix(s[i+1:], "+")
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if strings.Trim(digits, "0123456789") != "" {
		return decimal{}, false
	}
	d.digits = strings.TrimRight(digits, "0")
	if d.digits == "" {
		return decimal{}, true // zero, whatever its sign and exponent
	}
	if exponent != "" {
		e, err := strconv.ParseInt(exponent, 10, 64)
		if err != nil || e > 1<<60 || e < -1<<60 {
			return decimal{}, false
		}
		d.exp = e
	}
	d.exp += int64(len(digits)-len(d.digits)) - int64(len(fraction))
	return d, true
}

// add returns stored + operand. An absent trait counts as 0 and takes the
// operand over as it was sent.
func add(stored, operand []byte) (sum []byte, reason string) {
	switch {
	case HoldsSealed(operand) || HoldsSealed(stored):
		return nil, reasonSealedNumber
	case !isNumber(operand):
		return nil, reasonOperandNumber
	}
	if stored == nil {
		stored = []byte("0") // so that what could not be added to is not stored either
		if _, reason = add(stored, operand); reason != "" {
			return nil, reason
		}
		return bytes.TrimSpace(operand), ""
	}
	if !isNumber(stored) {
		return nil, reasonStoredNumber
	}
	if sum, ok := addSmall(stored, operand); ok {
		return sum, ""
	}
	if len(stored) > maxNumberText || len(operand) > maxNumberText {
		return nil, reasonNumberRange
	}
	a, okA := parseDecimal(stored)
	b, okB := parseDecimal(operand)
	switch {
	case !okA || !okB:
		return nil, reasonNumberRange
	case b.digits == "":
		return a.text(), ""
	case a.digits == "":
		return b.text(), ""
	}
	if gap := a.exp - b.exp; gap > maxNumberGap || gap < -maxNumberGap {
		return nil, reasonNumberRange
	}
	exp := min(a.exp, b.exp)
	total := new(big.Int).Add(a.scaled(exp), b.scaled(exp))
	out, _ := parseDecimal([]byte(total.String() + "e" + strconv.FormatInt(exp, 10)))
	return out.text(), ""
}

// addSmall is the usual case, a counter: both are plain integers of up to 18
// digits, whose sum fits an int64.
func addSmall(stored, operand []byte) ([]byte, bool) {
	if len(stored) > 18 || len(operand) > 18 {
		return nil, false
	}
	a, errA := strconv.ParseInt(string(stored), 10, 64)
	b, errB := strconv.ParseInt(string(operand), 10, 64)
	if errA != nil || errB != nil {
		return nil, false
	}
	return strconv.AppendInt(nil, a+b, 10), true
}

func isNumber(value []byte) bool {
	v := bytes.TrimSpace(value)
	return len(v) > 0 && (v[0] == '-' || v[0] >= '0' && v[0] <= '9')
}

// scaled returns the number as a count of 10^exp, which must not be above its
// own.
func (d decimal) scaled(exp int64) *big.Int {
	n, _ := new(big.Int).SetString(d.digits, 10)
	n.Mul(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(d.exp-exp), nil))
	if d.negative {
		n.Neg(n)
	}
	return n
}

// text writes the number in full where that takes few zeros, and with an
// exponent elsewhere: 1e300 + 1e300 is not worth 300 of them.
func (d decimal) text() []byte {
	if d.digits == "" {
		return []byte("0")
	}
	var b []byte
	if d.negative {
		b = append(b, '-')
	}
	n := int64(len(d.digits))
	point := n + d.exp // digits before the decimal point
	switch {
	case d.exp >= 0 && d.exp <= 40:
		b = append(b, d.digits...)
		return append(b, strings.Repeat("0", int(d.exp))...)
	case d.exp < 0 && point > 0:
		b = append(b, d.digits[:point]...)
		b = append(b, '.')
		return append(b, d.digits[point:]...)
	case d.exp < 0 && point > -6:
		b = append(b, "0."...)
		b = append(b, strings.Repeat("0", int(-point))...)
		return append(b, d.digits...)
	}
	b = append(b, d.digits[0])
	if n > 1 {
		b = append(b, '.')
		b = append(b, d.digits[1:]...)
	}
	b = append(b, 'e')
	return strconv.AppendInt(b, point-1, 10)
}

// NormalNumber writes a JSON number the way a sum is written: the one spelling that
// adding nothing to a number gives it. It is false for other JSON, and for an
// exponent that nothing can be done with. Stores that keep numbers as numbers tell
// by it which ones come back as they were sent.
func NormalNumber(text []byte) (normal []byte, ok bool) {
	d, ok := parseDecimal(text)
	if !ok {
		return nil, false
	}
	return d.text(), true
}
