package command

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// newSessions is the command `loch report sessions`.
func newSessions(c Connector, t tools) *cobra.Command {
	n := &sessionsCommand{reportCommand: reportCommand{target: target{connector: c, tools: &t}, tools: t, kind: "sessions"}}
	cmd := &cobra.Command{
		Use:   "sessions",
		Short: "Count sessions, how long they last, and where they begin and end",
		Long: `Count sessions, how long they last, how much is done in them, how many bounce (one
page view and nothing else), and on which pages they begin and end. A session ends
after half an hour of silence, where the project does not say otherwise, and counts
when it began. --where asks for sessions in which something is.` +
			fmt.Sprintf(reportHelp, "sessions") +
			fmt.Sprintf(exitHelp, "3 and 4 not used"),
		Example: `  loch report sessions
  loch report sessions --by channel --days 90 --interval week
  loch report sessions --where 'page_path starts_with /pricing' --top 20
  loch report sessions --interval hour --days 1 --csv`,
		RunE: n.run,
	}
	n.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&n.interval, "interval", "", "hour, day, week, month or total; default: day")
	f.IntVar(&n.top, "top", 0, "so many pages by themselves; default: 10")
	return cmd
}

type sessionsCommand struct {
	reportCommand
	interval string
	top      int
}

func (n *sessionsCommand) run(cmd *cobra.Command, args []string) error {
	spec, err := n.common(cmd.InOrStdin(), args)
	if err != nil {
		return err
	}
	put(spec, "interval", n.interval)
	if n.top != 0 {
		spec["top"] = n.top
	}
	return n.ask(cmd, spec, n.table, sessionsRows)
}

// sessionsAnswer is what the server answers.
type sessionsAnswer struct {
	Segments []struct {
		Segment json.RawMessage `json:"segment"`
		Points  []struct {
			T string `json:"t"`
			sessionsNumbers
		} `json:"points"`
		Total      sessionsNumbers `json:"total"`
		EntryPages []pageCount     `json:"entry_pages"`
		ExitPages  []pageCount     `json:"exit_pages"`
	} `json:"segments"`
	Hidden int `json:"hidden"`
}

type sessionsNumbers struct {
	Sessions         int64       `json:"sessions"`
	MedianSeconds    json.Number `json:"median_seconds"`
	AvgSeconds       json.Number `json:"avg_seconds"`
	EventsPerSession json.Number `json:"events_per_session"`
	BounceRate       json.Number `json:"bounce_rate"`
}

type pageCount struct {
	Page     json.RawMessage `json:"page"`
	Sessions int64           `json:"sessions"`
}

// measured are the columns of the numbers, and cells those of some sessions.
var measured = []column{
	{name: "sessions", right: true, whole: true}, {name: "median", right: true, whole: true}, {name: "mean", right: true, whole: true},
	{name: "events each", right: true, whole: true}, {name: "bounce rate", right: true, whole: true},
}

func (v *sessionsNumbers) cells() []cell {
	return []cell{{text: count(v.Sessions)}, seconds(v.MedianSeconds), seconds(v.AvgSeconds), number(v.EventsPerSession), ratio(v.BounceRate)}
}

// table sets an answer. Without segments it has a row for each interval, and the
// pages below; with segments a row for each of them.
func (n *sessionsCommand) table(w io.Writer, body []byte) error {
	var a sessionsAnswer
	if err := unmarshal(body, &a); err != nil {
		return err
	}
	s := n.target.screen(w)
	var err error
	switch {
	case len(a.Segments) == 0:
		return nothing(w, s, "there were no sessions", a.Hidden, "line")
	case len(a.Segments) == 1 && isNull(a.Segments[0].Segment):
		err = a.byTime(w, s)
	default:
		err = a.bySegment(w, s)
	}
	if err != nil {
		return err
	}
	return hiddenLine(w, s, a.Hidden, "line")
}

func (a *sessionsAnswer) byTime(w io.Writer, s screen) error {
	one := &a.Segments[0]
	columns := append([]column{{name: "from", whole: true}}, measured...)
	var rows [][]cell
	for i := range one.Points {
		rows = append(rows, append([]cell{{text: clean(one.Points[i].T, 0)}}, one.Points[i].cells()...))
	}
	if err := s.table(w, columns, append(rows, append([]cell{{text: "total"}}, one.Total.cells()...))); err != nil {
		return err
	}
	if err := pagesTable(w, s, "begin on page", one.EntryPages, one.Total.Sessions); err != nil {
		return err
	}
	return pagesTable(w, s, "end on page", one.ExitPages, one.Total.Sessions)
}

// pagesTable writes pages, if there are any, with a bar for their part of all.
func pagesTable(w io.Writer, s screen, name string, pages []pageCount, all int64) error {
	if len(pages) == 0 {
		return nil
	}
	columns := []column{{name: name}, {name: "sessions", right: true, whole: true}, {name: "of all", right: true, whole: true}, {name: "", whole: true}}
	var rows [][]cell
	for _, p := range pages {
		of := share(p.Sessions, all)
		rows = append(rows, []cell{{text: clean(plainText(p.Page), 0)}, {text: count(p.Sessions)}, {text: percent(of)}, {text: bar(of, s.barWidth())}})
	}
	return s.table(w, columns, rows)
}

func (a *sessionsAnswer) bySegment(w io.Writer, s screen) error {
	columns := append(append([]column{{name: "segment"}}, measured...), column{name: "over time"})
	var rows [][]cell
	for i := range a.Segments {
		one := &a.Segments[i]
		counts := make([]float64, len(one.Points))
		for at := range one.Points {
			counts[at] = float64(one.Points[at].Sessions)
		}
		row := append([]cell{{text: clean(segmentText(one.Segment), 0)}}, one.Total.cells()...)
		rows = append(rows, append(row, cell{text: sparkline(counts)}))
	}
	return s.table(w, columns, rows)
}

// sessionsRows is an answer with a row for each interval.
func sessionsRows(body []byte) (*answer, error) {
	var a sessionsAnswer
	if err := unmarshal(body, &a); err != nil {
		return nil, err
	}
	out := answerOf("segment", "t", "sessions", "median_seconds", "avg_seconds", "events_per_session", "bounce_rate")
	for i := range a.Segments {
		for _, p := range a.Segments[i].Points {
			out.Rows = append(out.Rows, []json.RawMessage{
				segmentValue(a.Segments[i].Segment), quotedText(p.T), wholeValue(p.Sessions), json.RawMessage(p.MedianSeconds), json.RawMessage(p.AvgSeconds),
				json.RawMessage(p.EventsPerSession), json.RawMessage(p.BounceRate),
			})
		}
	}
	return out, nil
}
