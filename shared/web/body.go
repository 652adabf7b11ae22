package web

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"

	"loch/shared/fault"
)

const (
	firstBuffer = 32 << 10 // most requests of an SDK fit
	keepBuffer  = 4 << 20  // a larger buffer is left to the collector, not to the pool

	// compressedSlack is how much longer than the limit a compressed body may be:
	// data that do not compress grow a little, and an endless run of empty blocks
	// must end somewhere too.
	compressedSlack = 64 << 10
)

// Body reads a request's body, decompressed as Content-Encoding says (gzip,
// x-gzip, deflate in both of its readings), at most maxBytes after
// decompression. What is longer gives fault.TooLarge, and a few bytes that
// unfold to gigabytes stop at the limit: no more than about twice maxBytes is
// ever held. What cannot be decompressed, an encoding that is not known, and
// more than one encoding give fault.Invalid; a body that breaks off because the
// connection did gives fault.Unavailable, since nothing was kept.
//
// The body may be used until release is called, which gives its buffer back to
// a pool. Release is never nil and may be called more than once.
func Body(r *http.Request, maxBytes int64) (body []byte, release func(), err error) {
	release = func() {}
	encoding, err := encodingOf(r.Header)
	if err != nil {
		return nil, release, err
	}
	if r.Body == nil || r.Body == http.NoBody {
		return nil, release, nil
	}
	src := &source{r: r.Body, left: maxBytes}
	if encoding != "" {
		src.left += compressedSlack
	}
	buf := takeBuffer(r.ContentLength, maxBytes)
	if encoding == "" {
		*buf, err = readUpTo(src, *buf, maxBytes)
	} else {
		*buf, err = decompress(src, encoding, *buf, maxBytes)
	}
	if err != nil {
		putBuffer(buf)
		return nil, release, bodyFault(src, encoding, err)
	}
	var once sync.Once
	return *buf, func() { once.Do(func() { putBuffer(buf) }) }, nil
}

// Scratch returns memory for what is decoded from a body of n bytes, from the same
// pool. It may be used until release is called.
func Scratch(n int) (scratch []byte, release func()) {
	buf := takeBuffer(int64(n), int64(n))
	return *buf, func() { putBuffer(buf) }
}

// encodingOf returns "gzip", "deflate", or "" for a body as it is.
func encodingOf(h http.Header) (string, error) {
	values := h["Content-Encoding"]
	if len(values) == 0 {
		return "", nil
	}
	if len(values) > 1 || strings.Contains(values[0], ",") {
		return "", fault.New(fault.Invalid, "the body has more than one Content-Encoding; use gzip or deflate, once")
	}
	switch strings.ToLower(strings.TrimSpace(values[0])) {
	case "", "identity":
		return "", nil
	case "gzip", "x-gzip":
		return "gzip", nil
	case "deflate":
		return "deflate", nil
	}
	return "", fault.New(fault.Invalid, "the body's Content-Encoding is not known; use gzip, deflate or none")
}

var errOverLimit = errors.New("over the limit")

// source is the body as it comes over the wire. It remembers its own failure,
// since a decompressor reports a broken connection and broken data alike.
type source struct {
	r    io.Reader
	left int64
	err  error // what the connection said, other than io.EOF
}

func (s *source) Read(p []byte) (int, error) {
	if s.left < 0 {
		s.err = errOverLimit
		return 0, s.err
	}
	if int64(len(p)) > s.left+1 {
		p = p[:s.left+1]
	}
	n, err := s.r.Read(p)
	s.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// readUpTo appends what r gives to buf, and stops one byte past the limit.
func readUpTo(r io.Reader, buf []byte, maxBytes int64) ([]byte, error) {
	for {
		if len(buf) == cap(buf) {
			more := min(int64(max(cap(buf), firstBuffer)), maxBytes+1-int64(len(buf)))
			buf = slices.Grow(buf, int(more))
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if int64(len(buf)) > maxBytes {
			return buf, errOverLimit
		}
		if errors.Is(err, io.EOF) {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}

func bodyFault(src *source, encoding string, err error) error {
	var tooMany *http.MaxBytesError
	switch {
	case errors.Is(err, errOverLimit), errors.As(src.err, &tooMany):
		// A client that is still sending does not read the answer, and would see
		// its connection reset instead of a 413. So hear it out, up to a bound.
		_, _ = io.CopyN(io.Discard, src.r, keepBuffer)
		return fault.New(fault.TooLarge, "the body is over the size limit; send fewer records in a request")
	case src.err != nil:
		return fault.Wrap(err, fault.Unavailable, "the body broke off before its end; nothing was kept, send it again")
	default:
		return fault.Wrap(err, fault.Invalid, "the body is not valid "+encoding+", as its Content-Encoding says it is")
	}
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, firstBuffer); return &b }}

// takeBuffer returns an empty buffer. The announced length is believed up to a
// bound only: it costs a client nothing to announce much and send little.
func takeBuffer(announced, maxBytes int64) *[]byte {
	buf := buffers.Get().(*[]byte)
	if want := min(announced, maxBytes, 1<<20) + 1; want > int64(cap(*buf)) {
		*buf = make([]byte, 0, want)
	}
	return buf
}

func putBuffer(buf *[]byte) {
	if cap(*buf) > keepBuffer {
		return
	}
	*buf = (*buf)[:0]
	buffers.Put(buf)
}

// inflater is one pooled set of decompressors over one pooled reader.
type inflater struct {
	in   *bufio.Reader
	gzip gzip.Reader
	raw  io.ReadCloser // flate
	zlib io.ReadCloser // made at first need: it wants a valid header to be made
}

var inflaters = sync.Pool{New: func() any {
	in := bufio.NewReaderSize(nothing{}, 8<<10)
	return &inflater{in: in, raw: flate.NewReader(in)}
}}

// nothing is what a pooled reader points at, so that it keeps no request alive.
type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, io.EOF }

func decompress(src io.Reader, encoding string, buf []byte, maxBytes int64) ([]byte, error) {
	f := inflaters.Get().(*inflater)
	defer func() {
		f.in.Reset(nothing{})
		inflaters.Put(f)
	}()
	f.in.Reset(src)
	r, err := f.open(encoding)
	if err != nil {
		return buf, err
	}
	return readUpTo(r, buf, maxBytes)
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
		return f.raw, f.raw.(flate.Resetter).Reset(f.in, nil)
	}
	if f.zlib == nil {
		f.zlib, err = zlib.NewReader(f.in)
		return f.zlib, err
	}
	return f.zlib, f.zlib.(zlib.Resetter).Reset(f.in, nil)
}
