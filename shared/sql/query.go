package sql

import "strings"

// Field is an expression with the name that it has in a query's result, or a
// query with the name that it has in a statement.
type Field struct {
	Name Expr
	Expr Expr
}

// As names an expression.
func As(e Expr, name words) Field { return Field{Expr{string(name)}, e} }

// Select is one SELECT. What is empty is left out.
type Select struct {
	Fields   []Field
	From     Expr // a name, a query in parentheses, joins of those
	Where    []Expr
	Group    []Expr   // GROUP BY
	Sets     [][]Expr // GROUP BY GROUPING SETS, in place of Group
	Having   Expr
	Order    []Expr
	Distinct bool
}

// Expr is the query without parentheses.
func (s Select) Expr() Expr {
	var b strings.Builder
	b.WriteString("SELECT ")
	if s.Distinct {
		b.WriteString("DISTINCT ")
	}
	for i, f := range s.Fields {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(f.Expr.text)
		if !f.Name.IsZero() && f.Name != f.Expr {
			b.WriteString(" AS " + f.Name.text)
		}
	}
	if !s.From.IsZero() {
		b.WriteString("\nFROM " + s.From.text)
	}
	if where := without(s.Where); len(where) > 0 {
		b.WriteString("\nWHERE " + join("\n  AND ", where).text)
	}
	switch {
	case s.Sets != nil:
		sets := make([]Expr, len(s.Sets))
		for i, set := range s.Sets {
			sets[i] = Expr{"(" + join(", ", set).text + ")"}
		}
		b.WriteString("\nGROUP BY GROUPING SETS (" + join(", ", sets).text + ")")
	case len(s.Group) > 0:
		b.WriteString("\nGROUP BY " + join(", ", s.Group).text)
	}
	if !s.Having.IsZero() {
		b.WriteString("\nHAVING " + s.Having.text)
	}
	if len(s.Order) > 0 {
		b.WriteString("\nORDER BY " + join(", ", s.Order).text)
	}
	return Expr{b.String()}
}

// Sub is the query in parentheses, as it stands after FROM under a name.
func (s Select) Sub(name words) Expr {
	return Expr{"(\n" + indent(s.Expr().text) + "\n) " + string(name)}
}

// UnionAll is queries one below the other.
func UnionAll(list ...Expr) Expr { return join("\nUNION ALL\n", list) }

// With is a query over named ones, each of which sees those before it.
func With(named []Field, query Expr) Expr {
	if len(named) == 0 {
		return query
	}
	var b strings.Builder
	b.WriteString("WITH ")
	for i, f := range named {
		if i > 0 {
			b.WriteString(",\n")
		}
		b.WriteString(f.Name.text + " AS (\n" + indent(f.Expr.text) + "\n)")
	}
	b.WriteString("\n" + query.text)
	return Expr{b.String()}
}

// indent moves lines to the right, but for those inside a text.
func indent(text string) string {
	var b strings.Builder
	b.WriteString("  ")
	quoted := false
	for i := 0; i < len(text); i++ {
		b.WriteByte(text[i])
		switch text[i] {
		case '\'':
			quoted = !quoted
		case '\n':
			if !quoted {
				b.WriteString("  ")
			}
		}
	}
	return b.String()
}
