package lake

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// Snapshot is the lake at one moment. Its files exist until Release. The lists
// are shared: do not change them.
type Snapshot struct {
	Landing, Events, Rejected, Profiles, Links, Summaries []string // absolute paths, sorted

	// Rolled is the highest segment of the log whose rows are in these files.
	// Rows of later segments are in the log only.
	Rolled uint64

	// Removals say which of the rows in these files, and in the log, must not be
	// shown, nor written again.
	Removals []Removal

	// Version is the number of the last commit. Two snapshots of one version
	// have the same files.
	Version uint64

	release func()
}

// Snapshot pins the lake as it is now. Whoever takes one releases it.
func (l *Lake) Snapshot() *Snapshot {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := l.now
	l.readers[v.number]++
	return &Snapshot{
		Landing:   v.files[Landing],
		Events:    v.files[Events],
		Rejected:  v.files[Rejected],
		Profiles:  v.files[Profiles],
		Links:     v.files[Links],
		Summaries: v.files[Summaries],
		Rolled:    v.rolled,
		Removals:  l.removals,
		Version:   v.number,
		release:   sync.OnceFunc(func() { l.leave(v.number) }),
	}
}

// Release lets go of the files. It may be called more than once. A Snapshot that
// was made by hand, in a test, holds nothing.
func (s *Snapshot) Release() {
	if s.release != nil {
		s.release()
	}
}

func (l *Lake) leave(version uint64) {
	l.mu.Lock()
	l.readers[version]--
	if l.readers[version] == 0 {
		delete(l.readers, version)
	}
	l.mu.Unlock()
	l.sweep()
}

// leftover is what a commit left to clean up: the files that it replaced, then
// its staging folder, which is the mark that this was still to do.
type leftover struct {
	number  uint64
	id      string
	removed []string
}

// sweep does the clean-up that nobody's snapshot keeps from being done. It never
// waits: if files are moving now, whoever moves them sweeps afterwards.
func (l *Lake) sweep() {
	for l.due() >= 0 && l.commit.TryLock() {
		err := l.sweepOne()
		l.commit.Unlock()
		if err != nil {
			return // the disk is in trouble; the next commit, release or start tries again
		}
	}
}

// due returns the first leftover that no snapshot needs any more, or -1.
func (l *Lake) due() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, left := range l.leftovers {
		needed := false
		for version := range l.readers {
			needed = needed || (len(left.removed) > 0 && version < left.number)
		}
		if !needed {
			return i
		}
	}
	return -1
}

// doomed tells whether a file is yet to be deleted.
func (l *Lake) doomed(rel string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, left := range l.leftovers {
		if _, found := slices.BinarySearch(left.removed, rel); found {
			return true
		}
	}
	return false
}

// sweepOne cleans one leftover up. l.commit is held.
func (l *Lake) sweepOne() error {
	i := l.due()
	if i < 0 {
		return nil
	}
	l.mu.Lock()
	left := l.leftovers[i]
	l.mu.Unlock()
	if err := l.clean(left); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.leftovers {
		if l.leftovers[i].number == left.number {
			l.leftovers = append(l.leftovers[:i], l.leftovers[i+1:]...)
			break
		}
	}
	return nil
}

// clean deletes replaced files, and the staging folder only after their absence
// is durable: else a crash could bring them back beside what replaced them.
func (l *Lake) clean(left leftover) error {
	changed := dirSet{}
	for _, rel := range left.removed {
		if err := l.step("delete"); err != nil {
			return err
		}
		path := l.path(rel)
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		changed[l.prune(filepath.Dir(path))] = true
	}
	if err := l.step("delete sync"); err != nil {
		return err
	}
	if err := changed.sync(); err != nil {
		return err
	}
	if err := l.step("unstage"); err != nil {
		return err
	}
	return os.RemoveAll(l.staging(left.id))
}

// prune removes folders that became empty, up to the tier's, and returns the
// first that stays. Else a lake of years would keep a folder for every hour.
func (l *Lake) prune(dir string) string {
	for filepath.Dir(filepath.Dir(dir)) != l.dir {
		err := os.Remove(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			break // not empty
		}
		dir = filepath.Dir(dir)
	}
	return dir
}
