package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"loch/shared/checkup"
)

// Doctor returns the command `loch doctor`.
func Doctor(c Connector) *cobra.Command { return newDoctor(c, realTools()) }

func newDoctor(c Connector, t tools) *cobra.Command {
	d := doctorCommand{target: target{connector: c, tools: &t}, tools: t}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look whether everything is as it should be",
		Long: `Look whether everything is as it should be: one line for each thing that is looked
at, and what to do where something is wrong.

On this machine: the data folder, its keys, the disk, the server and its port.
With --aws a stack: whether CloudFormation is done; functions, streams, tables,
buckets, keys, the columns of the tables, the bounds of questions, compaction,
records that wait, alarms and who is told. With --aws or --url also whether the API
answers, takes an event, knows who sent it, takes the keys, and SQL sees the event.
That event is called "` + doctorEvent + `" and belongs to nobody. It is removed again, with the
person that it made; an entry of the audit ledger stays. --no-event sends none.

Nothing else is changed. What credentials may not look at is told and counts as
neither well nor wrong.` +
			fmt.Sprintf(exitHelp, "3 nothing is wrong, and not everything could be looked at"),
		Example: `  loch doctor
  loch doctor --aws loch
  loch doctor --aws loch --region eu-north-1 --no-event --json | jq '.checks[] | select(.state != "ok")'
  loch doctor --url https://events.example.com --key KEY --token TOKEN`,
		RunE: d.run,
	}
	d.target.flags(cmd, true)
	d.target.keyFlag(cmd)
	f := cmd.Flags()
	f.StringVar(&d.target.token, "token", "", "write token; default: the one that stands beside the keys")
	f.BoolVar(&d.noEvent, "no-event", false, "send no event; what it would show is not looked at")
	f.DurationVar(&d.wait, "wait", 0, "how long to wait until SQL sees the event; default: as long as the stack lets events wait, and five minutes")
	f.BoolVar(&d.json, "json", false, "print what was found as JSON")
	return cmd
}

// doctorEvent is the name of the event that is sent.
const doctorEvent = "Loch Doctor"

type doctorCommand struct {
	target  target
	tools   tools
	noEvent bool
	wait    time.Duration
	json    bool
}

// diagnosis is what was found.
type diagnosis struct {
	OK       bool     `json:"ok"`
	Of       string   `json:"of"` // "the stack loch in eu-north-1"
	URL      string   `json:"url,omitempty"`
	Wrong    int      `json:"wrong"`
	Warnings int      `json:"warnings"`
	Unknown  int      `json:"unknown"`
	Checks   []looked `json:"checks"`
}

// looked is a check that was made.
type looked struct {
	Name string `json:"name"`
	checkup.Finding
	ElapsedMS int64 `json:"elapsed_ms"`
}

func (d *doctorCommand) run(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("doctor takes flags only; %s is none", quoted(args[0]))
	}
	if d.wait < 0 {
		return usage("--wait must be a duration such as 10m")
	}
	if err := d.target.checkStack(); err != nil {
		return err
	}
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	p := &patient{doctor: d, errs: cmd.ErrOrStderr()}
	found := diagnosis{Checks: []looked{}}
	var checks []checkup.Check
	switch {
	case d.target.stack.Name != "":
		deployment, err := d.target.connector.Find(ctx, d.target.stack)
		if err != nil {
			return err
		}
		p.flush, p.cloudFront = deployment.FlushTime, deployment.CloudFront
		found.Of, found.URL = "the stack "+d.target.stack.Name+" in "+deployment.Region, deployment.URL
		p.session, p.noKeys = d.target.sessionWith(deployment)
		if p.noKeys != nil {
			p.session = overNetwork(deployment.URL, d.target.token, keysOf(d.target.key))
		}
		// The event travels while the parts are looked at.
		before, after := p.checks()
		checks = slices.Concat(before, deployment.Checks, after)
	case d.target.url != "":
		session, err := d.target.open(ctx)
		if err != nil {
			return err
		}
		p.session = session
		found.Of, found.URL = "the server at "+session.BaseURL, session.BaseURL
		checks = slices.Concat(p.checks())
	default:
		found.Of = "the data folder " + d.target.data
		checks = d.target.connector.Examine(d.target.data)
	}
	if p.session != nil {
		defer p.session.close()
	}
	err := d.examine(ctx, out, &found, checks)
	if err == nil {
		err = d.verdict(out, &found)
	}
	if left := p.left(); left != "" && errors.Is(err, context.Canceled) {
		fmt.Fprintln(cmd.ErrOrStderr(), left)
	}
	return err
}

// examine makes the checks, one after the other, and shows each as soon as it is made.
func (d *doctorCommand) examine(ctx context.Context, out io.Writer, found *diagnosis, checks []checkup.Check) error {
	s := d.target.screen(out)
	if !d.json {
		title := s.paint(bold, found.Of)
		if found.URL != "" && !strings.HasSuffix(found.Of, found.URL) {
			title += s.paint(dim, " · "+found.URL)
		}
		if err := lines(out, title, ""); err != nil {
			return err
		}
	}
	name := 0
	for _, c := range checks {
		name = max(name, cells.StringWidth(c.Name))
	}
	for _, c := range checks {
		if s.live && !d.json {
			fmt.Fprint(out, s.paint(dim, "· "+c.Name+" …"))
		}
		begun := d.tools.now()
		finding := c.Look(ctx)
		if s.live && !d.json {
			fmt.Fprint(out, "\r\x1b[K") // the line is drawn again
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		one := looked{c.Name, finding, d.tools.now().Sub(begun).Milliseconds()}
		found.add(one)
		if !d.json {
			if err := lines(out, one.lines(s, name)...); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *diagnosis) add(one looked) {
	f.Checks = append(f.Checks, one)
	switch one.State {
	case checkup.Wrong:
		f.Wrong++
	case checkup.Warning:
		f.Warnings++
	case checkup.Unknown:
		f.Unknown++
	case checkup.OK:
	}
	f.OK = f.Wrong == 0 && f.Unknown == 0
}

// lines are a finding as a person reads it: a mark, the name, what was found, and on a
// line of its own what to do.
func (l *looked) lines(s screen, name int) []string {
	mark := map[checkup.State]string{
		checkup.OK: s.paint(green, "✓"), checkup.Warning: s.paint(yellow, "!"), checkup.Wrong: s.paint(red, "✗"), checkup.Unknown: s.paint(yellow, "?"),
	}[l.State]
	indent := strings.Repeat(" ", name+4)
	words := clean(l.Words, 0)
	if l.State == checkup.Unknown {
		words = "could not look: " + words
	}
	out := wrap(words, s.width-len(indent))
	out[0] = mark + " " + s.paint(bold, fit(l.Name, name, false)) + "  " + out[0]
	for i := 1; i < len(out); i++ {
		out[i] = indent + out[i]
	}
	if l.Do != "" {
		for i, line := range wrap(clean(l.Do, 0), s.width-len(indent)-2) {
			lead := "  "
			if i == 0 {
				lead = "→ "
			}
			out = append(out, indent+s.paint(cyan, lead)+s.paint(dim, line))
		}
	}
	return out
}

// wrap cuts text between words into lines of a width. Where there is no width, or too
// little, it is one line.
func wrap(text string, width int) []string {
	if width < 20 {
		return []string{text}
	}
	var out []string
	line := ""
	for word := range strings.SplitSeq(text, " ") {
		if line != "" && cells.StringWidth(line)+1+cells.StringWidth(word) > width {
			out, line = append(out, line), word
			continue
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(out, line)
}

// verdict says how it is as a whole, and is the error that the exit code is made of.
func (d *doctorCommand) verdict(out io.Writer, f *diagnosis) error {
	var code error
	switch {
	case f.Wrong > 0:
		code = &exit{code: exitFailed} // the findings say what
	case f.Unknown > 0:
		code = &exit{code: exitPartly}
	}
	if d.json {
		b, err := marshal(f)
		if err == nil {
			err = lines(out, string(b))
		}
		return errors.Join(err, code)
	}
	s := d.target.screen(out)
	var rest []string
	for _, r := range []struct {
		n    int
		noun string
	}{{f.Warnings, "to know about"}, {f.Unknown, "that could not be looked at"}} {
		if r.n > 0 {
			rest = append(rest, count(int64(r.n))+" "+r.noun)
		}
	}
	tail := ""
	if len(rest) > 0 {
		tail = s.paint(dim, "; "+strings.Join(rest, ", "))
	}
	words := s.paint(green, "✓") + " " + s.paint(bold, "All is well") + ": " + plural(int64(len(f.Checks)), "check")
	switch {
	case f.Wrong > 0:
		words = s.paint(red, "✗") + " " + s.paint(bold, plural(int64(f.Wrong), "thing")+" wrong") + " of " + count(int64(len(f.Checks)))
	case f.Unknown > 0:
		words = s.paint(yellow, "?") + " " + s.paint(bold, "Nothing wrong was seen") + " in " + plural(int64(len(f.Checks)), "check")
	}
	if err := lines(out, "", words+tail); err != nil {
		return err
	}
	return code
}
