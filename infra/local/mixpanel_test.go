package main

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"loch/shared/event"
)

// shopping is a small world: three people sign up, two of them buy.
//
//	Ann    signs up on 2 Nov 9:00 (pro), buys at 10:00 for 10 and on 3 Nov 8:30 for 20
//	Bob    signs up on 2 Nov 12:00 (free), buys on 5 Nov 13:00 for 5
//	Cleo   signs up on 3 Nov 8:00, with no plan
func shopping(project string) []event.Row {
	var rows []event.Row
	add := func(who, name, at, properties string) {
		t, err := time.Parse("2006-01-02 15:04", at)
		if err != nil {
			panic(err)
		}
		rows = append(rows, event.Row{
			Project: project, Name: name, Kind: event.KindEvent, Protocol: "mixpanel", InsertID: fmt.Sprint("i", len(rows)),
			InsertIDSource: event.InsertIDClient, UserID: strings.Repeat(who, 32), TimeMS: t.UnixMilli(), ReceivedTimeMS: t.UnixMilli() + 1000,
			TimeSource: event.TimeOfClient, Revenue: event.NoRevenue, Properties: properties, RequestID: "r", BatchIndex: int64(len(rows)),
			SchemaVersion: event.SchemaVersion, Date: t.Format(time.DateOnly), Country: map[string]string{"a": "DE", "b": "FR"}[who],
		})
	}
	add("a", "Sign Up", "2026-11-02 09:00", `{"plan":"pro","tags":["x","y"]}`)
	add("a", "Purchase", "2026-11-02 10:00", `{"plan":"pro","amount":10}`)
	add("a", "Purchase", "2026-11-03 08:30", `{"plan":"pro","amount":20}`)
	add("b", "Sign Up", "2026-11-02 12:00", `{"plan":"free"}`)
	add("b", "Purchase", "2026-11-05 13:00", `{"plan":"free","amount":5}`)
	add("c", "Sign Up", "2026-11-03 08:00", `{}`)
	return rows
}

// TestMixpanelQueries asks as Mixpanel's scripts do, on a real engine. The numbers
// were worked out by hand.
func TestMixpanelQueries(t *testing.T) {
	p, err := open(settings{dataDir: t.TempDir(), logger: slog.New(slog.DiscardHandler), serviceAccounts: []string{"svc.user:svcsecret"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}()
	rows := shopping(p.registry.IDs()[0])
	if err := p.log.Put(t.Context(), &event.Parcel{Rows: rows, Receipt: event.Receipt{RequestID: "r", ReceivedTimeMS: 1, Received: len(rows)}}); err != nil {
		t.Fatal(err)
	}
	var credentials struct{ Keys map[string]string }
	text, err := os.ReadFile(filepath.Join(p.settings.dataDir, "credentials.json"))
	if err == nil {
		err = json.Unmarshal(text, &credentials)
	}
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, path string, parameters url.Values, user, password string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path+"?"+parameters.Encode(), nil)
		if method == http.MethodPost {
			r = httptest.NewRequest(method, path, strings.NewReader(parameters.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		r.SetBasicAuth(user, password)
		w := httptest.NewRecorder()
		p.routes.ServeHTTP(w, r)
		return w
	}

	const nov = "from_date=2026-11-02&to_date=2026-11-05&project_id=7&"
	const twoDays = "from_date=2026-11-02&to_date=2026-11-03&"
	const steps = `events=[{"event":"Sign Up"},{"event":"Purchase"}]&`
	series := func(legend int, values string) string {
		return `{"data":{"series":["2026-11-02","2026-11-03","2026-11-04","2026-11-05"],"values":{` + values + `}},"legend_size":` + fmt.Sprint(legend) + `}`
	}
	days := func(name string, n ...any) string {
		return fmt.Sprintf(`"%s":{"2026-11-02":%v,"2026-11-03":%v,"2026-11-04":%v,"2026-11-05":%v}`, name, n[0], n[1], n[2], n[3])
	}
	funnel := func(date string, first, second int, time, ratio string) string {
		return fmt.Sprintf(`"%s":{"steps":[{"count":%d,"avg_time":null,"avg_time_from_start":null,"step_conv_ratio":1,"overall_conv_ratio":1,"goal":"Sign Up","event":"Sign Up"},`+
			`{"count":%d,"avg_time":%s,"avg_time_from_start":%s,"step_conv_ratio":%s,"overall_conv_ratio":%s,"goal":"Purchase","event":"Purchase"}],`+
			`"analysis":{"completion":%d,"starting_amount":%d,"steps":2,"worst":1}}`, date, first, second, time, time, ratio, ratio, second, first)
	}
	for _, c := range []struct{ path, parameters, want string }{
		{"/api/query/segmentation", nov + `event=Purchase`, series(1, days("Purchase", 1, 1, 0, 1))},
		{"/api/2.0/segmentation", nov + `event=Purchase&type=unique&unit=month`, `{"data":{"series":["2026-11-01"],"values":{"Purchase":{"2026-11-01":2}}},"legend_size":1}`},
		{"/api/query/segmentation", nov + `event=Purchase&type=average&unit=month`, `{"data":{"series":["2026-11-01"],"values":{"Purchase":{"2026-11-01":1.5}}},"legend_size":1}`},
		{"/api/query/segmentation", nov + `event=Sign Up&on=properties["plan"]`, series(3, days("free", 1, 0, 0, 0)+","+days("pro", 1, 0, 0, 0)+","+days("undefined", 0, 1, 0, 0))},
		{"/api/query/segmentation", nov + `event=Sign Up&on=properties["plan"]&limit=2`, series(2, days("free", 1, 0, 0, 0)+","+days("undefined", 0, 1, 0, 0))},
		{"/api/query/segmentation", nov + `event=Sign Up&on=properties["mp_country_code"]&where=defined(properties["$city"]) or "x" in properties["tags"]`, series(1, days("DE", 1, 0, 0, 0))},
		{"/api/query/segmentation", nov + `event=Purchase&where=properties["amount"] > 5 and not (properties["plan"] in ["free", "team"])`, series(1, days("Purchase", 1, 1, 0, 0))},
		{"/api/query/segmentation", nov + `event=Purchase&where=not (properties["plan"] == "pro" or properties["amount"] == 7)`, series(1, days("Purchase", 0, 0, 0, 1))},
		{"/api/query/segmentation", nov + `event=Purchase&where=properties["plan"] == "free" and 4 < properties["amount"] or properties["amount"] >= 20`, series(1, days("Purchase", 0, 1, 0, 1))},
		{"/api/query/segmentation", `from_date=2026-11-02&to_date=2026-11-02&event=Purchase&unit=hour`, `"2026-11-02 10:00:00":1,"2026-11-02 11:00:00":0`},
		{"/api/query/segmentation/sum", nov + `event=Purchase&on=properties["amount"]`, `"results":{"2026-11-02":10,"2026-11-03":20,"2026-11-04":0,"2026-11-05":5}}`},
		{"/api/2.0/segmentation/average", nov + `event=Purchase&on=properties["amount"]`, `"results":{"2026-11-02":10,"2026-11-03":20,"2026-11-04":0,"2026-11-05":5}}`},
		{"/api/query/funnels", twoDays + steps, `{"meta":{"dates":["2026-11-02","2026-11-03"]},"data":{` + funnel("2026-11-02", 2, 2, "133200", "1") + "," + funnel("2026-11-03", 1, 0, "null", "0") + `}}`},
		{"/api/2.0/funnels", twoDays + steps + `length=1&length_unit=day&interval=2`, `{"meta":{"dates":["2026-11-02"]},"data":{` + funnel("2026-11-02", 3, 1, "3600", "0.3333333333333333") + `}}`},
		{"/api/query/funnels", twoDays + `unit=week&events=[{"event":"Sign Up"},{"event":"Purchase","selector":"properties[\"amount\"] < 10"}]`, `{"meta":{"dates":["2026-11-02"]},"data":{` + funnel("2026-11-02", 3, 1, "262800", "0.3333333333333333") + `}}`},
		{"/api/query/retention", twoDays + `born_event=Sign Up&event=Purchase&interval_count=3`, `{"2026-11-02":{"counts":[1,0,0,1],"first":2},"2026-11-03":{"counts":[0,0,0,0],"first":1}}`},
		{"/api/query/retention", twoDays + `born_event=Sign Up&event=Purchase&interval_count=3&unbounded_retention=true`, `{"2026-11-02":{"counts":[2,1,1,1],"first":2},"2026-11-03":{"counts":[0,0,0,0],"first":1}}`},
		{"/api/2.0/retention", twoDays + `born_event=Sign Up&born_where=properties["plan"] == "pro"&where=properties["amount"] == 20`, `{"2026-11-02":{"counts":[1,0],"first":1},"2026-11-03":{"counts":[0,0],"first":0}}`},
		{"/api/query/retention", twoDays + `retention_type=compounded&event=Purchase`, `{"2026-11-02":{"counts":[1,0],"first":1},"2026-11-03":{"counts":[0,0],"first":1}}`},
	} {
		values := parametersOf(t, c.parameters)
		w := ask(http.MethodGet, c.path, values, "svc.user", "svcsecret")
		if w.Code != 200 || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s?%s: %d\n%swant\n%s", c.path, c.parameters, w.Code, w.Body, c.want)
		}
		if form := ask(http.MethodPost, c.path, values, credentials.Keys["read"], ""); !strings.Contains(c.path, "segmentation/") && form.Body.String() != w.Body.String() {
			t.Errorf("%s with a form and a key: %d %s", c.path, form.Code, form.Body)
		}
	}

	for _, c := range []struct {
		path, parameters string
		status           int
		words            string
	}{
		{"/api/query/segmentation", `event=A&to_date=2026-11-05`, 400, "from_date: "},
		{"/api/query/segmentation", `event=A&from_date=2026-11-06&to_date=2026-11-05`, 400, "to_date: "},
		{"/api/query/segmentation", nov, 400, "event: "},
		{"/api/query/segmentation", nov + `event=A&unit=minute`, 400, "unit: it must be one of day, hour, week, month"},
		{"/api/query/segmentation", nov + `event=A&interval=3`, 400, "interval: "},
		{"/api/query/segmentation", nov + `event=A&kind=unique`, 400, `\"kind\": this parameter is not supported`},
		{"/api/query/segmentation", nov + `event=A&event=B`, 400, `\"event\": the parameter is there twice`},
		{"/api/query/segmentation", nov + `event=A&format=csv`, 400, "format: "},
		{"/api/query/segmentation", nov + `event=A&on=properties["a"] %2B 1`, 400, "on: "},
		{"/api/query/segmentation", nov + `event=A&limit=5000`, 400, "limit: "},
		{"/api/query/segmentation", nov + `event=A&where=user["plan"] == "pro"`, 400, "where: "},
		{"/api/query/segmentation", nov + `event=A&where=not properties["a"] > 1`, 400, "where: "},
		{"/api/query/segmentation", nov + `event=A&where=properties["time"] > 1`, 400, "where: "},
		{"/api/query/segmentation", nov + `event=$custom_event:7`, 400, "event: there are no custom events"},
		{"/api/query/segmentation/numeric", nov + `event=A`, 404, "segmentation/sum"},
		{"/api/query/insights", `bookmark_id=1`, 404, "segmentation"},
		{"/api/query/funnels", twoDays + `funnel_id=7`, 400, "funnel_id: there are no saved funnels"},
		{"/api/query/funnels", twoDays + `events=["A","B"]`, 400, "events: "},
		{"/api/query/funnels", twoDays + `events=[{"event":"A"},{"event":"B","selector":"properties["}]`, 400, "events[1].selector: "},
		{"/api/query/funnels", twoDays + steps + `on=properties["plan"]`, 400, "on: "},
		{"/api/query/funnels", `from_date=2026-01-01&to_date=2026-11-03&` + steps, 400, "interval: "},
		{"/api/query/retention", twoDays, 400, "born_event: "},
		{"/api/query/retention", twoDays + `born_event=A&interval=3`, 400, "interval: "},
	} {
		w := ask(http.MethodGet, c.path, parametersOf(t, c.parameters), "svc.user", "svcsecret")
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.words) || !strings.Contains(w.Body.String(), `"status":"error"`) {
			t.Errorf("%s?%s: %d %s", c.path, c.parameters, w.Code, w.Body)
		}
	}
	// The raw export: a line for each event, compressed for who takes that.
	r := httptest.NewRequest(http.MethodGet, "/api/2.0/export?"+parametersOf(t, nov+`where=properties["plan"] == "pro"`).Encode(), nil)
	r.SetBasicAuth("svc.user", "svcsecret")
	r.Header.Set("Accept-Encoding", "gzip")
	w := httptest.NewRecorder()
	p.routes.ServeHTTP(w, r)
	unzipped, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatalf("%d %v %v", w.Code, w.Header(), err)
	}
	lines, err := io.ReadAll(unzipped)
	if err != nil || w.Code != 200 || strings.Count(string(lines), "\n") != 3 || strings.Count(string(lines), `{"event":"Purchase"`) != 2 {
		t.Errorf("the export: %d %v\n%s", w.Code, err, lines)
	}
	if w := ask(http.MethodGet, "/api/query/retention", nil, "svc.user", "wrong"); w.Code != 401 || !strings.Contains(w.Body.String(), `"status":"error"`) {
		t.Errorf("with a wrong secret: %d %s", w.Code, w.Body)
	}
}

// parametersOf reads parameters that are written without escapes.
func parametersOf(t *testing.T, text string) url.Values {
	t.Helper()
	values := url.Values{}
	for part := range strings.SplitSeq(strings.Trim(text, "&"), "&") {
		if name, value, ok := strings.Cut(part, "="); ok {
			values.Add(name, strings.ReplaceAll(value, "%2B", "+"))
		}
	}
	return values
}
