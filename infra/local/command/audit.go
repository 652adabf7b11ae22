package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// Audit returns the command `loch audit`.
func Audit(c Connector) *cobra.Command { return newAudit(c, realTools()) }

func newAudit(c Connector, t tools) *cobra.Command {
	a := auditCommand{target: target{connector: c, tools: &t}, tools: t}
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Show who read, exported and erased whose data",
		Long: `Show the audit ledger: who opened, exported or erased whose personal data, when,
and why. People stand in it by their person_id only. The newest entries are shown;
--limit 0 shows all.

--verify recomputes the chain that ties each entry to the one before it, and finds
an entry that was changed, taken out or put in.` +
			fmt.Sprintf(exitHelp, "3 the chain is broken, 4 nobody is known by this id"),
		Example: `  loch audit
  loch audit --person user-1
  loch audit --person 9f2b6c0e84ba4a5e9f6c0c7a9b0f2d11 --limit 0
  loch audit --verify
  loch audit --json --limit 0 | jq 'select(.kind == "export")'`,
		RunE: a.run,
	}
	a.target.flags(cmd, false)
	f := cmd.Flags()
	f.StringVar(&a.person, "person", "", "only what is about this person: a person_id, or an id as for loch profile")
	f.IntVar(&a.limit, "limit", 50, "show so many of the newest entries; 0 is all")
	f.BoolVar(&a.verify, "verify", false, "check the chain instead")
	f.BoolVar(&a.json, "json", false, "one JSON object an entry, one entry a line")
	RefuseStack(cmd, "a stack answers nobody from its ledger, which only its functions may open. It is the table STACK-ledger in DynamoDB")
	return cmd
}

type auditCommand struct {
	target target
	tools  tools
	person string
	limit  int
	verify bool
	json   bool
}

// auditEntry is one row of the ledger, as /ops/audit writes it.
type auditEntry struct {
	Seq        int64    `json:"seq"`
	TimeMS     int64    `json:"time_ms"`
	Kind       string   `json:"kind"`
	Key        string   `json:"key"`
	Person     string   `json:"person"`
	Fields     []string `json:"fields"`
	Why        string   `json:"why"`
	IDs        []string `json:"ids"`
	Suppress   bool     `json:"suppress"`
	RemoveRows bool     `json:"remove_rows"`
	Begun      int64    `json:"begun"`
}

func (a *auditCommand) run(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) > 0:
		return usage("audit takes flags only; %s is none; for one person: --person %s", quoted(args[0]), quoted(args[0]))
	case a.limit < 0:
		return usage("--limit must be a number from 0")
	case a.verify && a.person != "":
		return usage("the chain is checked as a whole; --verify goes without --person")
	case a.verify:
		return a.check(cmd)
	}
	session, err := a.target.open(cmd.Context())
	if err != nil {
		return err
	}
	defer session.close()
	path := "/ops/audit"
	if a.person != "" {
		id, err := a.personID(cmd.Context(), session)
		if err != nil {
			return err
		}
		path += "?person=" + url.QueryEscape(id)
	}
	newest := &ring{limit: a.limit}
	if _, err := stream(cmd.Context(), session, http.MethodGet, path, newest.add); err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if a.json {
		for _, line := range newest.lines() {
			if err := lines(out, string(line)); err != nil {
				return err
			}
		}
		return nil
	}
	return a.print(out, newest)
}

// personID finds the lake id: what looks like one is taken for it, because after
// an erasure nothing else leads there.
func (a *auditCommand) personID(ctx context.Context, s *Session) (string, error) {
	if len(a.person) == 32 && strings.Trim(a.person, "0123456789abcdef") == "" {
		return a.person, nil
	}
	path, err := new(subject).path(a.person, "")
	if err != nil {
		return "", err
	}
	body, err := a.tools.call(ctx, s, http.MethodGet, path, s.Keys["read"], nil)
	if err != nil {
		return "", notFound(err)
	}
	var k known
	if err := unmarshal(body, &k); err != nil {
		return "", err
	}
	return k.PersonID, nil
}

// ring keeps the newest lines.
type ring struct {
	limit int // 0 for all
	kept  []json.RawMessage
	seen  int
}

func (r *ring) add(line []byte) error {
	own := append(json.RawMessage(nil), line...) // the scanner uses its buffer again
	if r.limit == 0 || len(r.kept) < r.limit {
		r.kept = append(r.kept, own)
	} else {
		r.kept[r.seen%r.limit] = own
	}
	r.seen++
	return nil
}

// lines returns what was kept, oldest first.
func (r *ring) lines() []json.RawMessage {
	if r.limit == 0 || r.seen <= r.limit {
		return r.kept
	}
	at := r.seen % r.limit
	return append(append([]json.RawMessage(nil), r.kept[at:]...), r.kept[:at]...)
}

func (a *auditCommand) print(w io.Writer, newest *ring) error {
	s := a.target.screen(w)
	if newest.seen == 0 {
		return lines(w, s.paint(dim, "The ledger has no such entry."))
	}
	columns := []column{{name: "entry", right: true, whole: true}, {name: "time (UTC)", whole: true}, {name: "what", whole: true},
		{name: "key"}, {name: "person"}, {name: "details"}}
	var rows [][]cell
	for _, line := range newest.lines() {
		var e auditEntry
		if err := unmarshal(line, &e); err != nil {
			return err
		}
		rows = append(rows, []cell{
			{text: count(e.Seq)}, {text: time.UnixMilli(e.TimeMS).UTC().Format("2006-01-02 15:04:05")}, {text: clean(e.what(), 0)},
			textCell(e.Key), textCell(short(e.Person, s)), textCell(e.details()),
		})
	}
	if err := s.table(w, columns, rows); err != nil {
		return err
	}
	if n := len(rows); n < newest.seen {
		return lines(w, s.paint(dim, "The newest "+count(int64(n))+" of "+count(int64(newest.seen))+"; --limit 0 shows all."))
	}
	return nil
}

// short cuts a person_id where the reasons need the room more.
func short(id string, s screen) string {
	const most = 12
	if s.width == 0 || s.width >= 140 || len(id) <= most {
		return id
	}
	return id[:most] + "…"
}

func textCell(text string) cell {
	if text == "" {
		return cell{text: "–", null: true}
	}
	return cell{text: clean(text, 0)}
}

func (e *auditEntry) what() string {
	switch e.Kind {
	case "erase_begun":
		return "erase"
	case "erase_done":
		if e.Begun == 0 {
			return "suppressed"
		}
		return "erased"
	case "rotate":
		return "new key"
	default:
		return e.Kind
	}
}

func (e *auditEntry) details() string {
	var parts []string
	if e.Begun > 0 {
		parts = append(parts, "entry "+count(e.Begun))
	}
	if n := len(e.IDs); n > 0 {
		parts = append(parts, plural(int64(n), "identifier"))
	}
	if e.Suppress {
		parts = append(parts, "suppressed")
	}
	if e.RemoveRows {
		parts = append(parts, "rows removed")
	}
	return joined(" · ", strings.Join(e.Fields, ", "), strings.Join(parts, ", "), e.Why)
}

// chain is what /ops/audit/verify found.
type chain struct {
	Entries int64  `json:"entries"`
	Head    string `json:"head"`
	Problem string `json:"problem"`
}

func (a *auditCommand) check(cmd *cobra.Command) error {
	result, err := operate(cmd, nil, &a.target, "audit/verify", "entries")
	if err != nil {
		return err
	}
	var c chain
	if err := unmarshal(result, &c); err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	s := a.target.screen(out)
	switch {
	case a.json:
		err = raw(out, result)
	case c.Problem == "":
		err = lines(out, s.paint(green, "✓")+" "+s.paint(bold, "The ledger is whole")+": "+entries(c.Entries)+s.paint(dim, joined(" ", "; the newest hash is", clean(c.Head, 0))))
	default:
		err = lines(out, s.paint(red, "✗")+" "+s.paint(bold, "The ledger was changed")+": "+clean(c.Problem, 0))
	}
	if err == nil && c.Problem != "" {
		err = &exit{code: exitPartly} // it is said already
	}
	return err
}

func entries(n int64) string {
	if n == 1 {
		return "1 entry"
	}
	return count(n) + " entries"
}
