package duckdb

import (
	"fmt"
	"strings"

	"loch/shared/event"
	"loch/shared/schema"
)

// The SQL of schema.Facts. A file of summaries holds facts of several files of the
// events tier, each with the file's path below events/project=P/ in the column
// file. A reader counts those whose file is in the lake at its moment, so that a
// summary never says anything about rows that are not there any more.
//
// Persons are not kept, as that would be a list of everybody for each fact. A fact
// has 64 bits for users and as many for devices without one, of which each id sets
// one, always the same: there are at least as many people as bits. Bits of two
// facts together are those of both.

// factColumns are the columns of a file of summaries.
const factColumns = "file, fact, event, space, name, type, value, n, odd, first_ms, last_ms, users, devices, varied, merged"

// The most facts of one file of events. What is beyond is counted, and no more.
const (
	mostEventsOfFile     = 2 * schema.MaxEvents
	mostPropertiesOfFile = 5 * schema.MaxProperties
	mostValuesOfFile     = 50_000
)

// factRow selects of event rows f what facts are made of. sign is 1, or -1 for rows
// whose facts are to be taken off. Only what is added says when something happened
// and who did it.
func factRow(file string, sign int) string {
	merged := "list_contains(string_split(coalesce(f.flags, ''), ','), " + literal(event.FlagMerged) + ")"
	bit := func(id string) string { return "(1::UBIGINT << (md5_number_lower(" + id + ") % 64)::UBIGINT)::UBIGINT" }
	when, users, devices := "epoch_ms(f.time)", bit("f.user_id"), "CASE WHEN f.user_id IS NULL THEN "+bit("f.device_id")+" END"
	if sign < 0 {
		when, users, devices, merged = "NULL::BIGINT", "NULL::UBIGINT", "NULL::UBIGINT", "false"
	}
	columns := make([]string, len(schema.Listed))
	for i, name := range schema.Listed {
		columns[i] = "f." + identifier(name)
	}
	return fmt.Sprintf("%s AS file, %d AS sign, f.event, f.kind, %s AS ms, %s AS users, %s AS devices, %s AS merged, "+
		"CASE WHEN json_valid(f.properties) THEN f.properties END AS properties, %s",
		file, sign, when, users, devices, merged, strings.Join(columns, ", "))
}

// facts is a query of the facts of rows, which is a query of factRow's columns.
//
// What the properties are comes first, with about how many values each has. Values
// are looked at once more, of those only that have few: a property that is another
// for each event would make as many groups as there are events.
func facts(rows string) string {
	listed := make([]string, len(schema.Listed))
	for i, name := range schema.Listed {
		listed[i] = "{'key': " + literal(name) + ", 'value': to_json(" + identifier(name) + ")::VARCHAR}"
	}
	const base = "file, sign, ms, users, devices"
	const aggregates = "sum(sign)::BIGINT AS n, %s AS odd, min(ms) AS first_ms, max(ms) AS last_ms, bit_or(users) AS users, bit_or(devices) AS devices"
	sum := func(odd string) string { return fmt.Sprintf(aggregates, odd) }
	typeOf := "CASE WHEN value[1] = '\"' THEN 'string' WHEN value[1] = '[' THEN 'list' WHEN value[1] = '{' THEN 'object' " +
		"WHEN value IN ('true', 'false') THEN 'boolean' ELSE 'number' END"
	plain := fmt.Sprintf("(strlen(value) <= %d AND value[1] NOT IN ('[', '{') AND NOT regexp_matches(value, %s))", schema.MaxValueBytes, literal(schema.Identifying))
	key := "file, event, space, name"
	return "WITH rows AS (" + rows + "), " +
		// A member that is there twice, which no SDK sends, counts twice.
		"members AS NOT MATERIALIZED (SELECT " + base + ", event, 'properties' AS space, m.key AS name, m.value::VARCHAR AS value FROM (" +
		"SELECT " + base + ", event, unnest(map_entries(properties::JSON::MAP(VARCHAR, JSON))) AS m FROM rows WHERE properties IS NOT NULL) " +
		"UNION ALL SELECT " + base + ", '', 'column', m.key, m.value FROM (" +
		"SELECT " + base + ", unnest([" + strings.Join(listed, ", ") + "]) AS m FROM rows)), " +
		"told AS NOT MATERIALIZED (SELECT *, " + typeOf + " AS type, " + plain + " AS plain FROM members WHERE value IS NOT NULL AND value <> 'null'), " +
		"events AS (SELECT file, 'event' AS fact, event, '' AS space, '' AS name, kind AS type, '' AS value, " + sum("0::BIGINT") +
		", 0::BIGINT AS varied, bool_or(merged) AS merged FROM rows GROUP BY file, event, kind), " +
		"properties AS MATERIALIZED (SELECT file, 'property' AS fact, event, space, name, type, '' AS value, " +
		sum("coalesce(sum(sign) FILTER (WHERE NOT plain), 0)::BIGINT") + ", approx_count_distinct(value)::BIGINT AS varied, false AS merged FROM told GROUP BY " + key + ", type), " +
		fmt.Sprintf("few AS (SELECT %s FROM properties GROUP BY %s HAVING sum(varied) <= %d), ", key, key, schema.MaxDistinct) +
		"listed AS (SELECT file, 'value' AS fact, event, space, name, type, value, " + sum("0::BIGINT") +
		", 0::BIGINT AS varied, false AS merged FROM told SEMI JOIN few USING (" + key + ") WHERE plain GROUP BY " + key + ", type, value) " +
		capped("events", "events", mostEventsOfFile) + " UNION ALL " + capped("properties", "properties", mostPropertiesOfFile) +
		" UNION ALL " + capped("listed", "", mostValuesOfFile)
}

// capped keeps the most frequent facts of each file, and counts the others.
func capped(from, called string, most int) string {
	rank := fmt.Sprintf("row_number() OVER (PARTITION BY file ORDER BY n DESC, event, name, type, value) > %d", most)
	query := "SELECT " + factColumns + " FROM " + from + " QUALIFY NOT " + rank
	if called == "" {
		return query
	}
	return query + " UNION ALL SELECT file, 'left_out', '', '', " + literal(called) + ", '', '', count(*), 0::BIGINT, NULL::BIGINT, NULL::BIGINT, NULL::UBIGINT, NULL::UBIGINT, 0::BIGINT, false FROM (" +
		"SELECT file FROM " + from + " QUALIFY " + rank + ") GROUP BY file"
}

// shownFacts are the columns of addFacts' result, in the order of schema.Fact.
const shownFacts = "fact, event, space, name, type, value, n, odd, first_ms, last_ms, varied, persons"

// addFacts is a query of the facts of a project, or of one event of it, out of those
// of its files, which parts are queries of.
func addFacts(parts []string, event string) string {
	only, shown := "event", "CASE WHEN fact = 'event' THEN event ELSE '' END"
	if event != "" {
		only, shown = literal(event), "event"
	}
	const add = "sum(n)::BIGINT AS n, sum(odd)::BIGINT AS odd, min(first_ms) AS first_ms, max(last_ms) AS last_ms, " +
		"bit_or(users) AS users, bit_or(devices) AS devices, max(varied) AS varied"
	// People without a user are known by their device only as long as no device of the
	// project can belong to a user; where websites merge users, not at all.
	persons := "CASE WHEN (SELECT merged FROM whole) THEN 0 WHEN (SELECT users FROM whole) THEN coalesce(bit_count(users), 0) ELSE coalesce(bit_count(devices), 0) END::BIGINT"
	const rank = "row_number() OVER (PARTITION BY fact ORDER BY n DESC, event, space, name, type)"
	const named = "dense_rank() OVER (ORDER BY total DESC, space, name)"
	return "WITH parts AS (" + strings.Join(parts, " UNION ALL ") + "), " +
		"whole AS (SELECT coalesce(bool_or(merged), false) AS merged, coalesce(bool_or(users IS NOT NULL), false) AS users FROM parts WHERE fact = 'event'), " +
		"sums AS (SELECT fact, " + shown + " AS event, space, name, type, value, " + add + " FROM parts WHERE fact <> 'left_out' AND event IN (" + only + ", '') " +
		"GROUP BY fact, " + shown + ", space, name, type, value HAVING sum(n) > 0), " +
		"events AS (SELECT *, " + rank + " AS nth FROM (SELECT fact, event, space, name, arg_max(type, n) AS type, value, " + add + " FROM sums WHERE fact = 'event' " +
		"GROUP BY fact, event, space, name, value) s), " +
		"properties AS (SELECT *, " + named + " AS nth FROM (SELECT *, sum(n) OVER (PARTITION BY space, name) AS total FROM sums WHERE fact = 'property')), " +
		"listed AS (SELECT *, count(*) OVER (PARTITION BY space, name) AS different, " +
		"row_number() OVER (PARTITION BY space, name ORDER BY n DESC, value) AS nth FROM sums WHERE fact = 'value'), " +
		"known AS (SELECT space, name, max(different) AS different FROM listed GROUP BY space, name) " +
		fmt.Sprintf("SELECT fact, event, space, name, type, value, n, odd, first_ms, last_ms, varied, %s AS persons FROM events WHERE nth <= %d ", persons, schema.MaxEvents) +
		fmt.Sprintf("UNION ALL SELECT fact, event, space, name, type, value, n, odd, first_ms, last_ms, "+
			"CASE WHEN varied > %d THEN varied ELSE coalesce(different, 0) END, %s FROM properties LEFT JOIN known USING (space, name) WHERE nth <= %d ",
			schema.MaxDistinct, persons, schema.MaxProperties) +
		fmt.Sprintf("UNION ALL SELECT fact, event, space, name, type, value, n, odd, first_ms, last_ms, varied, %s FROM listed "+
			"SEMI JOIN (SELECT space, name FROM properties WHERE nth <= %d) USING (space, name) WHERE nth <= %d ", persons, schema.MaxProperties, schema.MaxValues) +
		"UNION ALL SELECT 'left_out', '', '', called, '', '', max(n), 0::BIGINT, NULL::BIGINT, NULL::BIGINT, 0::BIGINT, 0::BIGINT FROM (" +
		fmt.Sprintf("SELECT 'events' AS called, count(*) AS n FROM events WHERE nth > %d ", schema.MaxEvents) +
		fmt.Sprintf("UNION ALL SELECT 'properties', count(DISTINCT (space, name)) FROM properties WHERE nth > %d ", schema.MaxProperties) +
		"UNION ALL SELECT name, n FROM parts WHERE fact = 'left_out') GROUP BY called HAVING max(n) > 0 " +
		"ORDER BY fact, n DESC, event, space, name, type, value"
}
