package duckdb

import (
	"context"
	"strings"

	"loch/shared/event"
)

// files are what the relations of one project are made of at one moment.
type files struct {
	// Fresh are event rows as they arrived, of all projects: the landing tier,
	// and the log. One event may occur in it more than once.
	Fresh []string `json:"fresh"`

	// Compacted are the project's files of the events tier, within which no
	// event occurs twice.
	Compacted []compactedFile `json:"compacted"`

	Links    []string `json:"links"`    // the project's: devices and their users
	Persons  []string `json:"persons"`  // the project's: merged identifiers and their persons
	Rejected []string `json:"rejected"` // of all projects
	Profiles []string `json:"profiles"` // of all projects

	// Summaries are the project's: what its compacted files hold.
	Summaries []string `json:"summaries,omitempty"`

	// Removed are the lake ids of the project whose rows are not shown. Swept says
	// that no compacted file holds any of those.
	Removed []string `json:"removed,omitempty"`
	Swept   bool     `json:"swept,omitempty"`
}

// compactedFile is a file of the events tier, with the date that its path says
// all its rows have.
type compactedFile struct {
	Path string `json:"path"`
	Date string `json:"date"`
}

func paths(list []compactedFile) []string {
	all := make([]string, len(list))
	for i, f := range list {
		all[i] = f.Path
	}
	return all
}

// makeViews makes the relations that a statement uses. They are of this
// connection alone and replaced by the next statement's.
func (db *database) makeViews(ctx context.Context, q *question, st *statement) error {
	if err := db.learnRemoved(ctx, q); err != nil {
		return place{folders: db.folders()}.fault(ctx, err)
	}
	for _, name := range relations {
		if !st.uses[name] {
			// What an earlier statement left must not be reached by any name.
			if _, err := db.conn.ExecContext(ctx, "DROP VIEW IF EXISTS temp."+name); err != nil {
				return place{folders: db.folders()}.fault(ctx, err)
			}
			continue
		}
		query, err := db.relation(ctx, q, st, name)
		if err == nil {
			_, err = db.conn.ExecContext(ctx, "CREATE OR REPLACE TEMP VIEW "+name+" AS "+query)
		}
		if err != nil {
			return place{folders: db.folders()}.fault(ctx, err)
		}
	}
	return nil
}

func (db *database) relation(ctx context.Context, q *question, st *statement, name string) (string, error) {
	switch name {
	case "events":
		dropped, err := db.duplicates(ctx, q.Project, q.Files)
		if err != nil {
			return "", err
		}
		return eventsView(q.Project, q.Files, dropped, mayNamePerson(st.body, st.tree)), nil
	case "events_raw":
		return "SELECT " + shownColumns("e") + " FROM (" + eventRows(q.Project, q.Files, nil) + ") e", nil
	case "profiles":
		return profilesView(q.Project, q.Files), nil
	default:
		return rejectedView(q.Project, q.Files.Rejected), nil
	}
}

// eventsView is the relation events: each event once, with the person if the
// statement may ask for it.
func eventsView(project string, f files, dropped []string, person bool) string {
	rows := eventRows(project, f, dropped)
	if !person {
		return "SELECT " + shownColumns("e") + " FROM (" + rows + ") e"
	}
	links, merges := linkRows(project, f), mergeRows(project, f)
	from, id := "("+rows+") e", "coalesce(e.user_id, e.device_id)"
	if links != "" {
		from += " LEFT JOIN (" + firstLinks(links) + ") l ON l.device_id = e.device_id"
		id = "coalesce(e.user_id, l.user_id, e.device_id)"
	}
	who := id
	if merges != "" {
		from += " LEFT JOIN (" + newestPersons(merges) + ") m ON m.id = " + id
		who = "coalesce(m.person_id, " + id + ")"
	}
	return "SELECT " + shownColumns("e") + ", " + who + " AS " + personColumn + " FROM " + from
}

// firstLinks is each device's first link out of a query of links.
func firstLinks(links string) string {
	return "SELECT device_id, arg_min(user_id, " + linkOrder + ") AS user_id FROM (" + links + ") GROUP BY device_id"
}

// linkRows is a query of all the rows that link a device of the project to a
// user, or "" if there can be none. Those that compaction has seen are in files
// of their own, because it keeps only one of an event's rows, and that may not
// be the one that was first.
func linkRows(project string, f files) string {
	const columns = "device_id, user_id, received_time, time, batch_index"
	kept := f.gone(project).keptOf(project, linkIDs...)
	var parts []string
	if len(f.Links) > 0 {
		query := "SELECT " + columns + " FROM " + scan(f.Links) + " f"
		if !f.Swept {
			query += " WHERE " + kept
		}
		parts = append(parts, query)
	}
	if len(f.Fresh) > 0 {
		parts = append(parts, "SELECT "+columns+" FROM "+scan(f.Fresh)+" f"+
			" WHERE project = "+literal(project)+" AND "+linking+" AND "+kept)
	}
	return strings.Join(parts, " UNION ALL ")
}

// newestPersons is each merged identifier's person out of a query of merges. A
// person only ever gains identifiers, so the merge with the most is the newest.
func newestPersons(merges string) string {
	return "SELECT id, arg_max(person_id, ids) AS person_id FROM (" + merges + ") GROUP BY id"
}

// mergeRows is a query of all that says which identifiers are one person because
// a website merged them, or "" if there can be nothing. Each row of a merge names
// every identifier of its person, so nothing has to be followed from one to the
// next. What compaction has seen is in files of its own, as for links.
func mergeRows(project string, f files) string {
	kept := f.gone(project).keptOf(project, personIDs...)
	var parts []string
	if len(f.Persons) > 0 {
		query := "SELECT " + personColumns + " FROM " + scan(f.Persons) + " f"
		if !f.Swept {
			query += " WHERE " + kept
		}
		parts = append(parts, query)
	}
	if len(f.Fresh) > 0 {
		parts = append(parts, "SELECT "+personColumns+" FROM ("+mergesIn(f.Fresh, "project = "+literal(project))+") f WHERE "+kept)
	}
	return strings.Join(parts, " UNION ALL ")
}

// mergesIn is a query of the merges in event rows, one row for each identifier:
// project, id, person_id, and how many ids the person has.
func mergesIn(paths []string, condition string) string {
	const merged = "'$." + event.MergedMember + "."
	return "SELECT project, unnest(list) AS id, person_id, len(list) AS ids FROM (SELECT project, context->>" + merged + "person' AS person_id, " +
		"(context->" + merged + "ids')::VARCHAR[] AS list FROM " + scan(paths) + " f WHERE " + identity +
		" AND list_contains(string_split(flags, ','), " + literal(event.FlagMerged) + ") AND " + condition + ")"
}

// eventRows is a query of the project's event rows, without those that are to be
// removed and those in the table of duplicates. dropped are the files that such
// rows are in; the others need
// not be looked at row by row.
func eventRows(project string, f files, dropped []string) string {
	dirty := map[string]bool{}
	for _, path := range dropped {
		dirty[path] = true
	}
	var compacted, fresh []string
	for _, c := range f.Compacted {
		if !dirty[c.Path] {
			compacted = append(compacted, c.Path)
		}
	}
	for _, path := range f.Fresh {
		if !dirty[path] {
			fresh = append(fresh, path)
		}
	}
	columns := storedColumns()
	kept := f.gone(project).keptEventsOf(project)
	var parts []string
	if len(compacted) > 0 {
		query := "SELECT " + columns + " FROM " + partitioned(compacted) + " f"
		if !f.Swept {
			query += " WHERE " + kept
		}
		parts = append(parts, query)
	}
	if len(fresh) > 0 {
		parts = append(parts, "SELECT "+columns+" FROM "+scan(fresh)+" f WHERE project = "+literal(project)+" AND "+kept)
	}
	if len(dropped) > 0 {
		parts = append(parts, "SELECT "+columns+" FROM "+numbered(dropped)+" f WHERE project = "+literal(project)+" AND "+kept+
			" AND NOT EXISTS (SELECT 1 FROM "+dropTable+" d WHERE d.file = f.filename AND d.row = f.file_row_number)")
	}
	if len(parts) == 0 {
		return noEvents()
	}
	return strings.Join(parts, " UNION ALL ")
}

// scan reads files. Hive partitioning is off: what the path says stands in
// the rows as well, and a data folder may have any name.
func scan(paths []string) string {
	return "read_parquet(" + list(paths) + ", hive_partitioning = false)"
}

// partitioned reads files of the events tier, and has DuckDB open only those
// whose dates a statement asks for. It takes the dates from "date=" in the
// paths, and so must not find any other "=" in them.
func partitioned(paths []string) string {
	above, _, _ := strings.Cut(paths[0], "/events/project=")
	if strings.Contains(above, "=") {
		return scan(paths)
	}
	return "read_parquet(" + list(paths) + ", hive_partitioning = true, hive_types = {'project': VARCHAR, 'date': DATE})"
}

// numbered reads files and says which row of which file each is.
func numbered(paths []string) string {
	return "read_parquet(" + list(paths) + ", hive_partitioning = false, filename = true, file_row_number = true)"
}

// rejectedView is the relation rejected: reasons and counts, never what was
// rejected.
func rejectedView(project string, paths []string) string {
	const columns = "project, received_time, protocol, reason, field, request_id, batch_index, payload_bytes"
	if len(paths) == 0 {
		return typed("project VARCHAR, received_time TIMESTAMP, protocol VARCHAR, reason VARCHAR, field VARCHAR, " +
			"request_id VARCHAR, batch_index BIGINT, payload_bytes BIGINT")
	}
	return "SELECT " + columns + " FROM " + scan(paths) + " WHERE project = " + literal(project)
}

// typed is a query without rows, with columns "name TYPE, …".
func typed(columns string) string {
	var parts []string
	for c := range strings.SplitSeq(columns, ", ") {
		name, kind, _ := strings.Cut(c, " ")
		parts = append(parts, "NULL::"+kind+" AS "+name)
	}
	return "SELECT " + strings.Join(parts, ", ") + " WHERE false"
}
