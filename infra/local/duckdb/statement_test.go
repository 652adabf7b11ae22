package duckdb

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"loch/shared/fault"
	"loch/shared/report"
)

// TestStatementsThatRead runs what analysts write. Each statement gives the
// rows after it.
func TestStatementsThatRead(t *testing.T) {
	w := newWorld(t)
	for i, name := range []string{"Page View", "Sign Up", "Purchase", "Page View"} {
		r := row(name, day0+int64(i)*hourMS)
		r.Properties = fmt.Sprintf(`{"plan":"p%d","n":%d,"deep":{"a":[1,{"b":"x"}]}}`, i%2, i)
		r.DeviceID = fmt.Sprint("d", i%2)
		if i == 1 {
			r.UserID = "u"
		}
		w.put(r)
	}
	for _, c := range []struct{ statement, want string }{
		{"SELECT 1", "[[1]]"},
		{"select 1;", "[[1]]"},
		{" \n SELECT 1 -- one\n ; /* ; */ ;;\n", "[[1]]"},
		{"SELECT ';' AS \";\", $$ ; $$, E'\\';' -- ; '", "[[;  ;  ';]]"},
		{"(SELECT 1)", "[[1]]"},
		{"VALUES (1, 'a'), (2, 'b')", "[[1 a] [2 b]]"},
		{"FROM events SELECT count(*)", "[[4]]"},
		{"TABLE profiles", "[]"},
		{"SHOW TABLES", "[[events] [events_raw] [profiles] [rejected]]"},
		{"show tables;", "[[events] [events_raw] [profiles] [rejected]]"},
		{"WITH e AS (SELECT * FROM events), f AS (SELECT count(*) n FROM e) SELECT n FROM f", "[[4]]"},
		{"WITH events AS (SELECT * FROM events WHERE event = 'Sign Up') SELECT count(*) FROM events", "[[1]]"},
		{"WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 4) SELECT sum(n) FROM t", "[[10]]"},
		{"SELECT event, count(*) FROM events GROUP BY ALL ORDER BY ALL", "[[Page View 2] [Purchase 1] [Sign Up 1]]"},
		{"SELECT DISTINCT person_id FROM events ORDER BY 1", "[[d0] [u]]"},
		{"SELECT properties->>'$.plan', count(*) FROM events GROUP BY 1 ORDER BY 1", "[[p0 2] [p1 2]]"},
		{"SELECT properties->>'plan', (properties->>'$.n')::INT + 1, properties->'$.deep.a[1].b' FROM events ORDER BY time LIMIT 1", `[[p0 1 "x"]]`},
		{"SELECT properties FROM events ORDER BY time LIMIT 1", `[[{"plan":"p0","n":0,"deep":{"a":[1,{"b":"x"}]}}]]`},
		{"SELECT date_trunc('day', time), date FROM events LIMIT 1", "[[2026-11-01 00:00:00 2026-11-01]]"},
		{"SELECT count(*) FILTER (WHERE event = 'Purchase') FROM events", "[[1]]"},
		{"SELECT event FROM events QUALIFY row_number() OVER (PARTITION BY device_id ORDER BY time DESC) = 1 ORDER BY 1", "[[Page View] [Purchase]]"},
		{"PIVOT (SELECT device_id, event FROM events) ON event IN ('Purchase', 'Sign Up') USING count(*) ORDER BY device_id", "[[d0 1 0] [d1 0 1]]"},
		{"SELECT list_sort(list(event)) FROM events", "[[[Page View Page View Purchase Sign Up]]]"},
		{"SELECT list_transform([1, 2], lambda x: x + 1), [x * 2 FOR x IN [1, 2] IF x > 1]", "[[[2 3] [4]]]"},
		{"SELECT list_reduce(list(length(event)), lambda a, b: a + b) FROM events", "[[33]]"},
		{"SELECT unnest(generate_series(1, 3))", "[[1] [2] [3]]"},
		{"SELECT * FROM range(3)", "[[0] [1] [2]]"},
		{"SELECT d::DATE FROM generate_series(TIMESTAMP '2026-11-01', TIMESTAMP '2026-11-02', INTERVAL 1 DAY) t(d)", "[[2026-11-01] [2026-11-02]]"},
		{"SELECT key, value FROM json_each('{\"a\":1}')", "[[a 1]]"},
		{"SELECT key FROM events, json_each(properties) WHERE event = 'Sign Up' ORDER BY key", "[[deep] [n] [plan]]"},
		{"SELECT a.event FROM events a JOIN events b USING (insert_id) WHERE b.event = 'Sign Up'", "[[Sign Up]]"},
		{"SELECT (SELECT count(*) FROM events WHERE device_id = e.device_id) FROM events e ORDER BY time LIMIT 1", "[[2]]"},
		{"SELECT quantile_cont(revenue, 0.5), median(1), mode(event) FROM events", "[[<nil> 1 Page View]]"},
		{"SELECT 1 UNION ALL SELECT 2 ORDER BY 1 DESC", "[[2] [1]]"},
		{"SELECT COLUMNS('^(event|kind)$') FROM events ORDER BY time LIMIT 1", "[[Page View event]]"},
		{"SELECT * EXCLUDE (traits) FROM profiles", "[]"},
		{"SELECT reason, count(*) FROM rejected GROUP BY 1", "[]"},
		{"SELECT \"EVENT\", EVENTS.Event FROM EVENTS LIMIT 0", "[]"},
		{"SELECT e.person_id FROM (SELECT e FROM events e) ORDER BY 1 LIMIT 1", "[[d0]]"},
		{"SELECT CASE WHEN is_bot THEN 1 ELSE 0 END + 1e0, 0.5 FROM events LIMIT 1", "[[1 0.5]]"},
		{"SELECT count(*) FROM events TABLESAMPLE 100%", "[[4]]"},
		{"SELECT strftime(time AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Berlin', '%H:%M') FROM events ORDER BY time LIMIT 1", "[[01:00]]"},
		{"SELECT column_name, column_type FROM (DESCRIBE profiles) LIMIT 2", "[[project VARCHAR] [person_id VARCHAR]]"},
		{"SELECT count FROM (SUMMARIZE events) LIMIT 1", "[[4]]"},
	} {
		r, err := w.engine.Query(t.Context(), "p", c.statement, report.Limits{})
		if err != nil {
			t.Errorf("%s: %v", c.statement, err)
		} else if got := fmt.Sprint(r.Rows); got != c.want {
			t.Errorf("%s gave %s, want %s", c.statement, got, c.want)
		}
	}
	for _, statement := range []string{"SUMMARIZE events", "DESCRIBE SELECT 1", "EXPLAIN SELECT count(*) FROM events", "explain analyze select * from events", "SELECT * FROM events", "SHOW events"} {
		if r := w.query(statement); len(r.Rows) == 0 || len(r.Columns) == 0 {
			t.Errorf("%s gave nothing", statement)
		}
	}
	if plan := fmt.Sprint(w.query("EXPLAIN ANALYZE SELECT * FROM events").Rows); strings.Contains(plan, "parquet\"") || strings.Contains(plan, w.dir) || strings.Contains(plan, "/tmp") {
		t.Errorf("the plan tells of files:\n%s", plan)
	}
}

func TestDescribe(t *testing.T) {
	w := newWorld(t)
	types := func() map[string]string {
		m := map[string]string{}
		for _, row := range w.query("DESCRIBE events").Rows {
			m[row[0].(string)] = row[1].(string)
		}
		return m
	}
	empty := types()
	for column, want := range map[string]string{
		"event": "VARCHAR", "date": "DATE", "time": "TIMESTAMP", "skew_ms": "BIGINT", "is_bot": "BOOLEAN",
		"revenue": "DOUBLE", "properties": "JSON", "context": "JSON", "groups": "JSON", "person_id": "VARCHAR",
	} {
		if empty[column] != want {
			t.Errorf("%s is %s, want %s", column, empty[column], want)
		}
	}
	w.put(row("a", day0))
	hot := types()
	w.roll()
	landed := types()
	w.compact()
	compacted := types()
	for name, other := range map[string]map[string]string{"in the log": hot, "landed": landed, "compacted": compacted} {
		if fmt.Sprint(other) != fmt.Sprint(empty) {
			t.Errorf("the types are %v with events %s, and without any %v", other, name, empty)
		}
	}
}

// TestErrorsHelp holds what people are told about their mistakes.
func TestErrorsHelp(t *testing.T) {
	w := newWorld(t)
	r := row("a", day0)
	r.Properties = `{"secret":"bob@example.com"}`
	w.put(r)
	for _, c := range []struct {
		statement string
		code      fault.Code
		want      []string
	}{
		{"SELECT evnt FROM events", fault.Invalid, []string{"Binder Error", `"evnt"`, `"event"`, "(line 1, column 8)"}},
		{"SELECT 1,\n  nope\nFROM events;", fault.Invalid, []string{`"nope"`, "(line 2, column 3)"}},
		{"EXPLAIN  SELECT 'é', nope FROM events", fault.Invalid, []string{"(line 1, column 22)"}},
		{"SELECT selec FROM where", fault.Invalid, []string{"Parser Error", `"where"`, "(line 1, column 19)"}},
		{"EXPLAIN ANALYZE\nSELECT selec FROM where", fault.Invalid, []string{"(line 2, column 19)"}},
		{"SELECT foo(1)", fault.Invalid, []string{"function"}},
		{"SELECT length(1, 2)", fault.Invalid, []string{"No function matches", "(line 1, column 8)"}},
		{"SELECT * FROM evnts", fault.Forbidden, []string{"events, events_raw, profiles and rejected"}},
		{"SELECT (properties->>'$.secret')::INT FROM events", fault.Invalid, []string{"Conversion Error"}},
		{"SELECT 'abc'::DATE", fault.Invalid, []string{"Conversion Error"}},
		{"SELECT properties::INT FROM events", fault.Invalid, []string{"Conversion Error"}},
		{"SELECT strptime(properties->>'$.secret', '%Y') FROM events", fault.Invalid, []string{"Error"}},
		{"SELECT json_extract('{' || event, '$') FROM events", fault.Invalid, []string{"Error"}},
		{"DROP TABLE events", fault.Forbidden, []string{"only statements that read"}},
		{"SELECT read_text('x')", fault.Forbidden, []string{"read_text reads files"}},
	} {
		err := w.failure(c.statement, report.Limits{})
		if err == nil {
			t.Errorf("%s was answered", c.statement)
			continue
		}
		if got := fault.CodeOf(err); got != c.code {
			t.Errorf("%s: code %s, want %s (%v)", c.statement, got, c.code, err)
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not say %q", c.statement, err, want)
			}
		}
		if strings.Contains(err.Error(), "bob@") || strings.Contains(err.Error(), `{"secret`) {
			t.Errorf("%s: the error quotes what is in the lake: %v", c.statement, err)
		}
	}
}

// TestEveryFunctionIsJudged holds the two lists of functions to what the linked
// DuckDB has. When it fails after an update, read what the new function does and
// put it into functions.txt or functions.go.
func TestEveryFunctionIsJudged(t *testing.T) {
	w, err := startWorker(settings{Trusted: true, SpillDir: t.TempDir(), MemoryBytes: minMemory, Threads: 1}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	a, err := w.call(t.Context(), order{Script: "SELECT DISTINCT lower(function_name), function_type IN ('table', 'table_macro') FROM duckdb_functions() WHERE function_type <> 'pragma'"})
	if err != nil || a.Fault != nil || len(a.Rows) < 500 {
		t.Fatalf("%v, %+v, %d functions", err, a.Fault, len(a.Rows))
	}
	known := knownFunctions()
	there := map[string]bool{"unnest": true}
	for _, row := range a.Rows {
		name, isTable := row[0].(string), row[1].(bool)
		there[name] = true
		if known[name] && refused[name] != "" {
			t.Errorf("%s is both let in and refused", name)
		}
		if !isTable && !known[name] && refused[name] == "" {
			t.Errorf("%s is neither let in nor refused", name)
		}
		if isTable && !tableFunctions[name] && !known[name] && refused[name] == "" {
			t.Errorf("the table function %s is neither let in nor refused", name)
		}
	}
	for name := range known {
		if !there[name] {
			t.Errorf("%s is let in, and DuckDB does not have it", name)
		}
	}
}

// TestValues holds how each type comes out, as encoding/json writes it.
func TestValues(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ expression, kind, want string }{
		{"NULL", "INTEGER", `null`},
		{"true", "BOOLEAN", `true`},
		{"(-128)::TINYINT", "TINYINT", `-128`},
		{"1", "INTEGER", `1`},
		{"9223372036854775807", "BIGINT", `9223372036854775807`},
		{"18446744073709551615::UBIGINT", "UBIGINT", `18446744073709551615`},
		{"170141183460469231731687303715884105727::HUGEINT", "HUGEINT", `170141183460469231731687303715884105727`},
		{"sum(x) FROM (VALUES (1), (2)) t(x)", "HUGEINT", `3`},
		{"'12345678901234567890123456789012345678901234567890'::BIGNUM", "BIGNUM", `12345678901234567890123456789012345678901234567890`},
		{"1.10::DECIMAL(5,2)", "DECIMAL(5,2)", `1.10`},
		{"12345678901234567890.12345678::DECIMAL(38,8)", "DECIMAL(38,8)", `12345678901234567890.12345678`},
		{"0.1::DOUBLE", "DOUBLE", `0.1`},
		{"0.1::FLOAT", "FLOAT", `0.1`},
		{"1e300", "DOUBLE", `1e+300`},
		{"-0.0::DOUBLE", "DOUBLE", `-0`},
		{"'nan'::DOUBLE", "DOUBLE", `"nan"`},
		{"'inf'::DOUBLE", "DOUBLE", `"inf"`},
		{"'-inf'::FLOAT", "FLOAT", `"-inf"`},
		{"'é\"<&>\n😀'", "VARCHAR", `"é\"<&>\n😀"`},
		{"''", "VARCHAR", `""`},
		{"'\\xAA\\x00b'::BLOB", "BLOB", `"aa0062"`},
		{"'101'::BIT", "BIT", `"101"`},
		{"TIMESTAMP '2026-11-23 20:19:34.5'", "TIMESTAMP", `"2026-11-23 20:19:34.5"`},
		{"TIMESTAMP '2026-11-23 20:19:34'", "TIMESTAMP", `"2026-11-23 20:19:34"`},
		{"TIMESTAMPTZ '2026-11-23 20:19:34.5+01'", "TIMESTAMP WITH TIME ZONE", `"2026-11-23 19:19:34.5"`},
		{"TIMESTAMP_NS '2026-11-23 20:19:34.123456789'", "TIMESTAMP_NS", `"2026-11-23 20:19:34.123456789"`},
		{"'infinity'::TIMESTAMP", "TIMESTAMP", `"infinity"`},
		{"DATE '2026-11-23'", "DATE", `"2026-11-23"`},
		{"TIME '20:19:34.5'", "TIME", `"20:19:34.5"`},
		{"INTERVAL 14 MONTH + INTERVAL 3 DAY", "INTERVAL", `"1 year 2 months 3 days"`},
		{"'00000000-0000-0000-0000-00000000000a'::UUID", "UUID", `"00000000-0000-0000-0000-00000000000a"`},
		{"'b'::ENUM ('a', 'b')", "ENUM('a', 'b')", `"b"`},
		{`'{"b": 12345678901234567890123, "a": 1.10}'::JSON`, "JSON", `"{\"b\": 12345678901234567890123, \"a\": 1.10}"`},
		{"[1, NULL, 3]", "INTEGER[]", `[1,null,3]`},
		{"[]::INT[]", "INTEGER[]", `[]`},
		{"[[1.5]]", "DECIMAL(2,1)[][]", `[[1.5]]`},
		{"['NaN', 'a\"Infinity']", "VARCHAR[]", `["NaN","a\"Infinity"]`},
		{"['nan'::DOUBLE, 'inf', '-inf', 0.5]", "DOUBLE[]", `["nan","inf","-inf",0.5]`},
		{"[1, 2]::INT[2]", "INTEGER[2]", `[1,2]`},
		{"{'a': 1, 'b c': [170141183460469231731687303715884105727::HUGEINT]}", `STRUCT(a INTEGER, "b c" HUGEINT[])`, `{"a":1,"b c":[170141183460469231731687303715884105727]}`},
		{"MAP {'x': 1, 'y\"': 2}", "MAP(VARCHAR, INTEGER)", `{"x":1,"y\"":2}`},
		{"MAP {DATE '2026-11-23': TIMESTAMP '2026-11-23 20:19:34.5'}", "MAP(DATE, TIMESTAMP)", `{"2026-11-23":"2026-11-23 20:19:34.5"}`},
		{"[1.10::DECIMAL(4,2)]", "DECIMAL(4,2)[]", `[1.1]`},
		{`['{"a": 12345678901234567890123}'::JSON]`, "JSON[]", `[{"a":12345678901234567890123}]`},
		{"union_value(k := 1)", "UNION(k INTEGER)", `{"k":1}`},
		{"count(*) FROM range(3)", "BIGINT", `3`},
	} {
		r, err := w.engine.Query(t.Context(), "p", "SELECT "+c.expression, report.Limits{})
		if err != nil {
			t.Errorf("%s: %v", c.expression, err)
			continue
		}
		var got strings.Builder
		encoder := json.NewEncoder(&got)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(r.Rows[0][0]); err != nil {
			t.Errorf("%s: %v", c.expression, err)
		}
		if strings.TrimSpace(got.String()) != c.want || r.Columns[0].Type != c.kind {
			t.Errorf("%s is %s of type %s, want %s of type %s", c.expression, strings.TrimSpace(got.String()), r.Columns[0].Type, c.want, c.kind)
		}
	}
}

func TestColumnNamesStay(t *testing.T) {
	w := newWorld(t)
	r := w.query(`SELECT 1 AS a, 2 AS a, 3 AS "A b""c", count(*), count(*)`)
	var names []string
	for _, c := range r.Columns {
		names = append(names, c.Name)
	}
	if want := []string{"a", "a", `A b"c`, "count_star()", "count_star()"}; !slices.Equal(names, want) {
		t.Errorf("the columns are %q, want %q", names, want)
	}
}

func FuzzLexer(f *testing.F) {
	for _, s := range []string{"SELECT 1; -- x", "select 'a;''b' ; /* ; /* */ */ ;", `E'\';' ;`, `$$;$$;`, "explain analyze select 1", `"a"";`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		end := bodyEnd(s)
		if end < 0 || end > len(s) {
			t.Fatalf("the end of %q is %d", s, end)
		}
		if again := bodyEnd(s[:end]); again != end {
			t.Fatalf("the end of %q is %d, and of that %d", s, end, again)
		}
		if prefix, at := explainPrefix(s); at < 0 || at > len(s) || (prefix == "") != (at == 0) {
			t.Fatalf("the prefix of %q is %q, up to %d", s, prefix, at)
		}
	})
}
