package pebble

import (
	"encoding/binary"

	"loch/shared/vault"
)

// Every key of both databases begins with one of these bytes. The byte names
// the record and its version: a new layout takes a new byte, so that a database
// can be converted a record at a time. 0x40 and above are free for indexes.
//
//	0x00                      what the database is, "vault 2" or "profiles 3"
//	0x00 01                   nothing, see renewManifest
//	0x00 02                   that a scrub has not come to its end, see clean
//
// In the vault, where <owner> is a lake id, 16 bytes:
//
//	0x01 <keyed hash, 32>     lake id, 16 bytes; zeroes where it is suppressed
//	0x02 <owner><keyed hash>  that the entry goes with the owner
//	0x03 <owner>              the owner's key, wrapped
//	0x04 <keyed hash><owner>  that the owner stands under a blind index key
//	0x05 <owner><keyed hash>  the same from the owner's side
//	0x06 <name>               a secret of the vault itself, wrapped
//	0x07 <owner>              a gravestone
//	0x08 <seq, 8>             an entry of the audit ledger, JSON
//	0x09 <owner>              the owner's project, see vault.Store; builds before
//	                          2026-11-28 wrote none
//
// In the profile store, where <person> is <length of project><project><lake id>:
//
//	0x11 <person>             traits, see encodeTraits
//	0x12 <person>             when, where and with what last seen, see encodeSeen
//	0x13 <person>             the user that this device is linked to, or whom this
//	                          identifier was merged into, see encodeLink
//	0x14 <user><device id>    the same from the user's side; the user's id with its length
//	                          (empty, or mergedMark)
//	0x15 <person>             a gravestone
//	0x16 <week, 4><id><name>  that an update of this name was applied, see once.go; the id as sent, with its length
//	0x18 <person>             that the profile changed since the lake's last snapshot, see changed.go; a number, 8 bytes
//	0x19 <project>            when the project's people were last listed, Unix ms, 8 bytes
//	0x1a <person>             when the profile was deleted last, Unix ms, 8 bytes; not by an erasure
const (
	metaByte   = 0x00
	idByte     = 0x01
	ownedByte  = 0x02
	keyByte    = 0x03
	indexByte  = 0x04
	backByte   = 0x05
	secretByte = 0x06
	graveByte  = 0x07
	auditByte  = 0x08
	homeByte   = 0x09
	traitsByte = 0x11
	seenByte   = 0x12
	linkByte   = 0x13
	linkedByte = 0x14
	tombByte   = 0x15
	onceByte   = 0x16
	// changedByte marks what a copy of the profiles does not have yet.
	changedByte = 0x18
	listedByte  = 0x19
	deletedByte = 0x1a
)

var (
	metaKey    = []byte{metaByte}
	paddingKey = []byte{metaByte, 1}
	markKey    = []byte{metaByte, 2}
)

// join makes a key of the vault.
func join(record byte, parts ...[]byte) []byte {
	key := make([]byte, 1, 64)
	key[0] = record
	for _, p := range parts {
		key = append(key, p...)
	}
	return key
}

func idKey(k *vault.Key) []byte  { return join(idByte, k[:]) }
func homeKey(o *vault.ID) []byte { return join(homeByte, o[:]) }

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

// listedKey is that of the note that a project's people are listed.
func listedKey(project string) []byte { return append([]byte{listedByte}, project...) }

// sibling is another id of the same project.
func (p person) sibling(id string) person {
	project, _ := p.split()
	return personOf(project, id)
}

func (p person) key(record byte) []byte {
	return append([]byte{record}, p...)
}

// linkedKey is the prefix of the records that name a user's devices.
func (p person) linkedKey() []byte { return p.sized([]byte{linkedByte}) }

// onceKey is the prefix of the records that name the updates of an id in one week.
func (p person) onceKey(week int64) []byte {
	return p.sized(onceWeek(week))
}

func onceWeek(week int64) []byte {
	return binary.BigEndian.AppendUint32([]byte{onceByte}, uint32(max(0, week)))
}

func (p person) sized(key []byte) []byte {
	return append(binary.AppendUvarint(key, uint64(len(p))), p...)
}
