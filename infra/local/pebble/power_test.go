package pebble

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"loch/infra/local/disk"
	"loch/shared/fault"
	"loch/shared/profile"
	"loch/shared/vault"
)

// A killed process leaves what it wrote to the kernel; a machine that lost power
// does not. These tests run on a file system in memory that can forget
// whatever was not synced.

// lost returns the file system as it would be found after a loss of power now,
// with the given share of what was not synced.
func lost(mem *vfs.MemFS, percent int) surroundings {
	return surroundings{fs: mem.CrashClone(vfs.CrashCloneCfg{
		UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(rand.Uint64(), 0)),
	})}
}

func openVaultIn(t *testing.T, s surroundings, o Options) *Vault {
	t.Helper()
	v, err := openVault("vault", o, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func openProfilesIn(t *testing.T, s surroundings, o Options) *Profiles {
	t.Helper()
	p, err := openProfiles("profiles", o, s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPowerLoss(t *testing.T) {
	mem, ctx := vfs.NewCrashableMem(), context.Background()
	v := openVaultIn(t, surroundings{fs: mem}, quietly())
	defer closeOnce(t, v.database)
	s := openProfilesIn(t, surroundings{fs: mem}, quietly())
	defer closeOnce(t, s.database)
	for n := range 30 {
		// Sightings in between, which are not synced and may be lost, must not
		// take an acknowledged write with them.
		saw := profile.Changes{Sightings: []profile.Sighting{sightingAt("p", fmt.Sprint("d", n), int64(n)+1, profile.Place{})}}
		if _, err := s.Apply(ctx, saw); err != nil {
			t.Fatal(err)
		}
		link := profile.Link{Project: "p", Device: fmt.Sprint("device", n), User: "all", TimeMS: 1}
		if _, err := s.Apply(ctx, profile.Changes{Links: []profile.Link{link}}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Apply(ctx, profile.Changes{Updates: []profile.Update{one("all")}}); err != nil {
			t.Fatal(err)
		}
		ids, err := v.Create(ctx, []vault.Entry{{Key: testKey(n), ID: vault.ID{byte(n), 1}}})
		if err != nil {
			t.Fatal(err)
		}

		after := lost(mem, (n%3)*50)
		v2, s2 := openVaultIn(t, after, quietly()), openProfilesIn(t, after, quietly())
		found, ok, err := v2.Find(ctx, []vault.Key{testKey(n), testKey(n / 2)})
		if err != nil || !ok[0] || !ok[1] || found[0] != ids[0] {
			t.Fatalf("round %d: id %v became %v, %v, %v", n, ids[0], found, ok, err)
		}
		p, err := s2.Get(ctx, "p", fmt.Sprint("device", n))
		if err != nil || p.ID != "all" || string(p.Traits[0].Value) != fmt.Sprint(n+1) {
			t.Fatalf("round %d: the link gives %s with %s, %v", n, p.ID, p.Traits, err)
		}
		closeOnce(t, v2.database)
		closeOnce(t, s2.database)
	}
}

// logFiles is a file system on which a test decides what happens to Pebble's
// own log. on is called for each write and sync of it.
func logFiles(fs vfs.FS, on func(kind errorfs.OpKind) error) vfs.FS {
	return errorfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if strings.HasSuffix(op.Path, ".log") {
			return on(op.Kind)
		}
		return nil
	}))
}

func isSync(k errorfs.OpKind) bool {
	return k == errorfs.OpFileSync || k == errorfs.OpFileSyncData || k == errorfs.OpFileSyncTo
}

// held is a log whose syncs wait until they are let go.
type held struct {
	hold     atomic.Bool
	free     chan struct{}
	released atomic.Bool
}

func (h *held) on(kind errorfs.OpKind) error {
	if isSync(kind) && h.hold.Load() {
		<-h.free
	}
	return nil
}

func (h *held) release() {
	h.released.Store(true)
	close(h.free)
}

// While an id's first fsync is under way nobody may be told the id: if the power
// failed now, the next start would make another.
func TestNoIDIsToldBeforeItIsDurable(t *testing.T) {
	mem, ctx := vfs.NewCrashableMem(), context.Background()
	h := &held{free: make(chan struct{})}
	v := openVaultIn(t, surroundings{fs: logFiles(mem, h.on)}, quietly())
	defer closeOnce(t, v.database)
	h.hold.Store(true)

	k := testKey(1)
	told := make(chan vault.ID, 16)
	var early atomic.Int64
	var done sync.WaitGroup
	tell := func(id vault.ID, err error) {
		if err != nil {
			t.Error(err)
		}
		if !h.released.Load() {
			early.Add(1)
		}
		told <- id
	}
	create := func(id vault.ID) {
		done.Go(func() {
			ids, err := v.Create(ctx, []vault.Entry{{Key: testKey(2), ID: vault.ID{99}}, {Key: k, ID: id}})
			if err == nil {
				tell(ids[1], nil)
			} else {
				tell(vault.ID{}, err)
			}
		})
	}
	create(vault.ID{1})
	await(t, "the write is visible inside Pebble", func() bool {
		_, ok, err := v.read(idKey(&k))
		return ok && err == nil
	})
	for i := range 4 {
		create(vault.ID{byte(10 + i)})
		done.Go(func() {
			ids, found, err := v.Find(ctx, []vault.Key{k})
			if err == nil && !found[0] {
				err = errors.New("a key that is visible was not found")
			}
			tell(ids[0], err)
		})
	}
	// Time for one that does not wait to give itself away.
	select {
	case id := <-told:
		t.Errorf("the id %v was told before it was durable", id)
	case <-time.After(30 * time.Millisecond):
	}
	after := openVaultIn(t, lost(mem, 0), quietly())
	if _, found, err := after.Find(ctx, []vault.Key{k}); err != nil || found[0] {
		t.Errorf("the test proves nothing: the id was durable already (%v)", err)
	}
	closeOnce(t, after.database)

	h.release()
	done.Wait()
	close(told)
	for id := range told {
		if id != (vault.ID{1}) {
			t.Errorf("somebody was told %v", id)
		}
	}
	if early.Load() != 0 {
		t.Errorf("%d were told before the sync", early.Load())
	}
}

// The same for links: whoever repeats one that is not durable yet waits.
func TestNoLinkIsAcknowledgedBeforeItIsDurable(t *testing.T) {
	mem, ctx := vfs.NewCrashableMem(), context.Background()
	h := &held{free: make(chan struct{})}
	s := openProfilesIn(t, surroundings{fs: logFiles(mem, h.on)}, quietly())
	defer closeOnce(t, s.database)
	h.hold.Store(true)
	link := profile.Changes{Links: []profile.Link{{Project: "p", Device: "d", User: "u", TimeMS: 1}}}
	acknowledged := make(chan error, 2)
	apply := func() {
		_, err := s.Apply(ctx, link)
		acknowledged <- err
	}
	go apply()
	await(t, "the link is visible inside Pebble", func() bool {
		_, ok, err := s.get(personOf("p", "d").key(linkByte))
		return ok && err == nil
	})
	go apply()
	select {
	case err := <-acknowledged:
		t.Errorf("a link was acknowledged before it was durable (%v)", err)
		acknowledged <- err
	case <-time.After(30 * time.Millisecond):
	}
	h.release()
	for range 2 {
		if err := <-acknowledged; err != nil {
			t.Error(err)
		}
	}
	if n := s.links.n.Load(); n != 0 || len(s.links.claims) != 0 {
		t.Errorf("%d claims are left", n)
	}
}

// await waits for a condition, and fails the test if it does not come true.
func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// a guardedDisk is full when its folder is not there: then its free space cannot
// be asked.
type guardedDisk struct {
	dir string
	now atomic.Int64
}

func newGuardedDisk(t *testing.T) *guardedDisk {
	g := &guardedDisk{dir: filepath.Join(t.TempDir(), "disk")}
	g.setRoom(t, true)
	return g
}

// guard looks anew each time: its clock leaps.
func (g *guardedDisk) guard() *disk.Guard {
	return disk.New(g.dir, 0, func() time.Time { return time.Unix(g.now.Add(1), 0) })
}

func (g *guardedDisk) setRoom(t *testing.T, room bool) {
	t.Helper()
	err := os.Mkdir(g.dir, 0o700)
	if !room {
		err = os.Remove(g.dir)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestNoRoomIsSaidAtTheDoor(t *testing.T) {
	g, ctx := newGuardedDisk(t), context.Background()
	o := quietly()
	o.Guard = g.guard()
	v, s := openTestVault(t, t.TempDir(), o), openTestProfiles(t, t.TempDir(), o)
	update := profile.Changes{Updates: []profile.Update{one("u")}, Links: []profile.Link{{Project: "p", Device: "d", User: "u", TimeMS: 1}}}
	saw := profile.Changes{Sightings: []profile.Sighting{sightingAt("p", "u", 1, profile.Place{})}}
	entries := []vault.Entry{{Key: testKey(1), ID: vault.ID{1}}}

	g.setRoom(t, false)
	if _, err := s.Apply(ctx, update); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("an update without room: %v", err)
	}
	if _, err := v.Create(ctx, entries); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("a new id without room: %v", err)
	}
	if _, err := s.Apply(ctx, saw); err != nil {
		t.Errorf("a sighting is no reason to refuse an event that is kept: %v", err)
	}
	if _, err := s.Get(ctx, "p", "u"); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("something was kept: %v", err)
	}
	if _, found, err := v.Find(ctx, []vault.Key{testKey(1)}); err != nil || found[0] {
		t.Errorf("an id was kept: %v, %v", found, err)
	}

	g.setRoom(t, true)
	for _, c := range []profile.Changes{update, saw} {
		if _, err := s.Apply(ctx, c); err != nil {
			t.Error(err)
		}
	}
	if _, err := v.Create(ctx, entries); err != nil {
		t.Error(err)
	}
}

// Another program takes the last byte between the guard's look and the write:
// the write waits, others are refused, and all goes on when there is room.
func TestDiskThatFillsUpUnderAWrite(t *testing.T) {
	g, mem, ctx := newGuardedDisk(t), vfs.NewCrashableMem(), context.Background()
	var full atomic.Bool
	met, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	fs := logFiles(mem, func(kind errorfs.OpKind) error {
		if !full.Load() || kind != errorfs.OpFileWrite {
			return nil
		}
		once.Do(func() { close(met); <-goOn })
		return syscall.ENOSPC
	})
	o := quietly()
	o.Guard = g.guard()
	s := openProfilesIn(t, surroundings{fs: fs, exit: func(int) { t.Error("the process would have ended") }}, o)
	defer closeOnce(t, s.database)

	full.Store(true)
	outcome := make(chan error, 1)
	go func() {
		_, err := s.Apply(ctx, profile.Changes{Updates: []profile.Update{one("first")}})
		outcome <- err
	}()
	<-met // so it is past the guard
	g.setRoom(t, false)
	close(goOn)
	await(t, "the write waits for room", s.full.paused.Load)
	await(t, "others are refused", func() bool {
		_, err := s.Apply(ctx, profile.Changes{Updates: []profile.Update{one("second")}})
		return fault.CodeOf(err) == fault.Unavailable
	})
	full.Store(false)
	g.setRoom(t, true)
	if err := <-outcome; err != nil {
		t.Fatal(err)
	}
	after := openProfilesIn(t, lost(mem, 0), quietly())
	defer closeOnce(t, after.database)
	if _, err := after.Get(ctx, "p", "first"); err != nil {
		t.Errorf("the write that waited is lost: %v", err)
	}
	if _, err := s.Apply(ctx, profile.Changes{Updates: []profile.Update{one("third")}}); err != nil {
		t.Error(err)
	}
}

// A disk that fails ends the process, which says why, and acknowledges nothing.
func TestFailingDiskEndsTheProcess(t *testing.T) {
	var broken atomic.Bool
	fs := logFiles(vfs.NewMem(), func(kind errorfs.OpKind) error {
		if broken.Load() && isSync(kind) {
			return syscall.EIO
		}
		return nil
	})
	var said bytes.Buffer
	var ended atomic.Int64
	o := quietly()
	o.Logger = slog.New(slog.NewTextHandler(&said, nil))
	s := openProfilesIn(t, surroundings{fs: fs, exit: func(code int) {
		ended.Store(int64(code))
		runtime.Goexit() // the store is not closed: nothing may touch it any more
	}}, o)
	broken.Store(true)
	var acknowledged atomic.Bool
	var done sync.WaitGroup
	done.Go(func() {
		update := one("u")
		update.Ops[0].Value = json.RawMessage(`123456789`)
		_, err := s.Apply(context.Background(), profile.Changes{Updates: []profile.Update{update}})
		acknowledged.Store(err == nil)
	})
	done.Wait()
	if acknowledged.Load() || ended.Load() != 1 {
		t.Errorf("acknowledged %v, exit code %d", acknowledged.Load(), ended.Load())
	}
	for _, words := range []string{"ends the process", "store=profiles", "input/output error"} {
		if !strings.Contains(said.String(), words) {
			t.Errorf("the log does not say %q: %s", words, said.String())
		}
	}
	if strings.Contains(said.String(), "123456789") {
		t.Error("the log carries a value")
	}
}
