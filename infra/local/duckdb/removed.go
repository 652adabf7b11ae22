package duckdb

import (
	"context"
	"maps"
	"slices"
	"strings"

	"loch/shared/event"
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

// identity is the condition under which a row f of an event says who is who.
var identity = "f.kind IN (" + literal(string(event.KindIdentify)) + ", " + literal(string(event.KindAlias)) + ")"

// tied is the condition under which a row f says of somebody who is to be removed
// that they are one with another: under whoever it was sent, it is about all whom it
// names, as a link is. They stand in its properties and, as what came of it, in its
// context; lake ids are random, so each is its person's wherever it stands. CASE has
// DuckDB look into the texts of no other rows.
var tied = "coalesce(CASE WHEN " + identity +
	" THEN list_has_any(regexp_extract_all(concat(f.properties, ' ', f.context), '[0-9a-f]{32}'), (SELECT list(id) FROM " + removedTable + ")) END, false)"

// tiedRow is the same in Go.
func tiedRow(r *event.Row, removed []string) bool {
	return (r.Kind == event.KindIdentify || r.Kind == event.KindAlias) && slices.ContainsFunc(removed, func(id string) bool {
		return strings.Contains(r.Properties, id) || strings.Contains(r.Context, id)
	})
}

// keptEvents is the condition under which a row f of an event stays. It comes first
// everywhere: a row that goes is no duplicate of another, nor replaces it.
func (g gone) keptEvents() string { return g.untied(g.kept(owner)) }

// keptEventsOf is the same for rows f that are all of one project.
func (g gone) keptEventsOf(project string) string { return g.untied(g.keptOf(project, owner)) }

func (g gone) untied(kept string) string {
	if len(g) == 0 {
		return kept
	}
	return kept + " AND NOT " + tied
}

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
	rows, err := m.trusted(ctx, countGone(files, m.gone.keptEvents()))
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
