package pebble

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"loch/shared/profile/profiletest"
)

// crashable remembers the file system that a store is on.
type crashable struct {
	*Profiles
	mem *vfs.MemFS
}

// TestProfilesCrash holds the store to its contract when the power fails at any
// moment, the machine keeping none, some or all of what was not synced.
func TestProfilesCrash(t *testing.T) {
	profiletest.Crash(t, func(t *testing.T) profiletest.Store {
		mem := vfs.NewCrashableMem()
		s := openProfilesIn(t, surroundings{fs: mem}, quietly())
		t.Cleanup(func() { closeOnce(t, s.database) })
		return crashable{s, mem}
	}, func(t *testing.T, s profiletest.Store, during func(profiletest.Store)) profiletest.Store {
		old := s.(crashable)
		if rand.IntN(3) == 0 { // so that something of what waited is on disk
			if err := old.writeWaiting(); err != nil {
				t.Fatal(err)
			}
		}
		var done sync.WaitGroup
		done.Go(func() { during(old) })
		// A request in memory takes some 50 µs: the power fails before, within or after.
		for end := time.Now().Add(time.Duration(rand.IntN(100)) * time.Microsecond); time.Now().Before(end); {
		}
		found := lost(old.mem, rand.IntN(3)*50)
		done.Wait()
		closeOnce(t, old.database)
		now := openProfilesIn(t, found, quietly())
		t.Cleanup(func() { closeOnce(t, now.database) })
		return crashable{now, found.fs.(*vfs.MemFS)}
	})
}
