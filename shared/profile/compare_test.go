package profile

import (
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

func TestCompareNumbers(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		order int
	}{
		{"1", "1.0", 0}, {"10e-1", "1", 0}, {"-0", "0e7", 0}, {"0.1", "1e-1", 0},
		{"9007199254740993", "9007199254740992", 1}, {"9007199254740993.0", "9007199254740993.1", -1},
		{"12345678901234567890123", "12345678901234567890122", 1},
		{"-2", "-1", -1}, {"-1", "0", -1}, {"0", "-1", 1}, {"-1e400", "1e-400", -1}, {"1e400", "1e399", 1},
		{"999999999999999999", "-999999999999999999", 1}, {"12", "123", -1}, {"2", "123e-2", 1},
	} {
		if order, ok := CompareNumbers([]byte(c.a), []byte(c.b)); !ok || order != c.order {
			t.Errorf("%s and %s: %d %v, want %d", c.a, c.b, order, ok, c.order)
		}
		if order, ok := CompareNumbers([]byte(c.b), []byte(c.a)); !ok || order != -c.order {
			t.Errorf("%s and %s: %d %v, want %d", c.b, c.a, order, ok, -c.order)
		}
	}
	for _, c := range [][2]string{{"1", `"1"`}, {"true", "1"}, {"", "1"}, {"1e99999999999999999999", "1"}} {
		if _, ok := CompareNumbers([]byte(c[0]), []byte(c[1])); ok {
			t.Errorf("%s and %s are compared", c[0], c[1])
		}
	}
}

// The order is that of fractions, on numbers of every form.
func TestCompareNumbersAgainstFractions(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	number := func() string {
		s := strconv.Itoa(r.IntN(1200))
		if r.IntN(2) == 0 {
			s += "." + strings.Repeat("0", r.IntN(3)) + strconv.Itoa(r.IntN(30))
		}
		if r.IntN(3) == 0 {
			s += "e" + strconv.Itoa(r.IntN(9)-4)
		}
		if r.IntN(3) == 0 {
			s = "-" + s
		}
		return s
	}
	for range 50_000 {
		a, b := number(), number()
		x, _ := new(big.Rat).SetString(a)
		y, _ := new(big.Rat).SetString(b)
		if order, ok := CompareNumbers([]byte(a), []byte(b)); !ok || order != x.Cmp(y) {
			t.Fatalf("%s and %s: %d %v, want %d", a, b, order, ok, x.Cmp(y))
		}
	}
}
