package firehose

import (
	"loch/shared/event"
	"loch/shared/event/rowjson"
)

// GlueColumn is a column of a Glue table, its type in Hive's words.
type GlueColumn struct {
	Name, Type string
}

// EventColumns are the columns of the table by which the stream of rows converts:
// event.Columns, and nothing else.
func EventColumns() []GlueColumn {
	list := make([]GlueColumn, len(event.Columns))
	for i, c := range event.Columns {
		list[i] = GlueColumn{c.Name, glueTypes[c.Type]}
	}
	return list
}

// RejectedColumns are those of the table of rejected input.
func RejectedColumns() []GlueColumn {
	list := make([]GlueColumn, len(rowjson.RejectedFields))
	for i, f := range rowjson.RejectedFields {
		list[i] = GlueColumn{f.Name, glueTypes[f.Type]}
	}
	return list
}

var glueTypes = map[event.Type]string{
	event.Text: "string", event.JSON: "string", event.Int: "bigint", event.Float: "double",
	event.Bool: "boolean", event.Time: "timestamp", event.Date: "date",
}
