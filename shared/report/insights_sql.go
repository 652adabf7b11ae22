package report

import (
	"slices"

	"loch/shared/sql"
)

// An insights statement looks at the events once, in the query "scan", which has
// for each series whether a row is one of its events (m0, m1, …) and its value
// (v0, …). What follows are passes over it, one for each way of counting; their
// rows stand one below the other:
//
//	pass, bucket, until, n0, s0, …, a0, b0, a1, b1, …
//
// A bucket of null is the whole time. Of each series, a is its value and b what
// else is needed: how many numbers there were for avg, the upper of the two middle
// values for median. Averages and formulas are worked out of these exact numbers,
// outside of SQL, so that all engines agree.
const (
	passValues  = iota // the series' values
	passRolling        // persons whose days of being counted run from bucket to before until
	passPersons        // for hiding small groups: persons of each segment, and of all where the segment is null
)

type insightsPlan struct {
	*Insights
	scan    *scan
	cut     cutter
	bucket  bool // there is more than one bucket
	rolling int64
}

// Compile implements Spec.
func (s *Insights) Compile(d sql.Dialect, env Env) (*Statement, error) {
	p := &insightsPlan{Insights: s, bucket: s.Interval != Total}
	var err error
	if p.scan, err = newScan(&s.Common, d, &env); err != nil {
		return nil, err
	}
	if err := p.fields(); err != nil {
		return nil, err
	}
	var carried []sql.Expr
	for _, f := range p.scan.fields {
		if !p.isKey(f.Name) {
			carried = append(carried, f.Name)
		}
	}
	table := sql.E("scan")
	queries := []sql.Field{{Name: table, Expr: p.scan.query()}}
	if p.has(sessions) {
		queries = append(queries, sql.Field{Name: sql.E("sessions"), Expr: numberSessions(table, append(carried, p.keys()...), env.sessionGapMS())})
		table = sql.E("sessions")
		carried = append(carried, sql.E("session"))
	}
	var kept sql.Expr
	if p.has(sessions) {
		kept = p.anyMatch() // all others are left out by the scan
	}
	p.cut = cut(table, carried, s.Breakdown, sql.And(p.anyMatch(), p.inRange()), kept)
	queries = append(queries, p.cut.queries...)
	statement := sql.With(queries, sql.UnionAll(p.passes(env.MinCell > 1)...))
	return &Statement{SQL: statement.String(), Columns: p.columns(), answer: func(rows [][]any) (any, error) {
		return s.answer(&p.scan.cal, env.MinCell, rows)
	}}, nil
}

func (p *insightsPlan) keys() []sql.Expr {
	keys := make([]sql.Expr, len(p.Breakdown))
	for i := range keys {
		keys[i] = sql.Name("k", i)
	}
	return keys
}

func (p *insightsPlan) isKey(name sql.Expr) bool { return slices.Contains(p.keys(), name) }

func (p *insightsPlan) has(measure string) bool {
	return slices.ContainsFunc(p.Series, func(s Series) bool { return s.Measure == measure })
}

func matched(i int) sql.Expr { return sql.Name("m", i) }
func valueOf(i int) sql.Expr { return sql.Name("v", i) }

// fields has the scan make what the passes need.
func (p *insightsPlan) fields() error {
	s := p.scan
	for i := range p.Series {
		p.rolling = max(p.rolling, p.Series[i].RollingDays)
	}
	if p.rolling > 0 {
		s.extend(p.rolling-1, 0)
	}
	var events []Events
	var any []sql.Expr
	for i := range p.Series {
		one := &p.Series[i]
		if one.Measure == "" {
			continue
		}
		events = append(events, one.Events)
		m, err := p.matches(one)
		if err != nil {
			return err
		}
		s.field(matched(i), m)
		any = append(any, m)
		if one.Property == nil {
			continue
		}
		v := s.property(*one.Property)
		switch {
		case v.form == momentForm:
			return wrong(one.place+".property", "this property is a time, which cannot be measured")
		case one.Measure == distinct:
			s.field(valueOf(i), sql.E("CASE WHEN ? THEN ? END", m, v.scalarKey()))
		default:
			s.field(valueOf(i), sql.E("CASE WHEN ? THEN ? END", m, v.measure()))
		}
	}
	if p.has(sessions) { // a session is made of all events of a person
		s.only(append(events, Events{All: true})...)
		s.field(sql.E("t"), s.time())
		s.field(sql.E("active"), s.is(Events{All: true}))
	} else {
		s.only(events...)
		if len(p.Where) > 0 {
			s.keep(s.where)
		}
		if slices.ContainsFunc(p.Series, func(one Series) bool { return len(one.Where) > 0 }) {
			s.keep(sql.Or(any...))
		}
	}
	if p.persons() {
		s.field(sql.E("person"), s.person())
	}
	if p.bucket {
		s.field(sql.E("bucket"), s.cal.bucketOf(s.d, p.Interval, s.time(), s.hull()))
	}
	if p.rolling > 0 {
		s.field(sql.E("day"), s.cal.bucketOf(s.d, Day, s.time(), s.hull()))
	}
	return s.keyed()
}

// matches tells whether a row is one of a series' events.
func (p *insightsPlan) matches(one *Series) (sql.Expr, error) {
	s := p.scan
	where, err := s.condition(one.Where)
	if err != nil {
		return where, err
	}
	list := []sql.Expr{s.is(one.Events)}
	if len(one.Where) > 0 {
		list = append(list, where)
	}
	if one.Measure == sessions && !one.Events.All {
		list = append(list, s.is(Events{All: true}))
	}
	if p.has(sessions) && len(p.Where) > 0 {
		// Rows that fail the report's filters belong to sessions all the same.
		list = append(list, s.where)
	}
	return sql.And(list...), nil
}

// persons tells whether somebody asks who did it.
func (p *insightsPlan) persons() bool {
	return p.scan.env.MinCell > 1 || p.has(uniques) || p.has(sessions) || p.has(perUser)
}

// anyMatch tells whether a row is an event of any series.
func (p *insightsPlan) anyMatch() sql.Expr {
	var any []sql.Expr
	for i := range p.Series {
		if p.Series[i].Measure != "" {
			any = append(any, matched(i))
		}
	}
	return sql.Or(any...)
}

// inRange leaves out rows of the days before, which only rolling series look at.
func (p *insightsPlan) inRange() sql.Expr {
	if p.rolling > 0 {
		return sql.E("day >= 0")
	}
	return sql.Expr{}
}

// numberSessions adds to the rows of a table, which has person, t and active, the
// number of the session that they are in: one more after each silence of the
// person that is longer than gap.
func numberSessions(table sql.Expr, carried []sql.Expr, gapMS int64) sql.Expr {
	var fields []sql.Field
	for _, f := range carried {
		fields = append(fields, sql.Field{Expr: f})
	}
	inner := sql.Select{
		Fields: append(slices.Clone(fields), sql.As(sql.E("CASE WHEN t - lag(t) OVER (PARTITION BY person, active ORDER BY t) > ? THEN 1 ELSE 0 END", sql.Int(gapMS)), "fresh")),
		From:   table,
	}
	return sql.Select{
		Fields: append(fields, sql.As(sql.E("sum(fresh) OVER (PARTITION BY person, active ORDER BY t)"), "session")),
		From:   inner.Sub("a"),
	}.Expr()
}

// columns are those of the statement's result.
func (p *insightsPlan) columns() []Meaning {
	list := meanings("pass", "which of the series below are told: 0 values, 1 rolling persons, 2 persons for min_cell",
		"bucket", "number of the interval from 0; null is the whole time; of rolling persons the day from which they count",
		"until", "of rolling persons the day from which they do not count any more")
	for i := range p.Breakdown {
		list = append(list,
			Meaning{sql.Name("n", i).String(), "rank of the value of " + p.Breakdown[i].Property.String()},
			Meaning{sql.Name("s", i).String(), "the value, behind a letter for its type"})
	}
	for i := range p.Series {
		if s := &p.Series[i]; s.Measure != "" {
			list = append(list,
				Meaning{sql.Name("a", i).String(), s.Name},
				Meaning{sql.Name("b", i).String(), "what else its value needs"})
		}
	}
	return list
}
