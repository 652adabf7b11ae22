package lake

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// everyFile calls fn with each file below dir. A folder that is not there holds
// none.
func everyFile(dir string, fn func(path string)) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if !e.IsDir() {
			fn(path)
			continue
		}
		if err := everyFile(path, fn); err != nil {
			return err
		}
	}
	return nil
}

// syncDir makes the names in a folder survive the loss of power.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// syncTree does so for a folder and all folders below it.
func syncTree(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := syncTree(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return syncDir(dir)
}

// dirSet collects folders whose names changed, to sync each once.
type dirSet map[string]bool

// add notes dir and the folders above it up to and including top. Those above
// are in it even when they were there before: a try that was killed may have
// made them and not come as far as syncing them.
func (s dirSet) add(dir, top string) {
	for s[dir] = true; dir != top && dir != filepath.Dir(dir); {
		dir = filepath.Dir(dir)
		s[dir] = true
	}
}

func (s dirSet) sync() error {
	for dir := range s {
		// A folder that a clean-up found empty is gone, and its names with it.
		if err := syncDir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
