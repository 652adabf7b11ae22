package command

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"
)

// job runs a long operator's job, POST /ops/NAME on the data folder's socket. The
// answer is a line of JSON for each step and a last one with the result.
func (t *tools) job(ctx context.Context, s *Session, name string, progress func(done, total int64)) (json.RawMessage, error) {
	return stream(ctx, s, http.MethodPost, "/ops/"+name, func(line []byte) error {
		var step struct {
			Done  int64 `json:"done"`
			Total int64 `json:"total"`
		}
		if err := json.Unmarshal(line, &step); err != nil {
			return err
		}
		progress(step.Done, step.Total)
		return nil
	})
}

// stream asks the data folder's socket for lines of JSON. Each goes to step; the
// last one is the result. Without a result the server stopped on the way.
func stream(ctx context.Context, s *Session, method, path string, step func(line []byte) error) (json.RawMessage, error) {
	r, err := http.NewRequestWithContext(ctx, method, s.BaseURL+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := s.Client.Do(r)
	if err != nil {
		return nil, unreachable(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(response.Body, 64<<10)) // the status tells enough
		return nil, refused(response.StatusCode, body)
	}
	in := bufio.NewScanner(response.Body)
	in.Buffer(nil, 64<<20)
	for in.Scan() {
		var line struct {
			Result json.RawMessage `json:"result"`
			Error  *refusal        `json:"error"`
		}
		err := json.Unmarshal(in.Bytes(), &line)
		switch {
		case err != nil:
		case line.Error != nil:
			return nil, line.Error
		case line.Result != nil:
			return line.Result, nil
		default:
			err = step(in.Bytes())
		}
		if err != nil {
			name, _, _ := strings.Cut(path, "?")
			return nil, fmt.Errorf("the answer of %s cannot be read: %w", name, err)
		}
	}
	if err := errors.Join(in.Err(), ctx.Err()); err != nil {
		return nil, unreachable(err)
	}
	return nil, errors.New("the server stopped in the middle of the job; it is safe to run it again")
}

// operate is what compact and verify have in common: it runs the job under a
// progress bar and returns the result.
func operate(cmd *cobra.Command, args []string, to *target, name, what string) (json.RawMessage, error) {
	if len(args) > 0 {
		return nil, usage("%s takes flags only; %s is none", name, quoted(args[0]))
	}
	session, err := to.open(cmd.Context())
	if err != nil {
		return nil, err
	}
	defer session.close()
	errs := cmd.ErrOrStderr()
	bar := newProgress(errs, to.screen(errs), to.tools.now, what, 0)
	defer bar.end()
	return to.tools.job(cmd.Context(), session, name, bar.at)
}

// raw prints a result for programs.
func raw(w io.Writer, result json.RawMessage) error {
	return lines(w, strings.TrimSpace(string(result)))
}

// Compact returns the command `loch compact`.
func Compact(c Connector) *cobra.Command { return newCompact(c, realTools()) }

func newCompact(c Connector, t tools) *cobra.Command {
	to := target{connector: c, tools: &t}
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "compact",
		Short: "Merge the lake's small files, drop duplicates and the events of erased people",
		Long: `Merge the lake's files into few large ones, by project and date, sorted, each
event once, and without the events of people who were erased with --remove-rows:
files that hold any are written anew. Questions are answered all the while, and
every event is seen exactly once. It may be stopped at any time and run again.` +
			fmt.Sprintf(exitHelp, "3 not used"),
		Example: `  loch compact
  loch compact --data /var/lib/loch --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			result, err := operate(cmd, args, &to, "compact", "steps")
			if err != nil {
				return err
			}
			if asJSON {
				return raw(cmd.OutOrStdout(), result)
			}
			s := to.screen(cmd.OutOrStdout())
			var m members
			if err := unmarshal(result, &m); err != nil {
				return err
			}
			card := card{title: "Compacted"}
			for _, one := range m {
				card.addFigure(one)
			}
			return card.print(cmd.OutOrStdout(), s)
		},
	}
	to.flags(cmd, false)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	RefuseStack(cmd, "a stack compacts by itself every hour. To have it now: aws lambda invoke --function-name STACK-compact --cli-read-timeout 900 /dev/stdout")
	return cmd
}

// addFigure adds a member of a result: its name in words, its number grouped.
func (c *card) addFigure(m member) {
	name := strings.ReplaceAll(m.name, "_", " ")
	if name != "" {
		name = strings.ToUpper(name[:1]) + name[1:]
	}
	value := valueCell(m.value)
	var n int64
	if json.Unmarshal(m.value, &n) == nil && !value.null {
		switch {
		case strings.HasSuffix(m.name, "bytes") || strings.HasPrefix(m.name, "bytes"):
			value.text = size(n)
		default:
			value.text = count(n)
		}
	}
	c.addCell(name, value)
}
