package wal

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"loch/shared/event"
)

// segment is a Segment with what is needed to read it. The embedded counters
// are guarded by Log.mu and changed by the leader only.
type segment struct {
	Segment
	header header
	layout layout
}

const (
	suffix = ".wal"
	making = "next.tmp" // a segment before it has its name
)

func fileName(seq uint64) string { return fmt.Sprintf("%020d%s", seq, suffix) }

// parseName returns the number of a segment's file.
func parseName(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	if !ok || len(digits) != 20 {
		return 0, false
	}
	seq, err := strconv.ParseUint(digits, 10, 64)
	return seq, err == nil && seq > 0
}

// find returns the place of a segment in the list. The caller holds l.mu.
func (l *Log) find(seq uint64) (int, bool) {
	return slices.BinarySearchFunc(l.segments, seq, func(s *segment, seq uint64) int {
		switch {
		case s.Seq < seq:
			return -1
		case s.Seq > seq:
			return 1
		default:
			return 0
		}
	})
}

// last returns the segment that parcels are added to, or nil when a full disk
// has not let any be made.
func (l *Log) last() *segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.segments) == 0 {
		return nil
	}
	return l.segments[len(l.segments)-1]
}

// startSegment makes the next segment, durably, and then closes the one before.
// A segment without parcels is replaced and not followed, so that every closed
// segment holds something. Only the leader calls it.
func (l *Log) startSegment() error {
	before := l.last()
	replace := before != nil && before.Parcels == 0
	if replace {
		before = l.lastButOne()
	}
	h := header{seq: l.floor, openedAt: l.now(), columns: storedColumns(event.Columns)}
	if before != nil {
		h.seq = max(h.seq, before.Seq+1)
		h.prevSeq, h.prevEnd = before.Seq, before.Bytes
	}
	columns, err := layoutOf(h.columns, event.Columns)
	if err != nil {
		return err
	}
	f, err := l.makeSegment(&h)
	if err != nil {
		return err
	}

	next := &segment{header: h, layout: columns}
	next.Seq, next.Bytes, next.OpenedAt = h.seq, h.size, h.openedAt
	l.active, l.floor = f, h.seq

	l.mu.Lock()
	defer l.mu.Unlock()
	if replace {
		l.segments = l.segments[:len(l.segments)-1]
	}
	if before != nil {
		before.Closed = true
	}
	l.segments = append(l.segments, next)
	return nil
}

func (l *Log) lastButOne() *segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.segments) < 2 {
		return nil
	}
	return l.segments[len(l.segments)-2]
}

// makeSegment writes a file that holds a header only. The file gets its name
// once it is durable, so that a crash leaves no half of one.
//
// From the moment the new file may have its name, the old one must not grow:
// the new header says where it ends. So the old file is let go first, even if
// what follows fails and has to be tried again.
func (l *Log) makeSegment(h *header) (file, error) {
	f, err := l.dir.create(making)
	if err != nil {
		return nil, err
	}
	n, err := f.WriteAt(h.encode(), 0)
	if err == nil && int64(n) < h.size {
		err = io.ErrShortWrite
	}
	if err == nil && !l.noSync {
		err = f.sync()
	}
	if err == nil {
		l.dropActive()
		err = l.dir.rename(making, fileName(h.seq))
	}
	if err == nil && !l.noSync {
		err = l.dir.sync()
	}
	if err != nil {
		// The file is of no use. If it cannot be removed, the next attempt
		// writes over it.
		_ = f.Close()
		_ = l.dir.remove(making)
		return nil, err
	}
	return f, nil
}

// dropActive lets go of the open file. Everything that was promised is durable
// already, so an error of closing it has nothing left to tell.
func (l *Log) dropActive() {
	if l.active != nil {
		_ = l.active.Close()
		l.active = nil
	}
}

func (l *Log) rotate() error {
	if last := l.last(); last == nil || last.Parcels == 0 {
		return nil
	}
	if err := l.startSegment(); err != nil {
		return unwritable(err)
	}
	return nil
}

func (l *Log) closeActive() error {
	if l.active == nil {
		return nil
	}
	err := l.active.Close()
	l.active = nil
	if err != nil {
		return unwritable(err)
	}
	return nil
}
