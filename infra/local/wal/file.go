package wal

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// folder is the part of a file system that the log needs. It exists so that
// tests can let any call fail and cut the power between any two.
type folder interface {
	names() ([]string, error)
	create(name string) (file, error) // empty, for reading and writing
	open(name string) (file, error)   // for reading and writing
	rename(from, to string) error     // replaces to
	remove(name string) error
	sync() error // names are durable when it returns
}

// file is an open file of a folder.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	size() (int64, error)
	truncate(size int64) error
	sync() error // contents and size are durable when it returns
}

// osFolder is a real folder, named by its path.
type osFolder string

func (d osFolder) path(name string) string { return filepath.Join(string(d), name) }

func (d osFolder) names() ([]string, error) {
	entries, err := os.ReadDir(string(d))
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// The log is readable by its owner only: rows name nobody, but they are still
// somebody's behaviour.
const private fs.FileMode = 0o600

func (d osFolder) create(name string) (file, error) {
	return openFile(d.path(name), os.O_RDWR|os.O_CREATE|os.O_TRUNC)
}

func (d osFolder) open(name string) (file, error) {
	return openFile(d.path(name), os.O_RDWR)
}

func openFile(path string, flag int) (file, error) {
	f, err := os.OpenFile(path, flag, private)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (d osFolder) rename(from, to string) error { return os.Rename(d.path(from), d.path(to)) }

func (d osFolder) remove(name string) error { return os.Remove(d.path(name)) }

func (d osFolder) sync() error {
	f, err := os.Open(string(d))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

type osFile struct{ *os.File }

func (f osFile) size() (int64, error) {
	s, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return s.Size(), nil
}

func (f osFile) truncate(size int64) error { return f.Truncate(size) }

func (f osFile) sync() error { return syncData(f.File) }
