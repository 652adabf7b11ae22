package sql

import (
	"regexp/syntax"
	"strings"
	"time"
)

// DuckDB is the dialect of DuckDB 1.5.
var DuckDB Dialect = duckdb{}

type duckdb struct{}

func (duckdb) Name() string { return "duckdb" }

// NumbersPay: a sort by 32 letters takes three times as long as one by a number.
func (duckdb) NumbersPay() bool { return true }

func (duckdb) KeepsQueries() bool { return true }

func (duckdb) FollowsAttempts() bool { return true }

func (duckdb) Millis(timestamp Expr) Expr { return E("epoch_ms(?)", timestamp) }

func (duckdb) Day(days Expr) Expr { return E("(DATE '1970-01-01' + CAST(? AS INTEGER))", days) }

func (duckdb) Div(a, b Expr) Expr { return E("(? // ?)", a, b) }

// JSONAt asks by names in quotation marks: those are looked for in objects only,
// while a pointer's number would be a place in an array as well.
func (duckdb) JSONAt(document Expr, paths ...[]string) Expr {
	found := make([]Expr, len(paths))
	for i, path := range paths {
		var b strings.Builder
		b.WriteByte('$')
		for _, name := range path {
			b.WriteString(`."` + escaped(name) + `"`)
		}
		found[i] = E("json_extract(?, ?)", document, Text(b.String()))
	}
	return E("nullif(CAST(? AS VARCHAR), 'null')", firstOf(found))
}

func firstOf(list []Expr) Expr {
	if len(list) == 1 {
		return list[0]
	}
	return E("coalesce(?)", List(list...))
}

// escaped puts a backslash before what has a meaning between quotation marks in a
// JSON path.
func escaped(name string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name)
}

func (duckdb) JSONString(text Expr) Expr { return E("json_extract_string(?, '$')", text) }

func (duckdb) JSONAny(array Expr, condition func(item Expr) Expr) Expr {
	return E("(len(list_filter(CAST(CAST(? AS JSON) AS JSON[]), lambda x: ?)) > 0)", array, Sure(condition(E("CAST(x AS VARCHAR)"))))
}

// Decimal tries the short form first, whose cast takes a twentieth of the time.
func (duckdb) Decimal(text Expr) Expr {
	return E("coalesce(CAST(try_cast(? AS DECIMAL(18, 9)) AS DECIMAL(38, 9)), try_cast(? AS DECIMAL(38, 9)))", text, text)
}

func (duckdb) Measure(text Expr) Expr {
	return E("coalesce(CAST(try_cast(? AS DECIMAL(18, 9)) AS DECIMAL(27, 9)), try_cast(? AS DECIMAL(27, 9)))", text, text)
}

func (duckdb) Integer(text Expr) Expr { return E("try_cast(? AS DECIMAL(38, 0))", text) }

func (duckdb) Real(text Expr) Expr { return E("try_cast(? AS DOUBLE)", text) }

// Matches writes the expression for RE2, which is what DuckDB uses.
func (duckdb) Matches(text Expr, pattern *syntax.Regexp) Expr {
	return E("regexp_matches(?, ?)", text, Text(re2(pattern)))
}

func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05.000") }

func dateOf(days int64) string {
	return time.UnixMilli(days * 24 * 60 * 60 * 1000).UTC().Format(time.DateOnly)
}
