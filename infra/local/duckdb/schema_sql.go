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
		"try_cast(f.properties AS JSON) AS properties, %s",
		file, sign, when, users, devices, merged, strings.Join(columns, ", "))
}

// facts is a query of the facts of rows, which is a query of factRow's columns.
//
// Rows are read as seldom as possible, and each property of each once. A property that
// is another for each event would make as many groups as there are events: those that
// have many values already in a part of the rows are counted without their values. What
// a value looks like is asked of each once, and not of each row. Columns are grouped
// each by itself, all in one reading: the others of a row are null then.
func facts(rows string) string {
	columns := make([]string, len(schema.Listed))
	sets, names := make([]string, len(columns)), make([]string, len(columns))
	for i, name := range schema.Listed {
		columns[i] = identifier(name)
		sets[i] = "(file, " + columns[i] + ")"
		names[i] = "WHEN " + columns[i] + " IS NOT NULL THEN " + literal(name)
	}
	const base, key = "file, sign, ms, users, devices", "file, event, space, name"
	const sums = "sum(sign)::BIGINT AS n, min(ms) AS first_ms, max(ms) AS last_ms, bit_or(users) AS users, bit_or(devices) AS devices"
	const add = "sum(n)::BIGINT AS n, min(first_ms) AS first_ms, max(last_ms) AS last_ms, bit_or(users) AS users, bit_or(devices) AS devices"
	const typeOf = "CASE kept[1] WHEN '\"' THEN 'string' WHEN '[' THEN 'list' WHEN '{' THEN 'object' WHEN 't' THEN 'boolean' WHEN 'f' THEN 'boolean' ELSE 'number' END"
	plain := fmt.Sprintf("(strlen(value) <= %d AND value NOT LIKE '[%%' AND value NOT LIKE '{%%' AND NOT regexp_matches(value, %s)) AS plain", schema.MaxValueBytes, literal(schema.Identifying))
	members := func(columns, where string) string {
		return "SELECT " + columns + ", m.key AS name, m.value::VARCHAR AS value FROM (" +
			"SELECT " + columns + ", unnest(map_entries(properties::MAP(VARCHAR, JSON))) AS m FROM rows JOIN kinds ON kinds.file = rows.file AND kinds.event = rows.event WHERE " + where + ")"
	}
	// The facts of a property out of those of its values.
	odd := "coalesce(sum(n) FILTER (WHERE NOT plain), 0)::BIGINT AS odd"
	queries := []string{
		"rows AS NOT MATERIALIZED (" + rows + ")",
		"events AS (SELECT file, 'event' AS fact, event, '' AS space, '' AS name, kind AS type, '' AS value, " + sums +
			", 0::BIGINT AS odd, 0::BIGINT AS varied, bool_or(merged) AS merged FROM rows GROUP BY file, event, kind)",
		// One number says of which file and event a member is: less to be compared.
		"kinds AS MATERIALIZED (SELECT file, event, row_number() OVER () AS nr FROM (SELECT DISTINCT file, event FROM events))",
		fmt.Sprintf("many AS MATERIALIZED (SELECT nr, name FROM (%s) GROUP BY nr, name HAVING approx_count_distinct(value) > %d)",
			members("nr", fmt.Sprintf("properties IS NOT NULL AND hash(properties) %% %d = 0", partOfRows)), 2*schema.MaxDistinct),
		// A member that is there twice, which no SDK sends, counts twice. Of those of many
		// values the first character is kept, which says of which type they are.
		"typed AS NOT MATERIALIZED (SELECT m.*, many.nr IS NOT NULL AS is_many FROM (" + members("nr, sign, ms, users, devices", "properties IS NOT NULL") +
			") m LEFT JOIN many ON many.nr = m.nr AND many.name = m.name WHERE value IS NOT NULL AND value <> 'null')",
		"grouped AS MATERIALIZED (SELECT nr, name, bool_or(is_many) AS is_many, CASE WHEN is_many THEN chr(ascii(value)) ELSE value END AS kept, " + sums +
			", approx_count_distinct(CASE WHEN is_many THEN value END)::BIGINT AS varied FROM typed GROUP BY nr, name, kept)",
		"said AS NOT MATERIALIZED (SELECT file, event, 'properties' AS space, name, " + typeOf + " AS type, CASE WHEN NOT is_many THEN kept END AS value, " +
			"n, first_ms, last_ms, users, devices, CASE WHEN is_many THEN varied ELSE 0 END AS varied FROM grouped JOIN kinds USING (nr))",
		"sent AS MATERIALIZED (SELECT " + key + ", type, " + add + ", (sum(varied) + count(value))::BIGINT AS varied FROM said GROUP BY " + key + ", type)",
		fmt.Sprintf("few AS (SELECT %s FROM sent GROUP BY %s HAVING sum(varied) <= %d)", key, key, schema.MaxDistinct),
		"worth AS MATERIALIZED (SELECT * EXCLUDE (varied), " + plain + " FROM said SEMI JOIN few USING (" + key + "))",
		"columns AS MATERIALIZED (SELECT *, " + plain + " FROM (SELECT file, '' AS event, 'column' AS space, CASE " + strings.Join(names, " ") + " END AS name, " +
			"'string' AS type, to_json(coalesce(" + strings.Join(columns, ", ") + "))::VARCHAR AS value, " + sums +
			" FROM rows GROUP BY GROUPING SETS (" + strings.Join(sets, ", ") + ")) WHERE name IS NOT NULL)",
		"properties AS (SELECT " + key + ", type, n, first_ms, last_ms, users, devices, coalesce(odd, 0)::BIGINT AS odd, varied FROM sent LEFT JOIN (SELECT " + key + ", type, " + odd + " FROM worth GROUP BY " + key + ", type) USING (" + key + ", type) " +
			"UNION ALL SELECT " + key + ", type, " + add + ", " + odd + ", count(*) FROM columns GROUP BY " + key + ", type)",
		"all_properties AS (SELECT 'property' AS fact, '' AS value, false AS merged, * FROM properties)",
		fmt.Sprintf("listed AS (SELECT 'value' AS fact, 0::BIGINT AS odd, 0::BIGINT AS varied, false AS merged, * FROM worth WHERE plain "+
			"UNION ALL SELECT 'value', 0, 0, false, * FROM columns SEMI JOIN (SELECT file, name FROM columns GROUP BY file, name HAVING count(*) <= %d) USING (file, name) WHERE plain)", schema.MaxDistinct),
	}
	return "WITH " + strings.Join(queries, ", ") + " " +
		capped("events", "events", mostEventsOfFile) + " UNION ALL " + capped("all_properties", "properties", mostPropertiesOfFile) +
		" UNION ALL " + capped("listed", "", mostValuesOfFile)
}

// partOfRows is of how many rows one is looked at for properties of many values.
const partOfRows = 16

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
