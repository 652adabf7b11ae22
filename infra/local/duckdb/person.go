package duckdb

import "strings"

// personColumn is what events has beyond the stored columns.
const personColumn = "person_id"

// mayNamePerson tells whether a statement could see the column person_id of
// events. To resolve it means to go through all links of a project's devices,
// which costs more than most statements, so it is done for those only that ask.
//
// A statement can see a column by its name, and by everything that stands for
// all columns: a star, a whole row, a natural join, a pivot, DESCRIBE. When none
// of this is there the view is made without the column, so that a way to see it
// that is forgotten here ends in an error and not in a wrong answer.
func mayNamePerson(body string, tree any) bool {
	if strings.Contains(strings.ToLower(body), personColumn) {
		return true
	}
	rows := map[string]bool{}
	eachNode(tree, func(n map[string]any) {
		if name, ok := n["table_name"].(string); ok {
			rows[strings.ToLower(name)] = true
		}
		if alias, ok := n["alias"].(string); ok && alias != "" {
			rows[strings.ToLower(alias)] = true
		}
	})
	found := false
	eachNode(tree, func(n map[string]any) {
		switch {
		case n["class"] == "STAR", n["type"] == "PIVOT", n["type"] == "SHOW_REF", n["ref_type"] == "NATURAL":
			found = true
		case n["class"] == "COLUMN_REF":
			// e in SELECT e FROM events e is all of e.
			names, _ := n["column_names"].([]any)
			if len(names) == 1 {
				name, _ := names[0].(string)
				found = found || rows[strings.ToLower(name)]
			}
		}
	})
	return found
}

// eachNode calls fn with every object in a tree.
func eachNode(v any, fn func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		fn(v)
		for _, below := range v {
			eachNode(below, fn)
		}
	case []any:
		for _, below := range v {
			eachNode(below, fn)
		}
	}
}
