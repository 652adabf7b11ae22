package report_test

import (
	"encoding/json"
	"strings"
	"testing"

	"loch/shared/fault"
	"loch/shared/report"
	"loch/shared/sql"
)

// TestFlowsRefusals holds that a wrong flows spec is refused with its place.
func TestFlowsRefusals(t *testing.T) {
	const days = `{"from":"2026-11-01","to":"2026-11-30"`
	with := func(more string) string { return days + `,"anchor":{"event":"A"},` + more + `}` }
	for _, c := range []struct{ spec, field, words string }{
		{days + `}`, "anchor", "missing"},
		{days + `,"anchor":"A"}`, "anchor", "object"},
		{days + `,"anchor":{}}`, "anchor.event", "missing"},
		{days + `,"anchor":{"event":"A","where":[{"property":"a"}]}}`, "anchor.where[0].op", "missing"},
		{days + `,"anchor":{"event":"A","measure":"total"}}`, "anchor.measure", "no such field"},
		{with(`"direction":"both"`), "direction", "backward"},
		{with(`"steps":0`), "steps", "1 to 10"},
		{with(`"steps":11`), "steps", "1 to 10"},
		{with(`"top":51`), "top", "1 to 50"},
		{with(`"per":"user"`), "per", "person"},
		{with(`"hide":"B"`), "hide", "list"},
		{with(`"hide":["B",1]`), "hide[1]", "text"},
		{with(`"hide":["B","A"]`), "hide", "anchor"},
		{with(`"collapse":1`), "collapse", "true or false"},
		{with(`"interval":"day"`), "interval", "no such field"},
		{with(`"breakdown":[{"property":"time"}]`), "breakdown[0].property", "time"},
	} {
		spec, err := report.Parse("flows", []byte(c.spec))
		if err == nil {
			_, err = spec.Compile(sql.Trino, env)
		}
		if f := fault.From(err); err == nil || f.Code != fault.Invalid || f.Field != c.field || !strings.Contains(f.Message, c.words) {
			t.Errorf("%s: %v, want %q at %q", c.spec, err, c.words, c.field)
		}
	}
	for _, spec := range []string{days + `,"anchor":{"event":"*"},"hide":["A"]}`, days + `,"anchor":{"event":{"any":["A","B"]}},"hide":["A"]}`} {
		if _, err := report.Parse("flows", []byte(spec)); err != nil {
			t.Errorf("%s: %v", spec, err)
		}
	}
}

// TestPathsShape holds of flows and sessions what FuzzShape holds of insights.
func TestPathsShape(t *testing.T) {
	quoted := func(s string) string {
		b, _ := json.Marshal(s)
		return string(b)
	}
	compile := func(kind, words string, d sql.Dialect) string {
		p, v := quoted("properties.p"+words), quoted("v"+words)
		where := `[{"property":` + p + `,"op":"eq","value":` + v + `},{"property":"country","op":"contains","value":` + v + `}]`
		spec := `{"from":"2026-11-01","to":"2026-11-30","where":` + where + `,"breakdown":[{"property":` + p + `}],"cohort":{"did":{"event":` + v + `}}`
		if kind == "flows" {
			spec += `,"anchor":{"event":{"any":[` + v + `,"x"]},"where":` + where + `},"hide":[` + v + `],"collapse":true`
		}
		s, err := report.Parse(kind, []byte(spec+"}"))
		if err != nil {
			t.Fatal(err)
		}
		small := env
		small.MinCell = 5
		st, err := s.Compile(d, small)
		if err != nil {
			t.Fatal(err)
		}
		return shape(t, st.SQL)
	}
	for _, kind := range []string{"flows", "sessions"} {
		for _, d := range dialects {
			for _, words := range []string{"'", "''", `"`, `\'`, "' OR 1=1 --", "; DROP TABLE events", "/*", "\n", "\U0001F600", "]", "?", "%", "'||'"} {
				if got, want := compile(kind, words, d), compile(kind, "x", d); got != want {
					t.Errorf("%q makes another statement:\n%s\nnot\n%s", words, got, want)
				}
			}
		}
	}
}

// TestFlowsAnswer holds the shape of an answer, and that a result of another shape
// is no answer.
func TestFlowsAnswer(t *testing.T) {
	spec, err := report.Parse("flows", []byte(`{"from":"2026-11-01","to":"2026-11-02","anchor":{"event":"A"},"steps":2}`))
	if err != nil {
		t.Fatal(err)
	}
	st, err := spec.Compile(sql.DuckDB, env)
	if err != nil {
		t.Fatal(err)
	}
	n := func(text string) any { return json.Number(text) }
	answer, err := st.Answer(report.Result{Rows: [][]any{
		{n("1"), n("1"), "B", n("6"), nil, n("2"), n("0")}, {n("0"), n("1"), "A", n("1"), "B", n("2"), n("0")}, {n("0"), n("1"), "A", n("6"), nil, n("1"), n("0")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(answer)
	const want = `{"nodes":[{"step":0,"event":"A","count":3},{"step":1,"event":"B","count":2},{"step":1,"event":"(end)","count":1},{"step":2,"event":"(end)","count":2}],` +
		`"links":[{"from":"A","to":"B","step":0,"count":2},{"from":"A","to":"(end)","step":0,"count":1},{"from":"B","to":"(end)","step":1,"count":2}]}`
	if err != nil || string(text) != want {
		t.Errorf("%s, want\n%s", text, want)
	}
	for _, row := range [][]any{
		{n("2"), n("1"), "B", n("6"), nil, n("2"), n("0")}, {n("0"), nil, "B", n("6"), nil, n("2"), n("0")}, {n("0"), n("1"), nil, n("6"), nil, n("2"), n("0")},
		{n("0"), n("1"), "A", n("1"), n("2"), n("2"), n("0")}, {n("0"), n("1"), "A", n("1"), "B", n("2"), nil}, {n("0"), n("1"), "A", n("1"), "B", n("0.5"), n("0")},
	} {
		if _, err := st.Answer(report.Result{Rows: [][]any{row}}); fault.CodeOf(err) != fault.Internal {
			t.Errorf("%v was taken: %v", row, err)
		}
	}
}
