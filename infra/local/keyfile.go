package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"loch/shared/fault"
	"loch/shared/vault"
)

// keyFile is DATA/vault.key: 64 hexadecimal digits, and on a second line, only
// while a new key takes over, the old one.
type keyFile struct {
	path string
	keys []vault.MasterKey // newest first
}

// openKeyFile reads the vault's key file, and makes it only where no vault is
// yet: a new key beside an old vault opens nothing of it.
func openKeyFile(dir string) (*keyFile, error) {
	f := &keyFile{path: filepath.Join(dir, "vault.key")}
	text, err := os.ReadFile(f.path)
	switch {
	case err == nil:
		for line := range strings.FieldsSeq(string(text)) {
			var key vault.MasterKey
			if n, err := hex.Decode(key[:], []byte(line)); len(line) != 2*len(key) || err != nil || n != len(key) {
				return nil, fault.New(fault.Invalid, "vault.key is not a key: it must hold 64 hexadecimal digits; restore it from its backup")
			}
			f.keys = append(f.keys, key)
		}
		if len(f.keys) == 0 || len(f.keys) > 2 {
			return nil, fault.New(fault.Invalid, "vault.key is not a key: it must hold 64 hexadecimal digits; restore it from its backup")
		}
		return f, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fault.Wrap(err, fault.Invalid, "vault.key cannot be read")
	}
	if entries, err := os.ReadDir(filepath.Join(dir, "vault")); err == nil && len(entries) > 0 {
		return nil, fault.New(fault.Invalid, "vault.key is missing, but there is a vault; restore the key file of the same moment from its backup")
	}
	key, err := freshKey()
	if err != nil {
		return nil, err
	}
	f.keys = []vault.MasterKey{key}
	return f, f.write()
}

func freshKey() (key vault.MasterKey, err error) {
	if _, err := rand.Read(key[:]); err != nil {
		return key, fault.Wrap(err, fault.Internal, "no randomness for the vault's key")
	}
	return key, nil
}

func (f *keyFile) write() error {
	var text strings.Builder
	for i := range f.keys {
		text.WriteString(hex.EncodeToString(f.keys[i][:]) + "\n")
	}
	return writeFile(f.path, []byte(text.String()))
}

func (f *keyFile) wrapper() *vault.KeyFile { return vault.NewKeyFile(f.keys...) }

// finish ends a rotation that was cut off: the vault is locked with the newest
// key, and the old one leaves the file.
func (f *keyFile) finish(ctx context.Context, v *vault.Vault) error {
	if len(f.keys) == 1 {
		return nil
	}
	if err := v.Rotate(ctx, vault.NewKeyFile(f.keys[0])); err != nil {
		return err
	}
	f.keys = f.keys[:1]
	return f.write()
}

// rotate locks the vault with a new key. The new key is in the file before
// anything needs it, and the old one until nothing does, so a crash at any moment
// leaves a file that opens the vault.
func (f *keyFile) rotate(ctx context.Context, v *vault.Vault) (name string, err error) {
	// A rotation that failed half way comes to its end first, or the file would hold
	// ever more keys.
	if err := f.finish(ctx, v); err != nil {
		return "", err
	}
	key, err := freshKey()
	if err != nil {
		return "", err
	}
	f.keys = append([]vault.MasterKey{key}, f.keys...)
	if err := f.write(); err != nil {
		f.keys = f.keys[1:]
		return "", err
	}
	if err := f.finish(ctx, v); err != nil {
		return "", err
	}
	return f.wrapper().Name(), nil
}
