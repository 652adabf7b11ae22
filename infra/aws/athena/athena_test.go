package athena_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"loch/infra/aws/athena"
	"loch/infra/aws/athena/athenatest"
	"loch/shared/fault"
	"loch/shared/report"
)

func open(t *testing.T, run athenatest.Run) (*athenatest.Server, *athena.Engine) {
	t.Helper()
	server := athenatest.Start(t, run)
	client := athena.NewClient(athena.Access{
		Region: "eu-north-1", Endpoint: server.URL, Credentials: credentials.NewStaticCredentialsProvider("AK", "SK", ""),
	})
	return server, athena.New(client, athena.Options{
		Database: "loch", Workgroup: "loch", Random: rand.Reader, FirstPoll: time.Millisecond, ReuseFor: 5 * time.Minute,
	})
}

func gives(columns []athenatest.Column, rows ...[]any) athenatest.Run {
	return func(context.Context, string, string) (athenatest.Answer, error) {
		return athenatest.Answer{Columns: columns, Rows: rows}, nil
	}
}

func fails(f *athenatest.Failure) athenatest.Run {
	return func(context.Context, string, string) (athenatest.Answer, error) { return athenatest.Answer{}, f }
}

// untilStopped runs until it is ended.
func untilStopped(ctx context.Context, _, _ string) (athenatest.Answer, error) {
	<-ctx.Done()
	return athenatest.Answer{}, ctx.Err()
}

// TestTypes: cells come as text and get the types that the engine of one machine
// gives.
func TestTypes(t *testing.T) {
	columns := athenatest.Columns("a varchar(3)", "b bigint", "c double", "d boolean", "e timestamp(3)", "f date",
		"g decimal(10,2)", "h timestamp(3) with time zone", "i varbinary", "j array(varchar)", "k json", "l real")
	_, engine := open(t, gives(columns,
		[]any{"x", json.Number("9007199254740993"), json.Number("1.5E10"), true, "2026-11-23 20:19:34.500", "2026-11-23",
			json.Number("12.50"), "2026-11-23 20:19:34.000 UTC", "AP8=", []any{"p", "q"}, `{"a":1}`, "NaN"},
		[]any{"", json.Number("-1"), "Infinity", false, "2026-11-23 20:19:00.000", nil, nil, nil, nil, nil, nil, nil},
	))
	got, err := engine.Query(t.Context(), "p", "SELECT 1", report.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]any{
		{"x", json.Number("9007199254740993"), json.Number("15000000000"), true, "2026-11-23 20:19:34.5", "2026-11-23",
			json.Number("12.50"), "2026-11-23 20:19:34", "00ff", "[p, q]", `{"a":1}`, "nan"},
		{"", json.Number("-1"), "inf", false, "2026-11-23 20:19:00", nil, nil, nil, nil, nil, nil, nil},
	}
	if !reflect.DeepEqual(got.Rows, want) {
		t.Errorf("rows are\n%#v\nwant\n%#v", got.Rows, want)
	}
	var names []string
	for _, c := range got.Columns {
		names = append(names, c.Name+" "+c.Type)
	}
	if text := strings.Join(names, ", "); text != "a VARCHAR, b BIGINT, c DOUBLE, d BOOLEAN, e TIMESTAMP, f DATE, g DECIMAL(10,2), "+
		"h TIMESTAMP WITH TIME ZONE, i VARBINARY, j ARRAY, k JSON, l REAL" {
		t.Errorf("columns are %s", text)
	}
	if got.RowCount != 2 || got.Truncated || got.Elapsed <= 0 {
		t.Errorf("got %d rows, truncated %v, in %v", got.RowCount, got.Truncated, got.Elapsed)
	}
}

// TestPages: an answer of several pages is one, cut at the limit and not before.
func TestPages(t *testing.T) {
	for _, rows := range []int{0, 1, 998, 999, 1000, 1999, 2000, 2500} {
		var list [][]any
		for i := range rows {
			list = append(list, []any{json.Number(fmt.Sprint(i))})
		}
		_, engine := open(t, gives(athenatest.Columns("n integer"), list...))
		for _, limit := range []int{1, 999, 1000, rows, rows + 1} {
			got, err := engine.Query(t.Context(), "p", "SELECT 1", report.Limits{Rows: max(1, limit)})
			if err != nil {
				t.Fatal(err)
			}
			want := min(rows, max(1, limit))
			if len(got.Rows) != want || got.RowCount != want || got.Truncated != (want < rows) {
				t.Errorf("%d rows with a limit of %d: got %d, truncated %v", rows, limit, len(got.Rows), got.Truncated)
			}
			if want > 0 && got.Rows[want-1][0] != json.Number(fmt.Sprint(want-1)) {
				t.Errorf("%d rows with a limit of %d: the last is %v", rows, limit, got.Rows[want-1])
			}
		}
	}
}

// TestEnded: a statement that nobody waits for is ended.
func TestEnded(t *testing.T) {
	server, engine := open(t, untilStopped)
	_, err := engine.Query(t.Context(), "p", "SELECT 1", report.Limits{Time: 50 * time.Millisecond})
	if fault.CodeOf(err) != fault.Timeout || server.Stopped() != 1 {
		t.Errorf("out of time: %v, %d were ended", err, server.Stopped())
	}
	ctx, cancel := context.WithCancel(t.Context())
	server, engine = open(t, func(ctx context.Context, _, _ string) (athenatest.Answer, error) {
		cancel()
		return untilStopped(ctx, "", "")
	})
	_, err = engine.Query(ctx, "p", "SELECT 1", report.Limits{})
	if fault.CodeOf(err) != fault.Unavailable || server.Stopped() != 1 {
		t.Errorf("given up: %v, %d were ended", err, server.Stopped())
	}
}

// TestFailures: each way to fail has its code and words, which hold no value and no
// name of what is inside.
func TestFailures(t *testing.T) {
	for _, c := range []struct {
		failure athenatest.Failure
		code    fault.Code
		words   string
	}{
		{athenatest.Failure{Reason: "COLUMN_NOT_FOUND: line 2:8: Column 'plan' cannot be resolved", Category: 2}, fault.Invalid, "line 1, column 8: Column 'plan' cannot be resolved"},
		{athenatest.Failure{Reason: "SYNTAX_ERROR: line 12:1: mismatched input 'FORM'", Category: 2}, fault.Invalid, "line 11, column 1: mismatched input 'FORM'"},
		{athenatest.Failure{Reason: "INVALID_CAST_ARGUMENT: Cannot cast 'jane@example.com' to BIGINT", Category: 2}, fault.Invalid, "Cannot cast '…' to BIGINT"},
		{athenatest.Failure{Reason: "INVALID_FUNCTION_ARGUMENT: Cannot parse value: jane@example.com", Category: 2}, fault.Invalid, "Cannot parse value: …"},
		{athenatest.Failure{Reason: "SOMETHING_NEW: about 'jane@example.com'", Category: 2}, fault.Invalid, "SOMETHING_NEW: about '…'"},
		{athenatest.Failure{Reason: "Query cancelled! : Bytes scanned limit was exceeded", Cancelled: true}, fault.TooLarge, "reads more than one may"},
		{athenatest.Failure{Reason: "Bytes scanned limit was exceeded"}, fault.TooLarge, "reads more than one may"},
		{athenatest.Failure{Reason: "Query exhausted resources at this scale factor", Category: 1}, fault.TooLarge, "needs more memory"},
		{athenatest.Failure{Reason: "EXCEEDED_MEMORY_LIMIT: Query exceeded per-node memory limit of 1GB"}, fault.TooLarge, "needs more memory"},
		{athenatest.Failure{Reason: "Query timeout", Category: 1}, fault.Timeout, "Athena's time limit"},
		{athenatest.Failure{Reason: "HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split s3://secret/x", Category: 1}, fault.Unavailable, "a file of the lake cannot be read"},
		{athenatest.Failure{Reason: "GENERIC_INTERNAL_ERROR: s3://secret", Category: 1}, fault.Unavailable, "could not run the statement"},
		{athenatest.Failure{Reason: "Query cancelled", Cancelled: true}, fault.Unavailable, "was ended before"},
	} {
		_, engine := open(t, fails(&c.failure))
		_, err := engine.Query(t.Context(), "p", "SELECT 1", report.Limits{})
		words := fmt.Sprint(err)
		if fault.CodeOf(err) != c.code || !strings.Contains(words, c.words) || strings.Contains(words, "secret") || strings.Contains(words, "jane") {
			t.Errorf("%s: %v, want %s: %s", c.failure.Reason, err, c.code, c.words)
		}
	}
}

// TestService: what the service's answers mean.
func TestService(t *testing.T) {
	for code, want := range map[string]fault.Code{
		"TooManyRequestsException": fault.TooMany, "AccessDeniedException": fault.Forbidden, "InternalServerException": fault.Unavailable,
		"InvalidRequestException": fault.Invalid,
	} {
		server, engine := open(t, gives(nil))
		server.Fail(func(string) (int, string) {
			return map[bool]int{true: 500, false: 400}[want == fault.Unavailable], code
		})
		_, err := engine.Query(t.Context(), "p", "SELECT 1", report.Limits{Time: 10 * time.Second})
		if fault.CodeOf(err) != want || strings.Contains(fmt.Sprint(err), "secret") {
			t.Errorf("%s: %v, want a fault of code %s", code, err, want)
		}
	}
	client := athena.NewClient(athena.Access{Region: "eu-north-1", Endpoint: "http://127.0.0.1:1", Credentials: credentials.NewStaticCredentialsProvider("AK", "SK", "")})
	engine := athena.New(client, athena.Options{Database: "loch", Workgroup: "loch", Random: rand.Reader})
	if _, err := engine.Query(t.Context(), "p", "SELECT 1", report.Limits{}); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("nobody there: %v", err)
	}
}

// TestStartedOnce: a start whose answer was lost is sent again and starts nothing
// new.
func TestStartedOnce(t *testing.T) {
	server, engine := open(t, gives(athenatest.Columns("n integer"), []any{json.Number("1")}))
	lost := 0
	server.Forget(func(operation string) bool {
		lost++
		return operation == "StartQueryExecution" && lost == 1
	})
	if _, err := engine.Query(t.Context(), "p", "SELECT 1", report.Limits{}); err != nil {
		t.Fatal(err)
	}
	if n := len(server.Statements()); n != 1 {
		t.Errorf("%d statements were started", n)
	}
}

// TestPatience: a statement goes on when its asker stops waiting, and its answer is
// the project's alone.
func TestPatience(t *testing.T) {
	goOn := make(chan struct{})
	server, engine := open(t, func(ctx context.Context, _, _ string) (athenatest.Answer, error) {
		select {
		case <-goOn:
		case <-ctx.Done():
		}
		return athenatest.Answer{Columns: athenatest.Columns("n integer"), Rows: [][]any{{json.Number("7")}}}, nil
	})
	id, err := engine.Begin(t.Context(), "p", "SELECT 7 AS n")
	if err != nil {
		t.Fatal(err)
	}
	if _, done, err := engine.Fetch(t.Context(), "p", id, report.Limits{}, 20*time.Millisecond); done || err != nil {
		t.Fatalf("too early: %v %v", done, err)
	}
	for project, other := range map[string]string{"q": id, "p": "00000000-0000-0000-0000-000000000000", "": id, "p ": id} {
		if _, _, err := engine.Fetch(t.Context(), project, other, report.Limits{}, time.Second); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("project %q, id %s: %v", project, other, err)
		}
		if err := engine.Cancel(t.Context(), project, other); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("cancelled by project %q, id %s: %v", project, other, err)
		}
	}
	if _, _, err := engine.Fetch(t.Context(), "p", "../"+id, report.Limits{}, time.Second); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("no id: %v", err)
	}
	close(goOn)
	answer, done, err := engine.Fetch(t.Context(), "p", id, report.Limits{}, time.Minute)
	if err != nil || !done || !reflect.DeepEqual(answer.Rows, [][]any{{json.Number("7")}}) {
		t.Errorf("got %v %v %v", answer, done, err)
	}
	// One that has ended stays, until its answer is kept no more.
	if err := engine.Cancel(t.Context(), "p", id); err != nil || server.Stopped() != 0 {
		t.Errorf("cancelled after its end: %v", err)
	}
	if _, done, err := engine.Fetch(t.Context(), "p", id, report.Limits{}, time.Minute); err != nil || !done {
		t.Errorf("fetched again: %v %v", done, err)
	}
	server.Expire()
	if _, _, err := engine.Fetch(t.Context(), "p", id, report.Limits{}, time.Minute); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("after its answer expired: %v", err)
	}
	if _, err := engine.Begin(t.Context(), "p", "DROP TABLE x"); fault.CodeOf(err) != fault.Forbidden {
		t.Errorf("Begin of what is no reading statement: %v", err)
	}
}

// TestCancel ends a statement that runs.
func TestCancel(t *testing.T) {
	server, engine := open(t, func(ctx context.Context, _, _ string) (athenatest.Answer, error) {
		<-ctx.Done()
		return athenatest.Answer{}, ctx.Err()
	})
	id, err := engine.Begin(t.Context(), "p", "SELECT 7 AS n")
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Cancel(t.Context(), "p", id); err != nil || server.Stopped() != 1 {
		t.Errorf("%v, %d were stopped", err, server.Stopped())
	}
	if _, done, err := engine.Fetch(t.Context(), "p", id, report.Limits{}, time.Minute); err == nil {
		t.Errorf("it has an answer: %v", done)
	}
}

// TestCatalogue is answered without Athena.
func TestCatalogue(t *testing.T) {
	server, engine := open(t, nil)
	got, err := engine.Query(t.Context(), "p", "show tables", report.Limits{})
	if err != nil || !reflect.DeepEqual(got.Rows, [][]any{{"events"}, {"events_raw"}, {"profiles"}, {"rejected"}}) {
		t.Errorf("SHOW TABLES: %v %v", got.Rows, err)
	}
	for relation, want := range map[string]string{"events": "person_id VARCHAR", "events_raw": "schema_version BIGINT", "profiles": "snapshot_time TIMESTAMP", "rejected": "payload_bytes BIGINT"} {
		got, err := engine.Query(t.Context(), "p", "DESCRIBE "+relation, report.Limits{})
		if err != nil || fmt.Sprint(got.Rows[len(got.Rows)-1][0], " ", got.Rows[len(got.Rows)-1][1]) != want {
			t.Errorf("DESCRIBE %s: %v %v", relation, got.Rows, err)
		}
	}
	if len(server.Statements()) != 0 {
		t.Error("Athena was asked")
	}
}

// FuzzValues: whatever a value holds, it is one text in the statement that runs.
func FuzzValues(f *testing.F) {
	for _, seed := range []string{"a", "'", "''", "?", `\'`, "', (SELECT 1) --", "/*", "\x00"} {
		f.Add(seed)
	}
	ran := make(chan string, 1)
	server := athenatest.Start(f, func(_ context.Context, _, statement string) (athenatest.Answer, error) {
		ran <- statement
		return athenatest.Answer{}, nil
	})
	client := athena.NewClient(athena.Access{Region: "eu-north-1", Endpoint: server.URL, Credentials: credentials.NewStaticCredentialsProvider("AK", "SK", "")})
	engine := athena.New(client, athena.Options{Database: "loch", Workgroup: "loch", Random: rand.Reader})
	f.Fuzz(func(t *testing.T, value string) {
		if len([]rune(value))*2+2 > 1024 {
			return
		}
		if _, err := engine.Start(t.Context(), "SELECT ? AS a", []string{value}); err != nil {
			t.Fatal(err)
		}
		got := <-ran
		inner, begins := strings.CutPrefix(got, "SELECT '")
		inner, ends := strings.CutSuffix(inner, "' AS a")
		if !begins || !ends || strings.Contains(strings.ReplaceAll(inner, "''", ""), "'") {
			t.Fatalf("%q becomes %q", value, got)
		}
	})
}
