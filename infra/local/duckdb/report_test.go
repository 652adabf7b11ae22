package duckdb

import (
	"maps"
	"slices"
	"testing"

	"loch/infra/local/lake"
	"loch/infra/local/parquet"
	"loch/shared/event"
	"loch/shared/profile"
	"loch/shared/report"
	"loch/shared/report/reporttest"
	"loch/shared/sql"
)

// loadSets makes a lake of sets, each as a project of its own. All landed in one
// file: by the hours of their arrival they would be thousands, which each statement
// would have to open.
func loadSets(t testing.TB, sets map[string]reporttest.Set) report.Engine {
	t.Helper()
	w := newWorld(t)
	var rows []event.Row
	var profiles []profile.Snapshot
	for _, name := range slices.Sorted(maps.Keys(sets)) {
		for _, r := range sets[name].Rows {
			r.Project = name
			rows = append(rows, r)
		}
		for _, p := range sets[name].Profiles {
			p.Project = name
			profiles = append(profiles, p)
		}
	}
	landFile(t, w, "landing", "dt=2026-11-01/hour=00/sets.parquet", parquet.CreateEvents, rows)
	landFile(t, w, "profiles", "sets.parquet", parquet.CreateProfiles, profiles)
	return w.engine
}

// landFile commits one file to a tier.
func landFile[T any](t testing.TB, w *world, tier lake.Tier, name string, create func(string) (*parquet.Writer[T], error), rows []T) {
	t.Helper()
	if len(rows) == 0 {
		return
	}
	commit, err := w.lake.Begin("sets-" + string(tier))
	if err != nil {
		t.Fatal(err)
	}
	path, err := commit.Path(tier, name)
	if err != nil {
		t.Fatal(err)
	}
	out, err := create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := out.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if err := commit.Finish(entryOf("sets")); err != nil {
		t.Fatal(err)
	}
}

// TestReportInsightsByHand asks what was answered by hand.
func TestReportInsightsByHand(t *testing.T) { reporttest.InsightsByHand(t, loadSets, sql.DuckDB) }

// TestReports asks the questions of the reports' suite, the same each time.
func TestReports(t *testing.T) {
	o := reporttest.Options{Dialect: sql.DuckDB, Seed: 1, Sets: 160, Specs: 1}
	if testing.Short() {
		o.Sets = 25
	}
	reporttest.Run(t, loadSets, o)
}

// TestReportRetentionByHand asks what was answered by hand.
func TestReportRetentionByHand(t *testing.T) { reporttest.RetentionByHand(t, loadSets, sql.DuckDB) }

// TestReportFunnelsByHand asks what was answered by hand.
func TestReportFunnelsByHand(t *testing.T) { reporttest.FunnelsByHand(t, loadSets, sql.DuckDB) }

// TestReportSessionsByHand asks what was answered by hand.
func TestReportSessionsByHand(t *testing.T) { reporttest.SessionsByHand(t, loadSets, sql.DuckDB) }

// TestReportFlowsByHand asks what was answered by hand.
func TestReportFlowsByHand(t *testing.T) { reporttest.FlowsByHand(t, loadSets, sql.DuckDB) }

// FuzzReports asks others each time.
func FuzzReports(f *testing.F) {
	if !testing.Short() {
		f.Add(uint64(2))
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		reporttest.Run(t, loadSets, reporttest.Options{Dialect: sql.DuckDB, Seed: seed, Sets: 20, Specs: 3})
	})
}
