package duckdb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"loch/infra/local/lake"
	"loch/infra/local/parquet"
	"loch/shared/fault"
)

// Compaction says what Compact did. RowsIn counts the rows of all files that
// were replaced, of the landing and of the events tier; RowsOut those of the
// files that replaced them.
type Compaction struct {
	Commits    int           `json:"commits"`
	Landing    int           `json:"landing_files"` // landing files that are in the events tier now
	Written    int           `json:"written_files"` // files written there
	RowsIn     int64         `json:"rows_in"`
	RowsOut    int64         `json:"rows_out"`
	Duplicates int64         `json:"duplicates"`
	Elapsed    time.Duration `json:"-"`
}

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

// Compact brings the landing files that are there now into the events tier:
// by project and date, each event once, sorted by person and time, in few files.
// progress, which may be nil, is called with the number of landing files done
// and in all.
//
// The work is done in commits of bounded size. After a kill, whatever was
// committed holds and the rest is as it was; running again goes on. Queries and
// roll-overs may run meanwhile; a second Compact waits for the first.
func (e *Engine) Compact(ctx context.Context, progress func(done, total int)) (Compaction, error) {
	e.compacting.Lock()
	defer e.compacting.Unlock()
	var c Compaction
	start := time.Now()
	defer func() { c.Elapsed = time.Since(start) }()

	snapshot := e.lake.Snapshot()
	todo := append([]string(nil), snapshot.Landing...)
	snapshot.Release()
	if progress == nil {
		progress = func(int, int) {}
	}
	if len(todo) == 0 {
		return c, nil
	}
	w, err := startWorker(e.compactorSettings(), e.options.Logger)
	if err != nil {
		return c, err
	}
	defer func() { w.close() }()
	most := e.chunkFiles
	for total := len(todo); len(todo) > 0; {
		chunk := firstChunk(todo, most, e.effort.chunkBytes)
		err := e.compactChunk(ctx, w, chunk, &c)
		if fault.CodeOf(err) == fault.TooLarge && len(chunk) > 1 {
			// Rows may be larger than sizes on disk tell. Less at a time fits.
			most = len(chunk) / 2
			w.close()
			if w, err = startWorker(e.compactorSettings(), e.options.Logger); err != nil {
				return c, err
			}
			continue
		}
		if err != nil {
			return c, err
		}
		todo = todo[len(chunk):]
		progress(total-len(todo), total)
	}
	c.Elapsed = time.Since(start)
	return c, nil
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

// compactChunk is one commit.
func (e *Engine) compactChunk(ctx context.Context, w *worker, chunk []string, c *Compaction) error {
	snapshot := e.lake.Snapshot()
	defer snapshot.Release()
	rels := make([]string, len(chunk))
	for i, path := range chunk {
		rels[i] = e.lake.Rel(path)
	}
	id := commitID(rels)
	commit, err := e.lake.Begin(id)
	if errors.Is(err, lake.ErrCommitted) {
		return nil // the disk failed after it was decided, and it was brought to its end since
	}
	if err != nil {
		return err
	}
	defer func() { _ = commit.Abandon() }() // what it cannot clear away, the next Begin or Open does

	m := &merge{engine: e, worker: w, commit: commit, name: strings.TrimPrefix(id, "compact-") + ".parquet", landing: chunk}
	m.survey(snapshot)
	if err := m.run(ctx); err != nil {
		return err
	}
	for _, rel := range rels {
		commit.Remove(rel)
	}
	rowsIn, err := rowsOf(append(m.replaced, chunk...))
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return ranOut(ctx, "compaction was stopped; what it committed holds")
	}
	err = commit.Finish(lake.Entry{
		Kind:       lake.KindCompact,
		TimeMS:     e.options.Now().UnixMilli(),
		RowsIn:     rowsIn,
		RowsOut:    m.rowsOut,
		Duplicates: rowsIn - m.rowsOut,
	})
	if err != nil {
		return err
	}
	c.Commits++
	c.Landing += len(chunk)
	c.Written += m.written
	c.RowsIn += rowsIn
	c.RowsOut += m.rowsOut
	c.Duplicates += rowsIn - m.rowsOut
	return nil
}

// commitID names a commit after what it takes, so that a second try after a
// crash is the same commit.
func commitID(rels []string) string {
	sum := sha256.Sum256([]byte(strings.Join(rels, "\n")))
	return "compact-" + hex.EncodeToString(sum[:12])
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

// trusted runs SQL of ours in the worker.
func (m *merge) trusted(ctx context.Context, statements ...string) ([][]any, error) {
	a, err := m.worker.call(ctx, order{Script: strings.Join(statements, ";\n")})
	if err != nil {
		return nil, err
	}
	if a.Fault != nil {
		return nil, a.Fault.fault()
	}
	return a.Rows, nil
}

// NeedsCompaction tells whether compaction is worth its while: when there are
// many landing files, or when some are of an hour that is over and will not get
// more of its own.
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
	return false
}

var errCompacted = fault.New(fault.Internal, "compaction counts another number of rows than its files hold")
