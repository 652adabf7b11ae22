package parquet

import (
	"errors"
	"io"
	"os"
	"strconv"

	"github.com/parquet-go/parquet-go"

	"loch/shared/event"
	"loch/shared/fault"
)

// chunkRows is how many rows are turned into column values at a time: few
// enough that they stay in the processor's cache while every column walks over
// them.
const chunkRows = 256

// dictionaryBytes is where a column that turns out to have many values gives up
// its dictionary.
const dictionaryBytes = 256 << 10

// bloomBits is how many bits of a Bloom filter each row gets: with 10 one in a
// hundred look-ups of somebody who is not there reads in vain.
const bloomBits = 10

// Writer writes one file. It is for one goroutine.
type Writer[T any] struct {
	shape  *shape[T]
	file   *os.File
	out    *parquet.GenericWriter[any]
	values []parquet.Value
	rows   int64
	group  int64 // rows in the open row group
	err    error // the first failure; the file is lost after it
}

func create[T any](path string, s *shape[T]) (*Writer[T], error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "a Parquet file cannot be made")
	}
	return &Writer[T]{
		shape:  s,
		file:   f,
		out:    newOutput(f, s.schema),
		values: make([]parquet.Value, chunkRows),
	}, nil
}

func newOutput(w io.Writer, schema *parquet.Schema) *parquet.GenericWriter[any] {
	options := []parquet.WriterOption{
		schema,
		parquet.Compression(codec),
		// A page's bounds stand in the column index already.
		parquet.DataPageStatistics(false),
		parquet.DictionaryMaxBytes(dictionaryBytes),
		parquet.CreatedBy("loch", strconv.Itoa(event.SchemaVersion), ""),
		parquet.KeyValueMetadata(MetaSchemaVersion, strconv.Itoa(event.SchemaVersion)),
	}
	// Bounds are whole values, kept in the footer. For columns that nobody
	// compares by order they would only make the footer as large as the largest
	// value that a client sends.
	for name := range unique {
		options = append(options, parquet.SkipPageBounds(name))
	}
	// Whether somebody has events in a file is asked of each file that is not
	// compacted, whenever their journey is.
	for _, name := range []string{"user_id", "device_id"} {
		if _, ok := schema.Lookup(name); ok {
			options = append(options, parquet.BloomFilters(parquet.SplitBlockFilter(bloomBits, name)))
		}
	}
	return parquet.NewGenericWriter[any](w, options...)
}

// Write appends rows. It takes what it needs from them before it returns. After
// an error the file is lost: call Abort.
func (w *Writer[T]) Write(rows []T) error {
	for len(rows) > 0 && w.err == nil {
		n := min(len(rows), chunkRows, int(RowGroupRows-w.group))
		w.err = w.chunk(rows[:n])
		rows = rows[n:]
	}
	return w.err
}

// chunk writes some rows, column by column.
func (w *Writer[T]) chunk(rows []T) error {
	values := w.values[:len(rows)]
	for i, out := range w.out.ColumnWriters() {
		w.shape.columns[i].load(values, rows)
		if _, err := out.WriteRowValues(values); err != nil {
			return failed(err)
		}
	}
	clear(values) // let go of the rows' strings
	w.rows += int64(len(rows))
	w.group += int64(len(rows))
	if w.group >= RowGroupRows {
		w.group = 0
		if err := w.out.Flush(); err != nil {
			return failed(err)
		}
	}
	return nil
}

// Rows is the number of rows so far.
func (w *Writer[T]) Rows() int64 { return w.rows }

// Close writes the footer and waits until the file's bytes have reached the
// disk. The folder that holds it is the caller's to sync. On an error the file
// is removed.
func (w *Writer[T]) Close() error {
	if w.file == nil {
		return w.err
	}
	if w.err == nil {
		w.out.SetKeyValueMetadata(MetaRows, strconv.FormatInt(w.rows, 10))
		w.err = failed(w.out.Close())
	}
	if w.err == nil {
		w.err = failed(w.file.Sync())
	}
	if w.err != nil {
		w.Abort()
		return w.err
	}
	f := w.file
	w.file = nil
	if err := f.Close(); err != nil {
		w.err = failed(err)
		return errors.Join(w.err, os.Remove(f.Name()))
	}
	return nil
}

// Abort gives the file up and removes it. It does nothing after Close.
func (w *Writer[T]) Abort() {
	if w.file == nil {
		return
	}
	f := w.file
	w.file = nil
	if w.err == nil {
		w.err = fault.New(fault.Internal, "this Parquet file was given up")
	}
	// The error that led here is the one to report; what is left behind lies in
	// a staging folder, which goes as a whole.
	_ = f.Close()
	_ = os.Remove(f.Name())
}

func failed(err error) error {
	if err == nil {
		return nil
	}
	return fault.Wrap(err, fault.Unavailable, "a Parquet file cannot be written; is the disk full?")
}
