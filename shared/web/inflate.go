package web

import (
	"bufio"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
)

// inflaterBytes is about what decompressing takes beside the body: windows and
// tables.
const inflaterBytes = 64 << 10

// inflater is one set of decompressors over one reader, made at first need.
type inflater struct {
	in   *bufio.Reader
	gzip gzip.Reader
	raw  io.ReadCloser // flate
	zlib io.ReadCloser // wants a valid header to be made
}

// nothing is what a kept reader points at, so that it keeps no request alive.
type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, io.EOF }

// decompress reads a compressed body into the share's newest buffer.
func (s *Share) decompress(src io.Reader, encoding string, maxBytes int64) ([]byte, error) {
	if err := s.Take(inflaterBytes); err != nil {
		return nil, err
	}
	s.b.mu.Lock()
	f := s.b.shelf.takeInflater()
	s.b.mu.Unlock()
	if f == nil {
		f = &inflater{in: bufio.NewReaderSize(nothing{}, 8<<10)}
	}
	defer func() {
		f.in.Reset(nothing{})
		s.b.mu.Lock()
		s.b.shelf.putInflater(f)
		s.b.mu.Unlock()
		s.give(inflaterBytes)
	}()
	f.in.Reset(src)
	r, err := f.open(encoding)
	if err != nil {
		return nil, err
	}
	return s.readUpTo(r, maxBytes)
}

func (f *inflater) open(encoding string) (io.Reader, error) {
	if encoding == "gzip" {
		return &f.gzip, f.gzip.Reset(f.in)
	}
	// "deflate" means zlib (RFC 9110), but some clients send the bare stream. The
	// two bytes of a zlib header tell them apart: method 8 and a multiple of 31.
	head, err := f.in.Peek(2)
	if err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	if head[0]&0x0f != 8 || (int(head[0])<<8|int(head[1]))%31 != 0 {
		if f.raw == nil {
			f.raw = flate.NewReader(f.in)
			return f.raw, nil
		}
		return f.raw, f.raw.(flate.Resetter).Reset(f.in, nil)
	}
	if f.zlib == nil {
		f.zlib, err = zlib.NewReader(f.in)
		return f.zlib, err
	}
	return f.zlib, f.zlib.(zlib.Resetter).Reset(f.in, nil)
}
