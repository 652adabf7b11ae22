package glue

import (
	"fmt"
	"strings"

	"loch/shared/event"
)

// Rows is the view of all event rows that count at one moment, out of both tiers.
// Its text is what makes compaction one step to whoever reads: it is replaced as a
// whole, and a statement reads it once.
const Rows = "lake_rows"

// Manifest says which of the lake's files count.
type Manifest struct {
	// Commit is the number of the last compaction that counts. Compacted files are
	// named after theirs; those of a later one are not finished yet.
	Commit int64 `json:"commit"`

	// Replaced are the files whose rows stand elsewhere now: landing files that were
	// compacted and compacted files that were written anew. They are deleted when no
	// statement can read them any more, and leave the list when they are gone.
	Replaced []string `json:"replaced"`

	// Since is the hour of arrival ("2026-11-27T13") before which nothing is left in
	// the landing tier. Empty for: from its beginning.
	Since string `json:"since"`

	// First and Last are the dates that compacted events have, or empty.
	First string `json:"first_date"`
	Last  string `json:"last_date"`
}

// FileName is the name of the nth file of a compaction. The number comes first, by
// which the view knows whether the file counts.
func FileName(commit int64, n int) string { return fmt.Sprintf("%012d-%d.parquet", commit, n) }

// commitOf is the number in a file's name.
const commitOf = `regexp_extract("$path", '/([0-9]{12})-[^/]*$', 1)`

// RowsView is the query of Rows for a lake in a bucket.
func (m *Manifest) RowsView(bucket string) string {
	columns := columnList("")
	var landing, compacted []string
	for _, key := range m.Replaced {
		path := "s3://" + bucket + "/" + key
		if strings.HasPrefix(key, "landing/") {
			landing = append(landing, path)
		} else {
			compacted = append(compacted, path)
		}
	}
	fresh := "SELECT " + columns + ", 'landing' AS tier FROM " + Landing + where(
		since(m.Since), notAmong(landing))
	if m.Last == "" {
		return fresh
	}
	return fresh + " UNION ALL SELECT " + columns + ", 'compacted' AS tier FROM " + Compacted + where(
		fmt.Sprintf("date BETWEEN DATE %s AND DATE %s", Literal(m.First), Literal(m.Last)),
		fmt.Sprintf("%s <= '%012d'", commitOf, m.Commit), notAmong(compacted))
}

func since(hour string) string {
	day, hour, ok := strings.Cut(hour, "T")
	if !ok {
		return ""
	}
	return fmt.Sprintf("dt >= DATE %[1]s AND (dt > DATE %[1]s OR hour >= %[2]s)", Literal(day), Literal(hour))
}

func notAmong(paths []string) string {
	if len(paths) == 0 {
		return ""
	}
	return `"$path" NOT IN (` + literals(paths) + ")"
}

// where joins the conditions that there are.
func where(conditions ...string) string {
	var list []string
	for _, c := range conditions {
		if c != "" {
			list = append(list, c)
		}
	}
	if len(list) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(list, " AND ")
}

// columnList names all columns of events, each behind a prefix ("e.").
func columnList(prefix string) string {
	names := make([]string, len(event.Columns))
	for i, c := range event.Columns {
		names[i] = prefix + Name(c.Name)
	}
	return strings.Join(names, ", ")
}
