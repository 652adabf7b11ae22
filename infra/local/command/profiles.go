package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

// Profiles returns the command `loch profiles`.
func Profiles(c Connector) *cobra.Command { return newProfiles(c, realTools()) }

func newProfiles(c Connector, t tools) *cobra.Command {
	p := profilesCommand{target: target{connector: c, tools: &t}, tools: t}
	cmd := &cobra.Command{
		Use:   "profiles",
		Short: "List the people who pass a filter",
		Long: `List people, or groups of one kind, who pass a filter, newest first, with how many
there are in all. A filter is PROPERTY OP VALUE; several are joined by AND. What a
website set is named as it is (plan); what Loch notes is last_seen, first_seen,
country, city, browser, os, device_type, first_channel and more. OP is one of eq ne
in not_in contains not_contains starts_with matches gt gte lt lte between is_set
is_not_set is_true is_false; a list is written with commas. JSON as the API takes
it (README, "People") is taken, too, for what needs OR.

Names, e-mail addresses and the like are left out; --pii shows them in clear, which
needs a key of scope pii, and is written into the audit ledger for each person.` +
			fmt.Sprintf(exitHelp, "3 and 4 not used"),
		Example: `  loch profiles --where 'plan in pro,team' --where 'last_seen gte 2026-11-01'
  loch profiles --did Purchase --at-least 3 --within-days 30 --order first_seen
  loch profiles --where '{"any":[{"property":"seats","op":"gte","value":10},{"property":"plan","op":"eq","value":"team"}]}'
  loch profiles --limit 5000 --json | jq -r .person_id
  loch profiles --group company --order name --pii --why "ticket 4711"`,
		RunE: p.run,
	}
	p.target.flags(cmd, true)
	p.target.keyFlag(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&p.where, "where", nil, "a filter, `'PROPERTY OP VALUE'`; may be repeated")
	f.StringVar(&p.did, "did", "", "only people who did this event")
	f.IntVar(&p.atLeast, "at-least", 1, "with --did: how often at least")
	f.IntVar(&p.withinDays, "within-days", 30, "with --did: within how many days before now")
	f.StringVar(&p.order, "order", "last_seen", "last_seen, first_seen, person_id, or name with --pii")
	f.IntVar(&p.limit, "limit", 20, "at most so many people")
	f.StringVar(&p.cursor, "cursor", "", "go on where an earlier list ended")
	f.StringVar(&p.group, "group", "", "list groups of this kind, such as company")
	f.BoolVar(&p.pii, "pii", false, "show personal traits in clear")
	f.StringVar(&p.why, "why", "", "the reason, for the audit ledger; without names")
	f.BoolVar(&p.json, "json", false, "one JSON object a person, one person a line")
	cmd.AddCommand(newProfilesExport(c, t), newProfilesImport(c, t))
	return cmd
}

type profilesCommand struct {
	target     target
	tools      tools
	where      []string
	did        string
	atLeast    int
	withinDays int
	order      string
	limit      int
	cursor     string
	group      string
	pii        bool
	why        string
	json       bool
}

// mostPage is how many people one request asks for.
const mostPage = 1000

// people is what the server tells of a list.
type people struct {
	Profiles []json.RawMessage `json:"profiles"`
	Count    int64             `json:"count"`
	Next     *string           `json:"next"`
}

func (p *profilesCommand) run(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("a list takes no argument; one person is shown by: loch profile ID")
	}
	if p.limit < 1 {
		return usage("--limit must be a number from 1")
	}
	query, err := p.query()
	if err != nil {
		return err
	}
	session, err := p.target.open(cmd.Context())
	if err != nil {
		return err
	}
	defer session.close()
	start := p.tools.now()
	all, err := p.fetch(cmd, session, query)
	if err != nil {
		var r *refusal
		if errors.As(err, &r) && r.Code == "invalid" {
			return &exit{code: exitUsage, words: r.Error(), cause: err}
		}
		return err
	}
	if p.json {
		return writeLines(cmd.OutOrStdout(), all.Profiles)
	}
	return p.print(cmd.OutOrStdout(), all, p.tools.now().Sub(start))
}

// query are the parameters of every page.
func (p *profilesCommand) query() (url.Values, error) {
	q := url.Values{"order": {p.order}}
	if len(p.where) > 0 {
		where, err := whereOf(p.where)
		if err != nil {
			return nil, err
		}
		q.Set("where", where)
	}
	if p.did != "" {
		cohort, err := marshal(map[string]any{"did": map[string]any{"event": p.did, "at_least": p.atLeast, "within_days": p.withinDays}})
		if err != nil {
			return nil, err
		}
		q.Set("cohort", string(cohort))
	}
	if p.group != "" {
		q.Set("group_key", p.group)
	}
	if !p.pii {
		q.Set("personal", "false")
	}
	return q, nil
}

// fetch asks for pages until there are enough, and tells how far it is.
func (p *profilesCommand) fetch(cmd *cobra.Command, session *Session, query url.Values) (*people, error) {
	scope := "read"
	if p.pii {
		scope = "pii"
	}
	all := &people{}
	var bar *progress
	if p.limit > mostPage {
		bar = newProgress(cmd.ErrOrStderr(), p.target.screen(cmd.ErrOrStderr()), p.tools.now, "people", 0)
		defer bar.end()
	}
	for cursor := p.cursor; ; cursor = *all.Next {
		query.Set("limit", strconv.Itoa(min(p.limit-len(all.Profiles), mostPage)))
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		body, err := p.tools.call(cmd.Context(), session, http.MethodGet, "/api/profiles?"+query.Encode(), session.Keys[scope], nil, reasonHeader(p.why))
		if err != nil {
			return nil, err
		}
		var page people
		if err := unmarshal(body, &page); err != nil {
			return nil, err
		}
		all.Profiles = append(all.Profiles, page.Profiles...)
		all.Count, all.Next = page.Count, page.Next
		if bar != nil {
			bar.at(int64(len(all.Profiles)), min(int64(p.limit), page.Count))
		}
		if page.Next == nil || len(all.Profiles) >= p.limit {
			return all, nil
		}
	}
}

// writeLines writes each object on a line of its own.
func writeLines(w io.Writer, objects []json.RawMessage) error {
	for _, o := range objects {
		if _, err := w.Write(append(slices.Clip(o), '\n')); err != nil {
			return err
		}
	}
	return nil
}

func (p *profilesCommand) print(w io.Writer, all *people, took time.Duration) error {
	s := p.target.screen(w)
	noun := "people"
	if p.group != "" {
		noun = "groups"
	}
	if len(all.Profiles) == 0 {
		return lines(w, s.paint(dim, "no "+noun+" pass ("+lasting(took)+")"))
	}
	rows := make([]listedPerson, len(all.Profiles))
	for i, one := range all.Profiles {
		if err := unmarshal(one, &rows[i]); err != nil {
			return err
		}
	}
	columns, cells := p.table(rows, s.width)
	if err := s.table(w, columns, cells); err != nil {
		return err
	}
	foot := count(int64(len(rows))) + " of " + count(all.Count) + " " + noun + " in " + lasting(took)
	if all.Next == nil {
		return lines(w, s.paint(dim, foot))
	}
	return lines(w, s.paint(dim, foot), s.paint(dim, "the next: --cursor "+clean(*all.Next, 0)))
}
