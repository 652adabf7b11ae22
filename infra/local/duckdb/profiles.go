package duckdb

import (
	"fmt"
	"path"
	"strings"

	"loch/shared/profile"
)

// profileColumns are the columns of the relation profiles. group_key is null for
// people; the rows of groups have their kind in it.
var profileColumns = "project VARCHAR, person_id VARCHAR, group_key VARCHAR, traits JSON, first_seen TIMESTAMP, last_seen TIMESTAMP, updated TIMESTAMP, " +
	strings.Join(profile.SeenTexts, " VARCHAR, ") + " VARCHAR, snapshot_time TIMESTAMP"

// newestProfile says which row of a person counts.
const newestProfile = " QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY snapshot_time DESC) = 1"

// profilesView is the relation profiles: the newest row of each person, unless that
// says that the profile is gone. A full snapshot has everybody once, so its many rows
// need not be sorted: they count where no change names the person.
func profilesView(project string, f files) string {
	var full, changes []string
	for _, file := range f.Profiles {
		if strings.HasPrefix(path.Base(file), "full-") {
			full = append(full, file)
		} else {
			changes = append(changes, file)
		}
	}
	if len(full) > 1 { // as in a copy that was made while one took the other's place
		full, changes = nil, f.Profiles
	}
	var columns []string
	for c := range strings.SplitSeq(profileColumns, ", ") {
		name, kind, _ := strings.Cut(c, " ")
		columns = append(columns, fmt.Sprintf("%s::%s AS %s", name, kind, name))
	}
	shown := "SELECT " + strings.Join(columns, ", ")
	mine := " WHERE project = " + literal(project)
	var parts []string
	if len(full) > 0 {
		rows := shown + " FROM " + scan(full) + " f" + mine + " AND NOT gone"
		if len(changes) > 0 {
			rows += " AND NOT EXISTS (SELECT 1 FROM " + scan(changes) + " c WHERE c.project = " + literal(project) + " AND c.person_id = f.person_id)"
		}
		parts = append(parts, rows)
	}
	if len(changes) > 0 {
		parts = append(parts, shown+" FROM (SELECT * FROM "+scan(changes)+mine+newestProfile+") WHERE NOT gone")
	}
	if len(parts) == 0 {
		return typed(profileColumns)
	}
	return strings.Join(parts, " UNION ALL ")
}
