package dynamotest

import (
	"bytes"
	"encoding/base64"
	"math/big"
	"slices"
	"strings"
)

// item is one item, its values as the protocol writes them: {"S": "text"}. Values are
// never changed in place.
type item map[string]value

type value map[string]any

// kind is a value's type and what it holds.
func (v value) kind() (string, any) {
	for k, x := range v {
		return k, x
	}
	return "", nil
}

// bytes are those of a text or a binary value.
func (v value) bytes(kind string) ([]byte, bool) {
	text, ok := v[kind].(string)
	switch {
	case !ok:
		return nil, false
	case kind == "S":
		return []byte(text), true
	case kind == "B":
		b, err := base64.StdEncoding.DecodeString(text)
		return b, err == nil
	}
	return nil, false
}

// members are those of a set, as the protocol writes them.
func (v value) members() (kind string, list []string, ok bool) {
	for _, kind := range []string{"SS", "NS", "BS"} {
		raw, is := v[kind].([]any)
		if !is {
			continue
		}
		for _, m := range raw {
			text, is := m.(string)
			if !is {
				return "", nil, false
			}
			list = append(list, text)
		}
		return kind, list, true
	}
	return "", nil, false
}

func setOf(kind string, list []string) value {
	raw := make([]any, len(list))
	for i, m := range list {
		raw[i] = m
	}
	return value{kind: raw}
}

func (v value) number() (*big.Rat, bool) {
	text, ok := v["N"].(string)
	if !ok {
		return nil, false
	}
	return new(big.Rat).SetString(text)
}

// numberOf writes a number without an exponent and without zeros at its end.
func numberOf(r *big.Rat) value {
	const digits = 38
	text := r.FloatString(digits)
	return value{"N": strings.TrimSuffix(strings.TrimRight(text, "0"), ".")}
}

// equal says whether two values are the same; sets have no order.
func equal(a, b value) bool {
	if x, ok := a.number(); ok {
		y, ok := b.number()
		return ok && x.Cmp(y) == 0
	}
	if kind, x, ok := a.members(); ok {
		other, y, ok := b.members()
		slices.Sort(x)
		slices.Sort(y)
		return ok && kind == other && slices.Equal(x, y)
	}
	kind, x := a.kind()
	if list, ok := x.([]any); ok {
		other, ok := b[kind].([]any)
		return ok && len(list) == len(other) && !slices.ContainsFunc(indexes(list), func(i int) bool {
			return !equal(asValue(list[i]), asValue(other[i]))
		})
	}
	return b[kind] != nil && b[kind] == x
}

func indexes(list []any) []int {
	n := make([]int, len(list))
	for i := range n {
		n[i] = i
	}
	return n
}

func asValue(x any) value {
	m, _ := x.(map[string]any)
	return m
}

// compare orders two values of one type. Others have no order.
func compare(a, b value) (order int, ok bool) {
	if x, is := a.number(); is {
		y, is := b.number()
		if !is {
			return 0, false
		}
		return x.Cmp(y), true
	}
	for _, kind := range []string{"S", "B"} {
		x, isX := a.bytes(kind)
		y, isY := b.bytes(kind)
		if isX && isY {
			return bytes.Compare(x, y), true
		}
	}
	return 0, false
}

// size is how many bytes AWS counts: "Item sizes and formats" in the developer guide.
func (v value) size() (n int) {
	kind, x := v.kind()
	switch kind {
	case "S":
		return len(x.(string))
	case "N":
		return (len(strings.Trim(x.(string), "-.0"))+1)/2 + 1
	case "B":
		return base64Len(x.(string))
	case "SS", "NS", "BS":
		for _, m := range x.([]any) {
			switch text := m.(string); kind {
			case "SS":
				n += len(text)
			case "NS":
				n += value{"N": text}.size()
			default:
				n += base64Len(text)
			}
		}
		return n
	case "L":
		for _, m := range x.([]any) {
			n += 1 + asValue(m).size()
		}
		return n + 3
	case "M":
		for name, m := range x.(map[string]any) {
			n += 1 + len(name) + asValue(m).size()
		}
		return n + 3
	}
	return 1 // BOOL, NULL
}

func base64Len(text string) int {
	return len(text)/4*3 - (len(text) - len(strings.TrimRight(text, "=")))
}

func (i item) size() (n int) {
	for name, v := range i {
		n += len(name) + v.size()
	}
	return n
}

// writeUnits are a write request unit for each started kilobyte of the larger of what
// was and what is.
func writeUnits(before, after item) float64 {
	return float64(max(1, (max(before.size(), after.size())+1023)/1024))
}

// readUnits are a read request unit for each started 4 KB, half if the read may be late.
func readUnits(bytes int, consistent bool) float64 {
	n := float64(max(1, (bytes+4095)/4096))
	if !consistent {
		n /= 2
	}
	return n
}
