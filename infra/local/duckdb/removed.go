package duckdb

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// removedTable holds the lake ids of which no row is shown, nor written again:
// those of erased people whose rows are to go, as lake.Removal orders it.
const removedTable = "removed_ids"

// gone are the lake ids of erased people whose rows are to go, by project.
type gone map[string][]string

// table makes removedTable.
func (g gone) table(kind string) string {
	var parts []string
	for project, ids := range g {
		parts = append(parts, "SELECT "+literal(project)+" AS project, unnest("+list(ids)+") AS id")
	}
	if len(parts) == 0 {
		parts = []string{typed("project VARCHAR, id VARCHAR")}
	}
	return "CREATE OR REPLACE " + kind + " " + removedTable + " AS " + strings.Join(parts, " UNION ")
}

// owner is whose row a row f of an event is: its user's, or else its device's. So
// what somebody else did on the same device stays.
const owner = "coalesce(f.user_id, f.device_id)"

// kept is the condition under which a row f stays that belongs to the given lake
// ids. It is made so that DuckDB looks up each row as it passes: an EXISTS over an
// expression would have it keep all rows in memory first.
func (g gone) kept(ids ...string) string {
	return g.none(ids, "(f.project, coalesce(%s, '')) NOT IN (SELECT (project, id) FROM "+removedTable+")")
}

// keptOf is the same for rows f that are all of one project.
func (g gone) keptOf(project string, ids ...string) string {
	return g.none(ids, "coalesce(%s, '') NOT IN (SELECT id FROM "+removedTable+" WHERE project = "+literal(project)+")")
}

func (g gone) none(ids []string, condition string) string {
	if len(g) == 0 {
		return "true"
	}
	conditions := make([]string, len(ids))
	for i, id := range ids {
		conditions[i] = strings.Replace(condition, "%s", id, 1)
	}
	return strings.Join(conditions, " AND ")
}

// gone are the lake ids whose rows are not shown.
func (f *files) gone(project string) gone {
	if len(f.Removed) == 0 {
		return nil
	}
	return gone{project: f.Removed}
}

// learnRemoved fills removedTable for a statement, unless it holds that already.
func (db *database) learnRemoved(ctx context.Context, q *question) error {
	g := q.Files.gone(q.Project)
	key := q.Project + "\x00" + strings.Join(q.Files.Removed, "\x00")
	if len(g) == 0 || db.removed == key {
		return nil
	}
	db.removed = ""
	if _, err := db.conn.ExecContext(ctx, g.table("TEMP TABLE")); err != nil {
		return err
	}
	db.removed = key
	return nil
}

// keptRows is the condition under which a row f of an event is not to be removed.
// It comes first everywhere: such a row is no duplicate of another, nor replaces it.
func (m *merge) keptRows() string { return m.gone.kept(owner) }

// countRemoved counts the rows that are to be removed, where files are read that
// may hold any.
func (m *merge) countRemoved(ctx context.Context) error {
	m.removedFrom = map[string]int64{}
	if len(m.gone) == 0 {
		return nil
	}
	files := slices.Clone(m.landing)
	for _, in := range m.arriving {
		files = slices.AppendSeq(files, maps.Keys(in.rewrite))
	}
	rows, err := m.trusted(ctx, countGone(files, m.keptRows()))
	if err != nil {
		return err
	}
	for _, row := range rows {
		n, err := whole(row[1])
		if err != nil {
			return err
		}
		m.removedFrom[text(row[0])] = n
		m.rowsRemoved += n
	}
	return nil
}
