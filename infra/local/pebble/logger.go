package pebble

import (
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
)

// logger takes Pebble's own log. Its running commentary is dropped; errors are
// passed on; and when Pebble cannot go on it says so before the process ends.
//
// Pebble's texts name files and, for a damaged file, keys: hashes and lake ids.
// They hold no identifier and no trait.
type logger struct {
	store string // "vault" or "profiles"
	out   *slog.Logger
	exit  func(code int)
}

// Infof drops Pebble's commentary.
func (logger) Infof(string, ...any) {}

// Errorf passes an error on.
func (l logger) Errorf(format string, args ...any) {
	l.out.Error("the embedded store reports an error", "store", l.store, "detail", fmt.Sprintf(format, args...))
}

// Fatalf is called when a commit or the store's own bookkeeping failed, in a
// way after which memory and disk may differ. Ending the process is the one
// safe answer: nothing that failed was acknowledged, and the next start reads
// what is on disk.
func (l logger) Fatalf(format string, args ...any) {
	l.out.Error("the embedded store cannot write and ends the process; what was acknowledged is safe: "+
		"see that the disk works and has room, then start again",
		"store", l.store, "detail", fmt.Sprintf(format, args...))
	l.exit(1)
}

// events are the few things of Pebble's that an operator should hear of.
func (l logger) events() *pebble.EventListener {
	e := &pebble.EventListener{
		BackgroundError: func(err error) {
			l.out.Warn("the embedded store could not write in the background and tries again", "store", l.store, "detail", err)
		},
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			l.out.Error("a file of the embedded store is damaged; restore the data folder from a backup", "store", l.store, "detail", info.String())
		},
		WriteStallBegin: func(info pebble.WriteStallBeginInfo) {
			l.out.Warn("the embedded store makes writers wait until it has caught up", "store", l.store, "reason", info.Reason)
		},
	}
	e.EnsureDefaults(nil)
	return e
}
