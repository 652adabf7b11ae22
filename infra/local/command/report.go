package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// Report returns the command `loch report`, with one command below it for each
// report.
func Report(c Connector) *cobra.Command { return newReport(c, realTools()) }

func newReport(c Connector, t tools) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Ask one of the reports",
		Long: `Ask one of the reports: insights counts events and people over time, funnel who went
through steps, retention who came back, flows what people do next, sessions how their
visits go.`,
		Example: `  loch report insights --event 'Page View' --measure uniques --by country
  loch report funnel --steps 'Sign Up' 'Add Card' 'Purchase'
  loch report retention --first 'Sign Up' --interval week
  loch report flows --anchor 'Sign Up' --collapse
  loch report sessions --by channel`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("there is no such report")
			}
			return cmd.Help()
		},
	}
	cmd.AddCommand(newInsights(c, t), newFunnel(c, t), newRetention(c, t), newFlows(c, t), newSessions(c, t))
	return cmd
}

// reportCommand is what all reports have: the common fields of a spec, and ways to
// write the answer.
type reportCommand struct {
	target     target
	tools      tools
	kind       string
	spec       string
	from, to   string
	days       int
	timezone   string
	weekStart  string
	where      []string
	by         []string
	limit      int
	did        string
	atLeast    int
	withinDays int
	bots       bool
	json       bool
	csv        bool
	sql        bool
	explain    bool
}

// reportHelp ends the help of each report.
const reportHelp = `

Days are those of the project's time zone. --where is PROPERTY OP VALUE as in loch
profiles; a property is a column of events (country), one that the website sent
(plan, properties.plan), or one of the person's profile (profile.plan). --spec takes
the whole report as JSON, as POST /api/reports/%s does; flags beside it add
to it.

The answer is a table for people. --json gives the server's answer, --csv a line for
each value, --sql the statement that would be run. --explain measures in the data
folder's files what the statement reads, and prices that as Athena does.`

func (r *reportCommand) flags(cmd *cobra.Command) {
	r.target.flags(cmd, true)
	r.target.keyFlag(cmd)
	f := cmd.Flags()
	f.StringVar(&r.spec, "spec", "", "read the report from this JSON file; - is standard input")
	f.StringVar(&r.from, "from", "", "the first day, such as 2026-11-01")
	f.StringVar(&r.to, "to", "", "the last day; default: today")
	f.IntVar(&r.days, "days", 30, "so many days up to the last, where --from does not say it")
	f.StringVar(&r.timezone, "timezone", "", "IANA name; default: the project's")
	f.StringVar(&r.weekStart, "week-start", "", "the first day of a week; default: monday")
	f.StringArrayVar(&r.where, "where", nil, "a filter, `'PROPERTY OP VALUE'`; may be repeated")
	f.StringArrayVar(&r.by, "by", nil, "break down by this `property`; may be repeated")
	f.IntVar(&r.limit, "limit", 0, "with --by: so many values by themselves; default: 10")
	f.StringVar(&r.did, "did", "", "only people who did this event")
	f.IntVar(&r.atLeast, "at-least", 1, "with --did: how often at least")
	f.IntVar(&r.withinDays, "within-days", 30, "with --did: within how many days up to the last")
	f.BoolVar(&r.bots, "bots", false, "count bots, too")
	f.BoolVar(&r.json, "json", false, "the server's answer, as JSON")
	f.BoolVar(&r.csv, "csv", false, "CSV, a line for each value")
	f.BoolVar(&r.sql, "sql", false, "show the statement instead of running it")
	f.BoolVar(&r.explain, "explain", false, "tell what running it would cost on Athena")
}

// common makes a spec of --spec and the common flags.
func (r *reportCommand) common(in io.Reader, args []string) (map[string]any, error) {
	if len(args) > 0 {
		return nil, usage("loch report %s takes no argument; is a name with a space in it between quotation marks?", r.kind)
	}
	forms := 0
	for _, wanted := range []bool{r.json, r.csv, r.sql} {
		if wanted {
			forms++
		}
	}
	if forms > 1 {
		return nil, usage("of --json, --csv and --sql only one can be wanted")
	}
	if r.explain && (r.csv || r.sql) {
		return nil, usage("--explain is told in a table, or with --json")
	}
	spec, err := r.read(in)
	if err != nil {
		return nil, err
	}
	if err := r.between(spec); err != nil {
		return nil, err
	}
	for name, value := range map[string]string{"timezone": r.timezone, "week_start": strings.ToLower(r.weekStart)} {
		if value != "" {
			spec[name] = value
		}
	}
	if len(r.where) > 0 {
		where, err := whereOf(r.where)
		if err != nil {
			return nil, err
		}
		spec["where"] = json.RawMessage(where)
	}
	var by []any
	for _, property := range r.by {
		one := map[string]any{"property": property}
		if r.limit != 0 {
			one["limit"] = r.limit
		}
		by = append(by, one)
	}
	switch {
	case by != nil:
		spec["breakdown"] = by
	case r.limit != 0:
		return nil, usage("--limit belongs to --by")
	}
	if r.did != "" {
		spec["cohort"] = map[string]any{"did": map[string]any{"event": r.did, "at_least": r.atLeast, "within_days": r.withinDays}}
	}
	if r.bots {
		spec["bots"] = true
	}
	return spec, nil
}

// between adds the first and the last day, where they are not in the spec.
func (r *reportCommand) between(spec map[string]any) error {
	if r.days < 1 {
		return usage("--days must be a number from 1")
	}
	if r.to != "" {
		spec["to"] = r.to
	} else if spec["to"] == nil {
		spec["to"] = r.tools.now().Format(time.DateOnly)
	}
	if r.from != "" {
		spec["from"] = r.from
		return nil
	}
	if spec["from"] != nil {
		return nil
	}
	text, _ := spec["to"].(string)
	last, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return usage("the last day must be one such as 2026-11-23")
	}
	spec["from"] = last.AddDate(0, 0, 1-r.days).Format(time.DateOnly)
	return nil
}

// read reads --spec.
func (r *reportCommand) read(in io.Reader) (map[string]any, error) {
	spec := map[string]any{}
	if r.spec == "" {
		return spec, nil
	}
	var text []byte
	var err error
	if r.spec == "-" {
		text, err = io.ReadAll(in)
	} else {
		text, err = os.ReadFile(r.spec)
	}
	if err != nil {
		return nil, usage("--spec cannot be read: %w", err)
	}
	members := map[string]json.RawMessage{} // numbers keep their digits
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, usage("--spec is no JSON object: %w", err)
	}
	for name, value := range members {
		var s string
		if json.Unmarshal(value, &s) == nil {
			spec[name] = s
			continue
		}
		spec[name] = value
	}
	return spec, nil
}

// ask sends a spec and writes the answer; table writes it for people.
func (r *reportCommand) ask(cmd *cobra.Command, spec map[string]any, table func(w io.Writer, body []byte) error, rows func(body []byte) (*answer, error)) error {
	session, err := r.target.open(cmd.Context())
	if err != nil {
		return err
	}
	defer session.close()
	path := "/api/reports/" + r.kind
	switch {
	case r.sql:
		path += "?explain=sql"
	case r.explain:
		path += "?explain=cost"
	}
	body, err := r.tools.call(cmd.Context(), session, http.MethodPost, path, session.Keys["read"], maps.Clone(spec))
	if err != nil {
		var refused *refusal
		if errors.As(err, &refused) && refused.Code == "invalid" {
			return &exit{code: exitUsage, words: refused.Error(), cause: err}
		}
		return err
	}
	out := cmd.OutOrStdout()
	switch {
	case r.sql:
		var explained struct{ SQL string }
		if err := unmarshal(body, &explained); err != nil {
			return err
		}
		return lines(out, clean(explained.SQL, '\n'))
	case r.json:
		_, err := fmt.Fprintln(out, strings.TrimSpace(string(body)))
		return err
	case r.explain:
		return costTable(out, r.target.screen(out), body)
	case r.csv:
		list, err := rows(body)
		if err != nil {
			return err
		}
		return list.csv(out)
	}
	return table(out, body)
}
