package command

import (
	"fmt"

	"github.com/spf13/cobra"
)

// Rotate returns the command `loch rotate`.
func Rotate(c Connector) *cobra.Command { return newRotate(c, realTools()) }

func newRotate(c Connector, t tools) *cobra.Command {
	to := target{connector: c, tools: &t}
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Lock the vault with a new key",
		Long: `Make a new vault.key in the data folder and lock the vault with it. What people's
traits are sealed with stays, so this takes moments, whatever the size; requests
are answered all the while. It may be stopped at any time and run again.

A backup of the vault opens with the key file of its own moment only: back up the
new vault.key now, apart from the data, and destroy old key files together with
the backups that they open.` +
			fmt.Sprintf(exitHelp, "3 not used"),
		Example: `  loch rotate
  loch rotate --data /var/lib/loch --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			result, err := operate(cmd, args, &to, "rotate", "steps")
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if asJSON {
				return raw(out, result)
			}
			var m members
			if err := unmarshal(result, &m); err != nil {
				return err
			}
			s := to.screen(out)
			card := card{title: "The vault has a new key"}
			for _, one := range m {
				card.addFigure(one)
			}
			if err := card.print(out, s); err != nil {
				return err
			}
			return lines(out, s.paint(dim, "Back up vault.key now, apart from the data; the old one opens old backups only."))
		},
	}
	to.flags(cmd, false)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	RefuseStack(cmd, "AWS keeps the key of a stack's vault, and renews it every year by itself")
	return cmd
}
