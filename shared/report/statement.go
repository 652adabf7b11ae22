package report

import (
	"strings"

	"loch/shared/fault"
	"loch/shared/sql"
)

// Spec is a report that was read and found good.
type Spec interface {
	// Compile makes the statement that answers it. It is pure: the same spec,
	// dialect and env give the same statement. It returns fault.Invalid, with the
	// place, for what can only be seen with the columns at hand.
	Compile(d sql.Dialect, env Env) (*Statement, error)
}

// Statement is a report as SQL.
type Statement struct {
	SQL     string
	Columns []Meaning // of its result, in order
	answer  func(rows [][]any) (any, error)
}

// Meaning says what a column of a statement's result holds.
type Meaning struct{ Name, Means string }

// Answer makes the report's answer, ready for JSON, of the statement's rows.
func (s *Statement) Answer(r Result) (any, error) {
	if r.Truncated {
		return nil, fault.New(fault.TooLarge, "the answer has more rows than can be given; ask for fewer days, a longer interval or a smaller limit in breakdown")
	}
	for _, row := range r.Rows {
		if len(row) != len(s.Columns) {
			return nil, misshapen()
		}
	}
	return s.answer(r.Rows)
}

// misshapen is the fault for a result that is not what the statement asks for.
func misshapen() error {
	return fault.New(fault.Internal, "the engine's answer has another shape than was asked for")
}

// MaxRows is how many rows of a statement's result an engine is to give at most.
const MaxRows = 200_000

// Kinds are the reports that Parse knows.
var Kinds = []string{"insights", "funnel", "retention", "flows", "sessions"}

// Parse reads the spec of a report strictly. Errors are fault.Invalid and name the
// place that is wrong ("series[1].measure"); fault.NotFound for an unknown kind.
func Parse(kind string, body []byte) (Spec, error) {
	switch kind {
	case "insights":
		return ParseInsights(body)
	case "retention":
		return ParseRetention(body)
	case "funnel":
		return ParseFunnel(body)
	case "flows":
		return ParseFlows(body)
	case "sessions":
		return ParseSessions(body)
	}
	return nil, fault.Newf(fault.NotFound, "there is no such report; there are %s", strings.Join(Kinds, ", "))
}

// meanings name what the columns of a result hold, in their order: name, meaning, name, …
func meanings(pairs ...string) []Meaning {
	var list []Meaning
	for i := 0; i+1 < len(pairs); i += 2 {
		list = append(list, Meaning{pairs[i], pairs[i+1]})
	}
	return list
}
