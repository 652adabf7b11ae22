package main

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// match is a guess that fits something in the evidence.
type match struct {
	token
	entry entry
	how   string
	short bool // of 32 bits, so it may be chance
}

// guesser hashes each value of the lists in every way it knows and looks whether
// the result is somewhere.
type guesser struct {
	lists   *lists
	tokens  *tokens
	public  []string // what may have been used as a salt or key
	keyed   []keyed
	guesses int64
	matches []match
}

// keyed is a keyed hash whose key can be guessed.
type keyed struct {
	name string
	key  []byte
	make func() hash.Hash
}

// guessAll runs over the lists with all cores.
func guessAll(l *lists, t *tokens, public []string) *guesser {
	g := &guesser{lists: l, tokens: t, public: public, keyed: guessableKeys(public)}
	entries := l.all()
	var mu sync.Mutex
	share(func(worker, workers int) {
		h := newHand(g)
		for i := worker; i < len(entries); i += workers {
			h.guess(entries[i])
		}
		mu.Lock()
		defer mu.Unlock()
		g.guesses += h.guesses
		g.matches = append(g.matches, h.matches...)
	})
	return g
}

// share runs work once on each core and waits.
func share(work func(worker, workers int)) {
	workers := runtime.GOMAXPROCS(0)
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() { work(w, workers) })
	}
	wait.Wait()
}

// guessableKeys are keys that need no key file: words, and what Loch derives from
// a root that somebody forgot to make random.
func guessableKeys(public []string) []keyed {
	var list []keyed
	roots := map[string][]byte{"zeroes": make([]byte, 32), "ones": slices.Repeat([]byte{0xff}, 32)}
	for _, w := range public {
		list = append(list,
			keyed{"HMAC-MD5 with " + quoted(w), []byte(w), md5.New},
			keyed{"HMAC-SHA1 with " + quoted(w), []byte(w), sha1.New},
			keyed{"HMAC-SHA256 with " + quoted(w), []byte(w), sha256.New},
			keyed{"HMAC-SHA512 with " + quoted(w), []byte(w), sha512.New})
		sum := sha256.Sum256([]byte(w))
		roots["sha256 of "+quoted(w)] = sum[:]
	}
	for name, root := range roots {
		list = append(list, keyed{"HMAC-SHA256 with " + name, root, sha256.New})
		for _, use := range []string{"loch/vault/lookup/1", "loch/vault/index/1"} {
			if key, err := hkdf.Key(sha256.New, root, nil, use, 32); err == nil {
				list = append(list, keyed{"Loch's lookup key from " + name, key, sha256.New})
			}
		}
	}
	return list
}

func quoted(w string) string { return strconv.Quote(w) }

// hand is one worker's buffers.
type hand struct {
	*guesser
	macs    []hash.Hash
	msg     []byte
	out     []byte
	guesses int64
	matches []match
}

func newHand(g *guesser) *hand {
	h := &hand{guesser: g}
	for _, k := range g.keyed {
		h.macs = append(h.macs, hmac.New(k.make, k.key))
	}
	return h
}

// guess tries one value.
func (h *hand) guess(e entry) {
	v := h.lists.value(e)
	forms := formsOf(e.kind, v)
	for _, f := range forms {
		msg := append(h.msg[:0], f...)
		if len(msg) >= 8 && printable(msg) < len(msg) { // as text it is searched for
			h.try(e, msg, "the bytes of it", "", true)
		}
		for i := range digests {
			h.out = digests[i].sum(h.out[:0], msg)
			h.try(e, h.out, digests[i].name, "", true)
		}
		for i := range short {
			h.guesses++
			for _, t := range h.tokens.findWord(short[i].sum(msg)) {
				h.matches = append(h.matches, match{t, e, short[i].name, true})
			}
		}
		h.msg = msg
	}
	for _, f := range forms[:min(2, len(forms))] {
		h.salted(e, f)
	}
	for i, mac := range h.macs {
		for _, msg := range h.keyedMessages(e, v) {
			mac.Reset()
			mac.Write(msg)
			h.out = mac.Sum(h.out[:0])
			h.try(e, h.out, h.keyed[i].name, "", false)
		}
	}
	for _, space := range uuidSpaces {
		h.msg = append(append(h.msg[:0], space...), v...)
		sum := sha1.Sum(h.msg)
		h.try(e, sum[:], "UUID version 5", "", true)
		old := md5.Sum(h.msg)
		h.try(e, old[:], "UUID version 3", "", true)
	}
}

// salted puts what is public beside the value.
func (h *hand) salted(e entry, f string) {
	for _, salt := range h.public {
		for _, glue := range []string{"", ":", "|", "\x00"} {
			for back := range 2 {
				h.msg = h.msg[:0]
				if back == 0 {
					h.msg = append(append(append(h.msg, salt...), glue...), f...)
				} else {
					h.msg = append(append(append(h.msg, f...), glue...), salt...)
				}
				for i := range cryptographic {
					if digests[i].name == "sha512" && glue != "" {
						continue // rare, and the slowest
					}
					h.out = digests[i].sum(h.out[:0], h.msg)
					h.try(e, h.out, digests[i].name, salt, false)
				}
			}
		}
	}
}

// keyedMessages are what the keyed hashes are made of: the value, and for the
// vault's own keys the message that its source code shows.
func (h *hand) keyedMessages(e entry, v string) [][]byte {
	list := [][]byte{[]byte(v)}
	for _, p := range h.public[:min(2, len(h.public))] { // the projects come first
		switch e.kind {
		case user, device:
			list = append(list, parts(p, []string{user: "user", device: "device"}[e.kind], v))
		case email:
			list = append(list, parts(p, "value:email", v), parts("email", p, v))
		case phone:
			list = append(list, parts(p, "value:phone", v))
		default:
			list = append(list, parts(p, "value:ip", v))
		}
	}
	return list
}

// parts joins texts as the vault does.
func parts(list ...string) []byte {
	var b []byte
	for _, p := range list {
		b = append(binary.AppendUvarint(b, uint64(len(p))), p...)
	}
	return b
}

// try looks a result up: its beginning, its last 128 bits, and as a UUID.
func (h *hand) try(e entry, sum []byte, how, salt string, plain bool) {
	h.guesses++
	head := binary.BigEndian.Uint64(sum)
	h.look(e, head, how, salt)
	if len(sum) > 16 {
		h.look(e, binary.BigEndian.Uint64(sum[len(sum)-16:]), how, salt)
	}
	if u := withoutVersion(head); plain && u != head {
		h.look(e, u, how, salt)
	}
}

func (h *hand) look(e entry, head uint64, how, salt string) {
	for _, t := range h.tokens.find(head) {
		if salt != "" {
			how += " with the salt " + quoted(salt)
		}
		h.matches = append(h.matches, match{t, e, how, false})
		salt = ""
	}
}

// formsOf are the ways in which a value may have gone into a hash; the likeliest
// come first.
func formsOf(k kind, v string) []string {
	list := []string{v}
	add := func(s string) {
		if s != "" && !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	add(strings.ToLower(v))
	switch k {
	case email:
		add(v[:max(0, strings.LastIndexByte(v, '@'))])
		add("mailto:" + v)
	case device:
		add("$device:" + v)
		plain := strings.ReplaceAll(v, "-", "")
		add(plain)
		if b, err := hex.DecodeString(plain); err == nil && len(b) >= 8 {
			add(string(b))
		}
	case user:
		add("user:" + v)
		add(strings.ReplaceAll(v, "-", ""))
	case phone:
		add(strings.TrimPrefix(v, "+"))
		for _, d := range dialled(v) {
			add(d)
		}
	default:
		if a, err := netip.ParseAddr(v); err == nil && a.Is4() {
			b := a.As4()
			add(string(b[:]))
			add(strconv.FormatUint(uint64(binary.BigEndian.Uint32(b[:])), 10))
			add("::ffff:" + v)
		}
	}
	add(strings.ToUpper(v))
	add(v + "\n")
	add(`"` + v + `"`)
	return list
}

// uuidSpaces are the name spaces of RFC 9562: DNS, URL, OID and X.500 differ in
// one byte.
var uuidSpaces = func() [][]byte {
	var list [][]byte
	for _, c := range []byte{0x10, 0x11, 0x12, 0x14} {
		list = append(list, []byte{0x6b, 0xa7, 0xb8, c, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8})
	}
	return append(list, make([]byte, 16))
}()
