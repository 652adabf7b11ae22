package duckdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"loch/infra/local/lake"
	"loch/infra/local/parquet"
	"loch/infra/local/wal"
	"loch/shared/event"
	"loch/shared/fault"
)

// hot brings the events that are in the log only to where a worker can read
// them: into small Parquet files, one piece of a segment each. They are written
// when a statement asks and hold what came since the last one did, so a server
// that nobody asks anything does nothing.
type hot struct {
	lake *lake.Lake
	log  *wal.Log // may be nil
	dir  string

	mu       sync.Mutex
	segments map[uint64]*hotSegment
	files    int // files made so far, for their names
	closed   bool

	between func() // called between the two looks of freeze; for tests
}

// hotSegment is a segment of the log, as far as it was written to files.
type hotSegment struct {
	seq    uint64
	next   int64 // where in the segment to go on
	pieces []*piece
}

// piece is a stretch of a segment, as files.
type piece struct {
	from       int64
	rows       int64
	events     string // "" when there are none
	rejected   string // "" when there are none
	readers    int
	superseded bool // to be removed once nobody reads it
}

// mergePieces is how many pieces of a segment there may be before they are
// written again as fewer.
const mergePieces = 6

// attempts bounds how often a moment is tried for. Each try fails only because
// a segment was rolled over just then.
const attempts = 20

func newHot(l *lake.Lake, w *wal.Log, dir string) *hot {
	return &hot{lake: l, log: w, dir: dir, segments: map[uint64]*hotSegment{}}
}

// moment is what there is to read at one moment: each event that was
// acknowledged before is in it, exactly once per time that it was received.
type moment struct {
	hot      *hot
	snapshot *lake.Snapshot
	pieces   []*piece
}

// freeze takes a moment. Whoever does releases it.
//
// The log is listed first and the lake pinned second. An event is acknowledged
// when it is in the log, so it is in a segment of the list, or was rolled over
// before the list was made. Of the segments in the list, those up to
// snapshot.Rolled are in the lake and left out; the others are read from the
// log. One of these may be rolled over and removed before it is read: then all
// is tried again. Read before or after its removal from the log, it is never
// seen twice, because it is the snapshot alone that says where it counts.
func (h *hot) freeze(ctx context.Context) (*moment, error) {
	for range attempts {
		if err := ctx.Err(); err != nil {
			return nil, ranOut(ctx, timeoutWords)
		}
		var segments []wal.Segment
		if h.log != nil {
			segments = h.log.Segments()
		}
		if h.between != nil {
			h.between()
		}
		m := &moment{hot: h, snapshot: h.lake.Snapshot()}
		err := m.load(ctx, segments)
		if err == nil {
			return m, nil
		}
		m.release()
		if !errors.Is(err, wal.ErrGone) {
			return nil, err
		}
	}
	return nil, fault.New(fault.Unavailable, "the log is rolled over faster than it can be read; send the statement again")
}

// load writes what is new in the segments that the lake does not hold, and pins
// their pieces.
func (m *moment) load(ctx context.Context, segments []wal.Segment) error {
	h := m.hot
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return fault.New(fault.Unavailable, "the SQL engine is closed")
	}
	h.forget(m.snapshot.Rolled)
	for _, s := range segments {
		if s.Seq <= m.snapshot.Rolled || s.Parcels == 0 {
			continue
		}
		seg := h.segments[s.Seq]
		if seg == nil {
			seg = &hotSegment{seq: s.Seq}
			h.segments[s.Seq] = seg
		}
		if s.Bytes > seg.next {
			if err := h.extend(ctx, seg); err != nil {
				return err
			}
		}
		for _, p := range seg.pieces {
			p.readers++
			m.pieces = append(m.pieces, p)
		}
	}
	return nil
}

// extend writes what a segment holds beyond its pieces. When there are many, the
// last few are written again with it, as one: each row is so written a few
// times at most, and a statement opens a few files only.
func (h *hot) extend(ctx context.Context, seg *hotSegment) error {
	keep := len(seg.pieces)
	if keep >= mergePieces {
		keep--
		for keep > 0 && seg.pieces[keep-1].rows <= 4*seg.pieces[keep].rows {
			keep--
		}
	}
	from := seg.next
	if keep < len(seg.pieces) {
		from = seg.pieces[keep].from
	}
	p, next, err := h.write(ctx, seg.seq, from)
	if err != nil {
		return err
	}
	for _, old := range seg.pieces[keep:] {
		old.superseded = true
		old.removeIfUnread()
	}
	seg.pieces = append(seg.pieces[:keep:keep], p)
	seg.next = next
	return nil
}

// write writes a stretch of a segment to new files, up to the segment's end.
func (h *hot) write(ctx context.Context, seq uint64, from int64) (p *piece, next int64, err error) {
	h.files++
	p = &piece{from: from}
	rows := pieceFile[event.Row]{path: h.path(seq, "events"), create: parquet.CreateEvents}
	rejected := pieceFile[event.Rejected]{path: h.path(seq, "rejected"), create: parquet.CreateRejected}
	next, err = h.log.Read(seq, from, func(parcel *event.Parcel) error {
		if err := ctx.Err(); err != nil {
			return ranOut(ctx, timeoutWords)
		}
		for i := range parcel.Rejected {
			parcel.Rejected[i].Sealed = nil // no relation shows it
		}
		return errors.Join(rows.write(parcel.Rows), rejected.write(parcel.Rejected))
	})
	err = errors.Join(err, rows.close(err != nil), rejected.close(err != nil))
	if err != nil {
		p.events, p.rejected = rows.made, rejected.made
		p.remove()
		return nil, 0, err
	}
	p.rows, p.events, p.rejected = rows.rows, rows.made, rejected.made
	return p, next, nil
}

func (h *hot) path(seq uint64, kind string) string {
	return filepath.Join(h.dir, fmt.Sprintf("%020d-%d-%s.parquet", seq, h.files, kind))
}

// pieceFile is a file that is made when there is something to write to it.
type pieceFile[T any] struct {
	path   string
	create func(string) (*parquet.Writer[T], error)
	out    *parquet.Writer[T]
	made   string
	rows   int64
}

func (f *pieceFile[T]) write(rows []T) (err error) {
	if len(rows) == 0 {
		return nil
	}
	if f.out == nil {
		if f.out, err = f.create(f.path); err != nil {
			return err
		}
	}
	f.rows += int64(len(rows))
	return f.out.Write(rows)
}

func (f *pieceFile[T]) close(failed bool) error {
	if f.out == nil {
		return nil
	}
	if failed {
		f.out.Abort()
		return nil
	}
	f.made = f.path
	return f.out.Close()
}

// forget drops the pieces of segments that are in the lake. h.mu is held.
func (h *hot) forget(rolled uint64) {
	for seq, seg := range h.segments {
		if seq > rolled {
			continue
		}
		for _, p := range seg.pieces {
			p.superseded = true
			p.removeIfUnread()
		}
		delete(h.segments, seq)
	}
}

func (p *piece) removeIfUnread() {
	if p.superseded && p.readers == 0 {
		p.remove()
	}
}

// remove deletes a piece's files. One that cannot be deleted is left to the next
// start, which empties the folder.
func (p *piece) remove() {
	for _, path := range []string{p.events, p.rejected} {
		if path != "" {
			_ = os.Remove(path)
		}
	}
}

// release lets go of the files. It may be called once.
func (m *moment) release() {
	m.hot.mu.Lock()
	for _, p := range m.pieces {
		p.readers--
		p.removeIfUnread()
	}
	m.hot.mu.Unlock()
	m.snapshot.Release()
}

// close removes all pieces. Statements that still read them fail.
func (h *hot) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, seg := range h.segments {
		for _, p := range seg.pieces {
			p.remove()
		}
	}
	h.segments = map[uint64]*hotSegment{}
}
