package report

import (
	"slices"

	"loch/shared/sql"
)

// A flows statement looks at the events once and makes of them, query by query:
//
//	scan    what people did, in order, with whether it can be the anchor
//	begun   the same, with when its session began, where paths are of sessions
//	anchors the same, with the place of the anchor of its path
//	walked  what is on the path from there, and whether it is another event than the one before
//	paths   one row for each path: e0, e1, … are its events
//	cut     the same, with its segment
//	pairs   how many paths go from one event to another at a step
//
// and ranks the events of each step. That needs no more than the pairs: as many
// paths come to an event at a step as have it there.
type flowsPlan struct {
	*Flows
	scan    *scan
	queries []sql.Field
	table   sql.Expr   // the last of queries
	unit    []sql.Expr // what has a path: person, or person and began
	keys    []sql.Expr // the break-down's, k0, k1, …
	least   int64      // events of fewer persons are no node; 0 where that does not matter
}

// End is the node of whoever did nothing more.
const End = "(end)"

// Compile implements Spec.
func (f *Flows) Compile(d sql.Dialect, env Env) (*Statement, error) {
	p := &flowsPlan{Flows: f, unit: []sql.Expr{sql.E("person")}}
	if env.MinCell > 1 {
		p.least = env.MinCell
	}
	var err error
	if p.scan, err = newScan(&f.Common, d, &env); err != nil {
		return nil, err
	}
	for i := range f.Breakdown {
		p.keys = append(p.keys, sql.Name("k", i))
	}
	if err := p.fields(); err != nil {
		return nil, err
	}
	p.add(sql.E("scan"), p.scan.query())
	var of []sql.Expr
	if f.Sessions {
		p.unit = append(p.unit, sql.E("began"))
		p.add(sql.E("begun"), begun(p.table, p.scan.fields))
		of = []sql.Expr{p.scan.onDays(), sql.E("walks")}
	}
	p.add(sql.E("anchors"), p.anchors(of))
	p.add(sql.E("walked"), p.walked())
	p.add(sql.E("paths"), p.paths())
	carried := []sql.Expr{sql.E("person")}
	for i := range f.Steps + 1 {
		carried = append(carried, visited(i))
	}
	c := cut(p.table, carried, f.Breakdown, sql.Expr{}, sql.Expr{})
	p.queries, p.table = append(p.queries, c.queries...), c.table
	p.add(sql.E("pairs"), p.pairs(c.segment))
	return &Statement{SQL: sql.With(p.queries, p.links(c.segment)).String(), Columns: p.columns(), answer: func(rows [][]any) (any, error) {
		return f.answer(env.MinCell, rows)
	}}, nil
}

// visited is the event of a path at a step.
func visited(step int) sql.Expr { return sql.Name("e", step) }

// add puts a query behind the others.
func (p *flowsPlan) add(name, query sql.Expr) {
	p.queries, p.table = append(p.queries, sql.Field{Name: name, Expr: query}), name
}

// fields has the scan make what the queries need.
func (p *flowsPlan) fields() error {
	s := p.scan
	anchor, err := s.condition(p.Anchor.Where)
	if err != nil {
		return err
	}
	if len(p.Anchor.Where) == 0 {
		anchor = s.is(p.Anchor.Events)
	} else {
		anchor = sql.And(s.is(p.Anchor.Events), anchor)
	}
	var walks []sql.Expr
	if len(p.Where) > 0 {
		walks = append(walks, s.where)
	}
	if len(p.Hide) > 0 {
		walks = append(walks, sql.E("? NOT IN ?", s.eventName(), sql.Texts(p.Hide)))
	}
	if p.Sessions { // a session is made of all that a person did
		s.sessions()
		s.field(sql.E("walks"), sql.And(walks...))
	} else {
		s.only(Events{All: true})
		s.keep(sql.E("? IS NOT NULL", s.person()))
		s.kept = append(s.kept, walks...)
		s.field(sql.E("person"), s.person())
		s.field(sql.E("place"), sql.E("row_number() OVER (PARTITION BY ? ORDER BY ?)", s.person(), sql.List(s.order()...)))
	}
	s.field(sql.E("event"), s.eventName())
	s.field(sql.E("anchor"), anchor)
	return s.keyed()
}

// anchors adds to what can be on a path the place of the path's anchor.
func (p *flowsPlan) anchors(where []sql.Expr) sql.Expr {
	return sql.Select{
		Fields: append(plain(slices.Concat(p.unit, []sql.Expr{sql.E("event"), sql.E("place")}, p.keys)),
			sql.As(sql.E("min(CASE WHEN anchor THEN place END) OVER (PARTITION BY ?)", sql.List(p.unit...)), "anchored")),
		From: p.table, Where: where,
	}.Expr()
}

// along is the order of a path, away from its anchor.
func (p *flowsPlan) along() sql.Expr {
	by := sql.E("place")
	if p.Backward {
		by = sql.E("place DESC")
	}
	return sql.E("(PARTITION BY ? ORDER BY ?)", sql.List(p.unit...), by)
}

// walked is what comes with the anchor and behind it on a path.
func (p *flowsPlan) walked() sql.Expr {
	query := sql.Select{
		Fields: plain(slices.Concat(p.unit, []sql.Expr{sql.E("event"), sql.E("place")}, p.keys)),
		From:   p.table, Where: []sql.Expr{sql.E("place >= anchored")},
	}
	if p.Backward {
		query.Where[0] = sql.E("place <= anchored")
	}
	if p.Collapse {
		query.Fields = append(query.Fields, sql.As(sql.E("CASE WHEN event = lag(event) OVER ? THEN 0 ELSE 1 END", p.along()), "another"))
	}
	return query.Expr()
}

// paths has a row for each path.
func (p *flowsPlan) paths() sql.Expr {
	step := sql.E("row_number() OVER ?", p.along())
	if p.Collapse {
		step = sql.E("sum(another) OVER ?", p.along())
	}
	stepped := sql.Select{
		Fields: append(plain(slices.Concat(p.unit, []sql.Expr{sql.E("event"), sql.E("place")}, p.keys)), sql.As(sql.E("? - 1", step), "step")),
		From:   p.table,
	}
	query := sql.Select{
		Fields: plain(p.unit), From: stepped.Sub("s"),
		Where: []sql.Expr{sql.E("step <= ?", sql.Int(int64(p.Steps)))}, Group: p.unit,
	}
	for i := range p.Steps + 1 {
		query.Fields = append(query.Fields, sql.Field{Name: visited(i), Expr: sql.E("max(CASE WHEN step = ? THEN event END)", sql.Int(int64(i)))})
	}
	nearest := sql.E("min_by")
	if p.Backward {
		nearest = sql.E("max_by")
	}
	for _, k := range p.keys {
		query.Fields = append(query.Fields, sql.Field{Name: k, Expr: sql.E("?(?, place)", nearest, k)})
	}
	return query.Expr()
}

// pairs counts the paths by step and the events there and at the next step, which is
// null where the path ends. Where persons matter, a row is of one person.
func (p *flowsPlan) pairs(segment []sql.Expr) sql.Expr {
	here, there, steps := sql.E("CASE step"), sql.E("CASE step"), make([]sql.Expr, p.Steps)
	for i := range p.Steps {
		step := sql.Int(int64(i))
		here, there = sql.E("? WHEN ? THEN ?", here, step, visited(i)), sql.E("? WHEN ? THEN ?", there, step, visited(i+1))
		steps[i] = sql.E("(?)", step)
	}
	groups := append(slices.Clone(segment), sql.E("step"), sql.E("here"), sql.E("there"))
	each := sql.Select{
		Fields: append(plain(segment), sql.Field{Expr: sql.E("step")}, sql.As(sql.E("? END", here), "here"), sql.As(sql.E("? END", there), "there")),
		From:   sql.E("? CROSS JOIN (VALUES ?) steps(step)", p.table, sql.List(steps...)),
	}
	if p.least > 0 {
		each.Fields = append(each.Fields, sql.Field{Expr: sql.E("person")})
		groups = append(groups, sql.E("person"))
	}
	return sql.Select{
		Fields: append(plain(groups), sql.As(sql.E("count(*)"), "paths")),
		From:   each.Sub("e"), Where: []sql.Expr{sql.E("here IS NOT NULL")}, Group: groups,
	}.Expr()
}

// links are the pairs between nodes.
func (p *flowsPlan) links(segment []sql.Expr) sql.Expr {
	from := p.frequencies()
	reserved, least := sql.Texts([]string{Other, End}), sql.Int(p.least)
	ends := []sql.Expr{sql.E("here"), sql.E("there")}
	apart := []sql.Expr{sql.E("here IN ?", reserved), sql.E("(there IS NULL OR there IN ?)", reserved)}
	if p.least > 0 {
		apart = []sql.Expr{sql.E("(? OR here_persons < ?)", apart[0], least), sql.E("(? OR there_persons < ?)", apart[1], least)}
	}
	ranked := sql.Select{Fields: []sql.Field{{Expr: sql.E("*")}}, From: from}
	named := sql.Select{Fields: append(plain(segment), sql.Field{Expr: sql.E("step")}), From: sql.E("ranked")}
	for i, end := range ends {
		rank := sql.E("dense_rank() OVER (PARTITION BY step ORDER BY CASE WHEN ? THEN 1 ELSE 0 END, ?_paths DESC, ?)", apart[i], end, end)
		ranked.Fields = append(ranked.Fields, sql.Field{Name: sql.E("?_rank", end), Expr: rank})
		named.Fields = append(named.Fields, sql.Field{Name: sql.E("?_rank", end), Expr: sql.E("CASE WHEN ? OR ?_rank > ? THEN ? ELSE ?_rank END", apart[i], end, sql.Int(int64(p.Top)), sql.Int(int64(p.Top)+1), end)})
		node := sql.E("CASE WHEN ? OR ?_rank > ? THEN ? ELSE ? END", apart[i], end, sql.Int(int64(p.Top)), sql.Text(Other), end)
		if i == 1 {
			node = sql.E("CASE WHEN there IS NOT NULL THEN ? END", node)
		}
		named.Fields = append(named.Fields, sql.Field{Name: end, Expr: node})
	}
	named.From = ranked.Sub("r")
	named.Fields = append(named.Fields, sql.Field{Expr: sql.E("paths")})
	groups := append(slices.Clone(segment), sql.E("step"), sql.E("here_rank"), sql.E("here"), sql.E("there_rank"), sql.E("there"))
	query := sql.Select{Fields: append(plain(groups), sql.As(sql.E("sum(paths)"), "paths")), Group: groups}
	if p.least > 0 {
		named.Fields = append(named.Fields, sql.Field{Expr: sql.E("person")})
		query.Fields = append(query.Fields, sql.As(sql.E("count(DISTINCT person)"), "persons"))
		query.Sets = [][]sql.Expr{groups, segment}
		if len(segment) > 0 {
			query.Sets = append(query.Sets, nil) // all segments together
		}
	} else {
		query.Fields = append(query.Fields, sql.As(sql.E("CAST(0 AS BIGINT)"), "persons"))
	}
	query.From = named.Sub("n")
	return query.Expr()
}

// frequencies adds to the pairs how many paths have each of the two events at its
// step, and, where that matters, how many persons these are.
func (p *flowsPlan) frequencies() sql.Expr {
	from, ends := p.table, []sql.Expr{sql.E("here"), sql.E("there")}
	if p.least > 0 { // a person counts with the first of the rows that say the same
		marked := sql.Select{Fields: []sql.Field{{Expr: sql.E("*")}}, From: from}
		for _, end := range ends {
			first := sql.E("CASE WHEN row_number() OVER (PARTITION BY step, ?, person ORDER BY paths) = 1 THEN 1 ELSE 0 END", end)
			marked.Fields = append(marked.Fields, sql.Field{Name: sql.E("?_first", end), Expr: first})
		}
		from = marked.Sub("m")
	}
	query := sql.Select{Fields: []sql.Field{{Expr: sql.E("*")}}, From: from}
	for _, end := range ends {
		query.Fields = append(query.Fields, sql.Field{Name: sql.E("?_paths", end), Expr: sql.E("sum(paths) OVER (PARTITION BY step, ?)", end)})
		if p.least > 0 {
			query.Fields = append(query.Fields, sql.Field{Name: sql.E("?_persons", end), Expr: sql.E("sum(?_first) OVER (PARTITION BY step, ?)", end, end)})
		}
	}
	return query.Sub("f")
}

// columns are those of the statement's result.
func (p *flowsPlan) columns() []Meaning {
	var list []Meaning
	for i := range p.Breakdown {
		list = append(list,
			Meaning{sql.Name("n", i).String(), "rank of the value of " + p.Breakdown[i].Property.String() + "; null is all segments together, for min_cell"},
			Meaning{sql.Name("s", i).String(), "the value, behind a letter for its type"})
	}
	return append(list, meanings("step", "number of the step from 0, the anchor's; null where persons are counted",
		"here_rank", "rank of the event at the step",
		"here", "the event",
		"there_rank", "rank of the event at the next step",
		"there", "that event; null where the path ends",
		"paths", "how many paths",
		"persons", "how many persons, where groups of few are hidden")...)
}
