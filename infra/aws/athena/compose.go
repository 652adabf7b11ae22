package athena

import (
	"strings"

	"loch/infra/aws/glue"
)

// compose puts the definitions of the relations before a statement. Each place of
// the statement keeps its column, and its line is one more, so that what Athena says
// of a place can be told in the statement's own terms.
//
// The first line is a comment with the project: whoever asks for a statement by its
// id later gets it only if it is the own project's.
func (a *admitted) compose(project string) string {
	statement := []byte(a.statement)
	blank(statement, 0, a.explain)
	first := mark(project)
	if a.explain > 0 {
		first += "EXPLAIN "
	}
	definitions := glue.Definitions(project, a.uses, a.person)
	switch {
	case len(definitions) == 0:
	case a.with >= 0:
		blank(statement, a.with, a.with+len("with"))
		first += "WITH " + strings.Join(definitions, ", ") + ","
	default:
		first += "WITH " + strings.Join(definitions, ", ")
	}
	return first + "\n" + string(statement)
}

// mark is what a project's statements begin with.
func mark(project string) string { return "/* project " + project + " */ " }

// blank clears a part of a statement, but its ends of lines.
func blank(statement []byte, from, to int) {
	for i := from; i < to; i++ {
		if statement[i] != '\n' && statement[i] != '\r' {
			statement[i] = ' '
		}
	}
}
