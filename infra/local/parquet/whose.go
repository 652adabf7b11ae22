package parquet

import (
	"io"
	"os"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/bloom"

	"loch/shared/fault"
)

// Whose is what a file of events tells about whose events it holds, without
// reading any: of each row group the bounds and the Bloom filter of the two
// columns that name somebody. It takes some 200 bytes a row group, so that a
// caller can keep it for every file of a lake; files never change.
type Whose struct {
	path   string
	groups []whoseGroup
}

type whoseGroup struct {
	user, device whoseColumn
	anonymous    bool // it may have rows without a user
}

// whoseColumn is one column of a row group. Bounds that are not known admit
// everybody.
type whoseColumn struct {
	empty         bool // nothing but nulls
	bounded       bool
	least, most   string
	filter, bytes int64 // where in the file the Bloom filter's bits are; 0 bytes for none
}

// ReadWhose reads the footer of a file.
func ReadWhose(path string) (*Whose, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(err)
	}
	defer func() { _ = f.Close() }() // only read
	p, err := open(f, parquet.SkipPageIndex(true))
	if err != nil {
		return nil, err
	}
	user, ok1 := p.Schema().Lookup("user_id")
	device, ok2 := p.Schema().Lookup("device_id")
	if !ok1 || !ok2 {
		return nil, fault.New(fault.Internal, "a file of events lacks the columns that say whose they are")
	}
	w := &Whose{path: path}
	counts := countsNulls(p.Metadata().CreatedBy)
	for _, group := range p.RowGroups() {
		chunks := group.ColumnChunks()
		users, _ := chunks[user.ColumnIndex].(*parquet.FileColumnChunk)
		devices, _ := chunks[device.ColumnIndex].(*parquet.FileColumnChunk)
		if users == nil || devices == nil {
			return nil, fault.New(fault.Internal, "a Parquet file's columns cannot be looked at")
		}
		w.groups = append(w.groups, whoseGroup{
			user: whoseOf(users, counts), device: whoseOf(devices, counts),
			// Not every writer counts nulls; one that says nothing says 0.
			anonymous: users.NullCount() > 0 || !counts,
		})
	}
	return w, nil
}

// countsNulls tells the writers that are known to count the nulls of a column.
func countsNulls(createdBy string) bool {
	return strings.HasPrefix(createdBy, "DuckDB") || strings.HasPrefix(createdBy, "loch")
}

func whoseOf(c *parquet.FileColumnChunk, counts bool) (w whoseColumn) {
	w.empty = counts && c.NullCount() == c.NumValues()
	if least, most, ok := c.Bounds(); ok {
		w.bounded, w.least, w.most = true, string(least.ByteArray()), string(most.ByteArray())
	}
	if filter, ok := c.BloomFilter().(*parquet.FileBloomFilter); ok && filter != nil {
		_, w.filter, w.bytes = filter.Outer()
	}
	return w
}

// Groups are the row groups that may hold events of somebody with one of the ids:
// rows of that user, or of that device where there is no user. Mostly there are
// none, which costs a few reads of 32 bytes.
func (w *Whose) Groups(ids []string) (numbers []int, err error) {
	f, err := os.Open(w.path)
	if err != nil {
		return nil, unreadable(err)
	}
	defer func() { _ = f.Close() }() // only read
	for n := range w.groups {
		g := &w.groups[n]
		for _, id := range ids {
			may, err := g.user.may(f, id)
			if err == nil && !may && g.anonymous {
				may, err = g.device.may(f, id)
			}
			if err != nil {
				return nil, unreadable(err)
			}
			if may {
				numbers = append(numbers, n)
				break
			}
		}
	}
	return numbers, nil
}

// may says whether a column may hold an id. A Bloom filter is asked with one read
// of 32 bytes.
func (c *whoseColumn) may(f io.ReaderAt, id string) (bool, error) {
	if c.empty || c.bounded && (id < c.least || id > c.most) {
		return false, nil
	}
	if c.bytes == 0 {
		return true, nil
	}
	return bloom.CheckSplitBlock(io.NewSectionReader(f, c.filter, c.bytes), c.bytes, bloom.XXH64{}.Sum64([]byte(id)))
}
