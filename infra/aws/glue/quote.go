package glue

import "strings"

// Literal is a text as SQL has it, whatever is in it. It is the one way in which a
// value comes into a statement, be it as text or as a parameter: Athena reads a
// parameter as an expression, too.
//
// Between two quotes a quote is doubled, and nothing else has a meaning: the
// dialect knows no escapes by backslash. A zero byte, which no text of the lake
// holds, becomes a replacement character, since who else reads the statement may
// end there.
func Literal(value string) string {
	value = strings.ToValidUTF8(strings.ReplaceAll(value, "\x00", "\uFFFD"), "\uFFFD")
	return "'" + strings.ReplaceAll(value, "'", "''") + "'"
}

// Name is a name of a column or table as SQL has it, whatever is in it.
func Name(name string) string {
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

func literals(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = Literal(v)
	}
	return strings.Join(quoted, ", ")
}
