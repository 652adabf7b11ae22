package pebble

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"loch/shared/audit"
	"loch/shared/audit/audittest"
	"loch/shared/fault"
	"loch/shared/profile"
	"loch/shared/vault"
)

type trackedAudit struct {
	*Audit
	dir string
}

func TestAuditContract(t *testing.T) {
	audittest.Run(t, func(t *testing.T) audit.Store {
		dir := t.TempDir()
		return trackedAudit{openTestVault(t, dir, quietly()).Audit(), dir}
	}, func(t *testing.T, s audit.Store) audit.Store {
		old := s.(trackedAudit)
		if err := old.v.Close(); err != nil {
			t.Fatal(err)
		}
		return trackedAudit{openTestVault(t, old.dir, quietly()).Audit(), old.dir}
	})
}

// holds searches a store's files for bytes.
func holds(t testing.TB, dir string, marker []byte) (where string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	must(t, err)
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if bytes.Contains(text, marker) {
			return filepath.Base(name)
		}
	}
	return ""
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// planted is somebody in the vault, and the bytes that must go with them.
type planted struct {
	owner   vault.ID
	keys    []vault.Key // their identifier's first, then tokens
	secrets map[string][]byte
}

func plant(t testing.TB, v *Vault, tokens int) planted {
	t.Helper()
	ctx := context.Background()
	p := planted{owner: vault.ID(randomBytes(16)), secrets: map[string][]byte{}}
	var entries []vault.Entry
	for n := range tokens + 1 {
		e := vault.Entry{Key: vault.Key(randomBytes(32)), ID: vault.ID(randomBytes(16)), Owner: p.owner}
		if n == 0 {
			e.ID = p.owner
		}
		entries = append(entries, e)
		p.keys = append(p.keys, e.Key)
		p.secrets[fmt.Sprint("keyed hash ", n)] = e.Key[:]
	}
	_, err := v.Create(ctx, entries)
	must(t, err)
	p.secrets["wrapped key"] = randomBytes(60)
	_, err = v.CreatePersonKeys(ctx, []vault.PersonKey{{Owner: p.owner, Wrapped: p.secrets["wrapped key"]}})
	must(t, err)
	index := vault.Key(randomBytes(32))
	p.secrets["index key"] = index[:]
	must(t, v.AddIndex(ctx, []vault.Owned{{Owner: p.owner, Key: index}}))
	return p
}

// mustBe checks that all of somebody's bytes are in the files, or none.
func (p *planted) mustBe(t testing.TB, dir string, there bool) {
	t.Helper()
	for what, marker := range p.secrets {
		if where := holds(t, dir, marker); (where != "") != there {
			t.Fatalf("the %s: should be there: %v, is in %q", what, there, where)
		}
	}
}

// When Erase returns the bytes are in no file of the vault: not in its logs, those
// that wait to be used again among them, not in its sorted files, and not in the
// manifest. It does not matter where they had got to.
func TestErasedBytesAreGone(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	v := openTestVault(t, dir, quietly())
	var people []planted
	r := mathrand.New(mathrand.NewPCG(1, 2))
	erase := func(at int) {
		t.Helper()
		p := people[at]
		p.mustBe(t, dir, true)
		gone, err := v.Erase(ctx, "", []vault.ID{p.owner}, false)
		must(t, err)
		if len(gone) != len(p.keys) {
			t.Errorf("%d keys are said to be gone, not %d", len(gone), len(p.keys))
		}
		p.mustBe(t, dir, false)
		people = append(people[:at], people[at+1:]...)
	}
	for round := range 40 {
		tokens := r.IntN(4)
		if round%10 == 0 {
			tokens = 2 * mostPlaces
		}
		people = append(people, plant(t, v, tokens))
		switch r.IntN(6) {
		case 0:
			must(t, v.peb.Flush())
		case 1:
			must(t, v.peb.Compact(ctx, []byte{0}, []byte{0xff}, false))
		case 2:
			erase(len(people) - 1) // at once
		case 3:
			erase(r.IntN(len(people)))
		case 4:
			for range 20 {
				people = append(people, plant(t, v, 1))
			}
		case 5:
			must(t, v.Close())
			v = openTestVault(t, dir, quietly())
		}
	}
	// Nobody else's are missed: not after many more logs, not after a restart.
	for range 10 {
		people = append(people, plant(t, v, 100))
		must(t, v.peb.Flush())
	}
	must(t, v.Close())
	v = openTestVault(t, dir, quietly())
	for _, p := range people {
		keys, err := v.FindPersonKeys(ctx, []vault.ID{p.owner})
		must(t, err)
		_, found, err := v.Find(ctx, p.keys)
		must(t, err)
		if !bytes.Equal(keys[0], p.secrets["wrapped key"]) || slices.Contains(found, false) {
			t.Fatal("somebody who was not erased has lost something")
		}
	}
}

// While others write, logs and files come and go; that must not hide anything.
func TestErasedBytesAreGoneUnderLoad(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	v := openTestVault(t, dir, quietly())
	rounds, batches := 12, 40
	if testing.Short() {
		rounds = 4
	}
	allowed := make(chan struct{}, rounds*batches)
	var writers sync.WaitGroup
	for range 3 {
		writers.Go(func() {
			for range allowed {
				batch := v.peb.NewBatch()
				for range 500 {
					must(t, batch.Set(join(idByte, randomBytes(32)), randomBytes(16), nil))
				}
				must(t, v.apply(batch, false))
				must(t, batch.Close())
			}
		})
	}
	defer writers.Wait()
	defer close(allowed)
	for range rounds {
		for range batches {
			allowed <- struct{}{}
		}
		p := plant(t, v, 2)
		_, err := v.Erase(ctx, "", []vault.ID{p.owner}, true)
		must(t, err)
		delete(p.secrets, "keyed hash 0") // stays, suppressed
		p.mustBe(t, dir, false)
	}
}

// With suppress the keyed hash stays, and nothing says any more whose it was.
func TestSuppressedLinkIsGone(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	v := openTestVault(t, dir, quietly())
	p := plant(t, v, 0)
	link := slices.Concat(p.owner[:], p.keys[0][:])
	if holds(t, dir, link) == "" {
		t.Fatal("the test proves nothing")
	}
	_, err := v.Erase(ctx, "", []vault.ID{p.owner}, true)
	must(t, err)
	if where := holds(t, dir, link); where != "" {
		t.Errorf("the link is in %s", where)
	}
	if holds(t, dir, p.keys[0][:]) == "" {
		t.Error("the suppressed hash is not there")
	}
}

// Where the process ended after the erasure was written and before its bytes were
// gone, erasing again takes them away.
func TestErasingAgainFinishes(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	v := openTestVault(t, dir, quietly())
	p := plant(t, v, 3)
	must(t, v.peb.Flush())
	e := &erasure{v: v, batch: v.peb.NewBatch(), owners: []vault.ID{p.owner}, done: map[vault.Key]bool{}}
	must(t, e.apply(func(b *pebble.Batch) error { return b.Set(markKey, nil, nil) }))
	must(t, v.settle(e.batch, true))
	must(t, v.Close())
	v = openTestVault(t, dir, quietly())
	// Most of the bytes are still there, unless Pebble has merged them by itself.
	if _, marked, err := v.get(markKey); err != nil || !marked {
		t.Fatalf("nothing says that bytes may be left: %v", err)
	}
	_, err := v.Erase(ctx, "", []vault.ID{p.owner}, false)
	must(t, err)
	p.mustBe(t, dir, false)
	if _, marked, err := v.get(markKey); err != nil || marked {
		t.Errorf("the mark is there: %v %v", marked, err)
	}
}

// The mark is written by the erasure itself.
func TestErasureIsMarked(t *testing.T) {
	mem, ctx := vfs.NewCrashableMem(), context.Background()
	v := openVaultIn(t, surroundings{fs: mem}, quietly())
	defer closeOnce(t, v.database)
	p := plant(t, v, 1)
	marked := false
	must(t, v.clean(ctx, func(mark func(*pebble.Batch) error) ([][]byte, error) {
		e := &erasure{v: v, batch: v.peb.NewBatch(), owners: []vault.ID{p.owner}, done: map[vault.Key]bool{}}
		must(t, e.apply(mark))
		must(t, v.settle(e.batch, true))
		after := openVaultIn(t, lost(mem, 0), quietly())
		defer closeOnce(t, after.database)
		var err error
		_, marked, err = after.get(markKey)
		must(t, err)
		if _, found, err := after.Find(ctx, p.keys); err != nil || slices.Contains(found, true) {
			t.Errorf("after a loss of power the erased are there: %v %v", found, err)
		}
		return e.touched, nil
	}))
	if !marked {
		t.Error("after a loss of power nothing says that bytes may be left")
	}
}

// An erasure that returned stands after a loss of power, and so do its gravestone
// and an entry of the ledger.
func TestErasurePowerLoss(t *testing.T) {
	mem, ctx := vfs.NewCrashableMem(), context.Background()
	v := openVaultIn(t, surroundings{fs: mem}, quietly())
	defer closeOnce(t, v.database)
	ledger := func(v *Vault) *audit.Log {
		return audit.New(v.Audit(), [32]byte{1}, func() time.Time { return time.UnixMilli(1) })
	}
	for n := range 12 {
		p := plant(t, v, n%3)
		_, err := v.Erase(ctx, "", []vault.ID{p.owner}, n%2 == 0)
		must(t, err)
		_, err = ledger(v).Append(ctx, audit.Entry{Kind: audit.EraseDone, Person: p.owner.String()})
		must(t, err)
		after := openVaultIn(t, lost(mem, (n%3)*50), quietly())
		_, found, err := after.Find(ctx, p.keys)
		if err != nil || slices.Contains(found[1:], true) || found[0] != (n%2 == 0) {
			t.Fatalf("round %d: found %v, %v", n, found, err)
		}
		if err := after.Own(ctx, []vault.Owned{{Owner: p.owner}}); fault.CodeOf(err) != fault.Unavailable {
			t.Fatalf("round %d: the gravestone is lost: %v", n, err)
		}
		if r, err := ledger(after).Verify(ctx, nil); err != nil || r.Entries != n+1 || r.Problem != "" {
			t.Fatalf("round %d: the ledger: %+v %v", n, r, err)
		}
		closeOnce(t, after.database)
	}
}

// A key that is being made when its owner is erased is not handed to whoever makes
// it next, although its first maker still waits for the disk.
func TestErasedClaimIsForgotten(t *testing.T) {
	mem, ctx := vfs.NewCrashableMem(), context.Background()
	h := &held{free: make(chan struct{})}
	v := openVaultIn(t, surroundings{fs: logFiles(mem, h.on)}, quietly())
	defer closeOnce(t, v.database)
	h.hold.Store(true)
	k, old, fresh := testKey(1), vault.ID{1}, vault.ID{2}
	var all sync.WaitGroup
	all.Go(func() {
		_, err := v.Create(ctx, []vault.Entry{{Key: k, ID: old}})
		must(t, err)
	})
	await(t, "the key is visible", func() bool {
		_, ok, err := v.read(idKey(&k))
		return ok && err == nil
	})
	e := &erasure{v: v, batch: v.peb.NewBatch(), owners: []vault.ID{old}, done: map[vault.Key]bool{}}
	must(t, e.apply(func(*pebble.Batch) error { return nil }))
	all.Go(func() {
		ids, err := v.Create(ctx, []vault.Entry{{Key: k, ID: fresh}})
		if err != nil || ids[0] != fresh {
			t.Errorf("whoever came next was told %v, %v", ids, err)
		}
	})
	await(t, "the second key is visible", func() bool {
		id, ok, err := v.read(idKey(&k))
		return ok && err == nil && id == fresh
	})
	h.release()
	all.Wait()
	must(t, v.settle(e.batch, true))
	for i := range v.ids.pending {
		if n := v.ids.pending[i].n.Load(); n != 0 {
			t.Errorf("%d claims are left", n)
		}
	}
}

// Whoever exchanges a secret leaves none of the old one behind.
func TestReplacedSecretsAreGone(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	v := openTestVault(t, dir, quietly())
	old := randomBytes(60)
	_, err := v.CreateSecret(ctx, "root", old)
	must(t, err)
	if holds(t, dir, old) == "" {
		t.Fatal("the test proves nothing")
	}
	must(t, v.ReplaceSecrets(ctx, map[string][]byte{"root": randomBytes(60)}))
	if where := holds(t, dir, old); where != "" {
		t.Errorf("the secret from before is in %s", where)
	}
}

// The same of a profile.
func TestErasedProfilesAreGone(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	s := openTestProfiles(t, dir, quietly())
	marker := []byte(fmt.Sprintf("%x", randomBytes(30)))
	set := func(id string, value []byte) {
		t.Helper()
		_, err := s.Apply(ctx, profile.Changes{Updates: []profile.Update{{Project: "p", ID: id, TimeMS: 1, Ops: []profile.Op{
			{Kind: profile.Set, Name: "x", Value: []byte(`"` + string(value) + `"`)},
		}}}})
		must(t, err)
	}
	set("ann", marker)
	for i := range 500 {
		set(fmt.Sprint("other ", i), []byte(fmt.Sprintf("%x", randomBytes(30))))
	}
	must(t, s.peb.Flush())
	set("ann", append(bytes.Clone(marker), "again"...))
	must(t, s.Erase(ctx, "p", []string{"ann"}))
	if where := holds(t, dir, marker); where != "" {
		t.Errorf("the trait is in %s", where)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
