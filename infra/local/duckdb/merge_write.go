package duckdb

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"loch/infra/local/lake"
)

// A file that has grown this large is written again only to drop a row.
const largeBytes = 256 << 20

// choose adds to each partition's work those of its files that do not have many
// more rows than what comes in. So files grow few and large, while each row is
// written again only a few times.
func (m *merge) choose() error {
	for _, in := range m.arriving {
		if in.rows == 0 {
			continue
		}
		type sized struct {
			path string
			rows int64
		}
		var files []sized
		for _, f := range m.events {
			if f.part != in.part || f.bytes > largeBytes {
				continue
			}
			rows, err := rowsOf([]string{f.path})
			if err != nil {
				return err
			}
			files = append(files, sized{f.path, rows})
		}
		slices.SortFunc(files, func(a, b sized) int { return cmp.Compare(a.rows, b.rows) })
		grown := in.rows
		for _, f := range files {
			if f.rows > 3*grown {
				break
			}
			grown += f.rows
			in.rewrite[f.path] += 0
		}
	}
	return nil
}

// write writes a partition's new file, and takes note of the files it replaces.
func (m *merge) write(ctx context.Context, in *incoming) error {
	var rewrite []string
	rows := in.rows
	for path, lost := range in.rewrite {
		rewrite = append(rewrite, path)
		n, err := rowsOf([]string{path})
		if err != nil {
			return err
		}
		rows += n - lost - m.removedFrom[path]
	}
	slices.Sort(rewrite)
	for _, path := range rewrite {
		m.commit.Remove(m.engine.lake.Rel(path))
	}
	m.replaced = append(m.replaced, rewrite...)
	if rows == 0 {
		return nil
	}
	path, err := m.commit.Path(lake.Events, fmt.Sprintf("project=%s/date=%s/%s", in.project, in.date, m.name))
	if err != nil {
		return err
	}
	if _, err := m.trusted(ctx, copyEvents(in, rewrite, m.keptRows(), path, m.engine.effort.groupRows)); err != nil {
		return err
	}
	n, err := rowsOf([]string{path})
	if err != nil {
		return err
	}
	if n != rows {
		return errCompacted
	}
	m.rowsOut += n
	m.written++
	return nil
}

// mergeLinks is how many files of links a project may have before they are
// written again as one.
const mergeLinks = 8

// writeLinks writes the links that the arrived rows show and that are earlier
// than what was known of their devices.
func (m *merge) writeLinks(ctx context.Context) error {
	rows, err := m.trusted(ctx, linksTable(m.landing, m.gone.kept("f.user_id", "f.device_id")), "SELECT DISTINCT project FROM new_links")
	if err != nil {
		return err
	}
	for _, row := range rows {
		project := text(row[0])
		known := m.links[project]
		kept := m.gone.keptOf(project, "f.user_id", "f.device_id")
		rows, err := m.trusted(ctx, earlierLinks(project, known, kept), "SELECT count(*) FROM earlier_links")
		if err != nil {
			return err
		}
		if n, err := whole(rows[0][0]); err != nil || n == 0 {
			if err != nil {
				return err
			}
			continue
		}
		path, err := m.commit.Path(lake.Links, fmt.Sprintf("project=%s/%s", project, m.name))
		if err != nil {
			return err
		}
		if len(known) < mergeLinks {
			known = nil
		}
		for _, path := range known {
			m.commit.Remove(m.engine.lake.Rel(path))
		}
		if _, err := m.trusted(ctx, copyLinks(known, kept, path, m.engine.effort.groupRows)); err != nil {
			return err
		}
	}
	return nil
}
