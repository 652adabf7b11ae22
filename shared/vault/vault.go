// Package vault stands between the identifiers that websites send and the lake.
//
// Each identifier has a lake id: 128 random bits, made at first sight and kept
// in the vault under a keyed hash of project, kind and identifier. The lake
// holds lake ids only. A keyed hash alone would not do as the lake's id:
// whoever has the key and the identifier could compute it again after the
// person was erased. A random id whose entry is gone leads nowhere.
package vault

import (
	"encoding/hex"
	"strings"
)

// ID is a lake id. Its text is 32 lower-case hexadecimal digits.
type ID [16]byte

// String returns the id as the lake writes it.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// IsID tells text of the form of a lake id, as SQL's person_id has it: 32 lower-case
// hexadecimal digits.
func IsID(text string) bool {
	return len(text) == 2*len(ID{}) && strings.Trim(text, "0123456789abcdef") == ""
}

// Key is the keyed hash under which an identifier's entry is stored.
type Key [32]byte

// Identifier is what a client sent, and what it names: Kind is one of event's
// IDDevice, IDUser and IDGroup followed by the group's key.
type Identifier struct {
	Project string
	Kind    string
	Value   string
}
