package report

import (
	"slices"

	"loch/shared/sql"
)

// edgeSeconds are the times to convert that are told apart, as far as they are
// shorter than the window.
var edgeSeconds = []int64{
	1, 10, 30, 60, 5 * 60, 10 * 60, 30 * 60, 3600, 3 * 3600, 6 * 3600, 12 * 3600,
	86400, 2 * 86400, 3 * 86400, 7 * 86400, 14 * 86400, 30 * 86400, 60 * 86400, 90 * 86400, 180 * 86400,
}

// edges are those of a funnel; the last is its window.
func (f *Funnel) edges() []int64 {
	var list []int64
	for _, e := range edgeSeconds {
		if e*1000 < f.WindowMS {
			list = append(list, e)
		}
	}
	return append(list, f.WindowMS/1000)
}

// count makes the statement's result: a row for each step of each segment, with who
// got to it, what the times since the step before add up to and the two in their
// middle, who is counted, and of the last step how many converted in time for each
// edge. A step of 0 is all segments together.
func (p *funnelPlan) count(segment []sql.Expr) sql.Expr {
	since, whole := sql.E("CASE step"), stepAt(len(p.Steps))
	for i := 2; i <= len(p.Steps); i++ {
		since = sql.E("? WHEN ? THEN ? - ?", since, sql.Int(int64(i)), stepAt(i), stepAt(i-1))
	}
	step := sql.E("step")
	each := sql.Select{
		Fields: append(plain(segment), sql.Field{Expr: sql.E("person")}, sql.Field{Expr: step}, sql.As(sql.E("? END", since), "since"), sql.As(sql.E("? - t", whole), "whole")),
		From:   sql.E("? CROSS JOIN ?", p.table, p.numbers(1)), Where: []sql.Expr{sql.E("step <= reached")},
	}
	groups := append(slices.Clone(segment), step)
	ranked := sql.Select{
		Fields: append(plain(groups), sql.Field{Expr: sql.E("person")}, sql.Field{Expr: sql.E("since")}, sql.Field{Expr: sql.E("whole")},
			sql.As(sql.E("row_number() OVER (PARTITION BY ? ORDER BY since)", sql.List(groups...)), "rank"),
			sql.As(sql.E("count(*) OVER (PARTITION BY ?)", sql.List(groups...)), "ranks")),
		From: each.Sub("e"),
	}
	middle := func(plus int64) sql.Expr {
		return sql.E("max(since) FILTER (WHERE rank = ?)", p.scan.d.Div(sql.E("(ranks + ?)", sql.Int(plus)), sql.Int(2)))
	}
	number := sql.E("BIGINT")
	counted := sql.Select{
		Fields: append(plain(groups), sql.As(sql.E("count(*)"), "reached"), sql.As(sql.E("sum(CAST(since AS DECIMAL(27, 0)))"), "total"),
			sql.As(middle(1), "low"), sql.As(middle(2), "high"), sql.As(p.persons(), "persons")),
		From: ranked.Sub("r"), Group: groups,
	}
	for i, e := range p.edges() {
		last := sql.And(sql.E("step = ?", sql.Int(int64(len(p.Steps)))), sql.E("whole <= ?", sql.Int(e*1000)))
		counted.Fields = append(counted.Fields, sql.Field{Name: sql.Name("h", i), Expr: sql.E("count(*) FILTER (WHERE ?)", last)})
	}
	if p.scan.env.MinCell <= 1 {
		return counted.Expr()
	}
	all := sql.Select{From: p.table}
	for i, f := range segment {
		as := number
		if i%2 == 1 {
			as = sql.E("VARCHAR")
		}
		all.Fields = append(all.Fields, sql.Field{Name: f, Expr: orNull(sql.Expr{}, as)})
	}
	none := sql.E("CAST(NULL AS BIGINT)")
	all.Fields = append(all.Fields, sql.As(sql.Int(0), "step"), sql.As(none, "reached"), sql.As(sql.E("CAST(NULL AS DECIMAL(38, 0))"), "total"),
		sql.As(none, "low"), sql.As(none, "high"), sql.As(sql.E("count(DISTINCT person)"), "persons"))
	for i := range p.edges() {
		all.Fields = append(all.Fields, sql.Field{Name: sql.Name("h", i), Expr: none})
	}
	return sql.UnionAll(counted.Expr(), all.Expr())
}

// persons counts the persons behind a row: where persons are what is counted, there
// is a row for each.
func (p *funnelPlan) persons() sql.Expr {
	if p.scan.env.MinCell > 1 && p.Count != uniques {
		return sql.E("count(DISTINCT person)")
	}
	return sql.E("count(*)")
}

// columns are those of the statement's result.
func (p *funnelPlan) columns() []Meaning {
	var list []Meaning
	for i := range p.Breakdown {
		list = append(list,
			Meaning{sql.Name("n", i).String(), "rank of the value of " + p.Breakdown[i].Property.String()},
			Meaning{sql.Name("s", i).String(), "the value, behind a letter for its type"})
	}
	list = append(list, meanings("step", "number of the step, from 1; 0 is all segments together, for min_cell",
		"reached", "how many got to the step",
		"total", "sum of the milliseconds since the step before",
		"low", "the middle one of those, or the lower of the two in the middle",
		"high", "the upper of the two in the middle",
		"persons", "how many persons these are")...)
	for i, e := range p.edges() {
		list = append(list, Meaning{sql.Name("h", i).String(), "of the last step, how many converted within " + sql.Int(e).String() + " seconds"})
	}
	return list
}
