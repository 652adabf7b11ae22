package report

import "loch/shared/sql"

// An attempt is served by the first events that can: when step k is taken, step k+1
// is the next event that it describes. What an attempt gets to is found backwards.
// For a person's instants, from the last to the first, it is worked out when an
// attempt that comes to the instant with k steps behind it takes each further step:
// in this instant, or when an attempt with more steps behind it does from the next
// instants on. Coming sooner is never worse, so the least of the times of all
// instants behind is that of the next at which the attempt can go on.
//
// Events of one instant serve steps in whatever order is best. They can serve the
// steps after j up to k when there are enough of them: for each set of those steps
// at least as many events that can serve one of the set as the set has steps (Hall's
// theorem). Sets within families suffice, see Funnel.families.

// instants has a row for each instant of a person, with what can be done in it:
//
//	f(j, k)  whether its events can serve the steps after j up to k
//	y0, …    when the excluded events next happen after it
//	k0, …    the break-down's keys at it
func (p *funnelPlan) instants() sql.Expr {
	n := len(p.Steps)
	inner := sql.Select{Fields: append(plain(p.groups()), sql.Field{Expr: sql.E("t")}), From: p.table, Group: append(p.groups(), sql.E("t"))}
	enough := map[uint]sql.Expr{} // by set of steps
	for _, family := range p.families() {
		for _, set := range subsets(family) {
			var any []sql.Expr
			bits := uint(0)
			for _, step := range set {
				any = append(any, matched(step))
				bits |= 1 << step
			}
			c := sql.Name("c", len(enough))
			inner.Fields = append(inner.Fields, sql.Field{Name: c, Expr: sql.E("count(*) FILTER (WHERE ?)", sql.Or(any...))})
			enough[bits] = sql.E("? >= ?", c, sql.Int(int64(len(set))))
		}
	}
	for i := range p.Exclude {
		inner.Fields = append(inner.Fields, sql.Field{Name: before(i), Expr: sql.E("count(*) FILTER (WHERE ?) > 0", before(i))})
	}
	for _, k := range p.keys {
		inner.Fields = append(inner.Fields, sql.Field{Name: k, Expr: sql.E("min_by(?, place) FILTER (WHERE ?)", k, p.keyed())})
	}
	outer := sql.Select{Fields: append(plain(append(p.groups(), p.keys...)), sql.Field{Expr: sql.E("t")}), From: inner.Sub("i")}
	for j := range n {
		for k := j + 1; k <= n; k++ {
			if p.Order == anyOrder && k > j+1 {
				continue
			}
			outer.Fields = append(outer.Fields, sql.Field{Name: p.can(j, k), Expr: holdsAll(enough, j, k)})
		}
	}
	for i := range p.Exclude {
		outer.Fields = append(outer.Fields, sql.Field{Name: sql.Name("y", i), Expr: p.behind(sql.E("CASE WHEN ? THEN t END", before(i)))})
	}
	return outer.Expr()
}

// keyed tells whether an event is one whose values the break-down can take.
func (p *funnelPlan) keyed() sql.Expr {
	if p.Order != anyOrder {
		return matched(p.BreakdownAt - 1)
	}
	var any []sql.Expr
	for i := range p.Steps {
		any = append(any, matched(i))
	}
	return sql.Or(any...)
}

// holdsAll tells whether there are enough events for all sets of the steps after j
// up to k.
func holdsAll(enough map[uint]sql.Expr, j, k int) sql.Expr {
	var list []sql.Expr
	for set := uint(1); set < 1<<k; set++ {
		if e, ok := enough[set]; ok && set&(1<<j-1) == 0 {
			list = append(list, e)
		}
	}
	return sql.And(list...)
}

// subsets are those of a list that have something in them.
func subsets(list []int) [][]int {
	var all [][]int
	for bits := 1; bits < 1<<len(list); bits++ {
		var one []int
		for i, v := range list {
			if bits&(1<<i) != 0 {
				one = append(one, v)
			}
		}
		all = append(all, one)
	}
	return all
}

// can is the field that tells whether an instant can serve the steps after j up to k.
func (p *funnelPlan) can(j, k int) sql.Expr { return sql.Name("f", j*(len(p.Steps)+1)+k) }

// next is the field of when an attempt with k steps behind it takes a further step
// after an instant; behind the steps stand what happens next after some of them.
func (p *funnelPlan) next(k, what int) sql.Expr {
	return sql.Name("w", k*(len(p.Steps)+1+len(p.Exclude))+what)
}

// behind is the least value of all instants of the person after a row's.
func (p *funnelPlan) behind(e sql.Expr) sql.Expr {
	return sql.E("min(?) OVER (PARTITION BY ? ORDER BY t ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)", e, sql.List(p.groups()...))
}

// taken is when an attempt that comes to an instant with k steps behind it takes
// step i.
func (p *funnelPlan) taken(k, i int) sql.Expr {
	return p.onwards(k, i, i, sql.E("t"))
}

// ended is when excluded event i next happens after the attempt took the step
// behind which it ends it.
func (p *funnelPlan) ended(k, i int) sql.Expr {
	return p.onwards(k, p.Exclude[i].After, len(p.Steps)+1+i, sql.Name("y", i))
}

// onwards is a value that the attempt has when it takes a step: here, where the
// instant serves all steps up to it, else where the attempt goes on.
func (p *funnelPlan) onwards(k, step, what int, here sql.Expr) sql.Expr {
	e := sql.E("CASE WHEN ? THEN ?", p.can(k, step), here)
	for g := step - 1; g > k; g-- {
		e = sql.E("? WHEN ? THEN ?", e, p.can(k, g), p.next(g, what))
	}
	return sql.E("? END", e)
}

// orderedAttempts follows each start through the steps.
func (p *funnelPlan) orderedAttempts() sql.Expr {
	from := p.table
	for k := len(p.Steps) - 1; k > 0; k-- {
		level := sql.Select{Fields: []sql.Field{{Expr: sql.E("*")}}, From: from}
		for i := k + 1; i <= len(p.Steps); i++ {
			level.Fields = append(level.Fields, sql.Field{Name: p.next(k, i), Expr: p.behind(p.taken(k, i))})
		}
		for i, e := range p.Exclude {
			if e.After > k {
				level.Fields = append(level.Fields, sql.Field{Name: p.next(k, len(p.Steps)+1+i), Expr: p.behind(p.ended(k, i))})
			}
		}
		from = level.Sub("l")
	}
	starts := sql.Select{Fields: append(plain(append(p.groups(), p.keys...)), sql.Field{Expr: sql.E("t")}), From: from, Where: []sql.Expr{p.can(0, 1), p.inRange()}}
	for i := 2; i <= len(p.Steps); i++ {
		starts.Fields = append(starts.Fields, sql.Field{Name: stepAt(i), Expr: p.taken(0, i)})
	}
	for i := range p.Exclude {
		starts.Fields = append(starts.Fields, sql.Field{Name: sql.Name("y", i), Expr: p.ended(0, i)})
	}
	return p.reaching(starts)
}
