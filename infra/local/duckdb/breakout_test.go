package duckdb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"loch/shared/fault"
	"loch/shared/report"
)

// Each attempt tries to get out of the four relations: to other files, other
// projects, settings, writes, or to bring the server down. CANARY is a CSV file
// beside the data folder, LAKE the lake's folder, OTHER a file of another
// project, PQ a Parquet file of the lake.
var breakouts = []struct {
	statement string
	want      fault.Code
}{
	// Other kinds of statement.
	{"COPY events TO '/tmp/loch-breakout.csv'", fault.Forbidden},
	{"COPY (SELECT 1) TO 'LAKE/x.parquet'", fault.Forbidden},
	{"COPY events FROM 'CANARY'", fault.Forbidden},
	{"ATTACH 'CANARY' AS x", fault.Forbidden},
	{"ATTACH ':memory:' AS x", fault.Forbidden},
	{"DETACH memory", fault.Forbidden},
	{"USE memory", fault.Forbidden},
	{"INSTALL httpfs", fault.Forbidden},
	{"LOAD httpfs", fault.Forbidden},
	{"LOAD 'CANARY'", fault.Forbidden},
	{"PRAGMA database_list", fault.Forbidden},
	{"PRAGMA enable_profiling='json'", fault.Forbidden},
	{"SET threads = 64", fault.Forbidden},
	{"SET enable_external_access = true", fault.Forbidden},
	{"SET GLOBAL lock_configuration = false", fault.Forbidden},
	{"RESET memory_limit", fault.Forbidden},
	{"SET VARIABLE x = 1", fault.Forbidden},
	{"CREATE TABLE x(a INT)", fault.Forbidden},
	{"CREATE TEMP TABLE x AS SELECT 1", fault.Forbidden},
	{"CREATE OR REPLACE TEMP VIEW events AS SELECT 1", fault.Forbidden},
	{"CREATE MACRO f() AS 1", fault.Forbidden},
	{"CREATE TEMP MACRO events() AS TABLE SELECT 1", fault.Forbidden},
	{"CREATE SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')", fault.Forbidden},
	{"CREATE SEQUENCE s", fault.Forbidden},
	{"CREATE TYPE t AS ENUM ('a')", fault.Forbidden},
	{"CREATE SCHEMA s", fault.Forbidden},
	{"INSERT INTO events VALUES (1)", fault.Forbidden},
	{"UPDATE events SET event = 'x'", fault.Forbidden},
	{"DELETE FROM events", fault.Forbidden},
	{"DELETE FROM duplicate_rows", fault.Forbidden},
	{"TRUNCATE events", fault.Forbidden},
	{"MERGE INTO events USING events e ON true WHEN MATCHED THEN DELETE", fault.Forbidden},
	{"DROP VIEW events", fault.Forbidden},
	{"ALTER TABLE events RENAME TO x", fault.Forbidden},
	{"COMMENT ON VIEW events IS 'x'", fault.Forbidden},
	{"EXPORT DATABASE '/tmp/loch-breakout'", fault.Forbidden},
	{"IMPORT DATABASE '/tmp/loch-breakout'", fault.Forbidden},
	{"BEGIN TRANSACTION", fault.Forbidden},
	{"COMMIT", fault.Forbidden},
	{"CHECKPOINT", fault.Forbidden},
	{"VACUUM", fault.Forbidden},
	{"ANALYZE", fault.Forbidden},
	{"CALL pragma_version()", fault.Forbidden},
	{"CALL duckdb_settings()", fault.Forbidden},
	{"PREPARE x AS SELECT 1", fault.Forbidden},
	{"EXECUTE x", fault.Forbidden},
	{"DEALLOCATE x", fault.Forbidden},
	{"EXPLAIN COPY events TO '/tmp/loch-breakout.csv'", fault.Forbidden},
	{"EXPLAIN ANALYZE COPY (SELECT 1) TO '/tmp/loch-breakout.csv'", fault.Forbidden},
	{"EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1", fault.Forbidden},
	{"EXPLAIN ANALYZE SELECT * FROM 'CANARY'", fault.Forbidden},
	{"EXPLAIN EXPLAIN SELECT 1", fault.Invalid},
	{"EXPLAIN (ANALYZE) SELECT 1", fault.Invalid},
	{"SHOW ALL TABLES; SHOW DATABASES", fault.Forbidden},
	{"SHOW DATABASES", fault.Forbidden},
	{"SHOW VARIABLES", fault.Forbidden},
	{"SHOW TABLES FROM main", fault.Forbidden},
	{"SELECT * FROM (SHOW ALL TABLES)", fault.Forbidden},
	{"SELECT * FROM (SHOW DATABASES)", fault.Forbidden},
	{"DESCRIBE 'CANARY'", fault.Forbidden},
	{"SUMMARIZE 'CANARY'", fault.Forbidden},
	{"SUMMARIZE duckdb_settings", fault.Forbidden},

	// More than one statement, and things that hide one.
	{"SELECT 1; SELECT 2", fault.Forbidden},
	{"SELECT 1; COPY (SELECT 1) TO '/tmp/loch-breakout.csv'", fault.Forbidden},
	{"SELECT 1;; SET threads = 1", fault.Forbidden},
	{"SELECT 1) AS x; SET threads = 1; SELECT * FROM (SELECT 1", fault.Invalid},
	{"SELECT 1) UNION ALL (SELECT 2", fault.Invalid},
	{"SELECT 1 /*", fault.Invalid},
	{"SELECT 1 -- \n) AS x LIMIT 1; SET threads = 1; --", fault.Invalid},
	{"SELECT 1\x00; SET threads = 1", fault.Invalid},
	{"SELECT '\xff'", fault.Invalid},
	{"", fault.Invalid},
	{" -- nothing", fault.Invalid},
	{";", fault.Invalid},

	// Files.
	{"FROM 'CANARY'", fault.Forbidden},
	{"SELECT * FROM '/etc/passwd'", fault.Forbidden},
	{"SELECT * FROM \"/etc/passwd\"", fault.Forbidden},
	{"SELECT * FROM 'PQ'", fault.Forbidden},
	{"SELECT * FROM \"PQ\"", fault.Forbidden},
	{"SELECT * FROM 'LAKE/**/*.parquet'", fault.Forbidden},
	{"SELECT * FROM read_csv('CANARY')", fault.Forbidden},
	{"SELECT * FROM read_csv_auto('CANARY')", fault.Forbidden},
	{"SELECT * FROM Read_Text('CANARY')", fault.Forbidden},
	{"SELECT * FROM \"read_text\"('CANARY')", fault.Forbidden},
	{"SELECT * FROM main.read_text('CANARY')", fault.Forbidden},
	{"SELECT * FROM system.main.read_text('CANARY')", fault.Forbidden},
	{"SELECT * FROM read_blob('/etc/*')", fault.Forbidden},
	{"SELECT * FROM read_json('CANARY')", fault.Forbidden},
	{"SELECT * FROM read_ndjson_objects('CANARY')", fault.Forbidden},
	{"SELECT * FROM read_parquet('PQ')", fault.Forbidden},
	{"SELECT * FROM parquet_scan(['PQ'])", fault.Forbidden},
	{"SELECT * FROM parquet_metadata('PQ')", fault.Forbidden},
	{"SELECT * FROM parquet_schema('PQ')", fault.Forbidden},
	{"SELECT * FROM parquet_kv_metadata('PQ')", fault.Forbidden},
	{"SELECT * FROM glob('/*')", fault.Forbidden},
	{"SELECT * FROM sniff_csv('CANARY')", fault.Forbidden},
	{"SELECT * FROM read_duckdb('CANARY')", fault.Forbidden},
	{"SELECT * FROM events, read_text('CANARY')", fault.Forbidden},
	{"SELECT (SELECT content FROM read_text('CANARY'))", fault.Forbidden},
	{"SELECT * FROM events WHERE event IN (SELECT content FROM read_text('CANARY'))", fault.Forbidden},
	{"SELECT * FROM unnest((SELECT list(content) FROM read_text('CANARY')))", fault.Forbidden},
	{"SELECT * FROM events ORDER BY (SELECT content FROM read_text('CANARY'))", fault.Forbidden},
	{"SELECT * FROM events LIMIT (SELECT count(*) FROM read_text('CANARY'))", fault.Forbidden},
	{"SELECT count(*) FILTER (WHERE event = (SELECT content FROM read_text('CANARY'))) FROM events", fault.Forbidden},
	{"SELECT sum(1) OVER (ORDER BY (SELECT content FROM read_text('CANARY'))) FROM events", fault.Forbidden},
	{"SELECT list_transform([1], lambda x: (SELECT content FROM read_text('CANARY')))", fault.Forbidden},
	{"SELECT CASE WHEN true THEN (SELECT content FROM read_text('CANARY')) END", fault.Forbidden},
	{"SELECT * REPLACE ((SELECT content FROM read_text('CANARY')) AS event) FROM events", fault.Forbidden},
	{"PIVOT (FROM read_text('CANARY')) ON filename IN ('a') USING count(*)", fault.Forbidden},
	{"FROM (PIVOT 'CANARY' ON a IN (1) USING count(*))", fault.Forbidden},
	{"VALUES ((SELECT content FROM read_text('CANARY')))", fault.Forbidden},
	{"WITH x AS (SELECT * FROM read_text('CANARY')) SELECT * FROM x", fault.Forbidden},
	{"WITH x AS MATERIALIZED (FROM 'CANARY') SELECT 1", fault.Forbidden},
	{"WITH RECURSIVE x AS (SELECT 1 UNION ALL SELECT 1 FROM 'CANARY') SELECT * FROM x", fault.Forbidden},
	{"SELECT 1 UNION ALL (WITH x AS (SELECT 1) SELECT length(content) FROM read_text('CANARY'))", fault.Forbidden},
	{"SELECT * FROM (WITH \"CANARY\" AS (SELECT 1) SELECT 1) a, \"CANARY\"", fault.Forbidden},
	{"WITH \"CANARY\" AS (SELECT * FROM \"CANARY\") SELECT * FROM \"CANARY\"", fault.Forbidden},
	{"WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a", fault.Forbidden},
	{"SELECT * FROM a WHERE EXISTS (WITH a AS (SELECT 1) SELECT 1)", fault.Forbidden},
	{"SELECT 'CANARY'.read_text()", fault.Invalid},
	{"SELECT read_text('CANARY')", fault.Forbidden},
	{"SELECT getenv('HOME')", fault.Invalid},
	{"SELECT load_aws_credentials()", fault.Invalid},

	// SQL in texts.
	{"SELECT * FROM query('SELECT 1')", fault.Forbidden},
	{"SELECT * FROM query_table('events')", fault.Forbidden},
	{"SELECT * FROM query_table(['CANARY'])", fault.Forbidden},
	{"SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))", fault.Forbidden},
	{"SELECT json_serialize_plan('SELECT * FROM events')", fault.Forbidden},
	{"SELECT json_serialize_sql('SELECT 1')", fault.Forbidden},
	{"SELECT json_deserialize_sql('{}')", fault.Forbidden},
	{"SELECT * FROM histogram('CANARY', 'a')", fault.Forbidden},
	{"SELECT * FROM histogram_values(duplicate_rows, row)", fault.Forbidden},
	{"SELECT * FROM sql_auto_complete('SEL')", fault.Forbidden},

	// The catalogue, settings, and the engine's own state.
	{"SELECT * FROM information_schema.tables", fault.Forbidden},
	{"SELECT * FROM information_schema.columns", fault.Forbidden},
	{"SELECT * FROM pg_catalog.pg_tables", fault.Forbidden},
	{"SELECT * FROM sqlite_master", fault.Forbidden},
	{"SELECT * FROM duckdb_views", fault.Forbidden},
	{"SELECT * FROM duckdb_views()", fault.Forbidden},
	{"SELECT * FROM duckdb_settings()", fault.Forbidden},
	{"SELECT * FROM duckdb_secrets()", fault.Forbidden},
	{"SELECT * FROM duckdb_logs", fault.Forbidden},
	{"SELECT * FROM duckdb_temporary_files()", fault.Forbidden},
	{"SELECT * FROM duckdb_functions()", fault.Forbidden},
	{"SELECT * FROM pragma_database_size()", fault.Forbidden},
	{"SELECT * FROM which_secret('s3://x', 's3')", fault.Forbidden},
	{"SELECT current_setting('temp_directory')", fault.Forbidden},
	{"SELECT main.current_setting('temp_directory')", fault.Forbidden},
	{"SELECT system.main.current_setting('temp_directory')", fault.Forbidden},
	{"SELECT CURRENT_SETTING('temp_directory')", fault.Forbidden},
	{"SELECT getvariable('x')", fault.Forbidden},
	{"SELECT pg_get_viewdef(1)", fault.Forbidden},
	{"SELECT nextval('s')", fault.Forbidden},
	{"SELECT setseed(0.5)", fault.Forbidden},
	{"SELECT write_log('x')", fault.Forbidden},
	{"SELECT version()", fault.Forbidden},
	{"SELECT current_query()", fault.Forbidden},
	{"SELECT error(properties) FROM events", fault.Forbidden},
	{"SELECT stats(event) FROM events", fault.Forbidden},
	{"SELECT sleep_ms(100000)", fault.Forbidden},
	{"SELECT pg_sleep(100)", fault.Forbidden},
	{"SELECT finalize('x'::BLOB)", fault.Forbidden},
	{"SELECT filename FROM events", fault.Invalid},
	{"SELECT rowid FROM events_raw", fault.Invalid},
	{"SELECT file_row_number FROM events", fault.Invalid},
	{"SELECT sealed FROM rejected", fault.Invalid},

	// Tables behind the relations, and other names for them.
	{"SELECT * FROM duplicate_rows", fault.Forbidden},
	{"SELECT * FROM temp.main.events", fault.Forbidden},
	{"SELECT * FROM main.events", fault.Forbidden},
	{"SELECT * FROM memory.main.events", fault.Forbidden},
	{"SELECT * FROM events AT (VERSION => 1)", fault.Forbidden},
	{"SELECT * FROM seq_scan('events')", fault.Forbidden},
	{"SELECT * FROM arrow_scan(1, 2, 3)", fault.Forbidden},
	{"SELECT * FROM test_all_types()", fault.Forbidden},
	{"SELECT $1", fault.Invalid},
	{"SELECT ?", fault.Invalid},
	{"SELECT $x", fault.Invalid},

	// Too much of everything. Each must end by itself, as a fault.
	{"SELECT count(*) FROM range(1000000000000)", fault.Timeout},
	{"SELECT count(*) FROM range(1000000) a, range(1000000) b", fault.Timeout},
	{"WITH RECURSIVE t AS (SELECT 1 x UNION ALL SELECT x + 1 FROM t) SELECT count(*) FROM t", fault.Timeout},
	{"EXPLAIN ANALYZE SELECT count(*) FROM range(1000000000000)", fault.Timeout},
	{"SELECT levenshtein(repeat('a', 200000), repeat('b', 200000))", fault.Timeout},
	{"SELECT " + strings.Repeat("list_transform([1], lambda x: ", 200) + "1" + strings.Repeat(")", 200), fault.Timeout},
	{"SELECT 1 a0" + doubling(40), fault.Timeout},
	{"SELECT length(repeat('x', 4000000000))", fault.TooLarge},
	{"SELECT sum(length(repeat('x' || range, 100000000))) FROM range(2048)", fault.TooLarge},
	{"SELECT len(range(1000000000))", fault.TooLarge},
	{"SELECT len(list_transform(range(1000000), lambda x: repeat('a' || x, 100000)))", fault.TooLarge},
	{"SELECT length(replace(repeat('a', 1000000), 'a', repeat('b', 10000)))", fault.TooLarge},
	{"SELECT list(repeat('x' || range, 1000000)) FROM range(1000000)", fault.TooLarge},
	{"SELECT * FROM range(100000) a(x) ORDER BY list_transform(range(x), lambda y: y)", fault.TooLarge},
	{"SELECT repeat('a', 1000000) GLOB repeat('*a', 1000000)", fault.Invalid},
	{"SELECT repeat('a', 1000000) ILIKE repeat('%a', 1000000)", fault.Invalid},
	{"SELECT json_structure(repeat('[', 1000000) || repeat(']', 1000000))", fault.Invalid},
	{"SELECT json_contains(repeat('[', 1000000) || repeat(']', 1000000), repeat('[', 1000000) || repeat(']', 1000000))", fault.Invalid},
	{"SELECT from_json('[1]', repeat('[', 100000) || '\"INT\"' || repeat(']', 100000))", fault.Invalid},
	{"SELECT " + strings.Repeat("(", 50_000) + "1" + strings.Repeat(")", 50_000), fault.Invalid},
	{"SELECT 1" + strings.Repeat("+1", 50_000), fault.Invalid},
	{"SELECT 1 /*" + strings.Repeat("x", 300_000) + "*/", fault.TooLarge},
}

// doubling makes columns each of which holds the one before twice.
func doubling(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ", a%d + a%d a%d", i, i, i+1)
	}
	return b.String()
}

func TestNoBreakOut(t *testing.T) {
	t.Parallel()
	w := openWorld(t, t.TempDir(), Options{MemoryLimitBytes: 256 << 20, Parallel: 2})
	const marker = "canary-5f2c"
	canary := filepath.Join(t.TempDir(), "canary.csv")
	if err := os.WriteFile(canary, []byte("a,b\n1,"+marker+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	other := row(marker, day0)
	other.Project = "q"
	w.put(row("mine", day0), other)
	w.roll()
	w.compact()
	w.put(row("mine too", day0+1), other)
	w.roll()
	w.put(row("mine as well", day0+2), other)
	file := w.snapshot().Events[0]
	names := strings.NewReplacer("CANARY", canary, "LAKE", filepath.Join(w.dir, "lake"), "PQ", file)
	before := tree(t, w.dir)

	if len(breakouts) < 60 {
		t.Errorf("only %d attempts", len(breakouts))
	}
	for _, a := range breakouts {
		statement := names.Replace(a.statement)
		short := a.statement[:min(len(a.statement), 100)]
		start := time.Now()
		r, err := w.engine.Query(t.Context(), "p", statement, report.Limits{Rows: 100, Time: 3 * time.Second})
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%q took %v", short, took)
		}
		if err == nil {
			t.Errorf("%q was answered: %v", short, r.Rows)
			continue
		}
		got := fault.CodeOf(err)
		if got == fault.Timeout && a.want == fault.TooLarge {
			got = a.want // on a slow machine the time ends before the memory does
		}
		if a.want == fault.TooLarge && strings.Contains(err.Error(), "broke down") {
			got = a.want // where in DuckDB memory runs out decides whether it can still say so
		}
		if got != a.want {
			t.Errorf("%q: %s (%v: %v), want %s", short, got, err, errors.Unwrap(err), a.want)
		}
		for _, secret := range []string{marker, w.dir, filepath.Dir(canary), "root:"} {
			if strings.Contains(err.Error(), secret) && !strings.Contains(statement, secret) {
				t.Errorf("%q: the error tells %q: %v", short, secret, err)
			}
		}
		if strings.Contains(err.Error(), w.dir) {
			t.Errorf("%q: the error tells a path: %v", short, err)
		}
	}
	if after := tree(t, w.dir); after != before {
		t.Errorf("the data folder was\n%s\nand is\n%s", before, after)
	}
	if leftovers, _ := filepath.Glob("/tmp/loch-breakout*"); len(leftovers) > 0 {
		t.Errorf("files were written: %v", leftovers)
	}
	if got := w.value("SELECT string_agg(event, ',' ORDER BY time) FROM events"); got != "mine,mine too,mine as well" {
		t.Errorf("after all that, the events are %s", got)
	}
}

// tree lists the files below a folder that matter.
func tree(t *testing.T, dir string) string {
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasPrefix(path, filepath.Join(dir, "tmp")) {
			info, err := d.Info()
			if err != nil {
				return err
			}
			fmt.Fprintln(&b, path, info.Size())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestLockedBeneath tries what the guard refuses on a database that is set up
// like a worker's, without a guard before it.
func TestLockedBeneath(t *testing.T) {
	w := newWorld(t)
	s := w.engine.readerSettings()
	locks := strings.Join(s.statements(), ";\n")
	s.Trusted = true // to be able to send scripts
	db, err := startWorker(s, w.engine.options.Logger)
	if err != nil {
		t.Fatal(err)
	}
	defer db.close()
	if a, err := db.call(t.Context(), order{Script: locks}); err != nil || a.Fault != nil {
		t.Fatal(err, a.Fault)
	}
	for _, script := range []string{
		"SELECT * FROM read_text('/etc/passwd')",
		"SELECT * FROM '/etc/passwd'",
		"SELECT * FROM glob('/etc/*')",
		"COPY (SELECT 1) TO '/tmp/loch-breakout.csv'",
		"ATTACH '/tmp/loch-breakout.db' AS x",
		"INSTALL httpfs",
		"LOAD httpfs",
		"SELECT * FROM 'https://example.com/x.parquet'",
		"SET enable_external_access = true",
		"SET lock_configuration = false",
		"SET memory_limit = '100GB'",
		"SET temp_directory = '/tmp'",
		"CREATE PERSISTENT SECRET x (TYPE s3)",
		"EXPORT DATABASE '/tmp/loch-breakout'",
	} {
		a, err := db.call(t.Context(), order{Script: script})
		if err != nil || a.Fault == nil {
			t.Errorf("%s: %v, %v", script, a.Rows, err)
		}
	}
	if leftovers, _ := filepath.Glob("/tmp/loch-breakout*"); len(leftovers) > 0 {
		t.Errorf("files were written: %v", leftovers)
	}
}
