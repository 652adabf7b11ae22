package pebble

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"loch/shared/profile"
)

func named(id, insertID string) profile.Update {
	u := one(id)
	u.InsertID = insertID
	return u
}

func applyUpdates(t *testing.T, s *Profiles, updates ...profile.Update) {
	t.Helper()
	if refused, err := s.Apply(context.Background(), profile.Changes{Updates: updates}); err != nil || len(refused) != 0 {
		t.Fatal(refused, err)
	}
}

func counted(t *testing.T, s *Profiles, id string) string {
	t.Helper()
	p, err := s.Get(context.Background(), "p", id)
	if err != nil {
		t.Fatal(err)
	}
	return string(p.Traits[0].Value)
}

// A name counts for a week at least, and is gone after two.
func TestNamesOfUpdatesAreKeptForAWeek(t *testing.T) {
	o, now := quietly(), time.Date(2026, 11, 25, 23, 59, 0, 0, time.UTC)
	o.Now = func() time.Time { return now }
	s := openTestProfiles(t, t.TempDir(), o)
	weekLong := profile.OnceForMS * time.Millisecond
	applyUpdates(t, s, named("u", "a"))
	for range 7 { // sent again and again, it is not forgotten between two weeks
		now = now.Add(weekLong / 7)
		applyUpdates(t, s, named("v", fmt.Sprint(now.Unix())), named("u", "a"))
		if err := s.DropNames(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := counted(t, s, "u"); n != "1" {
		t.Errorf("within a week it was applied %s times", n)
	}
	now = now.Add(2 * weekLong)
	if err := s.DropNames(t.Context()); err != nil {
		t.Fatal(err)
	}
	left := 0
	if err := s.scan([]byte{onceByte}, func(_, _ []byte) error { left++; return nil }); err != nil || left != 0 {
		t.Errorf("after three weeks %d names are left, %v", left, err)
	}
	applyUpdates(t, s, named("u", "a"))
	if n := counted(t, s, "u"); n != "2" {
		t.Errorf("after three weeks it was applied %s times", n)
	}
}

// Whoever sends again while the first is on its way to the disk waits for it.
func TestNoRetryIsAcknowledgedBeforeItIsDurable(t *testing.T) {
	mem, ctx := vfs.NewCrashableMem(), context.Background()
	h := &held{free: make(chan struct{})}
	s := openProfilesIn(t, surroundings{fs: logFiles(mem, h.on)}, quietly())
	defer closeOnce(t, s.database)
	h.hold.Store(true)
	acknowledged := make(chan error, 2)
	apply := func() {
		_, err := s.Apply(ctx, profile.Changes{Updates: []profile.Update{named("u", "a")}})
		acknowledged <- err
	}
	go apply()
	await(t, "the update is visible inside Pebble", func() bool {
		_, err := s.Get(ctx, "p", "u")
		return err == nil
	})
	go apply()
	select {
	case err := <-acknowledged:
		t.Errorf("an update was acknowledged before it was durable (%v)", err)
		acknowledged <- err
	case <-time.After(30 * time.Millisecond):
	}
	h.release()
	for range 2 {
		if err := <-acknowledged; err != nil {
			t.Error(err)
		}
	}
	if n := counted(t, s, "u"); n != "1" {
		t.Errorf("it was applied %s times", n)
	}
}

// An erased person's names leave the files with the rest.
func TestNamesAreErased(t *testing.T) {
	dir := t.TempDir()
	s := openTestProfiles(t, dir, quietly())
	for n := range 50 {
		applyUpdates(t, s, named("somebody-to-forget", fmt.Sprint("name-", n)), named("somebody-else", fmt.Sprint("name-", n)))
	}
	if err := s.Erase(context.Background(), "p", []string{"somebody-to-forget"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte("to-forgetname-")) {
			t.Errorf("%s holds a name of the person's updates", filepath.Base(f))
		}
	}
}
