package report

import (
	"math"
	"regexp/syntax"
	"strings"

	"loch/shared/fault"
	"loch/shared/filter"
	"loch/shared/rawjson"
	"loch/shared/sql"
)

// condition is filters as SQL over the scan's columns: true or false, never null,
// and of every row the same as a filter.Matcher says. TRUE where there are none.
func (s *scan) condition(where filter.Where) (sql.Expr, error) {
	list := make([]sql.Expr, len(where))
	for i := range where {
		var err error
		if list[i], err = s.filter(&where[i]); err != nil {
			return sql.Expr{}, err
		}
	}
	return sql.And(list...), nil
}

func (s *scan) filter(f *filter.Filter) (sql.Expr, error) {
	if f.Any != nil {
		list := make([]sql.Expr, len(f.Any))
		for i := range f.Any {
			var err error
			if list[i], err = s.filter(&f.Any[i]); err != nil {
				return sql.Expr{}, err
			}
		}
		return sql.Or(list...), nil
	}
	v := s.property(f.Property)
	op, negated := f.Op.Positive()
	holds, err := v.holds(op, f)
	if err != nil {
		return sql.Expr{}, err
	}
	if negated {
		return sql.Not(holds), nil
	}
	return holds, nil
}

// holds is an operator, not a negated one, on a value. False where it is missing.
func (v value) holds(op filter.Op, f *filter.Filter) (sql.Expr, error) {
	if v.form == momentForm {
		return v.inTime(op, f)
	}
	switch op {
	case filter.IsSet:
		return v.isSet(), nil
	case filter.IsTrue:
		return v.equals(filter.Literal{Kind: rawjson.True}), nil
	case filter.IsFalse:
		return v.equals(filter.Literal{Kind: rawjson.False}), nil
	case filter.Eq, filter.In:
		return v.among(f.Values), nil
	case filter.Contains:
		return v.contains(f.Values[0]), nil
	case filter.StartsWith:
		if v.hasTexts() {
			return sql.Sure(sql.E("strpos(?, ?) = 1", v.text(), sql.Text(f.Values[0].Text))), nil
		}
	case filter.Matches:
		re, err := syntax.Parse(f.Values[0].Text, syntax.Perl)
		if err != nil { // Parse of the filters has read it before
			return sql.Expr{}, fault.Wrap(err, fault.Invalid, "this is no regular expression of RE2").At(f.Place() + ".value")
		}
		if v.hasTexts() {
			return sql.Sure(v.d.Matches(v.text(), re.Simplify())), nil
		}
	case filter.Between:
		return sql.And(v.compare(filter.Gte, f.Values[0]), v.compare(filter.Lte, f.Values[1])), nil
	case filter.Gt, filter.Gte, filter.Lt, filter.Lte:
		return v.compare(op, f.Values[0]), nil
	case filter.Ne, filter.NotIn, filter.NotContains, filter.IsNotSet: // not positive
	}
	return sql.E("FALSE"), nil
}

func (v value) hasTexts() bool { return v.form == jsonForm || v.form == textForm }

// among tells whether a value equals one of some constants. Texts are one IN.
func (v value) among(list []filter.Literal) sql.Expr {
	var texts []string
	var parts []sql.Expr
	for _, l := range list {
		if l.Kind == rawjson.String {
			texts = append(texts, l.Text)
			continue
		}
		parts = append(parts, v.equals(l))
	}
	switch {
	case len(texts) == 0 || !v.hasTexts():
	case len(texts) == 1:
		parts = append(parts, sql.Sure(sql.E("? = ?", v.text(), sql.Text(texts[0]))))
	default:
		parts = append(parts, sql.Sure(sql.E("? IN ?", v.text(), sql.Texts(texts))))
	}
	return sql.Or(parts...)
}

func (v value) equals(l filter.Literal) sql.Expr {
	switch l.Kind {
	case rawjson.String:
		return v.among([]filter.Literal{l})
	case rawjson.Number:
		return v.compare(filter.Eq, l)
	default:
		yes := l.Kind == rawjson.True
		switch {
		case v.form == jsonForm && yes:
			return sql.Sure(sql.E("? = 'true'", v.at))
		case v.form == jsonForm:
			return sql.Sure(sql.E("? = 'false'", v.at))
		case v.form == flagForm && yes:
			return sql.Sure(v.at)
		case v.form == flagForm:
			return sql.Sure(sql.E("NOT ?", v.at))
		}
		return sql.E("FALSE")
	}
}

// compare orders texts by their bytes and numbers by value.
func (v value) compare(op filter.Op, l filter.Literal) sql.Expr {
	switch {
	case l.Kind == rawjson.String && v.hasTexts():
		return sql.Sure(ordered(op, v.text(), sql.Text(l.Text)))
	case l.Kind == rawjson.Number && v.mayBeNumber():
		return sql.Sure(v.compareNumber(op, l.Text))
	}
	return sql.E("FALSE")
}

// exactly is from where on a DOUBLE does not tell neighbouring whole numbers
// apart: 2^53.
const exactly = 1 << 53

// compareNumber compares as DOUBLE, which keeps 15 digits, and where the constant
// is a whole number beyond 2^53 those that are as well by all their digits.
func (v value) compareNumber(op filter.Op, text string) sql.Expr {
	constant, _ := parseNumber(text)
	f, _ := constant.Rat().Float64()
	if math.IsInf(f, 0) { // larger than all that a DOUBLE holds
		below := f > 0 && (op == filter.Lt || op == filter.Lte) || f < 0 && (op == filter.Gt || op == filter.Gte)
		if below {
			return sql.E("? IS NOT NULL", v.real())
		}
		return sql.E("FALSE")
	}
	plain := ordered(op, v.real(), sql.Double(f))
	const mostDigits = 38
	digits := constant.Rat().Num().String()
	if math.Abs(f) < exactly || !constant.Rat().IsInt() || len(strings.TrimPrefix(digits, "-")) > mostDigits {
		return plain
	}
	whole := sql.E("CAST(? AS DECIMAL(38, 0))", sql.Text(digits))
	switch v.form {
	case jsonForm:
		return sql.E("CASE WHEN ? THEN CASE WHEN ? THEN coalesce(?, ?) ELSE ? END END",
			sql.IsNumber(v.at), sql.Digits(v.at), ordered(op, v.d.Integer(v.at), whole), plain, plain)
	case wholeForm:
		return ordered(op, sql.E("CAST(? AS DECIMAL(38, 0))", v.at), whole)
	default:
		return plain
	}
}

func ordered(op filter.Op, a, b sql.Expr) sql.Expr {
	switch op {
	case filter.Gt:
		return sql.E("? > ?", a, b)
	case filter.Gte:
		return sql.E("? >= ?", a, b)
	case filter.Lt:
		return sql.E("? < ?", a, b)
	case filter.Lte:
		return sql.E("? <= ?", a, b)
	default:
		return sql.E("? = ?", a, b)
	}
}

// contains finds a text in a text, or an item in a list.
func (v value) contains(l filter.Literal) sql.Expr {
	inText := sql.E("FALSE")
	if l.Kind == rawjson.String && v.hasTexts() {
		inText = sql.Sure(sql.E("strpos(?, ?) > 0", v.text(), sql.Text(l.Text)))
	}
	if v.form != jsonForm {
		return inText
	}
	inList := v.d.JSONAny(v.at, func(item sql.Expr) sql.Expr {
		return value{form: jsonForm, at: item, d: v.d}.equals(l)
	})
	return sql.E("CASE WHEN ? THEN ? ELSE ? END", sql.Sure(sql.IsArray(v.at)), inList, inText)
}

// inTime asks a moment, whose constants are days of UTC or moments.
func (v value) inTime(op filter.Op, f *filter.Filter) (sql.Expr, error) {
	spans, err := f.Spans()
	if err != nil {
		return sql.Expr{}, err
	}
	from := func(i int) sql.Expr { return sql.Int(spans[i].From) }
	until := func(i int) sql.Expr { return sql.Int(spans[i].Until) }
	switch op {
	case filter.IsSet:
		return v.isSet(), nil
	case filter.Eq, filter.In:
		list := make([]sql.Expr, len(spans))
		for i := range spans {
			list[i] = sql.E("(? >= ? AND ? < ?)", v.at, from(i), v.at, until(i))
		}
		return sql.Sure(sql.Or(list...)), nil
	case filter.Gt:
		return sql.Sure(sql.E("? >= ?", v.at, until(0))), nil
	case filter.Gte:
		return sql.Sure(sql.E("? >= ?", v.at, from(0))), nil
	case filter.Lt:
		return sql.Sure(sql.E("? < ?", v.at, from(0))), nil
	case filter.Lte:
		return sql.Sure(sql.E("? < ?", v.at, until(0))), nil
	case filter.Between:
		return sql.Sure(sql.E("? >= ? AND ? < ?", v.at, from(0), v.at, until(1))), nil
	default: // refused by Spans, or negated
		return sql.E("FALSE"), nil
	}
}
