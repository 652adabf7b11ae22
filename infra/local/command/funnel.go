package command

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"
)

// newFunnel is the command `loch report funnel`.
func newFunnel(c Connector, t tools) *cobra.Command {
	n := &funnelCommand{reportCommand: reportCommand{target: target{connector: c, tools: &t}, tools: t, kind: "funnel"}}
	cmd := &cobra.Command{
		Use:   "funnel --steps EVENT EVENT…",
		Short: "Count who went through steps, and how far",
		Long: `Count who went through steps, and how far. The steps are events in their order; other
events may come between, but for --order strict. All have to be within the --window,
which starts with the first step.` +
			fmt.Sprintf(reportHelp, "funnel") +
			fmt.Sprintf(exitHelp, "3 and 4 not used"),
		Example: `  loch report funnel --steps 'Sign Up' 'Add Card' 'Purchase'
  loch report funnel --steps 'Page View' 'Sign Up' --window 30m --by channel
  loch report funnel --steps 'Sign Up' 'Purchase' --exclude Refund --where 'country eq DE'
  loch report funnel --spec funnel.json --csv`,
		RunE: n.run,
	}
	n.flags(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&n.steps, "steps", nil, "the events, one behind the other; * is any")
	f.StringVar(&n.window, "window", "", "how long all may take: a number and s, m, h, d or w; default: 7d")
	f.StringVar(&n.count, "count", "", "what is counted: uniques (people), totals (attempts) or sessions; default: uniques")
	f.StringVar(&n.attempt, "attempt", "", "best (any first step can start) or first (only the first of all); default: best")
	f.StringVar(&n.order, "order", "", "ordered, strict (no other event between) or any; default: ordered")
	f.StringArrayVar(&n.exclude, "exclude", nil, "an `event` that may not come between; may be repeated")
	f.StringArrayVar(&n.hold, "hold", nil, "a `property` that has the same value at all steps; may be repeated")
	return cmd
}

type funnelCommand struct {
	reportCommand
	steps   []string
	window  string
	count   string
	attempt string
	order   string
	exclude []string
	hold    []string
}

func (n *funnelCommand) run(cmd *cobra.Command, args []string) error {
	spec, err := n.common(cmd.InOrStdin(), nil)
	if err != nil {
		return err
	}
	var steps, exclude []any
	for _, event := range append(n.steps, args...) { // --steps A B C: a flag takes one
		steps = append(steps, map[string]any{"event": event})
	}
	for _, event := range n.exclude {
		exclude = append(exclude, map[string]any{"event": event})
	}
	if steps != nil {
		spec["steps"] = steps
	}
	if exclude != nil {
		spec["exclude"] = exclude
	}
	if len(n.hold) > 0 {
		spec["hold"] = n.hold
	}
	if n.window != "" {
		if spec["window"], err = windowOf(n.window); err != nil {
			return err
		}
	}
	put(spec, "count", n.count)
	n.count, _ = spec["count"].(string)
	put(spec, "attempt", n.attempt)
	put(spec, "order", n.order)
	if spec["steps"] == nil {
		return usage("name the events with --steps, such as --steps 'Sign Up' 'Purchase', or a report with --spec")
	}
	return n.ask(cmd, spec, n.table, funnelRows)
}

// put sets a field of a spec that a flag gives.
func put(spec map[string]any, name, value string) {
	if value != "" {
		spec[name] = value
	}
}

// windowOf reads such as 30m.
func windowOf(text string) (map[string]any, error) {
	units := map[byte]string{'s': "second", 'm': "minute", 'h': "hour", 'd': "day", 'w': "week"}
	n, err := strconv.Atoi(text[:len(text)-1])
	unit := units[text[len(text)-1]]
	if err != nil || unit == "" {
		return nil, usage("--window is a number and s, m, h, d or w, such as 30m or 7d")
	}
	return map[string]any{"value": n, "unit": unit}, nil
}

// funnelAnswer is what the server answers.
type funnelAnswer struct {
	Segments []struct {
		Segment json.RawMessage `json:"segment"`
		Steps   []struct {
			Name          string      `json:"name"`
			Count         int64       `json:"count"`
			FromStart     json.Number `json:"from_start"`
			FromPrevious  json.Number `json:"from_previous"`
			MedianSeconds json.Number `json:"median_seconds"`
			AvgSeconds    json.Number `json:"avg_seconds"`
		} `json:"steps"`
	} `json:"segments"`
	Hidden int `json:"hidden"`
}

// table sets an answer: without segments a row for each step, with a bar; with
// segments a row for each of them.
func (n *funnelCommand) table(w io.Writer, body []byte) error {
	var a funnelAnswer
	if err := unmarshal(body, &a); err != nil {
		return err
	}
	s := n.target.screen(w)
	var err error
	switch {
	case len(a.Segments) == 0 || a.nobody():
		return nothing(w, s, "nobody did the first step", a.Hidden, "segment")
	case len(a.Segments) == 1 && isNull(a.Segments[0].Segment):
		columns, rows := a.bySteps(n.counted(), s.barWidth())
		err = s.table(w, columns, rows)
	default:
		columns, rows := a.bySegment(s.barWidth())
		err = s.table(w, columns, rows)
	}
	if err != nil {
		return err
	}
	return hiddenLine(w, s, a.Hidden, "segment")
}

// counted is the noun of what is counted.
func (n *funnelCommand) counted() string {
	switch n.count {
	case "", "uniques":
		return "people"
	case "totals":
		return "attempts"
	}
	return clean(n.count, 0)
}

func (a *funnelAnswer) nobody() bool {
	for _, one := range a.Segments {
		if len(one.Steps) > 0 && one.Steps[0].Count > 0 {
			return false
		}
	}
	return true
}

func (a *funnelAnswer) bySteps(counted string, width int) ([]column, [][]cell) {
	columns := []column{
		{name: "step"}, {name: counted, right: true, whole: true}, {name: "", whole: true}, {name: "of all", right: true, whole: true},
		{name: "of step before", right: true, whole: true}, {name: "median time", right: true, whole: true},
	}
	var rows [][]cell
	for i, step := range a.Segments[0].Steps {
		of, _ := step.FromStart.Float64() // null is drawn as nothing
		row := []cell{{text: strconv.Itoa(i+1) + "  " + clean(step.Name, 0)}, {text: count(step.Count)}, {text: bar(of, width)}, ratio(step.FromStart), ratio(step.FromPrevious), seconds(step.MedianSeconds)}
		if i == 0 {
			row[4], row[5] = cell{}, cell{}
		}
		rows = append(rows, row)
	}
	return columns, rows
}

func (a *funnelAnswer) bySegment(width int) ([]column, [][]cell) {
	columns := []column{{name: "segment"}}
	for i, step := range a.Segments[0].Steps {
		columns = append(columns, column{name: strconv.Itoa(i+1) + " " + clean(step.Name, 0), right: true})
	}
	columns = append(columns, column{name: "of all", right: true, whole: true}, column{name: "", whole: true})
	var rows [][]cell
	for _, one := range a.Segments {
		row := []cell{{text: clean(segmentText(one.Segment), 0)}}
		var last json.Number
		for _, step := range one.Steps {
			row = append(row, cell{text: count(step.Count)})
			last = step.FromStart
		}
		of, _ := last.Float64() // null is drawn as nothing
		rows = append(rows, append(row, ratio(last), cell{text: bar(of, width)}))
	}
	return columns, rows
}

// funnelRows is an answer with a row for each step.
func funnelRows(body []byte) (*answer, error) {
	var a funnelAnswer
	if err := unmarshal(body, &a); err != nil {
		return nil, err
	}
	out := answerOf("segment", "step", "name", "count", "from_start", "from_previous", "median_seconds", "avg_seconds")
	for _, one := range a.Segments {
		for i, step := range one.Steps {
			out.Rows = append(out.Rows, []json.RawMessage{
				segmentValue(one.Segment), wholeValue(int64(i + 1)), quotedText(step.Name), wholeValue(step.Count), json.RawMessage(step.FromStart),
				json.RawMessage(step.FromPrevious), json.RawMessage(step.MedianSeconds), json.RawMessage(step.AvgSeconds),
			})
		}
	}
	return out, nil
}
