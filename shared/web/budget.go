package web

import (
	"math"
	"sync"
	"time"

	"loch/shared/fault"
)

// smallShare is what a small request holds at most: a body of up to 64 KiB with
// what ordinary events take beside it.
const smallShare = 1 << 20

// Budget is the memory that all requests of one server may hold together, for
// their bodies and for what is made of them. Without one, a few hundred clients
// that each hold back the end of a body would hold as many times the size limit.
//
// A quarter is kept for small requests, so that a few large ones cannot starve the
// many small ones of websites. Who finds the budget spent is told to send again.
// It counts what is in use: a garbage collected process takes up to about twice as
// much. A nil Budget bounds nothing, as on Lambda, where one request comes at a
// time. It may be used from many goroutines.
type Budget struct {
	bytes int64 // of all requests together
	large int64 // of those together that are not small
	now   func() time.Time
	pace  pace

	mu        sync.Mutex
	used      int64
	usedLarge int64
	shelf     shelf
}

// NewBudget returns a budget of so many bytes. The clock is the one by which
// bodies that come too slowly are given up; see Body.
func NewBudget(bytes int64, now func() time.Time) *Budget {
	return &Budget{bytes: bytes, large: bytes - bytes/4, now: now, pace: defaultPace, shelf: shelf{most: min(bytes/16, mostShelf)}}
}

// unbounded stands for a nil Budget. It has no clock and so no deadlines.
var unbounded = NewBudget(math.MaxInt64/4, nil)

// Used is how many bytes the requests hold now.
func (b *Budget) Used() int64 {
	if b == nil {
		b = unbounded
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

// Share returns the part of one request, which holds nothing yet. One goroutine
// uses it, and releases it when the request is answered.
func (b *Budget) Share() *Share {
	if b == nil {
		b = unbounded
	}
	return &Share{b: b}
}

// Share is what one request holds of a Budget.
type Share struct {
	b       *Budget
	held    int64
	large   bool
	buffers [][]byte // that Release gives back
}

// Take charges n more bytes. It returns a fault of code Unavailable when the
// budget does not have them; then nothing is charged.
func (s *Share) Take(n int64) error {
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	large := s.large || s.held+n > smallShare
	moved := n
	if large && !s.large {
		moved += s.held
	}
	if s.b.used+n > s.b.bytes || large && s.b.usedLarge+moved > s.b.large {
		return fault.New(fault.Unavailable,
			"the server has too many requests in its memory at once; nothing was kept, send it again in a moment")
	}
	s.b.used += n
	s.held += n
	if large {
		s.b.usedLarge += moved
		s.large = true
	}
	return nil
}

// give takes n bytes off the charge.
func (s *Share) give(n int64) {
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	s.b.used -= n
	s.held -= n
	if s.large {
		s.b.usedLarge -= n
	}
}

// Scratch returns empty memory for what is decoded from a body of n bytes. It may
// be used until the share is released.
func (s *Share) Scratch(n int) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	buf, err := s.buffer(min(int64(n), 1<<20))
	if err != nil {
		return nil, err
	}
	s.buffers = append(s.buffers, buf)
	return buf, nil
}

// Release gives everything back: no buffer of the share may be used any more. It
// may be called more than once.
func (s *Share) Release() {
	s.b.mu.Lock()
	for _, buf := range s.buffers {
		s.b.shelf.put(buf)
	}
	s.b.mu.Unlock()
	s.buffers = nil
	s.give(s.held)
	s.large = false
}

// buffer charges and returns an empty buffer of n bytes or a little more, which
// is the caller's until it goes to drop or to s.buffers.
func (s *Share) buffer(n int64) ([]byte, error) {
	n = roundUp(n)
	if err := s.Take(n); err != nil {
		return nil, err
	}
	s.b.mu.Lock()
	buf := s.b.shelf.take(n)
	s.b.mu.Unlock()
	if buf == nil {
		buf = make([]byte, 0, n)
	}
	return buf, nil
}

// drop gives one buffer back.
func (s *Share) drop(buf []byte) {
	s.b.mu.Lock()
	s.b.shelf.put(buf)
	s.b.mu.Unlock()
	s.give(int64(cap(buf)))
}
