package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// play is what `redteam run` can be told.
type play struct {
	binary          string
	people, present int
	seed            uint64
	planted         []string
	keep            string // folder in which the scene stays
	asJSON          bool
	progress        io.Writer
}

func runCommand() *cobra.Command {
	var p play
	c := &cobra.Command{
		Use:   "run",
		Short: "Make a lake with the real server, steal it, attack it",
		Long: `Make people, have some of them use a careless website that posts to the real
server, steal the data folder piece by piece, and attack each piece with lists of
all the people. The exit code is 1 when somebody was named who must not be, or when
one of the planted weaknesses was missed.

--plant puts a weakness into the lake itself, so that the promise is broken: ` + strings.Join(plantNames(), ", ") + `.`,
		Example: `  redteam run
  redteam run --plant hash-id
  redteam run --people 500 --present 50 --keep /tmp/scene`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p.progress = cmd.ErrOrStderr()
			return p.run(cmd.Context(), cmd.OutOrStdout())
		},
	}
	f := c.Flags()
	f.StringVar(&p.binary, "loch", "bin/loch", "the server's `binary`, made by make build")
	f.IntVar(&p.people, "people", 10_000, "how many people the lists name")
	f.IntVar(&p.present, "present", 1_000, "how many of them are in the lake")
	f.Uint64Var(&p.seed, "seed", 1, "same seed, same people")
	f.StringArrayVar(&p.planted, "plant", nil, "a `weakness` to put into the lake; may be repeated")
	f.StringVar(&p.keep, "keep", "", "`folder` to keep everything in, to look at")
	f.BoolVar(&p.asJSON, "json", false, "print JSON")
	return c
}

func (p *play) run(ctx context.Context, out io.Writer) (err error) {
	if p.present < 2 || p.present > p.people {
		return errors.New("--present must be at least 2 and at most --people")
	}
	s := &scene{dir: p.keep, crowd: makeCrowd(p.seed, p.people), present: p.present}
	if s.dir == "" {
		if s.dir, err = os.MkdirTemp("", "redteam-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(s.dir)) }()
	}
	if err := s.crowd.lists.write(filepath.Join(s.dir, "lists")); err != nil {
		return err
	}
	if err := s.play(ctx, p.binary, time.Now(), p.report); err != nil {
		return err
	}
	thefts, err := s.thefts(p.planted)
	if err != nil {
		return err
	}
	results, e, err := attack(ctx, &s.crowd.lists, thefts, []string{writeToken})
	if err != nil {
		return err
	}
	t := s.truth()
	if p.asJSON {
		err = printJSON(out, answers(t, results))
	} else {
		p.print(out, s, t, results, e)
	}
	for i := range results {
		if !results[i].kept(t.score(&results[i])) {
			err = errors.Join(err, errBroken)
			break
		}
	}
	return err
}

// report shows how far the website has come.
func (p *play) report(done, total int) {
	if done%100 == 0 || done == total {
		fmt.Fprintf(p.progress, "\r%d of %d people have used the website", done, total)
		if done == total {
			fmt.Fprintln(p.progress)
		}
	}
}

func (p *play) print(out io.Writer, s *scene, t *truth, results []result, e effort) {
	l := &s.crowd.lists
	printTable(out, l, t, results)
	fmt.Fprintf(out, "%d of the %d people are in the lake. ", s.present, len(s.crowd.people))
	printEffort(out, e)
	for i := range results {
		r := &results[i]
		score := t.score(r)
		if r.theft.must != somebody && score.total > 0 {
			fmt.Fprintf(out, "\nFrom %s, by:\n", strings.TrimPrefix(r.theft.given, "files, "))
			printHow(out, l, r, score)
		}
		for _, line := range append(r.problems, r.notes...) {
			fmt.Fprintf(out, "  note on %s: %s\n", r.theft.name, line)
		}
	}
	if u := results[0].unique; u.Persons > 0 {
		fmt.Fprintf(out, `
What no sealing takes away, linkage by behaviour: of %d persons in the lake's rows
%d are alone in some country, browser, system and day, %d in some minute, and %d
with their first three pages and hours. Who knows such facts finds the row.
`, u.Persons, u.ByCell, u.ByMinute, u.ByThreePages)
	}
}
