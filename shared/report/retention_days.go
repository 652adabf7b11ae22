package report

import "loch/shared/sql"

// days sums up what a person did in a slot. Where the last then is in the very instant
// of the first first, none of the other thens is later and none of the other firsts
// earlier: events that are both are all in that instant.
func (p *retentionPlan) days() sql.Expr {
	groups := []sql.Expr{sql.E("person"), sql.E("cohort"), sql.E("slot")}
	return sql.Select{
		Fields: append(plain(groups),
			sql.As(sql.E("min(t) FILTER (WHERE is_first)"), "t"),
			sql.As(sql.E("min(t) FILTER (WHERE is_then)"), "earliest"),
			sql.As(sql.E("max(t) FILTER (WHERE is_then)"), "latest"),
			sql.As(sql.E("count(*) FILTER (WHERE is_first AND is_then)"), "doubles"),
			sql.As(sql.E("min(t) FILTER (WHERE is_first AND NOT is_then)"), "first_alone"),
			sql.As(sql.E("max(t) FILTER (WHERE is_then AND NOT is_first)"), "then_alone"),
		),
		From: sql.E("(?) s", p.scan.query()), Group: groups,
	}.Expr()
}

// moments takes of each person and interval the first event; with first_ever of
// each person the first of all, where that is of the report's days.
func (p *retentionPlan) moments() sql.Expr {
	fields := plain([]sql.Expr{sql.E("person"), sql.E("cohort"), sql.E("slot"), sql.E("t")})
	fields = append(fields, sql.As(sql.E("(latest = t AND doubles > 1)"), "again"),
		sql.As(sql.E("(latest = t AND doubles < 2 AND (coalesce(then_alone = t, FALSE) OR coalesce(first_alone = t, FALSE)))"), "tie"))
	query := sql.Select{Fields: fields, From: sql.E("days"), Where: []sql.Expr{sql.E("t IS NOT NULL")}}
	group := []sql.Expr{sql.E("person"), sql.E("cohort")}
	switch {
	case p.FirstEver:
		group = group[:1]
	case !p.Rolling: // there is one slot to a cohort
		return query.Expr()
	}
	query.Fields = append(query.Fields, sql.As(sql.E("rank() OVER (PARTITION BY ? ORDER BY t)", sql.List(group...)), "turn"))
	first := sql.Select{Fields: plain([]sql.Expr{sql.E("person"), sql.E("cohort"), sql.E("slot"), sql.E("t"), sql.E("again"), sql.E("tie")}),
		From: query.Sub("d"), Where: []sql.Expr{sql.E("turn = 1")}}
	if p.FirstEver {
		first.Where = append(first.Where, within(sql.E("t"), p.scan.cal.spans(p.scan.cal.from, p.scan.cal.to)))
	}
	return first.Expr()
}

// tied puts the few events that happened in the instants of moments in order.
func (p *retentionPlan) tied(ordered *scan) sql.Expr {
	order := make([]sql.Expr, len(ordered.order())-1)
	for i := range order {
		order[i] = sql.E("s.?", sql.Name("o", i))
	}
	moments := sql.E("moments m")
	if len(p.Breakdown) == 0 {
		moments = sql.E("(SELECT person, t FROM moments WHERE tie) m")
	}
	ranked := sql.Select{
		Fields: []sql.Field{
			sql.As(sql.E("m.person"), "person"), sql.As(sql.E("m.t"), "t"),
			sql.As(sql.E("s.is_first"), "is_first"), sql.As(sql.E("s.is_then"), "is_then"),
			sql.As(sql.E("row_number() OVER (PARTITION BY m.person, m.t ORDER BY ?)", sql.List(order...)), "place"),
		},
		From: sql.E("(?) s\nJOIN ? ON m.person = s.person AND m.t = s.t", ordered.query(), moments),
	}
	who := []sql.Expr{sql.E("person"), sql.E("t")}
	query := sql.Select{
		Fields: append(plain(who), sql.As(sql.E("coalesce(max(place) FILTER (WHERE is_then) > min(place) FILTER (WHERE is_first), FALSE)"), "again")),
		Group:  who,
	}
	for i := range p.Breakdown {
		k := sql.Name("k", i)
		ranked.Fields = append(ranked.Fields, sql.Field{Name: k, Expr: sql.E("s.?", k)})
		query.Fields = append(query.Fields, sql.Field{Name: k, Expr: sql.E("min_by(?, place) FILTER (WHERE is_first)", k)})
	}
	query.From = ranked.Sub("r")
	return query.Expr()
}

// joined are the moments, and whether then was done in them after first.
func (p *retentionPlan) joined() sql.Expr {
	query := sql.Select{From: sql.E("moments m\nLEFT JOIN tied k ON k.person = m.person AND k.t = m.t")}
	for _, f := range []sql.Expr{sql.E("person"), sql.E("cohort"), sql.E("slot"), sql.E("t")} {
		query.Fields = append(query.Fields, sql.Field{Name: f, Expr: sql.E("m.?", f)})
	}
	query.Fields = append(query.Fields, sql.As(sql.E("coalesce(k.again, m.again, FALSE)"), "again"))
	for i := range p.Breakdown {
		k := sql.Name("k", i)
		query.Fields = append(query.Fields, sql.Field{Name: k, Expr: sql.E("k.?", k)})
	}
	return query.Expr()
}

// visits are the slots in which a person did then.
func (p *retentionPlan) visits() sql.Expr {
	query := sql.Select{
		Fields: []sql.Field{{Expr: sql.E("person")}, {Expr: sql.E("slot")}, {Expr: sql.E("earliest")}, {Expr: sql.E("latest")}},
		From:   sql.E("days"), Where: []sql.Expr{sql.E("latest IS NOT NULL")},
	}
	if p.Rolling { // two cohorts can share a slot
		query.Fields[2], query.Fields[3] = sql.As(sql.E("min(earliest)"), "earliest"), sql.As(sql.E("max(latest)"), "latest")
		query.Group = []sql.Expr{sql.E("person"), sql.E("slot")}
	}
	return query.Expr()
}
