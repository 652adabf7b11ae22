package lake

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"loch/shared/fault"
)

// Finish makes the commit hold: its files are in the lake, the replaced ones
// are not, for every snapshot from now on and after any crash. The replaced
// files are deleted once no snapshot holds them.
//
// After an error the commit normally did not happen and Abandon clears it away.
// Only when the disk fails between the ledger and the lake is it decided but
// not seen yet; it is then brought to its end by the next Begin, and a Begin of
// the same id answers ErrCommitted.
func (c *Commit) Finish(e Entry) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done {
		return fault.New(fault.Invalid, "this commit is over")
	}
	entry, err := c.seal(e)
	if err != nil {
		return err
	}
	l := c.lake
	return l.exclusively(func() error {
		if err := l.settle(); err != nil {
			return err
		}
		if err := l.fits(entry); err != nil {
			return err
		}
		entry.Number = l.version().number + 1
		c.done = true // whatever happens in there, Abandon must not undo what may hold
		held, err := l.record(entry)
		if !held {
			c.done = false
			return broken(err, "the ledger cannot be written; nothing was committed")
		}
		l.unplaced = entry
		c.close()
		if err != nil {
			return broken(err, "the ledger cannot be synced; the commit is brought to its end later")
		}
		return l.settle()
	})
}

// fits refuses a commit that another one has overtaken.
func (l *Lake) fits(e *Entry) error {
	v := l.version()
	for _, rel := range e.Removed {
		if _, found := slices.BinarySearch(v.files[tierOf(rel)], l.path(rel)); !found {
			return fault.New(fault.Invalid, "a file that this commit replaces is not in the lake; another commit was faster").At(rel)
		}
	}
	for _, f := range e.Added {
		// A name that waits to be deleted would take the new file with it.
		if _, err := os.Lstat(l.path(f.Path)); !errors.Is(err, fs.ErrNotExist) || l.doomed(f.Path) {
			return fault.Wrap(err, fault.Invalid, "a file of this name is in the lake already").At(f.Path)
		}
	}
	return nil
}

// settle brings a commit that is in the ledger to its end. l.commit is held. It
// may be called again after it failed.
func (l *Lake) settle() error {
	if l.unplaced == nil {
		return nil
	}
	e := l.unplaced
	err := l.confirm()
	if err == nil {
		err = l.place(e)
	}
	if err != nil {
		return broken(err, "a commit is in the ledger, but its files cannot be moved into the lake; it is tried again")
	}
	l.unplaced = nil
	l.swap(e)
	return nil
}

// place moves the staged files of e to where they belong. What is there already
// was moved by a try before.
func (l *Lake) place(e *Entry) error {
	changed := dirSet{}
	for _, f := range e.Added {
		to := l.path(f.Path)
		if err := l.step("place"); err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
			return err
		}
		err := os.Rename(filepath.Join(l.staging(e.ID), filepath.FromSlash(f.Path)), to)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		changed.add(filepath.Dir(to), filepath.Join(l.dir, lakeFolder))
	}
	if err := l.step("place sync"); err != nil {
		return err
	}
	return changed.sync()
}

// swap makes the lake of after e the one that snapshots show, and leaves the
// clean-up to sweep.
func (l *Lake) swap(e *Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := &version{number: e.Number, files: maps.Clone(l.now.files), rolled: l.now.rolled}
	if segment, ok := parseRollID(e.ID); ok {
		next.rolled = max(next.rolled, segment)
	}
	gone := map[string]bool{}
	changed := map[Tier]bool{}
	for _, rel := range e.Removed {
		gone[l.path(rel)] = true
		changed[tierOf(rel)] = true
	}
	for _, f := range e.Added {
		changed[f.Tier()] = true
	}
	for tier := range changed {
		files := make([]string, 0, len(next.files[tier])+len(e.Added))
		for _, path := range next.files[tier] {
			if !gone[path] {
				files = append(files, path)
			}
		}
		for _, f := range e.Added {
			if f.Tier() == tier {
				files = append(files, l.path(f.Path))
			}
		}
		slices.Sort(files)
		files = slices.Clip(files) // a reader may append to what it gets
		next.files[tier] = files
	}
	l.now = next
	l.committed[e.ID] = e.Number
	l.leftovers = append(l.leftovers, leftover{number: e.Number, id: e.ID, removed: e.Removed})
}

func (l *Lake) version() *version {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

// recover does at start what a crash kept from being done. Each staging folder
// is a commit that did not come to its end.
func (l *Lake) recover() error {
	folders, err := os.ReadDir(filepath.Join(l.dir, stagingFolder))
	if err != nil {
		return broken(err, "the staging folder cannot be listed")
	}
	var again []Entry
	for _, f := range folders {
		number, held := l.committed[f.Name()]
		if !held {
			if err := removeWhole(l.staging(f.Name())); err != nil {
				return broken(err, "an interrupted commit cannot be undone")
			}
			continue
		}
		e, err := l.readEntry(ledgerName(number, f.Name()))
		if err != nil {
			return err
		}
		again = append(again, e)
	}
	if len(again) > 0 {
		if err := l.confirm(); err != nil {
			return broken(err, "the ledger cannot be synced")
		}
	}
	slices.SortFunc(again, func(a, b Entry) int { return cmp.Compare(a.Number, b.Number) })
	for i := range again {
		// A file that is neither staged nor placed was removed again by a later
		// commit, whose clean-up came further than this one's.
		if err := l.place(&again[i]); err != nil {
			return broken(err, "an interrupted commit cannot be finished")
		}
		if err := l.clean(leftover{id: again[i].ID, removed: again[i].Removed}); err != nil {
			return broken(err, "an interrupted commit cannot be finished")
		}
	}
	return nil
}

// removeWhole removes a folder into which a worker of a server that was killed
// may still be writing: it ends by itself as soon as it sees that its server is
// gone.
func removeWhole(folder string) error {
	var err error
	for range 100 {
		if err = os.RemoveAll(folder); err == nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return err
}
