package web

import "math/bits"

const (
	firstBuffer = 32 << 10 // most requests of an SDK fit
	shelfSizes  = 8        // 32 KiB, twice that, and so on to 4 MiB; what is larger is not kept

	mostShelf     = 16 << 20 // bytes of buffers
	mostInflaters = 32
)

// shelf keeps buffers and decompressors for the next requests, up to a bound. A
// sync.Pool has none: after a burst it holds all of it until the collector has
// passed twice.
type shelf struct {
	buffers   [shelfSizes][][]byte
	bytes     int64 // of buffers
	most      int64
	inflaters []*inflater
}

// roundUp returns the size of the buffer that is used for n bytes.
func roundUp(n int64) int64 {
	if i := sizeIndex(n); i < shelfSizes {
		return firstBuffer << i
	}
	return n
}

// sizeIndex is the first size that has room for n bytes, shelfSizes for none.
func sizeIndex(n int64) int {
	if n <= firstBuffer {
		return 0
	}
	return min(bits.Len64(uint64(n-1)/firstBuffer), shelfSizes)
}

// take returns an empty buffer of exactly n bytes, a size of roundUp's, or nil.
func (s *shelf) take(n int64) []byte {
	i := sizeIndex(n)
	if i == shelfSizes || len(s.buffers[i]) == 0 {
		return nil
	}
	last := len(s.buffers[i]) - 1
	buf := s.buffers[i][last]
	s.buffers[i][last] = nil
	s.buffers[i] = s.buffers[i][:last]
	s.bytes -= n
	return buf
}

// put keeps a buffer, or leaves it to the collector.
func (s *shelf) put(buf []byte) {
	n := int64(cap(buf))
	i := sizeIndex(n)
	if i == shelfSizes || n != firstBuffer<<i || s.bytes+n > s.most {
		return
	}
	s.buffers[i] = append(s.buffers[i], buf[:0])
	s.bytes += n
}

func (s *shelf) takeInflater() *inflater {
	if len(s.inflaters) == 0 {
		return nil
	}
	last := len(s.inflaters) - 1
	f := s.inflaters[last]
	s.inflaters = s.inflaters[:last]
	return f
}

func (s *shelf) putInflater(f *inflater) {
	if len(s.inflaters) < mostInflaters {
		s.inflaters = append(s.inflaters, f)
	}
}
