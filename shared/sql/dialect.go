package sql

import "regexp/syntax"

// Dialect is what engines write in different ways. There are DuckDB and Trino.
//
// JSON travels through statements as text: JSONAt takes a value out of a document
// once, and the rest looks at that short text, by its first character. What is
// absent or null in JSON is null in SQL.
type Dialect interface {
	// Name is "duckdb" or "trino".
	Name() string

	// NumbersPay tells whether it is worth the while to number what rows are grouped,
	// sorted and joined by several times, where that is text.
	NumbersPay() bool

	// KeepsQueries tells whether a query that has a name is worked out once, however
	// often it is used.
	KeepsQueries() bool

	// FollowsAttempts tells whether there is AttemptsFunction.
	FollowsAttempts() bool

	// Millis is a TIMESTAMP as milliseconds since 1970, a BIGINT.
	Millis(timestamp Expr) Expr
	// Day is the DATE so many days after 1970-01-01.
	Day(days Expr) Expr
	// Div divides whole numbers that are not negative, without a rest.
	Div(a, b Expr) Expr

	// JSONAt is the value at a path of names in a JSON document, as JSON text; at
	// the first of paths where there is one. It is null where there is none, where
	// it is null, and where a name on the way is asked of something that is no
	// object. Of a name that is there twice the first counts.
	JSONAt(document Expr, paths ...[]string) Expr
	// JSONString is what a JSON string says, asked of its JSON text.
	JSONString(text Expr) Expr
	// JSONAny tells whether one of a JSON array's items, given to condition as
	// JSON text, passes. It is asked of texts that are arrays only.
	JSONAny(array Expr, condition func(item Expr) Expr) Expr

	// Decimal reads a number's text as DECIMAL(38, 9), half rounded away from
	// zero; null where it does not fit.
	Decimal(text Expr) Expr
	// Measure is Decimal with 18 digits before the point, DECIMAL(27, 9): the sum of
	// any number of such values fits DECIMAL(38, 9).
	Measure(text Expr) Expr
	// Integer reads a text that Digits passes as DECIMAL(38, 0); null where it
	// does not fit.
	Integer(text Expr) Expr
	// Real reads a number's text as DOUBLE.
	Real(text Expr) Expr

	// Chain is a query for the IDs, and the groups, of the spans that a chain takes.
	Chain(Spans) Expr

	// Matches tells whether an expression of RE2 is found in a text.
	Matches(text Expr, pattern *syntax.Regexp) Expr
}

// The kinds of JSON value, asked of its text, which is never null JSON. They
// compare with the character before which or behind which the kind's texts sort.

// IsString tells that JSON text is a string.
func IsString(text Expr) Expr { return E(`? LIKE '"%'`, text) }

// IsNumber tells that JSON text is a number: of all kinds only these begin with a
// minus or a digit.
func IsNumber(text Expr) Expr { return E("(? >= '-' AND ? < ':')", text, text) }

// IsArray tells that JSON text is an array.
func IsArray(text Expr) Expr { return E("? LIKE '[%'", text) }

// IsObject tells that JSON text is an object.
func IsObject(text Expr) Expr { return E("? LIKE '{%'", text) }

// Digits tells that a number's text is written without a point and an exponent.
func Digits(text Expr) Expr {
	return E("(strpos(?, '.') = 0 AND strpos(lower(?), 'e') = 0)", text, text)
}

// Moment is a TIMESTAMP in milliseconds since 1970.
func Moment(ms int64) Expr { return Expr{"TIMESTAMP '" + stamp(ms) + "'"} }

// Date is a DATE, days after 1970-01-01.
func Date(days int64) Expr { return Expr{"DATE '" + dateOf(days) + "'"} }
