package duckdb

import (
	"strings"

	"loch/shared/event"
)

// sqlType is a column's type as a statement sees it.
func sqlType(t event.Type) string {
	switch t {
	case event.Text:
		return "VARCHAR"
	case event.JSON:
		return "JSON"
	case event.Int:
		return "BIGINT"
	case event.Float:
		return "DOUBLE"
	case event.Bool:
		return "BOOLEAN"
	case event.Time:
		return "TIMESTAMP"
	case event.Date:
		return "DATE"
	}
	panic("a column type without a DuckDB type")
}

// storedType is a column's type in a Parquet file, where JSON is a text.
func storedType(t event.Type) string {
	if t == event.JSON {
		t = event.Text
	}
	return sqlType(t)
}

// storedColumns are the names of all columns, to select them from files.
func storedColumns() string {
	names := make([]string, len(event.Columns))
	for i, c := range event.Columns {
		names[i] = identifier(c.Name)
	}
	return strings.Join(names, ", ")
}

// shownColumns select all columns of from with the types that statements see.
func shownColumns(from string) string {
	names := make([]string, len(event.Columns))
	for i, c := range event.Columns {
		names[i] = from + "." + identifier(c.Name)
		if c.Type == event.JSON {
			names[i] += "::JSON AS " + identifier(c.Name)
		}
	}
	return strings.Join(names, ", ")
}

// noEvents is a query with all stored columns and no rows.
func noEvents() string {
	names := make([]string, len(event.Columns))
	for i, c := range event.Columns {
		names[i] = "NULL::" + storedType(c.Type) + " AS " + identifier(c.Name)
	}
	return "SELECT " + strings.Join(names, ", ") + " WHERE false"
}

// duplicateKey are the expressions by which two event rows of a project are the
// same event: an id that the client chose counts together with name and sender,
// and with the time where that is the client's too; a hash by itself.
const duplicateKey = `insert_id, insert_id_source,
	CASE WHEN insert_id_source <> 'hash' THEN event END,
	CASE WHEN insert_id_source <> 'hash' THEN coalesce(user_id, device_id) END,
	CASE WHEN insert_id_source = 'client' THEN time END`

// anyDate is the condition under which two rows of one event may have different
// dates: no time is part of their key, and theirs may be that of arrival.
const anyDate = `insert_id_source <> 'client'`

// newestFirst orders rows of one event: the newest received wins. Request and
// place in it settle the rest, so that every reader and every compaction
// chooses the same.
const newestFirst = `received_time DESC, request_id DESC, batch_index DESC`

// linking is which rows f link their device to their user. Where several do, they were
// sent again, or written before rows said which does not (event.FlagNotLinked).
var linking = `f.device_id IS NOT NULL AND f.user_id IS NOT NULL AND NOT list_contains(string_split(coalesce(f.flags, ''), ','), ` +
	literal(event.FlagNotLinked) + `)`

// linkOrder is what says which of a device's links was first.
const linkOrder = `{'r': received_time, 't': time, 'b': batch_index, 'u': user_id}`
