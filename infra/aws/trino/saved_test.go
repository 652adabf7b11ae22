package trino_test

import (
	"os"
	"strings"
	"testing"
)

// savedQueries are the texts of the statements that the stack saves in Athena's
// console.
func savedQueries(t *testing.T) (list []string) {
	t.Helper()
	text, err := os.ReadFile("../stack/catalogue.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.Split(string(text), "QueryString: |\n")[1:] {
		indent := part[:len(part)-len(strings.TrimLeft(part, " "))]
		var lines []string
		for line := range strings.SplitSeq(part, "\n") {
			inside, ok := strings.CutPrefix(line, indent)
			if !ok {
				break
			}
			lines = append(lines, inside)
		}
		list = append(list, strings.Join(lines, "\n"))
	}
	return list
}

// saved: the saved statements run on the views.
func saved(t *testing.T, l *lake) {
	want := []string{"date people events", "page_path reads people", "first_channel people with_a_plan", "reason field protocol inputs"}
	queries := savedQueries(t)
	if len(queries) != len(want) {
		t.Fatalf("the stack saves %d statements, want %d", len(queries), len(want))
	}
	for i, query := range queries {
		// Of the tests' project, whenever it is now.
		query = strings.NewReplacer("'default'", "'p'", "current_date", "DATE '2026-11-02'", "current_timestamp", "TIMESTAMP '2026-11-01 12:00:00 UTC'").Replace(query)
		r := l.run(query)
		var names []string
		for _, c := range r.Columns {
			names = append(names, c.Name)
		}
		if got := strings.Join(names, " "); got != want[i] || (i != 1) != (len(r.Rows) == 1) {
			t.Errorf("%s\ngives %s, %v", query, got, r.Rows)
		}
	}
}
