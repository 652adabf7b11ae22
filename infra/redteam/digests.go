package main

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"hash/adler32"
	"hash/crc32"
	"hash/crc64"
	"hash/fnv"
	"math/bits"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// digest is a way to turn a value into what looks like a random id.
type digest struct {
	name string
	sum  func(dst, msg []byte) []byte
}

// digests are the functions that somebody may have thought good enough.
var digests = []digest{
	{"md5", func(d, m []byte) []byte { s := md5.Sum(m); return append(d, s[:]...) }},
	{"sha1", func(d, m []byte) []byte { s := sha1.Sum(m); return append(d, s[:]...) }},
	{"sha256", func(d, m []byte) []byte { s := sha256.Sum256(m); return append(d, s[:]...) }},
	{"sha512", func(d, m []byte) []byte { s := sha512.Sum512(m); return append(d, s[:]...) }},
	{"sha224", func(d, m []byte) []byte { s := sha256.Sum224(m); return append(d, s[:]...) }},
	{"sha384", func(d, m []byte) []byte { s := sha512.Sum384(m); return append(d, s[:]...) }},
	{"sha512/256", func(d, m []byte) []byte { s := sha512.Sum512_256(m); return append(d, s[:]...) }},
	{"sha3-256", func(d, m []byte) []byte { s := sha3.Sum256(m); return append(d, s[:]...) }},
	{"md5 of md5", func(d, m []byte) []byte { return append(d, md5Sum(digits(md5Sum(m)))...) }},
	{"sha1 of sha1", func(d, m []byte) []byte { return append(d, sha1Sum(digits(sha1Sum(m)))...) }},
	{"sha256 of sha256", func(d, m []byte) []byte { return append(d, sha256Sum(digits(sha256Sum(m)))...) }},
	{"sha256 of sha256's bytes", func(d, m []byte) []byte { return append(d, sha256Sum(sha256Sum(m))...) }},
	{"fnv-64", func(d, m []byte) []byte { h := fnv.New64(); _, _ = h.Write(m); return h.Sum(d) }},
	{"fnv-64a", func(d, m []byte) []byte { h := fnv.New64a(); _, _ = h.Write(m); return h.Sum(d) }},
	{"fnv-128a", func(d, m []byte) []byte { h := fnv.New128a(); _, _ = h.Write(m); return h.Sum(d) }},
	{"xxh64", func(d, m []byte) []byte { return binary.BigEndian.AppendUint64(d, xxhash.Sum64(m)) }},
	{"crc64-iso", func(d, m []byte) []byte { return binary.BigEndian.AppendUint64(d, crc64.Checksum(m, crcISO)) }},
	{"crc64-ecma", func(d, m []byte) []byte { return binary.BigEndian.AppendUint64(d, crc64.Checksum(m, crcECMA)) }},
	{"murmur3-128", func(d, m []byte) []byte {
		a, b := murmur128(m)
		return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(d, a), b)
	}},
}

// cryptographic is how many of digests are tried with salts, too.
const cryptographic = 4

// short are functions of 32 bits, which fit by chance now and then.
var short = []struct {
	name string
	sum  func([]byte) uint32
}{
	{"crc32", crc32.ChecksumIEEE},
	{"crc32c", func(m []byte) uint32 { return crc32.Checksum(m, crcCastagnoli) }},
	{"adler32", adler32.Checksum},
	{"fnv-32", func(m []byte) uint32 { h := fnv.New32(); _, _ = h.Write(m); return h.Sum32() }},
	{"fnv-32a", func(m []byte) uint32 { h := fnv.New32a(); _, _ = h.Write(m); return h.Sum32() }},
	{"murmur3-32", murmur32},
	{"Java's hashCode", func(m []byte) uint32 { return rolling(m, 0, 31) }},
	{"djb2", func(m []byte) uint32 { return rolling(m, 5381, 33) }},
}

var (
	crcISO        = crc64.MakeTable(crc64.ISO)
	crcECMA       = crc64.MakeTable(crc64.ECMA)
	crcCastagnoli = crc32.MakeTable(crc32.Castagnoli)
)

func md5Sum(m []byte) []byte    { s := md5.Sum(m); return s[:] }
func sha1Sum(m []byte) []byte   { s := sha1.Sum(m); return s[:] }
func sha256Sum(m []byte) []byte { s := sha256.Sum256(m); return s[:] }

// digits is a digest written down, as it is before it is hashed again.
func digits(sum []byte) []byte { return hex.AppendEncode(nil, sum) }

func rolling(m []byte, start, factor uint32) uint32 {
	for _, c := range m {
		start = start*factor + uint32(c)
	}
	return start
}

// murmur32 is MurmurHash3_x86_32 with seed 0.
func murmur32(m []byte) uint32 {
	const c1, c2 = 0xcc9e2d51, 0x1b873593
	var h uint32
	n := len(m)
	for ; len(m) >= 4; m = m[4:] {
		k := binary.LittleEndian.Uint32(m) * c1
		h ^= bits.RotateLeft32(k, 15) * c2
		h = bits.RotateLeft32(h, 13)*5 + 0xe6546b64
	}
	var k uint32
	for _, c := range slices.Backward(m) {
		k = k<<8 | uint32(c)
	}
	if len(m) > 0 {
		h ^= bits.RotateLeft32(k*c1, 15) * c2
	}
	h ^= uint32(n)
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}

// murmur128 is MurmurHash3_x64_128 with seed 0.
func murmur128(m []byte) (h1, h2 uint64) {
	const c1, c2 = 0x87c37b91114253d5, 0x4cf5ad432745937f
	n := uint64(len(m))
	for ; len(m) >= 16; m = m[16:] {
		h1 ^= bits.RotateLeft64(binary.LittleEndian.Uint64(m)*c1, 31) * c2
		h1 = (bits.RotateLeft64(h1, 27)+h2)*5 + 0x52dce729
		h2 ^= bits.RotateLeft64(binary.LittleEndian.Uint64(m[8:])*c2, 33) * c1
		h2 = (bits.RotateLeft64(h2, 31)+h1)*5 + 0x38495ab5
	}
	var k1, k2 uint64
	for i := len(m) - 1; i >= 8; i-- {
		k2 = k2<<8 | uint64(m[i])
	}
	for i := min(len(m), 8) - 1; i >= 0; i-- {
		k1 = k1<<8 | uint64(m[i])
	}
	h2 ^= bits.RotateLeft64(k2*c2, 33) * c1
	h1 ^= bits.RotateLeft64(k1*c1, 31) * c2
	h1, h2 = h1^n, h2^n
	h1 += h2
	h2 += h1
	h1, h2 = finish64(h1), finish64(h2)
	h1 += h2
	return h1, h2 + h1
}

func finish64(k uint64) uint64 {
	k = (k ^ k>>33) * 0xff51afd7ed558ccd
	k = (k ^ k>>33) * 0xc4ceb9fe1a85ec53
	return k ^ k>>33
}
