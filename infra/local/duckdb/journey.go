package duckdb

import (
	"context"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"loch/infra/local/parquet"
	"loch/shared/event"
)

var _ event.Journeyer = (*Engine)(nil)

// Journey implements event.Journeyer. It goes past DuckDB, which would open every
// file of the project to find a few rows in some: the bounds and Bloom filters in
// the footers say which row groups can hold the person. All that is not compacted
// is looked through, then the dates of the events tier from the newest on until
// there are enough.
func (e *Engine) Journey(ctx context.Context, project string, ids []string, before *event.Moment, limit int) ([]event.Row, error) {
	if err := ctx.Err(); err != nil {
		return nil, ranOut(ctx, timeoutWords)
	}
	moment, err := e.hot.freeze(ctx)
	if err != nil {
		return nil, err
	}
	defer moment.release()
	files := moment.files(project)
	// A row counts for its user, or its device where it has none, and is to be removed
	// with either: as in the views, from the moment that it was ordered.
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(files.Removed, id) })
	if len(ids) == 0 {
		return nil, nil
	}
	j := &journey{engine: e, ids: ids, rows: journeyRows{project: project, before: before, removed: files.Removed, newest: map[eventKey]int{}}}
	fresh, err := j.admitted(ctx, undated(files.Fresh))
	if err == nil {
		err = j.read(ctx, fresh)
	}
	if err != nil {
		return nil, err
	}
	// The events tier holds no event twice. Where nothing of the person is fresh,
	// the ids that tell duplicates need not be read: they are each event's own, do
	// not compress, and so are much of what there would be to read.
	j.rows.distinct = len(j.rows.list) == 0
	if err := j.walk(ctx, byDate(files.Compacted), limit); err != nil {
		return nil, err
	}
	return j.rows.page(limit), nil
}

// journey is one being read.
type journey struct {
	engine *Engine
	ids    []string
	rows   journeyRows
}

// datesAtOnce is in how many files is looked at once whether the person is there.
const datesAtOnce = 128

// walk reads the events tier, the newest date first, until the page is full: only
// the files in which the person may be, and no more at once than seem needed.
func (j *journey) walk(ctx context.Context, files []datedFile, limit int) error {
	if before := j.rows.before; before != nil {
		files = slices.DeleteFunc(files, func(f datedFile) bool { return f.from > before.TimeMS })
	}
	read, had := 0, j.rows.wanted()
	for some := range slices.Chunk(files, datesAtOnce) {
		if j.rows.since(some[0].to) >= limit {
			return nil
		}
		list, err := j.admitted(ctx, some)
		if err != nil {
			return err
		}
		for len(list) > 0 && j.rows.since(list[0].to) < limit {
			wave := runtime.NumCPU()
			if found := j.rows.wanted() - had; found > 0 { // as dense as so far
				wave = max(wave, (limit-j.rows.wanted())*read/found)
			} else {
				wave = max(wave, read)
			}
			wave = min(wave, len(list))
			if err := j.read(ctx, list[:wave]); err != nil {
				return err
			}
			list, read = list[wave:], read+wave
		}
	}
	return nil
}

// admitted are those of some files, in order, that may hold rows of the person,
// with the row groups in which they are.
func (j *journey) admitted(ctx context.Context, files []datedFile) ([]datedFile, error) {
	list := slices.Clone(files)
	err := each(ctx, len(list), func(i int) (err error) {
		f := &list[i]
		if f.whose, err = j.engine.footers.of(f.path); err == nil {
			f.groups, err = f.whose.Groups(j.ids)
		}
		return err
	})
	return slices.DeleteFunc(list, func(f datedFile) bool { return len(f.groups) == 0 }), err
}

// keyColumns are those that tell the rows of one event from others.
var keyColumns = []string{"insert_id", "insert_id_source"}

// read takes in the person's rows of some files.
func (j *journey) read(ctx context.Context, files []datedFile) error {
	columns := slices.Clone(event.JourneyColumns)
	if !j.rows.distinct {
		columns = append(columns, keyColumns...)
	}
	if len(j.rows.removed) > 0 {
		columns = append(columns, "context") // as tiedRow asks
	}
	return each(ctx, len(files), func(i int) error {
		return files[i].whose.Pick(files[i].groups, j.ids, columns, j.rows.take)
	})
}

// each calls fn for 0 to n-1 on all processors, until one fails or ctx ends.
func each(ctx context.Context, n int, fn func(i int) error) error {
	g, inner := errgroup.WithContext(ctx)
	g.SetLimit(runtime.NumCPU())
	for i := range n {
		g.Go(func() error {
			if inner.Err() != nil {
				return nil // another has failed, or ctx ended, which is said below
			}
			return fn(i)
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ranOut(ctx, timeoutWords)
	}
	return nil
}

// datedFile is a file of event rows, the instants between which its events lie
// (from is in it, to is not), and what of it is to be read.
type datedFile struct {
	path     string
	from, to int64 // milliseconds
	whose    *parquet.Whose
	groups   []int
}
