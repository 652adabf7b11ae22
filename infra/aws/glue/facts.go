package glue

import (
	"fmt"
	"strings"

	"loch/shared/event"
	"loch/shared/manifest"
	"loch/shared/schema"
)

// The SQL of schema.Facts. A file of summaries holds facts of files of the events
// tier, each with that file's name (its path below events/project=P/) in the column
// file. They have the columns of the summaries on one machine (infra/local/duckdb),
// where it is said what the bits of users and devices are.
//
// Trino runs a WITH query as often as it is named. So what is a chain of small queries
// there is one pass here: each row becomes a list of what it tells, which is grouped
// once, and windows over the groups do the rest.

// factColumns are the columns of a file of summaries.
var factColumns = []Column{
	{"file", "string"}, {"fact", "string"}, {"event", "string"}, {"space", "string"}, {"name", "string"}, {"type", "string"}, {"value", "string"},
	{"n", "bigint"}, {"odd", "bigint"}, {"first_ms", "bigint"}, {"last_ms", "bigint"}, {"users", "bigint"}, {"devices", "bigint"},
	{"varied", "bigint"}, {"merged", "boolean"},
}

const factNames = "file, fact, event, space, name, type, value, n, odd, first_ms, last_ms, users, devices, varied, merged"

// The most facts of one file of events. What is beyond is counted, and no more.
const (
	mostEventsOfFile     = 2 * schema.MaxEvents
	mostPropertiesOfFile = 5 * schema.MaxProperties
	mostValuesOfFile     = 50_000
)

// fileOf is what summaries call a compacted file, of its path.
const fileOf = `regexp_extract("$path", '/events/project=[^/]*/(.*)$', 1)`

// factRow is what facts are made of, of event rows r. The sign is 1, or -1 for rows
// whose facts are to be taken off. Only what is added says when something happened and
// who did it.
func factRow(file string, sign int) string {
	// Lake ids are random: the last two of their 32 digits are as good as a hash.
	bit := func(id string) string {
		return "bitwise_left_shift(BIGINT '1', CAST(try(from_base(substr(" + id + ", 31, 2), 16)) % 64 AS integer))"
	}
	when, merged := "date_diff('millisecond', TIMESTAMP '1970-01-01 00:00:00.000', r.time)", "contains(split(coalesce(r.flags, ''), ','), "+Literal(event.FlagMerged)+")"
	users, devices := bit("r.user_id"), "CASE WHEN r.user_id IS NULL THEN "+bit("r.device_id")+" END"
	if sign < 0 {
		when, users, devices, merged = "CAST(NULL AS bigint)", "CAST(NULL AS bigint)", "CAST(NULL AS bigint)", "false"
	}
	columns := make([]string, len(schema.Listed))
	for i, name := range schema.Listed {
		columns[i] = "r." + Name(name)
	}
	return fmt.Sprintf("%s AS file, %d AS sign, %s AS ms, %s AS users, %s AS devices, %s AS merged, r.event, r.kind, r.properties, %s",
		file, sign, when, users, devices, merged, strings.Join(columns, ", "))
}

// told is an array of what a row tells: that the event happened, its listed columns,
// and the members of its properties. A document that has a member twice, which no SDK
// sends, tells none.
func told() string {
	const shape = "array(row(fact varchar, event varchar, space varchar, name varchar, type varchar, value varchar))"
	columns := make([]string, len(schema.Listed))
	for i, name := range schema.Listed {
		columns[i] = "ROW(" + Literal(name) + ", f." + Name(name) + ")"
	}
	return "concat(CAST(ARRAY[ROW('event', f.event, '', '', f.kind, '')] AS " + shape + "), " +
		"CAST(transform(filter(CAST(ARRAY[" + strings.Join(columns, ", ") + "] AS array(row(name varchar, value varchar))), c -> c.value IS NOT NULL), " +
		"c -> ROW('property', '', 'column', c.name, '', json_format(CAST(c.value AS json)))) AS " + shape + "), " +
		"CAST(transform(coalesce(map_entries(try(CAST(json_parse(f.properties) AS map(varchar, json)))), ARRAY[]), " +
		"m -> ROW('property', f.event, 'properties', m[1], '', json_format(m[2]))) AS " + shape + "))"
}

// facts adds loch_facts, with factNames: the facts of rows, which is a query of
// factRow's columns. Values by which somebody would be known again go together as
// one, and are counted.
func (w *with) facts(rows string) {
	plain := fmt.Sprintf("length(to_utf8(t.value)) <= %d AND t.value NOT LIKE '[%%' AND t.value NOT LIKE '{%%' AND NOT regexp_like(t.value, %s)", schema.MaxValueBytes, Literal(schema.Identifying))
	const typeOf = `CASE WHEN t.fact = 'event' THEN t.type WHEN t.value LIKE '"%' THEN 'string' WHEN t.value LIKE '[%' THEN 'list' WHEN t.value LIKE '{%' THEN 'object' ` +
		"WHEN t.value IN ('true', 'false') THEN 'boolean' ELSE 'number' END"
	w.add("loch_told", "SELECT f.file, f.sign, f.ms, f.users, f.devices, f.merged, t.fact, t.event, t.space, t.name, "+typeOf+" AS type, CASE WHEN "+plain+" THEN t.value ELSE '' END AS value "+
		"FROM ("+rows+") f CROSS JOIN UNNEST("+told()+") AS t (fact, event, space, name, type, value) WHERE t.value IS NOT NULL AND t.value <> 'null'")
	// Each property is told as a whole, and each of its values.
	w.add("loch_groups", "SELECT file, CASE WHEN fact = 'property' AND grouping(value) = 0 THEN 'value' ELSE fact END AS fact, event, space, name, type, coalesce(value, '') AS value, "+
		"sum(sign) AS n, coalesce(sum(sign) FILTER (WHERE fact = 'property' AND value = ''), 0) AS odd, min(ms) AS first_ms, max(ms) AS last_ms, "+
		"bitwise_or_agg(users) AS users, bitwise_or_agg(devices) AS devices, bool_or(merged AND fact = 'event') AS merged, grouping(value) AS whole "+
		"FROM loch_told GROUP BY GROUPING SETS ((file, fact, event, space, name, type), (file, fact, event, space, name, type, value))")
	w.add("loch_different", "SELECT *, CASE WHEN fact = 'event' THEN 0 ELSE count_if(fact = 'value') OVER (PARTITION BY file, event, space, name) END AS varied "+
		"FROM loch_groups WHERE whole = 1 OR value <> ''")
	w.add("loch_ranked", "SELECT *, row_number() OVER (PARTITION BY file, fact ORDER BY n DESC, event, space, name, type, value) AS nth, count(*) OVER (PARTITION BY file, fact) AS total "+
		fmt.Sprintf("FROM loch_different WHERE fact <> 'value' OR varied <= %d", schema.MaxDistinct))
	// The first fact that is too much says how many are.
	most := fmt.Sprintf("CASE fact WHEN 'event' THEN %d WHEN 'property' THEN %d ELSE %d END", mostEventsOfFile, mostPropertiesOfFile, mostValuesOfFile)
	text := func(column string) string { return "CASE WHEN nth > most THEN '' ELSE " + column + " END AS " + column }
	w.add("loch_facts", "SELECT file, CASE WHEN nth > most THEN 'left_out' ELSE fact END AS fact, "+text("event")+", "+text("space")+", "+
		"CASE WHEN nth <= most THEN name WHEN fact = 'event' THEN 'events' ELSE 'properties' END AS name, "+text("type")+", "+text("value")+", "+
		"CASE WHEN nth > most THEN total - most ELSE n END AS n, odd, first_ms, last_ms, users, devices, varied, merged "+
		"FROM (SELECT *, "+most+" AS most FROM loch_ranked) WHERE nth <= most OR nth = most + 1 AND fact <> 'value'")
}

// Summarise writes the facts of the source's compacted files (Rewrite), and those of
// the summaries (Told) that are of files which count, where a compaction stages them.
func (s *Source) Summarise(commit int64) string {
	var w with
	var parts []string
	if len(s.Told) > 0 {
		parts = append(parts, s.summaries()+` AND "$path" IN (`+paths(s.Bucket, s.Told)+")")
	}
	if len(s.Rewrite) > 0 {
		w.facts("SELECT " + factRow(fileOf, 1) + " FROM " + Compacted + " r" + where(
			scope(s.Project, ""), partitions("date", "DATE ", s.Rewrite), `"$path" IN (`+paths(s.Bucket, s.Rewrite)+")"))
		parts = append(parts, "SELECT "+factNames+" FROM loch_facts")
	}
	w.add("loch_parts", strings.Join(parts, " UNION ALL "))
	return "INSERT INTO " + StagingSummaries + " (" + factNames + ", commit_id, project) WITH " + w.String() + " SELECT " + factNames + ", " +
		Literal(manifest.ID(commit)) + ", " + Literal(s.Project) + " FROM loch_parts"
}
