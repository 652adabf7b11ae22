package query

import (
	"strconv"
	"strings"
)

// quote writes a text as a SQL string. It is the only way in which anything
// that a client sent gets into a statement: inside the quotes a doubled quote is
// the only character that SQL reads in another way, in DuckDB and in Athena
// alike. Callers have refused NUL and invalid UTF-8 before.
func quote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

// number writes a finite float so that both engines read a double.
func number(f float64) string {
	return strconv.FormatFloat(f, 'e', -1, 64)
}

// pointer is the JSON Pointer (RFC 6901) of a member of the top-level object,
// as a SQL string. Unlike a path in $ notation it gives no character of the name
// a meaning of its own once ~ and / are written as ~0 and ~1.
func pointer(name string) string {
	return quote("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
}
