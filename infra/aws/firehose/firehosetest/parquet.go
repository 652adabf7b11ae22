package firehosetest

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

// Firehose writes what Hive's Parquet writer writes: every column may be null,
// pages are compressed with Snappy, and an instant is an INT96 of nanoseconds of
// the day and the Julian day.

const secondsPerDay = 24 * 3600

const julianEpoch = 2_440_588 // 1970-01-01

// schema keeps the table's order. The library's own Group sorts by name.
func (t *table) schema() *parquet.Schema {
	r := root{}
	for _, c := range t.columns {
		r.fields = append(r.fields, field{parquet.Optional(node(c.Type)), c.Name})
	}
	return parquet.NewSchema("hive_schema", r)
}

func node(kind string) parquet.Node {
	switch kind {
	case "string":
		return parquet.String()
	case "bigint":
		return parquet.Leaf(parquet.Int64Type)
	case "int":
		return parquet.Leaf(parquet.Int32Type)
	case "double":
		return parquet.Leaf(parquet.DoubleType)
	case "boolean":
		return parquet.Leaf(parquet.BooleanType)
	case "timestamp":
		return parquet.Leaf(parquet.Int96Type)
	}
	return parquet.Date()
}

type root struct {
	parquet.Group
	fields []parquet.Field
}

func (r root) Fields() []parquet.Field { return r.fields }

func (r root) GoType() reflect.Type { return reflect.TypeFor[map[string]any]() }

type field struct {
	parquet.Node
	name string
}

func (f field) Name() string { return f.name }

func (f field) Value(base reflect.Value) reflect.Value {
	return base.MapIndex(reflect.ValueOf(f.name))
}

// parquet writes rows as a file.
func (t *table) parquet(rows [][]any) ([]byte, error) {
	var out bytes.Buffer
	w := parquet.NewGenericWriter[any](&out, t.schema(), parquet.Compression(&parquet.Snappy), parquet.CreatedBy("parquet-mr", "1.8.1", ""))
	values := make([]parquet.Value, len(rows))
	for i, column := range w.ColumnWriters() {
		for j, row := range rows {
			if values[j] = parquet.NullValue().Level(0, 0, i); row[i] != nil {
				values[j] = parquetValue(t.columns[i].Type, row[i]).Level(0, 1, i)
			}
		}
		if _, err := column.WriteRowValues(values); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func parquetValue(kind string, v any) parquet.Value {
	at, isTime := v.(time.Time)
	switch {
	case kind == "int":
		return parquet.Int32Value(int32(v.(int64)))
	case kind == "date":
		return parquet.Int32Value(int32(at.Unix() / secondsPerDay))
	case isTime:
		day := floorDiv(at.Unix(), secondsPerDay)
		nanos := (at.Unix()-day*secondsPerDay)*1e9 + int64(at.Nanosecond())
		return parquet.Int96Value(deprecated.Int96{uint32(nanos), uint32(nanos >> 32), uint32(day + julianEpoch)})
	}
	return parquet.ValueOf(v)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// ReadParquet reads a file that a stream delivered: for each row its values by
// column, without those that are null. Instants and dates are time.Time.
func ReadParquet(file []byte) ([]map[string]any, error) {
	f, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, err
	}
	columns := f.Schema().Columns()
	var all []map[string]any
	for _, group := range f.RowGroups() {
		rows := group.Rows()
		buffer := make([]parquet.Row, 256)
		for {
			n, err := rows.ReadRows(buffer)
			for _, row := range buffer[:n] {
				one := map[string]any{}
				for _, v := range row {
					if !v.IsNull() {
						one[columns[v.Column()][0]] = plain(f.Schema().Fields()[v.Column()], v)
					}
				}
				all = append(all, one)
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, errors.Join(err, rows.Close())
			}
		}
		if err := rows.Close(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// plain is a value as Go has it.
func plain(of parquet.Field, v parquet.Value) any {
	switch v.Kind() {
	case parquet.Boolean:
		return v.Boolean()
	case parquet.Int64:
		return v.Int64()
	case parquet.Double:
		return v.Double()
	case parquet.Int96:
		i := v.Int96()
		nanos := int64(i[0]) | int64(i[1])<<32
		return time.Unix((int64(i[2])-julianEpoch)*secondsPerDay, nanos).UTC()
	case parquet.Int32:
		if logical := of.Type().LogicalType(); logical != nil {
			if _, isDate := logical.Value.(*format.DateType); !isDate {
				return int64(v.Int32())
			}
			return time.Unix(int64(v.Int32())*secondsPerDay, 0).UTC()
		}
		return int64(v.Int32())
	default:
		return string(v.ByteArray())
	}
}
