package command

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"
)

// newRetention is the command `loch report retention`.
func newRetention(c Connector, t tools) *cobra.Command {
	n := &retentionCommand{reportCommand: reportCommand{target: target{connector: c, tools: &t}, tools: t, kind: "retention"}}
	cmd := &cobra.Command{
		Use:   "retention --first EVENT",
		Short: "Count who came back",
		Long: `Count who came back. People join a cohort by --first, and are back with --then: in
that very interval, or with --mode on_or_after in it or any time later. Intervals are
the calendar's, or with --clock rolling steps of 24 hours from each person's own first
event.` +
			fmt.Sprintf(reportHelp, "retention") +
			fmt.Sprintf(exitHelp, "3 and 4 not used"),
		Example: `  loch report retention --first 'Sign Up' --interval week --intervals 8
  loch report retention --first 'Sign Up' --then Purchase --first-ever --by channel
  loch report retention --first '*' --mode on_or_after --days 14 --csv`,
		RunE: n.run,
	}
	n.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&n.first, "first", "", "the event by which people join; * is any")
	f.StringVar(&n.then, "then", "", "the event with which they are back; default: any")
	f.StringVar(&n.interval, "interval", "", "day, week or month; default: day")
	f.IntVar(&n.intervals, "intervals", 0, "so many intervals are told; default: 14")
	f.StringVar(&n.mode, "mode", "", "on or on_or_after; default: on")
	f.StringVar(&n.clock, "clock", "", "calendar or rolling; default: calendar")
	f.BoolVar(&n.firstEver, "first-ever", false, "only people who never did the first event before")
	return cmd
}

type retentionCommand struct {
	reportCommand
	first, then string
	interval    string
	intervals   int
	mode, clock string
	firstEver   bool
}

func (n *retentionCommand) run(cmd *cobra.Command, args []string) error {
	spec, err := n.common(cmd.InOrStdin(), args)
	if err != nil {
		return err
	}
	if n.first != "" {
		spec["first"] = map[string]any{"event": n.first}
	}
	switch {
	case n.then != "":
		spec["then"] = map[string]any{"event": n.then}
	case spec["then"] == nil:
		spec["then"] = map[string]any{"event": "*"}
	}
	put(spec, "interval", n.interval)
	n.interval, _ = spec["interval"].(string)
	put(spec, "mode", n.mode)
	put(spec, "clock", n.clock)
	if n.intervals != 0 {
		spec["intervals"] = n.intervals
	}
	if n.firstEver {
		spec["first_ever"] = true
	}
	if spec["first"] == nil {
		return usage("name an event with --first, or a report with --spec")
	}
	return n.ask(cmd, spec, n.table, retentionRows)
}

// retentionAnswer is what the server answers.
type retentionAnswer struct {
	retentionCohorts
	Segments []struct {
		Segment json.RawMessage `json:"segment"`
		retentionCohorts
	} `json:"segments"`
	Hidden int `json:"hidden"`
}

type retentionCohorts struct {
	Cohorts []struct {
		Start    string `json:"start"`
		Size     int64  `json:"size"`
		Retained []struct {
			N        int64       `json:"n"`
			Ratio    json.Number `json:"ratio"`
			Complete bool        `json:"complete"`
		} `json:"retained"`
	} `json:"cohorts"`
	Average []struct {
		Ratio json.Number `json:"ratio"`
	} `json:"average"`
}

// running marks what can still grow.
const running = "*"

// table sets an answer: a row for each cohort and one for all of them; with
// segments a row for each of them.
func (n *retentionCommand) table(w io.Writer, body []byte) error {
	var a retentionAnswer
	if err := unmarshal(body, &a); err != nil {
		return err
	}
	s := n.target.screen(w)
	columns := []column{{name: "cohort", whole: true}, {name: "people", right: true, whole: true}}
	var rows [][]cell
	if len(a.Segments) > 0 {
		columns[0] = column{name: "segment"}
		for _, one := range a.Segments {
			rows = append(rows, one.all(clean(segmentText(one.Segment), 0)))
		}
		rows = append(rows, a.all("all"))
	} else {
		rows = append(a.byCohort(), a.all("average"))
	}
	if a.size() == 0 {
		return nothing(w, s, "nobody did the first event", a.Hidden, "cohort")
	}
	interval := n.interval
	if interval == "" {
		interval = "day"
	}
	for i := range a.Average {
		columns = append(columns, column{name: clean(interval, 0) + " " + strconv.Itoa(i), right: true, whole: true})
	}
	columns, rows, cut := s.firstColumns(columns, rows, 3)
	if err := s.table(w, columns, rows); err != nil {
		return err
	}
	if len(a.Segments) == 0 && a.running(len(columns)-2) {
		if err := lines(w, s.paint(dim, running+" has not ended yet, and is not in the average")); err != nil {
			return err
		}
	}
	if cut > 0 {
		if err := lines(w, s.paint(dim, plural(int64(cut), "interval")+" more; a wider terminal or --csv shows all")); err != nil {
			return err
		}
	}
	return hiddenLine(w, s, a.Hidden, "cohort")
}

// firstColumns leaves out the last columns where not all fit, down to least, and
// says how many those are.
func (s screen) firstColumns(columns []column, rows [][]cell, least int) ([]column, [][]cell, int) {
	kept := len(columns)
	widths := natural(columns, rows)
	for s.width > 0 && kept > least {
		room := s.width - 3*kept - 1
		for _, n := range widths[:kept] {
			room -= n
		}
		if room >= 0 {
			break
		}
		kept--
	}
	for i := range rows {
		rows[i] = rows[i][:kept]
	}
	return columns[:kept], rows, len(columns) - kept
}

func (a *retentionCohorts) size() (n int64) {
	for _, c := range a.Cohorts {
		n += c.Size
	}
	return n
}

// running tells whether one of the first intervals has somebody and can still grow.
func (a *retentionCohorts) running(first int) bool {
	for _, c := range a.Cohorts {
		for _, r := range c.Retained[:min(first, len(c.Retained))] {
			if !r.Complete && r.N > 0 {
				return true
			}
		}
	}
	return false
}

// byCohort has a row for each cohort. What has not ended and has nobody yet is left
// empty.
func (a *retentionCohorts) byCohort() (rows [][]cell) {
	for _, c := range a.Cohorts {
		row := []cell{{text: clean(c.Start, 0)}, {text: count(c.Size)}}
		for _, r := range c.Retained {
			one := ratio(r.Ratio)
			switch {
			case !r.Complete && r.N == 0:
				one = cell{}
			case !r.Complete:
				one = cell{text: one.text + running, null: true}
			}
			row = append(row, one)
		}
		rows = append(rows, row)
	}
	return rows
}

// all is the row of the averages.
func (a *retentionCohorts) all(name string) []cell {
	row := []cell{{text: name}, {text: count(a.size())}}
	for _, one := range a.Average {
		row = append(row, ratio(one.Ratio))
	}
	return row
}

// retentionRows is an answer with a row for each interval of each cohort.
func retentionRows(body []byte) (*answer, error) {
	var a retentionAnswer
	if err := unmarshal(body, &a); err != nil {
		return nil, err
	}
	out := answerOf("segment", "cohort", "size", "interval", "retained", "ratio", "complete")
	add := func(segment json.RawMessage, list *retentionCohorts) {
		for _, c := range list.Cohorts {
			for i, r := range c.Retained {
				out.Rows = append(out.Rows, []json.RawMessage{
					segment, quotedText(c.Start), wholeValue(c.Size), wholeValue(int64(i)), wholeValue(r.N), json.RawMessage(r.Ratio), json.RawMessage(strconv.FormatBool(r.Complete)),
				})
			}
		}
	}
	add(json.RawMessage("null"), &a.retentionCohorts)
	for i := range a.Segments {
		add(segmentValue(a.Segments[i].Segment), &a.Segments[i].retentionCohorts)
	}
	return out, nil
}
