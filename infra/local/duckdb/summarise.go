package duckdb

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"loch/infra/local/lake"
	"loch/shared/fault"
)

// mergeSummaries is how many files of summaries a project may have before they are
// written again as one.
const mergeSummaries = 8

// summarised is what summaries of a project there are and should be.
type summarised struct {
	project string
	events  map[string]string // the files of the events tier, by what summaries call them
	files   []string          // the files of summaries
	missing []string          // of events, by path
	stale   bool              // there are facts of files that are gone
}

// summarise writes summaries of the files of events that have none, and takes out
// those of files that are gone: of what an erased person did, no summary may tell.
// It comes after all else, in commits of its own. Killed before its end it is done
// by the next pass; until then readers read the files themselves.
func (p *pass) summarise(ctx context.Context) error {
	snapshot := p.engine.lake.Snapshot()
	defer snapshot.Release()
	most := p.engine.chunkFiles
	for _, s := range p.surveySummaries(snapshot) {
		if err := p.compare(ctx, s); err != nil {
			return err
		}
		for len(s.missing) > 0 || s.stale {
			chunk := firstChunk(s.missing, most, 4*p.engine.effort.chunkBytes)
			err := p.writeSummaries(ctx, s, chunk)
			if fault.CodeOf(err) == fault.TooLarge && len(chunk) > 1 {
				most = len(chunk) / 2 // less at a time fits
				p.end()
				continue
			}
			if err != nil {
				return err
			}
			s.missing = s.missing[min(len(chunk), len(s.missing)):]
		}
	}
	return nil
}

// surveySummaries takes down what there is, by project.
func (p *pass) surveySummaries(snapshot *lake.Snapshot) []*summarised {
	l := p.engine.lake
	found := map[string]*summarised{}
	of := func(path string) *summarised {
		project, _ := partition(l.Rel(path))
		if found[project] == nil {
			found[project] = &summarised{project: project, events: map[string]string{}}
		}
		return found[project]
	}
	for _, path := range snapshot.Events {
		s := of(path)
		s.events[eventsName(filepath.ToSlash(path), s.project)] = path
	}
	for _, path := range snapshot.Summaries {
		s := of(path)
		s.files = append(s.files, path)
	}
	var all []*summarised
	for _, project := range slices.Sorted(maps.Keys(found)) {
		all = append(all, found[project])
	}
	return all
}

// compare finds out what is missing and what is too much.
func (p *pass) compare(ctx context.Context, s *summarised) error {
	told := map[string]bool{}
	if len(s.files) > 0 {
		if err := p.start(ctx); err != nil {
			return err
		}
		rows, err := p.trusted(ctx, toldFiles(s.files))
		if err != nil {
			return err
		}
		for _, row := range rows {
			name := text(row[0])
			told[name] = true
			s.stale = s.stale || s.events[name] == ""
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.events)) {
		if !told[name] {
			s.missing = append(s.missing, s.events[name])
		}
	}
	return nil
}

// writeSummaries is one commit: summaries of some files, and, where there are many
// files of summaries or facts to be taken out, what stands in all of them.
func (p *pass) writeSummaries(ctx context.Context, s *summarised, chunk []string) error {
	l := p.engine.lake
	if err := p.start(ctx); err != nil {
		return err
	}
	var replaced, rels []string
	if s.stale || len(s.files) >= mergeSummaries {
		replaced = s.files
	}
	for _, path := range slices.Concat(replaced, chunk) {
		rels = append(rels, l.Rel(path))
	}
	// The lake's version makes the name another each time: summaries that were lost
	// are written again, of the same files.
	name := digest(append(rels, fmt.Sprint(p.version())))
	commit, err := l.Begin("summarise-" + name)
	if err != nil {
		return err
	}
	defer func() { _ = commit.Abandon() }() // what it cannot clear away, the next Begin or Open does
	if !p.current(s) {
		s.missing, s.stale = nil, false
		return nil
	}
	for _, path := range replaced {
		commit.Remove(l.Rel(path))
	}
	var parts []string
	if len(chunk) > 0 {
		parts = append(parts, facts("SELECT "+factRow("substr(f.filename, "+fmt.Sprint(p.nameFrom(chunk[0], s.project))+")", 1)+" FROM "+numbered(chunk)+" f"))
	}
	if len(replaced) > 0 && len(s.events) > 0 {
		parts = append(parts, "SELECT "+factColumns+" FROM "+scan(replaced)+" WHERE file IN (SELECT unnest("+list(slices.Sorted(maps.Keys(s.events)))+"))")
	}
	files := without(s.files, replaced)
	if len(parts) > 0 {
		rel := fmt.Sprintf("project=%s/%s.parquet", s.project, name)
		path, err := commit.Path(lake.Summaries, rel)
		if err != nil {
			return err
		}
		query := "(" + strings.Join(parts, ") UNION ALL (") + ")"
		if _, err := p.trusted(ctx, "COPY (SELECT "+factColumns+" FROM ("+query+") ORDER BY fact, event, space, name, type, value, file) TO "+literal(path)+
			" (FORMAT parquet, COMPRESSION zstd)"); err != nil {
			return err
		}
		files = append(files, filepath.Join(l.Folder(), string(lake.Summaries), filepath.FromSlash(rel)))
	}
	if err := ended(ctx); err != nil {
		return err
	}
	if err := commit.Finish(lake.Entry{Kind: lake.KindSummaries, TimeMS: p.engine.options.Now().UnixMilli()}); err != nil {
		return err
	}
	s.files, s.stale = files, false
	return nil
}

// version is that of the lake now.
func (p *pass) version() uint64 {
	now := p.engine.lake.Snapshot()
	defer now.Release()
	return now.Version
}

// current tells whether the lake has the files of summaries that it is thought to
// have. It has others where the disk failed in the middle of an earlier commit, which
// was brought to its end just now: the next pass looks anew.
func (p *pass) current(s *summarised) bool {
	now := p.engine.lake.Snapshot()
	defer now.Release()
	var files []string
	for _, path := range now.Summaries {
		if project, _ := partition(p.engine.lake.Rel(path)); project == s.project {
			files = append(files, path)
		}
	}
	return slices.Equal(files, slices.Sorted(slices.Values(s.files)))
}

// nameFrom is where in the paths of a project's events their names begin, counted
// from 1 as SQL does, in characters.
func (p *pass) nameFrom(path, project string) int {
	name := eventsName(filepath.ToSlash(path), project)
	return len([]rune(path)) - len([]rune(name)) + 1
}

func without(list, gone []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(gone, s) })
}

// cutLast cuts text around the last sep.
func cutLast(text, sep string) (before, after string, found bool) {
	at := strings.LastIndex(text, sep)
	if at < 0 {
		return text, "", false
	}
	return text[:at], text[at+len(sep):], true
}
