package lake

import (
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"loch/infra/local/parquet"
	"loch/shared/fault"
)

// ErrCommitted is returned by Begin when a commit of this id is in the ledger
// already: what was to be done is done.
var ErrCommitted = errors.New("lake: a commit of this id is in the ledger already")

// Commit is a change in the making. Nothing of it is seen before Finish.
type Commit struct {
	lake *Lake
	id   string

	mu      sync.Mutex // several goroutines may ask for paths
	done    bool
	added   map[string]bool // paths below lake/
	removed map[string]bool
}

// Begin starts a commit. The id says what it does, the same on a second try
// ("roll-" and the segment): that is what makes a commit happen once. Whoever
// begins one ends it, by Finish or Abandon.
func (l *Lake) Begin(id string) (*Commit, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	var c *Commit
	err := l.exclusively(func() error {
		if err := l.settle(); err != nil {
			return err
		}
		l.mu.Lock()
		_, committed := l.committed[id]
		active := l.active[id]
		l.mu.Unlock()
		switch {
		case committed:
			return ErrCommitted
		case active:
			return fault.New(fault.Invalid, "a commit of this id is being made")
		}
		dir := l.staging(id)
		// A try that failed before may have left files.
		err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o750))
		if err != nil {
			return broken(err, "the staging folder cannot be made")
		}
		l.mu.Lock()
		l.active[id] = true
		l.mu.Unlock()
		c = &Commit{lake: l, id: id, added: map[string]bool{}, removed: map[string]bool{}}
		return nil
	})
	return c, err
}

// exclusively runs fn while no files move, and then the clean-up that waited
// for it.
func (l *Lake) exclusively(fn func() error) error {
	defer l.sweep()
	l.commit.Lock()
	defer l.commit.Unlock()
	return fn()
}

func (l *Lake) staging(id string) string {
	return filepath.Join(l.dir, stagingFolder, id)
}

// Path says where to write a new file, one that will be lake/<tier>/<rel>, and
// makes its folders. rel ends in .parquet. It must be new: names are not used
// twice.
func (c *Commit) Path(tier Tier, rel string) (string, error) {
	rel = string(tier) + "/" + filepath.ToSlash(rel)
	if err := checkPath(rel); err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done {
		return "", fault.New(fault.Invalid, "this commit is over")
	}
	path := filepath.Join(c.lake.staging(c.id), filepath.FromSlash(rel))
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return "", broken(err, "the staging folder cannot be made")
	}
	c.added[rel] = true
	return path, nil
}

// Remove says that this commit replaces a file, by its path below lake/.
func (c *Commit) Remove(rel string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.removed[filepath.ToSlash(rel)] = true
}

// Abandon undoes a commit that was not finished. It does nothing after Finish
// succeeded, so it can be deferred.
func (c *Commit) Abandon() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done {
		return nil
	}
	err := os.RemoveAll(c.lake.staging(c.id))
	c.close() // from here on the id may be begun again
	if err != nil {
		return broken(err, "the staging folder cannot be removed; the next start does it")
	}
	return nil
}

// close ends the commit for the caller. c.mu is held.
func (c *Commit) close() {
	c.done = true
	c.lake.mu.Lock()
	delete(c.lake.active, c.id)
	c.lake.mu.Unlock()
}

// seal makes the staged files durable and describes them.
func (c *Commit) seal(e Entry) (*Entry, error) {
	e.ID, e.Added, e.Removed = c.id, nil, nil
	root := c.lake.staging(c.id)
	for rel := range c.added {
		if err := c.lake.step("file sync"); err != nil {
			return nil, err
		}
		f, err := sealFile(filepath.Join(root, filepath.FromSlash(rel)))
		if err != nil {
			return nil, broken(err, "a file of this commit cannot be made durable; was it written?")
		}
		f.Path = rel
		e.Added = append(e.Added, f)
	}
	slices.SortFunc(e.Added, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	for rel := range c.removed {
		if err := checkPath(rel); err != nil {
			return nil, err
		}
		e.Removed = append(e.Removed, rel)
	}
	slices.Sort(e.Removed)

	strange := 0
	err := everyFile(root, func(path string) {
		rel, err := filepath.Rel(root, path)
		if err != nil || !c.added[filepath.ToSlash(rel)] {
			strange++
		}
	})
	if err == nil && strange > 0 {
		return nil, fault.Newf(fault.Internal, "%d staged files were not asked for by Path", strange)
	}
	if err == nil {
		err = c.lake.step("staging sync")
	}
	if err == nil {
		err = syncTree(root)
	}
	if err == nil {
		// This also settles that staging folders of earlier commits are gone,
		// so that a later redo cannot touch names that this one brings back.
		err = syncDir(filepath.Dir(root))
	}
	if err != nil {
		return nil, broken(err, "the staging folder cannot be made durable")
	}
	return &e, e.check()
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sealFile syncs a file and takes its measure.
func sealFile(path string) (f File, err error) {
	file, err := os.Open(path)
	if err != nil {
		return File{}, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := file.Sync(); err != nil {
		return File{}, err
	}
	sum := crc32.New(castagnoli)
	if f.Bytes, err = io.Copy(sum, file); err != nil {
		return File{}, err
	}
	f.CRC32C = sum.Sum32()
	f.Rows, err = parquet.Rows(path)
	return f, err
}
