package glue

import (
	"slices"
	"strings"

	"loch/shared/manifest"
)

// The statements of compaction. Each reads files that it names, so it does the same
// whatever else arrives, and a project's at a time: the compacted tables are found
// by their project's name.

// Source is what a compaction reads of a project.
type Source struct {
	Bucket   string
	Project  string
	Landing  []string // keys of landing files
	Rewrite  []string // keys of compacted files that are written anew
	Links    []string // keys of links files that are
	Told     []string // keys of files of summaries that are
	Manifest *manifest.Manifest
}

// Projects asks which projects have rows in landing files: one column, of text.
func Projects(bucket string, landing []string) string {
	return "SELECT DISTINCT project FROM " + Landing + where(inLanding(bucket, landing))
}

// inLanding names landing files, and the hours that they lie in.
func inLanding(bucket string, keys []string) string {
	return partitions("dt", "DATE ", keys) + " AND " + partitions("hour", "", keys) + ` AND "$path" IN (` + paths(bucket, keys) + ")"
}

// partitions is the condition on a partition's column that follows from the paths of
// files.
func partitions(column, kind string, keys []string) string {
	var values []string
	for _, key := range keys {
		values = append(values, kind+Literal(manifest.Part(key, column)))
	}
	slices.Sort(values)
	return column + " IN (" + strings.Join(slices.Compact(values), ", ") + ")"
}

// rows adds loch_rows: the rows of the source that stay, each with its event's key.
func (s *Source) rows(w *with) {
	w.gone(s.Project)
	var parts []string
	if len(s.Landing) > 0 {
		parts = append(parts, "SELECT "+columnList("")+" FROM "+Landing+where(inLanding(s.Bucket, s.Landing), scope(s.Project, "")))
	}
	if len(s.Rewrite) > 0 {
		parts = append(parts, "SELECT "+columnList("")+" FROM "+Compacted+where(
			scope(s.Project, ""), partitions("date", "DATE ", s.Rewrite), `"$path" IN (`+paths(s.Bucket, s.Rewrite)+")"))
	}
	w.add("loch_lake", strings.Join(parts, " UNION ALL "))
	w.add("loch_rows", "SELECT r.*, "+keyColumns+" FROM loch_lake r"+where(KeptEvent("loch_gone")))
}

// Dates asks which dates the rows that arrive have: one column, of text.
func (s *Source) Dates() string {
	var w with
	s.rows(&w)
	return "WITH " + w.String() + " SELECT DISTINCT CAST(date AS varchar) AS date FROM loch_rows"
}

// Overlapping asks which compacted files hold an event that arrives once more: one
// column, of paths.
func (s *Source) Overlapping() string {
	var w with
	s.rows(&w)
	w.add("loch_compacted", `SELECT r."$path" AS path, r.*, `+keyColumns+" FROM "+Compacted+" r"+where(scope(s.Project, "r."), compacted(s.Manifest, s.Bucket)))
	pair := "SELECT c.path FROM loch_compacted c JOIN loch_rows f ON " + sameEvent("c", "f") + " AND "
	return "WITH " + w.String() + " SELECT DISTINCT path FROM (" + pair + "c.date = f.date AND c.insert_id_source = 'client'" +
		" UNION ALL " + pair + "c.insert_id_source <> 'client')"
}

// Suspects asks which compacted files hold rows that are to be removed, and which
// files of links: one column, of paths.
func (s *Source) Suspects() string {
	var w with
	w.gone(s.Project)
	query := "SELECT DISTINCT path FROM (SELECT r.\"$path\" AS path FROM " + Links + " r" + where(scope(s.Project, "r."), "NOT ("+keptLink+")")
	if s.Manifest.Last != "" {
		query += " UNION ALL SELECT r.\"$path\" FROM " + Compacted + " r" + where(
			scope(s.Project, "r."), compacted(s.Manifest, s.Bucket), "NOT ("+KeptEvent("loch_gone")+")")
	}
	return "WITH " + w.String() + " " + query + ")"
}

// keptLink is the condition under which a row of links stays.
var keptLink = kept("r", "r.device_id") + " AND " + kept("r", "r.user_id") + " AND " + kept("r", "r.id") + " AND " + kept("r", "r.person_id")

// Write writes the source's rows of some dates, each event once, where a compaction
// stages them.
func (s *Source) Write(commit int64, dates []string) string {
	var w with
	s.rows(&w)
	w.add("loch_ranked", "SELECT r.*, row_number() OVER (PARTITION BY "+strings.Join(key, ", ")+" ORDER BY "+newestFirst+") AS nth FROM loch_rows r")
	list := make([]string, len(dates))
	for i, d := range dates {
		list[i] = "DATE " + Literal(d)
	}
	var names []string
	for _, c := range eventColumns("project", "date") {
		names = append(names, Name(c.Name))
	}
	columns := strings.Join(names, ", ")
	return "INSERT INTO " + Staging + " (" + columns + ", commit_id, project, date) WITH " + w.String() + " SELECT " + columns + ", " +
		Literal(manifest.ID(commit)) + ", project, date FROM loch_ranked WHERE nth = 1 AND date IN (" + strings.Join(list, ", ") + ")"
}

// WriteLinks writes what the landing files say of who is whom, and the files of links
// that are written anew, where a compaction stages them.
func (s *Source) WriteLinks(commit int64) string {
	var w with
	w.gone(s.Project)
	landing := "SELECT " + columnList("") + " FROM " + Landing + " WHERE false"
	if len(s.Landing) > 0 {
		landing = "SELECT " + columnList("") + " FROM " + Landing + where(inLanding(s.Bucket, s.Landing), scope(s.Project, ""))
	}
	w.add("loch_lake", landing)
	links := "SELECT * FROM " + Links + " WHERE " + scope(s.Project, "")
	if len(s.Links) > 0 {
		links += ` AND "$path" IN (` + paths(s.Bucket, s.Links) + ")"
	} else {
		links += " AND false"
	}
	w.add("loch_old", links)
	w.add("loch_merges", Merges("loch_lake r WHERE true"))
	const first = "row_number() OVER (PARTITION BY r.device_id ORDER BY r.received_time, r.time, r.batch_index, r.user_id) AS nth"
	const columns = "r.project, r.device_id, r.user_id, r.received_time, r.time, r.batch_index"
	w.add("loch_devices", "SELECT r.*, "+first+" FROM (SELECT "+columns+" FROM loch_lake r WHERE "+Linking+
		" UNION ALL SELECT "+columns+" FROM loch_old r WHERE r.device_id IS NOT NULL) r"+where(kept("r", "r.device_id"), kept("r", "r.user_id")))
	w.add("loch_people", "SELECT r.project, r.id, max_by(r.person_id, r.ids) AS person_id, max(r.ids) AS ids FROM (SELECT project, id, person_id, ids FROM loch_merges"+
		" UNION ALL SELECT project, id, person_id, ids FROM loch_old r WHERE r.id IS NOT NULL) r"+where(kept("r", "r.id"), kept("r", "r.person_id"))+" GROUP BY r.project, r.id")
	id := Literal(manifest.ID(commit))
	return "INSERT INTO " + StagingLinks + " (device_id, user_id, received_time, time, batch_index, id, person_id, ids, commit_id, project) WITH " + w.String() +
		" SELECT device_id, user_id, received_time, time, batch_index, CAST(NULL AS varchar), CAST(NULL AS varchar), CAST(NULL AS bigint), " + id + ", project" +
		" FROM loch_devices WHERE nth = 1 UNION ALL SELECT CAST(NULL AS varchar), CAST(NULL AS varchar), CAST(NULL AS timestamp), CAST(NULL AS timestamp)," +
		" CAST(NULL AS bigint), id, person_id, ids, " + id + ", project FROM loch_people"
}
