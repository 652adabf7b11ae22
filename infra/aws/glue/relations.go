package glue

import (
	"slices"
	"strings"

	"loch/shared/profile"
)

// The relations that people's statements read, the same as on one machine.
const (
	Events    = "events"
	EventsRaw = "events_raw"
	Profiles  = "profiles"
	Rejected  = "rejected"
)

// Relations lists them.
var Relations = []string{Events, EventsRaw, Profiles, Rejected}

// PersonColumn is what events has beyond the lake's columns.
const PersonColumn = "person_id"

// Definitions are common table expressions that make relations of one project, to
// stand before a statement that reads them. person says whether events is to have
// the column person_id: to resolve it means to go through all links of a project's
// devices. They are put together from these names of uses; a statement that gives a
// name of its own to one of them cannot be run behind them.
func Definitions(project string, uses map[string]bool, person bool) []string {
	var w with
	if uses[Events] || uses[EventsRaw] {
		w.gone(project)
		w.rows(project)
	}
	if uses[Events] {
		w.once()
		if person {
			w.people(project)
		}
		w.add(Events, events(person))
	}
	if uses[EventsRaw] {
		w.add(EventsRaw, "SELECT "+columnList("r.")+" FROM loch_rows r")
	}
	if uses[Profiles] {
		w.add(Profiles, profiles(project))
	}
	if uses[Rejected] {
		w.add(Rejected, rejected(project))
	}
	return w
}

// View is the query of a relation's view, over all projects. A statement that reads
// events by it has to say WHERE project = '…'.
func View(relation string) string {
	var w with
	switch relation {
	case Events:
		w.gone("")
		w.rows("")
		w.once()
		w.people("")
		return "WITH " + w.String() + " " + events(true)
	case EventsRaw:
		w.gone("")
		w.rows("")
		return "WITH " + w.String() + " SELECT " + columnList("r.") + " FROM loch_rows r"
	case Profiles:
		return profiles("")
	default:
		return rejected("")
	}
}

func events(person bool) string {
	if !person {
		return "SELECT " + columnList("e.") + " FROM loch_once e"
	}
	const id = "coalesce(e.user_id, l.user_id, e.device_id)"
	return "SELECT " + columnList("e.") + ", coalesce(p.person_id, " + id + ") AS " + PersonColumn + " FROM loch_once e" +
		" LEFT JOIN loch_links l ON l.project = e.project AND l.device_id = e.device_id" +
		" LEFT JOIN loch_persons p ON p.project = e.project AND p.id = " + id
}

// profiles is the newest row of each person, unless that says that the profile is
// gone.
func profiles(project string) string {
	return "SELECT project, person_id, group_key, traits, first_seen, last_seen, updated, " +
		strings.Join(profile.SeenTexts, ", ") + ", snapshot_time FROM (SELECT s.*, row_number() OVER (PARTITION BY project, person_id ORDER BY snapshot_time DESC) AS nth FROM " +
		Snapshots + " s" + where(scope(project, "s.")) + ") WHERE nth = 1 AND NOT gone"
}

// rejected is reasons and counts, never what was rejected. What the stream brought
// twice is shown once. Rows without a reason only count their parcel.
func rejected(project string) string {
	return "SELECT DISTINCT " + strings.Join(rejectedShown, ", ") + " FROM " +
		RejectedInput + where("reason IS NOT NULL", scope(project, ""))
}

// Columns are a relation's columns, with Hive's names of their types.
func Columns(relation string) []Column {
	switch relation {
	case Events:
		return append(eventColumns(), Column{PersonColumn, "string"})
	case EventsRaw:
		return eventColumns()
	case Profiles:
		return slices.DeleteFunc(snapshotColumns(), func(c Column) bool { return c.Name == "gone" })
	}
	var list []Column
	for _, name := range rejectedShown {
		i := slices.IndexFunc(rejectedColumns(), func(c Column) bool { return c.Name == name })
		list = append(list, rejectedColumns()[i])
	}
	return list
}

// rejectedShown are the columns of the relation rejected.
var rejectedShown = []string{"project", "received_time", "protocol", "reason", "field", "request_id", "batch_index", "payload_bytes"}
