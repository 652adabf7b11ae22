package vault

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"io"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"

	"loch/shared/event"
	"loch/shared/fault"
)

// MasterKey is the one secret from which the vault's keys are derived. On one
// machine it is a file beside the data; whoever has it and the vault can tell
// which lake id an identifier they already know has.
type MasterKey [32]byte

// Options are the vault's means.
type Options struct {
	Rand         io.Reader // cryptographic randomness
	CacheEntries int       // lake ids kept in memory; default 65 536
}

// Vault replaces identifiers by lake ids and seals rejected input.
type Vault struct {
	store    Store
	rand     io.Reader
	macs     sync.Pool // of hash.Hash
	cache    *lru.Cache[Key, ID]
	rejected cipher.AEAD
}

// New makes a vault over a store.
func New(store Store, master MasterKey, o Options) (*Vault, error) {
	if o.CacheEntries == 0 {
		o.CacheEntries = 65_536
	}
	cache, err := lru.New[Key, ID](o.CacheEntries)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "the vault's cache could not be made")
	}
	lookup, err := derive(master, "loch/vault/lookup/1")
	if err != nil {
		return nil, err
	}
	sealing, err := derive(master, "loch/vault/rejected/1")
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(sealing)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "the vault's cipher could not be made")
	}
	v := &Vault{store: store, rand: o.Rand, cache: cache}
	if v.rejected, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "the vault's cipher could not be made")
	}
	v.macs.New = func() any { return hmac.New(sha256.New, lookup) }
	return v, nil
}

// derive makes one key of its own for each use, so that a weakness of one use
// says nothing about another.
func derive(master MasterKey, use string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, master[:], nil, use, 32)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "the vault's keys could not be derived")
	}
	return key, nil
}

// key is the keyed hash of an identifier. Lengths are hashed too, so that no
// two identifiers share their bytes.
func (v *Vault) key(id Identifier) (k Key) {
	mac := v.macs.Get().(hash.Hash)
	mac.Reset()
	var text [160]byte
	b := text[:0]
	for _, part := range [...]string{id.Project, id.Kind, id.Value} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	mac.Write(b)
	mac.Sum(k[:0])
	v.macs.Put(mac)
	return k
}

// IDs returns the lake id of each identifier, in order, making those that do
// not exist yet. They are durable when it returns.
func (v *Vault) IDs(ctx context.Context, identifiers []Identifier) ([]ID, error) {
	ids := make([]ID, len(identifiers))
	var missing []Key
	var at []int
	for i, identifier := range identifiers {
		k := v.key(identifier)
		if id, ok := v.cache.Get(k); ok {
			ids[i] = id
			continue
		}
		missing, at = append(missing, k), append(at, i)
	}
	if len(missing) == 0 {
		return ids, nil
	}
	found, ok, err := v.store.Find(ctx, missing)
	if err != nil {
		return nil, err
	}
	var entries []Entry
	var entryAt []int
	for j, k := range missing {
		if ok[j] {
			ids[at[j]] = found[j]
			v.cache.Add(k, found[j])
			continue
		}
		e := Entry{Key: k}
		if _, err := io.ReadFull(v.rand, e.ID[:]); err != nil {
			return nil, fault.Wrap(err, fault.Unavailable, "no randomness for a lake id")
		}
		entries, entryAt = append(entries, e), append(entryAt, at[j])
	}
	if len(entries) == 0 {
		return ids, nil
	}
	created, err := v.store.Create(ctx, entries)
	if err != nil {
		return nil, err
	}
	for j, id := range created {
		ids[entryAt[j]] = id
		v.cache.Add(entries[j].Key, id)
	}
	return ids, nil
}

// Lookup returns the lake id of an identifier, if it has one. It never makes
// one: asking about a person must not create them.
func (v *Vault) Lookup(ctx context.Context, project, kind, value string) (id string, ok bool, err error) {
	k := v.key(Identifier{Project: project, Kind: kind, Value: value})
	if hit, ok := v.cache.Get(k); ok {
		return hit.String(), true, nil
	}
	ids, found, err := v.store.Find(ctx, []Key{k})
	if err != nil || !found[0] {
		return "", false, err
	}
	v.cache.Add(k, ids[0])
	return ids[0].String(), true, nil
}

// SealRejected encrypts the payload of a rejected record with AES-256-GCM. The
// row's own facts are bound to it: a sealed payload cannot be moved to another
// row unnoticed.
func (v *Vault) SealRejected(r *event.Rejected, payload []byte) []byte {
	return v.rejected.Seal(nil, nil, payload, rejectedContext(r))
}

// OpenRejected decrypts what SealRejected made for the same row.
func (v *Vault) OpenRejected(r *event.Rejected) ([]byte, error) {
	payload, err := v.rejected.Open(nil, nil, r.Sealed, rejectedContext(r))
	if err != nil {
		return nil, fault.New(fault.Invalid, "the sealed payload does not belong to this row or to this vault's key")
	}
	return payload, nil
}

func rejectedContext(r *event.Rejected) []byte {
	b := append([]byte("rejected/1\x00"), r.Project...)
	b = append(append(b, 0), r.RequestID...)
	b = append(append(b, 0), r.Reason...)
	return binary.AppendVarint(append(b, 0), r.BatchIndex)
}
