package duckdb

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"loch/infra/local/lake"
	"loch/infra/local/wal"
	"loch/shared/fault"
	"loch/shared/report"
)

// Options are the settings of an Engine. The zero value is good.
type Options struct {
	// MemoryLimitBytes is what all statements together may use; what does not
	// fit is spilled to TempDir. 0 means a quarter of the machine's memory, at
	// most 4 GiB.
	MemoryLimitBytes int64

	// Threads is how many processor threads one statement uses; 0 means all.
	Threads int

	// Parallel is how many statements run at once; others wait, inside their
	// time. 0 means two on a small machine and four on a larger one.
	Parallel int

	// TempDir holds spilled data and the events that are not rolled over yet,
	// in a folder of the engine's own, which Open empties. "" means a new folder
	// among the system's temporary ones, which Close removes.
	TempDir string

	// Idle is how long a worker is kept for the next statement. 0 means 30 s.
	Idle time.Duration

	Logger *slog.Logger
	Now    func() time.Time // dates compactions; time.Now when nil
}

// What a statement gets whose Limits say nothing.
const (
	defaultRows = 10_000
	defaultTime = 30 * time.Second
)

// maxResultBytes bounds a result beside its rows, since one row may hold a
// megabyte.
const maxResultBytes = 32 << 20

// Engine answers SQL over a lake and the log before it. It implements
// report.Engine. Its methods may be called from many goroutines.
type Engine struct {
	lake    *lake.Lake
	options Options
	dir     string // the engine's own folder of temporary files
	scratch bool   // dir is to be removed
	hot     *hot
	pool    *pool
	slots   chan struct{}
	footers footers

	compacting  sync.Mutex
	effort      effort
	resultBytes int // maxResultBytes, but in tests
	chunkFiles  int // landing files a commit of compaction takes at most
}

var _ report.Engine = (*Engine)(nil)

// Open returns an engine over l and the log before it, which may be nil. It
// starts nothing yet: the first statement does.
func Open(l *lake.Lake, w *wal.Log, o Options) (*Engine, error) {
	if !mayBeWorker.Load() {
		return nil, fault.New(fault.Internal, "this program cannot be a worker of DuckDB: its main has to call duckdb.Work first")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MemoryLimitBytes <= 0 {
		o.MemoryLimitBytes = defaultMemory(physicalMemory())
	}
	if o.Threads <= 0 {
		o.Threads = runtime.NumCPU()
	}
	if o.Parallel <= 0 {
		o.Parallel = min(max(runtime.NumCPU(), 2), 4)
	}
	if o.Idle <= 0 {
		o.Idle = 30 * time.Second
	}
	e := &Engine{lake: l, options: o, slots: make(chan struct{}, o.Parallel), footers: newFooters(), effort: effortFor(o.MemoryLimitBytes, o.Threads), chunkFiles: chunkFiles, resultBytes: maxResultBytes}
	if err := e.makeFolder(); err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "the folder for temporary files of SQL statements cannot be made")
	}
	e.hot = newHot(l, w, filepath.Join(e.dir, "hot"))
	e.pool = newPool(o.Idle, o.Logger, e.readerSettings)
	return e, nil
}

// makeFolder sets up the engine's own folder, which must be empty: what an
// earlier process left there is of no use.
func (e *Engine) makeFolder() (err error) {
	if e.options.TempDir == "" {
		e.dir, err = os.MkdirTemp("", "loch-sql-")
		e.scratch = true
	} else if e.dir, err = filepath.Abs(filepath.Join(e.options.TempDir, "sql")); err == nil {
		err = os.RemoveAll(e.dir)
	}
	if err != nil {
		return err
	}
	for _, folder := range []string{"hot", "spill"} {
		if err := os.MkdirAll(filepath.Join(e.dir, folder), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// readerSettings are what a worker that answers statements is started with.
func (e *Engine) readerSettings() settings {
	share := e.options.MemoryLimitBytes / int64(e.options.Parallel)
	return settings{
		Readable:    []string{e.lakeFolder(), filepath.Join(e.dir, "hot")},
		SpillDir:    filepath.Join(e.dir, "spill"),
		MemoryBytes: max(share, minMemory),
		Threads:     e.options.Threads,
	}
}

// Query implements report.Engine.
func (e *Engine) Query(ctx context.Context, project, statement string, limits report.Limits) (report.Result, error) {
	start := time.Now()
	if err := checkText(statement); err != nil {
		return report.Result{}, err
	}
	if limits.Rows <= 0 {
		limits.Rows = defaultRows
	}
	if limits.Time <= 0 {
		limits.Time = defaultTime
	}
	ctx, cancel := context.WithTimeout(ctx, limits.Time)
	defer cancel()

	select {
	case e.slots <- struct{}{}:
		defer func() { <-e.slots }()
	case <-ctx.Done():
		return report.Result{}, ranOut(ctx, "other statements were running all the time that this one had; send it again")
	}
	moment, err := e.hot.freeze(ctx)
	if err != nil {
		return report.Result{}, err
	}
	defer moment.release()

	answer, err := e.pool.call(ctx, order{Question: &question{
		Project:   project,
		Statement: statement,
		Rows:      limits.Rows,
		Bytes:     e.resultBytes,
		Files:     moment.files(project),
	}})
	if err != nil {
		return report.Result{}, err
	}
	answer.Result.Elapsed = time.Since(start)
	return *answer.Result, nil
}

// ranOut is the fault for a context that ended.
func ranOut(ctx context.Context, words string) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fault.Wrap(ctx.Err(), fault.Timeout, words)
	}
	return fault.Wrap(ctx.Err(), fault.Unavailable, "the statement was given up before it ended")
}

// Close ends the workers and removes the temporary files.
func (e *Engine) Close() error {
	e.pool.close()
	e.hot.close()
	if !e.scratch {
		return nil
	}
	if err := os.RemoveAll(e.dir); err != nil {
		return fault.Wrap(err, fault.Unavailable, "the folder of temporary files cannot be removed")
	}
	return nil
}
