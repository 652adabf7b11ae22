package duckdb

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"time"

	"loch/infra/local/lake"
	"loch/infra/local/parquet"
)

// chunkFiles is how many landing files a commit takes at most.
const chunkFiles = 256

// effort is how much compaction takes on at a time, by the memory that it may
// use: what does not fit is spilled, but DuckDB needs room to sort wide rows.
type effort struct {
	memory     int64
	threads    int
	chunkBytes int64 // of landing files, for one commit; this also bounds what a kill wastes
	groupRows  int   // rows in a row group of the files that are written
}

// groupRows is how many rows a row group of the events tier has: what a journey
// reads for the events of one visit. Each is read as a whole, so they are small;
// much smaller ones would make the footers, which every statement reads, large.
const groupRows = 8192

func effortFor(limit int64, threads int) effort {
	memory := max(limit/2, 256<<20)
	return effort{
		memory:     memory,
		threads:    int(max(1, min(int64(threads), memory>>29))),
		chunkBytes: min(64<<20, memory/16),
		groupRows:  groupRows,
	}
}

// compactorSettings are what the worker is started with that compacts. It runs
// scripts of ours only, and writes files.
func (e *Engine) compactorSettings() settings {
	return settings{
		Trusted:     true,
		SpillDir:    filepath.Join(e.dir, "spill"),
		MemoryBytes: e.effort.memory,
		Threads:     e.effort.threads,
	}
}

// firstChunk is the beginning of a list of files that one commit takes.
func firstChunk(paths []string, files int, most int64) []string {
	var bytes int64
	for i, path := range paths {
		bytes += sizeOf(path)
		if i == files || i > 0 && bytes > most {
			return paths[:i]
		}
	}
	return paths
}

// sizeOf is a file's size, which only guides choices here: a file that cannot be
// read fails where it is read.
func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// digest names a commit after the files that it takes, so that a second try after
// a crash is the same commit.
func digest(rels []string) string {
	sum := sha256.Sum256([]byte(strings.Join(rels, "\n")))
	return hex.EncodeToString(sum[:12])
}

// rowsOf adds up the rows of files, by their footers.
func rowsOf(paths []string) (int64, error) {
	var rows int64
	for _, path := range paths {
		n, err := parquet.Rows(path)
		if err != nil {
			return 0, err
		}
		rows += n
	}
	return rows, nil
}

// NeedsCompaction tells whether compaction is worth its while: when there are
// many landing files, when some are of an hour that is over and will not get more
// of its own, or when rows of an erased person have waited for it long enough.
func NeedsCompaction(s *lake.Snapshot, now time.Time) bool {
	const many = 16
	if len(s.Landing) >= many {
		return true
	}
	for _, path := range s.Landing {
		date, hour := arrivalHour(filepath.ToSlash(path))
		began, err := time.Parse(time.DateOnly+"T15", date+"T"+hour)
		// A few minutes late, since the log is rolled over with a delay.
		if err == nil && now.Sub(began) >= time.Hour+10*time.Minute {
			return true
		}
	}
	for _, r := range s.Removals {
		waited := now.Sub(r.Time())
		if !r.Swept && waited >= sweepAfter || waited >= lateness+10*time.Minute {
			return true
		}
	}
	return false
}
