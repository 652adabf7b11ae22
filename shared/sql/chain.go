package sql

import "slices"

// A chain is a walk over spans of time: it takes the first, passes over all that
// begin before that one is over, takes the next, and so on. Which spans it takes
// hangs on all that it took before, so no window function tells it, and the dialects
// go different ways.

// Spans is a relation of spans of time. All fields are names.
type Spans struct {
	From   Expr
	Groups []Expr // the chain of each group is its own
	ID     Expr   // a BIGINT, one to a span within its group, later ones greater; T where that is so
	T      Expr   // when a span begins, a BIGINT
	End    Expr   // the last instant that belongs to it, a BIGINT
}

// Chain folds each list of spans, in which the text taken gathers the IDs of the
// spans that were taken. The lists are cut before each span that begins after all
// before it are over, since the walk takes that one in any case: gathering costs the
// square of a list's length.
func (duckdb) Chain(s Spans) Expr {
	before := E("OVER (PARTITION BY ? ORDER BY ? ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)", List(s.Groups...), s.ID)
	own := s.groups()
	of := append(s.groups(), Field{Expr: s.T}, Field{Expr: s.End})
	if s.ID != s.T {
		of = append(of, Field{Expr: s.ID})
	}
	cuts := Select{Fields: append(slices.Clone(of), As(E("CASE WHEN ? <= max(?) ? THEN 0 ELSE 1 END", s.T, s.End, before), "cut")), From: s.From}
	lists := Select{
		Fields: append(slices.Clone(of), As(E("sum(cut) OVER (PARTITION BY ? ORDER BY ? ROWS UNBOUNDED PRECEDING)", List(s.Groups...), s.ID), "list")),
		From:   cuts.Sub("c"),
	}
	// The identifier comes first in what is gathered, and so orders it.
	folded := Select{
		Fields: append(slices.Clone(own), As(E("CAST(min(?) AS VARCHAR) || list_reduce(list_sort(list({'id': ?, 't': ?, 'until': ?, 'taken': ''})), "+
			"lambda a, b: CASE WHEN b.t > a.until THEN {'id': b.id, 't': b.t, 'until': b.until, 'taken': a.taken || ',' || b.id} ELSE a END).taken",
			s.ID, s.ID, s.T, s.End), "taken")),
		From:  lists.Sub("l"),
		Group: append(slices.Clone(s.Groups), E("list")),
	}
	return Select{
		Fields: append(slices.Clone(own), Field{Name: s.ID, Expr: E("CAST(unnest(string_split(taken, ',')) AS BIGINT)")}),
		From:   folded.Sub("f"),
	}.Expr()
}

// Chain looks for one span and all that begin before it is over, again and again.
func (trino) Chain(s Spans) Expr {
	own := Select{From: E(`? MATCH_RECOGNIZE (
  PARTITION BY ? ORDER BY ?
  MEASURES first.? AS ?
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (first within*)
  DEFINE within AS within.? <= first.?
)`, s.From, List(s.Groups...), s.ID, s.ID, s.ID, s.T, s.End)}
	own.Fields = append(s.groups(), Field{Expr: s.ID})
	return own.Expr()
}

func (s Spans) groups() []Field {
	list := make([]Field, len(s.Groups))
	for i, g := range s.Groups {
		list[i] = Field{Expr: g}
	}
	return list
}
