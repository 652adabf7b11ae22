package athena

import (
	"os"
	"path/filepath"
	"testing"
)

// TestReportsAreAdmitted: what reports are compiled to goes through the guard like a
// person's statement.
func TestReportsAreAdmitted(t *testing.T) {
	paths, err := filepath.Glob("../../../shared/report/testdata/*.trino.sql")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d reports: %v", len(paths), err)
	}
	for _, path := range paths {
		statement, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		a, err := admit(string(statement))
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(path), err)
			continue
		}
		if !a.uses["events"] {
			t.Errorf("%s reads %v", filepath.Base(path), a.uses)
		}
	}
}
