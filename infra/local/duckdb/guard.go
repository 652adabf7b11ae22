package duckdb

import (
	"slices"
	"strings"

	"loch/shared/fault"
)

// The relations that a statement may read.
var relations = []string{"events", "events_raw", "profiles", "rejected"}

const (
	relationWords = "the relations events, events_raw, profiles and rejected"
	readOnlyWords = "only statements that read may be run: SELECT, WITH, VALUES, FROM, DESCRIBE, SUMMARIZE, SHOW TABLES and EXPLAIN, over " + relationWords
)

// guard walks the syntax tree that DuckDB's parser made of a statement and
// refuses all that it does not know to be harmless. What is not in one of its
// lists is refused, so that a new kind of node or function is out until somebody
// lets it in.
type guard struct {
	known functions
	uses  map[string]bool // the relations that the statement reads
}

// scope are the names of the common table expressions that are visible at a
// place.
type scope []string

// lower folds case as DuckDB does, in ASCII only. With Unicode's folding the
// name "pg_settİngs" would pass for a name of the statement's own, while DuckDB
// goes on to look for it elsewhere.
func lower(name string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, name)
}

func (s scope) has(name string) bool { return slices.Contains(s, lower(name)) }

// with copies, since siblings must not see each other's names.
func (s scope) with(name string) scope {
	return append(slices.Clip(s), lower(name))
}

// The kinds of node that are let in, by the name that DuckDB gives them.
var (
	expressions = set("BETWEEN CASE CAST COLLATE COLUMN_REF COMPARISON CONJUNCTION CONSTANT FUNCTION LAMBDA " +
		"OPERATOR POSITIONAL_REFERENCE STAR SUBQUERY WINDOW")
	nodes = set("SELECT_NODE SET_OPERATION_NODE RECURSIVE_CTE_NODE " + // queries
		"BASE_TABLE SUBQUERY JOIN TABLE_FUNCTION EXPRESSION_LIST EMPTY PIVOT SHOW_REF " + // what stands after FROM
		"ORDER_MODIFIER LIMIT_MODIFIER LIMIT_PERCENT_MODIFIER DISTINCT_MODIFIER " +
		// what orders are made of, and samples
		"ORDER_DEFAULT ASCENDING DESCENDING")
)

func set(words string) map[string]bool {
	m := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		m[word] = true
	}
	return m
}

// check walks any part of the tree.
func (g *guard) check(v any, s scope) error {
	switch v := v.(type) {
	case []any:
		for _, element := range v {
			if err := g.check(element, s); err != nil {
				return err
			}
		}
	case map[string]any:
		return g.node(v, s)
	}
	return nil
}

// node checks one node and then what is below it.
func (g *guard) node(n map[string]any, s scope) error {
	if class, ok := n["class"].(string); ok {
		return g.expression(n, class, s)
	}
	kind, _ := n["type"].(string)
	if strings.HasSuffix(kind, "_TYPE_INFO") || kind == "" {
		return g.below(n, s)
	}
	if !nodes[kind] {
		return forbidden("this kind of statement cannot be run here (" + strings.ToLower(kind) + "); " + readOnlyWords)
	}
	switch kind {
	case "BASE_TABLE":
		return g.table(n, s)
	case "TABLE_FUNCTION":
		return g.tableFunction(n, s)
	case "SHOW_REF":
		if show := n["show_type"]; show != "DESCRIBE" && show != "SUMMARY" {
			return forbidden("only SHOW TABLES, DESCRIBE and SUMMARIZE can be run here, and SHOW TABLES not inside another statement")
		}
		if n["query"] == nil {
			return forbidden(readOnlyWords)
		}
	case "RECURSIVE_CTE_NODE":
		return g.recursive(n, s)
	}
	s, err := g.ctes(n, s)
	if err != nil {
		return err
	}
	return g.below(n, s, "cte_map")
}

// below checks all that a node holds, but for the given members.
func (g *guard) below(n map[string]any, s scope, but ...string) error {
	for key, v := range n {
		if slices.Contains(but, key) {
			continue
		}
		if err := g.check(v, s); err != nil {
			return err
		}
	}
	return nil
}

// ctes checks the common table expressions of a query and returns the scope in
// which the rest of it stands. Each sees those before it.
func (g *guard) ctes(n map[string]any, s scope) (scope, error) {
	holder, _ := n["cte_map"].(map[string]any)
	list, _ := holder["map"].([]any)
	for _, element := range list {
		entry, _ := element.(map[string]any)
		name, _ := entry["key"].(string)
		// No name that DuckDB could ever take for a file.
		if name == "" || strings.ContainsAny(name, `./\:*?[]`) {
			return nil, forbidden("the name of a WITH query must be a plain name")
		}
		if err := g.check(entry["value"], s); err != nil {
			return nil, err
		}
		s = s.with(name)
	}
	return s, nil
}

// recursive checks the one query that sees itself, in its second part.
func (g *guard) recursive(n map[string]any, s scope) error {
	s, err := g.ctes(n, s)
	if err != nil {
		return err
	}
	if err := g.below(n, s, "cte_map", "right"); err != nil {
		return err
	}
	name, _ := n["cte_name"].(string)
	return g.check(n["right"], s.with(name))
}

// table checks a name that stands after FROM. DuckDB would take it for a file,
// if it looks like one and no table has it.
func (g *guard) table(n map[string]any, s scope) error {
	name, _ := n["table_name"].(string)
	if n["schema_name"] != "" || n["catalog_name"] != "" || n["at_clause"] != nil {
		return forbidden("a relation is named without a schema, catalogue or version; there are " + relationWords)
	}
	if !s.has(name) {
		name = lower(name)
		if !slices.Contains(relations, name) {
			return forbidden("there is no such relation; a statement may read " + relationWords + ", and its own WITH queries")
		}
		g.uses[name] = true
	}
	return g.below(n, s)
}

func (g *guard) tableFunction(n map[string]any, s scope) error {
	function, _ := n["function"].(map[string]any)
	name, _ := function["function_name"].(string)
	name = lower(name)
	if !tableFunctions[name] || !ownSchema(function) {
		return forbiddenFunction(name)
	}
	if err := g.below(function, s); err != nil {
		return err
	}
	return g.below(n, s, "function")
}

func (g *guard) expression(n map[string]any, class string, s scope) error {
	switch {
	case class == "PARAMETER":
		return fault.New(fault.Invalid, "a statement has no parameters; write the values into it")
	case !expressions[class]:
		return forbidden("this kind of expression cannot be used here (" + strings.ToLower(class) + ")")
	case class == "CONSTANT":
		return nil // data, not syntax
	case class == "FUNCTION", class == "WINDOW":
		name, _ := n["function_name"].(string)
		name = lower(name)
		if refused[name] != "" || !ownSchema(n) || n["export_state"] == true {
			return forbiddenFunction(name)
		}
		if !g.known[name] {
			// Let DuckDB say it, which knows names that are alike. It cannot
			// succeed: a test holds the lists to what DuckDB has.
			return fault.Newf(fault.Invalid, "there is no function of this name that may be used here")
		}
	}
	return g.below(n, s)
}

// ownSchema tells whether a function is asked for by its bare name, or in the
// schema that DuckDB's parser itself writes.
func ownSchema(n map[string]any) bool {
	schema, _ := n["schema"].(string)
	catalog, _ := n["catalog"].(string)
	return catalog == "" && (schema == "" || schema == "main")
}

func forbidden(words string) error { return fault.New(fault.Forbidden, words) }

func forbiddenFunction(name string) error {
	if why := refused[name]; why != "" {
		return forbidden("the function " + name + " " + why + " and cannot be used here")
	}
	return forbidden("this function cannot be used here; after FROM there are range, generate_series, unnest, json_each and json_tree")
}
