package command

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"
)

// answer is what /api/sql says. Values stay as they came, so that no digit of a
// number is lost on the way through.
type answer struct {
	Columns []struct {
		Name string `json:"name"`
		Type string `json:"type"`
	} `json:"columns"`
	Rows      [][]json.RawMessage `json:"rows"`
	RowCount  int                 `json:"row_count"`
	Truncated bool                `json:"truncated"`
	ElapsedMS int64               `json:"elapsed_ms"`
}

// The SQL types whose values stand to the right, and those that are not cut
// either.
var (
	numbers = []string{"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT", "FLOAT", "REAL", "DOUBLE", "DECIMAL", "NUMERIC", "INT"}
	wholes  = []string{"DATE", "TIME", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "INTERVAL", "BOOLEAN", "UUID"}
)

// columnOf is how a column of a type is set.
func columnOf(name, sqlType string) column {
	base, _, _ := strings.Cut(strings.ToUpper(sqlType), "(")
	right := slices.Contains(numbers, base)
	return column{name: clean(name, 0), right: right, whole: right || slices.Contains(wholes, base)}
}

// table makes an answer ready to be printed.
func (a *answer) table() ([]column, [][]cell) {
	columns := make([]column, len(a.Columns))
	for i, c := range a.Columns {
		columns[i] = columnOf(c.Name, c.Type)
	}
	rows := make([][]cell, len(a.Rows))
	for i, r := range a.Rows {
		rows[i] = make([]cell, len(columns))
		for j := range columns {
			if j >= len(r) || isNull(r[j]) {
				rows[i][j] = cell{text: "NULL", null: true}
				continue
			}
			rows[i][j] = cell{text: clean(plainText(r[j]), 0)}
		}
	}
	return columns, rows
}

func isNull(v json.RawMessage) bool { return len(v) == 0 || string(v) == "null" }

// plainText is a value as people write it: strings without quotes, all else as
// JSON.
func plainText(v json.RawMessage) string {
	if len(v) > 0 && v[0] == '"' {
		var s string
		if json.Unmarshal(v, &s) == nil {
			return s
		}
	}
	return string(v)
}

// ndjson writes each row as an object on a line of its own, its members in the
// order of the columns. Columns of one name are told apart by a number, as
// members of an object must be.
func (a *answer) ndjson(w io.Writer) error {
	names := make([][]byte, len(a.Columns))
	seen := map[string]int{}
	for i, c := range a.Columns {
		seen[c.Name]++
		name := c.Name
		if n := seen[c.Name]; n > 1 {
			name += "_" + strconv.Itoa(n)
		}
		var err error
		if names[i], err = marshal(name); err != nil {
			return err
		}
	}
	var b bytes.Buffer
	for _, r := range a.Rows {
		b.WriteByte('{')
		for i, name := range names {
			if i > 0 {
				b.WriteByte(',')
			}
			b.Write(name)
			b.WriteByte(':')
			if i >= len(r) || isNull(r[i]) {
				b.WriteString("null")
			} else if err := json.Compact(&b, r[i]); err != nil {
				return err
			}
		}
		b.WriteString("}\n")
	}
	_, err := w.Write(b.Bytes())
	return err
}

// marshal is json.Marshal that leaves <, > and & alone.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// csv writes a header and the rows; null is the empty field.
func (a *answer) csv(w io.Writer) error {
	out := csv.NewWriter(w)
	record := make([]string, len(a.Columns))
	for i, c := range a.Columns {
		record[i] = c.Name
	}
	if err := out.Write(record); err != nil {
		return err
	}
	for _, r := range a.Rows {
		for i := range record {
			record[i] = ""
			if i < len(r) && !isNull(r[i]) {
				record[i] = plainText(r[i])
			}
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
