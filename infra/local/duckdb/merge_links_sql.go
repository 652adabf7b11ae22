package duckdb

const linkColumns = "device_id, user_id, received_time, time, batch_index"

// outLinkColumns are the same with the types that the files have.
const outLinkColumns = "device_id, user_id, received_time::TIMESTAMP_MS AS received_time, time::TIMESTAMP_MS AS time, batch_index"

// personColumns are what a file of merges has: an identifier, its person, and how
// many identifiers the person had then.
const personColumns = "id, person_id, ids"

// linkIDs and personIDs are whom a row f of links or of merges is about: it is to be
// removed with any of them.
var (
	linkIDs   = []string{"f.user_id", "f.device_id"}
	personIDs = []string{"f.person_id", "f.id"}
)

// firstOf keeps each device's first link of a query.
func firstOf(query, by string) string {
	return "SELECT * FROM (" + query + ") QUALIFY row_number() OVER (PARTITION BY " + by +
		" ORDER BY received_time, time, batch_index, user_id) = 1"
}

// linksTable makes new_links.
func linksTable(landing []string, kept string) string {
	return "CREATE OR REPLACE TABLE new_links AS " + firstOf("SELECT project, "+linkColumns+" FROM "+scan(landing)+
		" f WHERE "+linking+" AND "+kept, "project, device_id")
}

// earlierLinks makes the table of those of a project's new links that change
// what is known.
func earlierLinks(project string, known []string, kept string) string {
	query := "SELECT " + linkColumns + " FROM new_links n WHERE project = " + literal(project)
	if len(known) > 0 {
		query += " AND NOT EXISTS (SELECT 1 FROM (SELECT * FROM " + scan(known) + " f WHERE " + kept + ") k WHERE k.device_id = n.device_id AND " +
			"(k.received_time, k.time, k.batch_index, k.user_id) <= (n.received_time, n.time, n.batch_index, n.user_id))"
	}
	return "CREATE OR REPLACE TABLE earlier_links AS " + query
}

// copyLinks writes the earlier links, and those of the files that are to be
// replaced with them.
func copyLinks(replaced []string, kept, path string, groupRows int) string {
	query := "SELECT " + linkColumns + " FROM earlier_links"
	if len(replaced) > 0 {
		query = firstOf(query+" UNION ALL SELECT "+linkColumns+" FROM "+scan(replaced)+" f WHERE "+kept, "device_id")
	}
	return "COPY (SELECT " + outLinkColumns + " FROM (" +
		query + ") ORDER BY device_id) TO " + literal(path) + " (" + fileOptions(groupRows) + ")"
}

// personsTable makes new_persons.
func personsTable(landing []string, kept string) string {
	return "CREATE OR REPLACE TABLE new_persons AS SELECT project, id, arg_max(person_id, ids) AS person_id, max(ids) AS ids FROM (" +
		mergesIn(landing, "true") + ") f WHERE " + kept + " GROUP BY project, id"
}

// copyPersons writes a project's new merges, and those of the files that are to be
// replaced with them.
func copyPersons(project string, replaced []string, kept, path string, groupRows int) string {
	query := "SELECT " + personColumns + " FROM new_persons WHERE project = " + literal(project)
	if len(replaced) > 0 {
		query += " UNION ALL SELECT " + personColumns + " FROM " + scan(replaced) + " f WHERE " + kept
	}
	return "COPY (SELECT id, arg_max(person_id, ids) AS person_id, max(ids) AS ids FROM (" + query + ") GROUP BY id ORDER BY id) TO " +
		literal(path) + " (" + fileOptions(groupRows) + ")"
}
