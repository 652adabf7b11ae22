package report_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"loch/shared/report"
	"loch/shared/sql"
)

var update = flag.Bool("update", false, "write testdata anew")

var dialects = []sql.Dialect{sql.DuckDB, sql.Trino}

// env is the surroundings of all golden files.
var env = report.Env{Timezone: "Europe/Berlin", Now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}

// TestGolden holds what each spec of testdata becomes: KIND-NAME.json is compiled
// to KIND-NAME.duckdb.sql and KIND-NAME.trino.sql. A change of a statement is seen
// in review; write them anew with -update.
func TestGolden(t *testing.T) {
	specs, err := filepath.Glob("testdata/*.json")
	if err != nil || len(specs) == 0 {
		t.Fatal("no specs", err)
	}
	for _, path := range specs {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := strings.Cut(filepath.Base(path), "-")
		spec, err := report.Parse(kind, body)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		for _, d := range dialects {
			st, err := spec.Compile(d, env)
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			golden := strings.TrimSuffix(path, "json") + d.Name() + ".sql"
			if *update {
				if err := os.WriteFile(golden, []byte(st.SQL+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil || string(want) != st.SQL+"\n" {
				t.Errorf("%s is another statement now (%v):\n%s", golden, err, st.SQL)
			}
		}
	}
}
