package report

import "loch/shared/sql"

// A retention statement looks at the events that fit first or then, and makes of them,
// query by query:
//
//	days     a row for each person and slot of time: when they first did first in
//	         it, when they last did then
//	moments  a row for each person of each cohort: when they joined
//	tied     for those of them with other events in the very instant: whether then
//	         came after first, and for all the break-down's keys
//	joined   moments, with what tied knows of them
//	visits   a row for each person and slot in which they did then
//
// so that what is joined to each other is no longer events. Only tied, which is most
// often of nobody where nothing is broken down, looks at the events again.
//
// With the calendar's clock a slot is an interval. With the rolling clock slots are as
// long as an interval, but cut time alike for everybody: a person's own interval lies
// over two of them, and the first and the last moment of a slot's visits tell in which
// of the two intervals that share the slot they were.
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
	scan *scan // of what days needs
	cut  cutter
}

// Compile implements Spec.
func (s *Retention) Compile(d sql.Dialect, env Env) (*Statement, error) {
	p := &retentionPlan{Retention: s}
	ordered, err := p.fields(d, &env, true)
	if err != nil {
		return nil, err
	}
	if p.scan, err = p.fields(d, &env, false); err != nil {
		return nil, err
	}
	joined := sql.E("joined")
	queries := []sql.Field{
		{Name: sql.E("days"), Expr: p.days()},
		{Name: sql.E("moments"), Expr: p.moments()},
		{Name: sql.E("tied"), Expr: p.tied(ordered)},
		{Name: joined, Expr: p.joined()},
		{Name: sql.E("visits"), Expr: p.visits()},
	}
	p.cut = cut(joined, []sql.Expr{sql.E("person"), sql.E("cohort"), sql.E("slot"), sql.E("t"), sql.E("again")}, s.Breakdown, sql.Expr{}, sql.Expr{})
	queries = append(queries, p.cut.queries...)
	counted := sql.UnionAll(p.sizes(), p.retained(p.returns()))
	if !d.KeepsQueries() {
		counted = p.retained(p.joinsAndReturns())
	}
	statement := sql.With(queries, counted)
	cal := &p.scan.cal
	return &Statement{SQL: statement.String(), Columns: p.columns(), answer: func(rows [][]any) (any, error) {
		return s.answer(cal, &env, rows)
	}}, nil
}

// lastDay is the last day of the last interval that is told of anybody.
func (p *retentionPlan) lastDay(cal *calendar) int64 {
	if p.Rolling { // two days more hold the hours by which clocks are set
		return cal.to + int64(p.Intervals)*p.stepMS()/dayMS + 2
	}
	return cal.lastDayOf(p.Interval, cal.bucketAt(p.Interval, cal.to)+int64(p.Intervals)-1)
}

// fields makes a scan of the events that fit first or then. Where it is to be ordered
// it has what puts the events of one instant in order, and the break-down's keys.
func (p *retentionPlan) fields(d sql.Dialect, env *Env, ordered bool) (*scan, error) {
	s, err := newScan(&p.Common, d, env)
	if err != nil {
		return nil, err
	}
	before, until := int64(0), p.lastDay(&s.cal)
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
	first, err := p.fits(s, &p.First)
	if err != nil {
		return nil, err
	}
	then, err := p.fits(s, &p.Then)
	if err != nil {
		return nil, err
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
	s.field(sql.E("is_first"), sql.Sure(first))
	s.field(sql.E("is_then"), sql.Sure(then))
	if ordered {
		for i, o := range s.order()[1:] {
			s.field(sql.Name("o", i), o)
		}
		return s, s.keyed()
	}
	bucket := s.cal.bucketOf(s.d, p.Interval, s.time(), numbered)
	s.field(sql.E("cohort"), bucket)
	if p.Rolling {
		bucket = s.d.Div(s.time(), sql.Int(p.stepMS()))
	}
	s.field(sql.E("slot"), bucket)
	return s, nil
}

func (p *retentionPlan) fits(s *scan, a *Act) (sql.Expr, error) {
	where, err := s.condition(a.Where)
	if err != nil || len(a.Where) == 0 {
		return s.is(a.Events), err
	}
	return sql.And(s.is(a.Events), where), nil
}

// within tells whether a moment is in one of some spans.
func within(t sql.Expr, list []span) sql.Expr {
	parts := make([]sql.Expr, len(list))
	for i, o := range list {
		parts[i] = sql.E("(? >= ? AND ? < ?)", t, sql.Int(o.from), t, sql.Int(o.until))
	}
	return sql.Or(parts...)
}
