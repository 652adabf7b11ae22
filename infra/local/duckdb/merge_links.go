package duckdb

import (
	"context"
	"fmt"

	"loch/infra/local/lake"
)

// mergeLinks is how many files of links a project may have before they are
// written again as one.
const mergeLinks = 8

// writeLinks writes the links that the arrived rows show and that are earlier
// than what was known of their devices.
func (m *merge) writeLinks(ctx context.Context) error {
	rows, err := m.trusted(ctx, linksTable(m.landing, m.gone.kept(linkIDs...)), "SELECT DISTINCT project FROM new_links")
	if err != nil {
		return err
	}
	for _, row := range rows {
		project := text(row[0])
		known := m.links[project]
		kept := m.gone.keptOf(project, linkIDs...)
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

// writePersons writes the merges of people that the arrived rows show and that
// are newer than what was known of their identifiers.
func (m *merge) writePersons(ctx context.Context) error {
	rows, err := m.trusted(ctx, personsTable(m.landing, m.gone.kept(personIDs...)), "SELECT DISTINCT project FROM new_persons")
	if err != nil {
		return err
	}
	for _, row := range rows {
		project := text(row[0])
		known := m.persons[project]
		path, err := m.commit.Path(lake.Links, fmt.Sprintf("project=%s/%s%s", project, personsPrefix, m.name))
		if err != nil {
			return err
		}
		if len(known) < mergeLinks {
			known = nil
		}
		for _, path := range known {
			m.commit.Remove(m.engine.lake.Rel(path))
		}
		if _, err := m.trusted(ctx, copyPersons(project, known, m.gone.keptOf(project, personIDs...), path, m.engine.effort.groupRows)); err != nil {
			return err
		}
	}
	return nil
}
