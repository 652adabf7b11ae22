package reporttest

import (
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"strings"
)

// decode reads JSON, numbers as json.Number.
func decode(text string) (v any) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		panic(fmt.Sprintf("%v: %s", err, text))
	}
	return v
}

// object is a JSON object as oracles write it. Numbers are *big.Rat (nil for
// null), int or int64.
type object = map[string]any

// plain makes what an oracle wrote maps, lists, texts, booleans and *big.Rat.
func plain(v any) any {
	switch v := v.(type) {
	case nil, string, bool:
		return v
	case int:
		return new(big.Rat).SetInt64(int64(v))
	case int64:
		return new(big.Rat).SetInt64(v)
	case *big.Rat:
		if v == nil {
			return nil
		}
		return v
	case object:
		out := object{}
		for k, below := range v {
			out[k] = plain(below)
		}
		return out
	}
	list := reflect.ValueOf(v)
	if list.Kind() != reflect.Slice {
		panic(fmt.Sprintf("an oracle answered with a %T", v))
	}
	out := make([]any, list.Len())
	for i := range out {
		out[i] = plain(list.Index(i).Interface())
	}
	return out
}

// differ finds the first place where two answers are not the same. A number is the
// oracle's exactly, or where its digits do not end, the float64 nearest to it.
func differ(got, want any, place string) (at, how string) {
	switch want := want.(type) {
	case *big.Rat:
		number, ok := got.(json.Number)
		if !ok {
			return place, fmt.Sprintf("got %v, want %s", got, want.RatString())
		}
		r, ok := new(big.Rat).SetString(string(number))
		if ok && r.Cmp(want) == 0 {
			return "", ""
		}
		f, _ := want.Float64()
		if g, err := number.Float64(); err == nil && g == f && !want.IsInt() {
			return "", ""
		}
		return place, fmt.Sprintf("got %s, want %s", number, want.RatString())
	case object:
		m, ok := got.(object)
		if !ok || len(m) != len(want) {
			return place, fmt.Sprintf("got %v, want %v", got, want)
		}
		for k := range want {
			if at, how := differ(m[k], want[k], place+"."+k); how != "" {
				return at, how
			}
		}
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			return place, fmt.Sprintf("got %v, want %v", got, want)
		}
		for i := range want {
			if at, how := differ(list[i], want[i], fmt.Sprintf("%s[%d]", place, i)); how != "" {
				return at, how
			}
		}
	default:
		if got != want {
			return place, fmt.Sprintf("got %v, want %v", got, want)
		}
	}
	return "", ""
}
