package command

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// newInsights is the command `loch report insights`.
func newInsights(c Connector, t tools) *cobra.Command {
	n := &insightsCommand{reportCommand: reportCommand{target: target{connector: c, tools: &t}, tools: t, kind: "insights"}}
	cmd := &cobra.Command{
		Use:   "insights",
		Short: "Count events, people and values over time",
		Long: `Count events, people and values over time. Each --event is a series; --measure says
what is counted of all of them: total (events), uniques (people), sessions, sum avg
median p90 p99 min max distinct of --property, or per_user with --per-user. A formula
calculates with the series by their letters: A is the first.` +
			fmt.Sprintf(reportHelp, "insights") +
			fmt.Sprintf(exitHelp, "3 and 4 not used"),
		Example: `  loch report insights --event 'Page View' --measure uniques --by country
  loch report insights --event 'Page View' --event Purchase --formula 'B / A * 100' --interval week
  loch report insights --event Purchase --measure sum --property revenue --interval month --days 365
  loch report insights --event '*' --measure uniques --rolling-days 30 --where 'profile.plan eq pro' --csv
  loch report insights --spec report.json --sql`,
		RunE: n.run,
	}
	n.flags(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&n.events, "event", nil, "a series of this event; * is any; may be repeated")
	f.StringVar(&n.measure, "measure", "total", "what is counted of each --event")
	f.StringVar(&n.property, "property", "", "the property that --measure is of")
	f.StringVar(&n.perUser, "per-user", "", "of --measure per_user: avg, median, p90, p99, min or max")
	f.IntVar(&n.rolling, "rolling-days", 0, "of --measure uniques: people in the 7 or 30 days up to each interval's last")
	f.StringArrayVar(&n.formulas, "formula", nil, "a series that is calculated, such as 'B / A'; may be repeated")
	f.StringVar(&n.interval, "interval", "", "hour, day, week, month or total; default: day")
	return cmd
}

type insightsCommand struct {
	reportCommand
	events   []string
	measure  string
	property string
	perUser  string
	rolling  int
	formulas []string
	interval string
}

func (n *insightsCommand) run(cmd *cobra.Command, args []string) error {
	spec, err := n.common(cmd.InOrStdin(), args)
	if err != nil {
		return err
	}
	if n.interval != "" {
		spec["interval"] = n.interval
	}
	if series := n.series(); series != nil {
		spec["series"] = series
	}
	if spec["series"] == nil {
		return usage("name an event with --event, or a report with --spec")
	}
	return n.ask(cmd, spec, func(w io.Writer, body []byte) error { return n.table(w, body) }, insightsRows)
}

// series makes those of the flags, nil where there are none.
func (n *insightsCommand) series() []any {
	var list []any
	for _, event := range n.events {
		one := map[string]any{"event": event, "measure": n.measure}
		if n.property != "" {
			one["property"] = n.property
		}
		if n.perUser != "" {
			one["per_user"] = n.perUser
		}
		if n.rolling != 0 {
			one["rolling_days"] = n.rolling
		}
		list = append(list, one)
	}
	for _, formula := range n.formulas {
		list = append(list, map[string]any{"formula": formula})
	}
	return list
}

// insightsAnswer is what the server answers.
type insightsAnswer struct {
	Series []struct {
		Name    string          `json:"name"`
		Segment json.RawMessage `json:"segment"`
		Points  []struct {
			T string      `json:"t"`
			V json.Number `json:"v"`
		} `json:"points"`
		Total json.Number `json:"total"`
	} `json:"series"`
	Hidden int `json:"hidden"`
}

// table sets an answer. Without segments it has a row for each interval and a
// column for each series; with segments a row for each of them, in which the
// intervals are drawn.
func (n *insightsCommand) table(w io.Writer, body []byte) error {
	var a insightsAnswer
	if err := unmarshal(body, &a); err != nil {
		return err
	}
	s := n.target.screen(w)
	segments := false
	for i := range a.Series {
		segments = segments || !isNull(a.Series[i].Segment)
	}
	columns, rows := a.byTime()
	if segments {
		columns, rows = a.bySegment()
	}
	if len(a.Series) == 0 {
		if err := lines(w, "nothing happened that this asks for"); err != nil {
			return err
		}
	} else if err := s.table(w, columns, rows); err != nil {
		return err
	}
	return hiddenLine(w, s, a.Hidden, "line")
}

func (a *insightsAnswer) byTime() ([]column, [][]cell) {
	columns := []column{{name: "from", whole: true}}
	for i := range a.Series {
		columns = append(columns, column{name: clean(a.Series[i].Name, 0), right: true})
	}
	var rows [][]cell
	totals := []cell{{text: "total"}}
	for i := range a.Series {
		for at, p := range a.Series[i].Points {
			if i == 0 {
				rows = append(rows, []cell{{text: clean(p.T, 0)}})
			}
			if at < len(rows) {
				rows[at] = append(rows[at], number(p.V))
			}
		}
		totals = append(totals, number(a.Series[i].Total))
	}
	return columns, append(rows, totals)
}

func (a *insightsAnswer) bySegment() ([]column, [][]cell) {
	columns := []column{{name: "series"}, {name: "segment"}, {name: "total", right: true, whole: true}, {name: "over time"}}
	var rows [][]cell
	for i := range a.Series {
		one := &a.Series[i]
		values := make([]float64, len(one.Points))
		for at, p := range one.Points {
			values[at], _ = p.V.Float64() // null is drawn as nothing
		}
		rows = append(rows, []cell{{text: clean(one.Name, 0)}, {text: clean(segmentText(one.Segment), 0)}, number(one.Total), {text: sparkline(values)}})
	}
	return columns, rows
}

// insightsRows is an answer with a row for each value.
func insightsRows(body []byte) (*answer, error) {
	var a insightsAnswer
	if err := unmarshal(body, &a); err != nil {
		return nil, err
	}
	out := answerOf("series", "segment", "t", "value")
	for i := range a.Series {
		one := &a.Series[i]
		for _, p := range one.Points {
			out.Rows = append(out.Rows, []json.RawMessage{quotedText(one.Name), segmentValue(one.Segment), quotedText(p.T), json.RawMessage(p.V)})
		}
	}
	return out, nil
}
