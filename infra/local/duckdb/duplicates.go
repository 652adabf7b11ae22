package duckdb

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// dropTable holds the rows that the relation events leaves out: file and number
// of each row that is not the newest of its event.
const dropTable = "duplicate_rows"

// dropCache remembers what dropTable holds. Files never change, so the same
// files give the same duplicates.
type dropCache struct {
	key   string
	files []string
}

// duplicates finds the rows that events leaves out, fills dropTable with them,
// and returns the files they are in.
//
// The events tier holds no event twice. So only rows that are not compacted yet
// have to be compared: among themselves, and with those rows of the events tier
// that could be the same event. Where the client chose the id, that are the
// rows of the same dates, since an event's time belongs to its key. Where no time
// does, an event's may be that of arrival, which differs from one try to the next;
// so those are looked for in all of the project.
//
// Rows that are to be removed count for nothing here: one of them must not be what
// another is left out for.
//
// Usually nothing is found, and the view need not look at rows at all.
func (db *database) duplicates(ctx context.Context, project string, f files) ([]string, error) {
	if len(f.Fresh) == 0 {
		return nil, nil
	}
	key := project + "\x00" + strings.Join(f.Fresh, "\x00") + "\x00\x00" + strings.Join(paths(f.Compacted), "\x00") +
		"\x00\x00" + strings.Join(f.Removed, "\x00")
	if db.dropped.key == key {
		return db.dropped.files, nil
	}
	db.dropped = dropCache{}
	sameDates, others, err := db.comparable(ctx, project, f)
	if err != nil {
		return nil, err
	}
	if _, err := db.conn.ExecContext(ctx, "CREATE OR REPLACE TEMP TABLE "+dropTable+" AS "+
		duplicateRows(project, f, sameDates, others)); err != nil {
		return nil, err
	}
	rows, err := db.rows(ctx, "SELECT DISTINCT file FROM "+dropTable)
	if err != nil {
		return nil, err
	}
	found := make([]string, len(rows))
	for i, row := range rows {
		found[i] = fmt.Sprint(row[0])
	}
	slices.Sort(found)
	db.dropped = dropCache{key: key, files: found}
	return found, nil
}

// comparable says which compacted files may hold an event that is also among
// the fresh rows: those of the same dates, and those in which only undated rows need
// to be looked at.
func (db *database) comparable(ctx context.Context, project string, f files) (sameDates, others []string, err error) {
	rows, err := db.rows(ctx, "SELECT DISTINCT date::VARCHAR, "+anyDate+" FROM "+scan(f.Fresh)+
		" WHERE project = "+literal(project))
	if err != nil {
		return nil, nil, err
	}
	dates, undatedToo := map[string]bool{}, false
	for _, row := range rows {
		dates[fmt.Sprint(row[0])] = true
		undatedToo = undatedToo || row[1] == true
	}
	for _, c := range f.Compacted {
		switch {
		case dates[c.Date]:
			sameDates = append(sameDates, c.Path)
		case undatedToo:
			others = append(others, c.Path)
		}
	}
	return sameDates, others, nil
}

// duplicateRows is a query of the rows that are not the newest of their event.
func duplicateRows(project string, f files, sameDates, others []string) string {
	kept := f.gone(project).keptEventsOf(project)
	const columns = "filename, file_row_number, event, user_id, device_id, time, insert_id, insert_id_source, received_time, request_id, batch_index"
	var b strings.Builder
	fmt.Fprintf(&b, "WITH fresh AS MATERIALIZED (SELECT insert_id FROM %s WHERE project = %s), ", scan(f.Fresh), literal(project))
	fmt.Fprintf(&b, "rows AS NOT MATERIALIZED (SELECT %s FROM %s f WHERE project = %s AND %s", columns, numbered(f.Fresh), literal(project), kept)
	if len(sameDates) > 0 {
		fmt.Fprintf(&b, " UNION ALL SELECT %s FROM %s f WHERE insert_id IN (SELECT insert_id FROM fresh) AND %s", columns, numbered(sameDates), kept)
	}
	if len(others) > 0 {
		fmt.Fprintf(&b, " UNION ALL SELECT %s FROM %s f WHERE "+anyDate+" AND insert_id IN (SELECT insert_id FROM fresh) AND %s",
			columns, numbered(others), kept)
	}
	// Ids alone say cheaply which rows are worth sorting: nearly none.
	fmt.Fprintf(&b, "), suspects AS (SELECT insert_id FROM rows GROUP BY insert_id HAVING count(*) > 1) ")
	fmt.Fprintf(&b, "SELECT filename AS file, file_row_number AS row FROM rows WHERE insert_id IN (SELECT insert_id FROM suspects) "+
		"QUALIFY row_number() OVER (PARTITION BY %s ORDER BY %s) > 1", duplicateKey, newestFirst)
	return b.String()
}
