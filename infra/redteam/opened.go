package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"loch/infra/local/pebble"
	"loch/shared/vault"
)

// stolen are the folders and the file that the thief has; empty for what he has
// not.
type stolen struct {
	lake, profiles, vault, key string
}

// useKeys asks the stolen vault for every value of the lists, as the server does,
// with the keys of the key file or with keys that can be guessed. It returns how
// many profiles it could open.
func useKeys(ctx context.Context, l *lists, s stolen, sources []*evidence, public []string) (claims []claim, opened int, err error) {
	work, err := os.MkdirTemp("", "redteam-")
	if err != nil {
		return nil, 0, err
	}
	defer os.RemoveAll(work)
	if err := copyFolder(filepath.Join(work, "vault"), s.vault); err != nil {
		return nil, 0, err
	}
	store, err := pebble.OpenVault(filepath.Join(work, "vault"), pebble.Options{})
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	v, err := openVault(ctx, store, s.key, public)
	if err != nil || v == nil {
		return nil, 0, err
	}
	t := &thief{ctx: ctx, vault: v, lists: l, sources: sources, index: map[string]entry{}}
	if err := t.lookUp(public); err != nil {
		return nil, 0, err
	}
	if s.profiles != "" {
		if err := copyFolder(filepath.Join(work, "profiles"), s.profiles); err != nil {
			return nil, 0, err
		}
		if err := t.openProfiles(filepath.Join(work, "profiles"), public); err != nil {
			return nil, 0, err
		}
	}
	return t.claims, t.opened, nil
}

// openVault opens the vault with the keys of the file, or tries some that are no
// secret. It is nil when none fits.
func openVault(ctx context.Context, store vault.Store, keyFile string, public []string) (*vault.Vault, error) {
	keys, err := masterKeys(keyFile, public)
	if err != nil {
		return nil, err
	}
	if _, ok, err := store.Secret(ctx, "root"); err != nil || !ok {
		return nil, errors.Join(err, errors.New("the vault holds no root key"))
	}
	for _, k := range keys {
		v, err := vault.Open(ctx, store, vault.NewKeyFile(k), vault.Options{Rand: noRandom{}, Now: time.Now})
		if err == nil {
			return v, nil
		}
	}
	if keyFile != "" {
		return nil, errors.New("the key file does not open this vault")
	}
	return nil, nil
}

// masterKeys are those of a key file; without one, those that somebody might have
// chosen instead of a random one.
func masterKeys(keyFile string, public []string) (keys []vault.MasterKey, err error) {
	if keyFile == "" {
		keys = append(keys, vault.MasterKey{})
		for _, w := range public {
			var padded vault.MasterKey
			copy(padded[:], w)
			keys = append(keys, vault.MasterKey(sha256.Sum256([]byte(w))), padded)
		}
		return keys, nil
	}
	content, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, err
	}
	for line := range strings.FieldsSeq(string(content)) {
		var k vault.MasterKey
		if n, err := hex.Decode(k[:], []byte(line)); err != nil || n != len(k) {
			return nil, fmt.Errorf("%s is no key file", filepath.Base(keyFile))
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// noRandom refuses to make anything: the thief only reads.
type noRandom struct{}

// Read fails.
func (noRandom) Read([]byte) (int, error) { return 0, errors.New("nothing may be made") }

// thief works with an opened vault.
type thief struct {
	ctx     context.Context
	vault   *vault.Vault
	lists   *lists
	sources []*evidence
	claims  []claim
	opened  int
	index   map[string]entry // lake id to who it is
}

// identifierKinds are under what the vault may know a value.
var identifierKinds = [kinds][]string{
	email:   {"value:email", "user"},
	user:    {"user"},
	device:  {"device"},
	phone:   {"value:phone", "user"},
	address: {"value:ip"},
}

// lookUp asks for each value of the lists.
func (t *thief) lookUp(public []string) error {
	for _, e := range t.lists.all() {
		v := t.lists.value(e)
		spelled := []string{v}
		if e.kind == phone {
			spelled = append(spelled, dialled(v)...)
		}
		for _, project := range public {
			for _, k := range identifierKinds[e.kind] {
				for _, s := range spelled {
					id, ok, err := t.vault.Lookup(t.ctx, project, k, s)
					if err != nil {
						return err
					}
					if ok {
						t.found(e, "looked up as "+k, id)
					}
				}
			}
			if e.kind == email {
				ids, err := t.vault.ByEmail(t.ctx, project, v)
				if err != nil {
					return err
				}
				for _, id := range ids {
					t.found(e, "looked up in the blind index", id)
				}
			}
		}
	}
	return nil
}

func (t *thief) found(e entry, how, id string) {
	t.claims = append(t.claims, claim{e, byKeys, how, "the vault", []string{id}})
	t.index[id] = e
}

// openProfiles reads the profile of everybody whom the vault or the lake knows,
// and searches what was sealed in it.
func (t *thief) openProfiles(dir string, public []string) (err error) {
	store, err := pebble.OpenProfiles(dir, pebble.Options{Now: time.Now})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	ids := map[string]bool{}
	for id := range t.index {
		ids[id] = true
	}
	for _, e := range t.sources {
		for id := range e.rowOf {
			ids[id] = true
		}
	}
	clear := newEvidence("opened profiles")
	for id := range ids {
		for _, project := range public {
			p, err := store.Get(t.ctx, project, id)
			if err != nil {
				continue // nobody by this id in this project
			}
			owners, err := store.Linked(t.ctx, project, id)
			if err != nil {
				return err
			}
			traits, sealed, err := t.vault.OpenTraits(t.ctx, project, owners, p.Traits)
			if err != nil {
				return err
			}
			if len(sealed) > 0 && p.ID == id {
				t.opened++
			}
			for _, trait := range traits {
				clear.addJSON("the trait "+trait.Name, string(trait.Value), id)
			}
		}
	}
	for _, c := range search(newHaystack(t.lists), clear) {
		c.attack = byOpening
		t.claims = append(t.claims, c)
	}
	return nil
}
