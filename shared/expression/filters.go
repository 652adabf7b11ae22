package expression

import "regexp"

// Filters are the list of filters, as reports and lists take it in JSON, that let
// through what a condition does. Such a list is joined by AND, of single filters and of
// lists that are joined by OR; so the condition is brought into that form, and refused
// where it would grow too long.
func (r Reading) Filters(c *Condition) ([]any, error) {
	all, err := r.clauses(c, false)
	if err != nil {
		return nil, err
	}
	list := make([]any, len(all))
	for i, c := range all {
		if len(c) == 1 {
			list[i] = c[0]
		} else {
			list[i] = map[string]any{"any": c}
		}
	}
	return list, nil
}

// Reading says what the names of an expression mean to who filters.
type Reading struct {
	// Named is how a filter names a property, or why it cannot.
	Named func(of *Property, at int) (string, error)
	// Else is a second name, with the constant as that has it: of what counts where the
	// property of the first has no value; "" for none. Nil: there are no such names.
	Else func(of *Property, constant any) (name string, as any)
	// Dates may be put in order, too: texts such as "2026-11-23" and
	// "2026-11-23T20:15:00".
	Dates bool
}

// date is how a text begins, and goes on, that may be put in order.
var date = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?Z?)?$`)

// clauses are an AND of ORs of filters.
type clauses [][]map[string]any

// mostClauses bounds what multiplying out an expression may give.
const mostClauses = 100

// clauses reads a condition, or what is not it.
func (r Reading) clauses(c *Condition, negated bool) (clauses, error) {
	switch c.Op {
	case Not:
		return r.clauses(&c.Of[0], !negated)
	case And, Or:
		var all clauses
		for i := range c.Of {
			part, err := r.clauses(&c.Of[i], negated)
			if err != nil {
				return nil, err
			}
			switch {
			case i == 0:
				all = part
			case (c.Op == And) != negated: // both must hold
				all = append(all, part...)
			default:
				all = product(all, part)
			}
			if len(all) > mostClauses {
				return nil, Wrong("the expression has too many combinations of and within or; write it with fewer")
			}
		}
		return all, nil
	case Defined:
		return r.leaf(c.Left, either(negated, "is_not_set", "is_set"), nil)
	case In:
		return r.contained(c, negated)
	case Eq, Ne:
		return r.leaf(c.Left, either(negated == (c.Op == Eq), "ne", "eq"), c.Right.Value.JSON())
	case Gt, Gte, Lt, Lte:
	}
	switch {
	case c.Right.Value.Kind != Number && !r.Dates:
		return nil, Wrong("the operator %s at byte %d compares numbers only", c.Op, c.At)
	case c.Right.Value.Kind != Number && !date.MatchString(c.Right.Value.Text):
		return nil, Wrong(`the operator %s at byte %d compares numbers, and dates such as "2026-11-23" and "2026-11-23T20:15:00", only`, c.Op, c.At)
	case negated:
		return nil, Wrong("not before %s, at byte %d, is not supported; write the comparison that is meant", c.Op, c.At)
	}
	return r.leaf(c.Left, map[Op]string{Gt: "gt", Gte: "gte", Lt: "lt", Lte: "lte"}[c.Op], c.Right.Value.JSON())
}

// product is an AND of ORs that holds where a or b does.
func product(a, b clauses) clauses {
	var all clauses
	for _, x := range a {
		for _, y := range b {
			all = append(all, append(append([]map[string]any{}, x...), y...))
		}
	}
	return all
}

func (r Reading) contained(c *Condition, negated bool) (clauses, error) {
	switch {
	case c.Left.Value != nil && c.Right.Property != nil:
		return r.leaf(c.Right, either(negated, "not_contains", "contains"), c.Left.Value.JSON())
	case c.Left.Property != nil && len(c.Right.List) > 0:
		values := make([]any, len(c.Right.List))
		for i, l := range c.Right.List {
			values[i] = l.JSON()
		}
		return r.leaf(c.Left, either(negated, "not_in", "in"), values)
	}
	return nil, Wrong("this use of in, at byte %d, is not supported: write a constant in a property, or a property in a list of constants%s", c.At, Supported)
}

// leaf is a filter on one property. Where a second name takes its place, it is: the
// first is not set or passes, and the first is set or the second passes.
func (r Reading) leaf(of Operand, op string, value any) (clauses, error) {
	name, err := r.Named(of.Property, of.At)
	if err != nil {
		return nil, err
	}
	one := func(name, op string, value any) map[string]any {
		f := map[string]any{"property": name, "op": op}
		if value != nil {
			f["value"] = value
		}
		return f
	}
	if r.Else != nil {
		if second, as := r.Else(of.Property, value); second != "" {
			return clauses{{one(name, "is_not_set", nil), one(name, op, value)}, {one(name, "is_set", nil), one(second, op, as)}}, nil
		}
	}
	return clauses{{one(name, op, value)}}, nil
}

func either(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}
