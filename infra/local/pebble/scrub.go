package pebble

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"loch/shared/fault"
)

// A log-structured store does not overwrite: what is deleted stays in its files
// until they are merged, in its write-ahead logs until those are used again, and
// in its manifest, which names the first and last key of each file it ever had.
// After an erasure that would be a person's key in a stolen folder. So the places
// are merged at once, and old logs and manifests thrown away.
//
// Pebble does not merge a file that has nothing below it: it moves it as it is, with
// the deletions in it, which name what was deleted. So deletions of two keys that
// never were, around each place, go into a file of their own first. Whatever holds
// the place lies between them and is written anew.

// mostPlaces is how many places are merged one by one; more are merged as a whole.
const mostPlaces = 64

// removalTime is how long Pebble may take to remove the files that it has merged.
const removalTime = 30 * time.Second

// scrub takes what was deleted or overwritten at the keys out of the files. A key
// stands for all that begin with it. The bytes are gone when it returns nil.
func (d *database) scrub(ctx context.Context, keys [][]byte) error {
	if len(keys) == 0 {
		return nil
	}
	d.scrubbing.Lock()
	defer d.scrubbing.Unlock()
	places := ranges(keys)
	levels := d.peb.Metrics().Levels
	defer d.cuts.around(places, levels[:])()
	if err := d.surround(places); err != nil {
		return unscrubbed(err)
	}
	begin := func() (err error) {
		defer d.fresh.begin()()
		logs, err := d.logs()
		if err != nil {
			return err
		}
		// The flush begins a new log, after which all those from before are of no use.
		if err := d.peb.Flush(); err != nil {
			return err
		}
		return d.remove(logs)
	}
	if err := begin(); err != nil {
		return unscrubbed(err)
	}
	if err := d.surround(places); err != nil {
		return unscrubbed(err)
	}
	if err := d.peb.Flush(); err != nil {
		return unscrubbed(err)
	}
	for _, r := range places {
		if err := d.peb.Compact(ctx, r[0], r[1], false); err != nil {
			return unscrubbed(err)
		}
	}
	if err := d.renewManifest(ctx, keys); err != nil {
		return unscrubbed(err)
	}
	if err := d.awaitRemoval(ctx); err != nil {
		return unscrubbed(err)
	}
	if err := d.syncFolder(); err != nil {
		return unscrubbed(err)
	}
	return nil
}

// syncFolder makes what was removed stay removed after a loss of power.
func (d *database) syncFolder() error {
	folder, err := d.fs.OpenDir(d.dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

func unscrubbed(err error) error {
	return fault.Wrap(err, fault.Unavailable, "what was erased is gone, but its bytes may still be in the store's files; erase again to clear them")
}

// logs are the write-ahead logs that are there, in use or waiting to be.
func (d *database) logs() (names []string, err error) {
	all, err := d.fs.List(d.dir)
	for _, name := range all {
		if strings.HasSuffix(name, ".log") {
			names = append(names, name)
		}
	}
	return names, err
}

// remove deletes files of which Pebble may have deleted some itself.
func (d *database) remove(names []string) error {
	for _, name := range names {
		if err := d.fs.Remove(d.fs.PathJoin(d.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// awaitRemoval waits until the files that were merged into others are removed,
// which Pebble does in the background, as soon as nobody reads them.
func (d *database) awaitRemoval(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, removalTime)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		if m := d.peb.Metrics(); m.Table.ObsoleteCount == 0 && m.Table.ZombieCount == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// surround writes to both ends of each place. What is flushed then reaches over each
// place, in a file that says nothing of what lies within.
func (d *database) surround(places [][2][]byte) error {
	batch := d.peb.NewBatch()
	for _, p := range places {
		if err := errors.Join(batch.Delete(p[0], nil), batch.Delete(p[1], nil)); err != nil {
			return errors.Join(err, batch.Close())
		}
	}
	// Nobody misses these in a crash.
	return errors.Join(batch.Commit(pebble.NoSync), batch.Close())
}

// ranges are the stretches of keys to merge: from a key before each place to one
// behind it, which may stand in a file and so say nothing of the place.
func ranges(keys [][]byte) (list [][2][]byte) {
	keys = slices.Clone(keys)
	slices.SortFunc(keys, slices.Compare)
	if len(keys) > mostPlaces {
		first, last := outline(keys[0]), outline(keys[len(keys)-1])
		return [][2][]byte{{first, beyond(last)}}
	}
	for _, k := range keys {
		list = append(list, [2][]byte{outline(k), beyond(outline(k))})
	}
	return list
}

// outline is the beginning of a key that tells nothing: the record's byte and a few
// bytes of what follows, a keyed hash or a lake id. A person's key has the project
// before that, and the lake id is spelled out.
func outline(k []byte) []byte {
	const told = 4
	length := 1 + told
	if k[0] >= traitsByte {
		project, _ := person(k[1:]).split()
		length = 1 + len(personOf(project, "")) + 2*told
	}
	return slices.Clone(k[:min(len(k), length)])
}

// beyond is a key behind all real ones that begin with prefix. It ends in a byte
// that keeps it from being one itself.
func beyond(prefix []byte) []byte {
	return slices.Concat(prefix, bytes.Repeat([]byte{0xff}, 128), []byte{0})
}

// after is the first key that does not begin with prefix.
func after(prefix []byte) []byte {
	end := slices.Clone(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil // no key of ours begins with 0xff
}

// scan calls fn for every record whose key begins with prefix, in order. The
// slices are good until fn returns.
func (d *database) scan(prefix []byte, fn func(key, value []byte) error) (err error) {
	it, err := d.peb.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return unreadable(err)
	}
	defer func() {
		if e := it.Close(); e != nil && err == nil {
			err = unreadable(e)
		}
	}()
	for it.First(); it.Valid(); it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return unreadable(err)
		}
		if err := fn(it.Key(), value); err != nil {
			return err
		}
	}
	return nil
}
