package lake

import (
	"context"
	"errors"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"slices"

	"loch/infra/local/parquet"
)

// readFiles holds every file that queries see to what the ledger says of it.
func (v *verification) readFiles(ctx context.Context) error {
	s := v.snapshot
	seen := map[string]bool{}
	for _, path := range slices.Concat(s.Landing, s.Events, s.Rejected, s.Profiles, s.Links, s.Summaries) {
		if err := ctx.Err(); err != nil {
			return err
		}
		v.tick()
		rel := v.lake.Rel(path)
		seen[rel] = true
		rows := v.readFile(path, rel)
		switch tierOf(rel) {
		case Landing, Events:
			v.account.InLake.Rows += rows
		case Rejected:
			v.account.InLake.Rejected += rows
		case Profiles, Links, Summaries:
		}
	}
	for _, rel := range slices.Sorted(maps.Keys(v.implied)) {
		if f := v.implied[rel]; !seen[rel] {
			v.problem("lake/%s with %d rows, added by %s, is missing", rel, f.Rows, f.commit)
		}
	}
	return nil
}

// readFile checks one file and returns its row count.
func (v *verification) readFile(path, rel string) int64 {
	bytes, sum, err := checksum(path)
	if err != nil {
		v.problem("lake/%s cannot be read: %v", rel, err)
		return 0
	}
	v.account.Bytes += bytes
	rows, footerErr := parquet.Rows(path)
	if footerErr != nil {
		v.problem("lake/%s: %v", rel, footerErr)
	}
	f, known := v.implied[rel]
	switch {
	case !known:
		v.problem("lake/%s: queries see its %d rows, and no commit added it", rel, rows)
	case bytes != f.Bytes:
		v.problem("lake/%s has %d bytes, it was committed with %d", rel, bytes, f.Bytes)
	case sum != f.CRC32C:
		v.problem("lake/%s is damaged: its checksum is %08x, it was committed with %08x", rel, sum, f.CRC32C)
	case footerErr == nil && rows != f.Rows:
		v.problem("lake/%s has %d rows, the ledger says %d", rel, rows, f.Rows)
	}
	return rows
}

func checksum(path string) (bytes int64, sum uint32, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := crc32.New(castagnoli)
	bytes, err = io.Copy(h, f)
	return bytes, h.Sum32(), err
}

// findStrays points at files that belong to nothing.
func (v *verification) findStrays() {
	s := v.snapshot
	for _, path := range slices.Concat(s.Landing, s.Events, s.Rejected, s.Profiles, s.Links, s.Summaries) {
		delete(v.onDisk, path)
	}
	for _, path := range slices.Sorted(maps.Keys(v.onDisk)) {
		if !v.doomed[path] {
			v.warning("lake/%s is a stray: no commit added it and queries do not see it", v.lake.Rel(path))
		}
	}
	for _, name := range v.staged {
		v.warning("staging/%s is a stray: no commit is writing there", name)
	}
}
