// Package glue says how Athena sees the lake: the tables of the Glue catalogue,
// each a folder of the bucket with its columns, and the SQL of the four relations
// over them.
//
// The columns come from event.Columns and its like, so the table by which Firehose
// converts, the files and the SQL cannot drift apart. template.json is what the
// stack deploys; a test writes it from here and holds it equal.
//
// The package runs nothing. What it gives is text, for infra/aws/athena, for
// compaction and for tests, which run all of it on Trino.
package glue

import (
	"slices"
	"strings"

	"loch/shared/event"
	"loch/shared/event/rowjson"
	"loch/shared/profile"
)

// The tables. People's statements name none of them: they see the relations.
const (
	Landing          = "landing"           // events as they arrived, of all projects, by hour of arrival
	Compacted        = "compacted"         // each event once, by project and date
	Staging          = "staging"           // what a compaction has written and not published yet
	Links            = "links"             // what compaction keeps of who is whom, by project
	StagingLinks     = "staging_links"     // the same before it is published
	Summaries        = "summaries"         // what compacted files say of events and properties, by project
	StagingSummaries = "staging_summaries" // the same before it is published
	Snapshots        = "profile_snapshots" // profiles without personal traits, a row a change
	RejectedInput    = "rejected_input"    // what was not taken, sealed, with its reason in clear
	Removals         = "removals"          // orders to show rows of erased people no more
)

// Column is a column of a table; Type is Hive's name for it.
type Column struct {
	Name string
	Type string
}

// Format is how a table's files are read.
type Format string

// The formats.
const (
	Parquet Format = "parquet"
	JSON    Format = "json" // one document a line
)

// Projection is how the values of a partition column are found without asking the
// catalogue.
type Projection struct {
	Column
	Kind   string // date, integer or injected
	Range  string // for dates and integers: "0,23"
	Digits string // for integers
}

// Table is a table of the catalogue.
type Table struct {
	Name       string
	Comment    string
	Folder     string // of the bucket, with a slash at its end
	Format     Format
	Columns    []Column
	Partitions []Projection
}

// Template is where a table's partitions lie below its folder.
func (t *Table) Template() string {
	var at strings.Builder
	at.WriteString(t.Folder)
	for _, p := range t.Partitions {
		at.WriteString(p.Name + "=${" + p.Name + "}/")
	}
	return at.String()
}

// anyDate is a span in which every date lies that an event can have: validation
// takes none before 1971. Views say which dates there are.
const anyDate = "1970-01-01,NOW+2DAYS"

var (
	dateColumn = Projection{Column: Column{"date", "date"}, Kind: "date", Range: anyDate}
	dayColumn  = Projection{Column: Column{"dt", "date"}, Kind: "date", Range: "2020-01-01,NOW+1DAYS"}

	// A project's files are found by its name alone. A statement has to say which one.
	projectColumn = Projection{Column: Column{"project", "string"}, Kind: "injected"}
	commitColumn  = Projection{Column: Column{"commit_id", "string"}, Kind: "injected"}
)

// Tables are the tables of the catalogue.
var Tables = []Table{
	{
		Name: Landing, Folder: "landing/", Format: Parquet, Columns: eventColumns(),
		Comment: "Events as they arrived, of all projects. Use the view events.",
		Partitions: []Projection{dayColumn,
			{Column: Column{"hour", "string"}, Kind: "integer", Range: "0,23", Digits: "2"}},
	},
	{
		Name: Compacted, Folder: "events/", Format: Parquet, Columns: eventColumns("project", "date"),
		Comment:    "Compacted events, among them files that are not valid yet or no more. Use the view events.",
		Partitions: []Projection{projectColumn, dateColumn},
	},
	{
		Name: Staging, Folder: "staging/events/", Format: Parquet, Columns: eventColumns("project", "date"),
		Comment:    "What a compaction is writing.",
		Partitions: []Projection{commitColumn, projectColumn, dateColumn},
	},
	{
		Name: Links, Folder: "links/", Format: Parquet, Columns: linkColumns,
		Comment:    "Which user a device was first linked to, and who was merged into whom.",
		Partitions: []Projection{projectColumn},
	},
	{
		Name: StagingLinks, Folder: "staging/links/", Format: Parquet, Columns: linkColumns,
		Comment:    "The same, while a compaction is writing it.",
		Partitions: []Projection{commitColumn, projectColumn},
	},
	{
		Name: Summaries, Folder: "summaries/", Format: Parquet, Columns: factColumns,
		Comment:    "How often which events, properties and values are in compacted files, for the schema.",
		Partitions: []Projection{projectColumn},
	},
	{
		Name: StagingSummaries, Folder: "staging/summaries/", Format: Parquet, Columns: factColumns,
		Comment:    "The same, while a compaction is writing it.",
		Partitions: []Projection{commitColumn, projectColumn},
	},
	{
		Name: Snapshots, Folder: "profiles/", Format: Parquet, Columns: snapshotColumns(),
		Comment: "Profiles without personal traits, a row a change. Use the view profiles.",
	},
	{
		// By day, but not partitioned by it: little is rejected, and nobody asks by the
		// day of arrival. Each projected day would be a request to S3.
		Name: RejectedInput, Folder: "rejected/", Format: Parquet, Columns: rejectedColumns(),
		Comment: "Input that was not taken, sealed. Use the view rejected.",
	},
	{
		Name: Removals, Folder: "removals/", Format: JSON,
		Comment: "Orders to show rows of erased people no more.",
		Columns: []Column{{"project", "string"}, {"ids", "array<string>"}, {"time_ms", "bigint"}},
	},
}

// linkColumns hold two kinds of row: a device with its first user and the row that
// said so, and an identifier with the person it was merged into.
var linkColumns = []Column{
	{"device_id", "string"}, {"user_id", "string"}, {"received_time", "timestamp"}, {"time", "timestamp"}, {"batch_index", "bigint"},
	{"id", "string"}, {"person_id", "string"}, {"ids", "bigint"},
}

// hiveType is a column's type in the catalogue.
func hiveType(t event.Type) string {
	switch t {
	case event.Text, event.JSON:
		return "string"
	case event.Int:
		return "bigint"
	case event.Float:
		return "double"
	case event.Bool:
		return "boolean"
	case event.Time:
		return "timestamp"
	case event.Date:
		return "date"
	}
	panic("a column type without a Hive type")
}

// eventColumns are event.Columns, without those that a table has as partitions.
func eventColumns(partitions ...string) []Column {
	var list []Column
	for _, c := range event.Columns {
		if !slices.Contains(partitions, c.Name) {
			list = append(list, Column{c.Name, hiveType(c.Type)})
		}
	}
	return list
}

func rejectedColumns() []Column {
	var list []Column
	for _, f := range rowjson.RejectedFields {
		list = append(list, Column{f.Name, hiveType(f.Type)})
	}
	return list
}

func snapshotColumns() []Column {
	list := []Column{
		{"project", "string"}, {"person_id", "string"}, {"group_key", "string"}, {"traits", "string"},
		{"first_seen", "timestamp"}, {"last_seen", "timestamp"}, {"updated", "timestamp"},
	}
	for _, name := range profile.SeenTexts {
		list = append(list, Column{name, "string"})
	}
	return append(list, Column{"snapshot_time", "timestamp"}, Column{"gone", "boolean"})
}
