package trino_test

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"loch/infra/aws/athena"
	"loch/infra/aws/glue"
	"loch/shared/event/rowjson"
	"loch/shared/profile"
	"loch/shared/report"
	"loch/shared/report/reporttest"
	"loch/shared/sql"
)

// reports runs the reports' suite in Athena's dialect: the same questions that the
// engine of one machine answers.
func reports(t *testing.T, e *engine) {
	load := func(t testing.TB, sets map[string]reporttest.Set) report.Engine { return e.newSettled(t, sets) }
	for name, byHand := range map[string]func(*testing.T, reporttest.Load, sql.Dialect){
		"insights by hand":  reporttest.InsightsByHand,
		"funnels by hand":   reporttest.FunnelsByHand,
		"retention by hand": reporttest.RetentionByHand,
		"sessions by hand":  reporttest.SessionsByHand,
		"flows by hand":     reporttest.FlowsByHand,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			byHand(t, load, sql.Trino)
		})
	}
	t.Run("random", func(t *testing.T) {
		t.Parallel()
		reporttest.Run(t, load, reporttest.Options{Dialect: sql.Trino, Seed: 1, Sets: e.sets, Specs: 1})
	})
}

// settled is a lake whose relations were worked out once and written down, with many
// projects in them: planning events takes a second, and reports ask for it hundreds
// of times. What the relations show is tested beside this.
type settled struct{ engine *athena.Engine }

func (e *engine) newSettled(t testing.TB, sets map[string]reporttest.Set) report.Engine {
	t.Helper()
	l := e.newBucket(t)
	l.createTables(glue.JSON, func(table string) bool { return table == glue.Landing || table == glue.Snapshots })
	l.landSets(sets)
	// Each event is there once and nobody is merged, so that links alone are left.
	l.run(l.writtenDown(glue.Events) + "SELECT r.*, coalesce(r.user_id, l.user_id, r.device_id) AS person_id FROM " + glue.Landing + " r LEFT JOIN (" +
		"SELECT project, device_id, min_by(user_id, ROW(received_time, time, batch_index, user_id)) AS user_id FROM " + glue.Landing +
		" WHERE device_id IS NOT NULL AND user_id IS NOT NULL GROUP BY project, device_id) l ON l.project = r.project AND l.device_id = r.device_id")
	l.run(l.writtenDown(glue.Profiles) + glue.View(glue.Profiles))
	return settled{l.athena(t)}
}

// writtenDown begins a statement that writes down what a relation shows.
func (l *lake) writtenDown(relation string) string {
	return "CREATE TABLE settled_" + relation + " WITH (format = 'PARQUET', external_location = 's3://" + l.name + "/settled/" + relation + "/') AS "
}

// landSets puts sets into the landing tier and among the snapshots.
func (l *lake) landSets(sets map[string]reporttest.Set) {
	l.t.Helper()
	var events, profiles []byte
	for _, project := range slices.Sorted(maps.Keys(sets)) {
		for _, r := range sets[project].Rows {
			r.Project = project
			events = rowjson.AppendRow(events, &r)
		}
		for i := range sets[project].Profiles {
			profiles = append(profiles, snapshotLine(l.t, project, &sets[project].Profiles[i])...)
		}
	}
	l.put("landing/dt=2026-11-01/hour=10/sets", events)
	l.put("profiles/sets", profiles)
}

// snapshotLine is a snapshot as a document with the table's columns.
func snapshotLine(t testing.TB, project string, p *profile.Snapshot) []byte {
	t.Helper()
	doc := map[string]any{
		"project": project, "person_id": p.PersonID, "group_key": p.GroupKey, "traits": p.Traits, "gone": p.Gone,
		"first_seen": p.FirstMS, "last_seen": p.LastMS, "updated": p.UpdatedMS, "snapshot_time": p.SnapshotMS,
	}
	for name, value := range doc {
		switch value := value.(type) {
		case string:
			if value == "" {
				delete(doc, name)
			}
		case int64:
			doc[name] = time.UnixMilli(value).UTC().Format("2006-01-02T15:04:05.000Z")
			if value == 0 {
				delete(doc, name)
			}
		}
	}
	for i, text := range p.Seen.Texts() {
		if *text != "" {
			doc[profile.SeenTexts[i]] = *text
		}
	}
	line, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return append(line, '\n')
}

// Query puts the project's part of what was written down before a statement, as the
// adapter puts the relations.
func (s settled) Query(ctx context.Context, project, statement string, _ report.Limits) (report.Result, error) {
	var named []string
	for _, relation := range []string{glue.Events, glue.Profiles} {
		named = append(named, relation+" AS (SELECT * FROM settled_"+relation+" WHERE project = "+glue.Literal(project)+")")
	}
	rest, with := strings.CutPrefix(statement, "WITH ")
	if with {
		rest = ", " + rest
	}
	return s.engine.Run(ctx, "WITH "+strings.Join(named, ", ")+rest)
}
