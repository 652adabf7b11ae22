package pebble

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	journal "github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs/atomicfs"

	"loch/shared/fault"
)

// Pebble's manifest is the history of its sorted files: a list of all, then each
// change. It is opened with manifestBytes as the limit of size, so that Pebble
// begins a new one when the changes are more than the files.
const manifestBytes = 1

// mostRenewals bounds how many empty changes are made to get a new manifest. There
// are never as many files.
const mostRenewals = 100_000

const manifestPrefix = "MANIFEST-"

// renewManifest sees that no manifest names any of the keys as the first or last
// of a file. The files themselves hold them no more.
func (d *database) renewManifest(ctx context.Context, keys [][]byte) error {
	current, err := d.manifest()
	if err != nil {
		return err
	}
	names, err := d.names(current, keys)
	if err != nil {
		return err
	}
	for n, now := 0, current; names && now == current; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if n == mostRenewals {
			return fault.New(fault.Internal, "the store does not begin a new manifest")
		}
		// A flush is a change of the files, even of a record that says nothing.
		if err := d.peb.Set(paddingKey, nil, pebble.NoSync); err != nil {
			return err
		}
		if err := d.peb.Flush(); err != nil {
			return err
		}
		if now, err = d.manifest(); err != nil {
			return err
		}
	}
	return d.removeManifests()
}

// manifest is the name of the manifest in use.
func (d *database) manifest() (string, error) {
	return atomicfs.ReadMarker(d.fs, d.dir, "manifest")
}

// removeManifests removes the manifests before the one in use. Pebble keeps one.
func (d *database) removeManifests() error {
	all, err := d.fs.List(d.dir)
	if err != nil {
		return err
	}
	current, err := d.manifest()
	if err != nil {
		return err
	}
	var old []string
	for _, name := range all {
		// Their numbers have six digits or more: the longer is the newer.
		if strings.HasPrefix(name, manifestPrefix) && (len(name) < len(current) || len(name) == len(current) && name < current) {
			old = append(old, name)
		}
	}
	return d.remove(old)
}

// names says whether a manifest holds one of the keys, or may: a short key stands
// for so many that it is taken for granted.
func (d *database) names(manifest string, keys [][]byte) (found bool, err error) {
	for _, k := range keys {
		if len(k) < 16 {
			return true, nil
		}
	}
	file, err := d.fs.Open(d.fs.PathJoin(d.dir, manifest))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // there is a newer one, which was begun when the files were clean
	}
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	for r := journal.NewReader(file, 0); ; {
		change, err := r.Next()
		var text []byte
		if err == nil {
			text, err = io.ReadAll(change)
		}
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return true, nil // it is being written to; a new one is clean
		}
		for _, k := range keys {
			if bytes.Contains(text, k) {
				return true, nil
			}
		}
	}
}
