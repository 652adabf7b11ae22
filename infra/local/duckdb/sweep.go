package duckdb

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"loch/infra/local/lake"
	"loch/infra/local/wal"
	"loch/shared/event"
)

// sweepAfter is how long rows that are to be removed wait for others before the
// compacted files are searched for them without any other reason: each search
// reads who every row belongs to. On a server that takes in events, compaction
// comes about as often by itself.
const sweepAfter = time.Hour

// lateness is how long rows may still arrive under lake ids that were erased: in
// requests that were on their way, which is a matter of seconds.
const lateness = time.Hour

// suspect is a kind of file that may hold what is to be removed.
type suspect struct {
	tier    lake.Tier
	prefix  string // of the files' names
	kept    string // the condition under which a row stays
	columns string // all of them, with the types that the files have
	paths   []string
}

// hit is a file with rows that are to be removed.
type hit struct {
	*suspect
	path string
	rows int64 // that are to be removed
}

// sweep writes every compacted file anew that holds rows of the removals.
func (p *pass) sweep(ctx context.Context) error {
	projects := map[string]bool{}
	for _, r := range p.removals {
		if !r.Swept {
			projects[r.Project] = true
		}
	}
	if len(projects) == 0 {
		return nil
	}
	if err := p.start(ctx); err != nil {
		return err
	}
	hits, err := p.search(ctx, p.suspects(projects))
	if err != nil {
		return err
	}
	p.total += len(hits)
	for len(hits) > 0 {
		paths := make([]string, len(hits))
		for i := range hits {
			paths[i] = hits[i].path
		}
		n := len(firstChunk(paths, p.engine.chunkFiles, p.engine.effort.chunkBytes))
		if err := p.rewrite(ctx, hits[:n]); err != nil {
			return err
		}
		hits = hits[n:]
		p.tick(n)
	}
	return p.engine.lake.Swept(p.removals)
}

// suspects are the compacted files of projects. Nobody but this pass takes any
// away, so no snapshot has to hold them. Of profiles the next full snapshot takes
// the place, which holds nobody who was erased.
func (p *pass) suspects(projects map[string]bool) []*suspect {
	l := p.engine.lake
	snapshot := l.Snapshot()
	defer snapshot.Release()
	events := &suspect{tier: lake.Events, kept: p.gone.keptEvents(), columns: outColumns(event.Columns)}
	for _, file := range snapshot.Events {
		if project, _ := partition(l.Rel(file)); projects[project] {
			events.paths = append(events.paths, file)
		}
	}
	list := []*suspect{events}
	links, persons := map[string]*suspect{}, map[string]*suspect{}
	for _, file := range snapshot.Links {
		project, _ := partition(l.Rel(file))
		if !projects[project] {
			continue
		}
		if links[project] == nil {
			links[project] = &suspect{tier: lake.Links, kept: p.gone.keptOf(project, linkIDs...), columns: outLinkColumns}
			persons[project] = &suspect{
				tier: lake.Links, prefix: personsPrefix, kept: p.gone.keptOf(project, personIDs...), columns: personColumns,
			}
			list = append(list, links[project], persons[project])
		}
		of := links[project]
		if isPersons(file) {
			of = persons[project]
		}
		of.paths = append(of.paths, file)
	}
	return list
}

// search finds the files that hold rows which are to be removed.
func (p *pass) search(ctx context.Context, list []*suspect) ([]hit, error) {
	var hits []hit
	for _, s := range list {
		for paths := range slices.Chunk(s.paths, chunkFiles) {
			rows, err := p.trusted(ctx, countGone(paths, s.kept))
			if err != nil {
				return nil, err
			}
			for _, row := range rows {
				n, err := whole(row[1])
				if err != nil {
					return nil, err
				}
				hits = append(hits, hit{suspect: s, path: text(row[0]), rows: n})
			}
		}
	}
	return hits, nil
}

// rewrite is one commit: it replaces files by ones without the rows.
func (p *pass) rewrite(ctx context.Context, hits []hit) error {
	l := p.engine.lake
	rels := make([]string, len(hits))
	for i, h := range hits {
		rels[i] = l.Rel(h.path)
	}
	name := digest(rels)
	commit, err := l.Begin("remove-" + name)
	if errors.Is(err, lake.ErrCommitted) {
		return nil // the disk failed after it was decided, and it was brought to its end since
	}
	if err != nil {
		return err
	}
	defer func() { _ = commit.Abandon() }() // what it cannot clear away, the next Begin or Open does

	e := lake.Entry{Kind: lake.KindCompact, TimeMS: p.engine.options.Now().UnixMilli()}
	written := 0
	for i, h := range hits {
		commit.Remove(rels[i])
		in, err := rowsOf([]string{h.path})
		if err != nil {
			return err
		}
		if in > h.rows {
			// Each has a name of its own, as there may be several of a folder.
			if err := p.copyKept(ctx, commit, h, in-h.rows, fmt.Sprintf("%s%s-%d.parquet", h.prefix, name, i)); err != nil {
				return err
			}
		}
		if h.tier == lake.Events {
			e.RowsIn, e.RowsOut, e.RowsRemoved = e.RowsIn+in, e.RowsOut+in-h.rows, e.RowsRemoved+h.rows
			if in > h.rows {
				written++
			}
		}
	}
	if err := ended(ctx); err != nil {
		return err
	}
	if err := commit.Finish(e); err != nil {
		return err
	}
	p.did.add(e, written)
	return nil
}

// copyKept writes a file anew, without the rows that are to be removed. It is read
// and written in order, so what it takes does not grow with the file.
func (p *pass) copyKept(ctx context.Context, commit *lake.Commit, h hit, rows int64, name string) error {
	folder := path.Dir(p.engine.lake.Rel(h.path))[len(h.tier):]
	to, err := commit.Path(h.tier, path.Join(folder, name)[1:])
	if err != nil {
		return err
	}
	if _, err := p.trusted(ctx, copyKept(h.columns, h.path, h.kept, to, p.engine.effort.groupRows)); err != nil {
		return err
	}
	n, err := rowsOf([]string{to})
	if err == nil && n != rows {
		err = errCompacted
	}
	return err
}

// fulfil ends the removals of which no row can be anywhere any more. The files
// hold none since the sweep, and what had landed when this pass began was merged
// without them. What is left is the log: a segment that was begun while rows could
// still arrive has to be merged, too.
func (p *pass) fulfil() error {
	var over []lake.Removal
	for _, r := range p.removals {
		last := r.Time().Add(lateness)
		waits := p.began.Before(last) || slices.ContainsFunc(p.segments, func(s wal.Segment) bool {
			return s.Seq > p.rolled && s.Parcels > 0 && s.OpenedAt.Before(last)
		})
		if !waits {
			over = append(over, r)
		}
	}
	if len(over) == 0 {
		return nil
	}
	return p.engine.lake.Fulfilled(over)
}
