package glue

import (
	"strings"

	"loch/shared/event"
)

// The relation events, as common table expressions that build on each other:
//
//	loch_gone     lake ids whose rows are not shown
//	loch_rows     all rows of both tiers that are shown, with the key of their event
//	loch_fresh    of those that landed the newest of each event
//	loch_late     of these the ones that were compacted already, as new or newer
//	loch_once     each event once
//	loch_links    each device's first user
//	loch_persons  each merged identifier's person
//
// Within the compacted tier no event occurs twice: compaction sees to that. So only
// what landed, little, is sorted; compacted rows are looked up in it as they pass,
// and conditions on the date reach the files.

// key is what makes two rows the same event. A missing value is ”, which no row
// has: the lake keeps empty texts as null.
var key = []string{"project", "insert_id", "insert_id_source", "k_event", "k_sender", "k_time"}

const keyColumns = `CASE WHEN r.insert_id_source <> 'hash' THEN r.event ELSE '' END AS k_event, ` +
	`CASE WHEN r.insert_id_source <> 'hash' THEN coalesce(r.user_id, r.device_id, '') ELSE '' END AS k_sender, ` +
	`CASE WHEN r.insert_id_source = 'client' THEN r.time ELSE TIMESTAMP '1970-01-01 00:00:00.000' END AS k_time`

// sameEvent joins by the key.
func sameEvent(a, b string) string {
	equal := make([]string, len(key))
	for i, k := range key {
		equal[i] = a + "." + k + " = " + b + "." + k
	}
	return strings.Join(equal, " AND ")
}

// age orders the rows of one event: the newest received wins. Request and place in
// it settle the rest, so that every reader and every compaction chooses the same.
func age(of string) string {
	return "ROW(" + of + ".received_time, " + of + ".request_id, " + of + ".batch_index)"
}

const newestFirst = "received_time DESC, request_id DESC, batch_index DESC"

// with is a list of common table expressions.
type with []string

func (w *with) add(name, query string) { *w = append(*w, name+" AS ("+query+")") }

func (w *with) String() string { return strings.Join(*w, ", ") }

// scope cuts rows down to one project, or to none in particular.
func scope(project, alias string) string {
	if project == "" {
		return ""
	}
	return alias + "project = " + Literal(project)
}

// kept is the condition under which a row stays whose owner is the given id.
func kept(row, id string) string {
	return "NOT EXISTS (SELECT 1 FROM loch_gone g WHERE g.project = " + row + ".project AND g.id = " + id + ")"
}

func (w *with) gone(project string) {
	w.add("loch_gone", "SELECT DISTINCT o.project, t.id FROM "+Removals+" o CROSS JOIN UNNEST(o.ids) AS t (id)"+where(scope(project, "o.")))
}

// identity is the condition under which an event row r says who is who.
var identity = "r.kind IN (" + literals([]string{string(event.KindIdentify), string(event.KindAlias)}) + ")"

// KeptEvent is the condition under which an event row r stays, with the ids of those
// who are to be removed in the table gone. A row of an identity call goes with
// everybody whom it names, whoever sent it: lake ids are random, so each is its
// person's wherever it stands. CASE has the texts of no other rows looked through.
func KeptEvent(gone string) string {
	return "NOT EXISTS (SELECT 1 FROM " + gone + " g WHERE g.project = r.project AND g.id = " + owner + ")" +
		" AND NOT coalesce(CASE WHEN " + identity + " THEN arrays_overlap(regexp_extract_all(" +
		"concat(r.properties, ' ', coalesce(r.context, '')), '[0-9a-f]{32}'), (SELECT array_agg(id) FROM " + gone + ")) END, false)"
}

// owner is whose row a row is: its user's, or else its device's. So what somebody
// else did on the same device stays.
const owner = "coalesce(r.user_id, r.device_id)"

// rows reads the view Rows, the only place that does: one statement sees one
// manifest.
func (w *with) rows(project string) {
	w.add("loch_lake", "SELECT * FROM "+Rows+where(scope(project, "")))
	w.add("loch_rows", "SELECT r.*, "+keyColumns+" FROM loch_lake r"+where(KeptEvent("loch_gone")))
}

// once adds loch_once.
func (w *with) once() {
	w.add("loch_fresh", "SELECT * FROM (SELECT f.*, row_number() OVER (PARTITION BY "+strings.Join(key, ", ")+" ORDER BY "+newestFirst+
		") AS nth FROM loch_rows f WHERE f.tier = 'landing') WHERE nth = 1")
	// Where the time belongs to the key, so does the date, by which few files are
	// opened. The other rows of one event may have different dates.
	late := "SELECT f." + strings.Join(key, ", f.") + " FROM loch_rows c JOIN loch_fresh f ON " + sameEvent("c", "f") + " AND %s" +
		" WHERE c.tier <> 'landing' AND " + age("c") + " >= " + age("f")
	w.add("loch_late", strings.Replace(late, "%s", "c.date = f.date AND c.insert_id_source = 'client'", 1)+
		" UNION ALL "+strings.Replace(late, "%s", "c.insert_id_source <> 'client'", 1))
	w.add("loch_once", "SELECT "+columnList("c.")+" FROM loch_rows c LEFT JOIN loch_fresh f ON "+sameEvent("c", "f")+
		" AND "+age("f")+" > "+age("c")+" WHERE c.tier = 'compacted' AND f.insert_id IS NULL"+
		" UNION ALL SELECT "+columnList("f.")+" FROM loch_fresh f LEFT JOIN loch_late o ON "+sameEvent("f", "o")+" WHERE o.insert_id IS NULL")
}

// linkOrder says which of a device's links was first.
const linkOrder = "ROW(received_time, time, batch_index, user_id)"

// Linking is the condition under which an event row r links its device to its user:
// it has both, and does not say that the device was another user's.
var Linking = "r.device_id IS NOT NULL AND r.user_id IS NOT NULL AND NOT contains(split(coalesce(r.flags, ''), ','), " +
	Literal(event.FlagNotLinked) + ")"

// people adds loch_links and loch_persons: what compaction has kept, and what is in
// the rows that landed since. It keeps only one row of an event, which may not be
// the first, so its rows do not do.
func (w *with) people(project string) {
	const columns = "r.project, r.device_id, r.user_id, r.received_time, r.time, r.batch_index"
	notGone := kept("r", "r.device_id") + " AND " + kept("r", "r.user_id")
	w.add("loch_links", "SELECT project, device_id, min_by(user_id, "+linkOrder+") AS user_id FROM ("+
		"SELECT "+columns+" FROM "+Links+" r"+where(scope(project, "r."), "r.device_id IS NOT NULL", notGone)+
		" UNION ALL SELECT "+columns+" FROM loch_lake r"+where("r.tier = 'landing'", Linking, notGone)+
		") GROUP BY project, device_id")
	w.add("loch_merges", Merges("loch_lake r WHERE r.tier = 'landing'"))
	notGone = kept("r", "r.id") + " AND " + kept("r", "r.person_id")
	const merged = "r.project, r.id, r.person_id, r.ids"
	w.add("loch_persons", "SELECT project, id, max_by(person_id, ids) AS person_id FROM ("+
		"SELECT "+merged+" FROM "+Links+" r"+where(scope(project, "r."), "r.id IS NOT NULL", notGone)+
		" UNION ALL SELECT "+merged+" FROM loch_merges r"+where(notGone)+") GROUP BY project, id")
}

// Merges is a query of the merges in event rows r (from ends in a WHERE), one row for
// each identifier: project, id, person_id, and how many ids the person has. Each row
// of a merge names every identifier of its person, so nothing has to be followed
// from one to the next.
func Merges(from string) string {
	const member = "'$." + event.MergedMember + "."
	return "SELECT m.project, t.id, m.person_id, cardinality(m.list) AS ids FROM (SELECT r.project, " +
		"json_extract_scalar(r.context, " + member + "person') AS person_id, " +
		"CAST(json_extract(r.context, " + member + "ids') AS array(varchar)) AS list FROM " + from +
		" AND " + identity +
		" AND contains(split(r.flags, ','), " + Literal(event.FlagMerged) + ")) m CROSS JOIN UNNEST(m.list) AS t (id)"
}
