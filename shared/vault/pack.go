package vault

import (
	"encoding/binary"
	"errors"

	"github.com/klauspost/compress/zstd"

	"loch/shared/fault"
)

const (
	packedRaw  = 0 // the payload follows as it is
	packedZstd = 1 // a length, that many bytes of a zstd frame, and zeros

	// packStep is what a compressed payload is filled up to a multiple of, so that
	// its size in the lake tells next to nothing of what was repeated in it.
	packStep = 256

	// mostUnpacked bounds what a payload may unfold to. A record has a megabyte at
	// most; this leaves room for protocols that allow more.
	mostUnpacked = 16 << 20
)

// packer compresses payloads before they are sealed, since what is sealed can no
// longer be compressed: a megabyte of one letter, which costs a sender nothing,
// would fill a megabyte of the disk. Each payload is compressed by itself. It may
// be used from many goroutines.
type packer struct {
	in  *zstd.Encoder
	out *zstd.Decoder
}

func newPacker() (packer, error) {
	in, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(1<<20))
	if err != nil {
		return packer{}, fault.Wrap(err, fault.Internal, "the compressor of rejected input could not be made")
	}
	out, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(mostUnpacked), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return packer{}, fault.Wrap(err, fault.Internal, "the decompressor of rejected input could not be made")
	}
	return packer{in, out}, nil
}

// pack compresses a payload where that makes it smaller, the filling included.
func (p packer) pack(payload []byte) []byte {
	if len(payload) > packStep && len(payload) <= mostUnpacked {
		frame := p.in.EncodeAll(payload, nil)
		b := binary.AppendUvarint([]byte{packedZstd}, uint64(len(frame)))
		b = append(b, frame...)
		if rest := len(b) % packStep; rest > 0 {
			b = append(b, make([]byte, packStep-rest)...)
		}
		if len(b) <= len(payload) {
			return b
		}
	}
	return append([]byte{packedRaw}, payload...)
}

var errPacked = errors.New("not a packed payload")

// unpack undoes pack.
func (p packer) unpack(b []byte) ([]byte, error) {
	if len(b) == 0 {
		return nil, errPacked
	}
	switch b[0] {
	case packedRaw:
		return b[1:], nil
	case packedZstd:
		size, n := binary.Uvarint(b[1:])
		if n <= 0 || size > uint64(len(b)-1-n) {
			return nil, errPacked
		}
		return p.out.DecodeAll(b[1+n:1+n+int(size)], nil)
	}
	return nil, errPacked
}
