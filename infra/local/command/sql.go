package command

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// SQL returns the command `loch sql`.
func SQL(c Connector) *cobra.Command { return newSQL(c, realTools()) }

func newSQL(c Connector, t tools) *cobra.Command {
	q := sqlCommand{target: target{connector: c, tools: &t}, tools: t}
	cmd := &cobra.Command{
		Use:   "sql [statement]",
		Short: "Ask the lake a question in SQL",
		Long: `Ask the lake a question in SQL: one read-only statement over the relations
events, events_raw, profiles and rejected. Without a statement it is read from
standard input, or from --file.

In a terminal the answer is a table, cut to its width; rows that are too wide for
that are written one below the other. --json writes each row as an object on its
own line, with all digits; --csv writes a header and rows.` +
			fmt.Sprintf(exitHelp, "3 rows were cut at the limit"),
		Example: `  loch sql "select event, count(*) as n from events group by event order by n desc"
  loch sql "describe events"
  loch sql --json "select * from events order by time desc limit 5" | jq .
  loch sql --csv --file report.sql > report.csv
  loch sql --aws loch "select count(*) from events where date = current_date"`,
		RunE: q.run,
	}
	q.target.flags(cmd, true)
	q.target.keyFlag(cmd)
	cmd.Flags().StringVarP(&q.file, "file", "f", "", "read the statement from this file; - is standard input")
	cmd.Flags().IntVar(&q.limit, "limit", 0, "at most so many rows; default: the server's own limit")
	cmd.Flags().BoolVar(&q.json, "json", false, "one JSON object a row, one row a line")
	cmd.Flags().BoolVar(&q.csv, "csv", false, "CSV with a header; null is the empty field")
	return cmd
}

type sqlCommand struct {
	target target
	tools  tools
	file   string
	limit  int
	json   bool
	csv    bool
}

// question is the body of POST /api/sql.
type question struct {
	SQL   string `json:"sql"`
	Limit int    `json:"limit,omitempty"`
}

func (q *sqlCommand) run(cmd *cobra.Command, args []string) error {
	if q.json && q.csv {
		return usage("--json and --csv cannot both be wanted")
	}
	if q.limit < 0 {
		return usage("--limit must be a number from 1")
	}
	statement, err := q.statement(cmd.InOrStdin(), args)
	if err != nil {
		return err
	}
	session, err := q.target.open(cmd.Context())
	if err != nil {
		return err
	}
	defer session.close()
	start := q.tools.now()
	body, err := q.tools.call(cmd.Context(), session, http.MethodPost, "/api/sql", session.Keys["read"], question{statement, q.limit})
	if err != nil {
		return q.explain(statement, err, q.target.screen(cmd.ErrOrStderr()))
	}
	var a answer
	if err := unmarshal(body, &a); err != nil {
		return err
	}
	if err := q.print(cmd.OutOrStdout(), &a, q.tools.now().Sub(start)); err != nil {
		return err
	}
	if a.Truncated {
		return &exit{code: exitPartly, words: q.cut(&a)}
	}
	return nil
}

// statement finds what is asked: the arguments, the file, or standard input.
func (q *sqlCommand) statement(in io.Reader, args []string) (string, error) {
	text := strings.Join(args, " ")
	switch {
	case q.file != "" && len(args) > 0:
		return "", usage("the statement is given twice: as an argument and with --file")
	case q.file != "" && q.file != "-":
		b, err := os.ReadFile(q.file)
		if err != nil {
			return "", usage("--file cannot be read: %w", err)
		}
		text = string(b)
	case len(args) == 0:
		if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) && q.file == "" {
			return "", usage("there is no statement")
		}
		b, err := io.ReadAll(in)
		if err != nil {
			return "", fmt.Errorf("standard input cannot be read: %w", err)
		}
		text = string(b)
	}
	if strings.TrimSpace(text) == "" {
		return "", usage("the statement is empty")
	}
	return text, nil
}

func (q *sqlCommand) print(w io.Writer, a *answer, took time.Duration) error {
	switch {
	case q.json:
		return a.ndjson(w)
	case q.csv:
		return a.csv(w)
	}
	s := q.target.screen(w)
	columns, rows := a.table()
	if err := s.table(w, columns, rows); err != nil {
		return err
	}
	foot := plural(int64(len(rows)), "row") + " in " + lasting(time.Duration(a.ElapsedMS)*time.Millisecond)
	if rest := took - time.Duration(a.ElapsedMS)*time.Millisecond; rest > time.Second {
		foot += ", " + lasting(took) + " with the way there and back"
	}
	return lines(w, s.paint(dim, foot))
}

// cut says what to do about rows that did not come.
func (q *sqlCommand) cut(a *answer) string {
	words := "only the first " + plural(int64(len(a.Rows)), "row") + " came; there are more"
	if q.limit == 0 {
		return words + "\nask for fewer with a where clause, or for totals with group by"
	}
	return words + "\nask for more with --limit"
}

// explain shows where in the statement the server found something wrong.
func (q *sqlCommand) explain(statement string, err error, s screen) error {
	var r *refusal
	if !errors.As(err, &r) || r.Code != "invalid" {
		return err
	}
	words := r.Error()
	if line, column, ok := placeIn(words); ok {
		words += caret(statement, line, column, s)
	}
	return &exit{code: exitUsage, words: words, cause: err}
}

var placeWords = regexp.MustCompile(`\(line (\d+), column (\d+)\)`)

// placeIn finds the line and column that a message names, from 1.
func placeIn(words string) (line, column int, ok bool) {
	m := placeWords.FindStringSubmatch(words)
	if m == nil {
		return 0, 0, false
	}
	line, errLine := strconv.Atoi(m[1])
	column, errColumn := strconv.Atoi(m[2])
	return line, column, errLine == nil && errColumn == nil
}

// caret draws the line of a statement with a mark below the place. A long line
// is cut to what stands around it.
func caret(statement string, line, column int, s screen) string {
	all := strings.Split(statement, "\n")
	if line < 1 || line > len(all) || column < 1 {
		return ""
	}
	text := []rune(clean(strings.TrimSuffix(all[line-1], "\r"), 0))
	at := min(column-1, len(text))
	const around = 60
	before, after := "", ""
	if from := at - around; from > 0 {
		text, at, before = text[from:], around, "…"
	}
	if to := at + around; to < len(text) {
		text, after = text[:to], "…"
	}
	pad := strings.Repeat(" ", cells.StringWidth(before+string(text[:at])))
	return "\n\n  " + before + string(text) + after + "\n  " + pad + s.paint(red, "^")
}
