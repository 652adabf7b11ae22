package duckdb

const linkColumns = "device_id, user_id, received_time, time, batch_index"

// firstOf keeps each device's first link of a query.
func firstOf(query, by string) string {
	return "SELECT * FROM (" + query + ") QUALIFY row_number() OVER (PARTITION BY " + by +
		" ORDER BY received_time, time, batch_index, user_id) = 1"
}

// linksTable makes new_links.
func linksTable(landing []string) string {
	return "CREATE OR REPLACE TABLE new_links AS " + firstOf("SELECT project, "+linkColumns+" FROM "+scan(landing)+
		" WHERE device_id IS NOT NULL AND user_id IS NOT NULL", "project, device_id")
}

// earlierLinks makes the table of those of a project's new links that change
// what is known.
func earlierLinks(project string, known []string) string {
	query := "SELECT " + linkColumns + " FROM new_links n WHERE project = " + literal(project)
	if len(known) > 0 {
		query += " AND NOT EXISTS (SELECT 1 FROM " + scan(known) + " k WHERE k.device_id = n.device_id AND " +
			"(k.received_time, k.time, k.batch_index, k.user_id) <= (n.received_time, n.time, n.batch_index, n.user_id))"
	}
	return "CREATE OR REPLACE TABLE earlier_links AS " + query
}

// copyLinks writes the earlier links, and those of the files that are to be
// replaced with them.
func copyLinks(replaced []string, path string, groupRows int) string {
	query := "SELECT " + linkColumns + " FROM earlier_links"
	if len(replaced) > 0 {
		query = firstOf(query+" UNION ALL SELECT "+linkColumns+" FROM "+scan(replaced), "device_id")
	}
	return "COPY (SELECT device_id, user_id, received_time::TIMESTAMP_MS AS received_time, time::TIMESTAMP_MS AS time, batch_index FROM (" +
		query + ") ORDER BY device_id) TO " + literal(path) + " (" + fileOptions(groupRows) + ")"
}

// personsTable makes new_persons.
func personsTable(landing []string) string {
	return "CREATE OR REPLACE TABLE new_persons AS SELECT project, id, arg_max(person_id, ids) AS person_id, max(ids) AS ids FROM (" +
		mergesIn(landing, "true") + ") GROUP BY project, id"
}

// copyPersons writes a project's new merges, and those of the files that are to be
// replaced with them.
func copyPersons(project string, replaced []string, path string, groupRows int) string {
	query := "SELECT id, person_id, ids FROM new_persons WHERE project = " + literal(project)
	if len(replaced) > 0 {
		query += " UNION ALL SELECT id, person_id, ids FROM " + scan(replaced)
	}
	return "COPY (SELECT id, arg_max(person_id, ids) AS person_id, max(ids) AS ids FROM (" + query + ") GROUP BY id ORDER BY id) TO " +
		literal(path) + " (" + fileOptions(groupRows) + ")"
}
