package command

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const listAnswer = `{"profiles":[
{"person_id":"9f2b6c0e84ba4a5e9f6c0c7a9b0f2d11","first_seen":"2026-10-25T09:14:03.120Z","last_seen":"2026-11-23T20:19:34.500Z","updated":null,
 "properties":{"$os":"Mac OS X","plan":"team","seats":11,"language":"en","company":["onyx-finance-19"],"initial_utm_source":null},
 "geo":{"country":"AU","region":null,"city":"Sydney","timezone":null},"device":{"browser":"Chrome","os":"Mac OS X","device_type":null,"device_brand":null,"device_model":null}},
{"person_id":"00000000000000000000000000000001","first_seen":null,"last_seen":null,"updated":null,"properties":{"plan":"team","language":"de\u001b[2J"},"geo":{"country":null,"city":null},"device":{"browser":null,"os":null}}],
"count":1234,"next":"eyJvIjoibGFzdF9zZWVuIn0"}`

func TestProfilesTable(t *testing.T) {
	const path = `/api/profiles?cohort=%7B%22did%22%3A%7B%22at_least%22%3A3%2C%22event%22%3A%22Purchase%22%2C%22within_days%22%3A7%7D%7D&limit=2&order=last_seen&personal=false` +
		`&where=%5B%7B%22property%22%3A%22plan%22%2C%22op%22%3A%22in%22%2C%22value%22%3A%5B%22pro%22%2C%22team%22%5D%7D%5D`
	for name, look := range map[string]screen{"profiles.txt": {}, "profiles-80.txt": {width: 80, live: true}, "profiles-colour.txt": {width: 140, live: true, colour: true}} {
		f := newFake(t, answers(t, "GET", path, "READ", 200, listAnswer))
		f.look = look
		out, errs, code := f.run(newProfiles, "--where", "plan in pro,team", "--did", "Purchase", "--at-least", "3", "--within-days", "7", "--limit", "2")
		if code != 0 || errs != "" {
			t.Errorf("%s: code %d, %q", name, code, errs)
		}
		golden(t, name, out)
	}
	f := newFake(t, answers(t, "GET", "/api/profiles?limit=20&order=last_seen&personal=false", "READ", 200, `{"profiles":[],"count":0,"next":null}`))
	if out, _, code := f.run(newProfiles); code != 0 || out != "no people pass (0 ms)\n" {
		t.Errorf("%d %q", code, out)
	}
}

// A list that is longer than a page is fetched page by page, and its progress told.
func TestProfilesInPages(t *testing.T) {
	asked := 0
	f := newFake(t, nil)
	f.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit, cursor := r.URL.Query().Get("limit"), r.URL.Query().Get("cursor")
		if want := [...][2]string{{"1000", ""}, {"1000", "c1"}, {"500", "c2"}}[asked]; limit != want[0] || cursor != want[1] {
			t.Errorf("page %d: limit %s, cursor %q", asked, limit, cursor)
		}
		asked++
		_ = f.tools().sleep(r.Context(), 3_000_000_000)
		n := map[string]int{"1000": 1000, "500": 500}[limit]
		fmt.Fprintf(w, `{"profiles":[%s],"count":9000,"next":"c%d"}`, strings.TrimSuffix(strings.Repeat(`{"person_id":"x"},`, n), ","), asked)
	})
	out, errs, code := f.run(newProfiles, "--limit", "2500", "--json")
	if code != 0 || strings.Count(out, "\n") != 2500 || !strings.HasPrefix(out, "{\"person_id\":\"x\"}\n") {
		t.Errorf("code %d, %d lines", code, strings.Count(out, "\n"))
	}
	if !strings.Contains(errs, " 80 %  2,000 of 2,500 people") {
		t.Errorf("%q", errs)
	}
}

func TestProfilesInClear(t *testing.T) {
	why := ""
	next := answers(t, "GET", "/api/profiles?group_key=company&limit=20&order=name", "PII", 200,
		`{"profiles":[{"person_id":"aa","properties":{"seats":3,"$name":"Onyx","x":1}}],"count":1,"next":null}`)
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) { why = r.Header.Get("X-Reason"); next(w, r) })
	out, _, code := f.run(newProfiles, "--pii", "--order", "name", "--group", "company", "--why", "ticket 4711")
	if code != 0 || why != "ticket 4711" {
		t.Errorf("code %d, why %q", code, why)
	}
	golden(t, "profiles-groups.txt", out)
}

func TestProfilesWrongly(t *testing.T) {
	f := newFake(t, answers(t, "GET", "/api/profiles?limit=20&order=plan&personal=false", "READ", 400, `{"error":{"code":"invalid","message":"no such order","field":"order"}}`))
	if _, errs, code := f.run(newProfiles, "--order", "plan"); code != exitUsage || errs != "loch: order: no such order\n" {
		t.Errorf("code %d, %q", code, errs)
	}
	for _, args := range [][]string{{"x"}, {"--limit", "0"}, {"--where", "plan"}, {"--where", ""}, {"--where", "{"}, {"--where", "[1"}} {
		if _, _, code := f.run(newProfiles, args...); code != exitUsage {
			t.Errorf("%q: code %d", args, code)
		}
	}
}

func TestWhereOf(t *testing.T) {
	for _, c := range []struct{ flag, want string }{
		{"plan eq pro", `[{"property":"plan","op":"eq","value":"pro"}]`},
		{"plan eq the pro plan", `[{"property":"plan","op":"eq","value":"the pro plan"}]`},
		{` plan  eq  "12" `, `[{"property":"plan","op":"eq","value":"12"}]`},
		{"seats gte 12.50", `[{"property":"seats","op":"gte","value":12.50}]`},
		{"paid eq true", `[{"property":"paid","op":"eq","value":true}]`},
		{"paid is_true", `[{"property":"paid","op":"is_true"}]`},
		{"plan in pro, team,3", `[{"property":"plan","op":"in","value":["pro","team",3]}]`},
		{`plan not_in ["a,b"]`, `[{"property":"plan","op":"not_in","value":["a,b"]}]`},
		{"seats between 1,5", `[{"property":"seats","op":"between","value":[1,5]}]`},
		{"last_seen gte 2026-11-01", `[{"property":"last_seen","op":"gte","value":"2026-11-01"}]`},
		{"zone starts_with 01", `[{"property":"zone","op":"starts_with","value":"01"}]`},
		{"zone contains 12", `[{"property":"zone","op":"contains","value":"12"}]`},
		{`zone matches ^<\d+`, `[{"property":"zone","op":"matches","value":"^<\\d+"}]`},
		{`{"any":[]}`, `[{"any":[]}]`},
		{`[{"any":[]},{"x":1}]`, `[{"any":[]},{"x":1}]`},
	} {
		if got, err := whereOf([]string{c.flag}); err != nil || got != c.want {
			t.Errorf("%s: %s %v, want %s", c.flag, got, err, c.want)
		}
	}
	if got, err := whereOf([]string{"a is_set", "b is_set"}); err != nil || got != `[{"property":"a","op":"is_set"},{"property":"b","op":"is_set"}]` {
		t.Errorf("%s %v", got, err)
	}
}
