package report_test

import (
	"encoding/json"
	"strings"
	"testing"

	"loch/shared/fault"
	"loch/shared/report"
	"loch/shared/sql"
)

// TestSessionsRefusals holds that a wrong sessions spec is refused with its place.
func TestSessionsRefusals(t *testing.T) {
	const days = `{"from":"2026-11-01","to":"2026-11-30",`
	for _, c := range []struct{ spec, field, words string }{
		{days + `"interval":"year"}`, "interval", "month"},
		{days + `"top":0}`, "top", "1 to 100"},
		{days + `"top":"5"}`, "top", "1 to 100"},
		{days + `"series":[]}`, "series", "no such field"},
		{days + `"breakdown":[{"property":"time"}]}`, "breakdown[0].property", "time"},
		{days + `"where":[{"property":"a"}]}`, "where[0].op", "missing"},
		{`{"from":"2024-11-01","to":"2026-11-30","interval":"hour"}`, "interval", "hours"},
	} {
		spec, err := report.Parse("sessions", []byte(c.spec))
		if err == nil {
			_, err = spec.Compile(sql.Trino, env)
		}
		if f := fault.From(err); err == nil || f.Code != fault.Invalid || f.Field != c.field || !strings.Contains(f.Message, c.words) {
			t.Errorf("%s: %v, want %q at %q", c.spec, err, c.words, c.field)
		}
	}
}

// TestSessionsAnswer holds the shape of an answer, and that a result of another
// shape is no answer.
func TestSessionsAnswer(t *testing.T) {
	spec, err := report.Parse("sessions", []byte(`{"from":"2026-11-01","to":"2026-11-02"}`))
	if err != nil {
		t.Fatal(err)
	}
	st, err := spec.Compile(sql.DuckDB, env)
	if err != nil {
		t.Fatal(err)
	}
	row := func(text string) (list []any) {
		for word := range strings.FieldsSeq(text) {
			switch word[0] {
			case '-':
				list = append(list, nil)
			case '\'':
				list = append(list, word[1:])
			default:
				list = append(list, json.Number(word))
			}
		}
		return list
	}
	answer, err := st.Answer(report.Result{Rows: [][]any{
		row("0 - - 4 3000 500 1000 9 1 0"), row("0 1 - 4 3000 500 1000 9 1 0"), row("1 - 't/b 1 0 - - 0 0 0"), row("1 - 't(other) 2 0 - - 0 0 0"), row("1 - ' 1 0 - - 0 0 0"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(answer)
	const want = `{"segments":[{"segment":null,"points":[{"t":"2026-11-01","sessions":0,"median_seconds":null,"avg_seconds":null,"events_per_session":null,"bounce_rate":null},` +
		`{"t":"2026-11-02","sessions":4,"median_seconds":0.75,"avg_seconds":0.75,"events_per_session":2.25,"bounce_rate":0.25}],` +
		`"total":{"sessions":4,"median_seconds":0.75,"avg_seconds":0.75,"events_per_session":2.25,"bounce_rate":0.25},` +
		`"entry_pages":[{"page":"/b","sessions":1},{"page":"(other)","sessions":2}],"exit_pages":[]}]}`
	if err != nil || string(text) != want {
		t.Errorf("%s, want\n%s", text, want)
	}
	for _, wrong := range []string{"3 - - 4 3000 500 1000 9 1 0", "'x - - 4 3000 500 1000 9 1 0", "1 - - 4 3000 500 1000 9 1 0", "0 'x - 4 3000 500 1000 9 1 0", "0 - - 4 'x 500 1000 9 1 0"} {
		if _, err := st.Answer(report.Result{Rows: [][]any{row(wrong)}}); fault.CodeOf(err) != fault.Internal {
			t.Errorf("%s was taken: %v", wrong, err)
		}
	}
}
