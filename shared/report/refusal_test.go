package report_test

import (
	"strings"
	"testing"

	"loch/shared/fault"
	"loch/shared/report"
	"loch/shared/sql"
)

// TestRefusals holds that a wrong spec is refused, and that the error names the
// place.
func TestRefusals(t *testing.T) {
	const days = `"from":"2026-11-01","to":"2026-11-30"`
	with := func(more string) string { return `{` + days + `,"series":[{"event":"A"}],` + more + `}` }
	series := func(s string) string { return `{` + days + `,"series":[` + s + `]}` }
	for _, c := range []struct{ spec, field, words string }{
		{`[]`, "", "object"},
		{`{`, "", "not valid JSON"},
		{`{} {}`, "", "not valid JSON"},
		{"{\"a\":\"\xff\"}", "", "UTF-8"},
		{strings.Repeat(" ", 300_000), "", "bytes"},
		{`{"series":[{"event":"A"}]}`, "from", "missing"},
		{`{"from":"2026-11-01","series":[{"event":"A"}]}`, "to", "missing"},
		{`{"from":1}`, "from", "text"},
		{`{"from":"2026-11-31","to":"2026-12-01"}`, "from", "day"},
		{`{"from":"1960-11-01","to":"2026-12-01"}`, "from", "1971"},
		{`{"from":"2026-11-02","to":"2026-11-01"}`, "to", "before"},
		{`{"from":"2000-11-02","to":"2026-11-01"}`, "to", "3660"},
		{with(`"timezone":"Mars/Olympus"`), "timezone", "IANA"},
		{with(`"timezone":"Local"`), "timezone", "IANA"},
		{with(`"timezone":"../../etc/passwd"`), "timezone", "IANA"},
		{with(`"timezone":""`), "timezone", "IANA"},
		{with(`"week_start":"Montag"`), "week_start", "monday"},
		{with(`"bots":1`), "bots", "true or false"},
		{with(`"bot":true`), "bot", "no such field"},
		{with(`"bots":true,"bots":true`), "bots", "twice"},
		{with(`"a b":true`), "?", "no such field"},
		{with(`"where":[{"property":"a","op":"is"}]`), "where[0].op", "operator"},
		{with(`"where":{}`), "where", "list"},
		{with(`"breakdown":[{"limit":3}]`), "breakdown[0].property", "missing"},
		{with(`"breakdown":[{"property":"a","limit":0}]`), "breakdown[0].limit", "1 to 100"},
		{with(`"breakdown":[{"property":"a"},{"property":"a","top":1}]`), "breakdown[1].top", "no such field"},
		{with(`"breakdown":[{"property":"a"},{"property":"b"},{"property":"c"},{"property":"d"}]`), "breakdown", "3"},
		{with(`"breakdown":"country"`), "breakdown", "list"},
		{with(`"breakdown":[{"property":"received_time"}]`), "breakdown[0].property", "time"},
		{with(`"cohort":{"did":{"event":""}}`), "cohort.did.event", "name"},
		{with(`"interval":"year"`), "interval", "hour"},
		{`{"from":"2020-01-01","to":"2026-11-01","interval":"hour","series":[{"event":"A"}]}`, "interval", "hours"},
		{`{` + days + `}`, "series", "list"},
		{`{` + days + `,"series":[]}`, "series", "1 to 26"},
		{series(`1`), "series[0]", "object"},
		{series(`{}`), "series[0].event", "missing"},
		{series(`{"event":""}`), "series[0].event", "1 to"},
		{series(`{"event":"a\u0000"}`), "series[0].event", "zero"},
		{series(`{"event":1}`), "series[0].event", "name"},
		{series(`{"event":{"any":[]}}`), "series[0].event.any", "1 to"},
		{series(`{"event":{"any":["A",2]}}`), "series[0].event.any[1]", "text"},
		{series(`{"event":{"all":[]}}`), "series[0].event.all", "no such field"},
		{series(`{"event":"A"},{"event":"A","measure":"mean"}`), "series[1].measure", "avg"},
		{series(`{"event":"A","measure":"sum"}`), "series[0].property", "missing"},
		{series(`{"event":"A","property":"a"}`), "series[0].property", "not of a property"},
		{series(`{"event":"A","per_user":"avg"}`), "series[0].per_user", "belongs"},
		{series(`{"event":"A","measure":"per_user","per_user":"sum"}`), "series[0].per_user", "median"},
		{series(`{"event":"A","measure":"uniques","rolling_days":8}`), "series[0].rolling_days", "7 or 30"},
		{series(`{"event":"A","rolling_days":7}`), "series[0].rolling_days", "uniques"},
		{series(`{"event":"A","where":[{"property":"a"}]}`), "series[0].where[0].op", "missing"},
		{series(`{"event":"A","where":[{"property":"time","op":"contains","value":"a"}]}`), "series[0].where[0].op", "time"},
		{series(`{"event":"A","where":[{"property":"time","op":"gt","value":5}]}`), "series[0].where[0].value", "date"},
		{series(`{"event":"A","measure":"avg","property":"profile.last_seen"}`), "series[0].property", "time"},
		{series(`{"event":"A","formula":"A"}`), "series[0].event", "alone"},
		{series(`{"event":"A"},{"formula":"C"}`), "series[1].formula", "no series C"},
		{series(`{"event":"A"},{"formula":"B"}`), "series[1].formula", "no series B"},
		{series(`{"event":"A"},{"formula":"A +"}`), "series[1].formula", "early"},
		{series(`{"event":"A"},{"formula":"A A"}`), "series[1].formula", "character 3"},
		{series(`{"event":"A"},{"formula":"(A"}`), "series[1].formula", "early"},
		{series(`{"event":"A"},{"formula":"A % 2"}`), "series[1].formula", "character 3"},
		{series(`{"event":"A"},{"formula":"A * 1.2.3"}`), "series[1].formula", "number"},
		{series(`{"event":"A"},{"formula":"` + strings.Repeat("(", 500) + `"}`), "series[1].formula", "nested"},
		{series(`{"event":"A"},{"formula":""}`), "series[1].formula", "early"},
		{`{` + days + `,"interval":"hour","series":[{"event":"A","measure":"uniques","rolling_days":7}]}`, "series[0].rolling_days", "interval"},
	} {
		spec, err := report.Parse("insights", []byte(c.spec))
		if err == nil {
			_, err = spec.Compile(sql.DuckDB, env)
		}
		if err == nil {
			t.Errorf("%s was taken", c.spec)
			continue
		}
		f := fault.From(err)
		if code := fault.CodeOf(err); code != fault.Invalid && code != fault.TooLarge || f.Field != c.field || !strings.Contains(f.Message, c.words) {
			t.Errorf("%.200s: %s at %q: %s, want %q at %q", c.spec, f.Code, f.Field, f.Message, c.words, c.field)
		}
	}
	if _, err := report.Parse("pies", []byte(`{}`)); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("an unknown report: %v", err)
	}
}
