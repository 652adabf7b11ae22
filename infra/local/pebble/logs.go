package pebble

import (
	"errors"
	"io/fs"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Pebble writes new logs over old ones, because a file that has its size already
// is synced faster. What the old log held stays behind the new one's end. So
// while a scrub goes on each new log is an empty file.

// freshness counts the scrubs under way.
type freshness struct {
	mu     sync.RWMutex // held for reading while a log is made
	scrubs int
}

// begin has logs made afresh until end is called. No log is being made the other
// way when it returns.
func (f *freshness) begin() (end func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.scrubs++
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.scrubs--
	}
}

// freshLogs is the file system that Pebble sees.
type freshLogs struct {
	vfs.FS
	fresh *freshness
}

// ReuseForWrite implements vfs.FS. An old log that a scrub has thrown away is not
// missed.
func (f freshLogs) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f.fresh.mu.RLock()
	defer f.fresh.mu.RUnlock()
	if f.fresh.scrubs > 0 {
		if err := f.FS.Remove(oldname); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		return f.FS.Create(newname, category)
	}
	file, err := f.FS.ReuseForWrite(oldname, newname, category)
	if errors.Is(err, fs.ErrNotExist) {
		return f.FS.Create(newname, category)
	}
	return file, err
}
