package query

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"loch/shared/fault"
	"loch/shared/project"
	"loch/shared/report"
	"loch/shared/web"
)

const (
	maxStatement = 64 << 10               // bytes of SQL
	maxQuestion  = 6*maxStatement + 1<<10 // as JSON, where one byte may take six
)

// question is the body of POST /api/sql.
type question struct {
	SQL   string
	Limit int // rows; 0 where the body has none
}

// answer is a report.Result as /api/sql writes it.
type answer struct {
	Columns   []report.Column `json:"columns"`
	Rows      [][]any         `json:"rows"`
	RowCount  int             `json:"row_count"`
	Truncated bool            `json:"truncated"`
	ElapsedMS int64           `json:"elapsed_ms"`
}

func (h *handler) sql(w http.ResponseWriter, r *http.Request) {
	key, err := web.Authorize(r, h.Registry, project.Read)
	if err == nil {
		err = mayCountOne(key)
	}
	giveBack, ok := h.admit(w, r, key, err)
	if !ok {
		return
	}
	defer giveBack()
	share := h.Budget.Share()
	defer share.Release()
	body, err := web.Body(w, r, share, maxQuestion)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	q, err := parseQuestion(body)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	limit := h.MaxRows
	if q.Limit > 0 {
		limit = min(limit, q.Limit)
	}
	result, later, err := h.begin(r.Context(), key.Project, q.SQL, limit)
	switch {
	case err != nil:
		fail(w, r, err)
	case later != "":
		writePending(w, later, url.Values{"limit": {strconv.Itoa(limit)}})
	default:
		writeRows(w, result)
	}
}

func writeRows(w http.ResponseWriter, result report.Result) {
	a := answer{result.Columns, result.Rows, result.RowCount, result.Truncated, result.Elapsed.Milliseconds()}
	if a.Columns == nil {
		a.Columns = []report.Column{}
	}
	if a.Rows == nil {
		a.Rows = [][]any{}
	}
	web.WriteJSON(w, http.StatusOK, a)
}

// parseQuestion reads the body strictly: a misspelt field that was silently
// passed over would give an answer to another question.
func parseQuestion(body []byte) (question, error) {
	var q question
	if !utf8.Valid(body) {
		return q, fault.New(fault.Invalid, "the body is not valid UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return q, notAQuestion(err)
	}
	seen := map[string]bool{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return q, notAQuestion(err)
		}
		name, _ := token.(string) // a member's name is always a string
		if seen[name] {
			return q, fault.New(fault.Invalid, "the field is there twice").At(shown(name))
		}
		seen[name] = true
		switch name {
		case "sql":
			q.SQL, err = readStatement(dec)
		case "limit":
			q.Limit, err = readLimit(dec)
		default:
			return q, fault.Newf(fault.Invalid, "unknown field %s; there are sql and limit", shown(name)).At(shown(name))
		}
		if err != nil {
			return q, err
		}
	}
	if _, err := dec.Token(); err != nil {
		return q, notAQuestion(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return q, fault.New(fault.Invalid, "something follows the JSON object")
	}
	if !seen["sql"] {
		return q, fault.New(fault.Invalid, `there is no statement; send {"sql":"SELECT …"}`).At("sql")
	}
	return q, nil
}

func notAQuestion(err error) error {
	return fault.Wrap(err, fault.Invalid, `the body must be a JSON object such as {"sql":"SELECT count(*) FROM events"}`)
}

func readStatement(dec *json.Decoder) (string, error) {
	token, err := dec.Token()
	if err != nil {
		return "", notAQuestion(err)
	}
	text, ok := token.(string)
	switch {
	case !ok:
		return "", fault.New(fault.Invalid, "the statement must be a string").At("sql")
	case strings.TrimSpace(text) == "":
		return "", fault.New(fault.Invalid, "the statement is empty").At("sql")
	case len(text) > maxStatement:
		return "", fault.Newf(fault.TooLarge, "the statement has %d bytes; at most %d are taken", len(text), maxStatement).At("sql")
	case strings.IndexByte(text, 0) >= 0:
		// A C library could take it for the statement's end.
		return "", fault.New(fault.Invalid, "the statement holds a NUL character").At("sql")
	}
	return text, nil
}

func readLimit(dec *json.Decoder) (int, error) {
	token, err := dec.Token()
	if err != nil {
		return 0, notAQuestion(err)
	}
	number, _ := token.(json.Number)
	n, err := strconv.Atoi(string(number))
	if err != nil || n < 1 {
		return 0, fault.New(fault.Invalid, "the limit must be a whole number from 1").At("limit")
	}
	return n, nil
}

// shown quotes a field's name for an error, cut to what a person reads.
func shown(name string) string {
	const most = 40
	if runes := []rune(name); len(runes) > most {
		name = string(runes[:most]) + "…"
	}
	return strconv.Quote(name)
}

// mayCountOne keeps SQL from those who may not see small groups of people: a
// statement can count any group that a report would hide.
func mayCountOne(key project.Key) error {
	if key.Project.Settings.Privacy.MinCell > 1 && !key.Scope.Allows(project.PII) {
		return fault.Newf(fault.Forbidden,
			"this project hides groups of fewer than %d people, and SQL could count any; use a key of scope pii, or a report", key.Project.Settings.Privacy.MinCell)
	}
	return nil
}
