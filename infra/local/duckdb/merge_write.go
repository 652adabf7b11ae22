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
	if _, err := m.trusted(ctx, copyEvents(in, rewrite, m.gone.keptEvents(), path, m.engine.effort.groupRows)); err != nil {
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
