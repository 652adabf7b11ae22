package duckdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"loch/shared/fault"
)

// The words of faults that come from several places.
const (
	timeoutWords = "the statement did not end within its time limit; ask for less, or for a shorter span of time"
	memoryWords  = "the statement needs more memory than it may use; ask for fewer rows or columns, or aggregate before you join"
	spillWords   = "the statement needs more room for temporary data than there is; ask for fewer rows or columns"
	fileWords    = "a file of the lake cannot be read; `loch verify` finds which, and the server's log says why"
)

// complaint is an error of DuckDB, as it tells it when errors_as_json is set.
type complaint struct {
	Type     string `json:"exception_type"`
	Message  string `json:"exception_message"`
	Position string `json:"position"`
}

// complaintOf reads an error of the driver.
func complaintOf(err error) complaint {
	text := err.Error()
	if at := strings.IndexByte(text, '{'); at >= 0 {
		var c complaint
		if json.NewDecoder(strings.NewReader(text[at:])).Decode(&c) == nil && c.Type != "" {
			return c
		}
	}
	if kind, message, ok := strings.Cut(text, " Error: "); ok {
		// The driver's own errors may come before ("context deadline exceeded").
		return complaint{Type: kind[strings.LastIndexByte(kind, '\n')+1:], Message: message}
	}
	return complaint{Message: text}
}

// place is where a statement of a person stands in a text that is run, so that
// errors can be told in its own lines and columns.
type place struct {
	statement string
	offset    int
	folders   []string // whose paths no error may show
}

// fault turns an error of DuckDB into a fault.
func (p place) fault(ctx context.Context, err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	c := complaintOf(err)
	switch {
	case ctx.Err() != nil, strings.EqualFold(c.Type, "interrupt"):
		if ctx.Err() == nil {
			return fault.Wrap(err, fault.Timeout, timeoutWords)
		}
		return ranOut(ctx, timeoutWords)
	case strings.Contains(c.Message, "No space left"), strings.Contains(c.Message, "max_temp_directory_size"):
		return fault.Wrap(err, fault.TooLarge, spillWords)
	case strings.Contains(c.Message, "bad_alloc"):
		return fault.Wrap(err, fault.TooLarge, memoryWords)
	}
	switch c.Type {
	case "Out of Memory", "Object Size":
		return fault.Wrap(err, fault.TooLarge, memoryWords)
	case "Permission":
		return fault.Wrap(err, fault.Forbidden, "the statement reaches beyond "+relationWords)
	case "IO", "HTTP", "Network":
		return fault.Wrap(err, fault.Unavailable, fileWords)
	case "INTERNAL", "FATAL", "TransactionContext", "Serialization", "Connection", "":
		return fault.Wrap(err, fault.Internal, "the SQL engine made a mistake on this statement; write it in another way")
	}
	return fault.New(fault.Invalid, p.words(c))
}

// words are DuckDB's own about the statement, without what they must not show.
func (p place) words(c complaint) string {
	message := c.Message
	switch c.Type {
	case "Parser", "Syntax", "Binder", "Catalog", "Not implemented":
		// These speak of the statement alone.
	default:
		// These may quote a value out of the lake.
		message = withoutValues(message)
	}
	message = strings.Join(strings.Fields(message), " ")
	for _, folder := range p.folders {
		message = regexp.MustCompile(regexp.QuoteMeta(folder)+`[^\s"']*`).ReplaceAllString(message, "(a file)")
	}
	const most = 600
	if len(message) > most {
		cut := most
		for !utf8.RuneStart(message[cut]) {
			cut--
		}
		message = message[:cut] + " …"
	}
	return c.Type + " Error: " + message + p.where(c.Position)
}

var (
	quoted    = regexp.MustCompile(`'(?:[^']|'')*'|"(?:[^"\\]|\\.)*"`)
	trailing  = regexp.MustCompile(`(numerical|[Ii]nput|value|[Ss]tring): .*`)
	cutQuoted = regexp.MustCompile(`(['"]).*$`) // a quote that is not closed, since DuckDB cuts long values
)

// withoutValues blanks what a message quotes.
func withoutValues(message string) string {
	first, _, _ := strings.Cut(message, "\n")
	first = trailing.ReplaceAllString(first, "$1: …")
	first = quoted.ReplaceAllString(first, "'…'")
	if strings.Count(first, "'")%2 == 1 || strings.Contains(first, `"`) {
		first = cutQuoted.ReplaceAllString(first, "…")
	}
	return first
}

// where says the line and column of a byte offset.
func (p place) where(position string) string {
	at, err := strconv.Atoi(position)
	at -= p.offset
	if err != nil || at < 0 || at > len(p.statement) {
		return ""
	}
	before := p.statement[:at]
	line := strings.Count(before, "\n") + 1
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Sprintf(" (line %d, column %d)", line, column)
}
