package command

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
)

func newProfilesImport(c Connector, t tools) *cobra.Command {
	i := profilesImport{target: target{connector: c, tools: &t}, tools: t}
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Read profiles from lines of JSON",
		Long: `Read profiles from NDJSON, one JSON object a line; - is standard input. A line has
distinct_id (the website's own id, a device's as $device:ID), or the person_id of
somebody whom this server knows (as its "loch profiles export" writes it), and
properties; group_key makes it a group. Mixpanel's export, with $distinct_id and
$properties, is taken as it is.

Each line sets what it names, so a file may be sent again, and an import that broke
off goes on with --from-line. Personal traits are sealed before anything is kept. A
line that is refused is told by its number and the reason, and stops no other.` +
			fmt.Sprintf(exitHelp, "3 some lines were refused, 4 not used"),
		Example: `  loch profiles import people.ndjson
  loch profiles import people.ndjson --from-line 120001
  loch profiles import - --json < people.ndjson`,
		RunE: i.run,
	}
	i.target.flags(cmd, true)
	i.target.keyFlag(cmd)
	cmd.Flags().IntVar(&i.from, "from-line", 1, "begin at this line")
	cmd.Flags().BoolVar(&i.json, "json", false, "say as JSON what was taken and what was not")
	return cmd
}

type profilesImport struct {
	target target
	tools  tools
	from   int
	json   bool
}

// What one request carries at most; the server takes twice as many lines.
const (
	importLines = 1000
	importBytes = 4 << 20
)

// refusedLine is a line that the server did not take.
type refusedLine struct {
	Line   int    `json:"line"`
	Reason string `json:"reason"`
	Field  string `json:"field,omitempty"`
}

// importResult is what became of a file.
type importResult struct {
	Received int           `json:"received"`
	Imported int           `json:"imported"`
	Failed   []refusedLine `json:"failed"`
}

func (i *profilesImport) run(cmd *cobra.Command, args []string) error {
	if len(args) != 1 || args[0] == "" {
		return usage("name one file: loch profiles import FILE")
	}
	if i.from < 1 {
		return usage("--from-line must be a number from 1")
	}
	in, size, err := source(args[0], cmd.InOrStdin())
	if err != nil {
		return err
	}
	defer in.Close()
	session, err := i.target.open(cmd.Context())
	if err != nil {
		return err
	}
	defer session.close()
	bar := newProgress(cmd.ErrOrStderr(), i.target.screen(cmd.ErrOrStderr()), i.tools.now, "kB", size/1000)
	all, next, err := i.send(cmd.Context(), session, in, func(done int64) { bar.at(done/1000, max(done, size)/1000) }, bar.says)
	bar.end()
	if err != nil {
		return &exit{code: ExitCode(err), words: fmt.Sprintf("%v\nlines up to %d are done; go on with --from-line %d", err, next-1, next), cause: err}
	}
	if err := i.print(cmd.OutOrStdout(), all); err != nil {
		return err
	}
	if len(all.Failed) > 0 {
		return &exit{code: exitPartly}
	}
	return nil
}

func source(name string, stdin io.Reader) (in io.ReadCloser, size int64, err error) {
	if name == "-" {
		return io.NopCloser(stdin), 0, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, usage("the file cannot be read: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

// send sends the lines in order, some at a time. next is the first line that is not
// done.
func (i *profilesImport) send(ctx context.Context, session *Session, in io.Reader, done func(bytes int64), says func(string)) (all importResult, next int, err error) {
	all.Failed = []refusedLine{}
	var batch bytes.Buffer
	line, first := 0, i.from
	var read int64
	flush := func() error {
		if line < first {
			return nil
		}
		a, err := i.post(ctx, session, batch.Bytes(), says)
		if err != nil {
			return err
		}
		all.Received += a.Received
		all.Imported += a.Imported
		for _, f := range a.Failed {
			f.Line += first - 1
			all.Failed = append(all.Failed, f)
		}
		batch.Reset()
		first = line + 1
		done(read)
		return nil
	}
	err = eachLine(in, func(text []byte, ended bool) error {
		read += int64(len(text))
		if line+1 < i.from {
			line++
			return nil
		}
		if line-first+1 >= importLines || batch.Len() > 0 && batch.Len()+len(text) > importBytes {
			if err := flush(); err != nil {
				return err
			}
		}
		if len(text) > importBytes { // no server would take the request
			if err := flush(); err != nil {
				return err
			}
			line++
			first = line + 1
			all.Received++
			all.Failed = append(all.Failed, refusedLine{Line: line, Reason: "too_large"})
			return nil
		}
		line++
		batch.Write(text)
		if !ended {
			batch.WriteByte('\n')
		}
		return nil
	})
	if err == nil {
		err = flush()
	}
	return all, first, err
}

// eachLine calls fn with every line, its end included where it has one.
func eachLine(in io.Reader, fn func(line []byte, ended bool) error) error {
	r := bufio.NewReaderSize(in, 64<<10)
	for {
		text, err := r.ReadBytes('\n')
		if len(text) > 0 {
			if err := fn(text, err == nil); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// importTries bounds how often some lines are sent while the server is not ready.
const importTries = 8

// post sends some lines until they are taken or refused.
func (i *profilesImport) post(ctx context.Context, session *Session, body []byte, says func(string)) (a importResult, err error) {
	wait := 500 * time.Millisecond
	for try := 1; ; try++ {
		answer, after, err := i.try(ctx, session, body)
		if err == nil {
			says("")
			return a, unmarshal(answer, &a)
		}
		var r *refusal
		ready := errors.As(err, &r) && !slices.Contains([]int{http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}, r.status)
		if ready || try == importTries || ctx.Err() != nil {
			return a, err
		}
		says("the server is not ready, trying again")
		if err := i.tools.sleep(ctx, min(max(after, wait), time.Minute)); err != nil {
			return a, err
		}
		wait *= 2
	}
}

func (i *profilesImport) try(ctx context.Context, session *Session, body []byte) (answer []byte, after time.Duration, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, session.BaseURL+"/api/profiles.ndjson", bytes.NewReader(body))
	if err != nil {
		return nil, 0, UsageError(err)
	}
	r.Header.Set("Content-Type", "application/x-ndjson")
	if key := session.Keys["pii"]; key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	response, err := session.Client.Do(r)
	if err != nil {
		return nil, 0, unreachable(err)
	}
	defer response.Body.Close()
	if answer, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer)); err != nil {
		return nil, 0, unreachable(err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, retryAfter(response.Header.Get("Retry-After"), i.tools.now()), refused(response.StatusCode, answer)
	}
	return answer, 0, nil
}

// mostRefused is how many refused lines are told one by one; --json has all.
const mostRefused = 20

func (i *profilesImport) print(w io.Writer, all importResult) error {
	if i.json {
		text, err := json.Marshal(all)
		if err != nil {
			return err
		}
		return lines(w, string(text))
	}
	s := i.target.screen(w)
	mark := s.paint(green, "✓")
	if len(all.Failed) > 0 {
		mark = s.paint(yellow, "!")
	}
	out := []string{mark + " " + s.paint(bold, plural(int64(all.Imported), "profile")) + " of " + plural(int64(all.Received), "line")}
	for _, f := range all.Failed[:min(len(all.Failed), mostRefused)] {
		out = append(out, fmt.Sprintf("  line %d: %s", f.Line, joined(" in ", clean(f.Reason, 0), clean(f.Field, 0))))
	}
	if more := len(all.Failed) - mostRefused; more > 0 {
		out = append(out, "  and "+plural(int64(more), "more line")+"; --json has all")
	}
	return lines(w, out...)
}
