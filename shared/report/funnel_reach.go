package report

import "loch/shared/sql"

// reaching adds how many steps an attempt got to in its time: those before the first
// that it did not take, or took too late, or that an excluded event came before.
func (p *funnelPlan) reaching(attempts sql.Select) sql.Expr {
	reached := sql.E("CASE")
	for i := 2; i <= len(p.Steps); i++ {
		list := []sql.Expr{sql.Sure(sql.E("? - t <= ?", stepAt(i), sql.Int(p.WindowMS)))}
		for x, e := range p.Exclude {
			if e.After < i && i <= e.Before {
				list = append(list, sql.Not(sql.Sure(sql.E("? < ?", sql.Name("y", x), stepAt(i)))))
			}
		}
		reached = sql.E("? WHEN NOT ? THEN ?", reached, sql.And(list...), sql.Int(int64(i-1)))
	}
	return sql.Select{
		Fields: []sql.Field{{Expr: sql.E("*")}, sql.As(sql.E("? ELSE ? END", reached, sql.Int(int64(len(p.Steps)))), "reached")},
		From:   attempts.Sub("s"),
	}.Expr()
}

// laterKeys takes the break-down's keys from the instant of a step; who did not get
// there has none.
func (p *funnelPlan) laterKeys(chosen, keyed sql.Expr) sql.Expr {
	on := []sql.Expr{sql.E("b.t = c.?", stepAt(p.BreakdownAt))} // equalities alone, or engines try all pairs
	for _, g := range p.groups() {
		on = append(on, sql.E("b.? = c.?", g, g))
	}
	s := sql.Select{From: sql.E("? c\nLEFT JOIN ? b ON ?", chosen, keyed, sql.And(on...))}
	for _, name := range append([]sql.Expr{sql.E("person"), sql.E("reached"), sql.E("t")}, p.later()...) {
		s.Fields = append(s.Fields, sql.Field{Name: name, Expr: sql.E("c.?", name)})
	}
	for _, k := range p.keys {
		s.Fields = append(s.Fields, sql.Field{Name: k, Expr: sql.E("coalesce(CASE WHEN c.reached >= ? THEN b.? END, ?)", sql.Int(int64(p.BreakdownAt)), k, textKey(NotSet))})
	}
	return s.Expr()
}

// later are the fields of when steps after the first were taken.
func (p *funnelPlan) later() []sql.Expr {
	var list []sql.Expr
	for i := 2; i <= len(p.Steps); i++ {
		list = append(list, stepAt(i))
	}
	return list
}
