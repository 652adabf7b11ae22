// Package vault stands between the identifiers that websites send and the lake.
//
// Each identifier has a lake id: 128 random bits, made at first sight and kept
// in the vault under a keyed hash of project, kind and identifier. The lake
// holds lake ids only. A keyed hash alone would not do as the lake's id:
// whoever has the key and the identifier could compute it again after the
// person was erased. A random id whose entry is gone leads nowhere.
package vault

import (
	"context"
	"encoding/hex"
)

// ID is a lake id. Its text is 32 lower-case hexadecimal digits.
type ID [16]byte

// String returns the id as the lake writes it.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Key is the keyed hash under which an identifier's entry is stored.
type Key [32]byte

// Entry ties a key to a lake id.
type Entry struct {
	Key Key
	ID  ID
}

// Identifier is what a client sent, and what it names: Kind is one of event's
// IDDevice, IDUser and IDGroup followed by the group's key.
type Identifier struct {
	Project string
	Kind    string
	Value   string
}

// Store keeps entries. Both methods may be called from many goroutines, and
// return fault.Unavailable, having kept nothing, when the store cannot be
// reached or has no room.
type Store interface {
	// Find returns the lake id of each key, in order, and whether it exists.
	Find(ctx context.Context, keys []Key) ([]ID, []bool, error)
	// Create keeps each entry whose key is not there yet, and returns for every
	// entry the id that the store holds now: the given one, or the one that was
	// there first. It returns only when all of them are durable: an id that was
	// handed out is the same after a crash.
	Create(ctx context.Context, entries []Entry) ([]ID, error)
}
