package main

import (
	"cmp"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// tokens is everything in the evidence that a hash could have made, by its first
// eight bytes. A hash that was cut to 128 bits, or to 64, is in it like a whole
// one.
type tokens struct {
	heads  []token
	filter []uint64 // a bit for each head that may be there
	words  []token  // of 32 bits, in the lower half of head
	count  map[wordPlace]int
}

// token is such a thing and where it stood. text is -1 for a binary record.
type token struct {
	head   uint64
	source int32
	text   int32
}

// wordPlace is a column of one evidence, in which so many words of 32 bits stand.
type wordPlace struct {
	source int32
	where  string
}

const filterBits = 26

func collect(sources []*evidence) *tokens {
	t := &tokens{count: map[wordPlace]int{}}
	for i, e := range sources {
		for j := range e.texts {
			if !e.texts[j].opaque {
				t.fromText(e, int32(i), int32(j))
			}
		}
		for _, b := range e.binaries {
			t.fromBinary(int32(i), b)
		}
	}
	byHead := func(a, b token) int {
		return cmp.Or(cmp.Compare(a.head, b.head), cmp.Compare(a.source, b.source), cmp.Compare(a.text, b.text))
	}
	slices.SortFunc(t.heads, byHead)
	t.heads = slices.Compact(t.heads)
	slices.SortFunc(t.words, byHead)
	t.words = slices.Compact(t.words)
	t.filter = make([]uint64, 1<<(filterBits-6))
	for _, h := range t.heads {
		bit := h.head * 0x9E3779B97F4A7C15 >> (64 - filterBits)
		t.filter[bit>>6] |= 1 << (bit & 63)
	}
	return t
}

var (
	hexRun    = regexp.MustCompile(`[0-9a-fA-F]{8,}`)
	uuidRun   = regexp.MustCompile(`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`)
	base64Run = regexp.MustCompile(`[A-Za-z0-9+/_-]{11,}`)
	base32Run = regexp.MustCompile(`[A-Za-z2-7]{13,}`)
	numberRun = regexp.MustCompile(`-?[0-9]{6,20}`)
)

// fromText takes the tokens out of one text.
func (t *tokens) fromText(e *evidence, source, at int32) {
	s := e.texts[at].s
	add := func(head uint64) { t.heads = append(t.heads, token{head, source, at}) }
	bytes := func(b []byte, err error) {
		if err == nil && len(b) >= 8 {
			add(binary.BigEndian.Uint64(b))
			if len(b) == 8 {
				add(binary.LittleEndian.Uint64(b))
			}
		}
	}
	word := func(w uint32) {
		t.words = append(t.words, token{uint64(w), source, at})
		for _, where := range e.texts[at].where {
			t.count[wordPlace{source, where}]++
		}
	}
	for _, run := range uuidRun.FindAllString(s, -1) {
		if b, err := hex.DecodeString(strings.ReplaceAll(run, "-", "")); err == nil {
			add(binary.BigEndian.Uint64(b))
			add(withoutVersion(binary.BigEndian.Uint64(b)))
		}
	}
	for _, run := range hexRun.FindAllString(s, -1) {
		if len(run) == 8 {
			if w, err := strconv.ParseUint(run, 16, 32); err == nil {
				word(uint32(w))
			}
		}
		// A letter before the hash may be a hexadecimal digit by chance.
		for _, n := range []int{len(run) &^ 1, 128, 96, 64, 56, 40, 32, 16} {
			if n >= 16 && n <= len(run) {
				bytes(hex.DecodeString(run[len(run)-n:]))
			}
		}
		if n := len(run) &^ 1; n >= 16 {
			bytes(hex.DecodeString(run[:n]))
		}
	}
	for _, run := range base64Run.FindAllString(s, -1) {
		bytes(base64.RawStdEncoding.DecodeString(trimCoded(run)))
		bytes(base64.RawURLEncoding.DecodeString(trimCoded(run)))
		if at := strings.LastIndexAny(run, "_-/+"); at >= 0 && len(run)-at > 11 {
			bytes(base64.RawURLEncoding.DecodeString(trimCoded(run[at+1:])))
		}
	}
	for _, run := range base32Run.FindAllString(s, -1) {
		bytes(base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(run[:len(run)&^7])))
	}
	for _, run := range numberRun.FindAllString(s, -1) {
		if n, err := strconv.ParseInt(run, 10, 64); err == nil {
			if n >= -1<<31 && n < 1<<32 {
				word(uint32(n))
			}
			if len(run) > 12 {
				add(uint64(n))
			}
		} else if n, err := strconv.ParseUint(run, 10, 64); err == nil {
			add(n)
		}
	}
}

// fromBinary takes what begins at each byte of a small record.
func (t *tokens) fromBinary(source int32, b []byte) {
	const small = 160
	for i := 0; i+8 <= min(len(b), small); i++ {
		t.heads = append(t.heads, token{binary.BigEndian.Uint64(b[i:]), source, -1})
	}
}

// withoutVersion takes the four bits away that say which kind of UUID it is.
func withoutVersion(head uint64) uint64 { return head &^ 0xF000 }

// find returns the tokens that begin with the same eight bytes.
func (t *tokens) find(head uint64) []token {
	bit := head * 0x9E3779B97F4A7C15 >> (64 - filterBits)
	if t.filter[bit>>6]&(1<<(bit&63)) == 0 {
		return nil
	}
	return equal(t.heads, head)
}

func (t *tokens) findWord(w uint32) []token { return equal(t.words, uint64(w)) }

func equal(list []token, head uint64) []token {
	compare := func(t token, h uint64) int { return cmp.Compare(t.head, h) }
	from, ok := slices.BinarySearchFunc(list, head, compare)
	if !ok {
		return nil
	}
	to := from
	for to < len(list) && list[to].head == head {
		to++
	}
	return list[from:to]
}
