package report

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"

	"loch/shared/event"
)

// Reading is what a report's statement reads of the lake.
type Reading struct {
	From, To string   // the dates of the partitions, both included
	Columns  []string // of events, in their order
	Profiles bool     // the profiles too

	// Looks is how often the events are read where an engine reads them anew for each
	// use of a query that has a name, as Trino and Athena do.
	Looks int
}

// Measurer is an Engine that can tell how much there is to read.
type Measurer interface {
	// Measure tells how much of a project's files one look reads. Errors:
	// fault.Unavailable, fault.Internal for a file that is broken.
	Measure(ctx context.Context, project string, r Reading) (Measured, error)
}

// Measured is how much there is to read: bytes as they lie in the files, compressed,
// of each column, and of how many files.
type Measured struct {
	Files   int           `json:"files"`
	Bytes   int64         `json:"bytes"`
	Columns []ColumnBytes `json:"columns"` // the largest first
}

// ColumnBytes is the size of a column in all files together.
type ColumnBytes struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

// Sort puts the largest column first.
func (m *Measured) Sort() {
	slices.SortFunc(m.Columns, func(a, b ColumnBytes) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), strings.Compare(a.Name, b.Name))
	})
}

// identity are the columns by which the relation events tells events and persons
// apart. They are read with whatever a statement asks for, on Athena more than once:
// what is measured with them is a little less than what is charged.
var identity = []string{"event", "insert_id", "insert_id_source", "device_id", "user_id", "time", "received_time", "request_id", "batch_index"}

var (
	readDates  = regexp.MustCompile(`\be\."date" BETWEEN DATE '(\d{4}-\d\d-\d\d)' AND DATE '(\d{4}-\d\d-\d\d)'`)
	readColumn = regexp.MustCompile(`\be\.(?:"(\w+)"|(\w+))`)
	readNamed  = regexp.MustCompile(`(?:WITH |,\n)(\w+) AS \(\n`)
	readUse    = regexp.MustCompile(`\b(?:FROM|JOIN) (\w+)`)
	quotedText = regexp.MustCompile(`'(?:[^']|'')*'`)
)

// Reading tells what a statement for Trino reads. All reports name events alike, e,
// and ask for the partitions' dates first, so it is found in their SQL.
func (s *Statement) Reading() Reading {
	var r Reading
	for _, m := range readDates.FindAllStringSubmatch(s.SQL, -1) {
		if r.From == "" || m[1] < r.From {
			r.From = m[1]
		}
		r.To = max(r.To, m[2])
	}
	bare := quotedText.ReplaceAllString(s.SQL, "?") // nothing that a spec contains
	names := slices.Clone(identity)
	for _, m := range readColumn.FindAllStringSubmatch(bare, -1) {
		names = append(names, m[1]+m[2])
	}
	for _, c := range event.Columns {
		if slices.Contains(names, c.Name) {
			r.Columns = append(r.Columns, c.Name)
		}
	}
	r.Profiles = strings.Contains(bare, "JOIN profiles f")
	r.Looks = looks(bare)
	return r
}

// looks adds up how often each of the named queries reads the events, in the order in
// which they are written: each sees those before it.
func looks(statement string) int {
	times := map[string]int{"events": 1}
	uses := func(text string) (n int) {
		for _, m := range readUse.FindAllStringSubmatch(text, -1) {
			n += times[m[1]]
		}
		return n
	}
	named := readNamed.FindAllStringSubmatchIndex(statement, -1)
	rest := statement
	for i, at := range named {
		until := len(statement)
		if i+1 < len(named) {
			until = named[i+1][0]
		}
		text := statement[at[1]:until]
		if end := strings.Index(text, "\n)"); end >= 0 { // queries within are indented
			text, rest = text[:end], text[end:]
		}
		times[statement[at[2]:at[3]]] = uses(text)
	}
	return uses(rest)
}
