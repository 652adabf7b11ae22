package report

import (
	"slices"

	"loch/shared/sql"
)

// strictAttempts looks at the events that follow each start at once: with nothing
// between, step i is the event i-1 places behind it or none.
func (p *funnelPlan) strictAttempts() sql.Expr {
	place := sql.E("place")
	follows := func(e sql.Expr, by int) sql.Expr {
		return sql.E("lead(?, ?) OVER (PARTITION BY ? ORDER BY place)", e, sql.Int(int64(by)), sql.List(p.unit...))
	}
	own := append(slices.Clone(p.unit), place)
	if p.Count == totals {
		own = append(p.groups(), place)
	}
	inner := sql.Select{Fields: append(plain(own), sql.Field{Expr: sql.E("t")}, sql.Field{Expr: matched(0)}), From: p.table}
	outer := sql.Select{Fields: append(plain(own), sql.Field{Expr: sql.E("t")}), Where: []sql.Expr{matched(0), p.inRange()}}
	for i, k := range p.keys {
		key := k
		if p.BreakdownAt > 1 {
			key = follows(k, p.BreakdownAt-1)
		}
		inner.Fields = append(inner.Fields, sql.Field{Name: p.keys[i], Expr: key})
	}
	var so []sql.Expr
	for i := 2; i <= len(p.Steps); i++ {
		is := []sql.Expr{follows(matched(i-1), i-1)}
		for _, g := range p.held {
			is = append(is, sql.E("? = ?", follows(g, i-1), g))
		}
		inner.Fields = append(inner.Fields, sql.Field{Name: sql.Name("a", i), Expr: sql.And(is...)}, sql.Field{Name: sql.Name("u", i), Expr: follows(sql.E("t"), i-1)})
		so = append(so, sql.Name("a", i))
		outer.Fields = append(outer.Fields, sql.Field{Name: stepAt(i), Expr: sql.E("CASE WHEN ? THEN ? END", sql.And(so...), sql.Name("u", i))})
	}
	outer.Fields = append(outer.Fields, plain(p.keys)...)
	outer.From = inner.Sub("r")
	reaching := p.reaching(outer)
	if p.BreakdownAt == 1 || len(p.keys) == 0 {
		return reaching
	}
	s := sql.Select{Fields: plain(append(append(own, sql.E("t"), sql.E("reached")), p.later()...)), From: sql.E("(?) v", reaching)}
	for _, k := range p.keys { // who did not get to the step has no value of it
		s.Fields = append(s.Fields, sql.Field{Name: k, Expr: sql.E("CASE WHEN reached >= ? THEN ? ELSE ? END", sql.Int(int64(p.BreakdownAt)), k, textKey(NotSet))})
	}
	return s.Expr()
}

// anyAttempts finds when each step is next taken from each start on, itself
// included, and how many of them in time.
func (p *funnelPlan) anyAttempts() sql.Expr {
	n := len(p.Steps)
	inner := sql.Select{Fields: append(plain(append(p.groups(), p.keys...)), sql.Field{Expr: sql.E("t")}), From: p.table}
	reached := sql.Expr{}
	for i := range n {
		u := sql.Name("u", i)
		inner.Fields = append(inner.Fields, sql.Field{Name: u, Expr: sql.E("min(CASE WHEN ? THEN t END) OVER (PARTITION BY ? ORDER BY t ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)",
			p.can(i, i+1), sql.List(p.groups()...))})
		one := sql.E("CASE WHEN ? - t <= ? THEN 1 ELSE 0 END", u, sql.Int(p.WindowMS))
		if i > 0 {
			one = sql.E("? + ?", reached, one)
		}
		reached = one
	}
	return sql.Select{Fields: []sql.Field{{Expr: sql.E("*")}, sql.As(reached, "reached")}, From: inner.Sub("s"), Where: []sql.Expr{p.inRange()}}.Expr()
}

// inTurn puts the times of steps that came in any order in order: t2 is when the
// second of them was taken, whichever that was.
func (p *funnelPlan) inTurn(chosen sql.Select) sql.Expr {
	n := len(p.Steps)
	carried := p.one()
	if p.Count != totals {
		carried = append(carried, sql.E("t"))
	}
	carried = append(append(carried, sql.E("reached")), p.keys...)
	steps, which := p.numbers(0), sql.E("CASE step")
	for i := range n {
		which = sql.E("? WHEN ? THEN ?", which, sql.Int(int64(i)), sql.Name("u", i))
	}
	each := sql.Select{Fields: append(plain(carried), sql.As(sql.E("? END", which), "u")), From: sql.E("? CROSS JOIN ?", chosen.Sub("c"), steps)}
	placed := sql.Select{
		Fields: append(plain(carried), sql.Field{Expr: sql.E("u")}, sql.As(sql.E("row_number() OVER (PARTITION BY ? ORDER BY u)", sql.List(p.one()...)), "turn")),
		From:   each.Sub("e"), Where: []sql.Expr{sql.E("u - t <= ?", sql.Int(p.WindowMS))},
	}
	turns := sql.Select{Fields: plain(carried), From: placed.Sub("o"), Group: carried}
	for i := 2; i <= n; i++ {
		turns.Fields = append(turns.Fields, sql.Field{Name: stepAt(i), Expr: sql.E("max(u) FILTER (WHERE turn = ?)", sql.Int(int64(i)))})
	}
	return turns.Expr()
}

// numbers is a relation of the steps' numbers, from first on.
func (p *funnelPlan) numbers(first int) sql.Expr {
	list := make([]sql.Expr, len(p.Steps))
	for i := range list {
		list[i] = sql.E("(?)", sql.Int(int64(first+i)))
	}
	return sql.E("(VALUES ?) numbers(step)", sql.List(list...))
}
