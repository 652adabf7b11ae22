package command

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"
)

// Export returns the command `loch export`.
func Export(c Connector) *cobra.Command { return newExport(c, realTools()) }

func newExport(c Connector, t tools) *cobra.Command {
	e := exportCommand{target: target{connector: c, tools: &t}, tools: t}
	cmd := &cobra.Command{
		Use:   "export ID",
		Short: "Hand out everything that is known about one person",
		Long: `Write one JSON document with everything that is known about one person, by the id
that the website uses: the profile in clear, every linked identifier, every event,
and who read or exported what and when. The export itself is written into the
audit ledger, with --why.

With -o the file appears only once it is whole, readable by its owner alone;
without it the document goes to standard output.` +
			fmt.Sprintf(exitHelp, "3 not used, 4 nobody is known by this id"),
		Example: `  loch export user-1 -o user-1.json --why "request of 23 November"
  loch export jane@example.com --email -o jane.json
  loch export user-1 | jq '.events | length'`,
		RunE: e.run,
	}
	e.target.flags(cmd, true)
	e.target.keyFlag(cmd)
	e.who.flags(cmd)
	cmd.Flags().StringVarP(&e.file, "output", "o", "", "write to this file instead of standard output")
	cmd.Flags().StringVar(&e.why, "why", "", "the reason, for the audit ledger; without names")
	cmd.Flags().BoolVar(&e.json, "json", false, "with -o: say as JSON what was written")
	return cmd
}

type exportCommand struct {
	target target
	tools  tools
	who    subject
	file   string
	why    string
	json   bool
}

// wholeEnd is how a document ends that was not cut on the way.
const wholeEnd = "\n]}\n"

func (e *exportCommand) run(cmd *cobra.Command, args []string) error {
	if len(args) != 1 || args[0] == "" {
		return usage("name one id: loch export ID")
	}
	if e.json && e.file == "" {
		return usage("--json tells about the file that -o names; without -o the export itself is JSON")
	}
	path, err := e.who.path(args[0], "/export")
	if err != nil {
		return err
	}
	session, err := e.target.open(cmd.Context())
	if err != nil {
		return err
	}
	defer session.close()
	r, err := http.NewRequestWithContext(cmd.Context(), http.MethodGet, session.BaseURL+path, http.NoBody)
	if err != nil {
		return UsageError(err)
	}
	if key := session.Keys["erase"]; key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	if why := reasonHeader(e.why); why.value != "" {
		r.Header.Set(why.name, why.value)
	}
	response, err := session.Client.Do(r)
	if err != nil {
		return unreachable(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(response.Body, 64<<10)) // the status tells enough
		return notFound(refused(response.StatusCode, body))
	}
	if e.file != "" {
		return e.toFile(cmd, response)
	}
	_, err = e.copy(cmd, cmd.OutOrStdout(), response)
	return err
}

// toFile writes beside the file first, so that half an export never has its name.
func (e *exportCommand) toFile(cmd *cobra.Command, response *http.Response) (err error) {
	part, err := os.CreateTemp(filepath.Dir(e.file), ".loch-export-*") // mode 0600
	if err != nil {
		return fmt.Errorf("the file cannot be written: %w", err)
	}
	defer func() {
		if err != nil {
			_ = part.Close()
			_ = os.Remove(part.Name())
		}
	}()
	n, err := e.copy(cmd, part, response)
	if err != nil {
		return err
	}
	if err = errors.Join(part.Sync(), part.Close()); err == nil {
		err = os.Rename(part.Name(), e.file)
	}
	if err != nil {
		return fmt.Errorf("the file cannot be written: %w", err)
	}
	out := cmd.OutOrStdout()
	if e.json {
		b, err := marshal(map[string]any{"file": e.file, "events": n.events, "bytes": n.bytes})
		if err != nil {
			return err
		}
		return lines(out, string(b))
	}
	s := e.target.screen(out)
	return lines(out, s.paint(green, "✓")+" "+s.paint(bold, plural(n.events, "event"))+" and all else that is known, "+size(n.bytes)+" in "+clean(e.file, 0)+
		s.paint(dim, " · it names a person; keep it safe"))
}

// copy passes the document on and tells how far it is.
func (e *exportCommand) copy(cmd *cobra.Command, to io.Writer, response *http.Response) (*passed, error) {
	total, _ := strconv.ParseInt(response.Header.Get("X-Events"), 10, 64) // without it, progress has no end
	errs := cmd.ErrOrStderr()
	n := &passed{total: total}
	look := e.target.screen(errs)
	if e.file == "" && e.target.screen(cmd.OutOrStdout()).live {
		look = screen{} // the document itself scrolls by
	} else {
		bar := newProgress(errs, look, e.tools.now, "events", total)
		defer bar.end()
		n.tell = bar.at
	}
	_, err := io.Copy(io.MultiWriter(to, n), response.Body)
	if err != nil && cmd.Context().Err() != nil {
		return n, cmd.Context().Err()
	}
	if err != nil || !bytes.Equal(n.tail, []byte(wholeEnd)) {
		return n, &exit{code: exitFailed, words: "the export broke off and is not whole; ask again", cause: err}
	}
	return n, nil
}

// passed counts what goes through it. An event is a line that begins with a
// brace; so are the rows of the ledger behind them, hence the bound.
type passed struct {
	total  int64
	events int64
	bytes  int64
	tail   []byte // the last bytes
	tell   func(done, total int64)
}

// Write implements io.Writer.
func (p *passed) Write(b []byte) (int, error) {
	if len(p.tail) > 0 && p.tail[len(p.tail)-1] == '\n' && len(b) > 0 && b[0] == '{' {
		p.events++
	}
	p.events = min(p.events+int64(bytes.Count(b, []byte("\n{"))), p.total)
	p.bytes += int64(len(b))
	p.tail = append(p.tail, b[max(0, len(b)-len(wholeEnd)):]...)
	p.tail = p.tail[max(0, len(p.tail)-len(wholeEnd)):]
	if p.tell != nil {
		p.tell(p.events, p.total)
	}
	return len(b), nil
}
