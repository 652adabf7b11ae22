package command

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// Journey returns the command `loch journey`.
func Journey(c Connector) *cobra.Command { return newJourney(c, realTools()) }

func newJourney(c Connector, t tools) *cobra.Command {
	j := journeyCommand{target: target{connector: c, tools: &t}, tools: t}
	cmd := &cobra.Command{
		Use:   "journey ID",
		Short: "Show what one person did, the newest first",
		Long: `Show the events of one person over all of their devices, the newest first. ID is
any identifier of the person: a user's id, an alias, a device's as $device:ID, or
a person_id as SQL shows it. Values that look personal are left out; --pii shows
events as they are stored, which needs a key of scope pii and is written into the
audit ledger, with the reason that --why gives.` +
			fmt.Sprintf(exitHelp, "4 nobody is known by this id"),
		Example: `  loch journey user-1
  loch journey '$device:5f1d7c0e-84ba-4a5e-9f6c-0c7a9b0f2d11' --limit 20
  loch journey jane@example.com --email --why "support ticket 4711"
  loch journey user-1 --json`,
		RunE: j.run,
	}
	j.target.flags(cmd, true)
	j.target.keyFlag(cmd)
	cmd.Flags().IntVar(&j.limit, "limit", 100, "how many events, up to 1000")
	cmd.Flags().StringVar(&j.cursor, "cursor", "", "where to go on, as the end of an earlier page says")
	cmd.Flags().BoolVar(&j.pii, "pii", false, "show events as they are stored")
	cmd.Flags().BoolVar(&j.email, "email", false, "ID is the e-mail address of a person; needs and shows what --pii does")
	cmd.Flags().StringVar(&j.why, "why", "", "the reason, for the audit ledger; without names")
	cmd.Flags().BoolVar(&j.json, "json", false, "the server's answer, as JSON")
	return cmd
}

type journeyCommand struct {
	target target
	tools  tools
	limit  int
	cursor string
	pii    bool
	email  bool
	why    string
	json   bool
}

// walked is a page of a journey, as far as it is shown.
type walked struct {
	Events []step `json:"events"`
	Next   string `json:"next"`
}

type step struct {
	Time       string   `json:"time"`
	Event      string   `json:"event"`
	Kind       string   `json:"kind"`
	PageURL    string   `json:"page_url"`
	PagePath   string   `json:"page_path"`
	PageTitle  string   `json:"page_title"`
	Country    string   `json:"country"`
	City       string   `json:"city"`
	Browser    string   `json:"browser"`
	OS         string   `json:"os"`
	DeviceType string   `json:"device_type"`
	Lib        string   `json:"lib"`
	Channel    string   `json:"channel"`
	Revenue    *float64 `json:"revenue"`
	Currency   string   `json:"currency"`
}

func (j *journeyCommand) run(cmd *cobra.Command, args []string) error {
	if len(args) != 1 || args[0] == "" {
		return usage("name one id: loch journey ID")
	}
	j.pii = j.pii || j.email
	session, err := j.target.open(cmd.Context())
	if err != nil {
		return err
	}
	defer session.close()
	who := subject{email: j.email}
	body, err := j.tools.journey(cmd.Context(), session, who, args[0], j.limit, j.cursor, j.pii, j.why)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if j.json {
		_, err := out.Write(append([]byte(strings.TrimSpace(string(body))), '\n'))
		return err
	}
	var page walked
	if err := unmarshal(body, &page); err != nil {
		return err
	}
	s := j.target.screen(out)
	if err := s.journey(out, page.Events, j.tools.now()); err != nil {
		return err
	}
	if page.Next == "" {
		return nil
	}
	more := "loch journey " + quoted(args[0]) + " --cursor " + page.Next
	if j.email {
		more += " --email"
	}
	if j.limit != 100 {
		more += " --limit " + strconv.Itoa(j.limit)
	}
	return lines(out, s.paint(dim, "Earlier: ")+more+j.target.again())
}

// journey asks for a page of somebody's events.
func (t *tools) journey(ctx context.Context, session *Session, who subject, id string, limit int, cursor string, pii bool, why string) ([]byte, error) {
	path, err := who.path(id, "/events")
	if err != nil {
		return nil, err
	}
	how := url.Values{"limit": {strconv.Itoa(limit)}}
	if cursor != "" {
		how.Set("cursor", cursor)
	}
	mark := "?"
	if strings.Contains(path, "?") {
		mark = "&"
	}
	scope := "read"
	if pii {
		scope = "pii"
	}
	body, err := t.call(ctx, session, http.MethodGet, path+mark+how.Encode(), session.Keys[scope], nil, reasonHeader(why))
	if err != nil {
		return nil, notFound(err)
	}
	return body, nil
}

// journey writes events as a table.
func (s screen) journey(w io.Writer, events []step, now time.Time) error {
	if len(events) == 0 {
		return lines(w, "No events.")
	}
	columns := []column{{name: "time (UTC)", whole: true}, {name: "event"}, {name: "where"}, {name: "with"}, {name: "from"}}
	var rows [][]cell
	for i := range events {
		e := &events[i]
		rows = append(rows, []cell{
			{text: clock(e.Time)}, shown(e.what()), shown(e.where()), shown(e.with()), shown(joined(", ", e.City, e.Country)),
		})
	}
	if err := s.table(w, columns, rows); err != nil {
		return err
	}
	first, err := time.Parse(time.RFC3339, events[0].Time)
	if err != nil {
		return lines(w, s.paint(dim, plural(int64(len(events)), "event")+"."))
	}
	return lines(w, s.paint(dim, joined(", ", plural(int64(len(events)), "event"), "the newest "+ago(first, now))+"."))
}

func shown(text string) cell { return cell{text: clean(text, 0)} }

// clock is a time of the API without what all have.
func clock(text string) string {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return clean(text, 0)
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

// what is an event's name, and an amount if it has one.
func (e *step) what() string {
	if e.Revenue == nil {
		return e.Event
	}
	return e.Event + " · " + joined(" ", strconv.FormatFloat(*e.Revenue, 'f', -1, 64), e.Currency)
}

// where is the page: its path says more to whoever knows the site than its title.
func (e *step) where() string {
	for _, text := range []string{e.PagePath, e.PageTitle, e.PageURL} {
		if text != "" {
			return text
		}
	}
	return ""
}

// with is what the event was sent by.
func (e *step) with() string {
	if e.Browser == "" && e.OS == "" {
		return e.Lib
	}
	return joined(" · ", joined(" on ", e.Browser, e.OS), e.DeviceType)
}
