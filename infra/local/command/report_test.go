package command

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const insightsTwo = `{"series":[{"name":"Page View","segment":null,"points":[{"t":"2026-11-01","v":1200},{"t":"2026-11-02","v":0}],"total":1200},
{"name":"B / A","segment":null,"points":[{"t":"2026-11-01","v":0.125},{"t":"2026-11-02","v":null}],"total":0.125}]}`

const insightsSegments = `{"series":[{"name":"Page View","segment":["DE",1],"points":[{"t":"2026-11-01","v":4},{"t":"2026-11-02","v":1},{"t":"2026-11-03","v":0}],"total":5},
{"name":"Page View","segment":["(other)",true],"points":[{"t":"2026-11-01","v":0},{"t":"2026-11-02","v":3},{"t":"2026-11-03","v":3}],"total":6}],"hidden":2}`

func TestInsightsTable(t *testing.T) {
	for name, body := range map[string]string{
		"insights.txt": insightsTwo, "insights-segments.txt": insightsSegments, "insights-nothing.txt": `{"series":[]}`,
	} {
		f := newFake(t, answers(t, "POST", "/api/reports/insights", "READ", 200, body))
		f.look = screen{width: 100, live: true}
		out, errs, code := f.run(newReport, "insights", "--event", "Page View")
		if code != 0 || errs != "" {
			t.Errorf("%s: code %d, %q", name, code, errs)
		}
		golden(t, name, out)
	}
}

func TestInsightsForPrograms(t *testing.T) {
	f := newFake(t, answers(t, "POST", "/api/reports/insights", "READ", 200, insightsTwo))
	if out, _, _ := f.run(newReport, "insights", "--event", "A", "--json"); out != insightsTwo+"\n" {
		t.Errorf("--json gave %s", out)
	}
	const want = "series,segment,t,value\nPage View,,2026-11-01,1200\nPage View,,2026-11-02,0\nB / A,,2026-11-01,0.125\nB / A,,2026-11-02,\n"
	if out, _, _ := f.run(newReport, "insights", "--event", "A", "--csv"); out != want {
		t.Errorf("--csv gave %s", out)
	}
	f = newFake(t, answers(t, "POST", "/api/reports/insights?explain=sql", "READ", 200, `{"sql":"SELECT 1\nFROM events\u001b[31m","columns":[]}`))
	if out, _, _ := f.run(newReport, "insights", "--event", "A", "--sql"); out != "SELECT 1\nFROM events\\x1b[31m\n" {
		t.Errorf("--sql gave %q", out)
	}
}

func TestInsightsAsks(t *testing.T) {
	file := filepath.Join(t.TempDir(), "spec.json")
	if err := os.WriteFile(file, []byte(`{"from":"2026-01-01","to":"2026-01-31","series":[{"event":"A","name":"x"}],"bots":true}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--event", "A"}, `{"from":"2026-10-25","to":"2026-11-23","series":[{"event":"A","measure":"total"}]}`},
		{[]string{"--event", "A", "--to", "2026-11-10", "--days", "7", "--interval", "week", "--week-start", "Sunday", "--timezone", "UTC", "--bots"},
			`{"from":"2026-11-04","to":"2026-11-10","interval":"week","week_start":"sunday","timezone":"UTC","bots":true,"series":[{"event":"A","measure":"total"}]}`},
		{[]string{"--event", "A", "--event", "B", "--measure", "sum", "--property", "n", "--formula", "B / A", "--by", "country", "--by", "plan", "--limit", "3"},
			`{"from":"2026-10-25","to":"2026-11-23","breakdown":[{"property":"country","limit":3},{"property":"plan","limit":3}],
			"series":[{"event":"A","measure":"sum","property":"n"},{"event":"B","measure":"sum","property":"n"},{"formula":"B / A"}]}`},
		{[]string{"--event", "*", "--measure", "uniques", "--rolling-days", "7", "--did", "Purchase", "--at-least", "2", "--where", "plan in pro,team"},
			`{"from":"2026-10-25","to":"2026-11-23","where":[{"property":"plan","op":"in","value":["pro","team"]}],
			"cohort":{"did":{"event":"Purchase","at_least":2,"within_days":30}},"series":[{"event":"*","measure":"uniques","rolling_days":7}]}`},
		{[]string{"--event", "A", "--measure", "per_user", "--per-user", "p90", "--from", "2026-11-01"},
			`{"from":"2026-11-01","to":"2026-11-23","series":[{"event":"A","measure":"per_user","per_user":"p90"}]}`},
		{[]string{"--spec", file}, `{"from":"2026-01-01","to":"2026-01-31","series":[{"event":"A","name":"x"}],"bots":true}`},
		{[]string{"--spec", file, "--to", "2026-01-10", "--interval", "total"}, `{"from":"2026-01-01","to":"2026-01-10","interval":"total","series":[{"event":"A","name":"x"}],"bots":true}`},
	} {
		var got any
		f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if err := json.Unmarshal(body, &got); err != nil {
				t.Error(err)
			}
			_, _ = w.Write([]byte(`{"series":[]}`))
		})
		if _, errs, code := f.run(newReport, append([]string{"insights"}, c.args...)...); code != 0 {
			t.Errorf("%v: code %d, %s", c.args, code, errs)
		}
		var want any
		if err := json.Unmarshal([]byte(c.want), &want); err != nil {
			t.Fatal(err)
		}
		a, _ := json.Marshal(got)
		b, _ := json.Marshal(want)
		if string(a) != string(b) {
			t.Errorf("%v asked\n%s, want\n%s", c.args, a, b)
		}
	}
}

func TestInsightsUsage(t *testing.T) {
	f := newFake(t, answers(t, "POST", "/api/reports/insights", "READ", 400, `{"error":{"code":"invalid","message":"it is one of total","field":"series[0].measure"}}`))
	for _, c := range []struct {
		args  []string
		words string
	}{
		{nil, "--event"},
		{[]string{"Page View"}, "no argument"},
		{[]string{"--event", "A", "--json", "--csv"}, "only one"},
		{[]string{"--event", "A", "--limit", "3"}, "--by"},
		{[]string{"--event", "A", "--days", "0"}, "--days"},
		{[]string{"--event", "A", "--to", "today"}, "last day"},
		{[]string{"--event", "A", "--where", "plan"}, "PROPERTY OP VALUE"},
		{[]string{"--spec", "none.json"}, "cannot be read"},
		{[]string{"--event", "A", "--measure", "mean"}, "series[0].measure: it is one of total"},
	} {
		_, errs, code := f.run(newReport, append([]string{"insights"}, c.args...)...)
		if code != exitUsage || !strings.Contains(errs, c.words) {
			t.Errorf("%v: code %d, %s", c.args, code, errs)
		}
	}
	if _, errs, code := f.run(newReport, "pies"); code != exitUsage || !strings.Contains(errs, "no such report") {
		t.Errorf("code %d, %s", code, errs)
	}
}

func TestSparkline(t *testing.T) {
	long := make([]float64, 600)
	long[599] = 1
	for _, c := range []struct {
		values []float64
		want   string
	}{
		{nil, ""}, {[]float64{0, 0}, ""}, {[]float64{0, 7, 3.5, 0}, " █▄"}, {long, strings.Repeat(" ", 59) + "█"},
	} {
		if got := sparkline(c.values); got != c.want {
			t.Errorf("%v is %q, want %q", c.values, got, c.want)
		}
	}
}
