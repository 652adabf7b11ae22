package duckdb

import (
	"context"
	"encoding/json"
	"slices"

	"loch/infra/local/lake"
	"loch/shared/fault"
	"loch/shared/schema"
)

var _ schema.Source = (*Engine)(nil)

// Facts implements schema.Source. What is compacted is known from the summaries of
// its files; the rest, which is little, is read.
func (e *Engine) Facts(ctx context.Context, project, event string) ([]schema.Fact, error) {
	ctx, cancel := context.WithTimeout(ctx, defaultTime)
	defer cancel()
	select {
	case e.slots <- struct{}{}:
		defer func() { <-e.slots }()
	case <-ctx.Done():
		return nil, ranOut(ctx, "other statements were running all the time that this one had; send it again")
	}
	moment, err := e.hot.freeze(ctx)
	if err != nil {
		return nil, err
	}
	defer moment.release()
	answer, err := e.pool.call(ctx, order{Facts: &factsWanted{Project: project, Event: event, Files: moment.files(project)}})
	if err != nil {
		return nil, err
	}
	list := make([]schema.Fact, len(answer.Rows))
	for i, row := range answer.Rows {
		if list[i], err = factOf(row); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// factOf reads a row of addFacts.
func factOf(row []any) (f schema.Fact, err error) {
	const texts = 6
	numbers := []*int64{&f.Count, &f.Odd, &f.FirstMS, &f.LastMS, &f.Distinct, &f.Persons}
	if len(row) != texts+len(numbers) {
		return f, fault.New(fault.Internal, "a worker gave facts of another shape")
	}
	f.Kind, f.Event, f.Space = schema.Kind(text(row[0])), text(row[1]), schema.Space(text(row[2]))
	f.Name, f.Type, f.Value = text(row[3]), text(row[4]), text(row[5])
	for i, to := range numbers {
		if row[texts+i] == nil {
			continue
		}
		n, ok := row[texts+i].(json.Number)
		if !ok {
			return f, fault.New(fault.Internal, "a worker gave facts of another shape")
		}
		if *to, err = n.Int64(); err != nil {
			return f, fault.Wrap(err, fault.Internal, "a worker gave facts of another shape")
		}
	}
	return f, nil
}

// factsWanted asks a worker for facts.
type factsWanted struct {
	Project string `json:"project"`
	Event   string `json:"event"`
	Files   files  `json:"files"`
}

// facts finds the facts of a project at a moment: those in summaries, those of the
// rows that no summary tells, and off them those of rows that are in a file with a
// summary and are not shown.
func (db *database) facts(ctx context.Context, w *factsWanted) ([][]any, error) {
	q := &question{Project: w.Project, Files: w.Files}
	if err := db.learnRemoved(ctx, q); err != nil {
		return nil, err
	}
	dropped, err := db.duplicates(ctx, w.Project, w.Files)
	if err != nil {
		return nil, err
	}
	told, err := db.told(ctx, w.Project, w.Files.Summaries)
	if err != nil {
		return nil, err
	}
	var parts, names []string
	var known []compactedFile
	open := w.Files
	open.Compacted = nil
	for _, f := range w.Files.Compacted {
		if name := eventsName(f.Path, w.Project); told[name] {
			known, names = append(known, f), append(names, name)
		} else {
			open.Compacted = append(open.Compacted, f)
		}
	}
	if len(known) > 0 {
		parts = append(parts, "SELECT "+factColumns+" FROM "+scan(w.Files.Summaries)+" WHERE file IN (SELECT unnest("+list(names)+"))")
	}
	read := slices.DeleteFunc(slices.Clone(dropped), func(path string) bool { return slices.Contains(paths(known), path) })
	rows := []string{"SELECT " + factRow("''", 1) + " FROM (" + eventRows(w.Project, open, read) + ") f"}
	rows = append(rows, db.notShown(w, known, dropped)...)
	for _, r := range rows {
		parts = append(parts, "("+facts(r)+")")
	}
	return db.rows(ctx, addFacts(parts, w.Event))
}

// told are the files of events of which there are summaries.
func (db *database) told(ctx context.Context, project string, summaries []string) (map[string]bool, error) {
	told := map[string]bool{}
	if len(summaries) == 0 {
		return told, nil
	}
	rows, err := db.rows(ctx, toldFiles(summaries))
	for _, row := range rows {
		told[text(row[0])] = true
	}
	return told, err
}

func toldFiles(summaries []string) string { return "SELECT DISTINCT file FROM " + scan(summaries) }

// notShown are queries of the rows in summarised files that a statement does not
// see: older ones of events that came again since, and those that are to be removed.
func (db *database) notShown(w *factsWanted, known []compactedFile, dropped []string) []string {
	if len(known) == 0 {
		return nil
	}
	var queries, again []string
	for _, f := range known {
		if slices.Contains(dropped, f.Path) {
			again = append(again, f.Path)
		}
	}
	kept := w.Files.gone(w.Project).keptEventsOf(w.Project)
	if len(again) > 0 {
		queries = append(queries, "SELECT "+factRow("''", -1)+" FROM "+numbered(again)+" f WHERE "+kept+
			" AND EXISTS (SELECT 1 FROM "+dropTable+" d WHERE d.file = f.filename AND d.row = f.file_row_number)")
	}
	if len(w.Files.Removed) > 0 && !w.Files.Swept {
		queries = append(queries, "SELECT "+factRow("''", -1)+" FROM "+partitioned(paths(known))+" f WHERE NOT ("+kept+")")
	}
	return queries
}

// eventsName is what summaries call a file of a project's events: its path below
// the project's folder.
func eventsName(path, project string) string {
	_, name, _ := cutLast(path, "/"+string(lake.Events)+"/project="+project+"/")
	return name
}
