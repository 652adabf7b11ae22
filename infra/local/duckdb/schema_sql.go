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
	digit := func(id, place string) string {
		return "strpos('0123456789abcdef', substr(" + id + ", " + place + ", 1))"
	}
	bit := func(id string) string { // lake ids are random: the last two of their 32 digits are as good as a hash
		return "(1::UBIGINT << ((" + digit(id, "31") + " * 16 + " + digit(id, "32") + ") % 64)::UBIGINT)::UBIGINT"
	}
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
// for each event would make as many groups as there are events. What a value looks
// like is asked of each once, and not of each row.
func facts(rows string) string {
	listed := make([]string, len(schema.Listed))
	for i, name := range schema.Listed {
		listed[i] = "{'key': " + literal(name) + ", 'value': " + identifier(name) + "}"
	}
	const base, key = "file, sign, ms, users, devices", "file, event, space, name"
	const sums = "sum(sign)::BIGINT AS n, min(ms) AS first_ms, max(ms) AS last_ms, bit_or(users) AS users, bit_or(devices) AS devices"
	const told = "n, first_ms, last_ms, users, devices"
	const typeOf = "CASE WHEN value LIKE '\"%' THEN 'string' WHEN value LIKE '[%' THEN 'list' WHEN value LIKE '{%' THEN 'object' " +
		"WHEN value IN ('true', 'false') THEN 'boolean' ELSE 'number' END"
	plain := fmt.Sprintf("(strlen(value) <= %d AND value NOT LIKE '[%%' AND value NOT LIKE '{%%' AND NOT regexp_matches(value, %s)) AS plain", schema.MaxValueBytes, literal(schema.Identifying))
	// The facts of a property out of those of its values: of a column's, and for odd
	// ones of what was sent.
	odd := "coalesce(sum(n) FILTER (WHERE NOT plain), 0)::BIGINT AS odd"
	queries := []string{
		"rows AS NOT MATERIALIZED (" + rows + ")",
		"events AS (SELECT file, 'event' AS fact, event, '' AS space, '' AS name, kind AS type, '' AS value, " + sums +
			", 0::BIGINT AS odd, 0::BIGINT AS varied, bool_or(merged) AS merged FROM rows GROUP BY file, event, kind)",
		// A member that is there twice, which no SDK sends, counts twice.
		"members AS NOT MATERIALIZED (SELECT " + base + ", event, 'properties' AS space, m.key AS name, m.value::VARCHAR AS value FROM (" +
			"SELECT " + base + ", event, unnest(map_entries(properties::JSON::MAP(VARCHAR, JSON))) AS m FROM rows WHERE properties IS NOT NULL))",
		"typed AS NOT MATERIALIZED (SELECT *, " + typeOf + " AS type FROM members WHERE value IS NOT NULL AND value <> 'null')",
		"sent AS MATERIALIZED (SELECT " + key + ", type, " + sums + ", approx_count_distinct(value)::BIGINT AS varied FROM typed GROUP BY " + key + ", type)",
		fmt.Sprintf("few AS (SELECT %s FROM sent GROUP BY %s HAVING sum(varied) <= %d)", key, key, schema.MaxDistinct),
		"said AS MATERIALIZED (SELECT *, " + plain + " FROM (SELECT " + key + ", type, value, " + sums + " FROM typed SEMI JOIN few USING (" + key + ") GROUP BY " + key + ", type, value))",
		"columns AS MATERIALIZED (SELECT *, " + plain + " FROM (SELECT file, '' AS event, 'column' AS space, m.key AS name, 'string' AS type, to_json(m.value)::VARCHAR AS value, " + sums +
			" FROM (SELECT " + base + ", unnest([" + strings.Join(listed, ", ") + "]) AS m FROM rows) WHERE m.value IS NOT NULL GROUP BY file, m.key, m.value))",
		"properties AS (SELECT " + key + ", type, " + told + ", coalesce(odd, 0)::BIGINT AS odd, varied FROM sent LEFT JOIN (SELECT " + key + ", type, " + odd + " FROM said GROUP BY " + key + ", type) USING (" + key + ", type) " +
			"UNION ALL SELECT " + key + ", type, sum(n)::BIGINT, min(first_ms), max(last_ms), bit_or(users), bit_or(devices), " + odd + ", count(*) FROM columns GROUP BY " + key + ", type)",
		"all_properties AS (SELECT 'property' AS fact, '' AS value, false AS merged, * FROM properties)",
		fmt.Sprintf("listed AS (SELECT 'value' AS fact, 0::BIGINT AS odd, 0::BIGINT AS varied, false AS merged, * FROM said WHERE plain "+
			"UNION ALL SELECT 'value', 0, 0, false, * FROM columns SEMI JOIN (SELECT file, name FROM columns GROUP BY file, name HAVING count(*) <= %d) USING (file, name) WHERE plain)", schema.MaxDistinct),
	}
	return "WITH " + strings.Join(queries, ", ") + " " +
		capped("events", "events", mostEventsOfFile) + " UNION ALL " + capped("all_properties", "properties", mostPropertiesOfFile) +
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

// addFacts is a query of the facts of a project, or of one event of it, out of those
// of its files, which parts are queries of. Its columns are in the order of
// schema.Fact.
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
