package parquet

import (
	"errors"
	"io"
	"os"
	"slices"

	"github.com/parquet-go/parquet-go"

	"loch/shared/event"
)

// Pick calls fn with each event of somebody in the row groups that Groups gave: the
// rows whose user has one of the ids, and those without a user whose device has. Of
// each row the named columns are filled, and device_id and user_id, which are read
// first: the others only where there is a row to be had.
func (w *Whose) Pick(groups []int, ids, columns []string, fn func(*event.Row) error) error {
	if len(groups) == 0 {
		return nil
	}
	f, err := os.Open(w.path)
	if err != nil {
		return unreadable(err)
	}
	defer func() { _ = f.Close() }() // only read
	p, err := open(f, parquet.SkipBloomFilters(true))
	if err != nil {
		return err
	}
	for _, n := range groups {
		if err := pickGroup(p, p.RowGroups()[n], ids, columns, fn); err != nil {
			return err
		}
	}
	return nil
}

func pickGroup(p *parquet.File, group parquet.RowGroup, ids, columns []string, fn func(*event.Row) error) error {
	chunk := func(name string) parquet.ColumnChunk {
		if leaf, ok := p.Schema().Lookup(name); ok {
			return group.ColumnChunks()[leaf.ColumnIndex]
		}
		return nil // a file of an older schema
	}
	users, err := matches(chunk("user_id"), ids)
	if err != nil {
		return err
	}
	devices, err := matches(chunk("device_id"), ids)
	if err != nil {
		return err
	}
	var numbers []int64
	for n := range users {
		if users[n] == isOne || users[n] == isNull && devices[n] == isOne {
			numbers = append(numbers, int64(n))
		}
	}
	if len(numbers) == 0 {
		return nil
	}
	rows := make([]event.Row, len(numbers))
	for _, c := range events.columns {
		if c.name != "user_id" && c.name != "device_id" && !slices.Contains(columns, c.name) {
			continue
		}
		for i := range rows {
			c.save(&rows[i], parquet.Value{}) // null, which for a float is not the zero value
		}
		in := chunk(c.name)
		if f, ok := in.(*parquet.FileColumnChunk); in == nil || ok && f.NullCount() == f.NumValues() {
			continue // not in the file, or null in every row
		}
		if err := values(in, numbers, func(i int, v parquet.Value) {
			if !v.IsNull() {
				c.save(&rows[i], v)
			}
		}); err != nil {
			return err
		}
	}
	for i := range rows {
		if err := fn(&rows[i]); err != nil {
			return err
		}
	}
	return nil
}

// What a value of an id column is to somebody.
const (
	isNull uint8 = iota
	isOther
	isOne
)

// matches tells of every row of a column what its value is to somebody.
func matches(c parquet.ColumnChunk, ids []string) (is []uint8, err error) {
	pages := c.Pages()
	defer func() { err = errors.Join(err, pages.Close()) }()
	wanted := make(map[string]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	is = make([]uint8, 0, c.NumValues())
	batch := make([]parquet.Value, 512)
	for {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return is, nil
		}
		if err != nil {
			return nil, unreadable(err)
		}
		for in := page.Values(); ; {
			n, err := in.ReadValues(batch)
			for _, v := range batch[:n] {
				switch {
				case v.IsNull():
					is = append(is, isNull)
				case wanted[string(v.ByteArray())]:
					is = append(is, isOne)
				default:
					is = append(is, isOther)
				}
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, unreadable(err)
			}
		}
		parquet.Release(page)
	}
}

// values gives the values of some rows, whose numbers ascend, to fn. Pages that
// hold none of them are left out where the file has an index of its pages.
func values(c parquet.ColumnChunk, numbers []int64, fn func(i int, v parquet.Value)) (err error) {
	pages := c.Pages()
	defer func() { err = errors.Join(err, pages.Close()) }()
	var one [1]parquet.Value
	for i := 0; i < len(numbers); {
		at := numbers[i]
		if err := pages.SeekToRow(at); err != nil {
			return unreadable(err)
		}
		page, err := pages.ReadPage()
		if err != nil {
			return unreadable(err)
		}
		for ; i < len(numbers) && numbers[i] < at+page.NumRows(); i++ {
			offset := numbers[i] - at
			part := page.Slice(offset, offset+1)
			if n, err := part.Values().ReadValues(one[:]); n != 1 {
				return unreadable(errors.Join(err, io.ErrUnexpectedEOF))
			}
			fn(i, one[0])
		}
		parquet.Release(page)
	}
	return nil
}
