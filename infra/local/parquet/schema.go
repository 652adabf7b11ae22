package parquet

import (
	"reflect"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"

	"loch/shared/event"
	"loch/shared/profile"
)

// shape is one kind of file: its columns, and the schema made of them.
type shape[T any] struct {
	columns []column[T]
	schema  *parquet.Schema
}

// column moves one column between rows and Parquet values. It knows nothing of
// files, so both shapes share one writer and one reader.
type column[T any] struct {
	name string
	node parquet.Node
	load func(dst []parquet.Value, rows []T) // rows to values
	save func(row *T, v parquet.Value)       // one value to its row
}

var events = shapeOf("event", eventColumns())

var rejected = shapeOf("rejected", []column[event.Rejected]{
	textColumn("project", true, oftenRepeated, func(r *event.Rejected) *string { return &r.Project }),
	timeColumn("received_time", false, func(r *event.Rejected) *int64 { return &r.ReceivedTimeMS }),
	textColumn("protocol", true, oftenRepeated, func(r *event.Rejected) *string { return &r.Protocol }),
	textColumn("request_id", false, seldomRepeated, func(r *event.Rejected) *string { return &r.RequestID }),
	intColumn("batch_index", false, func(r *event.Rejected) *int64 { return &r.BatchIndex }),
	textColumn("reason", false, oftenRepeated, func(r *event.Rejected) *string { return (*string)(&r.Reason) }),
	textColumn("field", true, oftenRepeated, func(r *event.Rejected) *string { return &r.Field }),
	intColumn("payload_bytes", false, func(r *event.Rejected) *int64 { return &r.PayloadBytes }),
	bytesColumn("sealed", func(r *event.Rejected) *[]byte { return &r.Sealed }),
})

var profiles = shapeOf("profile", profileColumns())

// profileColumns are those of the relation profiles, and what says which row of a
// person counts.
func profileColumns() []column[profile.Snapshot] {
	columns := []column[profile.Snapshot]{
		textColumn("project", false, oftenRepeated, func(r *profile.Snapshot) *string { return &r.Project }),
		textColumn("person_id", false, seldomRepeated, func(r *profile.Snapshot) *string { return &r.PersonID }),
		textColumn("group_key", true, oftenRepeated, func(r *profile.Snapshot) *string { return &r.GroupKey }),
		textColumn("traits", false, seldomRepeated, func(r *profile.Snapshot) *string { return &r.Traits }),
		timeColumn("first_seen", true, func(r *profile.Snapshot) *int64 { return &r.FirstMS }),
		timeColumn("last_seen", true, func(r *profile.Snapshot) *int64 { return &r.LastMS }),
		timeColumn("updated", true, func(r *profile.Snapshot) *int64 { return &r.UpdatedMS }),
	}
	for i, name := range profile.SeenTexts {
		columns = append(columns, textColumn(name, true, oftenRepeated, func(r *profile.Snapshot) *string { return r.Seen.Texts()[i] }))
	}
	return append(columns,
		timeColumn("snapshot_time", false, func(r *profile.Snapshot) *int64 { return &r.SnapshotMS }),
		boolColumn("gone", func(r *profile.Snapshot) *bool { return &r.Gone }),
	)
}

// eventColumns follows event.Columns: a column added there is in the files with
// no change here.
func eventColumns() []column[event.Row] {
	columns := make([]column[event.Row], 0, len(event.Columns))
	for _, c := range event.Columns {
		enc := oftenRepeated
		if unique[c.Name] {
			enc = seldomRepeated
		}
		switch c.Type {
		case event.Text, event.JSON:
			columns = append(columns, textColumn(c.Name, c.Nullable, enc, c.Str))
		case event.Int:
			columns = append(columns, intColumn(c.Name, c.Nullable, c.Num))
		case event.Time:
			columns = append(columns, timeColumn(c.Name, c.Nullable, c.Num))
		case event.Date:
			columns = append(columns, dateColumn(c.Name, c.Nullable, c.Str))
		case event.Float:
			columns = append(columns, floatColumn(c.Name, c.Nullable, c.Flt))
		case event.Bool:
			columns = append(columns, boolColumn(c.Name, c.Flag))
		}
	}
	return columns
}

// unique names the columns in which nearly every row has a value of its own, so
// that a dictionary would only be a second copy of them. In all other texts a
// few values come back again and again.
var unique = map[string]bool{
	"insert_id":  true,
	"properties": true,
	"context":    true,
	"sealed":     true,
	"traits":     true,
}

// A text column's encoding. Plain is written out because parquet-go's own
// default for text is one that older readers lack.
var (
	oftenRepeated  encoding.Encoding = &parquet.RLEDictionary
	seldomRepeated encoding.Encoding = &parquet.Plain
)

func shapeOf[T any](name string, columns []column[T]) shape[T] {
	fields := make([]parquet.Field, len(columns))
	for i, c := range columns {
		fields[i] = field{Node: c.node, name: c.name}
	}
	return shape[T]{columns: columns, schema: parquet.NewSchema(name, root{fields: fields})}
}

// root is a group that keeps its columns in the order given. The library's own
// Group sorts them by name.
type root struct {
	parquet.Group
	fields []parquet.Field
}

func (r root) Fields() []parquet.Field { return r.fields }

// GoType is asked for by the library in error texts only; rows are never
// handed to it as Go values.
func (r root) GoType() reflect.Type { return reflect.TypeFor[map[string]any]() }

// field is a column with its name.
type field struct {
	parquet.Node
	name string
}

func (f field) Name() string { return f.name }

// Value is part of parquet.Field. It serves a reader that decodes into maps.
func (f field) Value(base reflect.Value) reflect.Value {
	return base.MapIndex(reflect.ValueOf(f.name))
}
