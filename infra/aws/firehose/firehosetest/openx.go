package firehosetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// table converts documents by the columns of a Glue table, with the rules of the
// OpenX JSON SerDe as Firehose sets it up by default: keys are lower-cased, those
// that are no column's are dropped, null and missing are the same.
type table struct {
	columns []Column
	places  map[string]int
}

var knownTypes = []string{"string", "bigint", "int", "double", "boolean", "timestamp", "date"}

func newTable(columns []Column) (*table, error) {
	t := &table{columns: columns, places: map[string]int{}}
	for i, c := range columns {
		if c.Name != strings.ToLower(c.Name) || c.Name == "" {
			return nil, fmt.Errorf("the column name %q: Glue's are lower case", c.Name)
		}
		if !slices.Contains(knownTypes, c.Type) {
			return nil, fmt.Errorf("the column %s has the type %q, which is not known here", c.Name, c.Type)
		}
		if _, twice := t.places[c.Name]; twice {
			return nil, fmt.Errorf("the column %s is there twice", c.Name)
		}
		t.places[c.Name] = i
	}
	if len(columns) == 0 {
		return nil, errors.New("the table has no columns")
	}
	return t, nil
}

// convert reads the documents of a record, with or without white space between
// them, into one value a column: nil, string, int64, float64, bool or time.Time
// (a date is one at midnight). If one does not convert, none does.
func (t *table) convert(data []byte) (rows [][]any, err error) {
	d := json.NewDecoder(bytes.NewReader(data))
	for {
		var doc map[string]json.RawMessage
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil || doc == nil {
			return nil, errors.New("Data does not match the schema. A Row is not a valid JSON Object") //nolint:staticcheck // Firehose's own words
		}
		row := make([]any, len(t.columns))
		for key, raw := range doc {
			i, known := t.places[strings.ToLower(key)]
			if !known || string(raw) == "null" {
				continue
			}
			if row[i], err = value(t.columns[i].Type, raw); err != nil {
				return nil, fmt.Errorf("Data does not match the schema. column %s: %w", t.columns[i].Name, err) //nolint:staticcheck // as above
			}
		}
		rows = append(rows, row)
	}
}

var errValue = errors.New("the value does not fit the type")

// value converts one value. A text may stand for a number, a truth or an instant;
// a string column takes anything, an object as its JSON.
func value(kind string, raw json.RawMessage) (any, error) {
	text, quoted := string(raw), raw[0] == '"'
	if quoted {
		if err := json.Unmarshal(raw, &text); err != nil {
			return nil, errValue
		}
	}
	if nested := raw[0] == '{' || raw[0] == '['; nested && kind != "string" {
		return nil, errValue
	}
	switch kind {
	case "string":
		return text, nil
	case "bigint", "int":
		bits := 64
		if kind == "int" {
			bits = 32
		}
		n, err := strconv.ParseInt(text, 10, bits)
		return n, err
	case "double":
		f, err := strconv.ParseFloat(text, 64)
		return f, err
	case "boolean":
		switch strings.ToLower(text) {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
	case "timestamp":
		return instant(text)
	case "date":
		return time.Parse(time.DateOnly, text)
	}
	return nil, errValue
}

var (
	zulu  = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$`)
	local = regexp.MustCompile(`^\d{4}-\d{1,2}-\d{1,2} \d\d:\d\d:\d\d(\.\d{1,9})?$`)
)

// millisecondDigits is from where on digits are milliseconds and not seconds.
const millisecondDigits = 13

// instant reads the forms that the guide lists, and no other.
func instant(text string) (any, error) {
	switch {
	case zulu.MatchString(text):
		return time.Parse("2006-01-02T15:04:05Z", text)
	case local.MatchString(text):
		return time.Parse("2006-1-2 15:04:05", text)
	case strings.Contains(text, "."):
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, errValue
		}
		return time.UnixMilli(int64(f * 1000)).UTC(), nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return nil, errValue
	case len(text) >= millisecondDigits:
		return time.UnixMilli(n).UTC(), nil
	}
	return time.Unix(n, 0).UTC(), nil
}
