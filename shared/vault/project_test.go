package vault_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"loch/shared/event"
	"loch/shared/profile"
	"loch/shared/vault"
	"loch/shared/vault/vaulttest"
)

// before is a store as builds before 2026-11-28 left it: no project is noted.
type before struct{ vault.Store }

func (b before) Create(ctx context.Context, entries []vault.Entry) ([]vault.ID, error) {
	entries = slices.Clone(entries)
	for i := range entries {
		entries[i].Project = ""
	}
	return b.Store.Create(ctx, entries)
}

func (b before) CreatePersonKeys(ctx context.Context, keys []vault.PersonKey) ([][]byte, error) {
	keys = slices.Clone(keys)
	for i := range keys {
		keys[i].Project = ""
	}
	return b.Store.CreatePersonKeys(ctx, keys)
}

// made is the lake id of a user.
func made(t *testing.T, v *vault.Vault, project, user string) string {
	t.Helper()
	ids, err := v.IDs(t.Context(), []vault.Identifier{{Project: project, Kind: event.IDUser, Value: user}})
	if err != nil {
		t.Fatal(err)
	}
	return ids[0].String()
}

func nobody(string) (bool, error) { return false, nil }

func known(t *testing.T, v *vault.Vault, project, id string, hasProfile func(string) (bool, error)) bool {
	t.Helper()
	known, err := v.Known(t.Context(), project, []string{id}, hasProfile)
	if err != nil {
		t.Fatal(err)
	}
	return known[0]
}

// A lake id is one project's. Whoever learned it can do nothing with it in another.
func TestPeopleAreOneProjects(t *testing.T) {
	store := vaulttest.NewMemory()
	v := newVault(t, store)
	jane := made(t, v, "p", "jane")
	if !known(t, v, "p", jane, nobody) || known(t, v, "q", jane, nobody) {
		t.Error("she is not known in her project, or is in another")
	}
	inQ := []profile.Update{{Project: "q", ID: jane, Ops: []profile.Op{op(profile.Set, "$email", `"x"`)}}}
	if err := v.SealUpdates(t.Context(), inQ); !errors.Is(err, vault.ErrOtherProject) {
		t.Errorf("another project sealed under her: %v", err)
	}
	traits := traitsOf(t, v, "p", jane, op(profile.Set, "$email", `"jane@example.test"`))
	if err := v.SealUpdates(t.Context(), inQ); err == nil {
		t.Error("another project sealed with her key")
	}
	if err := v.Erase(t.Context(), "q", []string{jane}, true); err != nil {
		t.Error(err)
	}
	for _, v := range []*vault.Vault{v, newVault(t, store)} { // with what it remembers, and without
		if got := opened(t, v, "q", []string{jane}, traits); got != "" {
			t.Errorf("another project opens %s", got)
		}
		if got := opened(t, v, "p", []string{jane}, traits); got != `$email*="jane@example.test"` {
			t.Errorf("her own project opens %q", got)
		}
		if again := made(t, v, "p", "jane"); again != jane {
			t.Error("another project erased her")
		}
	}
}

// Of somebody whom a build made that noted no project, their key tells whose they are,
// else a profile.
func TestPeopleOfBuildsBefore(t *testing.T) {
	store := vaulttest.NewMemory()
	old := newVault(t, before{store})
	jane, joe := made(t, old, "p", "jane"), made(t, old, "p", "joe")
	traits := traitsOf(t, old, "p", jane, op(profile.Set, "$email", `"jane@example.test"`))
	v := newVault(t, store)
	hasProfile := func(string) (bool, error) { return true, nil }
	for _, c := range []struct {
		project, id string
		hasProfile  func(string) (bool, error)
		want        bool
	}{
		{"p", jane, nobody, true}, {"q", jane, nobody, false}, {"q", jane, hasProfile, false},
		{"p", joe, nobody, false}, {"p", joe, hasProfile, true}, {"q", joe, nobody, false},
	} {
		if got := known(t, v, c.project, c.id, c.hasProfile); got != c.want {
			t.Errorf("%s in %s: %v", c.id, c.project, got)
		}
	}
	if got := opened(t, v, "p", []string{jane}, traits); got != `$email*="jane@example.test"` {
		t.Errorf("opened %q", got)
	}
	traitsOf(t, v, "p", joe, op(profile.Set, "$email", `"joe@example.test"`)) // and from now on he is p's
	if known(t, v, "q", joe, hasProfile) || !known(t, v, "p", joe, nobody) {
		t.Error("a key was made, and it did not say whose he is")
	}
	if err := v.Erase(t.Context(), "p", []string{jane, joe}, false); err != nil {
		t.Fatal(err)
	}
	if known(t, v, "p", jane, hasProfile) || known(t, v, "p", joe, hasProfile) {
		t.Error("whoever is erased is known")
	}
}
