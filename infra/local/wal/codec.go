package wal

import (
	"encoding/binary"
	"math"

	"loch/shared/event"
)

// The body of a frame is one parcel:
//
//	receipt   request id (text), received time (zigzag), received (uvarint)
//	counts    rows (uvarint), rejected (uvarint)
//	rows      for each: a bitmap with one bit a column, then the values of
//	          the set columns in order
//	rejected  for each: its fields in order
//
// A text is its length (uvarint) and its bytes, as they are: invalid UTF-8
// passes through. A float is 8 bytes. A bool has no bytes, since its bit says
// it all. A column whose value is the zero value (NaN for a float that may be
// null) has its bit clear and costs nothing more, which is what most columns
// of most rows do.
//
// Which columns a bitmap speaks of is written once, in the header of the file
// (header.go), by name. So columns may be added anywhere in event.Columns.

// appendParcel appends the body of a frame. It makes no copy of any value and
// allocates only when dst is too small.
func appendParcel(dst []byte, columns []event.Column, p *event.Parcel) []byte {
	dst = appendText(dst, p.Receipt.RequestID)
	dst = binary.AppendVarint(dst, p.Receipt.ReceivedTimeMS)
	dst = binary.AppendUvarint(dst, uint64(p.Receipt.Received))
	dst = binary.AppendUvarint(dst, uint64(len(p.Rows)))
	dst = binary.AppendUvarint(dst, uint64(len(p.Rejected)))
	for i := range p.Rows {
		dst = appendRow(dst, columns, &p.Rows[i])
	}
	for i := range p.Rejected {
		dst = appendRejected(dst, &p.Rejected[i])
	}
	return dst
}

func appendRow(dst []byte, columns []event.Column, r *event.Row) []byte {
	bitmap := len(dst)
	for range bitmapBytes(len(columns)) {
		dst = append(dst, 0)
	}
	for i := range columns {
		c := &columns[i]
		switch {
		case c.Str != nil:
			s := *c.Str(r)
			if s == "" {
				continue
			}
			dst = appendText(dst, s)
		case c.Num != nil:
			n := *c.Num(r)
			if n == 0 {
				continue
			}
			dst = binary.AppendVarint(dst, n)
		case c.Flt != nil:
			f := *c.Flt(r)
			if isAbsent(f, c.Nullable) {
				continue
			}
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(f))
		default:
			if !*c.Flag(r) {
				continue
			}
		}
		dst[bitmap+i>>3] |= 1 << (i & 7)
	}
	return dst
}

// isAbsent tells whether a float needs no bytes: NaN where NaN is the null,
// and else plus zero (minus zero is kept).
func isAbsent(f float64, nullable bool) bool {
	if nullable {
		return math.IsNaN(f)
	}
	return math.Float64bits(f) == 0
}

func bitmapBytes(columns int) int { return (columns + 7) / 8 }

func appendRejected(dst []byte, r *event.Rejected) []byte {
	dst = appendText(dst, r.Project)
	dst = binary.AppendVarint(dst, r.ReceivedTimeMS)
	dst = appendText(dst, r.Protocol)
	dst = appendText(dst, r.RequestID)
	dst = binary.AppendVarint(dst, r.BatchIndex)
	dst = appendText(dst, string(r.Reason))
	dst = appendText(dst, r.Field)
	dst = binary.AppendVarint(dst, r.PayloadBytes)
	dst = binary.AppendUvarint(dst, uint64(len(r.Sealed)))
	return append(dst, r.Sealed...)
}

func appendText(dst []byte, s string) []byte {
	// Nearly every text is shorter than 128 bytes, so that its length is one
	// byte; asking first is faster than the general loop.
	if len(s) < 0x80 {
		dst = append(dst, byte(len(s)))
	} else {
		dst = binary.AppendUvarint(dst, uint64(len(s)))
	}
	return append(dst, s...)
}
