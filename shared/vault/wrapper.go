package vault

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"maps"
	"slices"

	"loch/shared/fault"
)

// Wrapper encrypts the vault's few keys under one that never leaves its home:
// KMS on AWS, a key file on one machine. context is bound to the result and must
// be the same to unwrap it. Unwrap returns fault.Forbidden when this is not the
// key that wrapped it, fault.Unavailable when the home cannot be reached.
type Wrapper interface {
	Wrap(ctx context.Context, key []byte, context map[string]string) ([]byte, error)
	Unwrap(ctx context.Context, wrapped []byte, context map[string]string) ([]byte, error)
}

// MasterKey is the content of a key file.
type MasterKey [32]byte

// KeyFile is the Wrapper of one machine. It wraps with the newest of its keys and
// unwraps with any, so that a key can be replaced without a moment in which the
// vault is closed.
type KeyFile struct {
	keys []MasterKey // newest first
}

// NewKeyFile makes a wrapper of the keys in a key file, newest first.
func NewKeyFile(keys ...MasterKey) *KeyFile { return &KeyFile{slices.Clone(keys)} }

const keyNameBytes = 8

// name tells keys apart without telling anything of them.
func (k *MasterKey) name() []byte {
	sum := sha256.Sum256(append([]byte("loch/key file/name/1\x00"), k[:]...))
	return sum[:keyNameBytes]
}

// Name is how messages call the newest key: 16 hexadecimal digits that say
// nothing of the key itself.
func (f *KeyFile) Name() string { return hex.EncodeToString(f.keys[0].name()) }

// Wrap encrypts a key with AES-256-GCM: the wrapping key's name, nonce,
// ciphertext.
func (f *KeyFile) Wrap(_ context.Context, key []byte, context map[string]string) ([]byte, error) {
	master := &f.keys[0]
	secret, err := derive(master[:], "loch/key file/wrap/1")
	if err != nil {
		return nil, err
	}
	aead, err := newGCM(secret)
	if err != nil {
		return nil, err
	}
	return aead.Seal(master.name(), nil, key, contextBytes(context)), nil
}

// Unwrap is the inverse of Wrap.
func (f *KeyFile) Unwrap(_ context.Context, wrapped []byte, context map[string]string) ([]byte, error) {
	if len(wrapped) < keyNameBytes {
		return nil, fault.New(fault.Internal, "a wrapped key of the vault is damaged")
	}
	name := wrapped[:keyNameBytes]
	for i := range f.keys {
		if subtle.ConstantTimeCompare(f.keys[i].name(), name) != 1 {
			continue
		}
		secret, err := derive(f.keys[i][:], "loch/key file/wrap/1")
		if err != nil {
			return nil, err
		}
		aead, err := newGCM(secret)
		if err != nil {
			return nil, err
		}
		key, err := aead.Open(nil, nil, wrapped[keyNameBytes:], contextBytes(context))
		if err != nil {
			return nil, fault.New(fault.Internal, "a wrapped key of the vault is damaged or stands in the wrong place")
		}
		return key, nil
	}
	return nil, fault.Newf(fault.Forbidden,
		"the vault is locked with key %x, and the key file holds %s: restore the key file of the same moment as the vault", name, f.Name())
}

func contextBytes(context map[string]string) []byte {
	var b []byte
	for _, name := range slices.Sorted(maps.Keys(context)) {
		b = appendParts(b, name, context[name])
	}
	return b
}
