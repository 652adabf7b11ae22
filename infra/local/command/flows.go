package command

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// newFlows is the command `loch report flows`.
func newFlows(c Connector, t tools) *cobra.Command {
	n := &flowsCommand{reportCommand: reportCommand{target: target{connector: c, tools: &t}, tools: t, kind: "flows"}}
	cmd := &cobra.Command{
		Use:   "flows --anchor EVENT",
		Short: "Follow what people do next, or did before",
		Long: `Follow what people do after the --anchor, or with --backward what they did before it,
step by step: in the same session, or with --per person on all of the days. Of each
step the most frequent events are told by themselves; who did nothing more is (end).` +
			fmt.Sprintf(reportHelp, "flows") +
			fmt.Sprintf(exitHelp, "3 and 4 not used"),
		Example: `  loch report flows --anchor 'Sign Up' --collapse
  loch report flows --anchor Purchase --backward --steps 3 --hide Heartbeat
  loch report flows --anchor 'Sign Up' --per person --by country --csv`,
		RunE: n.run,
	}
	n.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&n.anchor, "anchor", "", "the event at which paths begin; * is any")
	f.BoolVar(&n.backward, "backward", false, "what came before, in place of what came after")
	f.IntVar(&n.steps, "steps", 0, "so many steps; default: 4")
	f.IntVar(&n.top, "top", 0, "so many events of each step by themselves; default: 5")
	f.StringVar(&n.per, "per", "", "session or person; default: session")
	f.StringArrayVar(&n.hide, "hide", nil, "an `event` that is on no path; may be repeated")
	f.BoolVar(&n.collapse, "collapse", false, "events of one name that follow each other are one step")
	return cmd
}

type flowsCommand struct {
	reportCommand
	anchor     string
	backward   bool
	steps, top int
	per        string
	hide       []string
	collapse   bool
}

func (n *flowsCommand) run(cmd *cobra.Command, args []string) error {
	spec, err := n.common(cmd.InOrStdin(), args)
	if err != nil {
		return err
	}
	if n.anchor != "" {
		spec["anchor"] = map[string]any{"event": n.anchor}
	}
	if n.backward {
		spec["direction"] = "backward"
	}
	n.backward = spec["direction"] == "backward"
	put(spec, "per", n.per)
	n.per, _ = spec["per"].(string)
	for name, value := range map[string]int{"steps": n.steps, "top": n.top} {
		if value != 0 {
			spec[name] = value
		}
	}
	if len(n.hide) > 0 {
		spec["hide"] = n.hide
	}
	if n.collapse {
		spec["collapse"] = true
	}
	if spec["anchor"] == nil {
		return usage("name an event with --anchor, or a report with --spec")
	}
	return n.ask(cmd, spec, n.table, flowsRows)
}

// flowsAnswer is what the server answers.
type flowsAnswer struct {
	flowsPaths
	Segments []struct {
		Segment json.RawMessage `json:"segment"`
		flowsPaths
	} `json:"segments"`
	Hidden int `json:"hidden"`
}

type flowsPaths struct {
	Nodes []struct {
		Step  int    `json:"step"`
		Event string `json:"event"`
		Count int64  `json:"count"`
	} `json:"nodes"`
	Links []flowsLink `json:"links"`
}

type flowsLink struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Step  int    `json:"step"`
	Count int64  `json:"count"`
}

// table sets an answer: a row for each node, with where its paths go.
func (n *flowsCommand) table(w io.Writer, body []byte) error {
	var a flowsAnswer
	if err := unmarshal(body, &a); err != nil {
		return err
	}
	s := n.target.screen(w)
	switch {
	case len(a.Nodes) == 0 && len(a.Segments) == 0:
		return nothing(w, s, "nobody did the anchor", a.Hidden, "segment")
	case len(a.Segments) == 0:
		columns, rows := n.rows(&a.flowsPaths, s)
		if err := s.table(w, columns, rows); err != nil {
			return err
		}
	}
	for i := range a.Segments {
		if err := lines(w, s.paint(bold, clean(segmentText(a.Segments[i].Segment), 0))); err != nil {
			return err
		}
		columns, rows := n.rows(&a.Segments[i].flowsPaths, s)
		if err := s.table(w, columns, rows); err != nil {
			return err
		}
	}
	return hiddenLine(w, s, a.Hidden, "segment")
}

// rows are those of a table. A step is told with the first of its nodes.
func (n *flowsCommand) rows(p *flowsPaths, s screen) ([]column, [][]cell) {
	counted, then, arrow := "sessions", "then", "→ "
	if n.per == "person" {
		counted = "people"
	}
	if n.backward {
		then, arrow = "before that", "← "
	}
	columns := []column{
		{name: "step", right: true, whole: true}, {name: "event"}, {name: counted, right: true, whole: true}, {name: "of all", right: true, whole: true},
	}
	bars := s.width == 0 || s.width >= 100 // what comes then needs the room more
	if bars {
		columns = append(columns, column{whole: true})
	}
	columns = append(columns, column{name: then})
	var all int64
	for _, node := range p.Nodes {
		if node.Step == 0 {
			all += node.Count
		}
	}
	var rows [][]cell
	last := -1
	for _, node := range p.Nodes {
		step := cell{}
		if node.Step != last {
			step.text = strconv.Itoa(node.Step)
		}
		last = node.Step
		of := share(node.Count, all)
		row := []cell{step, {text: clean(node.Event, 0), null: node.Event == "(end)"}, {text: count(node.Count)}, {text: percent(of)}}
		if bars {
			row = append(row, cell{text: bar(of, s.barWidth()/2)})
		}
		rows = append(rows, append(row, cell{text: p.onward(node.Step, node.Event, arrow)}))
	}
	return columns, rows
}

// onward tells where the paths of a node go, most of them first.
func (p *flowsPaths) onward(step int, event, arrow string) string {
	var all int64
	links := slices.Clone(p.Links)
	links = slices.DeleteFunc(links, func(l flowsLink) bool { return l.Step != step || l.From != event })
	for _, l := range links {
		all += l.Count
	}
	slices.SortStableFunc(links, func(a, b flowsLink) int { return cmp.Compare(b.Count, a.Count) })
	parts := make([]string, len(links))
	for i, l := range links {
		parts[i] = percent(share(l.Count, all)) + " " + clean(l.To, 0)
	}
	if len(parts) == 0 {
		return ""
	}
	return arrow + strings.Join(parts, " · ")
}

// flowsRows is an answer with a row for each link.
func flowsRows(body []byte) (*answer, error) {
	var a flowsAnswer
	if err := unmarshal(body, &a); err != nil {
		return nil, err
	}
	out := answerOf("segment", "step", "from", "to", "count")
	add := func(segment json.RawMessage, p *flowsPaths) {
		for _, l := range p.Links {
			out.Rows = append(out.Rows, []json.RawMessage{segment, wholeValue(int64(l.Step)), quotedText(l.From), quotedText(l.To), wholeValue(l.Count)})
		}
	}
	add(json.RawMessage("null"), &a.flowsPaths)
	for i := range a.Segments {
		add(segmentValue(a.Segments[i].Segment), &a.Segments[i].flowsPaths)
	}
	return out, nil
}
