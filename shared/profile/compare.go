package profile

import (
	"strconv"
	"strings"
)

// CompareNumbers orders two JSON numbers by value, on their digits: 0.1 is 1e-1,
// and beyond 2^53 two neighbours are still two. It is false where one of them is
// no number, or has an exponent that nothing can be done with.
func CompareNumbers(a, b []byte) (order int, ok bool) {
	if x, y, small := smallNumbers(a, b); small {
		return int(min(1, max(-1, x-y))), true
	}
	x, okX := parseDecimal(a)
	y, okY := parseDecimal(b)
	if !okX || !okY {
		return 0, false
	}
	return x.compare(y), true
}

// smallNumbers reads plain integers of up to 18 digits, which most numbers are.
func smallNumbers(a, b []byte) (x, y int64, ok bool) {
	if len(a) > 18 || len(b) > 18 {
		return 0, 0, false
	}
	x, errX := strconv.ParseInt(string(a), 10, 64)
	y, errY := strconv.ParseInt(string(b), 10, 64)
	return x, y, errX == nil && errY == nil
}

func (d decimal) compare(o decimal) int {
	if s, t := d.sign(), o.sign(); s != t || s == 0 {
		return min(1, max(-1, s-t))
	}
	order := d.size(o)
	if d.negative {
		return -order
	}
	return order
}

func (d decimal) sign() int {
	switch {
	case d.digits == "":
		return 0
	case d.negative:
		return -1
	}
	return 1
}

// size compares two numbers that are not zero without their signs: by where the
// decimal point stands, then digit by digit. Neither has zeros at its ends.
func (d decimal) size(o decimal) int {
	switch p, q := int64(len(d.digits))+d.exp, int64(len(o.digits))+o.exp; {
	case p < q:
		return -1
	case p > q:
		return 1
	}
	return strings.Compare(d.digits, o.digits)
}
