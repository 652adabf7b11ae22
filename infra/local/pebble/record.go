package pebble

import (
	"encoding/binary"
	"slices"

	"loch/shared/fault"
	"loch/shared/profile"
)

// How records are written. Numbers are varints; text and JSON follow their
// length, byte for byte, so that a trait comes back digit for digit and reading
// a profile parses nothing.

// encodeTraits writes what updates made of a profile: when it was last updated,
// the group kind, and the traits in order.
func encodeTraits(p *profile.Profile) []byte {
	size := 32 + len(p.GroupKey)
	for i := range p.Traits {
		size += len(p.Traits[i].Name) + len(p.Traits[i].Value) + 6
	}
	b := make([]byte, 0, size)
	b = binary.AppendVarint(b, p.UpdatedMS)
	b = appendText(b, p.GroupKey)
	b = binary.AppendUvarint(b, uint64(len(p.Traits)))
	for i := range p.Traits {
		b = appendText(b, p.Traits[i].Name)
		b = appendText(b, string(p.Traits[i].Value))
	}
	return b
}

// decodeTraits is the inverse. The profile keeps parts of b.
func decodeTraits(b []byte, p *profile.Profile) error {
	r := reader{rest: b}
	p.UpdatedMS = r.number()
	p.GroupKey = string(r.text())
	n := r.count()
	p.Traits = make([]profile.Trait, 0, n)
	for range n {
		name := string(r.text())
		value := r.text()
		// Full slice: an append to the value must not write into its neighbour.
		p.Traits = append(p.Traits, profile.Trait{Name: name, Value: slices.Clip(value)})
	}
	return r.end()
}

// encodeSeen writes when, where and with what somebody was seen, and how they came.
func encodeSeen(s profile.Seen) []byte {
	b := make([]byte, 0, 192)
	for _, ms := range seenTimes(&s) {
		b = binary.AppendVarint(b, *ms)
	}
	for _, text := range s.Texts() {
		b = appendText(b, *text)
	}
	return b
}

func decodeSeen(b []byte) (s profile.Seen, err error) {
	r := reader{rest: b}
	for _, ms := range seenTimes(&s) {
		*ms = r.number()
	}
	for _, text := range s.Texts() {
		*text = string(r.text())
	}
	return s, r.end()
}

// seenTimes and Seen.Texts are the order of the parts in a record.
func seenTimes(s *profile.Seen) [5]*int64 {
	return [...]*int64{&s.FirstMS, &s.LastMS, &s.PlaceMS, &s.DeviceMS, &s.ArrivalMS}
}

// encodeLink writes the user that a device is linked to, and since when; 0 for a
// person who was merged into another.
func encodeLink(user string, ms int64) []byte {
	return appendText(binary.AppendVarint(nil, ms), user)
}

func decodeLink(b []byte) (user string, err error) {
	r := reader{rest: b}
	r.number()
	user = string(r.text())
	return user, r.end()
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// reader takes a record apart. After a mistake it yields zero values, and end
// reports it.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) number() int64 {
	v, n := binary.Varint(r.rest)
	return advance(r, v, n)
}

func (r *reader) size() uint64 {
	v, n := binary.Uvarint(r.rest)
	return advance(r, v, n)
}

func advance[T int64 | uint64](r *reader, v T, n int) T {
	if n <= 0 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// count reads how many items follow, each of which takes two bytes at least.
func (r *reader) count() int {
	n := r.size()
	if n > uint64(len(r.rest))/2 {
		r.bad, r.rest = true, nil
		return 0
	}
	return int(n)
}

func (r *reader) text() []byte {
	n := r.size()
	if n > uint64(len(r.rest)) {
		r.bad, r.rest = true, nil
		return nil
	}
	text := r.rest[:n]
	r.rest = r.rest[n:]
	return text
}

func (r *reader) end() error {
	if r.bad || len(r.rest) != 0 {
		return fault.New(fault.Internal, "a record of the profile store is damaged")
	}
	return nil
}
