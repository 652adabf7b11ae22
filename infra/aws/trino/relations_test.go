package trino_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"loch/infra/aws/athena"
	"loch/infra/aws/athena/athenatest"
	"loch/infra/aws/glue"
	"loch/infra/aws/trino"
	"loch/shared/event"
	"loch/shared/fault"
	"loch/shared/report"
	"loch/shared/report/laketest"
)

// athena answers from a lake through Athena's protocol: the adapter asks the
// stand-in, which asks Trino.
func (l *lake) athena(t testing.TB) *athena.Engine {
	t.Helper()
	server := athenatest.Start(t, func(ctx context.Context, database, statement string) (athenatest.Answer, error) {
		r, err := l.engine.Query(ctx, database, statement)
		if said, ok := errors.AsType[*trino.Error](err); ok {
			category := 1
			if said.Type == "USER_ERROR" {
				category = 2
			}
			return athenatest.Answer{}, &athenatest.Failure{Reason: said.Error(), Category: category}
		}
		answer := athenatest.Answer{Rows: r.Rows}
		for _, c := range r.Columns {
			answer.Columns = append(answer.Columns, athenatest.Column{Name: c.Name, Type: c.Type})
		}
		return answer, err
	})
	client := athena.NewClient(athena.Access{
		Region: "us-east-1", Endpoint: server.URL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	return athena.New(client, athena.Options{Database: l.name, Workgroup: server.Workgroup, Random: rand.Reader, FirstPoll: 5 * time.Millisecond, SlowestPoll: 50 * time.Millisecond})
}

// answers: what people ask, typed as on one machine; other projects' rows are not
// there, in any relation.
func answers(t *testing.T, e *engine) {
	l := e.newLake(t, glue.JSON)
	first, second := laketest.Row("Sign Up", laketest.Day0), laketest.Row("Purchase", laketest.Day0+1500)
	second.UserID, second.Revenue, second.Currency = "u1", 12.5, "EUR"
	second.Properties, second.Context = `{"plan":"it's","seats":3,"a.b":[1,2]}`, `{"page":{"loch_merged":"no"}}`
	theirs := laketest.Row("Secret", laketest.Day0)
	theirs.Project = "q"
	l.land([]event.Row{first, second, theirs})
	l.put("rejected/dt=2026-11-01/1", []byte(
		`{"project":"p","received_time":"2026-11-01T00:00:00.250Z","protocol":"mixpanel","request_id":"r1","batch_index":2,"reason":"bad_time","field":"properties.time","payload_bytes":10,"sealed_base64":"AA=="}`+"\n"+
			`{"project":"q","received_time":"2026-11-01T00:00:00.250Z","protocol":"mixpanel","request_id":"r2","batch_index":0,"reason":"bad_id","payload_bytes":1}`+"\n"+
			`{"project":"p","received_time":"2026-11-01T00:00:01.000Z","request_id":"r3","parcel_received":5}`+"\n"))
	l.put("profiles/1", []byte(
		`{"project":"p","person_id":"u1","traits":"{\"plan\":\"team\"}","country":"GB","first_seen":"2026-11-01T00:00:00.000Z","snapshot_time":"2026-11-02T00:00:00.000Z","gone":false}`+"\n"+
			`{"project":"p","person_id":"u1","traits":"{\"plan\":\"solo\"}","snapshot_time":"2026-11-01T00:00:00.000Z","gone":false}`+"\n"+
			`{"project":"p","person_id":"u2","traits":"{}","snapshot_time":"2026-11-01T00:00:00.000Z","gone":false}`+"\n"+
			`{"project":"p","person_id":"u2","traits":"{}","snapshot_time":"2026-11-01T00:00:00.001Z","gone":true}`+"\n"+
			`{"project":"q","person_id":"u3","traits":"{}","snapshot_time":"2026-11-01T00:00:00.000Z","gone":false}`+"\n"))
	engine := l.athena(t)
	for statement, want := range map[string]string{
		"SELECT event, person_id, time, date, revenue, is_bot, device_id FROM events ORDER BY time":                                         "[[Sign Up u1 2026-11-01 00:00:00 2026-11-01 <nil> false d1] [Purchase u1 2026-11-01 00:00:01.5 2026-11-01 12.5 false d1]]",
		"SELECT count(*), sum(revenue) FROM events_raw":                                                                                     "[[2 12.5]]",
		`SELECT json_extract_scalar(properties, '$.plan'), json_extract_scalar(properties, '$["a.b"][1]') FROM events WHERE user_id = 'u1'`: "[[it's 2]]",
		"SELECT * FROM rejected": "[[p 2026-11-01 00:00:00.25 mixpanel bad_time properties.time r1 2 10]]",
		"SELECT person_id, traits, country, first_seen, snapshot_time FROM profiles":                                                   `[[u1 {"plan":"team"} GB 2026-11-01 00:00:00 2026-11-02 00:00:00]]`,
		"WITH a AS (SELECT event FROM events), b AS (SELECT count(*) AS n FROM a) SELECT n, (SELECT count(*) FROM rejected) FROM b":    "[[2 1]]",
		"SELECT e.event, p.traits FROM events e JOIN profiles p USING (person_id) WHERE e.date = DATE '2026-11-01' ORDER BY 1 LIMIT 1": `[[Purchase {"plan":"team"}]]`,
		"SELECT 'a' AS x, CAST(1 AS decimal(5,2)), ARRAY['p','q'], NULL, X'00ff', 0e0/0e0":                                             "[[a 1.00 [p, q] <nil> 00ff nan]]",
		"VALUES 1, 2": "[[1] [2]]",
	} {
		got, err := engine.Query(t.Context(), "p", statement, report.Limits{Time: 5 * time.Minute})
		if err != nil || fmt.Sprint(got.Rows) != want {
			t.Errorf("%s\ngot  %v %v\nwant %s", statement, got.Rows, err, want)
		}
	}
	for _, relation := range glue.Relations {
		described, err := engine.Query(t.Context(), "p", "DESCRIBE "+relation, report.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := engine.Query(t.Context(), "p", "SELECT * FROM "+relation, report.Limits{Time: 5 * time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		var columns [][]any
		for _, c := range got.Columns {
			columns = append(columns, []any{c.Name, c.Type})
		}
		if !reflect.DeepEqual(columns, described.Rows) {
			t.Errorf("%s has the columns\n%v\nand is described as\n%v", relation, columns, described.Rows)
		}
	}
	plan, err := engine.Query(t.Context(), "p", "EXPLAIN SELECT count(*) FROM rejected", report.Limits{Time: 5 * time.Minute})
	if err != nil || len(plan.Rows) == 0 {
		t.Errorf("EXPLAIN: %v %v", plan.Rows, err)
	}
	for statement, want := range map[string]string{
		"SELECT 1,\n  plan FROM events":                  "line 2, column 3: Column 'plan' cannot be resolved",
		" WITH a AS (SELECT 1)\nSELECT x FROM a, events": "line 2, column 8: Column 'x' cannot be resolved",
		"SELECT count(* FROM events)":                    "line 1, column 16",
		"SELECT nosuch(1) FROM rejected":                 "line 1, column 8: Function 'nosuch' not registered",
		"SELECT CAST(event AS bigint) FROM events_raw":   "Cannot cast '…' to BIGINT",
		"SELECT event + 1 FROM events_raw":               "line 1, column 14: Cannot apply operator: varchar + integer",
		"SELECT 1/0 FROM rejected":                       "Division by zero",
	} {
		_, err := engine.Query(t.Context(), "p", statement, report.Limits{Time: 5 * time.Minute})
		if fault.CodeOf(err) != fault.Invalid || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s: %v, want %s", statement, err, want)
		}
	}
	views(t, l)
	saved(t, l)
}

// views: whoever looks from the console says which project it is about.
func views(t *testing.T, l *lake) {
	for _, relation := range glue.Relations {
		l.run("CREATE OR REPLACE VIEW " + relation + " AS " + glue.View(relation))
	}
	for statement, want := range map[string]string{
		"SELECT event, person_id FROM events WHERE project = 'p' ORDER BY time": "[[Sign Up u1] [Purchase u1]]",
		"SELECT event FROM events_raw WHERE project = 'q'":                      "[[Secret]]",
		"SELECT reason, count(*) FROM rejected GROUP BY 1 ORDER BY 1":           "[[bad_id 1] [bad_time 1]]",
		"SELECT count(*) FROM profiles":                                         "[[2]]",
	} {
		if got := l.run(statement); fmt.Sprint(got.Rows) != want {
			t.Errorf("%s\ngot  %v\nwant %s", statement, got.Rows, want)
		}
	}
}
