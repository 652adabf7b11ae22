package report_test

import (
	"encoding/json"
	"strings"
	"testing"

	"loch/shared/fault"
	"loch/shared/report"
	"loch/shared/sql"
)

// TestRetentionRefusals holds that a wrong retention spec is refused with its
// place.
func TestRetentionRefusals(t *testing.T) {
	const days = `{"from":"2026-11-01","to":"2026-11-30",`
	with := func(more string) string {
		return days + `"first":{"event":"A"},"then":{"event":"*"},` + more + `}`
	}
	for _, c := range []struct{ spec, field, words string }{
		{days + `"then":{"event":"*"}}`, "first", "missing"},
		{days + `"first":{"event":"*"}}`, "then", "missing"},
		{days + `"first":"A","then":{"event":"*"}}`, "first", "object"},
		{days + `"first":{"event":"A"},"then":{"event":""}}`, "then.event", "name"},
		{days + `"first":{},"then":{"event":"*"}}`, "first.event", "missing"},
		{days + `"first":{"event":"A","where":[{"property":"a"}]},"then":{"event":"*"}}`, "first.where[0].op", "missing"},
		{days + `"first":{"event":"A"},"then":{"event":"*","measure":"total"}}`, "then.measure", "no such field"},
		{with(`"interval":"hour"`), "interval", "day, week, month"},
		{with(`"intervals":0`), "intervals", "1 to 400"},
		{with(`"intervals":401`), "intervals", "1 to 400"},
		{with(`"mode":"after"`), "mode", "on_or_after"},
		{with(`"clock":"utc"`), "clock", "rolling"},
		{with(`"clock":"rolling","interval":"month"`), "interval", "rolling"},
		{with(`"cohort_by":"country"`), "cohort_by", "interval"},
		{with(`"first_ever":1`), "first_ever", "true or false"},
		{with(`"series":[]`), "series", "no such field"},
		{with(`"breakdown":[{"property":"time"}]`), "breakdown[0].property", "time"},
		{strings.Replace(with(`"intervals":400`), "2026-11-01", "2024-11-01", 1), "intervals", "cohorts"},
	} {
		spec, err := report.Parse("retention", []byte(c.spec))
		if err == nil {
			_, err = spec.Compile(sql.Trino, env)
		}
		f := fault.From(err)
		if err == nil || fault.CodeOf(err) != fault.Invalid || f.Field != c.field || !strings.Contains(f.Message, c.words) {
			t.Errorf("%s: %v, want %q at %q", c.spec, err, c.words, c.field)
		}
	}
}

// TestRetentionHidesSmallCohorts holds that a cohort of too few persons is in
// neither the answer nor its averages, and that no segment gives it away.
func TestRetentionHidesSmallCohorts(t *testing.T) {
	small := env
	small.MinCell = 5
	spec, err := report.Parse("retention", []byte(`{"from":"2026-11-01","to":"2026-11-02","first":{"event":"A"},"then":{"event":"*"},"intervals":1,"breakdown":[{"property":"country"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	st, err := spec.Compile(sql.DuckDB, small)
	if err != nil {
		t.Fatal(err)
	}
	n := func(text string) any { return json.Number(text) }
	answer, err := st.Answer(report.Result{Rows: [][]any{
		{n("0"), nil, n("1"), "tDE", n("10")}, {n("0"), nil, n("2"), "tNO", n("2")}, {n("0"), n("0"), n("1"), "tDE", n("5")}, {n("0"), n("0"), n("2"), "tNO", n("1")},
		{n("1"), nil, n("1"), "tDE", n("4")}, {n("1"), n("0"), n("1"), "tDE", n("4")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(answer)
	const want = `{"cohorts":[{"start":"2026-11-01","size":12,"retained":[{"n":6,"ratio":0.5,"complete":true}]}],"average":[{"ratio":0.5,"complete_cohorts":1}],` +
		`"segments":[{"segment":"DE","cohorts":[],"average":[{"ratio":null,"complete_cohorts":0}]},` +
		`{"segment":"NO","cohorts":[{"start":"2026-11-02","size":0,"retained":[{"n":0,"ratio":null,"complete":true}]}],"average":[{"ratio":null,"complete_cohorts":1}]}],"hidden":4}`
	if err != nil || string(text) != want {
		t.Errorf("%s, want\n%s", text, want)
	}
	if _, err := st.Answer(report.Result{Rows: [][]any{{n("9"), nil, n("1"), "tDE", n("10")}}}); fault.CodeOf(err) != fault.Internal {
		t.Errorf("a cohort that is none: %v", err)
	}
}

// TestRetentionShape holds that names and values change nothing of a retention
// statement but its texts.
func TestRetentionShape(t *testing.T) {
	compile := func(name, value string, d sql.Dialect) string {
		quoted := func(s string) string {
			b, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		act := `{"event":{"any":[` + quoted("e"+name) + `,` + quoted("e"+value) + `]},"where":[{"property":` + quoted("n"+name) + `,"op":"in","value":[` + quoted("v"+value) + `,1]}]}`
		spec, err := report.Parse("retention", []byte(`{"from":"2026-11-01","to":"2026-11-30","clock":"rolling","mode":"on_or_after","first_ever":true,"first":`+act+`,"then":`+act+
			`,"breakdown":[{"property":`+quoted("profile.p"+name)+`}],"cohort":{"did":{"event":`+quoted("e"+value)+`}}}`))
		if err != nil {
			t.Fatal(err)
		}
		st, err := spec.Compile(d, env)
		if err != nil {
			t.Fatal(err)
		}
		return shape(t, st.SQL)
	}
	for _, d := range dialects {
		for _, s := range []string{"'", "''", `"`, `\`, `\'`, "' OR 1=1 --", "; DROP TABLE events", "/*", "*/", "\n", "\U0001F600", "]", "?", "%", "{}", "'||'"} {
			if got, want := compile(s, s, d), compile("x", "x", d); got != want {
				t.Errorf("%q makes another statement:\n%s\nnot\n%s", s, got, want)
			}
		}
	}
}
