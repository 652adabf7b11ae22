package wal

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
	"slices"

	"loch/shared/event"
)

// Why a body cannot be decoded. A frame's checksum is proved first, so either
// means a mistake in a program and not in a disk.
var (
	errShort = errors.New("the parcel ends too early")
	errLong  = errors.New("the parcel is followed by further bytes")
)

// decoder takes values off the front of a body. The first failure empties the
// body and sticks, so that callers check once at the end.
type decoder struct {
	body string
	err  error
}

// decodeParcel reads the body of a frame whose rows have the given columns.
// Every text of the parcel is a part of body and costs no allocation.
func decodeParcel(body string, columns layout) (*event.Parcel, error) {
	d := decoder{body: body}
	p := &event.Parcel{Receipt: d.receipt()}
	rows, rejected := d.uvarint(), d.uvarint()

	// The counts are believed only as far as the bytes that follow could bear
	// them: a real row takes far more than 64 bytes, a rejected input more
	// than 16. What is not reserved now, append finds room for.
	if rows > 0 && d.err == nil {
		p.Rows = make([]event.Row, 0, min(rows, uint64(len(d.body)/64+1)))
	}
	for i := uint64(0); i < rows && d.err == nil; i++ {
		p.Rows = slices.Grow(p.Rows, 1)
		p.Rows = p.Rows[:len(p.Rows)+1]
		d.row(&p.Rows[len(p.Rows)-1], columns)
	}
	if rejected > 0 && d.err == nil {
		p.Rejected = make([]event.Rejected, 0, min(rejected, uint64(len(d.body)/16+1)))
	}
	for i := uint64(0); i < rejected && d.err == nil; i++ {
		p.Rejected = append(p.Rejected, d.rejected())
	}
	if d.err == nil && len(d.body) > 0 {
		d.err = errLong
	}
	if d.err != nil {
		return nil, d.err
	}
	return p, nil
}

// counts reads how much a parcel holds without decoding it, for the walk over
// a whole log at the start.
func counts(body []byte) (rows, rejected int64, err error) {
	// The front is enough unless the request id is enormous; the whole body
	// can be megabytes, which need not be copied.
	for _, n := range []int{min(len(body), 512), len(body)} {
		d := decoder{body: string(body[:n])}
		d.receipt()
		rows, rejected = int64(d.uvarint()), int64(d.uvarint())
		if err = d.err; err == nil && rows >= 0 && rejected >= 0 {
			return rows, rejected, nil
		}
	}
	return 0, 0, errShort
}

func (d *decoder) receipt() event.Receipt {
	return event.Receipt{
		RequestID:      d.text(),
		ReceivedTimeMS: d.varint(),
		Received:       int(d.uvarint()),
	}
}

// row fills r, which is zero, with the columns whose bits are set.
func (d *decoder) row(r *event.Row, columns layout) {
	bitmap := d.take(bitmapBytes(len(columns.fields)))
	columns.setNull(r)
	for at := range len(bitmap) {
		for b := bitmap[at]; b != 0; b &= b - 1 {
			i := at<<3 + bits.TrailingZeros8(b)
			if i >= len(columns.fields) {
				d.fail()
				return
			}
			c := columns.fields[i]
			switch {
			case c.Str != nil:
				*c.Str(r) = d.text()
			case c.Num != nil:
				*c.Num(r) = d.varint()
			case c.Flt != nil:
				*c.Flt(r) = d.float()
			default:
				*c.Flag(r) = true
			}
		}
	}
}

func (d *decoder) rejected() event.Rejected {
	r := event.Rejected{
		Project:        d.text(),
		ReceivedTimeMS: d.varint(),
		Protocol:       d.text(),
		RequestID:      d.text(),
		BatchIndex:     d.varint(),
		Reason:         event.Reason(d.text()),
		Field:          d.text(),
		PayloadBytes:   d.varint(),
	}
	if sealed := d.text(); sealed != "" {
		r.Sealed = []byte(sealed)
	}
	return r
}

func (d *decoder) fail() {
	d.body, d.err = "", errShort
}

func (d *decoder) take(n int) string {
	if n > len(d.body) {
		d.fail()
		return ""
	}
	s := d.body[:n]
	d.body = d.body[n:]
	return s
}

func (d *decoder) text() string {
	n := d.uvarint()
	if n > uint64(len(d.body)) {
		d.fail()
		return ""
	}
	s := d.body[:n]
	d.body = d.body[n:]
	return s
}

func (d *decoder) varint() int64 {
	u := d.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// uvarint is written out because the one of encoding/binary wants a []byte.
func (d *decoder) uvarint() uint64 {
	if len(d.body) > 0 && d.body[0] < 0x80 {
		u := uint64(d.body[0])
		d.body = d.body[1:]
		return u
	}
	var u uint64
	for i := range min(len(d.body), binary.MaxVarintLen64) {
		b := d.body[i]
		if b < 0x80 {
			if i == binary.MaxVarintLen64-1 && b > 1 {
				break // more than 64 bits
			}
			d.body = d.body[i+1:]
			return u | uint64(b)<<(7*i)
		}
		u |= uint64(b&0x7f) << (7 * i)
	}
	d.fail()
	return 0
}

func (d *decoder) float() float64 {
	s := d.take(8)
	if len(s) < 8 {
		return 0
	}
	var u uint64
	for i := range 8 {
		u |= uint64(s[i]) << (8 * i)
	}
	return math.Float64frombits(u)
}
