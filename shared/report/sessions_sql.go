package report

import (
	"slices"

	"loch/shared/event"
	"loch/shared/sql"
)

// A sessions statement looks at the events once and makes of them, query by query:
//
//	scan      what people did, in order, with whether it is fresh: after a silence
//	begun     the same, with the moment at which the session of each began
//	sessions  one row for each session
//	cut       the same, with its segment
//	placed    the same, with its place among all by how long they lasted
//	told      counts: by interval, of the whole time, by entry page, by exit page
//
// and of the pages keeps the most frequent. Sessions are told apart by person and
// beginning, since no two of a person begin in the same instant.
type sessionsPlan struct {
	*Sessions
	scan    *scan
	cut     cutter
	persons bool // who is behind a count matters
}

// What the rows of the result tell of.
const (
	partMeasures = iota
	partEntry
	partExit
)

// followMS is how long after the report's last day sessions are followed.
const followMS = dayMS

// Compile implements Spec.
func (s *Sessions) Compile(d sql.Dialect, env Env) (*Statement, error) {
	p := &sessionsPlan{Sessions: s, persons: env.MinCell > 1}
	var err error
	if p.scan, err = newScan(&s.Common, d, &env); err != nil {
		return nil, err
	}
	if err := p.fields(); err != nil {
		return nil, err
	}
	queries := []sql.Field{
		{Name: sql.E("scan"), Expr: p.scan.query()},
		{Name: sql.E("begun"), Expr: begun(sql.E("scan"), p.scan.fields)},
		{Name: sql.E("sessions"), Expr: p.sessions()},
	}
	carried := []sql.Expr{sql.E("person"), sql.E("lasted"), sql.E("events"), sql.E("bounced"), sql.E("entry_page"), sql.E("exit_page")}
	if s.Interval != Total {
		carried = append(carried, sql.E("bucket"))
	}
	p.cut = cut(sql.E("sessions"), carried, s.Breakdown, sql.Expr{}, sql.Expr{})
	queries = append(queries, p.cut.queries...)
	queries = append(queries, sql.Field{Name: sql.E("placed"), Expr: p.placed(carried)}, sql.Field{Name: sql.E("told"), Expr: p.told()})
	return &Statement{SQL: sql.With(queries, p.result()).String(), Columns: p.columns(), answer: func(rows [][]any) (any, error) {
		return s.answer(&p.scan.cal, env.MinCell, rows)
	}}, nil
}

// fields has the scan make what the queries need.
func (p *sessionsPlan) fields() error {
	s := p.scan
	s.sessions()
	views := sql.Texts([]string{string(event.KindPage), string(event.KindScreen)})
	s.field(sql.E("page"), sql.E("CASE WHEN ? IN ? THEN ? END", s.column(sql.E("kind"), sql.E("e.kind")), views, s.property(pagePath).key()))
	if len(p.Where) > 0 {
		s.field(sql.E("passes"), s.where)
	}
	return s.keyed()
}

// sessions has the scan make what sessions are cut by: what persons did from one
// silence before the report's days until some time after them, in order. fresh is 1
// where a silence ends, and at the first row of a person, which is of the report's
// days or of a session that began before them.
func (s *scan) sessions() {
	whole, gap := s.hull(), s.env.sessionGapMS()
	s.over = []span{{whole.from - gap, whole.until + followMS}}
	s.only(Events{All: true})
	s.keep(sql.E("? IS NOT NULL", s.person()))
	s.field(sql.E("person"), s.person())
	s.field(sql.E("t"), s.time())
	by := sql.E("(PARTITION BY ? ORDER BY ?)", s.person(), sql.List(s.order()...))
	s.field(sql.E("place"), sql.E("row_number() OVER ?", by))
	s.field(sql.E("fresh"), sql.E("CASE WHEN ? - lag(?) OVER ? <= ? THEN 0 ELSE 1 END", s.time(), s.time(), by, sql.Int(gap)))
}

// begun adds to the rows of a table when the session of each began.
func begun(table sql.Expr, fields []sql.Field) sql.Expr {
	var carried []sql.Field
	for _, f := range fields {
		carried = append(carried, sql.Field{Expr: f.Name})
	}
	return sql.Select{
		Fields: append(carried, sql.As(sql.E("max(CASE WHEN fresh = 1 THEN t END) OVER (PARTITION BY person ORDER BY place)"), "began")),
		From:   table,
	}.Expr()
}

// onDays tells whether a session began on the report's days.
func (s *scan) onDays() sql.Expr { return within(sql.E("began"), s.cal.spans(s.cal.from, s.cal.to)) }

// sessions has a row for each session.
func (p *sessionsPlan) sessions() sql.Expr {
	page := func(by sql.Expr) sql.Expr {
		return sql.E("coalesce(?(page, place) FILTER (WHERE page IS NOT NULL), '')", by)
	}
	query := sql.Select{
		Fields: []sql.Field{
			{Expr: sql.E("person")}, {Expr: sql.E("began")},
			sql.As(sql.E("max(t) - began"), "lasted"),
			sql.As(sql.E("count(*)"), "events"),
			sql.As(sql.E("CASE WHEN count(*) = 1 AND count(page) = 1 THEN 1 ELSE 0 END"), "bounced"),
			sql.As(page(sql.E("min_by")), "entry_page"),
			sql.As(page(sql.E("max_by")), "exit_page"),
		},
		From: sql.E("begun"), Where: []sql.Expr{p.scan.onDays()}, Group: []sql.Expr{sql.E("person"), sql.E("began")},
	}
	if p.Interval != Total {
		days := hull(p.scan.cal.spans(p.scan.cal.from, p.scan.cal.to))
		query.Fields = append(query.Fields, sql.As(p.scan.cal.bucketOf(p.scan.d, p.Interval, sql.E("began"), days), "bucket"))
	}
	for i := range p.Breakdown {
		k := sql.Name("k", i)
		query.Fields = append(query.Fields, sql.Field{Name: k, Expr: sql.E("min_by(?, place)", k)})
	}
	if len(p.Where) > 0 {
		query.Having = sql.E("bool_or(passes)")
	}
	return query.Expr()
}

// placed tells each session's place by how long it lasted, in its interval and in
// the whole time, and of how many.
func (p *sessionsPlan) placed(carried []sql.Expr) sql.Expr {
	query := sql.Select{Fields: plain(append(slices.Clone(p.cut.segment), carried...)), From: p.cut.table}
	place := func(name, of sql.Expr, groups []sql.Expr) {
		by, all := sql.E("ORDER BY lasted"), sql.Expr{}
		if len(groups) > 0 {
			all = sql.E("PARTITION BY ?", sql.List(groups...))
			by = sql.E("? ORDER BY lasted", all)
			all = sql.E("(?)", all)
		} else {
			all = sql.E("()")
		}
		query.Fields = append(query.Fields,
			sql.Field{Name: name, Expr: sql.E("row_number() OVER (?)", by)},
			sql.Field{Name: of, Expr: sql.E("count(*) OVER ?", all)})
	}
	place(sql.E("place"), sql.E("places"), p.cut.segment)
	if p.Interval != Total {
		place(sql.E("bucket_place"), sql.E("bucket_places"), append(slices.Clone(p.cut.segment), sql.E("bucket")))
	}
	return query.Expr()
}

// told counts sessions in one go over each of the ways. Where persons matter, the
// rows of pages are of each person.
func (p *sessionsPlan) told() sql.Expr {
	segment := p.cut.segment
	set := func(further ...sql.Expr) []sql.Expr { return append(slices.Clone(segment), further...) }
	entry, exit := set(sql.E("entry_page")), set(sql.E("exit_page"))
	persons := sql.E("CAST(0 AS BIGINT)")
	if p.persons {
		entry, exit = append(entry, sql.E("person")), append(exit, sql.E("person"))
		persons = sql.E("count(DISTINCT person)")
	}
	query := sql.Select{From: sql.E("placed"), Sets: [][]sql.Expr{set(), entry, exit}}
	middle := func(place, places sql.Expr, plus int64) sql.Expr {
		return sql.E("max(lasted) FILTER (WHERE ? = ?)", place, p.scan.d.Div(sql.E("(? + ?)", places, sql.Int(plus)), sql.Int(2)))
	}
	low, high := middle(sql.E("place"), sql.E("places"), 1), middle(sql.E("place"), sql.E("places"), 2)
	bucket := orNull(sql.Expr{}, sql.E("BIGINT"))
	if p.Interval != Total {
		bucket = sql.E("bucket")
		query.Sets = append(query.Sets, set(bucket))
		of := func(whole sql.Expr, plus int64) sql.Expr {
			return sql.E("CASE WHEN bucket IS NULL THEN ? ELSE ? END", whole, middle(sql.E("bucket_place"), sql.E("bucket_places"), plus))
		}
		low, high = of(low, 1), of(high, 2)
	}
	if p.persons && len(segment) > 0 {
		query.Sets = append(query.Sets, nil) // all segments together
	}
	query.Fields = append(plain(segment),
		sql.As(bucket, "bucket"),
		sql.As(sql.E("CASE WHEN entry_page IS NOT NULL THEN ? WHEN exit_page IS NOT NULL THEN ? ELSE ? END", sql.Int(partEntry), sql.Int(partExit), sql.Int(partMeasures)), "part"),
		sql.As(sql.E("coalesce(entry_page, exit_page)"), "page"),
		sql.As(sql.E("count(*)"), "sessions"),
		sql.As(sql.E("sum(lasted)"), "lasted"), sql.As(low, "low"), sql.As(high, "high"),
		sql.As(sql.E("sum(events)"), "events"), sql.As(sql.E("sum(bounced)"), "bounced"),
		sql.As(persons, "persons"))
	if p.persons {
		query.Fields = append(query.Fields, sql.Field{Expr: sql.E("person")})
	}
	return query.Expr()
}

// result is what was told, of the pages the most frequent of each segment, the rest
// as one. Sessions without a page view are by themselves.
func (p *sessionsPlan) result() sql.Expr {
	groups := append(slices.Clone(p.cut.segment), sql.E("part"))
	other := textKey(Other)
	counted := sql.Select{
		Fields: []sql.Field{{Expr: sql.E("*")}, sql.As(sql.E("sum(sessions) OVER (PARTITION BY ?)", sql.List(append(slices.Clone(groups), sql.E("page"))...)), "frequency")},
		From:   sql.E("told"),
	}
	ranked := sql.Select{
		Fields: []sql.Field{{Expr: sql.E("*")}, sql.As(sql.E("dense_rank() OVER (PARTITION BY ? ORDER BY CASE WHEN page IN ('', ?) THEN 1 ELSE 0 END, frequency DESC, page)", sql.List(groups...), other), "rank")},
		From:   counted.Sub("c"),
	}
	named := sql.Select{
		Fields: []sql.Field{{Expr: sql.E("*")}, sql.As(sql.E("CASE WHEN page = '' OR rank <= ? THEN page ELSE ? END", sql.Int(int64(p.Top)), other), "shown")},
		From:   ranked.Sub("r"),
	}
	// Of what is no page there is one row for each group, and shown is null.
	persons := sql.E("max(persons)")
	if p.persons {
		persons = sql.E("CASE WHEN part = ? THEN max(persons) ELSE count(DISTINCT person) END", sql.Int(partMeasures))
	}
	by := append(slices.Clone(groups), sql.E("bucket"), sql.E("shown"))
	return sql.Select{
		Fields: append(plain(by),
			sql.As(sql.E("sum(sessions)"), "sessions"),
			sql.As(sql.E("sum(lasted)"), "lasted"), sql.As(sql.E("max(low)"), "low"), sql.As(sql.E("max(high)"), "high"),
			sql.As(sql.E("sum(events)"), "events"), sql.As(sql.E("sum(bounced)"), "bounced"),
			sql.As(persons, "persons")),
		From: named.Sub("n"), Group: by,
	}.Expr()
}

// columns are those of the statement's result.
func (p *sessionsPlan) columns() []Meaning {
	var list []Meaning
	for i := range p.Breakdown {
		list = append(list,
			Meaning{sql.Name("n", i).String(), "rank of the value of " + p.Breakdown[i].Property.String() + "; null is all segments together, for min_cell"},
			Meaning{sql.Name("s", i).String(), "the value, behind a letter for its type"})
	}
	return append(list, meanings("part", "what is told: 0 measures, 1 sessions by entry page, 2 by exit page",
		"bucket", "number of the interval from 0; null is the whole time",
		"page", "the page's path, behind a letter; empty are sessions without a page view",
		"sessions", "how many sessions",
		"lasted", "sum of the milliseconds that they lasted",
		"low", "the middle one of those, or the lower of the two in the middle",
		"high", "the upper of the two in the middle",
		"events", "how many events",
		"bounced", "how many sessions were one page view alone",
		"persons", "how many persons, where groups of few are hidden")...)
}
