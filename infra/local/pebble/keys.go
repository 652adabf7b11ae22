package pebble

import (
	"encoding/binary"

	"loch/shared/vault"
)

// Every key of both databases begins with one of these bytes. The byte names
// the record and its version: a new layout takes a new byte, so that a database
// can be converted a record at a time. 0x40 and above are free for indexes.
//
//	0x00                      what the database is, "vault 1" or "profiles 1"
//
// In the vault:
//
//	0x01 <keyed hash, 32>     lake id, 16 bytes
//
// In the profile store, where <person> is <length of project><project><lake id>:
//
//	0x11 <person>             traits, see encodeTraits
//	0x12 <person>             when, where and with what last seen, see encodeSeen
//	0x13 <person>             the user that this device is linked to, see encodeLink
const (
	metaByte   = 0x00
	idByte     = 0x01
	traitsByte = 0x11
	seenByte   = 0x12
	linkByte   = 0x13
)

var metaKey = []byte{metaByte}

func idKey(k *vault.Key) []byte {
	return append([]byte{idByte}, k[:]...)
}

// person stands for one profile of one project: what follows the first byte of
// its keys. The project's length makes it unambiguous.
type person string

func personOf(project, id string) person {
	b := make([]byte, 0, 2+len(project)+len(id))
	b = binary.AppendUvarint(b, uint64(len(project)))
	b = append(b, project...)
	return person(append(b, id...))
}

// split is the inverse of personOf.
func (p person) split() (project, id string) {
	n, width := binary.Uvarint([]byte(p[:min(len(p), binary.MaxVarintLen64)]))
	rest := string(p[width:])
	return rest[:n], rest[n:]
}

// sibling is another id of the same project.
func (p person) sibling(id string) person {
	project, _ := p.split()
	return personOf(project, id)
}

func (p person) key(record byte) []byte {
	return append([]byte{record}, p...)
}
