package report

import (
	"cmp"
	"slices"
)

// FlowsAnswer is the answer of a flows report: of everybody, and with a break-down
// of each segment as well.
type FlowsAnswer struct {
	Nodes    []FlowNode     `json:"nodes"`
	Links    []FlowLink     `json:"links"`
	Segments []FlowsSegment `json:"segments,omitempty"`
	// Hidden is how many segments, or all of it, are left out because they are of
	// fewer persons than the project shows.
	Hidden int `json:"hidden,omitempty"`
}

// FlowsSegment is the flows of one segment.
type FlowsSegment struct {
	Segment Segment    `json:"segment"`
	Nodes   []FlowNode `json:"nodes"`
	Links   []FlowLink `json:"links"`
}

// FlowNode is how many paths have an event at a step. Step 0 is the anchor's. Nodes
// are in the order of steps, the most frequent first, then "(other)", then "(end)",
// where the paths are that had nothing more at the step before.
type FlowNode struct {
	Step  int    `json:"step"`
	Event string `json:"event"`
	Count int64  `json:"count"`
}

// FlowLink is how many paths go from an event at Step to one at the next step: away
// from the anchor, which with backward is back in time.
type FlowLink struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Step  int    `json:"step"`
	Count int64  `json:"count"`
}

// flowsGroup is a segment as the rows told it.
type flowsGroup struct {
	segment Segment
	persons int64
	links   map[flowsLink]int64
}

// flowNodeKey is a node with its rank among those of its step, by which it sorts.
type flowNodeKey struct {
	step, rank int64
	event      string
}

type flowsLink struct{ from, to flowNodeKey }

func (n flowNodeKey) compare(o flowNodeKey) int {
	return cmp.Or(cmp.Compare(n.step, o.step), cmp.Compare(n.rank, o.rank), cmp.Compare(n.event, o.event))
}

// answer works out the answer.
func (f *Flows) answer(minCell int64, rows [][]any) (any, error) {
	all := &flowsGroup{links: map[flowsLink]int64{}}
	groups := map[string]*flowsGroup{}
	fixed := 2 * len(f.Breakdown)
	for _, row := range rows {
		values := row[fixed:]
		persons, ok := wholeIn(values[6])
		if !ok {
			return nil, misshapen()
		}
		if values[0] == nil && (fixed == 0 || row[0] == nil) {
			all.persons = persons
			continue
		}
		segment, err := segmentIn(row[:fixed])
		if err != nil {
			return nil, err
		}
		g := groups[segment.key()]
		if g == nil {
			g = &flowsGroup{segment: segment, links: map[flowsLink]int64{}}
			groups[segment.key()] = g
		}
		if values[0] == nil {
			g.persons = persons
			continue
		}
		// Each path is in one segment, so all segments make the whole.
		if !g.take(f, values) || !all.take(f, values) {
			return nil, misshapen()
		}
	}
	var answer FlowsAnswer
	if Hide([]int64{all.persons}, all.persons, minCell)[0] {
		answer.Hidden, all.links = 1, nil
	}
	answer.Nodes, answer.Links = all.told()
	if fixed == 0 {
		return answer, nil
	}
	list := make([]*flowsGroup, 0, len(groups))
	for _, g := range groups {
		list = append(list, g)
	}
	slices.SortFunc(list, func(a, b *flowsGroup) int { return a.segment.compare(b.segment) })
	persons := make([]int64, len(list))
	for i, g := range list {
		persons[i] = g.persons
	}
	for i, hide := range Hide(persons, all.persons, minCell) {
		if hide {
			answer.Hidden++
			continue
		}
		nodes, links := list[i].told()
		answer.Segments = append(answer.Segments, FlowsSegment{list[i].segment, nodes, links})
	}
	return answer, nil
}

// take adds a row of the result, behind its segment.
func (g *flowsGroup) take(f *Flows, row []any) bool {
	var n [4]int64 // step, here_rank, there_rank, paths
	for i, at := range []int{0, 1, 3, 5} {
		var ok bool
		if n[i], ok = wholeIn(row[at]); !ok {
			return false
		}
	}
	here, ok := row[2].(string)
	if !ok || n[0] < 0 || n[0] >= int64(f.Steps) {
		return false
	}
	link := flowsLink{flowNodeKey{n[0], n[1], here}, flowNodeKey{n[0] + 1, int64(f.Top) + 2, End}}
	if row[4] != nil {
		if link.to.event, ok = row[4].(string); !ok {
			return false
		}
		link.to.rank = n[2]
	}
	g.links[link] += n[3]
	return true
}

// told are the nodes and links in order. A node has as many paths as come to it, one
// of step 0 as many as leave it.
func (g *flowsGroup) told() ([]FlowNode, []FlowLink) {
	counts := map[flowNodeKey]int64{}
	order := make([]flowsLink, 0, len(g.links))
	for l, n := range g.links {
		order = append(order, l)
		counts[l.to] += n
		if l.from.step == 0 {
			counts[l.from] += n
		}
	}
	slices.SortFunc(order, func(a, b flowsLink) int { return cmp.Or(a.from.compare(b.from), a.to.compare(b.to)) })
	nodes, links := []FlowNode{}, []FlowLink{}
	for _, l := range order {
		links = append(links, FlowLink{l.from.event, l.to.event, int(l.from.step), g.links[l]})
	}
	keys := make([]flowNodeKey, 0, len(counts))
	for k := range counts {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, flowNodeKey.compare)
	for _, k := range keys {
		nodes = append(nodes, FlowNode{int(k.step), k.event, counts[k]})
	}
	return nodes, links
}
