package report

import (
	"slices"

	"loch/shared/sql"
)

// A funnel's statement looks at the events once and makes of them, query by query:
//
//	scan      events, with m0, m1, … for which steps they can serve
//	sessions  the same, with the session that each is in, where sessions count
//	attempts  one row for each start: t, and t2, t3, … when it got to the steps
//	chosen    one row for each person or session: the attempt it counts with;
//	          where totals are counted, a row for each attempt that counts
//	cut       the same, with its segment
//
// and counts those by segment and step. Nothing joins events with events: when the
// next step follows is found by windows over a person's events.
type funnelPlan struct {
	*Funnel
	scan    *scan
	queries []sql.Field
	table   sql.Expr   // the last of queries
	rows    sql.Expr   // the one of them that has the events
	unit    []sql.Expr // who or what is counted: person, or person and session
	held    []sql.Expr // the keys g0, g1, …
	keys    []sql.Expr // the break-down's, k0, k1, …
}

func before(i int) sql.Expr { return sql.Name("x", i) } // whether a row is an excluded event
func stepAt(i int) sql.Expr {
	if i == 1 {
		return sql.E("t")
	}
	return sql.Name("t", i)
}

// Compile implements Spec.
func (f *Funnel) Compile(d sql.Dialect, env Env) (*Statement, error) {
	p := &funnelPlan{Funnel: f, table: sql.E("scan"), unit: []sql.Expr{sql.E("person")}}
	var err error
	if p.scan, err = newScan(&f.Common, d, &env); err != nil {
		return nil, err
	}
	p.scan.numbered = !p.apart()
	for i := range f.Hold {
		p.held = append(p.held, sql.Name("g", i))
	}
	for i := range f.Breakdown {
		p.keys = append(p.keys, sql.Name("k", i))
	}
	if err := p.fields(); err != nil {
		return nil, err
	}
	p.add(sql.E("scan"), p.scan.query())
	if f.Count == sessions {
		p.unit = append(p.unit, sql.E("session"))
		p.add(sql.E("sessions"), p.sessions())
	}
	p.rows = p.table
	var tie []sql.Expr
	switch f.Order {
	case strict:
		p.add(sql.E("attempts"), p.strictAttempts())
		tie = []sql.Expr{sql.E("place")}
	case anyOrder:
		p.add(sql.E("instants"), p.instants())
		p.add(sql.E("attempts"), p.anyAttempts())
		tie = p.held
	default:
		tie = p.held
		if p.apart() {
			p.add(sql.E("attempts"), p.followedAttempts())
			break
		}
		p.add(sql.E("instants"), p.instants())
		p.add(sql.E("attempts"), p.orderedAttempts())
	}
	switch {
	case f.Count != totals:
		p.choose(p.best(tie))
	case p.apart():
		p.choose(sql.Select{Fields: []sql.Field{{Expr: sql.E("*")}}, From: p.table})
	default:
		p.choose(p.chain())
	}
	carried := []sql.Expr{sql.E("person"), sql.E("reached")}
	for i := range f.Steps {
		carried = append(carried, stepAt(i+1))
	}
	c := cut(p.table, carried, f.Breakdown, sql.Expr{}, sql.Expr{})
	p.queries, p.table = append(p.queries, c.queries...), c.table
	statement := sql.With(p.queries, p.count(c.segment))
	minCell := env.MinCell
	return &Statement{SQL: statement.String(), Columns: p.columns(), answer: func(rows [][]any) (any, error) {
		return f.answer(minCell, rows)
	}}, nil
}

// add puts a query behind the others.
func (p *funnelPlan) add(name, query sql.Expr) {
	p.queries, p.table = append(p.queries, sql.Field{Name: name, Expr: query}), name
}

// fields has the scan make what the queries need.
func (p *funnelPlan) fields() error {
	s := p.scan
	whole := s.hull()
	s.over = []span{{whole.from, whole.until + p.WindowMS + 1}} // later steps may come after the last day
	s.conditions = append(s.conditions, sql.E("e.person_id IS NOT NULL"))
	var events []Events
	var asked, steps []sql.Expr
	add := func(name sql.Expr, of ...Alternative) error {
		m, err := p.matches(of)
		if err != nil {
			return err
		}
		for _, a := range of {
			events = append(events, a.Events)
		}
		asked = append(asked, m)
		s.field(name, m)
		return nil
	}
	for i := range p.Steps {
		if err := add(matched(i), p.Steps[i].Any...); err != nil {
			return err
		}
	}
	steps = slices.Clone(asked)
	for i := range p.Exclude {
		if err := add(before(i), p.Exclude[i].Alternative); err != nil {
			return err
		}
	}
	active := s.is(Events{All: true})
	if p.Order == strict { // whatever else somebody did stands between
		asked = append(asked, active)
	}
	if p.Order == strict || p.Count == sessions {
		events = append(events, Events{All: true})
	}
	s.only(events...)
	if p.Count == sessions { // a session is made of all that a person did
		s.field(sql.E("active"), active)
		s.field(sql.E("asked"), sql.And(append([]sql.Expr{sql.Or(asked...)}, p.filters()...)...))
	} else {
		s.keep(sql.Or(asked...))
		for _, where := range p.filters() {
			s.keep(where)
		}
	}
	s.field(sql.E("person"), s.person())
	s.field(sql.E("t"), s.time())
	for i, property := range p.Hold {
		v := s.property(property)
		if v.form == momentForm {
			return wrong(item("hold", i), "this property is a time, which no two events have in common")
		}
		s.field(p.held[i], v.key())
	}
	switch {
	case p.apart():
		if len(p.keys) > 0 {
			for i, o := range s.order()[1:] {
				s.field(sql.Name("o", i), o)
			}
		}
	case p.Order == strict || len(p.keys) > 0:
		s.field(sql.E("place"), sql.E("row_number() OVER (PARTITION BY ? ORDER BY ?)", s.person(), sql.List(p.order(steps)...)))
	}
	return s.keyed()
}

// order is that of a person's events. Where no other may come between, those of the
// same instant stand in the order of the first step that each can serve, those that
// serve none behind them.
func (p *funnelPlan) order(steps []sql.Expr) []sql.Expr {
	list := p.scan.order()
	if p.Order != strict {
		return list
	}
	first := sql.Int(int64(len(steps)))
	for i, step := range slices.Backward(steps) {
		first = sql.E("CASE WHEN ? THEN ? ELSE ? END", step, sql.Int(int64(i)), first)
	}
	return slices.Insert(list, 1, first)
}

func (p *funnelPlan) filters() []sql.Expr {
	if len(p.Where) == 0 {
		return nil
	}
	return []sql.Expr{p.scan.where}
}

// matches tells whether a row is one of some alternatives.
func (p *funnelPlan) matches(list []Alternative) (sql.Expr, error) {
	found := make([]sql.Expr, len(list))
	for i, a := range list {
		where, err := p.scan.condition(a.Where)
		if err != nil {
			return where, err
		}
		both := []sql.Expr{p.scan.is(a.Events)}
		if len(a.Where) > 0 {
			both = append(both, where)
		}
		if p.Count == sessions && !a.Events.All {
			both = append(both, p.scan.is(Events{All: true}))
		}
		found[i] = sql.And(both...)
	}
	return sql.Or(found...), nil
}

// sessions numbers the sessions and keeps the rows that are asked for.
func (p *funnelPlan) sessions() sql.Expr {
	var carried []sql.Expr
	for _, f := range p.scan.fields {
		carried = append(carried, f.Name)
	}
	numbered := numberSessions(sql.E("scan"), carried, p.scan.env.sessionGapMS())
	return sql.E("SELECT *\nFROM (\n?\n) n\nWHERE asked AND active", numbered)
}

// inRange tells whether an event at t is on the report's days, so that an attempt
// can start with it.
func (p *funnelPlan) inRange() sql.Expr {
	var within []sql.Expr
	for _, o := range p.scan.cal.spans(p.scan.cal.from, p.scan.cal.to) {
		within = append(within, sql.E("(t >= ? AND t < ?)", sql.Int(o.from), sql.Int(o.until)))
	}
	return sql.Or(within...)
}

// groups are the fields within which an attempt stays.
func (p *funnelPlan) groups() []sql.Expr { return append(slices.Clone(p.unit), p.held...) }

// best takes the attempt with which each person or session counts. No two are
// tied, so rank is row_number, for which DuckDB 1.5 has a short cut that fails on
// this statement (TopNWindowElimination).
func (p *funnelPlan) best(tie []sql.Expr) sql.Select {
	by := append([]sql.Expr{sql.E("t")}, tie...)
	if !p.First {
		by = append([]sql.Expr{sql.E("reached DESC")}, by...)
	}
	ranked := sql.Select{
		Fields: []sql.Field{{Expr: sql.E("*")}, sql.As(sql.E("rank() OVER (PARTITION BY ? ORDER BY ?)", sql.List(p.unit...), sql.List(by...)), "choice")},
		From:   p.table,
	}
	return sql.Select{Fields: []sql.Field{{Expr: sql.E("*")}}, From: ranked.Sub("a"), Where: []sql.Expr{sql.E("choice = 1")}}
}

// choose makes the query of the attempts that count.
func (p *funnelPlan) choose(chosen sql.Select) {
	switch {
	case p.Order == anyOrder:
		p.add(sql.E("chosen"), p.inTurn(chosen))
	case p.apart() && len(p.keys) > 0:
		p.add(sql.E("picked"), chosen.Expr())
		p.add(sql.E("keyed"), p.keysOfPicked())
		p.add(sql.E("chosen"), p.laterKeys(sql.E("picked"), sql.E("keyed")))
	case p.Order == inOrder && p.BreakdownAt > 1 && len(p.keys) > 0:
		p.add(sql.E("chosen"), p.laterKeys(sql.E("(?)", chosen.Expr()), sql.E("instants")))
	default:
		p.add(sql.E("chosen"), chosen.Expr())
	}
}
