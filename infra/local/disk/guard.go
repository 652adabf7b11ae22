// Package disk watches how much room is left.
//
// Some stores cannot bear a full disk: Pebble ends the process when its own
// log cannot be written. So whoever is about to write asks a Guard first, and
// turns the client away while there is still room to shut down cleanly, to
// roll the log over and to compact.
package disk

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"loch/shared/fault"
)

// fresh is how long one look at the file system is good for. Between two looks
// a server takes in a few megabytes, which a sensible reserve is far above.
const fresh = 100 * time.Millisecond

// Guard refuses writes when the file system of a folder runs out of room. It
// may be used from many goroutines. A nil Guard lets everything pass.
type Guard struct {
	dir     string
	reserve uint64
	now     func() time.Time

	mu   sync.Mutex
	seen time.Time // when the file system was last asked; zero for never
	free uint64
	err  error
}

// New returns a guard that keeps reserveBytes free on the file system that
// holds dir.
func New(dir string, reserveBytes uint64, now func() time.Time) *Guard {
	return &Guard{dir: dir, reserve: reserveBytes, now: now}
}

// Check returns nil when there is room, and a fault of code Unavailable when
// less than the reserve is free or the file system cannot be asked. The answer
// may be up to 100 ms old.
func (g *Guard) Check() error {
	if g == nil {
		return nil
	}
	free, err := g.Free()
	if err != nil {
		return err
	}
	if free < g.reserve {
		return fault.Newf(fault.Unavailable,
			"the disk is nearly full: %d MiB free, %d MiB are kept in reserve; nothing was kept, free some room and send again",
			free>>20, g.reserve>>20)
	}
	return nil
}

// Free returns the bytes that are left for an ordinary user, for metrics. It
// may be up to 100 ms old.
func (g *Guard) Free() (uint64, error) {
	if g == nil {
		return 0, fault.New(fault.Internal, "no folder is watched for its free space")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	// A clock that was set back must not freeze the answer, hence the second
	// condition.
	if age := now.Sub(g.seen); g.seen.IsZero() || age >= fresh || age < 0 {
		g.free, g.err = ask(g.dir)
		g.seen = now
	}
	return g.free, g.err
}

func ask(dir string) (uint64, error) {
	var s syscall.Statfs_t
	for {
		err := syscall.Statfs(dir, &s)
		if err == nil {
			break
		}
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		return 0, fault.Wrap(&os.PathError{Op: "statfs", Path: dir, Err: err}, fault.Unavailable,
			"the free space of the data folder cannot be read; nothing was kept, see that the folder is there")
	}
	return s.Bavail * uint64(s.Bsize), nil
}
