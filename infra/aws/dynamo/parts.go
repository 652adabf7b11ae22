package dynamo

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"loch/shared/fault"
	"loch/shared/profile"
)

// A profile may hold 1 MB, and one that was merged more; an item holds 400 KB. The
// traits of a large profile stand in items of their own, as one text in pieces. They
// are never changed: who writes the profile first writes other pieces, then the item
// that says which they are, under the condition that nobody wrote it meanwhile, and
// then takes the old pieces away. A crash between leaves pieces that nobody reads; they
// go when the person is erased.

const (
	// largestFlat is up to how many bytes of traits an item holds them itself. With
	// names of updates and calls it stays under 400 KB.
	largestFlat = 300 << 10
	pieceBytes  = 380 << 10
	// largestName: DynamoDB takes names of attributes of up to 64 KB.
	largestName = 32 << 10
	mostPieces  = 10_000
	// aText is the attribute that holds a piece.
	aText = "text"
)

// isLarge says whether traits have no room in their item.
func isLarge(traits []profile.Trait) bool {
	for i := range traits {
		if len(traits[i].Name) > largestName {
			return true
		}
	}
	return sizeOf(traits) > largestFlat
}

// pieces cuts the traits of a record into items, and has the record say where they are.
func (s *Profiles) pieces(r *record) ([]item, error) {
	n, err := s.random()
	if err != nil {
		return nil, err
	}
	whole := encodeTraits(r.p.Traits)
	name := fmt.Sprintf("%x.%016x", r.rev+1, n)
	var list []item
	for at := 0; at < len(whole); at += pieceBytes {
		i := r.key.item(skPart + name + "#" + strconv.Itoa(len(list)))
		i[aText] = blob(whole[at:min(len(whole), at+pieceBytes)])
		list = append(list, i)
	}
	r.parts = strconv.Itoa(len(list)) + "*" + name
	return list, nil
}

// pieceKeys are the keys of a record's pieces.
func (r *record) pieceKeys() ([]item, error) {
	digits, name, ok := strings.Cut(r.parts, "*")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 0 || n > mostPieces {
		return nil, damaged("profiles")
	}
	keys := make([]item, n)
	for i := range keys {
		keys[i] = r.key.item(skPart + name + "#" + strconv.Itoa(i))
	}
	return keys, nil
}

// readParts returns the traits' text; ok is false if a piece is not there any more.
func (s *Profiles) readParts(ctx context.Context, e *effort, r *record) (whole []byte, ok bool, err error) {
	keys, err := r.pieceKeys()
	if err != nil {
		return nil, false, err
	}
	found, err := s.getItems(ctx, e, keys)
	if err != nil || len(found) != len(keys) {
		return nil, false, err
	}
	texts := map[string][]byte{}
	for _, i := range found {
		texts[i.text(sk)] = i.blob(aText)
	}
	for _, k := range keys {
		whole = append(whole, texts[k.text(sk)]...)
	}
	return whole, true, nil
}

// encodeTraits writes names and values behind their lengths, byte for byte.
func encodeTraits(traits []profile.Trait) []byte {
	b := binary.AppendUvarint(nil, uint64(len(traits)))
	for i := range traits {
		b = append(binary.AppendUvarint(b, uint64(len(traits[i].Name))), traits[i].Name...)
		b = append(binary.AppendUvarint(b, uint64(len(traits[i].Value))), traits[i].Value...)
	}
	return b
}

func decodeTraits(b []byte) ([]profile.Trait, error) {
	size := func() int {
		n, width := binary.Uvarint(b)
		if width <= 0 || n > uint64(len(b)-width) {
			b = nil
			return -1
		}
		b = b[width:]
		return int(n)
	}
	take := func() []byte {
		n := size()
		if n < 0 {
			return nil
		}
		part := b[:n:n]
		b = b[n:]
		return part
	}
	n := size()
	if n < 0 {
		return nil, damaged("profiles")
	}
	traits := make([]profile.Trait, 0, n)
	for range n {
		name, value := take(), take()
		if len(value) == 0 { // no value is empty
			return nil, damaged("profiles")
		}
		traits = append(traits, profile.Trait{Name: string(name), Value: value})
	}
	if len(b) != 0 {
		return nil, fault.New(fault.Internal, "a large profile is damaged")
	}
	return traits, nil
}
