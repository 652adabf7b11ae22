package reporttest

import "fmt"

// funnelSpec makes a funnel spec.
func funnelSpec(g *maker) map[string]any {
	s := g.common(8)
	order := pick(g, "ordered", "ordered", "ordered", "strict", "any")
	n := 2 + g.IntN(3)
	var steps []any
	for i := range n {
		one := g.step(order, i)
		one["name"] = fmt.Sprintf("step %d", i)
		steps = append(steps, one)
	}
	s["steps"], s["order"] = steps, order
	if !g.chance(4) {
		window := map[string]any{"value": 1 + g.IntN(3), "unit": pick(g, "day", "day", "hour", "minute", "second", "week")}
		if g.chance(4) {
			window["value"], window["unit"] = 24*(1+g.IntN(4)), "hour"
		}
		s["window"] = window
	}
	s["count"] = pick(g, "uniques", "uniques", "totals", "sessions")
	if s["count"] != "totals" && g.chance(3) {
		s["attempt"] = pick(g, "first", "best")
	}
	if order == "ordered" && g.chance(3) {
		var list []any
		for range 1 + g.IntN(2) {
			e := map[string]any{"event": g.event()}
			if !g.chance(3) {
				after := 1 + g.IntN(n-1)
				e["between"] = []any{after, after + 1 + g.IntN(n-after)}
			}
			if g.chance(4) {
				e["where"] = g.filters(1)
			}
			list = append(list, e)
		}
		s["exclude"] = list
	}
	if g.chance(4) {
		s["hold"] = []any{pick(g, "country", "p", "n", "properties.q", "screen_width", "profile.p")}
	}
	if order != "any" && g.chance(3) {
		s["breakdown_at"] = 1 + g.IntN(n)
	}
	return s
}

// step makes a step. Steps in any order must be of different events.
func (g *maker) step(order string, i int) map[string]any {
	if order == "any" {
		one := map[string]any{"event": eventNames[i]}
		if g.chance(4) {
			one["where"] = g.filters(1)
		}
		return one
	}
	if g.chance(5) {
		return map[string]any{"any": []any{g.step("", i), g.step("", i)}}
	}
	one := map[string]any{"event": pick(g, eventNames...)}
	if g.chance(4) {
		one["event"] = g.event()
	}
	if g.chance(4) {
		one["where"] = g.filters(1)
	}
	return one
}
