package duckdb

import (
	"context"
	"runtime"
	"slices"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/errgroup"

	"loch/infra/local/parquet"
	"loch/shared/event"
)

var _ event.Journeyer = (*Engine)(nil)

// footers remembers what files tell about whose events they hold. Files never
// change, and a file's entry has some kilobytes.
type footers struct {
	known *lru.Cache[string, *parquet.Whose]
}

// rememberedFooters is above the files of a lake of years.
const rememberedFooters = 4096

func newFooters() footers {
	known, err := lru.New[string, *parquet.Whose](rememberedFooters)
	if err != nil {
		panic(err) // the size is a constant above 0
	}
	return footers{known}
}

func (f footers) of(path string) (*parquet.Whose, error) {
	if w, ok := f.known.Get(path); ok {
		return w, nil
	}
	w, err := parquet.ReadWhose(path)
	if err == nil {
		f.known.Add(path, w)
	}
	return w, err
}

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
	j := &journey{engine: e, project: project, ids: ids, before: before, columns: withKey, newest: map[eventKey]int{}}
	if err := j.read(ctx, files.Fresh); err != nil {
		return nil, err
	}
	if len(j.rows) == 0 {
		// The events tier holds no event twice. Ids that are each event's own do not
		// compress, and are much of what there would be to read.
		j.distinct, j.columns = true, event.JourneyColumns
	}
	dates := byDate(files.Compacted)
	for len(dates) > 0 {
		if before != nil && dates[0].from > before.TimeMS {
			dates = dates[1:]
			continue
		}
		if j.complete(limit, dates[0].to) {
			break
		}
		wave := min(len(dates), j.wave())
		var paths []string
		for _, d := range dates[:wave] {
			paths = append(paths, d.paths...)
		}
		if err := j.read(ctx, paths); err != nil {
			return nil, err
		}
		dates = dates[wave:]
	}
	return j.page(limit), nil
}

// journey is one being read.
type journey struct {
	engine  *Engine
	project string
	ids     []string
	before  *event.Moment
	columns []string // to read
	waves   int

	mu     sync.Mutex
	rows   []event.Row
	newest map[eventKey]int // each event's newest row, by its place in rows

	distinct bool // no row that is read now can be another's event
}

// withKey are the columns of a journey, and those that tell the rows of one event
// from others.
var withKey = append(slices.Clone(event.JourneyColumns), "insert_id", "insert_id_source")

// eventKey is duplicateKey in Go.
type eventKey struct {
	id, source, name, sender string
	timeMS                   int64
}

func keyOf(r *event.Row) eventKey {
	k := eventKey{id: r.InsertID, source: r.InsertIDSource}
	if r.InsertIDSource != event.InsertIDHash {
		k.name, k.sender = r.Name, personOf(r)
	}
	if r.InsertIDSource == event.InsertIDClient {
		k.timeMS = r.TimeMS
	}
	return k
}

func personOf(r *event.Row) string {
	if r.UserID != "" {
		return r.UserID
	}
	return r.DeviceID
}

// wave is how many dates are read at once: few at first, since the newest mostly
// suffice, then more, since whoever comes seldom is in few.
func (j *journey) wave() int {
	j.waves++
	return min(1<<j.waves, 64)
}

// read takes in the person's rows of some files.
func (j *journey) read(ctx context.Context, paths []string) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.NumCPU())
	for _, path := range paths {
		g.Go(func() error {
			if ctx.Err() != nil {
				return ranOut(ctx, timeoutWords)
			}
			whose, err := j.engine.footers.of(path)
			if err != nil {
				return err
			}
			return whose.Pick(j.ids, j.columns, j.take)
		})
	}
	return g.Wait()
}

// take keeps a row if it is the newest of its event.
func (j *journey) take(r *event.Row) error {
	if r.Project != j.project {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.distinct {
		j.rows = append(j.rows, *r)
		return nil
	}
	k := keyOf(r)
	at, again := j.newest[k]
	switch {
	case !again:
		j.newest[k] = len(j.rows)
		j.rows = append(j.rows, *r)
	case arrival(r).Compare(arrival(&j.rows[at])) > 0:
		j.rows[at] = *r
	}
	return nil
}

// arrival orders rows of one event as newestFirst does.
func arrival(r *event.Row) event.Moment {
	m := r.Moment()
	m.TimeMS = 0
	return m
}

// complete says whether the page is full with events that are not older than any
// that may still come.
func (j *journey) complete(limit int, newestLeft int64) bool {
	n := 0
	for i := range j.rows {
		if j.rows[i].TimeMS >= newestLeft && j.wanted(&j.rows[i]) {
			n++
		}
	}
	return n >= limit
}

func (j *journey) wanted(r *event.Row) bool {
	return j.before == nil || r.Moment().Compare(*j.before) < 0
}

// page is the answer out of what was read.
func (j *journey) page(limit int) []event.Row {
	rows := slices.DeleteFunc(j.rows, func(r event.Row) bool { return !j.wanted(&r) })
	slices.SortFunc(rows, func(a, b event.Row) int { return b.Moment().Compare(a.Moment()) })
	return rows[:min(len(rows), limit)]
}
