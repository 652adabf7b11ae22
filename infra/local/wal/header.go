package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"time"

	"loch/shared/event"
)

// A file begins with a header, little-endian:
//
//	 0  8  the magic bytes, the last of which is the version of the format
//	 8  4  length of the header
//	12  4  CRC-32C of everything else in the header
//	16  8  number of this segment
//	24  8  number of the segment that was written before it, or 0
//	32  8  where that one ends: what follows there was never acknowledged
//	40  8  when this one was opened, milliseconds since 1970
//	48  …  the columns: how many (uvarint), then class (1 byte) and name each
//
// The fields about the segment before are what lets Open tell lost data from
// litter. If the disk refuses to cut a half-written tail off a file, the log
// goes on in the next one, and the next one's header says where to stop.
const (
	magic       = "LOCHWAL\x01"
	fixedHeader = 48
	maxHeader   = 1 << 16
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type header struct {
	seq      uint64
	prevSeq  uint64
	prevEnd  int64
	openedAt time.Time
	columns  []storedColumn

	size int64  // of the header itself
	crc  uint32 // goes into the checksum of each frame, so that no frame of another file fits
}

// storedColumn is a column as a file knows it. The class is how its value is
// encoded, so that Text may become JSON, or Int Time, without a new format.
type storedColumn struct {
	class byte
	name  string
}

func classOf(c event.Column) byte {
	switch {
	case c.Str != nil:
		return 's'
	case c.Num != nil:
		return 'n'
	case c.Flt != nil:
		return 'f'
	default:
		return 'b'
	}
}

func storedColumns(columns []event.Column) []storedColumn {
	stored := make([]storedColumn, len(columns))
	for i, c := range columns {
		stored[i] = storedColumn{classOf(c), c.Name}
	}
	return stored
}

// encode returns the header's bytes and sets size and crc.
func (h *header) encode() []byte {
	b := make([]byte, fixedHeader, 1024)
	copy(b, magic)
	binary.LittleEndian.PutUint64(b[16:], h.seq)
	binary.LittleEndian.PutUint64(b[24:], h.prevSeq)
	binary.LittleEndian.PutUint64(b[32:], uint64(h.prevEnd))
	binary.LittleEndian.PutUint64(b[40:], uint64(h.openedAt.UnixMilli()))
	b = binary.AppendUvarint(b, uint64(len(h.columns)))
	for _, c := range h.columns {
		b = append(b, c.class)
		b = appendText(b, c.name)
	}
	binary.LittleEndian.PutUint32(b[8:], uint32(len(b)))
	h.size, h.crc = int64(len(b)), headerSum(b)
	binary.LittleEndian.PutUint32(b[12:], h.crc)
	return b
}

func headerSum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:12], castagnoli), castagnoli, b[16:])
}

// Why a header cannot be used.
var (
	errNoHeader  = errors.New("it ends before its header does")
	errNotALog   = errors.New("it does not begin like a file of the log")
	errFormat    = errors.New("it was written by another version of Loch, whose format this one cannot read")
	errHeaderSum = errors.New("the checksum of its header does not match")
	errColumns   = errors.New("its list of columns cannot be read")
)

// decodeHeader reads a header from the front of b.
func decodeHeader(b []byte) (header, error) {
	switch n := len(magic) - 1; {
	case len(b) < n || string(b[:n]) != magic[:n]:
		return header{}, errNotALog
	case len(b) < fixedHeader:
		return header{}, errNoHeader
	case b[n] != magic[n]:
		return header{}, errFormat
	}
	size := binary.LittleEndian.Uint32(b[8:])
	if size <= fixedHeader || int64(size) > int64(len(b)) {
		return header{}, errHeaderSum
	}
	b = b[:size]
	h := header{
		seq:      binary.LittleEndian.Uint64(b[16:]),
		prevSeq:  binary.LittleEndian.Uint64(b[24:]),
		prevEnd:  int64(binary.LittleEndian.Uint64(b[32:])),
		openedAt: time.UnixMilli(int64(binary.LittleEndian.Uint64(b[40:]))),
		size:     int64(size),
		crc:      binary.LittleEndian.Uint32(b[12:]),
	}
	if headerSum(b) != h.crc {
		return header{}, errHeaderSum
	}
	d := decoder{body: string(b[fixedHeader:])}
	n := d.uvarint()
	for i := uint64(0); i < n && d.err == nil; i++ {
		class := d.take(1)
		if d.err == nil {
			h.columns = append(h.columns, storedColumn{class[0], d.text()})
		}
	}
	if d.err != nil || len(d.body) > 0 || n == 0 {
		return header{}, errColumns
	}
	return h, nil
}

// layout maps the columns of a file to fields of event.Row.
type layout struct {
	fields []event.Column              // in the order of the file
	nan    []func(*event.Row) *float64 // set to null first, since their zero is a value
}

// layoutOf finds the fields for a file's columns. A column that this program
// has and the file has not is null. The reverse is refused: a parcel that was
// acknowledged with a value must not lose it on the way to the lake.
func layoutOf(stored []storedColumn, columns []event.Column) (layout, error) {
	byName := make(map[string]event.Column, len(columns))
	var l layout
	for _, c := range columns {
		byName[c.Name] = c
		if c.Flt != nil && c.Nullable {
			l.nan = append(l.nan, c.Flt)
		}
	}
	for _, s := range stored {
		c, ok := byName[s.name]
		if !ok {
			return layout{}, fmt.Errorf("it has a column %.64q that this version of Loch does not know", s.name)
		}
		if classOf(c) != s.class {
			return layout{}, fmt.Errorf("its column %q is of a type that this version of Loch has changed", s.name)
		}
		l.fields = append(l.fields, c)
	}
	return l, nil
}

// setNull makes r the row of which nothing is known.
func (l layout) setNull(r *event.Row) {
	for _, flt := range l.nan {
		*flt(r) = math.NaN()
	}
}
