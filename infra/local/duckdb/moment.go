package duckdb

import (
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// files are what the relations of a project are made of at this moment.
func (m *moment) files(project string) files {
	l, s := m.hot.lake, m.snapshot
	f := files{
		Fresh:    slices.Clone(s.Landing),
		Rejected: slices.Clone(s.Rejected),
		Profiles: s.Profiles,
	}
	for _, p := range m.pieces {
		if p.events != "" {
			f.Fresh = append(f.Fresh, p.events)
		}
		if p.rejected != "" {
			f.Rejected = append(f.Rejected, p.rejected)
		}
	}
	for _, file := range s.Events {
		if of, date := partition(l.Rel(file)); of == project {
			f.Compacted = append(f.Compacted, compactedFile{Path: file, Date: date})
		}
	}
	for _, file := range s.Links {
		if of, _ := partition(l.Rel(file)); of != project {
			continue
		}
		if isPersons(file) {
			f.Persons = append(f.Persons, file)
		} else {
			f.Links = append(f.Links, file)
		}
	}
	for _, file := range s.Summaries {
		if of, _ := partition(l.Rel(file)); of == project {
			f.Summaries = append(f.Summaries, file)
		}
	}
	f.Swept = true
	for _, r := range s.Removals {
		if r.Project == project {
			f.Removed = append(f.Removed, r.IDs...)
			f.Swept = f.Swept && r.Swept
		}
	}
	return f
}

// personsPrefix begins the names of those files of the links tier that say who
// was merged into whom; the others say which user a device was first linked to.
const personsPrefix = "persons-"

func isPersons(file string) bool {
	return strings.HasPrefix(path.Base(filepath.ToSlash(file)), personsPrefix)
}

// partition reads whose rows a file below lake/ holds, and of which date, from
// its path: events/project=p/date=2026-11-23/name.parquet.
func partition(rel string) (project, date string) {
	for part := range strings.SplitSeq(path.Dir(rel), "/") {
		if v, ok := strings.CutPrefix(part, "project="); ok {
			project = v
		}
		if v, ok := strings.CutPrefix(part, "date="); ok {
			date = v
		}
	}
	return project, date
}

// arrivalHour reads "2026-11-23", "20" from landing/dt=2026-11-23/hour=20/name.parquet.
func arrivalHour(rel string) (date, hour string) {
	for part := range strings.SplitSeq(path.Dir(rel), "/") {
		if v, ok := strings.CutPrefix(part, "dt="); ok {
			date = v
		}
		if v, ok := strings.CutPrefix(part, "hour="); ok {
			hour = v
		}
	}
	return date, hour
}

// lakeFolder is where the lake's files lie.
func (e *Engine) lakeFolder() string { return e.lake.Folder() }
