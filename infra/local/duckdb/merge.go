package duckdb

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"loch/infra/local/lake"
)

// merge is the work of one commit: some landing files, and what has to be
// written again because of them.
type merge struct {
	engine  *Engine
	worker  *worker
	commit  *lake.Commit
	name    string   // of all files that this commit writes
	landing []string // the files to take in

	events   []eventsFile         // the events tier
	links    map[string][]string  // files of links, by project
	persons  map[string][]string  // files of merges, by project
	arriving map[string]*incoming // by partition

	replaced []string // files of the events tier that are written again
	rowsOut  int64
	written  int
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
	if _, err := m.trusted(ctx, arrivedTable(m.landing)); err != nil {
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
	rows, err := m.trusted(ctx, "SELECT DISTINCT project, date::VARCHAR, insert_id_source = 'hash' FROM arrived")
	if err != nil {
		return err
	}
	same, hashed := map[part]bool{}, map[string]bool{}
	for _, row := range rows {
		p := part{text(row[0]), text(row[1])}
		same[p] = true
		hashed[p.project] = hashed[p.project] || row[2] == true
	}
	var sameDates, hashes []string
	for _, f := range m.events {
		switch {
		case same[f.part]:
			sameDates = append(sameDates, f.path)
		case hashed[f.project]:
			hashes = append(hashes, f.path)
		}
	}
	if len(sameDates)+len(hashes) == 0 {
		_, err := m.trusted(ctx, emptyLost)
		return err
	}
	_, err = m.trusted(ctx, metTable(sameDates, hashes), lostTable, dropArrived)
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
		rows += n - lost
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
	if _, err := m.trusted(ctx, copyEvents(in, rewrite, path, m.engine.effort.groupRows)); err != nil {
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

// text and whole read what a worker sent.
func text(v any) string { return fmt.Sprint(v) }

func whole(v any) (int64, error) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, errCompacted
	}
	return n.Int64()
}
