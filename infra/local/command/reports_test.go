package command

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

const funnelPlain = `{"segments":[{"segment":null,"steps":[
{"name":"Sign Up","count":1204,"from_start":1,"from_previous":1,"median_seconds":null,"avg_seconds":null},
{"name":"Add Card","count":640,"from_start":0.5315614617940199,"from_previous":0.5315614617940199,"median_seconds":125.5,"avg_seconds":300},
{"name":"Purchase","count":1,"from_start":0.0008305647840531562,"from_previous":0.0015625,"median_seconds":259200,"avg_seconds":259200}]}],
"time_to_convert":[{"le_seconds":604800,"count":1}]}`

const funnelSegments = `{"segments":[{"segment":"DE","steps":[{"name":"Sign Up","count":30,"from_start":1,"from_previous":1,"median_seconds":null,"avg_seconds":null},{"name":"Purchase","count":15,"from_start":0.5,"from_previous":0.5,"median_seconds":1,"avg_seconds":1}]},
{"segment":"(other)","steps":[{"name":"Sign Up","count":0,"from_start":null,"from_previous":null,"median_seconds":null,"avg_seconds":null},{"name":"Purchase","count":0,"from_start":null,"from_previous":null,"median_seconds":null,"avg_seconds":null}]}],"time_to_convert":[],"hidden":1}`

const retentionCohort = `{"cohorts":[{"start":"2026-11-21","size":40,"retained":[{"n":30,"ratio":0.75,"complete":true},{"n":10,"ratio":0.25,"complete":true},{"n":4,"ratio":0.1,"complete":false}]},
{"start":"2026-11-22","size":0,"retained":[{"n":0,"ratio":null,"complete":true},{"n":0,"ratio":null,"complete":false},{"n":0,"ratio":null,"complete":false}]}],
"average":[{"ratio":0.75,"complete_cohorts":2},{"ratio":0.25,"complete_cohorts":1},{"ratio":null,"complete_cohorts":0}]}`

const retentionSegments = `{"cohorts":[{"start":"2026-11-21","size":3,"retained":[{"n":2,"ratio":0.6666666666666666,"complete":true}]}],"average":[{"ratio":0.6666666666666666,"complete_cohorts":1}],
"segments":[{"segment":"DE","cohorts":[{"start":"2026-11-21","size":3,"retained":[{"n":2,"ratio":0.6666666666666666,"complete":true}]}],"average":[{"ratio":0.6666666666666666,"complete_cohorts":1}]}],"hidden":2}`

const flowsPlain = `{"nodes":[{"step":0,"event":"Sign Up","count":100},{"step":1,"event":"Add\u001bCard","count":60},{"step":1,"event":"(end)","count":40},{"step":2,"event":"Purchase","count":50},{"step":2,"event":"(other)","count":10}],
"links":[{"from":"Sign Up","to":"Add\u001bCard","step":0,"count":60},{"from":"Sign Up","to":"(end)","step":0,"count":40},{"from":"Add\u001bCard","to":"(other)","step":1,"count":10},{"from":"Add\u001bCard","to":"Purchase","step":1,"count":50}]}`

const flowsSegments = `{"nodes":[{"step":0,"event":"A","count":1}],"links":[],"segments":[{"segment":"DE","nodes":[{"step":0,"event":"A","count":1},{"step":1,"event":"(end)","count":1}],"links":[{"from":"A","to":"(end)","step":0,"count":1}]}]}`

const sessionsPlain = `{"segments":[{"segment":null,"points":[{"t":"2026-11-22","sessions":1200,"median_seconds":70.5,"avg_seconds":143,"events_per_session":5.4,"bounce_rate":0.019},
{"t":"2026-11-23","sessions":0,"median_seconds":null,"avg_seconds":null,"events_per_session":null,"bounce_rate":null}],
"total":{"sessions":1200,"median_seconds":70.5,"avg_seconds":143,"events_per_session":5.4,"bounce_rate":0.019},
"entry_pages":[{"page":"/","sessions":900},{"page":"(other)","sessions":100}],"exit_pages":[{"page":"/pricing","sessions":1000}]}]}`

const sessionsSegments = `{"segments":[{"segment":"Direct","points":[{"t":"2026-11-22","sessions":1,"median_seconds":0,"avg_seconds":0,"events_per_session":1,"bounce_rate":1},{"t":"2026-11-23","sessions":2,"median_seconds":0,"avg_seconds":0,"events_per_session":1,"bounce_rate":1}],
"total":{"sessions":3,"median_seconds":0,"avg_seconds":0,"events_per_session":1,"bounce_rate":1},"entry_pages":[],"exit_pages":[]}],"hidden":1}`

// askedFor is what each report needs to be asked for.
var askedFor = map[string][]string{
	"funnel": {"--steps", "Sign Up", "Purchase"}, "retention": {"--first", "Sign Up"}, "flows": {"--anchor", "Sign Up"}, "sessions": nil,
}

func TestReportTables(t *testing.T) {
	for _, c := range []struct {
		name, kind, body string
		width            int
		more             []string
	}{
		{"funnel.txt", "funnel", funnelPlain, 120, nil},
		{"funnel-80.txt", "funnel", funnelPlain, 80, nil},
		{"funnel-segments.txt", "funnel", funnelSegments, 100, nil},
		{"funnel-nobody.txt", "funnel", `{"segments":[],"time_to_convert":[],"hidden":1}`, 100, nil},
		{"retention.txt", "retention", retentionCohort, 100, nil},
		{"retention-40.txt", "retention", retentionCohort, 40, []string{"--interval", "week"}},
		{"retention-segments.txt", "retention", retentionSegments, 100, nil},
		{"retention-nobody.txt", "retention", `{"cohorts":[],"average":[{"ratio":null,"complete_cohorts":0}]}`, 100, nil},
		{"flows.txt", "flows", flowsPlain, 120, nil},
		{"flows-80.txt", "flows", flowsPlain, 80, []string{"--backward", "--per", "person"}},
		{"flows-segments.txt", "flows", flowsSegments, 100, nil},
		{"flows-nobody.txt", "flows", `{"nodes":[],"links":[],"hidden":1}`, 100, nil},
		{"sessions.txt", "sessions", sessionsPlain, 100, nil},
		{"sessions-segments.txt", "sessions", sessionsSegments, 100, nil},
		{"sessions-nothing.txt", "sessions", `{"segments":[]}`, 100, nil},
	} {
		f := newFake(t, answers(t, "POST", "/api/reports/"+c.kind, "READ", 200, c.body))
		f.look = screen{width: c.width, live: true}
		args := append(append([]string{c.kind}, askedFor[c.kind]...), c.more...)
		out, errs, code := f.run(newReport, args...)
		if code != 0 || errs != "" {
			t.Errorf("%s: code %d, %q", c.name, code, errs)
		}
		golden(t, c.name, out)
	}
}

func TestReportsForPrograms(t *testing.T) {
	for _, c := range []struct{ kind, body, csv string }{
		{"funnel", funnelPlain, "segment,step,name,count,from_start,from_previous,median_seconds,avg_seconds\n,1,Sign Up,1204,1,1,,\n" +
			",2,Add Card,640,0.5315614617940199,0.5315614617940199,125.5,300\n,3,Purchase,1,0.0008305647840531562,0.0015625,259200,259200\n"},
		{"retention", retentionSegments, "segment,cohort,size,interval,retained,ratio,complete\n,2026-11-21,3,0,2,0.6666666666666666,true\nDE,2026-11-21,3,0,2,0.6666666666666666,true\n"},
		{"flows", flowsSegments, "segment,step,from,to,count\nDE,0,A,(end),1\n"},
		{"sessions", sessionsPlain, "segment,t,sessions,median_seconds,avg_seconds,events_per_session,bounce_rate\n,2026-11-22,1200,70.5,143,5.4,0.019\n,2026-11-23,0,,,,\n"},
	} {
		f := newFake(t, answers(t, "POST", "/api/reports/"+c.kind, "READ", 200, c.body))
		args := append([]string{c.kind}, askedFor[c.kind]...)
		if out, _, _ := f.run(newReport, append(args, "--json")...); out != c.body+"\n" {
			t.Errorf("%s --json gave %s", c.kind, out)
		}
		if out, _, _ := f.run(newReport, append(args, "--csv")...); out != c.csv {
			t.Errorf("%s --csv gave %s", c.kind, out)
		}
		f = newFake(t, answers(t, "POST", "/api/reports/"+c.kind+"?explain=sql", "READ", 200, `{"sql":"SELECT 1","columns":[]}`))
		if out, _, _ := f.run(newReport, append(args, "--sql")...); out != "SELECT 1\n" {
			t.Errorf("%s --sql gave %q", c.kind, out)
		}
	}
}

func TestReportsAsk(t *testing.T) {
	const days = `"from":"2026-10-25","to":"2026-11-23"`
	for _, c := range []struct{ args, want string }{
		{"funnel --steps|A|B|C --window|30m --count|sessions --order|strict --attempt|first --by|country",
			`"steps":[{"event":"A"},{"event":"B"},{"event":"C"}],"window":{"value":30,"unit":"minute"},"count":"sessions","order":"strict","attempt":"first","breakdown":[{"property":"country"}]`},
		{"funnel A --steps|B --steps|C --exclude|X --hold|plan", `"steps":[{"event":"B"},{"event":"C"},{"event":"A"}],"exclude":[{"event":"X"}],"hold":["plan"]`},
		{"retention --first|A", `"first":{"event":"A"},"then":{"event":"*"}`},
		{"retention --first|A --then|B --interval|week --intervals|3 --mode|on_or_after --clock|rolling --first-ever",
			`"first":{"event":"A"},"then":{"event":"B"},"interval":"week","intervals":3,"mode":"on_or_after","clock":"rolling","first_ever":true`},
		{"flows --anchor|A", `"anchor":{"event":"A"}`},
		{"flows --anchor|A --backward --steps|3 --top|2 --per|person --hide|X --hide|Y --collapse",
			`"anchor":{"event":"A"},"direction":"backward","steps":3,"top":2,"per":"person","hide":["X","Y"],"collapse":true`},
		{"sessions --interval|hour --top|3 --bots", `"interval":"hour","top":3,"bots":true`},
	} {
		var got any
		f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if err := json.Unmarshal(body, &got); err != nil {
				t.Error(err)
			}
			_, _ = w.Write([]byte(`{}`))
		})
		if _, errs, code := f.run(newReport, strings.FieldsFunc(c.args, func(r rune) bool { return r == ' ' || r == '|' })...); code != 0 {
			t.Errorf("%s: code %d, %s", c.args, code, errs)
		}
		var want any
		if err := json.Unmarshal([]byte("{"+days+","+c.want+"}"), &want); err != nil {
			t.Fatal(err)
		}
		a, _ := json.Marshal(got)
		b, _ := json.Marshal(want)
		if string(a) != string(b) {
			t.Errorf("%s asked\n%s, want\n%s", c.args, a, b)
		}
	}
}

func TestReportsUsage(t *testing.T) {
	f := newFake(t, func(http.ResponseWriter, *http.Request) { t.Error("the server was asked") })
	for _, c := range []struct{ args, words string }{
		{"funnel", "--steps"},
		{"funnel --steps A B --window 30", "--window"},
		{"funnel --steps A B --window d", "--window"},
		{"funnel --steps A B --json --sql", "only one"},
		{"retention", "--first"},
		{"retention A", "no argument"},
		{"flows", "--anchor"},
		{"flows A", "no argument"},
		{"sessions A", "no argument"},
	} {
		if _, errs, code := f.run(newReport, strings.Fields(c.args)...); code != exitUsage || !strings.Contains(errs, c.words) {
			t.Errorf("%s: code %d, %s", c.args, code, errs)
		}
	}
}

func TestReportFigures(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{percent(0), "0%"}, {percent(1), "100%"}, {percent(0.9999), ">99.9%"}, {percent(0.0001), "<0.1%"}, {percent(0.5316), "53.2%"},
		{bar(0, 10), ""}, {bar(0.001, 10), "▏"}, {bar(1, 10), "██████████"}, {bar(0.55, 10), "█████▌"}, {bar(7, 2), "██"},
		{seconds("0").text, "0 s"}, {seconds("125.5").text, "2 min 5 s"}, {seconds("259200").text, "3.0 days"}, {seconds("").text, "–"}, {ratio("").text, "–"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestReportExplain(t *testing.T) {
	const body = `{"from":"2026-10-31","to":"2026-11-30","files":31,"bytes":4000000,"columns":[{"name":"insert_id","bytes":3000000},{"name":"time","bytes":1000000}],"looks":2,"scanned_bytes":8000000,"billed_bytes":10485760,"usd":0.000047684}`
	f := newFake(t, answers(t, "POST", "/api/reports/sessions?explain=cost", "READ", 200, body))
	f.look = screen{width: 100, live: true}
	out, errs, code := f.run(newReport, "sessions", "--explain")
	if code != 0 || errs != "" {
		t.Errorf("code %d, %q", code, errs)
	}
	golden(t, "report-explain.txt", out)
	if out, _, _ := f.run(newReport, "sessions", "--explain", "--json"); out != body+"\n" {
		t.Errorf("--json gave %s", out)
	}
	if _, errs, code := f.run(newReport, "sessions", "--explain", "--csv"); code != exitUsage || !strings.Contains(errs, "--explain") {
		t.Errorf("code %d, %s", code, errs)
	}
	for usd, want := range map[float64]string{0.000047684: "USD 0.000048", 0.0477: "USD 0.0477", 5: "USD 5.00"} {
		if got := queryPrice(usd); got != want {
			t.Errorf("%v is %s, want %s", usd, got, want)
		}
	}
}
