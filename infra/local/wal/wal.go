// Package wal is the write-ahead log of one machine: the place where events
// become durable before the client is told that they are.
//
// A Log is a folder of numbered files, called segments. Put appends one parcel
// as one frame, so that all of it is kept or none. Callers that arrive while
// the disk is busy wait together, and one write and one fsync then serve them
// all. When a segment is full, or when Rotate says so, it is closed for good
// and the next begins. The roll-over reads closed segments, writes them to the
// lake as Parquet and removes them; queries read the parcels that are not in
// the lake yet, while Put goes on.
//
//	DATA/wal/00000000000000000041.wal   closed: waits for its roll-over
//	DATA/wal/00000000000000000042.wal   open: Put appends here
//
// What a crash leaves behind, Open sorts out. A torn tail, which nobody was
// promised, is cut off and reported. Damage to anything that was acknowledged
// is an error that names the file and the offset: the log never skips over it
// in silence. See header.go and frame.go for how the two are told apart.
package wal

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"time"

	"loch/infra/local/disk"
	"loch/shared/event"
)

// Options are the settings of a Log. The zero value is good.
type Options struct {
	// SegmentBytes is the size at which a segment is closed; 16 MiB when 0. A
	// group of parcels that is written together may overshoot it.
	SegmentBytes int64

	// NoSync leaves out every fsync. A crash of the machine then loses
	// acknowledged events: it is for benchmarks only.
	NoSync bool

	// Guard is asked before each Put, and may be nil.
	Guard *disk.Guard

	// Now is the clock that dates segments; time.Now when nil.
	Now func() time.Time

	// After is the highest segment that was ever rolled over, and new ones are
	// numbered above it. The folder alone cannot know when it has been emptied
	// by hand, and a number that comes back would look as if it were in the
	// lake already.
	After uint64
}

// Recovery says what Open found. A tail that was cut had never been
// acknowledged.
type Recovery struct {
	Segments   int    // that hold parcels
	Parcels    int    //
	CutSegment uint64 // whose tail was cut, the last one if there are several; 0 for none
	CutBytes   int64  // how many bytes were cut
}

// Segment is one file of the log. Bytes is where its durable part ends, and so
// an offset to read from later.
type Segment struct {
	Seq                     uint64
	Bytes                   int64
	Parcels, Rows, Rejected int64
	Closed                  bool      // nothing will be added
	OpenedAt                time.Time // when its first parcel came, or else when it was made
}

// Log is an open log. Its methods may be called from many goroutines, but only
// one process may have a folder open: the data folder's lock sees to that.
type Log struct {
	dir          folder
	guard        *disk.Guard
	now          func() time.Time
	segmentBytes int64
	noSync       bool

	mu       sync.Mutex
	segments []*segment // ascending; parcels are added to the last
	queue    []*request // what waits for the next group
	leading  bool       // somebody works on a group, and will see the queue
	closed   bool

	// The rest belongs to whoever leads.
	active file       // the last segment's file; nil when it must not be written to again
	floor  uint64     // the next segment has this number or a higher one
	taken  []*request // the group that is being worked on
	joined []byte     // its frames in one piece
}

const (
	defaultSegmentBytes = 16 << 20
	largestSegmentBytes = 1 << 30 // with the largest group on top, offsets still fit into 32 bits
)

// Open opens the log in dir, which it makes if it is not there, proves every
// checksum in it and makes it ready for Put. Errors are faults: Internal, with
// ErrCorrupt in their chain, when acknowledged data are damaged, and
// Unavailable when the folder cannot be used. A full disk is no error here;
// Put and Rotate will say so.
func Open(dir string, o Options) (*Log, Recovery, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, Recovery{}, unusable(err)
	}
	return open(osFolder(dir), o)
}

func open(dir folder, o Options) (*Log, Recovery, error) {
	l := &Log{
		dir:          dir,
		guard:        o.Guard,
		now:          o.Now,
		segmentBytes: o.SegmentBytes,
		noSync:       o.NoSync,
		floor:        o.After + 1,
	}
	if l.now == nil {
		l.now = time.Now
	}
	if l.segmentBytes <= 0 {
		l.segmentBytes = defaultSegmentBytes
	}
	l.segmentBytes = min(l.segmentBytes, largestSegmentBytes)

	found, litter, err := l.recover()
	if err != nil {
		return nil, Recovery{}, err
	}
	if err := l.startSegment(); err != nil && !isFull(err) {
		return nil, Recovery{}, unusable(err)
	}
	// Files without parcels are dropped last, so that the folder always holds
	// one file to count on from.
	for _, seq := range litter {
		if last := l.last(); last != nil && last.Seq != seq {
			if err := dir.remove(fileName(seq)); err != nil {
				return nil, Recovery{}, errors.Join(unusable(err), l.Close())
			}
		}
	}
	return l, found, nil
}

// Segments lists the segments that are there, in ascending order.
func (l *Log) Segments() []Segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := make([]Segment, len(l.segments))
	for i, s := range l.segments {
		list[i] = s.Segment
	}
	return list
}

// Rotate closes the open segment if it holds anything, and starts the next. An
// error of code Unavailable means that the disk did not let it; the log goes on
// as before.
func (l *Log) Rotate() error {
	return l.control(rotation)
}

// Close waits for the parcels that are being written and closes the log. Every
// other method but Segments then returns a fault of code Unavailable.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.mu.Unlock()
	return l.control(closing)
}

// Remove deletes a closed segment, after its roll-over is committed. It is no
// error when the segment is gone already. Reads that have begun go on to their
// end.
func (l *Log) Remove(seq uint64) error {
	l.mu.Lock()
	i, ok := l.find(seq)
	switch {
	case l.closed:
		l.mu.Unlock()
		return errClosed
	case !ok:
		l.mu.Unlock()
		return nil
	case !l.segments[i].Closed:
		l.mu.Unlock()
		return errStillOpen
	}
	l.mu.Unlock()

	if err := l.dir.remove(fileName(seq)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return unwritable(err)
	}
	l.mu.Lock()
	if i, ok := l.find(seq); ok {
		l.segments = slices.Delete(l.segments, i, i+1)
	}
	l.mu.Unlock()
	if l.noSync {
		return nil
	}
	if err := l.dir.sync(); err != nil {
		return unwritable(err)
	}
	return nil
}

// Put makes the parcel durable. Many callers share one fsync. It implements
// event.Sink: nil means durable, an error of code Unavailable that nothing was
// kept. (TooLarge is returned for a parcel of more than 64 MiB, which no
// request may bring.)
//
// The context is looked at once, before the parcel joins a group. From then on
// Put returns the parcel's true outcome, however long the disk takes: an answer
// that says "not kept" about a parcel that is kept would be counted twice.
func (l *Log) Put(ctx context.Context, p *event.Parcel) error {
	if err := ctx.Err(); err != nil {
		return givenUp(err)
	}
	if err := l.guard.Check(); err != nil {
		return err
	}
	r := requests.Get().(*request)
	defer r.release()
	if err := r.fill(p); err != nil {
		return err
	}
	return l.submit(r)
}
