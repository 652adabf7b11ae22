package profile

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Sealed is a personal trait as a store holds it: a ciphertext under the key of
// the person it was sent about. Stores move it about without opening it. Two
// sealed values of one owner are equal where their tags are, so that $union and
// $remove work on what nobody can read.
type Sealed struct {
	Owner   string // lake id of the person, device or group whose key seals it
	Version int    // of that key
	Tag     []byte // keyed hash of field and value, 16 bytes
	Box     []byte // nonce and AES-256-GCM ciphertext
}

// sealedHead is how a sealed value begins. A website's own object with a member
// of this name is sealed like any personal value, so nobody can forge one.
const sealedHead = `{"$sealed":"`

// Append writes the value as a store holds it: {"$sealed":"1.<owner>.<tag>.<box>"}.
func (s Sealed) Append(b []byte) []byte {
	b = append(b, sealedHead...)
	b = strconv.AppendInt(b, int64(s.Version), 10)
	b = append(append(b, '.'), s.Owner...)
	b = base64.RawURLEncoding.AppendEncode(append(b, '.'), s.Tag)
	b = base64.RawURLEncoding.AppendEncode(append(b, '.'), s.Box)
	return append(b, '"', '}')
}

// ParseSealed reads what Append wrote. It is false for any other value.
func ParseSealed(value json.RawMessage) (s Sealed, ok bool) {
	inner, ok := bytes.CutPrefix(value, []byte(sealedHead))
	if !ok {
		return s, false
	}
	if inner, ok = bytes.CutSuffix(inner, []byte(`"}`)); !ok {
		return s, false
	}
	parts := strings.Split(string(inner), ".")
	if len(parts) != 4 {
		return s, false
	}
	var errs [4]error
	s.Version, errs[0] = strconv.Atoi(parts[0])
	_, errs[1] = hex.DecodeString(parts[1])
	s.Owner = parts[1]
	s.Tag, errs[2] = base64.RawURLEncoding.DecodeString(parts[2])
	s.Box, errs[3] = base64.RawURLEncoding.DecodeString(parts[3])
	for _, err := range errs {
		if err != nil {
			return Sealed{}, false
		}
	}
	// Only what Append writes: another spelling of the same is no value of ours.
	return s, len(s.Owner) == 32 && len(s.Tag) == 16 && bytes.Equal(s.Append(nil), value)
}

// SealersOf are the owners of what is sealed in a value: of the value, or of a list's
// items, or of the items of lists in it.
func SealersOf(value json.RawMessage) (owners []string) {
	if s, ok := ParseSealed(value); ok {
		return []string{s.Owner}
	}
	var items []json.RawMessage
	if len(value) == 0 || value[0] != '[' || !HoldsSealed(value) || json.Unmarshal(value, &items) != nil {
		return nil
	}
	for _, item := range items {
		for _, owner := range SealersOf(item) {
			if !slices.Contains(owners, owner) {
				owners = append(owners, owner)
			}
		}
	}
	return owners
}

// HoldsSealed tells a value that is sealed, or a list of which an item may be. No
// website can store what only looks so: see sealedHead.
func HoldsSealed(value []byte) bool { return bytes.Contains(value, []byte(sealedHead)) }
