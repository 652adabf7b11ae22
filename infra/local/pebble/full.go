package pebble

import (
	"log/slog"
	"sync/atomic"
	"time"

	"loch/infra/local/disk"
)

// fullDisk is the second line of defence. The guard turns writers away while
// there is still room; but another program may take the rest between its look
// and the write. Pebble would end the process then. So the write that hit the
// end waits, with all others, until there is room, and is tried once more;
// meanwhile new requests are refused at the door.
type fullDisk struct {
	guard   *disk.Guard
	store   string
	out     *slog.Logger
	paused  atomic.Bool
	closing chan struct{}
}

// wait returns when there is room again, or when the store is being closed.
func (f *fullDisk) wait() {
	f.paused.Store(true)
	defer f.paused.Store(false)
	f.out.Error("the disk is full: the embedded store waits for room and refuses requests until then", "store", f.store)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for full := true; full; full = f.guard.Check() != nil {
		select {
		case <-tick.C:
		case <-f.closing:
			return
		}
	}
	f.out.Info("the disk has room again", "store", f.store)
}
