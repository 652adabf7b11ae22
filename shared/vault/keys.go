package vault

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"io"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"loch/shared/fault"
)

// Options are the vault's means.
type Options struct {
	Rand         io.Reader // cryptographic randomness
	Now          func() time.Time
	CacheEntries int // lake ids kept in memory; default 65 536
	// CacheFor bounds how long this process believes what it read: lake ids,
	// people's keys and projects' keys. It is the longest time for which another
	// process's erasure goes unnoticed. Default 5 minutes.
	CacheFor time.Duration
}

// Vault replaces identifiers by lake ids, seals personal traits and rejected
// input, and forgets people.
type Vault struct {
	store   Store
	rand    io.Reader
	now     func() time.Time
	keepFor time.Duration

	wrapperMu sync.RWMutex // held for writing while the wrapper is exchanged
	wrapper   Wrapper

	macs     sync.Pool // of *mac, under the lookup key
	inserts  sync.Pool // of *mac, under the key of insert ids
	index    []byte    // key of the blind index
	auditKey [32]byte
	rejected cipher.AEAD
	packer   packer // of rejected input

	erasures atomic.Int64 // counts them, so that a reader notices one that came between
	ids      *lru.Cache[Key, cachedID]
	owned    *lru.Cache[Owned, struct{}] // owners that are known to be written
	people   *lru.Cache[personOf, cachedPerson]
	projects projectKeys
	salts    dailySalts
}

type cachedID struct {
	id    ID
	until int64 // milliseconds since 1970
}

// rootName is the secret from which the keys of the vault itself are derived.
const rootName = "root"

// Open opens the vault over a store, whose root secret it makes at first use. The
// wrapper opens the root and the projects' keys: without it, whoever holds the
// store can neither open a trait nor tell which lake id an identifier has.
func Open(ctx context.Context, store Store, wrapper Wrapper, o Options) (*Vault, error) {
	if o.CacheEntries == 0 {
		o.CacheEntries = 65_536
	}
	if o.CacheFor == 0 {
		o.CacheFor = 5 * time.Minute
	}
	v := &Vault{store: store, rand: o.Rand, now: o.Now, keepFor: o.CacheFor, wrapper: wrapper}
	var err error
	if v.ids, err = lru.New[Key, cachedID](o.CacheEntries); err == nil {
		if v.owned, err = lru.New[Owned, struct{}](4096); err == nil {
			v.people, err = lru.New[personOf, cachedPerson](4096)
		}
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "the vault's cache could not be made")
	}
	if v.packer, err = newPacker(); err != nil {
		return nil, err
	}
	root, err := v.secret(ctx, rootName, rootContext())
	if err != nil {
		return nil, err
	}
	defer clear(root)
	return v, v.deriveAll(root)
}

func rootContext() map[string]string { return map[string]string{"loch": rootName} }

// deriveAll makes one key of its own for each use, so that a weakness of one use
// says nothing about another.
func (v *Vault) deriveAll(root []byte) error {
	lookup, err := derive(root, "loch/vault/lookup/1")
	if err != nil {
		return err
	}
	v.macs.New = func() any { return &mac{Hash: hmac.New(sha256.New, lookup)} }
	insert, err := derive(root, "loch/vault/insert/1")
	if err != nil {
		return err
	}
	v.inserts.New = func() any { return &mac{Hash: hmac.New(sha256.New, insert)} }
	if v.index, err = derive(root, "loch/vault/index/1"); err != nil {
		return err
	}
	chain, err := derive(root, "loch/audit/1")
	if err != nil {
		return err
	}
	copy(v.auditKey[:], chain)
	sealing, err := derive(root, "loch/vault/rejected/1")
	if err != nil {
		return err
	}
	v.rejected, err = newGCM(sealing)
	return err
}

func derive(root []byte, use string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, root, nil, use, 32)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "the vault's keys could not be derived")
	}
	return key, nil
}

// newGCM makes AES-256-GCM that draws a fresh nonce for each message and puts it
// in front of the ciphertext.
func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "the vault's cipher could not be made")
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "the vault's cipher could not be made")
	}
	return aead, nil
}

// AuditKey is the key of the audit ledger's chain.
func (v *Vault) AuditKey() [32]byte { return v.auditKey }

// key is the keyed hash of an identifier. Lengths are hashed too, so that no
// two identifiers share their bytes.
func (v *Vault) key(id Identifier) (k Key) {
	return sum(&v.macs, id.Project, id.Kind, id.Value)
}

// InsertID is what the lake keeps of an insert id that a client sent: a keyed hash,
// 32 hexadecimal digits. The same id of the same project gives the same one.
func (v *Vault) InsertID(project, insertID string) string {
	k := sum(&v.inserts, project, insertID)
	return hex.EncodeToString(k[:16])
}

// mac is a keyed hash with the memory for its text and its result.
type mac struct {
	hash.Hash
	text [160]byte
	key  Key
}

func sum(macs *sync.Pool, parts ...string) (k Key) {
	m := macs.Get().(*mac)
	m.Reset()
	m.Write(appendParts(m.text[:0], parts...))
	m.Sum(m.key[:0])
	k = m.key
	macs.Put(m)
	return k
}

// appendParts joins texts so that no two lists of them give the same bytes.
func appendParts(b []byte, parts ...string) []byte {
	for _, part := range parts {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	return b
}

func (v *Vault) random(b []byte, what string) error {
	if _, err := io.ReadFull(v.rand, b); err != nil {
		return fault.Wrap(err, fault.Unavailable, "no randomness for "+what)
	}
	return nil
}

// remember caches a lake id that was read when there had been so many erasures.
// If one came since, the id may be somebody's who is gone, and is not kept.
func (v *Vault) remember(k Key, id ID, erasures int64) {
	v.ids.Add(k, cachedID{id, v.fresh()})
	if v.erasures.Load() != erasures {
		v.ids.Remove(k)
	}
}

// fresh is until when something read now may be believed.
func (v *Vault) fresh() int64 { return v.now().Add(v.keepFor).UnixMilli() }
