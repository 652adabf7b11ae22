package report

import (
	"slices"

	"loch/shared/sql"
)

// Where no event can serve two steps, and each step is some event of its own, an
// attempt takes of each step the first event from the step before on. Engines that
// have a function for it follow all attempts of a person at once, in a third of the
// time that joins with the next event take, and a tenth of that of windows.

// apart tells whether attempts can be found so.
func (p *funnelPlan) apart() bool {
	if p.Order != inOrder || !p.scan.d.FollowsAttempts() {
		return false
	}
	for _, family := range p.families() {
		if len(family) > 1 {
			return false
		}
	}
	return true
}

// followedAttempts has of each person, session and held value the attempts that can
// count: all that do where totals are counted, else one.
func (p *funnelPlan) followedAttempts() sql.Expr {
	bits := []sql.Expr{sql.And(matched(0), p.inRange())}
	for i := 1; i < len(p.Steps); i++ {
		bits = append(bits, matched(i))
	}
	var ends []sql.Expr
	for i, e := range p.Exclude {
		bits = append(bits, before(i))
		ends = append(ends, sql.Int(int64(e.After)), sql.Int(int64(e.Before)))
	}
	which := sql.BestAttempt
	switch {
	case p.Count == totals:
		which = sql.AllAttempts
	case p.First:
		which = sql.FirstAttempt
	}
	origin := p.scan.hull().from
	lists := sql.Select{Fields: plain(p.groups()), From: p.table, Group: p.groups()}
	lists.Fields = append(lists.Fields, sql.As(sql.E("unnest(?)", sql.Attempts(sql.E("t"), origin, bits, len(p.Steps), ends, p.WindowMS, which)), "a"))
	s := sql.Select{Fields: plain(p.groups()), From: lists.Sub("l")}
	for i := range p.Steps {
		s.Fields = append(s.Fields, sql.Field{Name: stepAt(i + 1), Expr: sql.E("a[?] + ?", sql.Int(int64(i+1)), sql.Int(origin))})
	}
	s.Fields = append(s.Fields, sql.As(sql.E("len(a)"), "reached"))
	return s.Expr()
}

// keysOfPicked has the break-down's keys of the attempts that count: those of the
// first event in the instant of the step that can serve it.
func (p *funnelPlan) keysOfPicked() sql.Expr {
	on := sql.E("c.? = s.t", stepAt(p.BreakdownAt))
	for _, g := range p.groups() {
		on = sql.E("? AND c.? = s.?", on, g, g)
	}
	var own, order []sql.Expr
	for _, f := range append(p.groups(), sql.E("t")) {
		own = append(own, sql.E("s.?", f))
	}
	for i := range p.scan.order()[1:] {
		order = append(order, sql.E("s.?", sql.Name("o", i)))
	}
	ranked := sql.Select{
		Fields: []sql.Field{sql.As(sql.E("row_number() OVER (PARTITION BY ? ORDER BY ?)", sql.List(own...), sql.List(order...)), "place")},
		From:   sql.E("? s\nJOIN picked c ON ?", p.rows, on), Where: []sql.Expr{sql.E("s.?", matched(p.BreakdownAt-1))},
	}
	groups := append(p.groups(), sql.E("t"))
	for _, f := range slices.Concat(p.groups(), p.keys, []sql.Expr{sql.E("t")}) {
		ranked.Fields = append(ranked.Fields, sql.Field{Name: f, Expr: sql.E("s.?", f)})
	}
	keyed := sql.Select{Fields: plain(groups), From: ranked.Sub("r"), Group: groups}
	for _, k := range p.keys {
		keyed.Fields = append(keyed.Fields, sql.Field{Name: k, Expr: sql.E("min_by(?, place)", k)})
	}
	return keyed.Expr()
}
