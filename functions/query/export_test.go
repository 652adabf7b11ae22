package query_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"loch/functions/query"
	"loch/shared/fault"
	"loch/shared/report"
)

// lake is an engine that understands the two statements of an export, over rows
// in memory: enough to hold that pages join without a gap or a repetition.
type lake struct {
	mu         sync.Mutex
	rows       [][]any // sorted by day, time, request, index
	statements []string
	most       int // rows that it gives at once; 0 for what is asked
	failAt     int // the statement that fails, from 1
}

var (
	dayOf   = regexp.MustCompile(`BETWEEN DATE '([0-9-]+)' AND DATE '([0-9-]+)'`)
	afterOf = regexp.MustCompile(`epoch_ms\(time\) > (\d+) .*\(request_id > '([^']*)' .* batch_index > (\d+)`)
	limitOf = regexp.MustCompile(`LIMIT (\d+)$`)
)

func (l *lake) Query(_ context.Context, project, statement string, limits report.Limits) (report.Result, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.statements = append(l.statements, statement)
	if len(l.statements) == l.failAt {
		return report.Result{}, fault.New(fault.Unavailable, "gone")
	}
	if project != "shop" {
		return report.Result{}, fault.New(fault.Internal, "another project")
	}
	days := dayOf.FindStringSubmatch(statement)
	var out report.Result
	if strings.HasPrefix(statement, "SELECT DISTINCT") {
		for _, row := range l.rows {
			if day := row[12].(string); day >= days[1] && day <= days[2] && !slices.ContainsFunc(out.Rows, func(r []any) bool { return r[0] == day }) {
				out.Rows = append(out.Rows, []any{day})
			}
		}
		return out, nil
	}
	most, _ := strconv.Atoi(limitOf.FindStringSubmatch(statement)[1])
	if most != limits.Rows {
		return report.Result{}, fault.New(fault.Internal, "two limits")
	}
	after := afterOf.FindStringSubmatch(statement)
	for _, row := range l.rows {
		if row[12] != days[1] || after != nil && !later(row, after) {
			continue
		}
		if len(out.Rows) == most {
			break
		}
		if l.most > 0 && len(out.Rows) == l.most {
			out.Truncated = true
			break
		}
		out.Rows = append(out.Rows, row[:12])
	}
	return out, nil
}

func later(row []any, after []string) bool {
	at, _ := strconv.Atoi(row[9].(string))
	than, _ := strconv.Atoi(after[1])
	index, _ := strconv.Atoi(row[11].(string))
	thanIndex, _ := strconv.Atoi(after[3])
	request := strings.Compare(row[10].(string), after[2])
	return at > than || at == than && (request > 0 || request == 0 && index > thanIndex)
}

func (l *lake) add(day string, ms int64, request string, index int, properties string) {
	l.rows = append(l.rows, []any{"A", strconv.FormatInt(ms/1000, 10), "1767351600123", "ins", "u1", "SE", nil, nil, properties,
		strconv.FormatInt(ms, 10), request, strconv.Itoa(index), day})
}

func fullLake(n int) *lake {
	l := &lake{}
	for d := range 3 {
		for i := range n {
			// Several events share a time, and several a request.
			l.add(fmt.Sprintf("2026-01-%02d", 2+2*d), int64(1767312000000+86_400_000*2*d+i/50), fmt.Sprintf("r%03d", i/10%5), i, fmt.Sprintf(`{"i":%d}`, d*n+i))
		}
	}
	return l
}

func export(t *testing.T, e report.Engine, params string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/api/2.0/export?"+params, nil)
	r.SetBasicAuth("read", "")
	w := httptest.NewRecorder()
	query.New(query.Deps{Registry: registry{}, Engine: e, Now: clock()}).ServeHTTP(w, r)
	return w
}

func exported(t *testing.T, body io.Reader) []int {
	t.Helper()
	var out []int
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		var line struct {
			Event      string
			Properties struct{ I int }
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.Event != "A" {
			t.Fatalf("%v: %s", err, lines.Text())
		}
		out = append(out, line.Properties.I)
	}
	return out
}

func TestExportJoinsPages(t *testing.T) {
	const n = 2000
	for _, most := range []int{0, 100} {
		l := fullLake(n)
		l.most = most
		w := export(t, l, "from_date=2026-01-01&to_date=2026-01-31")
		if w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		got := exported(t, w.Body)
		if len(got) != 3*n {
			t.Fatalf("%d lines, want %d", len(got), 3*n)
		}
		for want, i := range got {
			if i != want {
				t.Fatalf("line %d holds event %d", want, i)
			}
		}
		if len(l.statements) < 6 {
			t.Fatalf("only %d statements: pages were not tried", len(l.statements))
		}
	}
}

func TestExportLimit(t *testing.T) {
	for _, limit := range []int{1, 256, 257, 2500, 100_000} {
		w := export(t, fullLake(1000), "from_date=2026-01-01&to_date=2026-01-31&limit="+strconv.Itoa(limit))
		if got := len(exported(t, w.Body)); got != min(limit, 3000) {
			t.Errorf("limit %d gave %d", limit, got)
		}
	}
	w := export(t, fullLake(10), "from_date=2026-01-05&to_date=2026-01-07")
	if got := exported(t, w.Body); len(got) != 10 || got[0] != 20 {
		t.Errorf("one day gave %v", got)
	}
	w = export(t, fullLake(10), "from_date=2025-01-01&to_date=2025-12-31")
	if w.Code != 200 || w.Body.Len() != 0 {
		t.Errorf("no events gave %d %q", w.Code, w.Body)
	}
}

// TestExportAsGoSDKAsks is the recorded request of Mixpanel's Go library.
func TestExportAsGoSDKAsks(t *testing.T) {
	l := &lake{}
	l.add("2026-01-02", 1767348000500, "r1", 0, `{"$os":"Linux","distinct_id":"u9","time":1767348000.5}`)
	r := httptest.NewRequest(http.MethodGet, "/api/2.0/export?event=%5B%22A%22%5D&from_date=2026-01-02&limit=10&project_id=12345&to_date=2026-01-02&where=properties%5B%22%24os%22%5D%3D%3D%22Linux%22", nil)
	r.Header.Set("Authorization", "Basic c3ZjLnVzZXI6c3Zjc2VjcmV0")
	r.Header.Set("Accept", "text/plain")
	r.Header.Set("Accept-Encoding", "gzip")
	w := httptest.NewRecorder()
	query.New(query.Deps{Registry: registry{}, Engine: l, Now: clock()}).ServeHTTP(w, r)
	if w.Code != 200 || w.Header().Get("Content-Encoding") != "gzip" || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"event":"A","properties":{"$os":"Linux","distinct_id":"u9","time":1767348000,"$insert_id":"ins","mp_processing_time_ms":1767351600123,"mp_country_code":"SE"}}` + "\n"
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	page := l.statements[1]
	for _, part := range []string{"event IN ('A')", "DATE '2026-01-02'", "'/$os'", "= 'Linux'", "LIMIT 10"} {
		if !strings.Contains(page, part) {
			t.Errorf("the statement lacks %s: %s", part, page)
		}
	}
}

func TestExportAuthorization(t *testing.T) {
	for _, c := range []struct {
		user, password string
		status         int
	}{
		{"read", "", 200}, {"read", "anything", 200}, {"svc.user", "svcsecret", 200}, {"svc.user", "wrong", 401},
		{"svc.user", "", 401}, {"svc.down", "x", 503}, {"erase", "", 403}, {"", "", 401},
	} {
		r := httptest.NewRequest(http.MethodGet, "/api/2.0/export/?from_date=2026-01-02&to_date=2026-01-02", nil)
		r.SetBasicAuth(c.user, c.password)
		w := httptest.NewRecorder()
		query.New(query.Deps{Registry: registry{}, Engine: &lake{}, Now: clock()}).ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%s:%s gave %d %s, want %d", c.user, c.password, w.Code, w.Body, c.status)
		}
	}
}

func TestExportRefuses(t *testing.T) {
	const days = "from_date=2026-01-02&to_date=2026-01-03"
	for _, c := range []struct{ params, field string }{
		{"", "from_date"},
		{"from_date=2026-01-02", "to_date"},
		{"from_date=20260102&to_date=2026-01-03", "from_date"},
		{"from_date=2026-02-30&to_date=2026-03-03", "from_date"},
		{"from_date=2026-01-02'&to_date=2026-01-03", "from_date"},
		{"from_date=2026-01-03&to_date=2026-01-02", "to_date"},
		{"from_date=1990-01-03&to_date=2026-01-02", "to_date"},
		{days + "&limit=0", "limit"},
		{days + "&limit=100001", "limit"},
		{days + "&limit=ten", "limit"},
		{days + "&event=A", "event"},
		{days + `&event={"A":1}`, "event"},
		{days + "&event=[1]", "event"},
		{days + "&event=[null]", "event"},
		{days + `&event=["\u0000"]`, "event"},
		{days + "&time_in_ms=maybe", "time_in_ms"},
		{days + "&where=" + url.QueryEscape(`user["$email"]=="x"`), "where"},
		{days + "&where=%zz", ""},
	} {
		r := httptest.NewRequest(http.MethodGet, "/api/2.0/export", nil)
		r.URL.RawQuery = c.params
		r.SetBasicAuth("read", "")
		w := httptest.NewRecorder()
		l := &lake{}
		query.New(query.Deps{Registry: registry{}, Engine: l, Now: clock()}).ServeHTTP(w, r)
		var body struct{ Error struct{ Field string } }
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != 400 || body.Error.Field != c.field || len(l.statements) > 0 {
			t.Errorf("%s: %d %s, want 400 at %q", c.params, w.Code, w.Body, c.field)
		}
	}
}

// TestExportFailure: before the first page there is a status, after it the
// connection is cut, so that a part never looks like the whole.
func TestExportFailure(t *testing.T) {
	for failAt, want := range map[int]int{1: 503, 2: 503} {
		l := fullLake(1000)
		l.failAt = failAt
		if w := export(t, l, "from_date=2026-01-01&to_date=2026-01-31"); w.Code != want {
			t.Errorf("statement %d failed: %d", failAt, w.Code)
		}
	}
	l := fullLake(1000)
	l.failAt = 4
	srv := httptest.NewServer(query.New(query.Deps{Registry: registry{}, Engine: l, Now: clock()}))
	defer srv.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/api/2.0/export?from_date=2026-01-01&to_date=2026-01-31", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("read", "")
	resp, err := http.DefaultClient.Do(r)
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
	}
	if err == nil {
		t.Fatal("half an export looks whole")
	}
}

func TestExportLine(t *testing.T) {
	for _, c := range []struct{ name, properties, want string }{
		{"nothing was sent", `{}`,
			`{"time":1767348000,"distinct_id":"u1","$insert_id":"ins","mp_processing_time_ms":1767351600123,"mp_country_code":"SE"}`},
		{"digits, order and doubles stay", `{"z":1.50,"a":12345678901234567890123,"z":2}`,
			`{"z":1.50,"a":12345678901234567890123,"z":2,"time":1767348000,"distinct_id":"u1","$insert_id":"ins","mp_processing_time_ms":1767351600123,"mp_country_code":"SE"}`},
		{"white space goes, also lines' ends", "{ \"a\" : [ 1,\n 2 ] ,\r\n\"b\":\"x y\" }",
			`{"a":[1,2],"b":"x y","time":1767348000,"distinct_id":"u1","$insert_id":"ins","mp_processing_time_ms":1767351600123,"mp_country_code":"SE"}`},
		{"what was sent wins, but for time and the token", `{"token":"T","time":5,"distinct_id":"","$insert_id":"mine","mp_country_code":null,"\u0074ime":6}`,
			`{"time":1767348000,"distinct_id":"","$insert_id":"mine","mp_country_code":null,"mp_processing_time_ms":1767351600123}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &lake{}
			l.add("2026-01-02", 1767348000500, "r1", 0, c.properties)
			w := export(t, l, "from_date=2026-01-02&to_date=2026-01-02")
			if want := `{"event":"A","properties":` + c.want + "}\n"; w.Body.String() != want {
				t.Fatalf("got  %s\nwant %s", w.Body, want)
			}
		})
	}
}

// Where small groups are hidden, single rows are for nobody but scope pii: not even
// for the account that Mixpanel's tools hold.
func TestExportHidesSmallGroups(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/api/2.0/export?from_date=2026-01-02&to_date=2026-01-02", nil)
	r.SetBasicAuth("svc.small", "x")
	w := httptest.NewRecorder()
	handler(func(context.Context, string, string, report.Limits) (report.Result, error) {
		t.Error("a statement was run")
		return report.Result{}, nil
	}).ServeHTTP(w, r)
	if w.Code != http.StatusForbidden {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
