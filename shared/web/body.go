package web

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"loch/shared/fault"
)

const (
	// believedBytes is how far an announced length is believed: it costs a client
	// nothing to announce much and send little.
	believedBytes = 64 << 10

	// hearOutBytes is how much of a body is read, and thrown away, that is refused.
	// A client that is still sending does not read the answer, and would see its
	// connection reset instead; the browser's SDK drops its batch then, where it
	// halves it after a 413.
	hearOutBytes = 64 << 20

	// compressedSlack is how much longer than the limit a compressed body may be:
	// data that do not compress grow a little, and an endless run of empty blocks
	// must end somewhere too.
	compressedSlack = 64 << 10
)

// Body reads a request's body, decompressed as Content-Encoding says (gzip,
// x-gzip, deflate in both of its readings), at most maxBytes after
// decompression. What is longer gives fault.TooLarge, and a few bytes that
// unfold to gigabytes stop at the limit. What cannot be decompressed, an encoding
// that is not known, and more than one encoding give fault.Invalid; a body that
// breaks off because the connection did, or comes slower than 2 KiB a second after
// the first 20 seconds, gives fault.Unavailable, since nothing was kept.
//
// What it holds is charged to the request's share as it grows, and a budget that
// is spent gives fault.Unavailable. A body that is refused is heard out, up to a
// bound and in the time that bodies have, so that the client comes to read why.
//
// The body may be used until the share is released.
func Body(w http.ResponseWriter, r *http.Request, share *Share, maxBytes int64) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		_, err := encodingOf(r.Header)
		return nil, err
	}
	src := &source{r: r.Body, pacer: share.b.begin(w)}
	body, err := read(r, src, share, maxBytes)
	if err != nil {
		share.Release()
		if src.err == nil || errors.Is(src.err, errOverLimit) {
			src.err, src.left = nil, hearOutBytes
			_, _ = io.Copy(io.Discard, src) // whatever goes wrong now, the answer is the same
		}
	}
	// Of a client that stalled the deadline stays over: net/http would wait for the
	// rest of its body before it sends the answer.
	if src.err == nil {
		src.pacer.end()
	}
	return body, err
}

// read returns the body, or the fault that says what is wrong with it.
func read(r *http.Request, src *source, share *Share, maxBytes int64) ([]byte, error) {
	encoding, err := encodingOf(r.Header)
	if err != nil {
		return nil, err
	}
	src.left = maxBytes
	if encoding != "" {
		src.left += compressedSlack
	}
	if r.ContentLength > src.left { // it says so itself
		return nil, tooLarge()
	}
	buf, err := share.buffer(min(r.ContentLength, maxBytes, believedBytes) + 1)
	if err != nil {
		return nil, err
	}
	share.buffers = append(share.buffers, buf)
	if encoding == "" {
		buf, err = share.readUpTo(src, maxBytes)
	} else {
		buf, err = share.decompress(src, encoding, maxBytes)
	}
	if err != nil {
		return nil, bodyFault(src, encoding, err)
	}
	return buf, nil
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
	r     io.Reader
	pacer *pacer
	left  int64
	err   error // what the connection said, other than io.EOF
}

func (s *source) Read(p []byte) (int, error) {
	if s.left < 0 {
		s.err = errOverLimit
		return 0, s.err
	}
	if int64(len(p)) > s.left+1 {
		p = p[:s.left+1]
	}
	s.pacer.allow()
	n, err := s.r.Read(p)
	s.left -= int64(n)
	if s.pacer != nil {
		s.pacer.came += int64(n)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// readUpTo reads what r gives into the newest buffer of the share, which it
// exchanges for a larger one as long as the budget allows, and stops one byte past
// the limit.
func (s *Share) readUpTo(r io.Reader, maxBytes int64) ([]byte, error) {
	newest := &s.buffers[len(s.buffers)-1]
	for {
		buf := *newest
		if len(buf) == cap(buf) {
			larger, err := s.buffer(min(2*int64(cap(buf)), maxBytes+1))
			if err != nil {
				return nil, err
			}
			*newest = append(larger, buf...)
			s.drop(buf)
			continue
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		*newest = buf
		if int64(len(buf)) > maxBytes {
			return nil, errOverLimit
		}
		if errors.Is(err, io.EOF) {
			return buf, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func tooLarge() error {
	return fault.New(fault.TooLarge, "the body is over the size limit; send fewer records in a request")
}

func bodyFault(src *source, encoding string, err error) error {
	var known *fault.Error
	var tooMany *http.MaxBytesError
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, errOverLimit), errors.Is(src.err, errOverLimit), errors.As(src.err, &tooMany):
		return tooLarge()
	case src.err != nil:
		return fault.Wrap(err, fault.Unavailable, "the body broke off before its end or came too slowly; nothing was kept, send it again")
	default:
		return fault.Wrap(err, fault.Invalid, "the body is not valid "+encoding+", as its Content-Encoding says it is")
	}
}
