package wal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// After its header a file holds frames, one a parcel, little-endian:
//
//	 0  4  the mark, the last byte of which is the version of the codec
//	 4  4  length of the body
//	 8  4  CRC-32C of the body
//	12  4  base: up to which offset of the file everything was durable when
//	       this frame was written
//	16  4  CRC-32C of the 16 bytes above, begun with the checksum of the
//	       file's header xor the frame's offset
//	20  …  the body (codec.go)
//
// The head has a checksum of its own so that a length is never believed
// untested, and so that whoever writes a group only stamps 20 bytes a frame
// while the long sum over the body was made outside the lock.
//
// The base settles what a damaged frame is. Frames that are written together
// share one base, and a power cut may keep a later one of them and lose an
// earlier. That is a torn tail, which nobody was promised. But once a frame
// follows whose base lies beyond the damage, the damaged bytes had been
// acknowledged, and cutting there would lose data.
const (
	mark      = "LPF\x01"
	frameHead = 20
	maxBody   = 1 << 26
)

// stamp fills in the head of a frame that is to be written at offset.
func stamp(frame []byte, salt uint32, bodySum uint32, base, offset int64) {
	copy(frame, mark)
	binary.LittleEndian.PutUint32(frame[4:], uint32(len(frame)-frameHead))
	binary.LittleEndian.PutUint32(frame[8:], bodySum)
	binary.LittleEndian.PutUint32(frame[12:], uint32(base))
	binary.LittleEndian.PutUint32(frame[16:], headSum(frame, salt, offset))
}

func bodySum(body []byte) uint32 { return crc32.Checksum(body, castagnoli) }

// headSum is the checksum of a head. It starts from the place of the frame, its
// file and its offset, so that a frame fits nowhere else.
func headSum(head []byte, salt uint32, offset int64) uint32 {
	return crc32.Update(salt^uint32(offset), castagnoli, head[:16])
}

// head is what the first bytes of a frame say.
type head struct {
	length int64 // of the body
	sum    uint32
	base   int64
}

// Why a frame cannot be read. They are shown to the operator.
var (
	errMark    = errors.New("no event parcel begins there")
	errHeadSum = errors.New("the checksum of a parcel's head does not match")
	errBodySum = errors.New("the checksum of a parcel does not match")
	errCutOff  = errors.New("a parcel is cut off")
	errCodec   = errors.New("a parcel was written by another version of Loch, whose format this one cannot read")
)

// parseHead reads a head that lies at offset. b holds at least frameHead bytes.
func parseHead(b []byte, salt uint32, offset int64) (head, error) {
	n := len(mark) - 1
	if string(b[:n]) != mark[:n] {
		return head{}, errMark
	}
	if headSum(b, salt, offset) != binary.LittleEndian.Uint32(b[16:]) {
		return head{}, errHeadSum
	}
	if b[n] != mark[n] {
		return head{}, errCodec
	}
	h := head{
		length: int64(binary.LittleEndian.Uint32(b[4:])),
		sum:    binary.LittleEndian.Uint32(b[8:]),
		base:   int64(binary.LittleEndian.Uint32(b[12:])),
	}
	if h.length > maxBody || h.base > offset {
		return head{}, errHeadSum
	}
	return h, nil
}

// damage is a place in a file that cannot be read on from.
type damage struct {
	offset int64
	why    error
}

func (d *damage) Error() string { return fmt.Sprintf("offset %d: %v", d.offset, d.why) }
func (d *damage) Unwrap() error { return d.why }

// frames walks over the frames of a file from offset at to end, with one
// buffer that grows to the largest frame and no further.
type frames struct {
	file io.ReaderAt
	salt uint32
	at   int64
	end  int64

	buf   []byte
	start int64 // offset of buf[0]
}

// readAhead is how much is read at a time: large enough that the calls do not
// count, small enough that many readers fit into memory.
const readAhead = 256 << 10

// next returns the head and the body of the frame at f.at and moves behind it.
// The body is valid until the next call. At the end it returns io.EOF; a frame
// that cannot be read is a *damage, any other error is the disk's.
func (f *frames) next() (head, []byte, error) {
	if f.at >= f.end {
		return head{}, nil, io.EOF
	}
	b, err := f.window(frameHead)
	if err != nil {
		return head{}, nil, err
	}
	h, err := parseHead(b, f.salt, f.at)
	if err != nil {
		return head{}, nil, &damage{f.at, err}
	}
	if b, err = f.window(frameHead + h.length); err != nil {
		return head{}, nil, err
	}
	body := b[frameHead:]
	if bodySum(body) != h.sum {
		return head{}, nil, &damage{f.at, errBodySum}
	}
	f.at += frameHead + h.length
	return h, body, nil
}

// window returns the n bytes from f.at on.
func (f *frames) window(n int64) ([]byte, error) {
	if f.at+n > f.end {
		return nil, &damage{f.at, errCutOff}
	}
	if f.at >= f.start && f.at+n <= f.start+int64(len(f.buf)) {
		from := f.at - f.start
		return f.buf[from : from+n], nil
	}
	size := min(max(n, readAhead), f.end-f.at)
	if int64(cap(f.buf)) < size {
		f.buf = make([]byte, size)
	}
	f.buf = f.buf[:size]
	f.start = f.at
	got, err := f.file.ReadAt(f.buf, f.at)
	f.buf = f.buf[:got]
	if int64(got) < n {
		if err == nil || errors.Is(err, io.EOF) {
			// The file is shorter than it was said to be.
			return nil, &damage{f.at, errCutOff}
		}
		return nil, err
	}
	return f.buf[:n], nil
}

// acknowledgedAfter tells whether what follows offset proves that the bytes at
// offset had been durable: a frame that was written after they were.
func acknowledgedAfter(file io.ReaderAt, salt uint32, offset, end int64) (bool, error) {
	tail := make([]byte, end-offset)
	if _, err := file.ReadAt(tail, offset); err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	for at := 0; ; at++ {
		i := bytes.Index(tail[at:], []byte(mark[:len(mark)-1]))
		if i < 0 || len(tail)-at-i < frameHead {
			return false, nil
		}
		at += i
		h, err := parseHead(tail[at:], salt, offset+int64(at))
		if (err == nil && h.base > offset) || errors.Is(err, errCodec) {
			return true, nil
		}
	}
}
