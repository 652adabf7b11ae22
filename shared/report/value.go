package report

import (
	"strings"

	"loch/shared/sql"
)

// form is how SQL holds a property's values.
type form uint8

const (
	jsonForm   form = iota // JSON text; each value says what it is
	textForm               // a text, null where there is none
	wholeForm              // BIGINT
	realForm               // DOUBLE
	flagForm               // BOOLEAN
	momentForm             // milliseconds since 1970
)

// value is a property as a column of the scan.
type value struct {
	form form
	at   sql.Expr
	d    sql.Dialect
}

// isSet tells that there is a value. It is never null, as all conditions here.
func (v value) isSet() sql.Expr { return sql.E("? IS NOT NULL", v.at) }

// text is the value where it is a text, and null elsewhere.
func (v value) text() sql.Expr {
	switch v.form {
	case jsonForm:
		return sql.E("CASE WHEN ? THEN ? END", sql.IsString(v.at), v.d.JSONString(v.at))
	case textForm:
		return v.at
	default:
		return sql.E("CAST(NULL AS VARCHAR)")
	}
}

// mayBeNumber tells whether there can be numbers at all.
func (v value) mayBeNumber() bool {
	return v.form == jsonForm || v.form == wholeForm || v.form == realForm
}

// real is the value where it is a number, as a DOUBLE, and null elsewhere.
func (v value) real() sql.Expr {
	switch v.form {
	case jsonForm:
		return sql.E("CASE WHEN ? THEN ? END", sql.IsNumber(v.at), v.d.Real(v.at))
	case wholeForm:
		return sql.E("CAST(? AS DOUBLE)", v.at)
	default:
		return v.at
	}
}

// Measured numbers are decimals with 9 digits behind the point and up to 18 before
// it, so that every engine adds them up exactly and no sum of what websites send
// can overflow. The few numbers beyond are no measurements and count as absent.

// measure is the value where it is such a number, as DECIMAL(27, 9), null
// elsewhere.
func (v value) measure() sql.Expr {
	switch v.form {
	case jsonForm:
		return sql.E("CASE WHEN ? THEN ? END", sql.IsNumber(v.at), v.d.Measure(v.at))
	case wholeForm, realForm:
		return v.d.Measure(sql.E("CAST(? AS VARCHAR)", v.at))
	case textForm, flagForm, momentForm:
	}
	return sql.E("CAST(NULL AS DECIMAL(27, 9))")
}

// decimal is the value of a column where it is a number, as DECIMAL(38, 9), null
// elsewhere.
func (v value) decimal() sql.Expr {
	switch v.form {
	case wholeForm:
		return sql.E("CAST(? AS DECIMAL(38, 9))", v.at)
	case realForm:
		return v.d.Decimal(sql.E("CAST(? AS VARCHAR)", v.at))
	case jsonForm, textForm, flagForm, momentForm:
	}
	return sql.E("CAST(NULL AS DECIMAL(38, 9))")
}

// A segment's key is a value as text: its type's letter, then the value. Equal
// numbers have equal keys however they were written; their 9 digits behind the
// point are told apart.
const (
	keyText   = 't'
	keyNumber = 'n'
	keyFlag   = 'b'
)

// The segments of what has no value of its own to show.
const (
	NotSet    = "(not set)" // absent, or null
	Empty     = "(empty)"   // a text without characters
	Other     = "(other)"   // all values beyond a break-down's limit
	listed    = "(list)"
	objected  = "(object)"
	numberish = "(number)" // beyond what is told apart
)

func textKey(s string) sql.Expr { return sql.Text(string(keyText) + s) }

// key is the segment of a row, never null.
func (v value) key() sql.Expr {
	switch v.form {
	case jsonForm:
		return sql.E("CASE WHEN ? IS NULL THEN ? WHEN ? = '\"\"' THEN ? WHEN ? THEN 't' || ? WHEN ? IN ('true', 'false') THEN 'b' || ? WHEN ? THEN ? WHEN ? THEN ? ELSE ? END",
			v.at, textKey(NotSet), v.at, textKey(Empty), sql.IsString(v.at), v.d.JSONString(v.at), v.at, v.at,
			sql.IsArray(v.at), textKey(listed), sql.IsObject(v.at), textKey(objected), numberKey(v.d.Decimal(v.at)))
	case textForm:
		return sql.E("CASE WHEN ? IS NULL THEN ? WHEN ? = '' THEN ? ELSE 't' || ? END", v.at, textKey(NotSet), v.at, textKey(Empty), v.at)
	case flagForm:
		return sql.E("CASE WHEN ? IS NULL THEN ? WHEN ? THEN 'btrue' ELSE 'bfalse' END", v.at, textKey(NotSet), v.at)
	default:
		return sql.E("CASE WHEN ? IS NULL THEN ? ELSE ? END", v.at, textKey(NotSet), numberKey(v.decimal()))
	}
}

func numberKey(decimal sql.Expr) sql.Expr {
	return sql.E("coalesce('n' || CAST(? AS VARCHAR), ?)", decimal, textKey(numberish))
}

// scalarKey is the key of a value that distinct counts, null where there is none:
// lists and objects are not told apart.
func (v value) scalarKey() sql.Expr {
	if v.form != jsonForm {
		return sql.E("CASE WHEN ? IS NOT NULL THEN ? END", v.at, v.key())
	}
	return sql.E("CASE WHEN ? IS NOT NULL AND NOT ? AND NOT ? THEN ? END", v.at, sql.IsArray(v.at), sql.IsObject(v.at), v.key())
}

// segmentOf is what a key says: a string, a Number or a bool.
func segmentOf(key string) any {
	if key == "" {
		return nil
	}
	rest := key[1:]
	switch key[0] {
	case keyNumber:
		if n, ok := parseNumber(rest); ok {
			return n
		}
	case keyFlag:
		return rest == "true"
	}
	return strings.Clone(rest)
}
