package pebble

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"loch/shared/profile"
	"loch/shared/profile/profiletest"
	"loch/shared/vault"
	"loch/shared/vault/vaulttest"
)

var (
	_ vault.Store   = (*Vault)(nil)
	_ profile.Store = (*Profiles)(nil)
)

// quietly is what tests open stores with.
func quietly() Options {
	return Options{Now: time.Now, Logger: slog.New(slog.DiscardHandler)}
}

func openTestVault(t testing.TB, dir string, o Options) *Vault {
	t.Helper()
	v, err := OpenVault(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeOnce(t, v.database) })
	return v
}

func openTestProfiles(t testing.TB, dir string, o Options) *Profiles {
	t.Helper()
	s, err := OpenProfiles(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeOnce(t, s.database) })
	return s
}

// closeOnce closes a store unless its test has.
func closeOnce(t testing.TB, d *database) {
	t.Helper()
	d.gate.RLock()
	closed := d.closed
	d.gate.RUnlock()
	if closed {
		return
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// sightingAt is what one event tells.
func sightingAt(project, id string, ms int64, place profile.Place) profile.Sighting {
	return profile.Sighting{Project: project, ID: id, Seen: profile.SeenAt(ms, place, profile.DeviceInfo{}, profile.Arrival{})}
}

// tracked remembers which folder a store was opened in.
type tracked struct {
	*Profiles
	dir string
}

type trackedVault struct {
	vault.Store
	dir string
}

func TestProfilesContract(t *testing.T) {
	profiletest.Run(t, func(t *testing.T) profiletest.Store {
		dir := t.TempDir()
		return tracked{openTestProfiles(t, dir, quietly()), dir}
	}, func(t *testing.T, s profiletest.Store) profiletest.Store {
		old := s.(tracked)
		if err := old.Close(); err != nil {
			t.Fatal(err)
		}
		return tracked{openTestProfiles(t, old.dir, quietly()), old.dir}
	})
}

func TestVaultContract(t *testing.T) {
	vaulttest.Run(t, func(t *testing.T) vault.Store {
		dir := t.TempDir()
		return trackedVault{openTestVault(t, dir, quietly()), dir}
	}, func(t *testing.T, s vault.Store) vault.Store {
		old := s.(trackedVault)
		if err := old.Store.(*Vault).Close(); err != nil {
			t.Fatal(err)
		}
		return trackedVault{openTestVault(t, old.dir, quietly()), old.dir}
	})
}

func Example() {
	dir, err := os.MkdirTemp("", "loch-profiles-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	store, err := OpenProfiles(dir, Options{Now: time.Now})
	if err != nil {
		panic(err)
	}
	defer func() { _ = store.Close() }()

	ctx := context.Background()
	_, err = store.Apply(ctx, profile.Changes{
		Links: []profile.Link{{Project: "shop", Device: "device", User: "ann", TimeMS: 1}},
		Updates: []profile.Update{{Project: "shop", ID: "ann", TimeMS: 1, Ops: []profile.Op{
			{Kind: profile.Set, Name: "plan", Value: json.RawMessage(`"pro"`)},
			{Kind: profile.Add, Name: "orders", Value: json.RawMessage(`1`)},
		}}},
	})
	if err != nil {
		panic(err)
	}
	p, err := store.Get(ctx, "shop", "device")
	if err != nil {
		panic(err)
	}
	fmt.Println(p.ID)
	for _, trait := range p.Traits {
		fmt.Printf("%s = %s\n", trait.Name, trait.Value)
	}
	// Output:
	// ann
	// plan = "pro"
	// orders = 1
}
