package main

import (
	"errors"
	"io"
	"os"
	"strconv"

	"github.com/parquet-go/parquet-go"
)

// readParquet reads every column of a Parquet file, whatever its schema, with the
// library itself: Loch's own reader would not show a column that it does not
// know.
func (e *evidence) readParquet(path, rel string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	p, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		return err
	}
	e.readFooter(p)
	var names []string
	for _, c := range p.Schema().Columns() {
		names = append(names, c[len(c)-1])
		e.add("a column's name", c[len(c)-1], "", false)
	}
	for _, group := range p.RowGroups() {
		if err := e.readDictionaries(group, names); err != nil {
			return err
		}
		if err := e.readRows(group, names, rel); err != nil {
			return err
		}
	}
	return nil
}

// readFooter reads what a file says about its content without being asked for
// it.
func (e *evidence) readFooter(p *parquet.File) {
	m := p.Metadata()
	e.add("Parquet metadata", m.CreatedBy, "", false)
	for _, kv := range m.KeyValueMetadata {
		e.add("Parquet metadata", kv.Key, "", false)
		e.addJSON("Parquet metadata", kv.Value, "")
	}
	for _, group := range m.RowGroups {
		for _, c := range group.Columns {
			s := c.MetaData.Statistics
			for _, b := range [][]byte{s.Min, s.Max, s.MinValue, s.MaxValue} {
				e.addBinary("Parquet statistics", b)
			}
			for _, kv := range c.MetaData.KeyValueMetadata {
				e.add("Parquet metadata", kv.Key+" "+kv.Value, "", false)
			}
		}
	}
	for _, index := range p.ColumnIndexes() {
		for _, b := range index.MinValues {
			e.addBinary("Parquet statistics", b)
		}
		for _, b := range index.MaxValues {
			e.addBinary("Parquet statistics", b)
		}
	}
}

// readDictionaries reads the values that a column chunk could use. One that no
// row uses any more is still there.
func (e *evidence) readDictionaries(group parquet.RowGroup, names []string) error {
	for i, chunk := range group.ColumnChunks() {
		pages := chunk.Pages()
		page, err := pages.ReadPage()
		if err == nil {
			if d := page.Dictionary(); d != nil && d.Type().Kind() == parquet.ByteArray {
				for j := range d.Len() {
					e.addBinary("the dictionary of "+names[i], d.Index(int32(j)).Bytes())
				}
			}
			parquet.Release(page)
		}
		if closed := pages.Close(); closed != nil {
			err = errors.Join(err, closed)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
	return nil
}

func (e *evidence) readRows(group parquet.RowGroup, names []string, rel string) (err error) {
	rows := group.Rows()
	defer func() { err = errors.Join(err, rows.Close()) }()
	buffer := make([]parquet.Row, 64)
	for {
		n, err := rows.ReadRows(buffer)
		for _, values := range buffer[:n] {
			e.takeRow(values, names, rel)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// takeRow keeps the values of one row.
func (e *evidence) takeRow(values parquet.Row, names []string, rel string) {
	r := row{file: rel}
	for _, v := range values {
		if !v.IsNull() {
			r.set(names[v.Column()], v)
		}
	}
	who := r.who()
	for _, v := range values {
		if v.IsNull() {
			continue
		}
		name := names[v.Column()]
		switch v.Kind() {
		case parquet.ByteArray, parquet.FixedLenByteArray:
			b := v.ByteArray()
			switch {
			case len(b) > 1 && (b[0] == '{' || b[0] == '['):
				e.addJSON(name, string(b), who)
			case isReadable(b):
				e.add(name, string(b), who, false)
			default:
				e.addBinary(name, append([]byte(nil), b...))
			}
		case parquet.Int32, parquet.Int64:
			e.add(name, strconv.FormatInt(v.Int64(), 10), who, false)
		case parquet.Double, parquet.Float:
			e.add(name, strconv.FormatFloat(v.Double(), 'f', -1, 64), who, false)
		default: // a bit or an age-old timestamp names nobody
		}
	}
	e.addRow(r)
}

// set keeps a value of a column that the attacker knows from the source code.
func (r *row) set(name string, v parquet.Value) {
	switch v.Kind() {
	case parquet.ByteArray:
		if field := r.field(name); field != nil {
			*field = string(v.ByteArray())
		}
	case parquet.Int64:
		switch name {
		case "time":
			r.timeMS = v.Int64()
		case "batch_index":
			r.batchIndex = strconv.FormatInt(v.Int64(), 10)
		}
	case parquet.Int32:
		if name == "date" {
			r.date = strconv.Itoa(int(v.Int32()))
		}
	default: // the attacker needs no other
	}
}
