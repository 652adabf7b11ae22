package glue

import (
	"fmt"
	"strings"

	"loch/shared/event"
	"loch/shared/manifest"
)

// Rows is the view of all event rows that count at one moment, out of both tiers.
// Its text is what makes compaction one step to whoever reads: it is replaced as a
// whole, and a statement reads it once.
const Rows = "lake_rows"

// commitOf is the number in a compacted file's name.
const commitOf = `regexp_extract("$path", '/([0-9]{12})-[^/]*$', 1)`

// RowsView is the query of Rows for a lake in a bucket.
func RowsView(m *manifest.Manifest, bucket string) string { return rowsView(m, bucket, false) }

// rowsView is the same, in which compacted files with a summary may be a tier of their
// own, called told.
func rowsView(m *manifest.Manifest, bucket string, told bool) string {
	columns, tier := columnList(""), "'compacted'"
	if told {
		tier = fmt.Sprintf("CASE WHEN %s <= '%s' THEN 'told' ELSE 'compacted' END", commitOf, manifest.ID(m.Summarised))
	}
	fresh := "SELECT " + columns + ", 'landing' AS tier FROM " + Landing + where(since(m.Since), notAmong(m, bucket, "landing/"))
	if m.Last == "" {
		return fresh
	}
	return fresh + " UNION ALL SELECT " + columns + ", " + tier + " AS tier FROM " + Compacted + where(compacted(m, bucket))
}

// compacted is the condition under which a row of the compacted tier counts.
func compacted(m *manifest.Manifest, bucket string) string {
	condition := fmt.Sprintf("date BETWEEN DATE %s AND DATE %s AND %s <= '%s'", Literal(m.First), Literal(m.Last), commitOf, manifest.ID(m.Commit))
	if replaced := notAmong(m, bucket, "events/"); replaced != "" {
		condition += " AND " + replaced
	}
	return condition
}

func since(hour string) string {
	day, hour, ok := strings.Cut(hour, "T")
	if !ok {
		return ""
	}
	return fmt.Sprintf("dt >= DATE %[1]s AND (dt > DATE %[1]s OR hour >= %[2]s)", Literal(day), Literal(hour))
}

// notAmong leaves out the files of a folder that were replaced.
func notAmong(m *manifest.Manifest, bucket, folder string) string {
	var keys []string
	for _, r := range m.Replaced {
		if strings.HasPrefix(r.Key, folder) {
			keys = append(keys, r.Key)
		}
	}
	if len(keys) == 0 {
		return ""
	}
	return `"$path" NOT IN (` + paths(bucket, keys) + ")"
}

// paths are files of a bucket as "$path" has them.
func paths(bucket string, keys []string) string {
	list := make([]string, len(keys))
	for i, key := range keys {
		list[i] = "s3://" + bucket + "/" + key
	}
	return literals(list)
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
