package wal

import (
	"io"
	"slices"
	"sync"

	"loch/shared/event"
)

// Group commit. Whoever finds nobody leading leads: it takes what waits, writes
// it with one call, makes it durable with another, and wakes the others. If
// more callers came meanwhile, the first of them leads next. So there is no
// goroutine to start, to stop or to wait for, and a lone caller pays for no
// hand-over at all.

// request is one call that waits for its turn. It is pooled, with its buffer
// and its channel.
type request struct {
	kind           action
	frame          []byte // head, filled in by the leader, and body
	sum            uint32 // of the body
	rows, rejected int64
	err            error
	wake           chan signal // holds one, so that no leader ever waits
}

type action uint8

const (
	parcel action = iota
	rotation
	closing
)

type signal uint8

const (
	settled signal = iota // err is set
	lead                  // it is your turn to lead
)

var requests = sync.Pool{New: func() any { return &request{wake: make(chan signal, 1)} }}

// A buffer up to keepBytes goes back to the pool. A request of 2000 events of
// 1.3 KB needs 2.6 MB.
const keepBytes = 8 << 20

// groupBytes bounds what is written at a time, since the whole group waits for
// all of it. One frame may be larger.
const groupBytes = 8 << 20

func (r *request) release() {
	if cap(r.frame) > keepBytes {
		r.frame = nil
	}
	r.err = nil
	requests.Put(r)
}

// fill encodes the parcel. It is where the time goes, so it happens in the
// caller's goroutine and outside every lock, the checksum with it.
func (r *request) fill(p *event.Parcel) error {
	var room [frameHead]byte
	r.kind = parcel
	r.frame = appendParcel(append(r.frame[:0], room[:]...), event.Columns, p)
	if len(r.frame)-frameHead > maxBody {
		return errTooLarge
	}
	r.sum = bodySum(r.frame[frameHead:])
	r.rows, r.rejected = int64(len(p.Rows)), int64(len(p.Rejected))
	return nil
}

// control sends an order through the same queue as parcels, so that it never
// meets a group that is half done.
func (l *Log) control(a action) error {
	r := requests.Get().(*request)
	defer r.release()
	r.kind, r.frame = a, r.frame[:0]
	return l.submit(r)
}

// submit queues r and returns its outcome.
func (l *Log) submit(r *request) error {
	l.mu.Lock()
	if l.closed && r.kind != closing {
		l.mu.Unlock()
		return errClosed
	}
	l.queue = append(l.queue, r)
	first := !l.leading
	l.leading = true
	l.mu.Unlock()

	if first || <-r.wake == lead {
		l.lead()
	}
	return r.err
}

// lead settles one group, whose first request is the caller's own, and passes
// the lead on.
func (l *Log) lead() {
	l.mu.Lock()
	n, size := 0, 0
	for n < len(l.queue) && (n == 0 || size+len(l.queue[n].frame) <= groupBytes) {
		size += len(l.queue[n].frame)
		n++
	}
	l.taken = append(l.taken[:0], l.queue[:n]...)
	l.queue = slices.Delete(l.queue, 0, n)
	l.mu.Unlock()

	l.settle(l.taken, size)
	for _, r := range l.taken[1:] {
		r.wake <- settled
	}
	clear(l.taken) // woken requests belong to others

	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) > 0 {
		l.queue[0].wake <- lead
	} else {
		l.leading = false
	}
}

// settle sets the outcome of each request. Parcels come first: those that wait
// beside an order are on time for it.
func (l *Log) settle(group []*request, size int) {
	var err error
	if size > 0 {
		err = l.write(group, size)
	}
	for _, r := range group {
		switch r.kind {
		case parcel:
			r.err = err
		case rotation:
			r.err = l.rotate()
		case closing:
			r.err = l.closeActive()
		}
	}
}

// write makes the parcels of a group durable, or none of them.
func (l *Log) write(group []*request, size int) error {
	if l.active == nil || l.last().Bytes >= l.segmentBytes {
		if err := l.startSegment(); err != nil {
			return unwritable(err)
		}
	}
	seg := l.last()
	buf, added := l.join(group, size, seg)

	n, err := l.active.WriteAt(buf, seg.Bytes)
	if err == nil && n < len(buf) {
		err = io.ErrShortWrite
	}
	if err != nil {
		l.repair(seg.Bytes, true)
		return unwritable(err)
	}
	if err := l.syncActive(); err != nil {
		l.repair(seg.Bytes, false)
		return unwritable(err)
	}

	l.mu.Lock()
	defer l.mu.Unlock()
	if seg.Parcels == 0 {
		seg.OpenedAt = l.now()
	}
	seg.Bytes += int64(len(buf))
	seg.Parcels += added.Parcels
	seg.Rows += added.Rows
	seg.Rejected += added.Rejected
	return nil
}

// join stamps the frames of a group, puts them into one piece and counts them.
func (l *Log) join(group []*request, size int, seg *segment) (buf []byte, added Segment) {
	if cap(l.joined) > keepBytes {
		l.joined = nil
	}
	buf = l.joined[:0]
	if len(group) > 1 {
		buf = slices.Grow(buf, size)
	}
	at := seg.Bytes
	for _, r := range group {
		if r.kind != parcel {
			continue
		}
		stamp(r.frame, seg.header.crc, r.sum, seg.Bytes, at)
		at += int64(len(r.frame))
		added.Parcels++
		added.Rows += r.rows
		added.Rejected += r.rejected
		if len(r.frame) == size {
			return r.frame, added // a lone frame needs no copy
		}
		buf = append(buf, r.frame...)
	}
	l.joined = buf
	return buf, added
}

func (l *Log) syncActive() error {
	if l.noSync {
		return nil
	}
	return l.active.sync()
}

// repair undoes a failed write, so that what was refused stays refused, even
// after a crash: it cuts the file back to its durable end. When fsync has
// failed, the system may have dropped what it could not write and yet show it
// to readers, so the file is never written to again; and the same when it
// cannot be cut. The next segment's header then says where this one ends. If
// that one cannot be made either, the next write tries again.
func (l *Log) repair(end int64, trusted bool) {
	cut := l.active.truncate(end)
	if cut == nil && trusted && l.syncActive() == nil {
		return
	}
	l.dropActive()
	_ = l.startSegment() // its error is told to the next Put, which tries again
}
