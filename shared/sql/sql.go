// Package sql writes statements that nobody's words can change the shape of.
//
// A statement is put together from expressions. The words of an expression are
// constants of the program: E takes a type that only constants fit, so text that
// came from outside cannot be passed by mistake. What comes from outside gets in
// as a value, by way of Text, Int and Number, and is escaped there, once.
//
// What engines write in different ways stands in a Dialect: DuckDB's, and that of
// Trino, which Athena speaks.
package sql

import (
	"strconv"
	"strings"
)

// Expr is a part of a statement: a value, a condition, a name, a query. The zero
// Expr is none.
type Expr struct{ text string }

// String is the expression as SQL.
func (e Expr) String() string { return e.text }

// IsZero tells that there is no expression.
func (e Expr) IsZero() bool { return e.text == "" }

// words are SQL that stands in the program. Constants convert to it by
// themselves; a variable of type string does not.
type words string

// E is an expression in the program's own words, in which each ? is replaced by
// the next of args. It panics when their number is not that of the question
// marks, which is a mistake in the program.
func E(shape words, args ...Expr) Expr {
	if len(args) == 0 && strings.IndexByte(string(shape), '?') < 0 {
		return Expr{string(shape)}
	}
	var b strings.Builder
	rest := string(shape)
	for _, a := range args {
		before, after, ok := strings.Cut(rest, "?")
		if !ok || a.text == "" {
			panic("sql: wrong arguments for " + string(shape))
		}
		b.WriteString(before)
		b.WriteString(a.text)
		rest = after
	}
	if strings.IndexByte(rest, '?') >= 0 {
		panic("sql: too few arguments for " + string(shape))
	}
	b.WriteString(rest)
	return Expr{b.String()}
}

// Name is a name of the program's own, numbered: Name("p", 3) is p3.
func Name(prefix words, n int) Expr { return Expr{string(prefix) + strconv.Itoa(n)} }

// Column is a column of a relation, between quotation marks.
func Column(of words, name string) Expr {
	return Expr{string(of) + `."` + strings.ReplaceAll(name, `"`, `""`) + `"`}
}

// Text is a text. Both dialects read it alike: only the quotation mark is
// doubled, nothing else has a meaning. A zero byte would end it in some engines;
// whoever reads specs refuses those.
func Text(s string) Expr { return Expr{"'" + strings.ReplaceAll(s, "'", "''") + "'"} }

// Int is a whole number.
func Int(n int64) Expr {
	if n < 0 {
		return Expr{"(" + strconv.FormatInt(n, 10) + ")"}
	}
	return Expr{strconv.FormatInt(n, 10)}
}

// Double is a floating-point number. It must be finite.
func Double(f float64) Expr {
	text := strconv.FormatFloat(f, 'E', -1, 64)
	if f < 0 {
		text = "(" + text + ")"
	}
	return Expr{text}
}

// List is expressions with commas between them.
func List(list ...Expr) Expr { return join(", ", list) }

// And is true when all of list are; so is none at all.
func And(list ...Expr) Expr { return logic(" AND ", "TRUE", list) }

// Or is true when one of list is.
func Or(list ...Expr) Expr { return logic(" OR ", "FALSE", list) }

// Not negates a condition that is never null.
func Not(condition Expr) Expr { return E("(NOT ?)", condition) }

// Sure is a condition whose null counts as false.
func Sure(condition Expr) Expr { return E("coalesce(?, FALSE)", condition) }

// Texts are constants between parentheses, for IN.
func Texts(list []string) Expr {
	all := make([]Expr, len(list))
	for i, s := range list {
		all[i] = Text(s)
	}
	return E("(?)", List(all...))
}

func logic(between, none string, list []Expr) Expr {
	switch kept := without(list); len(kept) {
	case 0:
		return Expr{none}
	case 1:
		return kept[0]
	default:
		return Expr{"(" + join(between, kept).text + ")"}
	}
}

func without(list []Expr) []Expr {
	kept := make([]Expr, 0, len(list))
	for _, e := range list {
		if !e.IsZero() {
			kept = append(kept, e)
		}
	}
	return kept
}

func join(between string, list []Expr) Expr {
	texts := make([]string, len(list))
	for i, e := range list {
		texts[i] = e.text
	}
	return Expr{strings.Join(texts, between)}
}

// Case is a value that depends on where another stands: values[i] below edges[i],
// the last of values from the last edge on. There is one value more than edges.
func Case(of Expr, edges []int64, values []int64) Expr {
	if len(edges) == 0 {
		return Int(values[0])
	}
	var b strings.Builder
	b.WriteString("CASE")
	for i, edge := range edges {
		b.WriteString(" WHEN " + of.text + " < " + Int(edge).text + " THEN " + Int(values[i]).text)
	}
	b.WriteString(" ELSE " + Int(values[len(edges)]).text + " END")
	return Expr{b.String()}
}
