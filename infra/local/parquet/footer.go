package parquet

import (
	"os"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"

	"loch/shared/fault"
)

// Footer is what a file says about itself.
type Footer struct {
	Rows          int64
	RowGroups     int
	SchemaVersion int // 0 when another program wrote the file
}

// ReadFooter reads the footer of any Parquet file, none of its data.
func ReadFooter(path string) (Footer, error) {
	f, err := os.Open(path)
	if err != nil {
		return Footer{}, unreadable(err)
	}
	defer func() { _ = f.Close() }() // only read
	p, err := open(f, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return Footer{}, err
	}
	footer := Footer{Rows: p.NumRows(), RowGroups: len(p.RowGroups())}
	if v, ok := p.Lookup(MetaSchemaVersion); ok {
		footer.SchemaVersion, _ = strconv.Atoi(v) // not a number: as if not there
	}
	return footer, nil
}

// Rows reads the number of rows from a file's footer.
func Rows(path string) (int64, error) {
	footer, err := ReadFooter(path)
	return footer.Rows, err
}

func open(f *os.File, options ...parquet.FileOption) (*parquet.File, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, unreadable(err)
	}
	p, err := parquet.OpenFile(f, info.Size(), options...)
	if err != nil {
		return nil, unreadable(err)
	}
	return p, nil
}

func unreadable(err error) error {
	return fault.Wrap(err, fault.Internal, "not a whole Parquet file, or it cannot be read")
}

// ColumnBytes reads from a file's footer how large each column is, compressed, as it
// lies in the file.
func ColumnBytes(path string) (map[string]int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(err)
	}
	defer func() { _ = f.Close() }() // only read
	p, err := open(f, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, err
	}
	sizes := map[string]int64{}
	for _, group := range p.Metadata().RowGroups {
		for i := range group.Columns {
			meta := &group.Columns[i].MetaData
			sizes[strings.Join(meta.PathInSchema, ".")] += meta.TotalCompressedSize
		}
	}
	return sizes, nil
}
