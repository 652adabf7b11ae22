// Package manifest says which of the lake's files count.
//
// A store of objects has no transactions: files appear and go one by one. So the
// files alone are not the lake. The manifest is the list by which readers take
// some and leave others, and it changes in one step. Compaction writes it; the SQL
// by which the lake is read is made of it.
package manifest

import (
	"fmt"
	"path"
	"strconv"
	"strings"
)

// Manifest is which files count at one moment, and what compaction has to remember
// from one run to the next. The zero value is that of a lake that was never
// compacted: every landing file counts.
type Manifest struct {
	// Commit is the number of the last compaction that counts. Compacted files are
	// named after theirs; those of a later one are not finished.
	Commit int64 `json:"commit"`

	// Replaced are the files whose rows stand elsewhere now: landing files that were
	// compacted and compacted files that were written anew. They are deleted when no
	// statement can read them any more, and leave the list when they are gone.
	Replaced []Replaced `json:"replaced,omitempty"`

	// Since is the hour of arrival ("2026-11-27T13") before which nothing is left in
	// the landing tier. Empty for: from its beginning.
	Since string `json:"since,omitempty"`

	// First and Last are the dates that compacted events have, or empty.
	First string `json:"first_date,omitempty"`
	Last  string `json:"last_date,omitempty"`

	// Summarised is the number up to which each compacted file that counts has its facts
	// in a file of summaries (shared/schema). Those of later ones are read themselves.
	Summarised int64 `json:"summarised,omitempty"`

	// Attempt is the number of the last compaction that was begun. If it is not
	// Commit, that one is under way or died, and Pending are the files that it may
	// have put beside those that count.
	Attempt int64    `json:"attempt"`
	Pending []string `json:"pending,omitempty"`

	// LeaseMS is until when another run of compaction keeps its hands off.
	LeaseMS int64 `json:"lease_ms,omitempty"`

	// Swept are the orders to remove rows (their keys) of which no compacted file that
	// counts holds a row. The time is since when no file at all that counts does, nor
	// will; 0 as long as rows may still land.
	Swept map[string]int64 `json:"swept,omitempty"`

	// Views tells which texts the relations' views have.
	Views string `json:"views,omitempty"`
}

// Replaced is a file that counts no more.
type Replaced struct {
	Key string `json:"key"`
	// HiddenMS is since when readers leave it out; 0 as long as that is not sure.
	HiddenMS int64 `json:"hidden_ms,omitempty"`
	// Told says that summaries still tell of the file: readers have to leave that out,
	// so it stays in the list.
	Told bool `json:"told,omitempty"`
}

// Name is the name of the nth file of a compaction. The number comes first, by which
// readers know whether the file counts.
func Name(commit int64, n int) string { return fmt.Sprintf("%s-%d.parquet", ID(commit), n) }

// ID is a compaction's number as names have it: twelve digits, so that texts are in
// the order of numbers.
func ID(commit int64) string { return fmt.Sprintf("%012d", commit) }

// CommitOf is the number in a compacted file's name; false if it has none.
func CommitOf(key string) (int64, bool) {
	id, _, found := strings.Cut(path.Base(key), "-")
	n, err := strconv.ParseInt(id, 10, 64)
	return n, found && err == nil && len(id) == 12
}

// Hides tells whether a file is in the list of those that were replaced.
func (m *Manifest) Hides(key string) bool {
	for _, r := range m.Replaced {
		if r.Key == key {
			return true
		}
	}
	return false
}

// Counts tells whether a file of the landing tier, of events or of summaries counts.
func (m *Manifest) Counts(key string) bool {
	if strings.HasPrefix(key, "events/") || strings.HasPrefix(key, "summaries/") {
		if n, ok := CommitOf(key); !ok || n > m.Commit {
			return false
		}
	}
	return !m.Hides(key)
}

// Part reads a value out of a file's path: Part(key, "date") of
// "events/project=p/date=2026-11-23/…" is "2026-11-23".
func Part(key, name string) string {
	for part := range strings.SplitSeq(path.Dir(key), "/") {
		if value, ok := strings.CutPrefix(part, name+"="); ok {
			return value
		}
	}
	return ""
}
