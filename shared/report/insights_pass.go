package report

import (
	"slices"

	"loch/shared/sql"
)

// column pair a, b of a series within a pass.
type pair struct{ a, b sql.Expr }

// passes are the queries that the statement joins.
func (p *insightsPlan) passes(minCell bool) []sql.Expr {
	var list []sql.Expr
	for _, pass := range []sql.Expr{p.rowsPass(), p.keyedPass(uniques), p.keyedPass(sessions)} {
		if !pass.IsZero() {
			list = append(list, pass)
		}
	}
	if len(list) == 0 && len(p.segment()) > 0 {
		list = append(list, p.segmentsPass())
	}
	for i := range p.Series {
		switch s := &p.Series[i]; {
		case s.RollingDays > 0:
			list = append(list, p.rollingPass(i))
		case s.Measure == distinct:
			list = append(list, p.distinctPass(i))
		case slices.Contains([]string{median, p90, p99}, s.Measure):
			list = append(list, p.quantilePass(i, s.Measure, p.valuesOf(i)))
		case s.Measure == perUser && slices.Contains([]string{median, p90, p99}, s.Per):
			list = append(list, p.quantilePass(i, s.Per, p.perPerson([]int{i}).Sub("u")))
		}
	}
	if minCell {
		list = append(list, p.personsPass())
	}
	return list
}

// result is the SELECT list of a pass: its values, nulls for all others.
func (p *insightsPlan) result(pass int64, bucket, until sql.Expr, segment []sql.Expr, values map[int]pair) []sql.Field {
	number, decimal := sql.E("BIGINT"), sql.E("DECIMAL(38, 9)")
	list := []sql.Field{sql.As(sql.Int(pass), "pass"), sql.As(orNull(bucket, number), "bucket"), sql.As(orNull(until, number), "until")}
	for i, f := range segment {
		list = append(list, sql.Field{Name: p.cut.segment[i], Expr: f})
	}
	for i := range p.Series {
		if p.Series[i].Measure == "" {
			continue
		}
		v := values[i]
		list = append(list, sql.Field{Name: sql.Name("a", i), Expr: orNull(v.a, decimal)}, sql.Field{Name: sql.Name("b", i), Expr: orNull(v.b, decimal)})
	}
	return list
}

// orNull is an expression as a type, null where there is none.
func orNull(e, as sql.Expr) sql.Expr {
	if e.IsZero() {
		e = sql.E("NULL")
	}
	return sql.E("CAST(? AS ?)", e, as)
}

// segment is the fields of the segment, of which a pass makes its groups.
func (p *insightsPlan) segment() []sql.Expr { return p.cut.segment }

// sets are the groups of a pass: each bucket of each segment, and each segment as a
// whole, by further fields.
func (p *insightsPlan) sets(further ...sql.Expr) [][]sql.Expr {
	whole := append(slices.Clone(p.segment()), further...)
	if !p.bucket {
		return [][]sql.Expr{whole}
	}
	return [][]sql.Expr{append(append(slices.Clone(p.segment()), sql.E("bucket")), further...), whole}
}

// bucketField is the bucket of a group, null for the whole time.
func (p *insightsPlan) bucketField() sql.Expr {
	if p.bucket {
		return sql.E("bucket")
	}
	return sql.E("CAST(NULL AS BIGINT)")
}

// rowsPass counts and adds up rows.
func (p *insightsPlan) rowsPass() sql.Expr {
	values := map[int]pair{}
	for i := range p.Series {
		m, v := matched(i), valueOf(i)
		switch p.Series[i].Measure {
		case total:
			values[i] = pair{a: sql.E("count(*) FILTER (WHERE ?)", m)}
		case sum:
			values[i] = pair{a: sql.E("sum(?)", v)}
		case avg:
			values[i] = pair{sql.E("sum(?)", v), sql.E("count(?)", v)}
		case least:
			values[i] = pair{a: sql.E("min(?)", v)}
		case most:
			values[i] = pair{a: sql.E("max(?)", v)}
		}
	}
	if len(values) == 0 {
		return sql.Expr{}
	}
	var bucket sql.Expr
	if p.bucket {
		bucket = sql.E("bucket")
	}
	return sql.Select{
		Fields: p.result(passValues, bucket, sql.Expr{}, p.segment(), values),
		From:   p.cut.table, Where: []sql.Expr{p.inRange()}, Sets: p.sets(),
	}.Expr()
}

// segmentsPass names the segments that have events. The passes above do so by
// themselves; those below leave out segments in which there is nothing to measure.
func (p *insightsPlan) segmentsPass() sql.Expr {
	return sql.Select{
		Fields: p.result(passValues, sql.Expr{}, sql.Expr{}, p.segment(), nil),
		From:   p.cut.table, Where: []sql.Expr{p.inRange()}, Group: p.segment(),
	}.Expr()
}

// each is the value of a person or session for a series: how many events, or the
// sum of their values; null where there are none, and for nobody.
func (p *insightsPlan) each(i int) sql.Expr {
	if p.Series[i].Measure == perUser && p.Series[i].Property != nil {
		return sql.E("CASE WHEN person IS NOT NULL THEN sum(?) END", valueOf(i))
	}
	return sql.E("CASE WHEN person IS NOT NULL THEN nullif(count(*) FILTER (WHERE ?), 0) END", matched(i))
}

// perPerson has a row for each person of a bucket, and of the whole time, with the
// values c of series. The whole time is added up of the buckets: there are far fewer
// persons in buckets than events.
func (p *insightsPlan) perPerson(series []int, by ...sql.Expr) sql.Select {
	by = append([]sql.Expr{sql.E("person")}, by...)
	groups := append(slices.Clone(p.segment()), by...)
	if p.bucket {
		groups = append(groups, sql.E("bucket"))
	}
	once := sql.Select{Fields: plain(groups), From: p.cut.table, Where: []sql.Expr{p.inRange()}, Group: groups}
	if !p.bucket {
		once.Fields = append(once.Fields, sql.As(p.bucketField(), "bucket"))
	}
	whole := sql.Select{Fields: append(plain(p.segment()), sql.As(p.bucketField(), "bucket")), Sets: p.sets(by...)}
	for _, i := range series {
		c := sql.Name("c", i)
		once.Fields = append(once.Fields, sql.Field{Name: c, Expr: p.each(i)})
		whole.Fields = append(whole.Fields, sql.Field{Name: c, Expr: sql.E("sum(?)", c)})
	}
	if !p.bucket {
		return once
	}
	whole.From = once.Sub("b")
	return whole
}

// keyedPass counts persons, or sessions: those who are there at all, or what each
// has.
func (p *insightsPlan) keyedPass(measure string) sql.Expr {
	values, series := map[int]pair{}, []int(nil)
	for i := range p.Series {
		s, c := &p.Series[i], sql.Name("c", i)
		switch {
		case s.RollingDays > 0:
			continue
		case s.Measure == measure:
			values[i] = pair{a: sql.E("count(?)", c)}
		case s.Measure != perUser || measure != uniques:
			continue
		case s.Per == avg:
			values[i] = pair{sql.E("sum(?)", c), sql.E("count(?)", c)}
		case s.Per == least:
			values[i] = pair{a: sql.E("min(?)", c)}
		case s.Per == most:
			values[i] = pair{a: sql.E("max(?)", c)}
		default:
			continue
		}
		series = append(series, i)
	}
	if len(series) == 0 {
		return sql.Expr{}
	}
	inner := p.perPerson(series)
	if measure == sessions {
		inner = p.perPerson(series, sql.E("session"))
	}
	return sql.Select{
		Fields: p.result(passValues, sql.E("bucket"), sql.Expr{}, p.segment(), values),
		From:   inner.Sub("u"), Group: append(slices.Clone(p.segment()), sql.E("bucket")),
	}.Expr()
}

// distinctPass counts the different values of a series.
func (p *insightsPlan) distinctPass(i int) sql.Expr {
	inner := sql.Select{
		Fields: append(plain(p.segment()), sql.As(p.bucketField(), "bucket")),
		From:   p.cut.table, Where: []sql.Expr{sql.E("? IS NOT NULL", valueOf(i)), p.inRange()}, Sets: p.sets(valueOf(i)),
	}
	return sql.Select{
		Fields: p.result(passValues, sql.E("bucket"), sql.Expr{}, p.segment(), map[int]pair{i: {a: sql.E("count(*)")}}),
		From:   inner.Sub("u"), Group: append(slices.Clone(p.segment()), sql.E("bucket")),
	}.Expr()
}

func plain(list []sql.Expr) []sql.Field {
	fields := make([]sql.Field, len(list))
	for i, e := range list {
		fields[i] = sql.Field{Expr: e}
	}
	return fields
}

// valuesOf are the values of a series, each in its bucket and once more in the
// whole time.
func (p *insightsPlan) valuesOf(i int) sql.Expr {
	bucket, from := p.bucketField(), p.cut.table
	if p.bucket {
		bucket = sql.E("CASE WHEN part = 0 THEN bucket END")
		from = sql.E("? CROSS JOIN (VALUES (0), (1)) whole(part)", from)
	}
	return sql.Select{
		Fields: append(plain(p.segment()), sql.As(bucket, "bucket"), sql.Field{Name: sql.Name("c", i), Expr: valueOf(i)}),
		From:   from, Where: []sql.Expr{sql.E("? IS NOT NULL", valueOf(i)), p.inRange()},
	}.Sub("u")
}

// quantilePass finds values by their place in the order of all: the median is the
// middle one, or halfway between the two in the middle; the p-th percentile is the
// smallest that at least p in a hundred do not exceed.
func (p *insightsPlan) quantilePass(i int, measure string, from sql.Expr) sql.Expr {
	c := sql.Name("c", i)
	groups := append(slices.Clone(p.segment()), sql.E("bucket"))
	ranked := sql.Select{
		Fields: append(plain(groups), sql.Field{Expr: c},
			sql.As(sql.E("row_number() OVER (PARTITION BY ? ORDER BY ?)", sql.List(groups...), c), "place"),
			sql.As(sql.E("count(*) OVER (PARTITION BY ?)", sql.List(groups...)), "places")),
		From: from, Where: []sql.Expr{sql.E("? IS NOT NULL", c)},
	}
	d := p.scan.d
	at := func(place sql.Expr) sql.Expr { return sql.E("max(?) FILTER (WHERE place = ?)", c, place) }
	var v pair
	switch measure {
	case p90:
		v.a = at(d.Div(sql.E("(places * 9 + 9)"), sql.Int(10)))
	case p99:
		v.a = at(d.Div(sql.E("(places * 99 + 99)"), sql.Int(100)))
	default:
		v = pair{at(d.Div(sql.E("(places + 1)"), sql.Int(2))), at(d.Div(sql.E("(places + 2)"), sql.Int(2)))}
	}
	return sql.Select{
		Fields: p.result(passValues, sql.E("bucket"), sql.Expr{}, p.segment(), map[int]pair{i: v}),
		From:   ranked.Sub("q"), Group: groups,
	}.Expr()
}

// rollingPass tells from when to when persons count: from each day that they were
// there until that day plus the rolling days, or until they were there again. The
// pieces of one person do not overlap, so whoever counts on a day is who has a
// piece over it. b is how many of the pieces are somebody's first of the report.
func (p *insightsPlan) rollingPass(i int) sql.Expr {
	groups := append(slices.Clone(p.segment()), sql.E("person"), sql.E("day"))
	days := sql.Select{
		Fields: plain(groups), From: p.cut.table,
		Where: []sql.Expr{matched(i), sql.E("person IS NOT NULL")}, Group: groups,
	}
	by := sql.List(append(slices.Clone(p.segment()), sql.E("person"))...)
	end := sql.E("day + ?", sql.Int(p.Series[i].RollingDays))
	pieces := sql.Select{
		Fields: append(plain(p.segment()), sql.Field{Expr: sql.E("day")},
			sql.As(sql.E("least(?, coalesce(lead(day) OVER (PARTITION BY ? ORDER BY day), ?))", end, by, end), "until"),
			sql.As(sql.E("CASE WHEN day >= 0 AND coalesce(lag(day) OVER (PARTITION BY ? ORDER BY day), -1) < 0 THEN 1 ELSE 0 END", by), "fresh")),
		From: days.Sub("d"),
	}
	return sql.Select{
		Fields: p.result(passRolling, sql.E("day"), sql.E("until"), p.segment(), map[int]pair{i: {sql.E("count(*)"), sql.E("sum(fresh)")}}),
		From:   pieces.Sub("w"), Group: append(slices.Clone(p.segment()), sql.E("day"), sql.E("until")),
	}.Expr()
}

// personsPass counts the persons of each segment and of all together, series by
// series.
func (p *insightsPlan) personsPass() sql.Expr {
	values, fields := map[int]pair{}, plain(p.segment())
	for i := range p.Series {
		if p.Series[i].Measure != "" {
			fields = append(fields, sql.Field{Name: sql.Name("c", i), Expr: sql.E("nullif(count(*) FILTER (WHERE ?), 0)", matched(i))})
			values[i] = pair{a: sql.E("count(?)", sql.Name("c", i))}
		}
	}
	sets := [][]sql.Expr{append(slices.Clone(p.segment()), sql.E("person"))}
	if len(p.segment()) > 0 {
		sets = append(sets, []sql.Expr{sql.E("person")})
	}
	inner := sql.Select{Fields: fields, From: p.cut.table, Where: []sql.Expr{sql.E("person IS NOT NULL"), p.inRange()}, Sets: sets}
	return sql.Select{
		Fields: p.result(passPersons, sql.Expr{}, sql.Expr{}, p.segment(), values),
		From:   inner.Sub("u"), Group: p.segment(),
	}.Expr()
}
