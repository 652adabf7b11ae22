// Command redteam is the thief in Loch's threat model: it gets a copy of the lake,
// the source code and long lists of e-mails, user ids, device ids, phones and
// addresses, and tries to say who of them is in it.
//
// "attack" works on what somebody has stolen. "run" makes a lake with the real
// server first, so that it knows the truth, and holds Loch to its promise: nobody
// is named from the lake, nor from the lake and the profile store. It plants
// weaknesses besides, and fails when the attack does not find one of them: a thief
// who finds nothing proves nothing unless he can find something.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := root().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "redteam:", err)
		os.Exit(1)
	}
}

// errBroken ends a run in which a promise was not kept.
var errBroken = errors.New("a promise is broken, see above")

func root() *cobra.Command {
	c := &cobra.Command{
		Use:   "redteam",
		Short: "Try to name people from a stolen lake",
		Example: `  redteam run
  redteam attack --lake data/lake --lists lists
  redteam attack --lake data/lake --profiles data/profiles --vault data/vault --key data/vault.key --lists lists`,
		SilenceUsage: true, SilenceErrors: true,
	}
	c.AddCommand(attackCommand(), runCommand())
	return c
}

func attackCommand() *cobra.Command {
	var s stolen
	var listDir string
	var public []string
	var asJSON bool
	c := &cobra.Command{
		Use:   "attack",
		Short: "Attack what was stolen",
		Long: `Attack a copy of a lake, with a profile store, a vault and its key file if there
are any, and say who of the lists could be named. Nothing is written to what was
stolen. The exit code is 1 when anybody was named.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := readLists(listDir)
			if err != nil {
				return err
			}
			results, e, err := attack(cmd.Context(), l, []theft{{name: "what was given", stolen: s, must: nobody}}, public)
			if err != nil {
				return err
			}
			out, r := cmd.OutOrStdout(), &results[0]
			score := (*truth)(nil).score(r)
			if asJSON {
				err = printJSON(out, answers(nil, results)[0])
			} else {
				printTable(out, l, nil, results)
				printEffort(out, e)
				printHow(out, l, r, score)
				for _, p := range append(r.problems, r.notes...) {
					fmt.Fprintln(out, "  note:", p)
				}
			}
			if err == nil && !r.kept(score) {
				err = errors.New("somebody was named, or something could not be read")
			}
			return err
		},
	}
	f := c.Flags()
	f.StringVar(&s.lake, "lake", "", "folder of the stolen lake; any folder of Parquet files, logs and ledgers")
	f.StringVar(&s.profiles, "profiles", "", "folder of the stolen profile store")
	f.StringVar(&s.vault, "vault", "", "folder of the stolen vault")
	f.StringVar(&s.key, "key", "", "the vault's key `file`")
	f.StringVar(&listDir, "lists", "", "folder with emails.txt, users.txt, devices.txt, phones.txt and addresses.txt")
	f.StringArrayVar(&public, "word", nil, "a public `word`, such as the write token, that may have been used as a salt; may be repeated")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	for _, name := range []string{"lake", "lists"} {
		_ = c.MarkFlagRequired(name) // they exist
	}
	return c
}
