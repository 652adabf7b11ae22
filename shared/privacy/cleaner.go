package privacy

import (
	"hash/maphash"
	"slices"
	"sync/atomic"

	"loch/shared/rawjson"
)

// Cleaner applies a policy to the texts of events and remembers the outcome.
// Browsers send the same members again and again: a page's address, a screen's
// width, a version. One that was judged before is recognised by its hash, which
// costs a twentieth of judging it anew.
//
// What it remembers names nobody: of a text that stays as it is its hash under a
// secret seed, of an address that became shorter two such hashes and the short
// one. A text in which a rule found something is never remembered. Two texts are
// taken for one in one case of 2^50 (plain) or 2^114 (shortened); nobody who does
// not know the seeds can bring it about.
//
// A Cleaner may be used from many goroutines.
type Cleaner struct {
	*Policy
	seed, check maphash.Seed
	plain       [1 << 14]atomic.Uint64
	shortened   [1 << 11]atomic.Pointer[shortened]
}

type shortened struct {
	hash, check uint64
	to          string
}

// NewCleaner returns a cleaner without memories, of some 150 KB.
func NewCleaner(p *Policy) *Cleaner {
	return &Cleaner{Policy: p, seed: maphash.MakeSeed(), check: maphash.MakeSeed()}
}

// use tells apart what a text is judged as. Its numbers are mixed into hashes.
type use uint64

const (
	asMember use = 0x1e3779b97f4a7c15 * (1 + iota)
	asText
	asURL
	asPath
)

// Properties returns the JSON text of an event's properties with its addresses
// shortened, as [Policy.URLs] does, and appends what the rules recognise in the
// result, as [Policy.Find] does, each value once.
func (c *Cleaner) Properties(dst []Found, json string) (string, []Found) {
	var scratch [2048]byte
	out := scratch[:0]
	var found [4]Found
	last, at := 0, 0
	for at < len(json) && (isBlank(json[at]) || json[at] == '{') {
		at++
	}
	for {
		start, end, ok := rawjson.NextMember(json, at)
		if !ok {
			at = start
			break
		}
		at = end
		member := json[start:end]
		hash := c.hash(asMember, member)
		if c.isPlain(hash) {
			continue
		}
		clean, known := c.recall(hash, member)
		if !known {
			clean = c.URLs(member)
			list := c.Find(found[:0], clean)
			if len(list) == 0 {
				c.remember(hash, member, clean)
			}
			dst = appendNew(dst, list)
		}
		if clean != member {
			out = append(append(out, json[last:start]...), clean...)
			last = end
		}
	}
	if rest := json[at:]; rest != "}" && rest != "" { // a tail that is no member's
		clean := c.URLs(rest)
		dst = appendNew(dst, c.Find(found[:0], clean))
		if clean != rest {
			return string(append(append(out, json[last:at]...), clean...)), dst
		}
	}
	if last == 0 {
		return json, dst
	}
	return string(append(out, json[last:]...)), dst
}

// Text appends what the rules recognise in a plain text, as [Policy.FindText]
// does.
func (c *Cleaner) Text(dst []Found, text string) []Found {
	hash := c.hash(asText, text)
	if c.isPlain(hash) {
		return dst
	}
	list := c.FindText(nil, text)
	if len(list) == 0 {
		c.remember(hash, text, text)
	}
	return appendNew(dst, list)
}

// URL is [Policy.URL].
func (c *Cleaner) URL(text string) string { return c.shorten(asURL, text, c.Policy.URL) }

// Path is [Policy.Path].
func (c *Cleaner) Path(text string) string { return c.shorten(asPath, text, c.Policy.Path) }

func (c *Cleaner) shorten(as use, text string, by func(string) string) string {
	hash := c.hash(as, text)
	if c.isPlain(hash) {
		return text
	}
	clean, known := c.recall(hash, text)
	if !known {
		clean = by(text)
		c.remember(hash, text, clean)
	}
	return clean
}

// hash is never 0, which is what an empty place holds.
func (c *Cleaner) hash(as use, text string) uint64 {
	return (maphash.String(c.seed, text) ^ uint64(as)) | 1
}

func (c *Cleaner) isPlain(hash uint64) bool {
	return c.plain[hash>>1%uint64(len(c.plain))].Load() == hash
}

func (c *Cleaner) recall(hash uint64, text string) (string, bool) {
	s := c.shortened[hash>>1%uint64(len(c.shortened))].Load()
	if s == nil || s.hash != hash || s.check != maphash.String(c.check, text) {
		return text, false
	}
	return s.to, true
}

// longest is how long a shortened text may be to be remembered.
const longest = 2048

func (c *Cleaner) remember(hash uint64, text, clean string) {
	switch {
	case clean == text:
		c.plain[hash>>1%uint64(len(c.plain))].Store(hash)
	case len(clean) <= longest:
		s := &shortened{hash: hash, check: maphash.String(c.check, text), to: string([]byte(clean))}
		c.shortened[hash>>1%uint64(len(c.shortened))].Store(s)
	}
}

func appendNew(dst, list []Found) []Found {
	for _, f := range list {
		if !slices.Contains(dst, f) {
			dst = append(dst, f)
		}
	}
	return dst
}
