package duckdb

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"loch/infra/local/lake"
	"loch/shared/fault"
)

// merge is the work of one commit: some landing files, and what has to be
// written again because of them.
type merge struct {
	*pass
	commit  *lake.Commit
	name    string   // of all files that this commit writes
	landing []string // the files to take in

	events   []eventsFile         // the events tier
	links    map[string][]string  // files of links, by project
	persons  map[string][]string  // files of merges, by project
	arriving map[string]*incoming // by partition

	replaced    []string         // files of the events tier that are written again
	removedFrom map[string]int64 // of those, to how many of their rows are removed
	rowsRemoved int64
	rowsOut     int64
	written     int
}

// part is a partition of the events tier.
type part struct{ project, date string }

// eventsFile is a file of the events tier.
type eventsFile struct {
	part
	path  string
	bytes int64
}

// incoming is what a partition gets, and what of its files has to be written
// again.
type incoming struct {
	part
	rows    int64
	rewrite map[string]int64 // file to the number of its rows that are dropped
}

// mergeChunk is one commit.
func (p *pass) mergeChunk(ctx context.Context, chunk []string) error {
	l := p.engine.lake
	snapshot := l.Snapshot()
	defer snapshot.Release()
	rels := make([]string, len(chunk))
	for i, path := range chunk {
		rels[i] = l.Rel(path)
	}
	name := digest(rels)
	commit, err := l.Begin("compact-" + name)
	if errors.Is(err, lake.ErrCommitted) {
		return nil // the disk failed after it was decided, and it was brought to its end since
	}
	if err != nil {
		return err
	}
	defer func() { _ = commit.Abandon() }() // what it cannot clear away, the next Begin or Open does

	m := &merge{pass: p, commit: commit, name: name + ".parquet", landing: chunk}
	m.survey(snapshot)
	if err := m.run(ctx); err != nil {
		return err
	}
	for _, rel := range rels {
		commit.Remove(rel)
	}
	rowsIn, err := rowsOf(append(m.replaced, chunk...))
	if err == nil {
		err = ended(ctx)
	}
	if err != nil {
		return err
	}
	e := lake.Entry{
		Kind:        lake.KindCompact,
		TimeMS:      p.engine.options.Now().UnixMilli(),
		RowsIn:      rowsIn,
		RowsOut:     m.rowsOut,
		RowsRemoved: m.rowsRemoved,
		Duplicates:  rowsIn - m.rowsOut - m.rowsRemoved,
	}
	if err := commit.Finish(e); err != nil {
		return err
	}
	p.did.Landing += len(chunk)
	p.did.add(e, m.written)
	return nil
}

// survey takes down what lies in the lake.
func (m *merge) survey(s *lake.Snapshot) {
	l := m.engine.lake
	m.links, m.persons = map[string][]string{}, map[string][]string{}
	m.arriving = map[string]*incoming{}
	for _, path := range s.Events {
		project, date := partition(l.Rel(path))
		m.events = append(m.events, eventsFile{part: part{project, date}, path: path, bytes: sizeOf(path)})
	}
	for _, path := range s.Links {
		project, _ := partition(l.Rel(path))
		if isPersons(path) {
			m.persons[project] = append(m.persons[project], path)
		} else {
			m.links[project] = append(m.links[project], path)
		}
	}
}

// run does all the work but the commit's end.
func (m *merge) run(ctx context.Context) error {
	if _, err := m.trusted(ctx, arrivedTable(m.landing, m.gone.keptEvents())); err != nil {
		return err
	}
	if err := m.meet(ctx); err != nil {
		return err
	}
	if err := m.count(ctx); err != nil {
		return err
	}
	if err := m.choose(); err != nil {
		return err
	}
	if err := m.countRemoved(ctx); err != nil {
		return err
	}
	for _, in := range m.sorted() {
		if err := m.write(ctx, in); err != nil {
			return err
		}
	}
	if err := m.writeLinks(ctx); err != nil {
		return err
	}
	return m.writePersons(ctx)
}

// meet compares what arrived with the events tier, where both may hold the same
// event: the older one goes.
func (m *merge) meet(ctx context.Context) error {
	rows, err := m.trusted(ctx, "SELECT DISTINCT project, date::VARCHAR, "+anyDate+" FROM arrived")
	if err != nil {
		return err
	}
	same, undatedIn := map[part]bool{}, map[string]bool{}
	for _, row := range rows {
		p := part{text(row[0]), text(row[1])}
		same[p] = true
		undatedIn[p.project] = undatedIn[p.project] || row[2] == true
	}
	var sameDates, others []string
	for _, f := range m.events {
		switch {
		case same[f.part]:
			sameDates = append(sameDates, f.path)
		case undatedIn[f.project]:
			others = append(others, f.path)
		}
	}
	if len(sameDates)+len(others) == 0 {
		_, err := m.trusted(ctx, emptyLost)
		return err
	}
	_, err = m.trusted(ctx, metTable(sameDates, others, m.gone.keptEvents()), lostTable, dropArrived)
	return err
}

// count asks how many rows each partition gets and which files lose rows.
func (m *merge) count(ctx context.Context) error {
	rows, err := m.trusted(ctx, "SELECT project, date::VARCHAR, count(*) FROM arrived GROUP BY ALL")
	if err != nil {
		return err
	}
	for _, row := range rows {
		n, err := whole(row[2])
		if err != nil {
			return err
		}
		m.incoming(part{text(row[0]), text(row[1])}).rows = n
	}
	rows, err = m.trusted(ctx, "SELECT file, count(*) FROM lost GROUP BY file")
	if err != nil {
		return err
	}
	for _, row := range rows {
		n, err := whole(row[1])
		if err != nil {
			return err
		}
		path := text(row[0])
		at := slices.IndexFunc(m.events, func(f eventsFile) bool { return f.path == path })
		if at < 0 {
			return errCompacted
		}
		m.incoming(m.events[at].part).rewrite[path] = n
	}
	return nil
}

func (m *merge) incoming(p part) *incoming {
	key := p.project + "/" + p.date
	if m.arriving[key] == nil {
		m.arriving[key] = &incoming{part: p, rewrite: map[string]int64{}}
	}
	return m.arriving[key]
}

func (m *merge) sorted() []*incoming {
	var all []*incoming
	for _, in := range m.arriving {
		all = append(all, in)
	}
	slices.SortFunc(all, func(a, b *incoming) int {
		return cmp.Or(cmp.Compare(a.project, b.project), cmp.Compare(a.date, b.date))
	})
	return all
}

var errCompacted = fault.New(fault.Internal, "compaction counts another number of rows than its files hold")

// text and whole read what a worker sent.
func text(v any) string { return fmt.Sprint(v) }

func whole(v any) (int64, error) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, errCompacted
	}
	return n.Int64()
}
