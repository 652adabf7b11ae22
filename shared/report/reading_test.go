package report_test

import (
	"slices"
	"strings"
	"testing"

	"loch/shared/report"
	"loch/shared/sql"
)

// TestReading holds what statements are said to read, and that nothing that a spec
// contains is taken for a column, a date or a look.
func TestReading(t *testing.T) {
	identity := "event insert_id insert_id_source device_id user_id time received_time request_id batch_index"
	for _, c := range []struct {
		kind, spec, more string
		from, to         string
		looks            int
		profiles         bool
	}{
		{"insights", `"series":[{"event":"A"}]`, "date is_bot", "2026-10-31", "2026-11-30", 1, false},
		{"sessions", `"timezone":"UTC"`, "date is_bot kind page_path", "2026-10-31", "2026-12-01", 1, false},
		{"flows", `"timezone":"UTC","anchor":{"event":"A"}`, "date is_bot kind", "2026-10-31", "2026-12-01", 1, false},
		{"sessions", `"timezone":"UTC","breakdown":[{"property":"country"}]`, "date is_bot kind page_path country", "2026-10-31", "2026-12-01", 2, false},
		{"retention", `"timezone":"UTC","first":{"event":"A"},"then":{"event":"*"},"intervals":2`, "date is_bot kind", "2026-11-01", "2026-12-01", 4, false},
		{"funnel", `"timezone":"UTC","steps":[{"event":"A"},{"event":"B"}],"where":[{"property":"profile.plan","op":"eq","value":"x"}]`, "date is_bot kind", "2026-11-01", "2026-12-08", 1, true},
		{"insights", `"timezone":"UTC","series":[{"event":"e.city FROM events, e.\"date\" BETWEEN DATE '1999-01-01' AND DATE '1999-01-02'"}],"cohort":{"did":{"event":"x","within_days":60}}`,
			"date is_bot", "2026-10-02", "2026-11-30", 2, false},
	} {
		spec, err := report.Parse(c.kind, []byte(`{"from":"2026-11-01","to":"2026-11-30",`+c.spec+`}`))
		if err != nil {
			t.Fatal(err)
		}
		st, err := spec.Compile(sql.Trino, env)
		if err != nil {
			t.Fatal(err)
		}
		r := st.Reading()
		want := strings.Fields(identity + " " + c.more)
		for _, name := range want {
			if !slices.Contains(r.Columns, name) {
				t.Errorf("%s %s: %s is not read: %v", c.kind, c.spec, name, r.Columns)
			}
		}
		if len(r.Columns) != len(want) || r.From != c.from || r.To != c.to || r.Looks != c.looks || r.Profiles != c.profiles {
			t.Errorf("%s %s reads %+v", c.kind, c.spec, r)
		}
	}
}
