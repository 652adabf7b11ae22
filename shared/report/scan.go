package report

import (
	"slices"

	"loch/shared/event"
	"loch/shared/filter"
	"loch/shared/roster"
	"loch/shared/sql"
)

// A scan is the one look at the events that a report begins with. A report asks
// it for what it needs (person, time, properties, conditions) and gets the names
// of columns; what nobody asks for is not read. Its query is
//
//	SELECT the report's fields FROM (SELECT columns FROM events …) x WHERE …
//
// with bounds on the partitions' date and on time, so that engines open few files.
type scan struct {
	d    sql.Dialect
	env  *Env
	spec *Common
	cal  calendar

	where      sql.Expr    // the report's filters; TRUE without any. Keep it, or ask it of rows
	over       []span      // when the events were that are read
	columns    []sql.Field // of the inner query
	conditions []sql.Expr  // of the inner query, on the relations' columns
	kept       []sql.Expr  // of the outer query, on the inner's columns
	fields     []sql.Field // of the outer query
	properties []scanned   // those that were asked for
	profiles   bool        // the relation profiles is joined
	numbered   bool        // person is a number, the same for the same person in this scan
}

type scanned struct {
	property filter.Property
	value    value
}

// newScan begins a scan of the report's days.
func newScan(c *Common, d sql.Dialect, env *Env) (*scan, error) {
	cal, err := calendarOf(c, env)
	if err != nil {
		return nil, err
	}
	s := &scan{d: d, env: env, spec: c, cal: cal, over: cal.spans(cal.from, cal.to)}
	if !c.Bots {
		s.conditions = append(s.conditions, sql.E("NOT e.is_bot"))
	}
	if c.Cohort != nil {
		s.conditions = append(s.conditions, sql.E("e.person_id IN (?)", s.cohort(c.Cohort)))
	}
	s.where, err = s.condition(c.Where)
	return s, err
}

// extend reads some days more before and after the report's own.
func (s *scan) extend(daysBefore, daysAfter int64) {
	s.over = s.cal.spans(s.cal.from-daysBefore, s.cal.to+daysAfter)
}

// column makes an expression on the relations a column of the scan, once.
func (s *scan) column(name, e sql.Expr) sql.Expr {
	at := sql.E("x.?", name)
	if !slices.ContainsFunc(s.columns, func(f sql.Field) bool { return f.Name == name }) {
		s.columns = append(s.columns, sql.Field{Name: name, Expr: e})
	}
	return at
}

// person is who did it; null where an event names nobody.
func (s *scan) person() sql.Expr { return s.column(sql.E("person"), sql.E("e.person_id")) }

// time is when it happened, milliseconds since 1970.
func (s *scan) time() sql.Expr { return s.column(sql.E("t"), s.d.Millis(sql.E(`e."time"`))) }

// order is the order of a person's events: by time, then by when they arrived,
// then by id and name.
func (s *scan) order() []sql.Expr {
	return []sql.Expr{
		s.time(),
		s.column(sql.E("received"), s.d.Millis(sql.E("e.received_time"))),
		s.column(sql.E("insert_id"), sql.E("e.insert_id")),
		s.eventName(),
	}
}

// eventName is an event's name.
func (s *scan) eventName() sql.Expr { return s.column(sql.E("event"), sql.E("e.event")) }

// active are the kinds of row that are something somebody did. The others tell
// who somebody is.
var active = []string{string(event.KindEvent), string(event.KindPage), string(event.KindScreen)}

// is tells whether a row is one of some events.
func (s *scan) is(e Events) sql.Expr {
	if e.All {
		return sql.E("? IN ?", s.column(sql.E("kind"), sql.E("e.kind")), sql.Texts(active))
	}
	if len(e.Names) == 1 {
		return sql.E("? = ?", s.eventName(), sql.Text(e.Names[0]))
	}
	return sql.E("? IN ?", s.eventName(), sql.Texts(e.Names))
}

// only keeps all rows away that are none of the events that a report asks for.
func (s *scan) only(list ...Events) {
	all := Events{}
	for _, e := range list {
		all.All = all.All || e.All
		for _, n := range e.Names {
			if !slices.Contains(all.Names, n) {
				all.Names = append(all.Names, n)
			}
		}
	}
	switch {
	case all.All && len(all.Names) > 0:
		s.conditions = append(s.conditions, sql.E("(e.kind IN ? OR e.event IN ?)", sql.Texts(active), sql.Texts(all.Names)))
	case all.All:
		s.conditions = append(s.conditions, sql.E("e.kind IN ?", sql.Texts(active)))
	default:
		s.conditions = append(s.conditions, sql.E("e.event IN ?", sql.Texts(all.Names)))
	}
}

// property makes a property a column of the scan.
func (s *scan) property(p filter.Property) value {
	for _, known := range s.properties {
		if known.property == p {
			return known.value
		}
	}
	f, e := s.find(p)
	v := value{form: f, at: s.column(sql.Name("p", len(s.properties)), e), d: s.d}
	s.properties = append(s.properties, scanned{p, v})
	return v
}

// find says what a property is in the relations.
func (s *scan) find(p filter.Property) (form, sql.Expr) {
	if p.Space == filter.Profile {
		s.profiles = true
		return s.findOfProfile(p)
	}
	if p.Space == filter.Bare {
		if p.Name == "person_id" {
			return textForm, sql.E("e.person_id")
		}
		for _, c := range event.Columns {
			if f, ok := formOf(c.Type); ok && c.Name == p.Name {
				return f, s.converted(c.Type, sql.Column("e", c.Name))
			}
		}
	}
	return jsonForm, s.d.JSONAt(sql.E("e.properties"), paths(p)...)
}

func (s *scan) findOfProfile(p filter.Property) (form, sql.Expr) {
	if name, ok := roster.Column(p); ok {
		if roster.IsTime(name) {
			return momentForm, s.d.Millis(sql.Column("f", name))
		}
		return textForm, sql.Column("f", name)
	}
	return jsonForm, s.d.JSONAt(sql.E("f.traits"), paths(roster.Trait(p))...)
}

// formOf is how a column's values are held; JSON columns are no properties.
func formOf(t event.Type) (form, bool) {
	switch t {
	case event.Text, event.Date:
		return textForm, true
	case event.Int:
		return wholeForm, true
	case event.Float:
		return realForm, true
	case event.Bool:
		return flagForm, true
	case event.Time:
		return momentForm, true
	case event.JSON:
	}
	return 0, false
}

func (s *scan) converted(t event.Type, column sql.Expr) sql.Expr {
	switch t {
	case event.Date:
		return sql.E("CAST(? AS VARCHAR)", column)
	case event.Time:
		return s.d.Millis(column)
	case event.Text, event.JSON, event.Int, event.Float, event.Bool:
	}
	return column
}

// paths are where a property can be in a JSON document: a member whose name has
// the dots in it goes before a nested one.
func paths(p filter.Property) [][]string {
	root, within := p.Root()
	if len(within) == 0 {
		return [][]string{{root}}
	}
	return [][]string{{p.Name}, append([]string{root}, within...)}
}

// field adds a field to the scan's result.
func (s *scan) field(name, e sql.Expr) { s.fields = append(s.fields, sql.Field{Name: name, Expr: e}) }

// keep leaves out rows for which a condition is not true.
func (s *scan) keep(condition sql.Expr) { s.kept = append(s.kept, condition) }

// hull is the time that the scan looks at.
func (s *scan) hull() span { return hull(s.over) }

// query is the whole scan.
func (s *scan) query() sql.Expr {
	from := sql.E("events e")
	if s.profiles {
		from = sql.E("events e\nLEFT JOIN profiles f ON f.person_id = e.person_id AND f.group_key IS NULL")
	}
	inner := sql.Select{Fields: s.columns, From: from, Where: append(s.bounds(), s.conditions...)}
	if s.numbered && s.d.NumbersPay() {
		return s.numberedQuery(inner)
	}
	return sql.Select{Fields: s.fields, From: inner.Sub("x"), Where: s.kept}.Expr()
}

// numberedQuery puts numbers in place of the persons, for reports that sort and join
// by them again and again.
func (s *scan) numberedQuery(inner sql.Select) sql.Expr {
	person := sql.E("person")
	rows := sql.Select{Fields: []sql.Field{{Expr: sql.E("x.*")}}, From: inner.Sub("x"), Where: s.kept}
	persons := sql.Select{
		Fields: []sql.Field{{Expr: person}},
		From:   sql.E("rows"), Where: []sql.Expr{sql.E("person IS NOT NULL")}, Group: []sql.Expr{person},
	}
	numbers := sql.Select{Fields: []sql.Field{{Expr: person}, sql.As(sql.E("row_number() OVER ()"), "number")}, From: persons.Sub("p")}
	named := sql.Select{From: sql.E("rows r\nLEFT JOIN numbers n ON n.person = r.person")}
	for _, c := range s.columns {
		e := sql.E("r.?", c.Name)
		if c.Name == person {
			e = sql.E("n.number")
		}
		named.Fields = append(named.Fields, sql.Field{Name: c.Name, Expr: e})
	}
	return sql.With([]sql.Field{{Name: sql.E("rows"), Expr: rows.Expr()}, {Name: sql.E("numbers"), Expr: numbers.Expr()}},
		sql.Select{Fields: s.fields, From: named.Sub("x")}.Expr())
}

// bounds are those of time, on the partitions' date first.
func (s *scan) bounds() []sql.Expr {
	return timeBounds(s.over)
}

func timeBounds(over []span) []sql.Expr {
	whole := hull(over)
	within := make([]sql.Expr, len(over))
	for i, o := range over {
		within[i] = sql.E(`(e."time" >= ? AND e."time" < ?)`, sql.Moment(o.from), sql.Moment(o.until))
	}
	return []sql.Expr{
		sql.E(`e."date" BETWEEN ? AND ?`, sql.Date(whole.from/dayMS), sql.Date((whole.until-1)/dayMS)),
		sql.Or(within...),
	}
}

// cohort asks who did an event often enough in the days that end with the
// report's last.
func (s *scan) cohort(did *filter.Did) sql.Expr {
	where := append(timeBounds(s.cal.spans(s.cal.to-int64(did.WithinDays)+1, s.cal.to)),
		sql.E("e.event = ?", sql.Text(did.Event)), sql.E("e.person_id IS NOT NULL"))
	if !s.spec.Bots {
		where = append(where, sql.E("NOT e.is_bot"))
	}
	return sql.Select{
		Fields: []sql.Field{{Expr: sql.E("e.person_id")}},
		From:   sql.E("events e"),
		Where:  where,
		Group:  []sql.Expr{sql.E("e.person_id")},
		Having: sql.E("count(*) >= ?", sql.Int(int64(did.AtLeast))),
	}.Expr()
}
