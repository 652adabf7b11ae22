package report

import (
	"slices"

	"loch/shared/sql"
)

// Where totals are counted, every attempt counts that began after the last one that
// counted was over: with its last step, or with the end of its window if it did not
// come so far, whatever kept it from that. With held properties each of their values
// has attempts of its own, side by side.

// chain takes the attempts that count.
func (p *funnelPlan) chain() sql.Select {
	id, end := sql.E("t"), stepAt(len(p.Steps))
	switch p.Order {
	case strict:
		id = sql.E("place")
	case anyOrder:
		var all []sql.Expr
		for i := range p.Steps {
			all = append(all, sql.Name("u", i))
		}
		end = sql.E("greatest(?)", sql.List(all...))
	}
	over := sql.E("CASE WHEN reached = ? THEN ? ELSE t + ? END", sql.Int(int64(len(p.Steps))), end, sql.Int(p.WindowMS))
	spans := sql.Select{Fields: []sql.Field{{Expr: sql.E("*")}, sql.As(over, "until")}, From: p.table}
	p.add(sql.E("spans"), spans.Expr())
	p.add(sql.E("taken"), p.scan.d.Chain(sql.Spans{From: sql.E("spans"), Groups: p.groups(), ID: id, T: sql.E("t"), End: sql.E("until")}))
	var on []sql.Expr
	for _, field := range append(p.groups(), id) {
		on = append(on, sql.E("s.? = k.?", field, field))
	}
	return sql.Select{Fields: []sql.Field{{Expr: sql.E("s.*")}}, From: sql.E("spans s\nJOIN taken k ON ?", sql.And(on...))}
}

// one are the fields that tell one chosen attempt from the others.
func (p *funnelPlan) one() []sql.Expr {
	if p.Count == totals {
		return append(p.groups(), sql.E("t"))
	}
	return slices.Clone(p.unit)
}
