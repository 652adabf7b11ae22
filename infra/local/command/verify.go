package command

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// Verify returns the command `loch verify`.
func Verify(c Connector) *cobra.Command { return newVerify(c, realTools()) }

func newVerify(c Connector, t tools) *cobra.Command {
	to := target{connector: c, tools: &t}
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Prove that everything received is accounted for",
		Long: `Walk through the data folder and prove that what was received equals what is
stored, plus what was rejected, plus the duplicates and the events of erased people
that compaction left out: from the ledger, from the files' own counts, and from the
log. And that no entry of the
audit ledger was changed, put in or taken out; its end is printed, to be noted
elsewhere, since a cut-off end shows nowhere else.` +
			fmt.Sprintf(exitHelp, "3 it does not add up"),
		Example: `  loch verify
  loch verify --data /var/lib/loch --json | jq .ok`,
		RunE: func(cmd *cobra.Command, args []string) error {
			result, err := operate(cmd, args, &to, "verify", "steps")
			if err != nil {
				return err
			}
			var a account
			if err := unmarshal(result, &a); err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if asJSON {
				err = raw(out, result)
			} else {
				err = a.print(out, to.screen(out))
			}
			if err == nil && !a.good() {
				err = &exit{code: exitPartly} // the account says what is wrong
			}
			return err
		},
	}
	to.flags(cmd, false)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the account as JSON")
	RefuseStack(cmd, "it walks through a data folder. Of a stack the alarms tell; loch doctor --aws STACK looks at them")
	return cmd
}

// account is what /ops/verify found.
type account struct {
	OK         *bool       `json:"ok"`
	Received   int64       `json:"received"`
	Stored     int64       `json:"stored"`
	Rejected   int64       `json:"rejected"`
	Duplicates int64       `json:"duplicates"`
	Removed    int64       `json:"removed"` // rows of people who were erased
	InLake     holding     `json:"in_lake"`
	InLog      holding     `json:"in_log"`
	Commits    int64       `json:"commits"`
	Files      int64       `json:"files"`
	Bytes      int64       `json:"bytes"`
	Segments   int64       `json:"segments"`
	Audit      ledgerState `json:"audit"`
	Problems   []string    `json:"problems"`
	Warnings   []string    `json:"warnings"`
}

// holding is what one of the two stores holds.
type holding struct {
	Requests int64 `json:"requests"`
	Received int64 `json:"received"`
	Rows     int64 `json:"rows"`
	Rejected int64 `json:"rejected"`
}

// ledgerState is the state of the audit ledger's chain.
type ledgerState struct {
	Entries int64  `json:"entries"`
	Head    string `json:"head"`
}

// good checks the sum again, rather than to believe the flag alone.
func (a *account) good() bool {
	return (a.OK == nil || *a.OK) && len(a.Problems) == 0 && a.Received == a.Stored+a.Rejected+a.Duplicates+a.Removed
}

func (a *account) print(w io.Writer, s screen) error {
	columns := []column{{name: ""}, {name: "in the lake", right: true, whole: true}, {name: "in the log", right: true, whole: true}, {name: "together", right: true, whole: true}}
	row := func(name string, lake, log, sum int64) []cell {
		return []cell{{text: name}, {text: count(lake)}, {text: count(log)}, {text: count(sum)}}
	}
	dash := cell{text: "–", null: true}
	rows := [][]cell{
		row("stored", a.InLake.Rows, a.InLog.Rows, a.Stored),
		row("rejected", a.InLake.Rejected, a.InLog.Rejected, a.Rejected),
		{{text: "duplicates"}, {text: count(a.Duplicates)}, dash, {text: count(a.Duplicates)}},
		{{text: "removed"}, {text: count(a.Removed)}, dash, {text: count(a.Removed)}},
		row("received", a.InLake.Received, a.InLog.Received, a.Received),
	}
	if err := s.table(w, columns, rows); err != nil {
		return err
	}
	out := []string{s.paint(dim, plural(a.Files, "file")+" of "+size(a.Bytes)+" by "+plural(a.Commits, "commit")+", "+plural(a.Segments, "segment")+" of the log")}
	if a.Audit.Entries > 0 {
		out = append(out, s.paint(dim, "audit ledger: "+plural(a.Audit.Entries, "row")+", ends with "+a.Audit.Head))
	}
	for _, p := range a.Problems {
		out = append(out, s.paint(red, "✗ ")+clean(p, 0))
	}
	for _, p := range a.Warnings {
		out = append(out, s.paint(yellow, "! ")+clean(p, 0))
	}
	sum := fmt.Sprintf("received %s = stored %s + rejected %s + duplicates %s + removed %s",
		count(a.Received), count(a.Stored), count(a.Rejected), count(a.Duplicates), count(a.Removed))
	if a.good() {
		out = append(out, s.paint(green, "✓")+" "+s.paint(bold, "It adds up")+": "+sum)
	} else {
		out = append(out, s.paint(red, "✗")+" "+s.paint(bold, "It does not add up")+": "+sum)
	}
	return lines(w, out...)
}
