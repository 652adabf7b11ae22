// Command loch is Loch on one machine: one binary that takes events, keeps them
// in a lake of Parquet files, and answers SQL and profile look-ups, with every
// engine embedded. The same handlers run on AWS.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // for machines without a zone database

	"github.com/spf13/cobra"

	"loch/infra/local/command"
	"loch/infra/local/duckdb"
)

func main() {
	duckdb.Work()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	c := root()
	err := command.FromEnvironment(c, os.Getenv)
	if err == nil {
		err = c.ExecuteContext(ctx)
	}
	stop()
	if err != nil {
		command.PrintError(os.Stderr, err)
		os.Exit(command.ExitCode(err))
	}
}

// root is the command line: what serves here, what asks a server in the command
// package.
func root() *cobra.Command {
	c := &cobra.Command{
		Use:   "loch",
		Short: "Product analytics that you run yourself",
		Long: `Loch takes the events that websites send with the SDK they already have, seals
who they are about, and answers questions in SQL. A copy of its event lake names
nobody.`,
		Example: `  loch serve
  loch seed --events 100000 --days 30
  loch report insights --event 'Page View' --measure uniques --by country
  loch sql "select event, count(*) from events group by 1 order by 2 desc"`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version(),
	}
	connector := &connector{}
	c.AddCommand(serveCommand(), command.Seed(connector), command.SQL(connector), command.Schema(connector), command.Report(connector), command.Profile(connector),
		command.Profiles(connector), command.Journey(connector), command.Erase(connector), command.Export(connector),
		command.Audit(connector), command.Rotate(connector),
		command.Compact(connector), command.Verify(connector), command.Doctor(connector), command.Cost())
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return command.UsageError(err) })
	return c
}
