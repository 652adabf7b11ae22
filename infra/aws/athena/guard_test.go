package athena

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"loch/shared/fault"
)

// TestAdmitted: what people write goes through, with the relations that it reads.
func TestAdmitted(t *testing.T) {
	for _, c := range []struct {
		statement string
		uses      string
		person    bool
	}{
		{"SELECT 1", "", false},
		{"select count(*) from events", "events", false},
		{"SELECT * FROM events", "events", true},
		{"SELECT e.* FROM events e", "events", true},
		{"SELECT DISTINCT person_id FROM events", "events", true},
		{`SELECT "PERSON_ID" FROM "Events"`, "events", true},
		{"SELECT event, count(*) * 2 FROM events WHERE date >= DATE '2026-11-01' GROUP BY 1 ORDER BY 2 DESC LIMIT 5;", "events", false},
		{"SELECT a.event FROM events a, events_raw b, UNNEST(split(a.flags, ',')) AS t (flag) WHERE a.insert_id = b.insert_id", "events events_raw", false},
		{"SELECT 1 FROM events JOIN profiles USING (project), rejected", "events profiles rejected", false},
		{"SELECT 1 FROM events NATURAL JOIN profiles", "events profiles", true},
		{"WITH a AS (SELECT event FROM events), b (n) AS (SELECT count(*) FROM a) SELECT n FROM b", "events", false},
		{"SELECT 1 FROM (WITH events AS (SELECT 2) SELECT 1 FROM events) x", "", false},
		{"SELECT 1 FROM (events e CROSS JOIN (profiles p))", "events profiles", false},
		{"SELECT 1 FROM ((SELECT event FROM events) UNION ALL (SELECT 'x')) u", "events", false},
		{"SELECT extract(year FROM time), trim(BOTH ' ' FROM event), substring(event FROM 2 FOR 3) FROM events", "events", false},
		{"SELECT a IS DISTINCT FROM b, a IS NOT DISTINCT FROM c FROM (VALUES (1, 2, 3), (4, 5, 6)) AS t (a, b, c)", "", false},
		{"SELECT event FROM events WHERE user_id IN (SELECT person_id FROM profiles) AND EXISTS (SELECT 1 FROM rejected)", "events profiles rejected", true},
		{"SELECT 'FROM secret.t; -- ''quoted''' AS \"FROM secret\" -- FROM secret\n /* FROM secret */ FROM events", "events", false},
		{"SELECT listagg(event, ',') WITHIN GROUP (ORDER BY time) FROM events", "events", false},
		{"SELECT row_number() OVER (PARTITION BY device_id ORDER BY time) FROM events, LATERAL (SELECT 1)", "events", false},
		{"VALUES (1, 'a'), (2, 'b')", "", false},
		{"TABLE events", "events", true},
		{"(SELECT 1) UNION (SELECT 2 FROM rejected)", "rejected", false},
		{"EXPLAIN SELECT count(*) FROM events", "events", false},
		{"SELECT 1.5e3, 1., .5, 1e10 FROM events", "events", false},
	} {
		a, err := admit(c.statement)
		if err != nil {
			t.Errorf("%s: %v", c.statement, err)
			continue
		}
		if got := strings.Join(slices.Sorted(maps.Keys(a.uses)), " "); got != c.uses || a.person != c.person {
			t.Errorf("%s: uses %q, person %v, want %q, %v", c.statement, got, a.person, c.uses, c.person)
		}
	}
}

// TestRefused: nothing that is no reading statement, and no way to name another
// table.
func TestRefused(t *testing.T) {
	for statement, code := range map[string]fault.Code{
		"":                               fault.Invalid,
		" ; ":                            fault.Invalid,
		"-- nothing":                     fault.Invalid,
		"SELECT 1; SELECT 2":             fault.Forbidden,
		"DROP TABLE events":              fault.Forbidden,
		"INSERT INTO events SELECT 1":    fault.Forbidden,
		"CREATE TABLE x AS SELECT 1":     fault.Forbidden,
		"UNLOAD (SELECT 1) TO 's3://x/'": fault.Forbidden,
		"USING EXTERNAL FUNCTION f(x int) RETURNS int LAMBDA 'f' SELECT f(1)": fault.Forbidden,
		"EXECUTE x USING 1":          fault.Forbidden,
		"PREPARE x FROM SELECT 1":    fault.Forbidden,
		"EXPLAIN ANALYZE SELECT 1":   fault.Forbidden,
		"EXPLAIN DROP TABLE x":       fault.Forbidden,
		"SHOW CREATE TABLE events":   fault.Forbidden,
		"SHOW SCHEMAS":               fault.Forbidden,
		"DESCRIBE landing":           fault.Forbidden,
		"DESCRIBE loch.events":       fault.Forbidden,
		"SHOW COLUMNS FROM system.x": fault.Forbidden,

		"SELECT * FROM landing":                       fault.Forbidden,
		"SELECT * FROM lake_rows":                     fault.Forbidden,
		"SELECT * FROM loch.events":                   fault.Forbidden,
		"SELECT * FROM events . x":                    fault.Forbidden,
		"SELECT * FROM information_schema.tables":     fault.Forbidden,
		`SELECT * FROM "information_schema"."tables"`: fault.Forbidden,
		`SELECT * FROM "loch"/**/./**/"landing"`:      fault.Forbidden,
		"SELECT * FROM events, landing":               fault.Forbidden,
		"SELECT * FROM events limit, landing":         fault.Forbidden,
		"SELECT * FROM events offset, landing":        fault.Forbidden,
		"SELECT * FROM events e JOIN landing ON true": fault.Forbidden,
		"SELECT * FROM events e JOIN events f ON listagg(e.event) WITHIN GROUP (ORDER BY 1) = '', landing": fault.Forbidden,
		"SELECT * FROM (landing)":                                          fault.Forbidden,
		"SELECT * FROM ((events e CROSS JOIN landing))":                    fault.Forbidden,
		"SELECT (SELECT count(*) FROM landing)":                            fault.Forbidden,
		"SELECT extract(year FROM (SELECT time FROM landing)) FROM events": fault.Forbidden,
		"SELECT 1 FROM events WHERE EXISTS (TABLE landing)":                fault.Forbidden,
		"TABLE landing":                                 fault.Forbidden,
		"SELECT 1 UNION TABLE landing":                  fault.Forbidden,
		"SELECT 1 UNION SELECT 2 FROM landing":          fault.Forbidden,
		"SELECT 1.FROM landing":                         fault.Invalid,
		"SELECT 'a'FROM landing":                        fault.Forbidden,
		`SELECT "a"FROM landing`:                        fault.Forbidden,
		"SELECT 1/**/FROM/**/landing":                   fault.Forbidden,
		"SELECT 1 /* /* */ FROM landing -- */":          fault.Forbidden,
		"SELECT 1 --\rFROM landing":                     fault.Forbidden,
		"SELECT X'00''FROM events' FROM landing":        fault.Forbidden,
		`SELECT a "is" distinct FROM landing`:           fault.Forbidden,
		"SELECT * FROM TABLE(system.query('SELECT 1'))": fault.Forbidden,
		"SELECT * FROM sequence(1, 2)":                  fault.Forbidden,
		"SELECT * FROM events MATCH_RECOGNIZE (PATTERN (A) DEFINE A AS EXISTS (SELECT 1 FROM landing))": fault.Forbidden,

		// A WITH query's name is no table's where the query cannot be seen.
		"WITH landing AS (SELECT * FROM landing) SELECT * FROM landing":                      fault.Forbidden,
		"SELECT * FROM (WITH landing AS (SELECT 1) SELECT 1 FROM landing) x, landing":        fault.Forbidden,
		"WITH a AS (SELECT 1 FROM b), b AS (SELECT 1) SELECT 1 FROM a":                       fault.Forbidden,
		"WITH a AS (WITH landing AS (SELECT 1) SELECT 1 FROM landing) SELECT 1 FROM landing": fault.Forbidden,
		"WITH RECURSIVE landing (a) AS (SELECT 1 FROM landing) SELECT * FROM landing":        fault.Forbidden,
		"WITH events AS (SELECT 1) SELECT * FROM events":                                     fault.Invalid,
		"WITH loch_rows AS (SELECT 1) SELECT * FROM loch_rows":                               fault.Invalid,

		"SELECT 'a":              fault.Invalid,
		"SELECT \"a":             fault.Invalid,
		"SELECT /* a":            fault.Invalid,
		"SELECT `a` FROM events": fault.Invalid,
		"SELECT ?":               fault.Invalid,
		"SELECT 1abc":            fault.Invalid,
		"SELECT\u00a01":          fault.Invalid,
		"SELECT 1 FROM landıng":  fault.Invalid,
		"SELECT (1":              fault.Invalid,
		"SELECT 1)":              fault.Invalid,
		"SELECT 1 FROM":          fault.Invalid,
		"SELECT \x00":            fault.Invalid,
		"SELECT '\xff'":          fault.Invalid,
		"SELECT " + strings.Repeat("(", 300) + "1" + strings.Repeat(")", 300): fault.Invalid,
		"SELECT '" + strings.Repeat("a", maxStatement) + "'":                  fault.TooLarge,
	} {
		if _, err := admit(statement); fault.CodeOf(err) != code {
			t.Errorf("%.200q: %v, want a fault of code %s", statement, err, code)
		}
	}
}

// TestCompose: the relations stand before a statement, whose places keep their
// columns.
func TestCompose(t *testing.T) {
	for statement, want := range map[string]string{
		"SELECT 1": "/* project p */ \nSELECT 1",
		" WITH a AS (SELECT 1)\nSELECT 2 FROM a;": "/* project p */ \n WITH a AS (SELECT 1)\nSELECT 2 FROM a",
	} {
		a, err := admit(statement)
		if err != nil {
			t.Fatal(err)
		}
		got := a.compose("p")
		if statement == "SELECT 1" && got != want || a.with >= 0 && !strings.HasPrefix(got, mark("p")) {
			t.Errorf("%q becomes %q, want %q", statement, got, want)
		}
	}
	for statement, last := range map[string]string{
		"SELECT count(*) FROM rejected":                                  "SELECT count(*) FROM rejected",
		"/* x */ with a AS (SELECT 1 FROM rejected) SELECT 1 FROM a":     "/* x */      a AS (SELECT 1 FROM rejected) SELECT 1 FROM a",
		"EXPLAIN SELECT 1 FROM rejected":                                 "        SELECT 1 FROM rejected",
		"explain -- so\n WITH a AS (SELECT 1 FROM rejected) TABLE a ; ;": "             \n      a AS (SELECT 1 FROM rejected) TABLE a ",
	} {
		a, err := admit(statement)
		if err != nil {
			t.Fatal(err)
		}
		first, rest, _ := strings.Cut(a.compose("p"), "\n")
		if rest != last || !strings.Contains(first, " rejected AS (") || strings.Contains(first, "events") {
			t.Errorf("%q becomes\n%s\n%q, want the last line %q", statement, first, rest, last)
		}
		if explained := strings.HasPrefix(first, mark("p")+"EXPLAIN WITH "); explained != (a.explain > 0) {
			t.Errorf("%q becomes %s", statement, first)
		}
		if strings.HasSuffix(first, ",") != (a.with >= 0) {
			t.Errorf("%q becomes %s", statement, first)
		}
	}
}

// FuzzAdmit: whatever is let in names no table outside of the four by a place
// that even the plainest reading finds, and composes to itself behind one line.
func FuzzAdmit(f *testing.F) {
	for _, seed := range []string{
		"SELECT 1", "SELECT * FROM events e JOIN profiles USING (project), (SELECT 1) x", "WITH a AS (SELECT 1) SELECT 2 FROM a",
		"SELECT 1 FROM (events)", "EXPLAIN TABLE events", "SELECT extract(year FROM time) FROM events", "SELECT 'x' FROM events -- a",
		"SELECT a IS DISTINCT FROM b FROM events", "SHOW TABLES", "DESC events",
	} {
		f.Add(seed)
		f.Add(strings.ReplaceAll(seed, "events", "landing"))
	}
	f.Fuzz(func(t *testing.T, statement string) {
		a, err := admit(statement)
		if err != nil || a.tables || a.describe != "" {
			return
		}
		_, rest, _ := strings.Cut(a.compose("p"), "\n")
		if len(rest) != len(a.statement) || strings.Count(rest, "\n") != strings.Count(a.statement, "\n") {
			t.Fatalf("%q becomes %q", statement, rest)
		}
		tokens, err := lex(a.statement)
		if err != nil {
			t.Fatal(err)
		}
		for i, token := range tokens[:len(tokens)-1] {
			if next := tokens[i+1]; (token.is("join") || token.is("table")) && next.kind == word && next.name == "landing" {
				// Only as the name of a WITH query.
				if !strings.Contains(strings.ToLower(a.statement), "with") {
					t.Fatalf("%q reads a table of the catalogue", statement)
				}
			}
		}
	})
}
