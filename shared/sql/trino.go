package sql

import (
	"regexp/syntax"
	"strings"
)

// Trino is the dialect of Trino 435, which Athena's engine 3 shares: only what
// both have is written. Functions as in Trino's documentation, "JSON functions
// and operators", "Date and time functions", "Regular expression functions".
var Trino Dialect = trino{}

type trino struct{}

func (trino) Name() string { return "trino" }

// NumbersPay: numbering all rows of a table is done on one machine of many, and what
// is named twice in a statement is read twice.
func (trino) NumbersPay() bool { return false }

func (trino) KeepsQueries() bool { return false }

func (trino) FollowsAttempts() bool { return false }

func (trino) Millis(timestamp Expr) Expr {
	return E("date_diff('millisecond', TIMESTAMP '1970-01-01 00:00:00.000', ?)", timestamp)
}

func (trino) Day(days Expr) Expr { return E("date_add('day', ?, DATE '1970-01-01')", days) }

func (trino) Div(a, b Expr) Expr { return E("(? / ?)", a, b) }

// JSONAt asks by names in brackets. A name of digits would be a place where there
// is an array, so the value that it is asked of must be an object.
//
// Trino reads a number with a point or an exponent as DOUBLE when it takes it out as
// JSON: digits are lost, and what is beyond becomes a text, "Infinity". So of a number,
// and of that, the text is taken as it stands in the document.
func (d trino) JSONAt(document Expr, paths ...[]string) Expr {
	found, written := make([]Expr, len(paths)), make([]Expr, len(paths))
	for i, path := range paths {
		found[i] = d.at(document, path)
		written[i] = E("json_extract_scalar(?, ?)", document, Text(jsonPath(path)))
	}
	text, scalar := E("json_format(?)", firstOf(found)), firstOf(written)
	return E(`CASE WHEN regexp_like(?, '^("-{0,1}Infinity"|[-0-9])') AND ? NOT LIKE '%Infinity' THEN ? ELSE nullif(?, 'null') END`, text, scalar, scalar, text)
}

func (trino) at(document Expr, path []string) Expr {
	begin := 0
	for i, name := range path {
		if name == "" || strings.Trim(name, "0123456789") != "" {
			continue
		}
		if i > begin {
			document = E("json_extract(?, ?)", document, Text(jsonPath(path[begin:i])))
		}
		if i > 0 {
			document = E("CASE WHEN json_format(?) LIKE '{%' THEN ? END", document, document)
		}
		begin = i
	}
	return E("json_extract(?, ?)", document, Text(jsonPath(path[begin:])))
}

func jsonPath(names []string) string {
	var b strings.Builder
	b.WriteByte('$')
	for _, name := range names {
		b.WriteString(`["` + escaped(name) + `"]`)
	}
	return b.String()
}

func (trino) JSONString(text Expr) Expr { return E("json_extract_scalar(?, '$')", text) }

func (trino) JSONAny(array Expr, condition func(item Expr) Expr) Expr {
	return E("any_match(CAST(json_parse(?) AS ARRAY(JSON)), x -> ?)", array, Sure(condition(E("json_format(x)"))))
}

func (trino) Decimal(text Expr) Expr { return E("try_cast(? AS DECIMAL(38, 9))", text) }

func (trino) Measure(text Expr) Expr { return E("try_cast(? AS DECIMAL(27, 9))", text) }

func (trino) Integer(text Expr) Expr { return E("try_cast(? AS DECIMAL(38, 0))", text) }

func (trino) Real(text Expr) Expr { return E("try_cast(? AS DOUBLE)", text) }

// Matches writes the expression in Java's syntax, which is what Trino's own engine
// of expressions reads.
func (trino) Matches(text Expr, pattern *syntax.Regexp) Expr {
	return E("regexp_like(?, ?)", text, Text(java(pattern)))
}
