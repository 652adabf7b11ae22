package parquet

import (
	"errors"
	"io"
	"os"

	"github.com/parquet-go/parquet-go"

	"loch/shared/event"
	"loch/shared/fault"
)

// ReadEvents gives every row of a file to fn, in order. The row is fn's for the
// time of the call. Columns are found by name, so a file written by another
// engine or by an older schema can be read; a column that the file lacks is
// null. Page checksums are checked on the way.
func ReadEvents(path string, fn func(*event.Row) error) error {
	return read(path, &events, fn)
}

// ReadRejected is ReadEvents for rejected inputs.
func ReadRejected(path string, fn func(*event.Rejected) error) error {
	return read(path, &rejected, fn)
}

func read[T any](path string, s *shape[T], fn func(*T) error) error {
	f, err := os.Open(path)
	if err != nil {
		return unreadable(err)
	}
	defer func() { _ = f.Close() }() // only read
	p, err := open(f)
	if err != nil {
		return err
	}
	saves, err := match(p, s)
	if err != nil {
		return err
	}
	for _, group := range p.RowGroups() {
		if err := readGroup(group, s, saves, fn); err != nil {
			return err
		}
	}
	return nil
}

// match finds for each column of the file the column of s that takes it. Nil
// marks one that s does not know.
func match[T any](p *parquet.File, s *shape[T]) ([]func(*T, parquet.Value), error) {
	saves := make([]func(*T, parquet.Value), len(p.Schema().Columns()))
	for _, c := range s.columns {
		leaf, ok := p.Schema().Lookup(c.name)
		if !ok {
			continue
		}
		if leaf.Node.Type().Kind() != c.node.Type().Kind() {
			return nil, fault.New(fault.Internal, "a Parquet column has another type than the lake's").At(c.name)
		}
		saves[leaf.ColumnIndex] = c.save
	}
	return saves, nil
}

func readGroup[T any](group parquet.RowGroup, s *shape[T], saves []func(*T, parquet.Value), fn func(*T) error) (err error) {
	rows := group.Rows()
	defer func() { err = errors.Join(err, rows.Close()) }()
	var empty T
	for _, c := range s.columns {
		c.save(&empty, parquet.Value{}) // null, which for a float is not the zero value
	}
	batch := make([]parquet.Row, 64)
	for {
		n, readErr := rows.ReadRows(batch)
		for _, values := range batch[:n] {
			row := empty
			for _, v := range values {
				if save := saves[v.Column()]; save != nil && !v.IsNull() {
					save(&row, v)
				}
			}
			if err := fn(&row); err != nil {
				return err
			}
		}
		if errors.Is(readErr, io.EOF) {
			return nil
		}
		if readErr != nil {
			return unreadable(readErr)
		}
	}
}
