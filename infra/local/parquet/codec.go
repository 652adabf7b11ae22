package parquet

import (
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// codec compresses pages with zstd. parquet-go brings one too, whose encoders
// each keep a history of many megabytes, for input far larger than a page. A
// server that writes a file every few minutes should not hold that.
var codec zstdCodec

// pageWindow is how far back zstd looks for repetitions: the size of a page,
// which is compressed by itself.
const pageWindow = 256 << 10

// encoder serves every file. It is made when the first page is written, so that
// a start without one stays cheap.
var encoder = sync.OnceValue(func() *zstd.Encoder {
	// An error would come from options that contradict each other; these do not.
	e, _ := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedDefault),
		zstd.WithEncoderConcurrency(2),
		zstd.WithWindowSize(pageWindow),
		zstd.WithLowerEncoderMem(true),
		zstd.WithZeroFrames(true),  // an empty page is a frame too
		zstd.WithEncoderCRC(false), // pages have a checksum of their own
	)
	return e
})

type zstdCodec struct{}

func (zstdCodec) String() string { return "ZSTD" }

// CompressionCodec is the name under which files mention it.
func (zstdCodec) CompressionCodec() format.CompressionCodec { return format.Zstd }

// Encode compresses a page. It may be called from many goroutines.
func (zstdCodec) Encode(dst, src []byte) ([]byte, error) {
	return encoder().EncodeAll(src, dst[:0]), nil
}

// Decode is the reverse. Nothing is held against the library's own.
func (zstdCodec) Decode(dst, src []byte) ([]byte, error) {
	return parquet.Zstd.Decode(dst, src)
}
