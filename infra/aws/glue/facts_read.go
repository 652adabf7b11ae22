package glue

import (
	"fmt"
	"strings"

	"loch/shared/manifest"
	"loch/shared/schema"
)

// FactsOf is a query of the facts of a project, or of one event of it, at the moment
// that a manifest is of: those in summaries, those of the rows that no summary tells,
// and off them those of rows in summarised files that are not shown, because they are
// older ones of events that came again or, if anybody's rows are still to be removed,
// because of that. Its columns are FactsShown.
func (s *Source) FactsOf(name string, removing bool) string {
	var w with
	w.gone(s.Project)
	w.add(Rows, rowsView(s.Manifest, s.Bucket, true))
	w.rows(s.Project)
	w.once()
	rows := []string{"SELECT " + factRow("''", 1) + " FROM loch_once r"}
	if s.Manifest.Summarised > 0 && s.Manifest.Last != "" {
		again := "SELECT " + factRow("''", -1) + " FROM loch_rows r JOIN loch_fresh f ON " + sameEvent("r", "f") + " AND " + age("f") + " > " + age("r") + " WHERE r.tier = 'told' AND "
		rows = append(rows, again+"r.insert_id_source = 'client' AND r.date = f.date", again+"r.insert_id_source <> 'client'")
		if removing {
			rows = append(rows, "SELECT "+factRow("''", -1)+" FROM loch_lake r WHERE r.tier = 'told' AND NOT ("+KeptEvent("loch_gone")+")")
		}
	}
	w.facts(strings.Join(rows, " UNION ALL "))
	w.add("loch_parts", s.summaries()+" UNION ALL SELECT "+factNames+" FROM loch_facts")
	return w.addFacts(name)
}

// summaries is a query of the facts in summaries of files that count.
func (s *Source) summaries() string {
	m := s.Manifest
	conditions := []string{scope(s.Project, ""), fmt.Sprintf("%s <= '%s'", commitOf, manifest.ID(m.Commit)), notAmong(m, s.Bucket, "summaries/"),
		fmt.Sprintf("regexp_extract(file, '([0-9]{12})-[^/]*$', 1) <= '%s'", manifest.ID(m.Summarised))}
	var gone []string
	for _, r := range m.Replaced {
		if name, ok := strings.CutPrefix(r.Key, "events/project="+s.Project+"/"); ok {
			gone = append(gone, name)
		}
	}
	if len(gone) > 0 {
		conditions = append(conditions, "file NOT IN ("+literals(gone)+")")
	}
	return "SELECT " + factNames + " FROM " + Summaries + where(conditions...)
}

// FactsShown are the columns of FactsOf. A row's persons have to be counted out of the
// bits of its users and devices, by what the row of the fact "whole" says: whether
// users are merged, and whether there are any. Place is the rank of an event or
// property by how often it is, and places how many of them there are.
const FactsShown = "fact, event, space, name, type, value, n, odd, first_ms, last_ms, varied, different, users, devices, merged, any_users, places"

// addFacts is the statement that adds up loch_parts, for all events or one.
func (w *with) addFacts(name string) string {
	own, shown := "true", "CASE WHEN fact = 'event' THEN event ELSE '' END"
	if name != "" {
		own, shown = "event IN ("+Literal(name)+", '')", "event"
	}
	// Other events than the one that is asked for say only whether there are users, and
	// whether they are merged.
	of := func(column string) string {
		return "CASE WHEN " + own + " THEN " + column + " ELSE '' END AS " + column
	}
	w.add("loch_own", "SELECT CASE WHEN "+own+" THEN fact ELSE 'other' END AS fact, CASE WHEN "+own+" THEN "+shown+" ELSE '' END AS event, "+
		of("space")+", "+of("name")+", "+of("type")+", "+of("value")+", n, odd, first_ms, last_ms, users, devices, varied, fact = 'event' AND merged AS merged, "+
		"fact = 'event' AND users IS NOT NULL AS any_users FROM loch_parts")
	w.add("loch_sums", "SELECT coalesce(fact, 'whole') AS fact, event, space, name, type, value, CASE WHEN fact = 'left_out' THEN max(n) ELSE sum(n) END AS n, "+
		"sum(odd) AS odd, min(first_ms) AS first_ms, max(last_ms) AS last_ms, bitwise_or_agg(users) AS users, bitwise_or_agg(devices) AS devices, "+
		"max(varied) AS varied, bool_or(merged) AS merged, bool_or(any_users) AS any_users "+
		"FROM loch_own GROUP BY GROUPING SETS ((fact, event, space, name, type, value), ())")
	w.add("loch_totals", "SELECT *, sum(n) OVER (PARTITION BY fact, event, space, name) AS total, "+
		"count_if(fact = 'value') OVER (PARTITION BY space, name) AS different, "+
		"row_number() OVER (PARTITION BY fact, event, space, name ORDER BY n DESC, value, type) AS nth "+
		"FROM loch_sums WHERE fact = 'whole' OR fact <> 'other' AND n > 0")
	w.add("loch_places", "SELECT *, dense_rank() OVER (PARTITION BY fact ORDER BY total DESC, event, space, name) AS place FROM loch_totals")
	return "WITH " + w.String() + " SELECT fact, event, space, name, type, value, n, odd, first_ms, last_ms, varied, different, " +
		"bit_count(users, 64) AS users, bit_count(devices, 64) AS devices, merged, any_users, places " +
		"FROM (SELECT *, max(place) OVER (PARTITION BY fact) AS places FROM loch_places) " +
		fmt.Sprintf("WHERE fact IN ('whole', 'left_out') OR fact = 'event' AND place <= %d OR fact = 'property' AND place <= %d OR fact = 'value' AND place <= %d AND nth <= %d",
			schema.MaxEvents, schema.MaxProperties, schema.MaxProperties, schema.MaxValues)
}
