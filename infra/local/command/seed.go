package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"loch/shared/sample"
)

// Seed returns the command `loch seed`.
func Seed(c Connector) *cobra.Command { return newSeed(c, realTools()) }

func newSeed(c Connector, t tools) *cobra.Command {
	s := seedCommand{target: target{connector: c, tools: &t}, tools: t}
	cmd := &cobra.Command{
		Use:   "seed",
		Short: "Post believable sample traffic, like a client",
		Long: `Post believable traffic of a made-up product, as browsers with mixpanel-browser
would: visitors of many countries, sessions, sign-up and billing funnels with real
drop-off, documentation that is read, users who return, bots. The same --seed and
--end give the same requests.

The senders' addresses are made up too and travel in X-Forwarded-For. A server on
this machine takes them from its socket; with --url, one that trusts this machine
as a proxy does, and any other, such as a stack on AWS, sees your address.` +
			fmt.Sprintf(exitHelp, "3 part of it was accepted"),
		Example: `  loch seed --events 100000 --days 30
  loch seed --events 1000000 --seed 7 --concurrency 16
  loch seed --url https://loch.example --token WRITE_TOKEN --events 5000
  loch seed --aws loch --events 5000`,
		RunE: s.run,
	}
	s.target.flags(cmd, true)
	f := cmd.Flags()
	f.StringVar(&s.target.token, "token", "", "write token; default: the one in the data folder's credentials.json")
	f.IntVar(&s.options.Events, "events", 100_000, "how many events to send")
	f.IntVar(&s.options.Days, "days", 30, "over how many days they are spread")
	f.Uint64Var(&s.options.Seed, "seed", 1, "which sample; each number is another one")
	f.StringVar(&s.end, "end", "", "when the last day ends: 2026-11-23 or 2026-11-23T18:00:00Z; default: now")
	f.IntVar(&s.workers, "concurrency", 8, "how many requests are under way at a time")
	f.BoolVar(&s.json, "json", false, "print the summary as JSON")
	return cmd
}

type seedCommand struct {
	target  target
	tools   tools
	options sample.Options
	end     string
	workers int
	json    bool
}

func (s *seedCommand) check(args []string) error {
	switch {
	case len(args) > 0:
		return usage("seed takes flags only; %s is none", quoted(args[0]))
	case s.options.Events < 1:
		return usage("--events must be a number from 1")
	case s.options.Days < 1 || s.options.Days > 3650:
		return usage("--days must be a number from 1 to 3650")
	case s.workers < 1 || s.workers > 256:
		return usage("--concurrency must be a number from 1 to 256")
	case s.target.url != "" && s.target.token == "":
		return usage("--url needs the write token too: --token")
	}
	s.options.End = s.tools.now().UTC().Truncate(time.Second)
	if s.end == "" {
		return nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s.end); err == nil {
			s.options.End = t
			return nil
		}
	}
	return usage("--end must be a date such as 2026-11-23, or a time such as 2026-11-23T18:00:00Z")
}

func (s *seedCommand) run(cmd *cobra.Command, args []string) error {
	if err := s.check(args); err != nil {
		return err
	}
	session, err := s.target.open(cmd.Context())
	if err != nil {
		return err
	}
	defer session.close()
	if session.Token == "" {
		return usage("there is no write token; name one with --token")
	}
	s.options.Token = session.Token

	errs := cmd.ErrOrStderr()
	look := s.target.screen(errs)
	if !s.json || look.live {
		fmt.Fprintln(errs, look.paint(dim, s.intention()))
	}
	begun := s.tools.now()
	g := sample.New(s.options)
	bar := newProgress(errs, look, s.tools.now, "events", int64(s.options.Events))
	out := sender{
		session: session, tools: s.tools, workers: s.workers, wait: bar.says,
		report: func(t tally) { bar.at(int64(t.events), int64(s.options.Events)) },
	}
	t, err := out.send(cmd.Context(), g)
	bar.end()

	u := s.summary(&t, g.Stats(), s.tools.now().Sub(begun), session)
	u.Interrupted = errors.Is(err, context.Canceled)
	if err == nil || u.Interrupted || t.accepted > 0 {
		if err := s.tell(cmd.OutOrStdout(), u); err != nil {
			return err
		}
	}
	return s.verdict(u, err)
}

// intention says what is going to happen.
func (s *seedCommand) intention() string {
	o := s.options
	where := "the data folder " + s.target.data
	switch {
	case s.target.stack.Name != "":
		where = "the stack " + s.target.stack.Name
	case s.target.url != "":
		where = s.target.url
	}
	return fmt.Sprintf("Sending %s over %s up to %s to %s (sample %d)", plural(int64(o.Events), "event"), plural(int64(o.Days), "day"),
		o.End.UTC().Format("2 Jan 2006 15:04 UTC"), where, o.Seed)
}

// verdict is the error that the exit code is made of.
func (s *seedCommand) verdict(u *summary, err error) error {
	part := u.Accepted > 0
	switch {
	case u.Interrupted && part:
		return &exit{code: exitPartly} // the summary says it
	case err != nil && part:
		return &exit{code: exitPartly, words: err.Error(), cause: err}
	case err != nil:
		return err
	case u.Refused > 0 && !part:
		return &exit{code: exitFailed, words: "the server accepted nothing: " + u.Problem}
	case u.Refused > 0 || u.UpdatesRefused > 0:
		return &exit{code: exitPartly, words: "not all was accepted; the first refusal: " + u.Problem}
	}
	return nil
}

// tell prints the summary.
func (s *seedCommand) tell(w io.Writer, u *summary) error {
	if s.json {
		b, err := marshal(u)
		if err != nil {
			return err
		}
		return lines(w, string(b))
	}
	return u.print(w, s.target.screen(w), s.next(u))
}

// next are three things to try, as commands for the same server.
func (s *seedCommand) next(u *summary) [][2]string {
	again := s.target.again()
	user := u.User
	if user == "" {
		user = "USER_ID"
	}
	next := [][2]string{
		{"which pages of the docs are read", `loch sql "select page_path, count(*) as reads from events where event = 'Docs Page Read' group by 1 order by 2 desc limit 10"` + again},
		{"who a user is", "loch profile " + user + again},
	}
	switch {
	case u.Dashboard != "":
		next = append(next, [2]string{"in a browser", u.Dashboard})
	case s.target.stack.Name != "":
		next = append(next, [2]string{"whether all is well", "loch doctor" + again})
	default:
		next = append(next, [2]string{"in a browser", strings.TrimSpace("loch serve" + again)})
	}
	return next
}
