package firehose

import (
	"sync"

	"loch/shared/event"
	"loch/shared/event/rowjson"
	"loch/shared/fault"
)

// The limits of PutRecordBatch are 500 records, 1000 KB each before base64, and
// 4 MB for the call. KB may mean 1000 bytes or 1024, and the call's 4 MB may count
// base64 or not. These stay below by every reading.
const (
	maxRecords     = 500
	maxRecordBytes = 195 * billedStep // 998 400
	maxCallBytes   = 4_000_000        // as sent, base64 and all
)

// billedStep is what each record is rounded up to on the bill.
const billedStep = 5 << 10

// billed is what a record of n bytes costs as.
func billed(n int) int { return (n + billedStep - 1) / billedStep * billedStep }

// pack collects documents, and cuts them into records without copying them.
type pack struct {
	buf  []byte
	ends []int // of the documents in buf
}

var packs = sync.Pool{New: func() any { return &pack{} }}

// A buffer up to keepBytes goes back to the pool: a request of 2000 events.
const keepBytes = 8 << 20

func (p *pack) release() {
	if cap(p.buf) > keepBytes {
		p.buf = nil
	}
	p.buf, p.ends = p.buf[:0], p.ends[:0]
	packs.Put(p)
}

// end closes the document that was appended to buf.
func (p *pack) end() error {
	start := 0
	if len(p.ends) > 0 {
		start = p.ends[len(p.ends)-1]
	}
	if n := len(p.buf) - start; n > maxRecordBytes {
		return fault.Newf(fault.TooLarge, "an event takes %d bytes, and a record of the stream %d at most; nothing was kept", n, maxRecordBytes)
	}
	p.ends = append(p.ends, len(p.buf))
	return nil
}

func (p *pack) addRows(parcel *event.Parcel) error {
	for i := range parcel.Rows {
		p.buf = rowjson.AppendRow(p.buf, &parcel.Rows[i])
		if err := p.end(); err != nil {
			return err
		}
	}
	return nil
}

// Fits tells whether a row fits into a record. Ingestion asks before it takes an
// event, so that one that does not is rejected with its reason. What a row still
// gets after that has room: an insert id, a flag, the ids of a merge.
func Fits(r *event.Row) bool {
	const most = maxRecordBytes - 64<<10
	return rowjson.RowBound(r) <= most || len(rowjson.AppendRow(nil, r)) <= most
}

// lookBack is how many documents a record may go without, so that it ends near a
// step of the bill.
const lookBack = 16

// records cuts the documents into records: as few as can be, since each is rounded
// up, and each that has another behind it ends where least is rounded.
func (p *pack) records() [][]byte {
	var list [][]byte
	for first, start := 0, 0; first < len(p.ends); {
		last := first
		for last+1 < len(p.ends) && p.ends[last+1]-start <= maxRecordBytes {
			last++
		}
		if last+1 < len(p.ends) {
			best := last
			for i := last - 1; i > max(first, last-lookBack); i-- {
				if rounding(p.ends[i]-start) < rounding(p.ends[best]-start) {
					best = i
				}
			}
			last = best
		}
		list = append(list, p.buf[start:p.ends[last]:p.ends[last]])
		first, start = last+1, p.ends[last]
	}
	return list
}

func rounding(n int) int { return billed(n) - n }

// batch returns how many of the records go into the next call.
func batch(records [][]byte) int {
	const frame, around = len(`{"Data":""},`), 256 // the call's other members
	n, size := 0, around
	for n < len(records) && n < maxRecords {
		size += (len(records[n])+2)/3*4 + frame
		if size > maxCallBytes {
			break
		}
		n++
	}
	return n
}
