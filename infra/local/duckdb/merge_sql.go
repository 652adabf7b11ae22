package duckdb

import (
	"fmt"
	"strings"

	"loch/infra/local/parquet"
	"loch/shared/event"
)

// The SQL of a merge. Its tables:
//
//	arrived    the rows of the landing files, each event once, by partition
//	met        rows of the events tier that may be the same events
//	lost       those of met that an arrived row replaces: file and row number
//	new_links  each device's first link in the landing files, duplicates included
//	new_persons  each merged identifier's newest person in them

// Everywhere, kept is the condition under which a row f is not to be removed.

// arrivedTable makes arrived. It is in the order in which it is written, so that
// taking one partition out of it reads little else.
func arrivedTable(landing []string, kept string) string {
	// As for the views, ids alone tell first which few rows have to be sorted.
	return "CREATE OR REPLACE TABLE arrived AS WITH rows AS NOT MATERIALIZED (SELECT * FROM " + numbered(landing) + " f WHERE " + kept + "), " +
		"suspects AS (SELECT insert_id FROM rows GROUP BY insert_id HAVING count(*) > 1), " +
		"again AS (SELECT filename, file_row_number FROM rows WHERE insert_id IN (SELECT insert_id FROM suspects) " +
		"QUALIFY row_number() OVER (PARTITION BY project, " + duplicateKey + " ORDER BY " + newestFirst + ") > 1) " +
		"SELECT " + storedColumns() + " FROM rows r WHERE NOT EXISTS " +
		"(SELECT 1 FROM again a WHERE a.filename = r.filename AND a.file_row_number = r.file_row_number) " +
		"ORDER BY project, date"
}

// metTable makes met out of the files that can hold such rows, as in
// database.duplicates.
func metTable(sameDates, others []string, kept string) string {
	const columns = "project, insert_id, insert_id_source, event, user_id, device_id, time, received_time, request_id, batch_index, " +
		"filename AS file, file_row_number AS row"
	known := "(project, insert_id) IN (SELECT (project, insert_id) FROM arrived) AND " + kept
	var parts []string
	if len(sameDates) > 0 {
		parts = append(parts, "SELECT "+columns+" FROM "+numbered(sameDates)+" f WHERE "+known)
	}
	if len(others) > 0 {
		parts = append(parts, "SELECT "+columns+" FROM "+numbered(others)+" f WHERE "+anyDate+" AND "+known)
	}
	return "CREATE OR REPLACE TABLE met AS " + strings.Join(parts, " UNION ALL ")
}

const emptyLost = "CREATE OR REPLACE TABLE lost(file VARCHAR, row BIGINT)"

// lostTable ranks what arrived together with what was met. A row that arrived
// has no file; its row number is the table's own.
const lostTable = `CREATE OR REPLACE TABLE lost AS SELECT file, row FROM (
	SELECT project, insert_id, insert_id_source, event, user_id, device_id, time, received_time, request_id, batch_index, file, row FROM met
	UNION ALL
	SELECT project, insert_id, insert_id_source, event, user_id, device_id, time, received_time, request_id, batch_index, NULL, rowid FROM arrived
	WHERE (project, insert_id) IN (SELECT (project, insert_id) FROM met)
) QUALIFY row_number() OVER (PARTITION BY project, ` + duplicateKey + ` ORDER BY ` + newestFirst + `) > 1`

// dropArrived takes the rows out of arrived that are older than what is in the
// events tier, which happens when a client's second try overtook its first.
const dropArrived = `DELETE FROM arrived WHERE rowid IN (SELECT row FROM lost WHERE file IS NULL);
	DELETE FROM lost WHERE file IS NULL`

// outColumns are all columns with the types that the lake's files have: times
// are milliseconds there.
func outColumns(columns []event.Column) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = identifier(c.Name)
		if c.Type == event.Time {
			names[i] += "::TIMESTAMP_MS AS " + identifier(c.Name)
		}
	}
	return strings.Join(names, ", ")
}

// copyEvents writes a partition's new file.
func copyEvents(in *incoming, rewrite []string, kept, path string, groupRows int) string {
	columns := storedColumns()
	rows := fmt.Sprintf("SELECT %s FROM arrived WHERE project = %s AND date = %s::DATE", columns, literal(in.project), literal(in.date))
	if len(rewrite) > 0 {
		rows += " UNION ALL SELECT " + columns + " FROM " + numbered(rewrite) +
			" f WHERE NOT EXISTS (SELECT 1 FROM lost WHERE lost.file = f.filename AND lost.row = f.file_row_number) AND " + kept
	}
	return fmt.Sprintf("COPY (SELECT %s FROM (%s) ORDER BY %s) TO %s (%s)",
		outColumns(event.Columns), rows, personOrder, literal(path), fileOptions(groupRows))
}

// personOrder is the order of rows in a file: people with a user's id first, then
// devices, each by time. So the ids in a row group lie close together, and their
// bounds in the footer tell a journey which few groups to read. Were users and
// devices mixed by a common id, the bounds of device_id would span everything,
// since the devices of users are in no order.
const personOrder = "user_id IS NULL, coalesce(user_id, device_id), time, received_time, insert_id"

// fileOptions are how files are written. A column gets a dictionary, and with it a
// Bloom filter, where its values come twice in a row group on average: those that
// name people do, those that are every row's own would only grow by it.
func fileOptions(groupRows int) string {
	return fmt.Sprintf("FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE %d, DICTIONARY_SIZE_LIMIT %d, KV_METADATA {%s: '%d'}",
		groupRows, groupRows/2, literal(parquet.MetaSchemaVersion), event.SchemaVersion)
}

// countGone counts the rows of each file that are to be removed.
func countGone(paths []string, kept string) string {
	return "SELECT filename, count(*) FROM " + numbered(paths) + " f WHERE NOT (" + kept + ") GROUP BY filename"
}

// copyKept writes a file without the rows that are to be removed, in the order that
// it has.
func copyKept(columns, from, kept, to string, groupRows int) string {
	return "COPY (SELECT " + columns + " FROM " + scan([]string{from}) + " f WHERE " + kept + ") TO " + literal(to) +
		" (" + fileOptions(groupRows) + ")"
}
