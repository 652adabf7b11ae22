package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// Schema returns the command `loch schema`.
func Schema(c Connector) *cobra.Command { return newSchema(c, realTools()) }

func newSchema(c Connector, t tools) *cobra.Command {
	s := schemaCommand{target: target{connector: c, tools: &t}, tools: t}
	cmd := &cobra.Command{
		Use:   "schema [EVENT]",
		Short: "Show which events and properties there are",
		Long: `Show which events there are, how often each came and when, and their properties:
types, numbers, and the values that are most frequent. With EVENT it shows that
event's own. Columns of the relation events are not shown without --columns.

Values by which one would know somebody again are not listed: ids, tokens, and
whatever is another for nearly each event.` +
			fmt.Sprintf(exitHelp, "4 no such event was seen"),
		Example: `  loch schema
  loch schema Purchase
  loch schema --columns --json`,
		RunE: s.run,
	}
	s.target.flags(cmd, true)
	s.target.keyFlag(cmd)
	cmd.Flags().BoolVar(&s.columns, "columns", false, "show columns, such as country and browser, too")
	cmd.Flags().BoolVar(&s.json, "json", false, "the server's answer, as JSON")
	return cmd
}

type schemaCommand struct {
	target  target
	tools   tools
	columns bool
	json    bool
}

// described is a schema as the server tells it.
type described struct {
	Event      *describedEvent     `json:"event"`
	Events     []describedEvent    `json:"events"`
	Properties []describedProperty `json:"properties"`
	LeftOut    struct {
		Events     int64 `json:"events"`
		Properties int64 `json:"properties"`
	} `json:"left_out"`
}

type describedEvent struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	describedSeen
}

type describedProperty struct {
	Name   string   `json:"name"`
	Column bool     `json:"column"`
	Types  []string `json:"types"`
	Values []struct {
		Value json.RawMessage `json:"value"`
		Count *int64          `json:"count"`
	} `json:"values"`
	ValuesLeftOut string `json:"values_left_out"`
	describedSeen
}

type describedSeen struct {
	Count     *int64 `json:"count"`
	FirstSeen string `json:"first_seen"`
	LastSeen  string `json:"last_seen"`
}

func (s *schemaCommand) run(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usage("loch schema takes one event's name at most; is a name with a space in it between quotation marks?")
	}
	path := "/api/schema"
	if len(args) == 1 {
		path += "?event=" + url.QueryEscape(args[0])
	}
	session, err := s.target.open(cmd.Context())
	if err != nil {
		return err
	}
	defer session.close()
	body, err := s.tools.call(cmd.Context(), session, http.MethodGet, path, session.Keys["read"], nil)
	if err != nil {
		var refused *refusal
		if errors.As(err, &refused) && refused.status == http.StatusNotFound {
			return &exit{code: exitNotFound, words: refused.Message, cause: err}
		}
		return err
	}
	out := cmd.OutOrStdout()
	if s.json {
		_, err := fmt.Fprintln(out, strings.TrimSpace(string(body)))
		return err
	}
	var d described
	if err := unmarshal(body, &d); err != nil {
		return err
	}
	return s.print(out, s.target.screen(out), &d)
}

func (s *schemaCommand) print(out io.Writer, look screen, d *described) error {
	events := d.Events
	if d.Event != nil {
		events = []describedEvent{*d.Event}
	}
	if len(events) == 0 {
		return lines(out, "no event was seen yet")
	}
	now := s.tools.now()
	columns := []column{{name: "event"}, {name: "kind", whole: true}, {name: "count", right: true, whole: true}, {name: "first seen", whole: true}, {name: "last seen", whole: true}}
	var rows [][]cell
	for _, e := range events {
		rows = append(rows, append([]cell{{text: clean(e.Name, 0)}, {text: clean(e.Kind, 0)}}, e.cells(now)...))
	}
	if err := look.table(out, columns, rows); err != nil {
		return err
	}
	columns = []column{{name: "property"}, {name: "types"}, {name: "count", right: true, whole: true}, {name: "last seen", whole: true}, {name: "most frequent values"}}
	rows = nil
	hidden := int64(0)
	for _, p := range d.Properties {
		if p.Column && !s.columns {
			hidden++
			continue
		}
		seen := p.cells(now)
		rows = append(rows, []cell{{text: clean(p.Name, 0)}, {text: clean(strings.Join(p.Types, ", "), 0)}, seen[0], seen[2], p.values()})
	}
	if len(rows) > 0 {
		if err := look.table(out, columns, rows); err != nil {
			return err
		}
	}
	var ends []string
	if hidden > 0 {
		ends = append(ends, plural(hidden, "column")+" not shown; see them with --columns")
	}
	if n := d.LeftOut.Events; n > 0 {
		ends = append(ends, "at least "+plural(n, "more event")+" that came less often")
	}
	if n := d.LeftOut.Properties; n > 0 {
		more := "at least " + count(n) + " more properties that came less often"
		if n == 1 {
			more = "at least 1 more property that came less often"
		}
		ends = append(ends, more)
	}
	if len(ends) == 0 {
		return nil
	}
	return lines(out, look.paint(dim, strings.Join(ends, "; ")))
}

// cells are number, first and last time.
func (d *describedSeen) cells(now time.Time) []cell {
	if d.Count == nil {
		hidden := cell{text: "hidden", null: true}
		return []cell{hidden, {text: ""}, {text: ""}}
	}
	return []cell{{text: count(*d.Count)}, since(d.FirstSeen, now), since(d.LastSeen, now)}
}

// tableValues is how many values of a property a table has; --json has all.
const tableValues = 8

// values are a property's, on one line, with the share of each.
func (p *describedProperty) values() cell {
	switch p.ValuesLeftOut {
	case "many":
		return cell{text: "too many to list", null: true}
	case "identifier":
		return cell{text: "not listed: they identify", null: true}
	case "min_cell":
		return cell{text: "hidden: of too few people", null: true}
	}
	var parts []string
	for i, v := range p.Values {
		if i == tableValues {
			parts = append(parts, "…")
			break
		}
		text := clean(plainText(v.Value), 0)
		if text == "" {
			text = `""`
		}
		if v.Count != nil && p.Count != nil && *p.Count > 0 {
			text += " " + portion(*v.Count, *p.Count)
		}
		parts = append(parts, text)
	}
	return cell{text: strings.Join(parts, ", ")}
}

// portion writes a part of a whole in percent.
func portion(n, of int64) string {
	percent := (100*n + of/2) / of
	if percent == 0 {
		return "<1 %"
	}
	return fmt.Sprintf("%d %%", percent)
}
