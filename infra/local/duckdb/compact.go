package duckdb

import (
	"context"
	"time"

	"loch/infra/local/lake"
	"loch/infra/local/wal"
	"loch/shared/fault"
)

// Compaction says what Compact did. RowsIn counts the rows of all files that
// were replaced, of the landing and of the events tier; RowsOut those of the
// files that replaced them. What is missing were duplicates, and rows of people
// who were erased.
type Compaction struct {
	Commits    int           `json:"commits"`
	Landing    int           `json:"landing_files"` // landing files that are in the events tier now
	Written    int           `json:"written_files"` // files written there
	RowsIn     int64         `json:"rows_in"`
	RowsOut    int64         `json:"rows_out"`
	Duplicates int64         `json:"duplicates"`
	Removed    int64         `json:"rows_removed"`
	Elapsed    time.Duration `json:"-"`
}

// add counts a commit.
func (c *Compaction) add(e lake.Entry, written int) {
	c.Commits++
	c.Written += written
	c.RowsIn += e.RowsIn
	c.RowsOut += e.RowsOut
	c.Duplicates += e.Duplicates
	c.Removed += e.RowsRemoved
}

// Compact brings the landing files that are there now into the events tier:
// by project and date, each event once, sorted by person and time, in few files.
// Rows of which a lake.Removal says that they are to go are written no more, and
// compacted files that hold any are written anew. progress, which may be nil, is
// called with the number of files done and in all.
//
// The work is done in commits of bounded size. After a kill, whatever was
// committed holds and the rest is as it was; running again goes on. Queries and
// roll-overs may run meanwhile; a second Compact waits for the first.
func (e *Engine) Compact(ctx context.Context, progress func(done, total int)) (Compaction, error) {
	e.compacting.Lock()
	defer e.compacting.Unlock()
	if progress == nil {
		progress = func(int, int) {}
	}
	start := time.Now()
	p := e.newPass(progress)
	defer p.end()
	err := p.merge(ctx)
	if err == nil {
		err = p.sweep(ctx)
	}
	if err == nil {
		err = p.summarise(ctx)
	}
	if err == nil {
		err = p.fulfil()
	}
	p.did.Elapsed = time.Since(start)
	return p.did, err
}

// pass is one run of Compact.
type pass struct {
	engine *Engine
	worker *worker // nil until there is something to do
	did    Compaction

	// What there was when it began.
	began    time.Time
	segments []wal.Segment
	rolled   uint64 // the last segment whose rows are in landing
	landing  []string
	removals []lake.Removal
	gone     gone

	progress    func(done, total int)
	done, total int
}

// newPass looks at the log before the lake: what it does not see in the log is in
// the lake.
func (e *Engine) newPass(progress func(done, total int)) *pass {
	p := &pass{engine: e, began: e.options.Now(), progress: progress, gone: gone{}}
	if e.hot.log != nil {
		p.segments = e.hot.log.Segments()
	}
	snapshot := e.lake.Snapshot()
	defer snapshot.Release()
	p.rolled = snapshot.Rolled
	p.landing = append([]string(nil), snapshot.Landing...)
	p.removals = snapshot.Removals
	for _, r := range p.removals {
		p.gone[r.Project] = append(p.gone[r.Project], r.IDs...)
	}
	p.total = len(p.landing)
	return p
}

// tick says that n more files are done.
func (p *pass) tick(n int) {
	p.done += n
	p.progress(p.done, p.total)
}

// start starts the worker, unless there is one.
func (p *pass) start(ctx context.Context) error {
	if p.worker != nil {
		return nil
	}
	w, err := startWorker(p.engine.compactorSettings(), p.engine.options.Logger)
	if err != nil {
		return err
	}
	p.worker = w
	_, err = p.trusted(ctx, p.gone.table("TABLE"))
	return err
}

// end ends the worker. The next one starts with nothing.
func (p *pass) end() {
	if p.worker != nil {
		p.worker.close()
		p.worker = nil
	}
}

// merge brings the landing files into the events tier.
func (p *pass) merge(ctx context.Context) error {
	most := p.engine.chunkFiles
	for todo := p.landing; len(todo) > 0; {
		if err := p.start(ctx); err != nil {
			return err
		}
		chunk := firstChunk(todo, most, p.engine.effort.chunkBytes)
		err := p.mergeChunk(ctx, chunk)
		if fault.CodeOf(err) == fault.TooLarge && len(chunk) > 1 {
			// Rows may be larger than sizes on disk tell. Less at a time fits.
			most = len(chunk) / 2
			p.end()
			continue
		}
		if err != nil {
			return err
		}
		todo = todo[len(chunk):]
		p.tick(len(chunk))
	}
	return nil
}

// ended refuses to commit when nobody waits for it any more.
func ended(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return ranOut(ctx, "compaction was stopped; what it committed holds")
}

// trusted runs SQL of ours in the worker.
func (p *pass) trusted(ctx context.Context, statements ...string) ([][]any, error) {
	return p.worker.script(ctx, statements...)
}
