package main

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"loch/shared/vault"
	"loch/shared/vault/vaulttest"
)

// fullStore cannot be written to while full is set, as on a disk without room.
type fullStore struct {
	vault.Store
	full bool
}

// ReplaceSecrets implements vault.Store.
func (s *fullStore) ReplaceSecrets(ctx context.Context, values map[string][]byte) error {
	if s.full {
		return errors.New("full")
	}
	return s.Store.ReplaceSecrets(ctx, values)
}

// Rotations that fail, however often, leave a key file that opens the vault.
func TestFailedRotations(t *testing.T) {
	dir, store, ctx := t.TempDir(), &fullStore{Store: vaulttest.NewMemory()}, t.Context()
	f, err := openKeyFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	open := func() (*vault.Vault, error) {
		return vault.Open(ctx, store, f.wrapper(), vault.Options{Rand: rand.Reader, Now: time.Now})
	}
	v, err := open()
	if err != nil {
		t.Fatal(err)
	}
	store.full = true
	for range 4 {
		if _, err := f.rotate(ctx, v); err == nil {
			t.Fatal("a rotation that was not written is said to be done")
		}
	}
	store.full = false
	if f, err = openKeyFile(dir); err != nil {
		t.Fatal(err)
	}
	if v, err = open(); err != nil {
		t.Fatal(err)
	}
	if err := f.finish(ctx, v); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "vault.key"))
	if err != nil || strings.Count(string(text), "\n") != 1 {
		t.Errorf("%q %v", text, err)
	}
	if _, err := f.rotate(ctx, v); err != nil {
		t.Error(err)
	}
	if _, err := open(); err != nil {
		t.Error(err)
	}
}
