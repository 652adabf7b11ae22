package report

import (
	"slices"

	"loch/shared/sql"
)

// A retention statement looks at the events once, in the query "scan", which has
// the rows that fit first or then. From it
//
//	moments  has a row for each person of each cohort: when they joined
//	joined   has the same with what else happened in that instant: whether then came
//	         after first, and the break-down's keys
//	visits   has a row for each person and slot of time in which they did then
//
// so that what is joined to each other is no longer events. With the calendar's
// clock a slot is an interval. With the rolling clock slots are as long as an
// interval, but cut time alike for everybody: a person's own interval lies over two
// of them, and the first and the last moment of a slot's visits tell in which of
// the two intervals that share the slot they were.
//
// The result's rows are cohort, step, a segment, persons: how many came back in an
// interval, or where step is null, how many joined.

// The days at the ends of what can be asked for: events before are not taken in,
// and after it is what has not happened.
const (
	earliestDay = 365    // 1971-01-01
	latestDay   = 84_400 // 2201-01-30
)

type retentionPlan struct {
	*Retention
	scan *scan
	cut  cutter
}

// Compile implements Spec.
func (s *Retention) Compile(d sql.Dialect, env Env) (*Statement, error) {
	p := &retentionPlan{Retention: s}
	var err error
	if p.scan, err = newScan(&s.Common, d, &env); err != nil {
		return nil, err
	}
	p.scan.numbered = true
	if err := p.fields(); err != nil {
		return nil, err
	}
	joined := sql.E("joined")
	queries := []sql.Field{
		{Name: sql.E("scan"), Expr: p.scan.query()},
		{Name: sql.E("moments"), Expr: p.moments()},
		{Name: joined, Expr: p.joined()},
		{Name: sql.E("visits"), Expr: p.visits()},
	}
	p.cut = cut(joined, []sql.Expr{sql.E("person"), sql.E("cohort"), sql.E("slot"), sql.E("t"), sql.E("again")}, s.Breakdown, sql.Expr{}, sql.Expr{})
	queries = append(queries, p.cut.queries...)
	statement := sql.With(queries, sql.UnionAll(p.sizes(), p.retained()))
	cal := &p.scan.cal
	return &Statement{SQL: statement.String(), Columns: p.columns(), answer: func(rows [][]any) (any, error) {
		return s.answer(cal, &env, rows)
	}}, nil
}

// lastDay is the last day of the last interval that is told of anybody.
func (p *retentionPlan) lastDay() int64 {
	cal := &p.scan.cal
	if p.Rolling { // two days more hold the hours by which clocks are set
		return cal.to + int64(p.Intervals)*p.stepMS()/dayMS + 2
	}
	return cal.lastDayOf(p.Interval, cal.bucketAt(p.Interval, cal.to)+int64(p.Intervals)-1)
}

// fields has the scan make what the queries need.
func (p *retentionPlan) fields() error {
	s := p.scan
	before, until := int64(0), p.lastDay()
	if p.FirstEver {
		before = max(s.cal.from-earliestDay, 0)
	}
	// Intervals are numbered as far as they are told. What is later is in some
	// interval behind the last, and where that matters all of those are one.
	numbered := hull(s.cal.spans(s.cal.from, until+2))
	if p.OrAfter {
		until = max(until, latestDay)
	}
	s.extend(before, until-s.cal.to)
	s.only(p.First.Events, p.Then.Events)
	s.keep(sql.E("? IS NOT NULL", s.person()))
	if len(p.Where) > 0 {
		s.keep(s.where)
	}
	first, err := p.fits(&p.First)
	if err != nil {
		return err
	}
	then, err := p.fits(&p.Then)
	if err != nil {
		return err
	}
	days := s.cal.spans(s.cal.from, s.cal.to)
	if p.FirstEver {
		first = sql.And(first, sql.E("? < ?", s.time(), sql.Int(hull(days).until)))
		then = sql.And(then, sql.E("? >= ?", s.time(), sql.Int(hull(days).from)))
	} else {
		first = sql.And(first, within(s.time(), days))
	}
	s.keep(sql.Or(first, then))
	s.field(sql.E("person"), s.person())
	s.field(sql.E("t"), s.time())
	for i, o := range s.order()[1:] {
		s.field(sql.Name("o", i), o)
	}
	s.field(sql.E("is_first"), first)
	s.field(sql.E("is_then"), then)
	bucket := s.cal.bucketOf(s.d, p.Interval, s.time(), numbered)
	s.field(sql.E("cohort"), bucket)
	if p.Rolling {
		bucket = s.d.Div(s.time(), sql.Int(p.stepMS()))
	}
	s.field(sql.E("slot"), bucket)
	return s.keyed()
}

func (p *retentionPlan) fits(a *Act) (sql.Expr, error) {
	where, err := p.scan.condition(a.Where)
	if err != nil || len(a.Where) == 0 {
		return p.scan.is(a.Events), err
	}
	return sql.And(p.scan.is(a.Events), where), nil
}

// within tells whether a moment is in one of some spans.
func within(t sql.Expr, list []span) sql.Expr {
	parts := make([]sql.Expr, len(list))
	for i, o := range list {
		parts[i] = sql.E("(? >= ? AND ? < ?)", t, sql.Int(o.from), t, sql.Int(o.until))
	}
	return sql.Or(parts...)
}

// moments takes of each person and interval the first event; with first_ever of
// each person the first of all, where that is of the report's days.
func (p *retentionPlan) moments() sql.Expr {
	query := sql.Select{
		Fields: []sql.Field{
			{Expr: sql.E("person")},
			sql.As(sql.E("cohort"), "cohort"),
			sql.As(sql.E("min(slot)"), "slot"),
			sql.As(sql.E("min(t)"), "t"),
		},
		From: sql.E("scan"), Where: []sql.Expr{sql.E("is_first")}, Group: []sql.Expr{sql.E("person"), sql.E("cohort")},
	}
	if p.FirstEver {
		query.Fields[1] = sql.As(sql.E("min(cohort)"), "cohort")
		query.Group = query.Group[:1]
		query.Having = within(sql.E("min(t)"), p.scan.cal.spans(p.scan.cal.from, p.scan.cal.to))
	}
	return query.Expr()
}

// joined puts the few events that happened in the instants of moments in order.
func (p *retentionPlan) joined() sql.Expr {
	order := make([]sql.Expr, len(p.scan.order())-1)
	for i := range order {
		order[i] = sql.E("s.?", sql.Name("o", i))
	}
	ranked := sql.Select{
		Fields: []sql.Field{
			sql.As(sql.E("m.person"), "person"), sql.As(sql.E("m.cohort"), "cohort"), sql.As(sql.E("m.slot"), "slot"), sql.As(sql.E("m.t"), "t"),
			sql.As(sql.E("s.is_first"), "is_first"), sql.As(sql.E("s.is_then"), "is_then"),
			sql.As(sql.E("row_number() OVER (PARTITION BY m.person, m.t ORDER BY ?)", sql.List(order...)), "place"),
		},
		From: sql.E("scan s\nJOIN moments m ON m.person = s.person AND m.t = s.t"),
	}
	who := []sql.Expr{sql.E("person"), sql.E("cohort"), sql.E("slot"), sql.E("t")}
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

// visits are the slots in which a person did then.
func (p *retentionPlan) visits() sql.Expr {
	return sql.Select{
		Fields: []sql.Field{
			{Expr: sql.E("person")}, {Expr: sql.E("slot")},
			sql.As(sql.E("min(t)"), "earliest"), sql.As(sql.E("max(t)"), "latest"),
		},
		From: sql.E("scan"), Where: []sql.Expr{sql.E("is_then")}, Group: []sql.Expr{sql.E("person"), sql.E("slot")},
	}.Expr()
}

// sizes counts who joined.
func (p *retentionPlan) sizes() sql.Expr {
	return sql.Select{
		Fields: slices.Concat([]sql.Field{{Expr: sql.E("cohort")}, sql.As(sql.E("CAST(NULL AS BIGINT)"), "step")},
			plain(p.cut.segment), []sql.Field{sql.As(sql.E("count(*)"), "persons")}),
		From: p.cut.table, Group: append([]sql.Expr{sql.E("cohort")}, p.cut.segment...),
	}.Expr()
}

// retained counts who came back, by interval: each person once in each in which
// they were, or in the last alone where being back counts for all before it.
func (p *retentionPlan) retained() sql.Expr {
	groups := append([]sql.Expr{sql.E("cohort")}, p.cut.segment...)
	last := sql.Int(int64(p.Intervals) - 1)
	persons := sql.Select{
		Fields: append(plain(groups), sql.Field{Expr: sql.E("step")}),
		From:   p.returns().Sub("r"),
		Where:  []sql.Expr{sql.E("step <= ?", last)},
		Group:  append(slices.Clone(groups), sql.E("person"), sql.E("step")),
	}
	if p.OrAfter {
		persons.Fields[len(groups)] = sql.As(sql.E("least(max(step), ?)", last), "step")
		persons.Where, persons.Group = nil, append(slices.Clone(groups), sql.E("person"))
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
	apart := sql.E("v.slot - j.slot")
	on := sql.E("v.person = j.person AND v.slot >= j.slot AND (v.latest > j.t OR v.slot = j.slot AND j.again)")
	if !p.OrAfter {
		on = sql.E("? AND v.slot <= j.slot + ?", on, sql.Int(int64(p.Intervals)))
	}
	query := sql.Select{
		Fields: []sql.Field{sql.As(sql.E("j.person"), "person"), sql.As(sql.E("j.cohort"), "cohort")},
		From:   sql.E("? j\nJOIN visits v ON ?", p.cut.table, on),
	}
	for _, f := range p.cut.segment {
		query.Fields = append(query.Fields, sql.Field{Name: f, Expr: sql.E("j.?", f)})
	}
	if !p.Rolling {
		query.Fields = append(query.Fields, sql.As(apart, "step"))
		return query
	}
	// The person's interval so many steps on begins within the slot so many on: what
	// is earlier in that slot is of the interval before.
	begins := sql.E("j.t + (?) * ?", apart, sql.Int(p.stepMS()))
	query.Fields = append(query.Fields, sql.As(sql.E("? - h.half", apart), "step"))
	query.From = sql.E("?\nCROSS JOIN (VALUES (0), (1)) h(half)", query.From)
	query.Where = []sql.Expr{sql.E("(h.half = 0 AND v.latest >= ? OR h.half = 1 AND v.slot > j.slot AND v.earliest < ?)", begins, begins)}
	return query
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
