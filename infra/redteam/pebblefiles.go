package main

import (
	"io"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2"
)

// readStore reads every record of a Pebble folder, on a copy of it, whatever its
// layout, and then the files as bytes: what was deleted may still be in them.
func (e *evidence) readStore(dir, name string) error {
	work, err := os.MkdirTemp("", "redteam-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := copyFolder(work, dir); err != nil {
		return err
	}
	if err := e.readRecords(work, name); err != nil {
		e.problem("%s: %v", name, err)
	}
	return filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		e.files++
		e.addLoose("the bytes of "+name, string(content), true)
		return nil
	})
}

func (e *evidence) readRecords(dir, name string) error {
	db, err := pebble.Open(dir, &pebble.Options{Logger: silent{}, FormatMajorVersion: pebble.FormatNewest})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // a copy that is thrown away
	records, err := db.NewIter(nil)
	if err != nil {
		return err
	}
	for ok := records.First(); ok; ok = records.Next() {
		key := append([]byte(nil), records.Key()...)
		value, err := records.ValueAndErr()
		if err != nil {
			return err
		}
		e.addBinary(name+"'s keys", key)
		e.addBinary(name+"'s records", append([]byte(nil), value...))
	}
	return records.Close()
}

// silent drops what a store says about itself.
type silent struct{}

// Infof drops a line.
func (silent) Infof(string, ...any) {}

// Errorf drops a line.
func (silent) Errorf(string, ...any) {}

// Fatalf drops a line; the error is returned as well.
func (silent) Fatalf(string, ...any) {}

// copyFolder copies the regular files of a folder.
func copyFolder(to, from string) error {
	return filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case d.IsDir():
			return os.MkdirAll(target, 0o700)
		case !d.Type().IsRegular():
			return nil
		}
		return copyFile(target, path)
	})
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		_ = out.Close() // the first error says more
		return err
	}
	return out.Close()
}
