package profiletest

import (
	"encoding/json"
	"fmt"
	"math/big"
	"sort"
	"strings"
)

// decode reads JSON with numbers as fractions.
func decode(value json.RawMessage) any {
	dec := json.NewDecoder(strings.NewReader(string(value)))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		panic("profiletest: " + err.Error())
	}
	return fractions(v)
}

func fractions(v any) any {
	switch v := v.(type) {
	case json.Number:
		r, ok := new(big.Rat).SetString(string(v))
		if !ok {
			panic("profiletest: not a number: " + string(v))
		}
		return r
	case []any:
		for i := range v {
			v[i] = fractions(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = fractions(v[name])
		}
	}
	return v
}

// show writes a decoded value so that equal values look alike.
func show(v any) string {
	switch v := v.(type) {
	case *big.Rat:
		return v.RatString()
	case string:
		return fmt.Sprintf("%q", v)
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = show(v[i])
		}
		return "[" + strings.Join(parts, " ") + "]"
	case map[string]any:
		var parts []string
		for name := range v {
			parts = append(parts, fmt.Sprintf("%q:%s", name, show(v[name])))
		}
		sort.Strings(parts)
		return "{" + strings.Join(parts, " ") + "}"
	}
	return fmt.Sprint(v)
}
