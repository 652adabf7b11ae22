package report

import (
	"slices"

	"loch/shared/sql"
)

// sizes counts who joined.
func (p *retentionPlan) sizes() sql.Expr {
	return sql.Select{
		Fields: slices.Concat([]sql.Field{{Expr: sql.E("cohort")}, sql.As(sql.E("CAST(NULL AS BIGINT)"), "step")},
			plain(p.cut.segment), []sql.Field{sql.As(sql.E("count(*)"), "persons")}),
		From: p.cut.table, Group: append([]sql.Expr{sql.E("cohort")}, p.cut.segment...),
	}.Expr()
}

// retained counts who came back, by interval: each person once in each in which
// they were, or in the last alone where being back counts for all before it. Rows
// without a step are counted as they are.
func (p *retentionPlan) retained(returns sql.Select) sql.Expr {
	groups := append([]sql.Expr{sql.E("cohort")}, p.cut.segment...)
	last := sql.Int(int64(p.Intervals) - 1)
	persons := sql.Select{
		Fields: append(plain(groups), sql.Field{Expr: sql.E("step")}),
		From:   returns.Sub("r"),
		Where:  []sql.Expr{sql.E("(step IS NULL OR step <= ?)", last)},
		Group:  append(slices.Clone(groups), sql.E("person"), sql.E("step")),
	}
	if p.OrAfter {
		persons.Fields[len(groups)] = sql.As(sql.E("CASE WHEN max(step) > ? THEN ? ELSE max(step) END", last, last), "step")
		persons.Where, persons.Group = nil, append(slices.Clone(groups), sql.E("person"), sql.E("step IS NULL"))
	}
	return sql.Select{
		Fields: slices.Concat([]sql.Field{{Expr: sql.E("cohort")}, {Expr: sql.E("step")}}, plain(p.cut.segment), []sql.Field{sql.As(sql.E("count(*)"), "persons")}),
		From:   persons.Sub("u"),
		Group:  append(slices.Clone(groups), sql.E("step")),
	}.Expr()
}

// returns are the intervals in which a person of a cohort did then, after the
// event that they joined by.
func (p *retentionPlan) returns() sql.Select {
	query, back := p.stepsOf()
	query.From = sql.E("? j\nJOIN visits v ON ?", p.cut.table, p.later(sql.E("v.person = j.person")))
	if p.Rolling {
		query.From = sql.E("?\nCROSS JOIN (VALUES (0), (1)) h(half)", query.From)
		query.Where = []sql.Expr{back}
	}
	return query
}

// joinsAndReturns is returns with a further row, without a step, for each person of a
// cohort. Both are made of one look at who joined: engines that do not keep what they
// worked out would look at the events again for the other.
func (p *retentionPlan) joinsAndReturns() sql.Select {
	query, back := p.stepsOf()
	query.From = sql.E("? j\nCROSS JOIN (VALUES (0), (1)) w(back)\nLEFT JOIN (SELECT *, 1 AS back FROM visits) v ON ?",
		p.cut.table, p.later(sql.E("v.back = w.back AND v.person = j.person")))
	query.Where = []sql.Expr{sql.E("(w.back = 0 OR v.slot IS NOT NULL)")}
	if p.Rolling {
		query.From = sql.E("?\nCROSS JOIN (VALUES (0), (1)) h(half)", query.From)
		query.Where = []sql.Expr{sql.E("(w.back = 0 AND h.half = 0 OR w.back = 1 AND ?)", back)}
	}
	return query
}

// later is when a visit is after a person joined.
func (p *retentionPlan) later(same sql.Expr) sql.Expr {
	on := sql.E("? AND v.slot >= j.slot AND (v.latest > j.t OR v.slot = j.slot AND j.again)", same)
	if !p.OrAfter {
		on = sql.E("? AND v.slot <= j.slot + ?", on, sql.Int(int64(p.Intervals)))
	}
	return on
}

// stepsOf begins a query of the intervals in which visits are, and tells for the
// rolling clock which of the two that share a slot a visit was in.
func (p *retentionPlan) stepsOf() (query sql.Select, back sql.Expr) {
	apart := sql.E("v.slot - j.slot")
	query.Fields = []sql.Field{sql.As(sql.E("j.person"), "person"), sql.As(sql.E("j.cohort"), "cohort")}
	for _, f := range p.cut.segment {
		query.Fields = append(query.Fields, sql.Field{Name: f, Expr: sql.E("j.?", f)})
	}
	if !p.Rolling {
		query.Fields = append(query.Fields, sql.As(apart, "step"))
		return query, back
	}
	// The person's interval so many steps on begins within the slot so many on: what
	// is earlier in that slot is of the interval before.
	begins := sql.E("j.t + (?) * ?", apart, sql.Int(p.stepMS()))
	query.Fields = append(query.Fields, sql.As(sql.E("? - h.half", apart), "step"))
	return query, sql.E("(h.half = 0 AND v.latest >= ? OR h.half = 1 AND v.slot > j.slot AND v.earliest < ?)", begins, begins)
}

// columns are those of the statement's result.
func (p *retentionPlan) columns() []Meaning {
	list := meanings("cohort", "number of the cohort from 0", "step", "number of the interval from 0; null where those are counted who joined")
	for i := range p.Breakdown {
		list = append(list,
			Meaning{sql.Name("n", i).String(), "rank of the value of " + p.Breakdown[i].Property.String()},
			Meaning{sql.Name("s", i).String(), "the value, behind a letter for its type"})
	}
	return append(list, Meaning{"persons", "how many persons"})
}
