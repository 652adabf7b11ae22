package main

import (
	"encoding/json"
	"strconv"
	"strings"
)

// addJSON keeps each name and value of a JSON text by its path, so that the same
// value in a thousand rows is looked at once. The text as a whole is kept to be
// searched as it is, should it not be what it seems.
func (e *evidence) addJSON(where, s, who string) {
	e.add(where, s, who, true)
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		e.add(where, s, who, false)
		return
	}
	e.addLeaves(where, v, who, 0)
}

const maxDepth = 64

func (e *evidence) addLeaves(where string, v any, who string, depth int) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			e.add(where+" (a name)", name, who, false)
			path := where + "." + name
			if len(path) > 80 || depth > maxDepth {
				path = where
			}
			e.addLeaves(path, inner, who, depth+1)
		}
	case []any:
		for _, inner := range v {
			e.addLeaves(where, inner, who, depth+1)
		}
	case string:
		e.add(where, v, who, false)
	case json.Number:
		e.add(where, string(v), who, false)
		// 4.91512345678e12 is a number as well.
		if f, err := v.Float64(); err == nil && strings.ContainsAny(string(v), "eE.") {
			e.add(where, strconv.FormatFloat(f, 'f', -1, 64), who, false)
		}
	}
}
