package reporttest

import (
	"cmp"
	"fmt"
	"slices"

	"loch/shared/report"
)

// flowsQuestion is a flows spec, read the plain way.
type flowsQuestion struct {
	common
	Anchor struct {
		Event any
		Where []condition
	}
	Direction string
	Steps     int
	Top       int
	Per       string
	Hide      []string
	Collapse  bool
}

// path is the names of what somebody did, from the anchor on.
type path struct {
	person string
	anchor *happened
	names  []string
}

// paths follows each session, or person, from its first anchor.
func (q *flowsQuestion) paths(w *world) (list []path) {
	for _, v := range q.units(w) {
		var walk []*happened
		for _, h := range v.events {
			if q.passes(h) && !slices.Contains(q.Hide, h.row.Name) {
				walk = append(walk, h)
			}
		}
		at := slices.IndexFunc(walk, func(h *happened) bool { return h.is(q.Anchor.Event) && all(q.Anchor.Where, h) })
		if at < 0 {
			continue
		}
		p := path{person: v.person, anchor: walk[at]}
		if q.Direction == "backward" {
			slices.Reverse(walk)
			at = len(walk) - 1 - at
		}
		for i, h := range walk[at:] {
			if q.Collapse && i > 0 && h.row.Name == walk[at+i-1].row.Name {
				continue
			}
			p.names = append(p.names, h.row.Name)
		}
		list = append(list, p)
	}
	return list
}

// units are the sessions, or what each person did on the report's days.
func (q *flowsQuestion) units(w *world) []visit {
	if q.Per == "session" {
		return q.visits(w)
	}
	zone, counts := q.zone(w), q.counts(w)
	var list []visit
	for i := range w.events {
		h := &w.events[i]
		if h.person == "" || !h.active() || !counts(h) || !h.in(q.From, q.To, zone) {
			continue
		}
		at := slices.IndexFunc(list, func(v visit) bool { return v.person == h.person })
		if at < 0 {
			at = len(list)
			list = append(list, visit{person: h.person})
		}
		list[at].events = append(list[at].events, h)
	}
	return list
}

// flows answers by following each path for each number.
func flows(w *world, spec []byte) any {
	q := flowsQuestion{Direction: "forward", Steps: 4, Top: 5, Per: "session"}
	read(spec, &q)
	paths := q.paths(w)
	nodes := make([][]string, q.Steps+1) // the names that are nodes, by step
	for step := range nodes {
		nodes[step] = q.top(w, paths, step)
	}
	// name is the node of a path at a step, "" where there is none.
	name := func(p path, step int) string {
		switch {
		case step < len(p.names) && slices.Contains(nodes[step], p.names[step]):
			return p.names[step]
		case step < len(p.names):
			return "(other)"
		case step == len(p.names):
			return "(end)"
		}
		return ""
	}
	tell := func(paths []path) (told, links []any) {
		told, links = []any{}, []any{}
		count := func(step int, from, to string) (n int) { // to is "" for any
			for _, p := range paths {
				if name(p, step) == from && (to == "" || name(p, step+1) == to) {
					n++
				}
			}
			return n
		}
		for step := range nodes {
			here := append(slices.Clone(nodes[step]), "(other)", "(end)")
			for _, from := range here {
				if n := count(step, from, ""); n > 0 {
					told = append(told, object{"step": step, "event": from, "count": n})
				}
				if step == q.Steps || from == "(end)" {
					continue
				}
				for _, to := range append(slices.Clone(nodes[step+1]), "(other)", "(end)") {
					if n := count(step, from, to); n > 0 {
						links = append(links, object{"from": from, "to": to, "step": step, "count": n})
					}
				}
			}
		}
		conserved(told, links, q.Steps)
		return told, links
	}
	var ranked []*happened
	for _, p := range paths {
		ranked = append(ranked, p.anchor)
	}
	segmentOf := q.segments(ranked)
	parts := map[string]*part{}
	for _, h := range ranked {
		values, order := segmentOf(h)
		parts[order] = &part{order: order, values: values}
	}
	list := make([]*part, 0, len(parts))
	for _, p := range parts {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b *part) int { return compare(a.order, b.order) })
	of := func(p *part) (some []path) {
		for _, one := range paths {
			if _, order := segmentOf(one.anchor); order == p.order {
				some = append(some, one)
			}
		}
		return some
	}
	hidden, everybody := 0, walkers(paths)
	whole := paths
	if report.Hide([]int64{everybody}, everybody, w.env.MinCell)[0] {
		hidden, whole = 1, nil
	}
	told, links := tell(whole)
	answer := object{"nodes": told, "links": links}
	sizes := make([]int64, len(list))
	for i, p := range list {
		sizes[i] = walkers(of(p))
	}
	var segments []any
	for i, hide := range report.Hide(sizes, everybody, w.env.MinCell) {
		switch {
		case len(q.Breakdown) == 0:
		case hide:
			hidden++
		default:
			told, links := tell(of(list[i]))
			segments = append(segments, object{"segment": shown(list[i].values), "nodes": told, "links": links})
		}
	}
	if len(segments) > 0 {
		answer["segments"] = segments
	}
	if hidden > 0 {
		answer["hidden"] = hidden
	}
	return answer
}

// top are the names that are nodes of a step by themselves.
func (q *flowsQuestion) top(w *world, paths []path, step int) (names []string) {
	of := map[string][]path{}
	for _, p := range paths {
		if step < len(p.names) {
			of[p.names[step]] = append(of[p.names[step]], p)
		}
	}
	for name, some := range of {
		if name != "(other)" && name != "(end)" && (w.env.MinCell <= 1 || walkers(some) >= w.env.MinCell) {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(len(of[b])-len(of[a]), compare(a, b)) })
	return names[:min(q.Top, len(names))]
}

// walkers is how many people some paths are of.
func walkers(list []path) int64 {
	seen := map[string]bool{}
	for _, p := range list {
		seen[p.person] = true
	}
	return int64(len(seen))
}

// conserved holds that what enters a node leaves it, as far as paths are followed.
func conserved(nodes, links []any, steps int) {
	for _, one := range nodes {
		n := one.(object)
		in, out := 0, 0
		for _, one := range links {
			l := one.(object)
			if l["step"] == n["step"] && l["from"] == n["event"] {
				out += l["count"].(int)
			}
			if l["step"].(int)+1 == n["step"] && l["to"] == n["event"] {
				in += l["count"].(int)
			}
		}
		if n["step"] != 0 && in != n["count"] || n["step"] != steps && n["event"] != "(end)" && out != n["count"] {
			panic(fmt.Sprintf("%v: %d in, %d out", n, in, out))
		}
	}
}

// flowsSpec makes a flows spec.
func flowsSpec(g *maker) map[string]any {
	s := g.common(8)
	anchor := map[string]any{"event": g.event()}
	if g.chance(4) {
		anchor["where"] = g.filters(1)
	}
	s["anchor"] = anchor
	if g.chance(2) {
		s["direction"] = pick(g, "backward", "backward", "forward")
	}
	if g.chance(2) {
		s["steps"] = 1 + g.IntN(6)
	}
	if g.chance(2) {
		s["top"] = 1 + g.IntN(4)
	}
	if g.chance(2) {
		s["per"] = pick(g, "person", "person", "session")
	}
	if g.chance(2) {
		s["collapse"] = true
	}
	if g.chance(4) { // not all that could be the anchor
		hide := []any{pick(g, eventNames[1:]...)}
		if anchor["event"] != hide[0] {
			s["hide"] = hide
		}
		if set, ok := anchor["event"].(map[string]any); ok {
			set["any"] = []any{"A", hide[0]}
		}
	}
	return s
}
