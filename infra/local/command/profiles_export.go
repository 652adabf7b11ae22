package command

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"
)

func newProfilesExport(c Connector, t tools) *cobra.Command {
	e := profilesExport{target: target{connector: c, tools: &t}, tools: t}
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write all profiles as lines of JSON",
		Long: `Write the profiles of everybody, or of those who pass a filter, as NDJSON: one JSON
object a line, in the order of person_id. "loch profiles import" takes the same back
into this server, where it sets what was exported. People's own identifiers are in no
export: the server keeps a keyed hash of each and cannot tell them. So an export is
no way to another server; there, copy the data folder with vault.key while the
server is stopped.

With -o the file appears once it is whole; until then it is called FILE.part, and
the same command goes on where an earlier one broke off. What it is a part of stands
in FILE.part.of: another export into the same file, or one by another key, begins
anew.

Personal traits are left out. --pii writes them in clear: over the data folder's own
socket for everybody at once, over --url as fast as lookups_per_minute lets; the
audit ledger names each person either way.` +
			fmt.Sprintf(exitHelp, "3 and 4 not used"),
		Example: `  loch profiles export -o people.ndjson
  loch profiles export --where 'plan eq pro' | jq -r .person_id
  loch profiles export --pii --why "ticket 4711: mailing" -o people.ndjson`,
		RunE: e.run,
	}
	e.target.flags(cmd, true)
	e.target.keyFlag(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&e.where, "where", nil, "a filter, `'PROPERTY OP VALUE'`; may be repeated")
	f.StringVar(&e.group, "group", "", "groups of this kind instead of people")
	f.StringVarP(&e.file, "output", "o", "", "write to this file instead of standard output")
	f.BoolVar(&e.pii, "pii", false, "with personal traits in clear")
	f.StringVar(&e.why, "why", "", "the reason, for the audit ledger; without names")
	f.BoolVar(&e.json, "json", false, "with -o: say as JSON what was written")
	return cmd
}

type profilesExport struct {
	target target
	tools  tools
	where  []string
	group  string
	file   string
	pii    bool
	why    string
	json   bool
}

func (e *profilesExport) run(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("an export takes no argument; name the file with -o")
	}
	if e.json && e.file == "" {
		return usage("--json tells about the file that -o names; without -o the export itself is JSON")
	}
	query := url.Values{}
	if len(e.where) > 0 {
		where, err := whereOf(e.where)
		if err != nil {
			return err
		}
		query.Set("where", where)
	}
	if e.group != "" {
		query.Set("group_key", e.group)
	}
	if !e.pii {
		query.Set("personal", "false")
	}
	session, err := e.target.open(cmd.Context())
	if err != nil {
		return err
	}
	defer session.close()
	if e.file == "" {
		_, err := e.copy(cmd, session, query, cmd.OutOrStdout(), 0)
		return err
	}
	return e.toFile(cmd, session, query)
}

// toFile goes on with what an earlier try left.
func (e *profilesExport) toFile(cmd *cobra.Command, session *Session, query url.Values) (err error) {
	name := e.file + ".part"
	part, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("the file cannot be written: %w", err)
	}
	defer func() { _ = part.Close() }()
	resumed, err := e.resumes(part, query, session.Keys[e.scope()])
	if err != nil {
		return fmt.Errorf("the file cannot be written: %w", err)
	}
	if !resumed {
		fmt.Fprintln(cmd.ErrOrStderr(), clean(name, 0)+" is part of another export; this one begins anew")
	}
	before, last, err := wholeLines(part)
	if err != nil {
		return fmt.Errorf("%s cannot be read; remove it to begin anew: %w", name, err)
	}
	if last != "" {
		query.Set("after", last)
		fmt.Fprintln(cmd.ErrOrStderr(), "going on behind "+plural(before, "profile")+" in "+clean(name, 0))
	}
	n, err := e.copy(cmd, session, query, part, before)
	if err != nil {
		return err
	}
	if err = errors.Join(part.Sync(), part.Close()); err == nil {
		err = os.Rename(name, e.file)
	}
	if err != nil {
		return fmt.Errorf("the file cannot be written: %w", err)
	}
	_ = os.Remove(name + ".of") // of a part that is no more, it only says to begin anew
	out := cmd.OutOrStdout()
	if e.json {
		b, err := marshal(map[string]any{"file": e.file, "profiles": n})
		if err != nil {
			return err
		}
		return lines(out, string(b))
	}
	s := e.target.screen(out)
	words := s.paint(green, "✓") + " " + s.paint(bold, plural(n, "profile")) + " in " + clean(e.file, 0)
	if e.pii {
		words += s.paint(dim, " · it names people; keep it safe")
	}
	return lines(out, words)
}

// resumes says whether part was begun by the same export: of the same server, people,
// traits, and by the same key, since keys are of projects. If it was not it is emptied, and what it is a part of is noted beside it;
// in this order, or after a crash the note would be about other lines. It returns
// true of a part that was empty before.
func (e *profilesExport) resumes(part *os.File, query url.Values, key string) (bool, error) {
	of := e.target.url
	if e.target.stack.Name != "" {
		of = e.target.stack.again()
	}
	if of == "" {
		folder, err := filepath.Abs(e.target.data)
		if err != nil {
			return false, err
		}
		of = folder
	}
	by := sha256.Sum256([]byte("loch/export/key\x00" + key)) // the note must not give the key away
	of += "\n" + query.Encode() + "\n" + hex.EncodeToString(by[:8]) + "\n"
	note := part.Name() + ".of"
	was, err := os.ReadFile(note)
	if err == nil && string(was) == of {
		return true, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	info, err := part.Stat()
	if err == nil {
		err = part.Truncate(0)
	}
	if err == nil {
		err = part.Sync()
	}
	if err == nil {
		err = os.WriteFile(note, []byte(of), 0o600)
	}
	return err == nil && info.Size() == 0, err
}

// wholeLines counts the whole lines of a file, cuts what is behind them, and
// returns who is in the last.
func wholeLines(f *os.File) (n int64, last string, err error) {
	var whole int64
	err = eachLine(f, func(line []byte, ended bool) error {
		if !ended {
			return nil
		}
		var p listedPerson
		if err := unmarshal(line, &p); err != nil {
			return err
		}
		n++
		last = p.PersonID
		whole += int64(len(line))
		return nil
	})
	if err == nil {
		err = f.Truncate(whole)
	}
	if err == nil {
		_, err = f.Seek(whole, io.SeekStart)
	}
	return n, last, err
}

// scope is what the key must be for.
func (e *profilesExport) scope() string {
	if e.pii {
		return "pii"
	}
	return "read"
}

// copy passes the lines on and tells how far it is.
func (e *profilesExport) copy(cmd *cobra.Command, session *Session, query url.Values, to io.Writer, before int64) (n int64, err error) {
	r, err := http.NewRequestWithContext(cmd.Context(), http.MethodGet, session.BaseURL+"/api/profiles.ndjson?"+query.Encode(), http.NoBody)
	if err != nil {
		return 0, UsageError(err)
	}
	if key := session.Keys[e.scope()]; key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	if why := reasonHeader(e.why); why.value != "" {
		r.Header.Set(why.name, why.value)
	}
	response, err := session.Client.Do(r)
	if err != nil {
		return 0, unreachable(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(response.Body, 64<<10)) // the status tells enough
		return 0, refused(response.StatusCode, body)
	}
	total, _ := strconv.ParseInt(response.Header.Get("X-Profiles"), 10, 64) // without it, progress has no end
	count := &lineCount{n: before}
	if e.file != "" || !e.target.screen(cmd.OutOrStdout()).live {
		bar := newProgress(cmd.ErrOrStderr(), e.target.screen(cmd.ErrOrStderr()), e.tools.now, "profiles", total)
		defer bar.end()
		count.tell = func(n int64) { bar.at(n, max(n, total)) }
	}
	if _, err := io.Copy(io.MultiWriter(to, count), response.Body); err != nil {
		if cmd.Context().Err() != nil {
			return count.n, cmd.Context().Err()
		}
		words := "the export broke off after " + plural(count.n, "profile")
		if e.file != "" {
			words += "; the same command goes on from there"
		}
		return count.n, &exit{code: exitFailed, words: words, cause: err}
	}
	return count.n, nil
}

// lineCount counts lines that go through it.
type lineCount struct {
	n    int64
	tell func(n int64)
}

// Write implements io.Writer.
func (c *lineCount) Write(b []byte) (int, error) {
	c.n += int64(bytes.Count(b, []byte{'\n'}))
	if c.tell != nil {
		c.tell(c.n)
	}
	return len(b), nil
}
