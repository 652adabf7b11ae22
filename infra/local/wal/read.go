package wal

import (
	"errors"
	"io"
	"os"

	"loch/shared/event"
)

// Read calls fn with each durable parcel of a segment from offset from on, in
// the order in which they were written; from 0 means the first. It returns the
// offset to go on from later, which is worthwhile until a segment is closed.
// Parcels that are added while Read runs are left for the next call.
//
// A parcel belongs to fn, which may keep it; all its texts share the memory of
// one. When fn returns an error, Read stops and returns it as it is, and next
// is the offset of that same parcel.
//
// The error is ErrGone when the segment has been removed, and has ErrCorrupt in
// its chain when the file is damaged.
func (l *Log) Read(seq uint64, from int64, fn func(*event.Parcel) error) (next int64, err error) {
	seg, end, err := l.readable(seq)
	if err != nil {
		return from, err
	}
	if from == 0 {
		from = seg.header.size
	}
	if from < seg.header.size || from > end {
		return from, errNoSuchOffset
	}
	if from == end {
		return from, nil
	}
	file, err := l.dir.open(fileName(seq))
	if errors.Is(err, os.ErrNotExist) {
		return from, ErrGone // removed since we asked
	}
	if err != nil {
		return from, unreadable(err)
	}
	// Nothing was written to the file, so closing it cannot fail in a way that
	// matters.
	defer func() { _ = file.Close() }()

	f := frames{file: file, salt: seg.header.crc, at: from, end: end}
	for {
		at := f.at
		_, body, err := f.next()
		if errors.Is(err, io.EOF) {
			return at, nil
		}
		if d, ok := errors.AsType[*damage](err); ok {
			return at, corrupt(fileName(seq), d)
		}
		if err != nil {
			return at, unreadable(err)
		}
		p, err := decodeParcel(string(body), seg.layout)
		if err != nil {
			return at, corrupt(fileName(seq), &damage{at, err})
		}
		if err := fn(p); err != nil {
			return at, err
		}
	}
}

// readable returns a segment and where its durable part ends.
func (l *Log) readable(seq uint64) (*segment, int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, 0, errClosed
	}
	i, ok := l.find(seq)
	if !ok {
		return nil, 0, ErrGone
	}
	return l.segments[i], l.segments[i].Bytes, nil
}
