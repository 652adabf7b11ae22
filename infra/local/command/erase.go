package command

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// Erase returns the command `loch erase`.
func Erase(c Connector) *cobra.Command { return newErase(c, realTools()) }

func newErase(c Connector, t tools) *cobra.Command {
	e := eraseCommand{target: target{connector: c, tools: &t}, tools: t}
	cmd := &cobra.Command{
		Use:   "erase ID",
		Short: "Forget a person or a group for good",
		Long: `Forget one person for good, by the id that the website uses: the profile, the keys
that seal it, and every identifier that is linked to the person. What is left in
the lake are events under a random number that nothing leads to. With --remove-rows
they go as well: no question shows them from then on, and the next compaction takes
them out of the files; loch compact does it now. It cannot be undone.

The events of somebody who was erased without it can be removed later, by the
person_id that loch audit shows.

Should the same id be seen again, it is a new person; with --suppress, what arrives
under it is dropped. Before anything is done it is shown what will go, and asked.
The order is written into the audit ledger first, with --why, and is carried out
even if the server stops in the middle.` +
			fmt.Sprintf(exitHelp, "3 ordered, and not carried out yet, 4 nobody is known by this id"),
		Example: `  loch erase user-1 --dry-run
  loch erase user-1 --why "letter of 23 November"
  loch erase jane@example.com --email --suppress
  loch erase user-1 --remove-rows --yes && loch compact
  loch erase 9f2b6c0e84ba4a5e9f6c0c7a9b0f2d11 --person --remove-rows
  loch erase 5f1d7c0e-84ba-4a5e-9f6c-0c7a9b0f2d11 --device --yes --json
  loch erase acme --group company`,
		RunE: e.run,
	}
	e.target.flags(cmd, true)
	e.target.keyFlag(cmd)
	e.who.flags(cmd)
	f := cmd.Flags()
	f.BoolVar(&e.order.Suppress, "suppress", false, "drop what arrives under the same identifiers from now on")
	f.BoolVar(&e.order.RemoveRows, "remove-rows", false, "remove the events, too: hidden at once, out of the files at the next compaction")
	f.BoolVar(&e.order.All, "all", false, "with --email: everybody who has the address")
	f.StringVar(&e.order.Why, "why", "", "the reason, for the audit ledger; without names")
	f.BoolVar(&e.dry, "dry-run", false, "only show what would go")
	f.BoolVarP(&e.yes, "yes", "y", false, "do not ask")
	f.BoolVar(&e.json, "json", false, "the server's answer, as JSON")
	return cmd
}

type eraseCommand struct {
	target target
	tools  tools
	who    subject
	order  erasure
	dry    bool
	yes    bool
	json   bool
}

// erasure is the body of a DELETE.
type erasure struct {
	Suppress   bool   `json:"suppress,omitempty"`
	RemoveRows bool   `json:"remove_rows,omitempty"`
	All        bool   `json:"all,omitempty"`
	DryRun     bool   `json:"dry_run,omitempty"`
	Why        string `json:"why,omitempty"`
}

// erased is what the server answers to it.
type erased struct {
	Erased      json.RawMessage `json:"erased"`
	PersonID    string          `json:"person_id"`
	Identifiers int64           `json:"identifiers"`
	Suppressed  bool            `json:"suppressed"`
	Rows        string          `json:"rows"`
	LedgerEntry int64           `json:"ledger_entry"`
	People      []struct {
		PersonID    string `json:"person_id"`
		Identifiers int64  `json:"identifiers"`
	} `json:"people"`
	Holds *struct {
		GroupKey  string `json:"group_key"`
		Traits    int64  `json:"traits"`
		FirstSeen string `json:"first_seen"`
		LastSeen  string `json:"last_seen"`
		Events    *int64 `json:"events"`
	} `json:"holds"`
	Message string `json:"message"`
}

func (e *eraseCommand) run(cmd *cobra.Command, args []string) error {
	if len(args) != 1 || args[0] == "" {
		return usage("name one id: loch erase ID")
	}
	path, err := e.who.path(args[0], "")
	if err != nil {
		return err
	}
	if e.order.All && !e.who.email {
		return usage("--all goes with --email only")
	}
	if e.order.RemoveRows && e.who.group != "" {
		return usage("a group has no events of its own, they are people's; leave --remove-rows out")
	}
	ask := !e.yes && !e.dry
	if ask && !e.tools.typing(cmd.InOrStdin()) {
		return usage("nobody can be asked here; add --yes, or --dry-run to see what would go")
	}
	session, err := e.target.open(cmd.Context())
	if err != nil {
		return err
	}
	defer session.close()
	if e.dry || ask {
		plan, body, err := e.send(cmd.Context(), session, path, true)
		if err != nil {
			return err
		}
		if plan.PersonID == "" && (e.dry || !e.order.Suppress) {
			return &exit{code: exitNotFound, words: plan.Message}
		}
		if e.dry && e.json {
			return raw(cmd.OutOrStdout(), body)
		}
		if e.dry {
			return e.showPlan(cmd.OutOrStdout(), args[0], plan)
		}
		errs := cmd.ErrOrStderr()
		if plan.PersonID != "" {
			if err := e.showPlan(errs, args[0], plan); err != nil {
				return err
			}
		} else if err := lines(errs, "Nothing is known of this id. What arrives under it will be dropped."); err != nil {
			return err
		}
		if err := e.confirm(cmd, plan); err != nil {
			return err
		}
	}
	done, body, err := e.send(cmd.Context(), session, path, false)
	if err != nil {
		return err
	}
	return e.tell(cmd.OutOrStdout(), done, body)
}

func (e *eraseCommand) send(ctx context.Context, s *Session, path string, dry bool) (*erased, json.RawMessage, error) {
	order := e.order
	order.DryRun = dry
	body, err := e.tools.call(ctx, s, http.MethodDelete, path, s.Keys["erase"], order)
	if err != nil {
		return nil, nil, notFound(err)
	}
	var a erased
	if err := unmarshal(body, &a); err != nil {
		return nil, nil, err
	}
	return &a, body, nil
}

// confirm asks, on standard error so that standard output holds the answer only.
func (e *eraseCommand) confirm(cmd *cobra.Command, plan *erased) error {
	errs := cmd.ErrOrStderr()
	s := e.target.screen(errs)
	question := "Type yes to forget them for good: "
	switch {
	case plan.PersonID == "":
		question = "Type yes to have it dropped: "
	case plan.Holds != nil && plan.Holds.GroupKey != "":
		question = "Type yes to forget this group for good: "
	case len(plan.People) > 1:
		question = "Type yes to forget " + plural(int64(len(plan.People)), "person") + " for good: "
		question = strings.Replace(question, "persons", "people", 1)
	}
	fmt.Fprint(errs, s.paint(bold, question))
	// A terminal cannot be told to stop waiting, so Ctrl-C leaves the reader behind.
	typed := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(cmd.InOrStdin()).ReadString('\n') // no line is no yes
		typed <- line
	}()
	select {
	case <-cmd.Context().Done():
		fmt.Fprintln(errs)
		return cmd.Context().Err()
	case line := <-typed:
		if !strings.HasSuffix(line, "\n") {
			fmt.Fprintln(errs)
		}
		if strings.ToLower(strings.TrimSpace(line)) != "yes" {
			return &exit{code: exitFailed, words: "nothing was done"}
		}
		return nil
	}
}

// showPlan shows what will go.
func (e *eraseCommand) showPlan(w io.Writer, id string, plan *erased) error {
	now := e.tools.now()
	c := card{title: "To be erased: " + clean(id, 0)}
	c.add("In the lake", plan.PersonID)
	identifiers := plan.Identifiers
	if len(plan.People) > 1 {
		identifiers = 0
		for _, p := range plan.People {
			identifiers += p.Identifiers
		}
		c.add("People", strconv.Itoa(len(plan.People))+"; the first is shown")
	}
	c.add("Identifiers", count(identifiers))
	events := "kept under an id that nobody can tell"
	if e.order.RemoveRows {
		events = "removed at the next compaction"
	}
	if h := plan.Holds; h != nil {
		profile := "none"
		if h.Traits > 0 || h.FirstSeen != "" {
			profile = plural(h.Traits, "trait")
		}
		c.add("Profile", profile)
		c.add("First seen", instant(h.FirstSeen, now))
		c.add("Last seen", instant(h.LastSeen, now))
		if h.GroupKey != "" {
			events = ""
		} else if h.Events != nil {
			events = count(*h.Events) + ", " + events
		}
	}
	c.add("Events", events)
	later := "a new person"
	switch {
	case e.order.Suppress:
		later = "dropped"
	case plan.Holds != nil && plan.Holds.GroupKey != "":
		later = "a new group"
	}
	c.add("Seen again", later)
	return c.print(w, e.target.screen(w))
}

// tell says what was done.
func (e *eraseCommand) tell(w io.Writer, a *erased, body json.RawMessage) error {
	s := e.target.screen(w)
	state := string(a.Erased)
	var out []string
	var code error
	switch {
	case state == "true":
		identifiers, who := a.Identifiers, a.PersonID
		if len(a.People) > 1 {
			identifiers, who = 0, count(int64(len(a.People)))+" people"
			for _, p := range a.People {
				identifiers += p.Identifiers
			}
		}
		out = append(out, s.paint(green, "✓")+" "+s.paint(bold, "Erased")+" "+clean(who, 0)+" with "+plural(identifiers, "identifier")+
			s.paint(dim, ", entry "+count(a.LedgerEntry)+" of the ledger"))
		if a.Rows != "" {
			out = append(out, s.paint(dim, "  its events are "+clean(a.Rows, 0)))
		}
		if a.Suppressed {
			out = append(out, s.paint(dim, "  what arrives under the same identifiers is dropped"))
		}
	case state == `"pending"`:
		out = append(out, s.paint(yellow, "!")+" "+s.paint(bold, "Ordered, and not carried out yet")+s.paint(dim, ", entry "+count(a.LedgerEntry)+" of the ledger"),
			s.paint(dim, "  "+clean(a.Message, 0)))
		code = &exit{code: exitPartly}
	case state != "false":
		return errors.New("the answer is not Loch's; is the address right? It is not known what was done")
	case a.Suppressed:
		out = append(out, s.paint(green, "✓")+" "+s.paint(bold, "Suppressed")+": "+clean(a.Message, 0))
	default:
		code = &exit{code: exitNotFound, words: a.Message}
	}
	if e.json {
		out = []string{strings.TrimSpace(string(body))}
	}
	if len(out) > 0 {
		if err := lines(w, out...); err != nil {
			return err
		}
	}
	return code
}
