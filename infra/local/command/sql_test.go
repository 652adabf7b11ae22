package command

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const sqlAnswer = `{"columns":[{"name":"event","type":"VARCHAR"},{"name":"n","type":"BIGINT"},{"name":"share","type":"DECIMAL(5,2)"},{"name":"first","type":"TIMESTAMP"},{"name":"note","type":"VARCHAR"}],
"rows":[["$mp_web_page_view",53867,53.87,"2026-10-24 00:01:44.722","most of all"],
["Landing",10551,10.55,"2026-10-24 00:02:01",null],
["検索した — 今日",9007199254740993,0.01,null,"a very long remark that no table of this width has room for, so it is cut"],
["tab\there\nand a line","0",0.00,null,"\u001b[31mred\u001b[0m \u202egnol"]],
"row_count":4,"truncated":false,"elapsed_ms":12}`

func TestSQLTable(t *testing.T) {
	for name, look := range map[string]screen{
		"sql.txt":         {},
		"sql-100.txt":     {width: 100, live: true},
		"sql-records.txt": {width: 46, live: true},
		"sql-colour.txt":  {width: 100, live: true, colour: true},
	} {
		f := newFake(t, answers(t, "POST", "/api/sql", "READ", 200, sqlAnswer))
		f.look = look
		out, errs, code := f.run(newSQL, "select 1")
		if code != 0 || errs != "" {
			t.Errorf("%s: code %d, %q", name, code, errs)
		}
		golden(t, name, out)
		if look.width > 0 && !look.colour {
			for line := range strings.Lines(out) {
				if w := cells.StringWidth(strings.TrimSuffix(line, "\n")); w > look.width {
					t.Errorf("%s: %d columns on a screen of %d: %s", name, w, look.width, line)
				}
			}
		}
	}
}

// TestNothingHostileReachesTheTerminal holds that what a website sent cannot
// write escape sequences, whatever the place it comes from.
func TestNothingHostileReachesTheTerminal(t *testing.T) {
	const evil = `\u001b]0;title\u0007\u009b31m\u202e\r`
	f := newFake(t, answers(t, "POST", "/api/sql", "READ", 200, `{"columns":[{"name":"`+evil+`","type":"VARCHAR"}],"rows":[["`+evil+`"]],"row_count":1,"elapsed_ms":1}`))
	f.look = screen{width: 80, live: true}
	out, _, _ := f.run(newSQL, "select 1")
	g := newFake(t, answers(t, "POST", "/api/sql", "READ", 400, `{"error":{"code":"invalid","message":"`+evil+`"}}`))
	g.look = f.look
	_, errs, _ := g.run(newSQL, "select '\x1b[2J' -- \x07")
	if strings.ContainsAny(out+errs, "\x1b\x07\u009b\u202e\r") {
		t.Errorf("%q", out+errs)
	}
}

func TestSQLForPrograms(t *testing.T) {
	const twins = `{"columns":[{"name":"a","type":"BIGINT"},{"name":"a","type":"JSON"}],"rows":[[12345678901234567890,{"b": ["<", 1.50]}],[null,"x,\"y\""]],"row_count":2,"truncated":true,"elapsed_ms":1}`
	f := newFake(t, answers(t, "POST", "/api/sql", "READ", 200, twins))
	out, errs, code := f.run(newSQL, "--json", "select 1")
	want := `{"a":12345678901234567890,"a_2":{"b":["<",1.50]}}` + "\n" + `{"a":null,"a_2":"x,\"y\""}` + "\n"
	if out != want || code != exitPartly || !strings.Contains(errs, "only the first 2 rows came") {
		t.Errorf("code %d, %q\ngot  %swant %s", code, errs, out, want)
	}
	out, _, _ = f.run(newSQL, "--csv", "select 1")
	want = "a,a\n12345678901234567890,\"{\"\"b\"\": [\"\"<\"\", 1.50]}\"\n,\"x,\"\"y\"\"\"\n"
	if out != want {
		t.Errorf("got  %q\nwant %q", out, want)
	}
}

func TestSQLStatementFromAnywhere(t *testing.T) {
	asked := ""
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		var q map[string]any
		if err := json.Unmarshal(b, &q); err != nil {
			t.Error(err)
		}
		asked, _ = q["sql"].(string)
		_, _ = w.Write([]byte(`{"columns":[],"rows":[]}`))
	})
	file := filepath.Join(t.TempDir(), "q.sql")
	if err := os.WriteFile(file, []byte("select 'file'"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"select 1 from events": {"select", "1", "from", "events"},
		"select 'file'":        {"--file", file},
		"select 'stdin'":       {},
		"select 'stdin' ":      {"--file", "-"},
	} {
		stdin := "select 'stdin'"
		if strings.HasSuffix(want, " ") {
			stdin += " "
		}
		if _, errs, code := f.runWith(t.Context(), stdin, newSQL, args...); code != 0 || asked != want {
			t.Errorf("%q: asked %q, code %d, %s", args, asked, code, errs)
		}
	}
	for _, args := range [][]string{{"--json", "--csv", "select 1"}, {"--file", file, "select 1"}, {"--file", "/nowhere"}, {"  "}, {"--limit", "-1", "x"}, {"--nonsense"}} {
		if _, errs, code := f.run(newSQL, args...); code != exitUsage || errs == "" {
			t.Errorf("%q: code %d, %q", args, code, errs)
		}
	}
}

func TestSQLErrors(t *testing.T) {
	const wrong = `{"error":{"code":"invalid","message":"Binder Error: Referenced column \"evnt\" not found (line 2, column 10)"}}`
	f := newFake(t, answers(t, "POST", "/api/sql", "READ", 400, wrong))
	_, errs, code := f.run(newSQL, "select 1,\n       日本evnt\nfrom events")
	if code != exitUsage {
		t.Errorf("code %d", code)
	}
	golden(t, "sql-error.txt", errs)

	for body, want := range map[string]struct {
		status int
		code   int
		words  string
	}{
		`{"error":{"code":"unauthorized","message":"this key is not known"}}`: {401, exitFailed, "this key is not known\nname a key with --key"},
		`{"error":{"code":"timeout","message":"it took too long"}}`:           {504, exitFailed, "it took too long"},
		`<html>bad gateway</html>`:                                            {502, exitFailed, "the server answered 502 Bad Gateway"},
		`{"error":{"code":"invalid","message":"no","field":"limit"}}`:         {400, exitUsage, "limit: no"},
		`not json`: {200, exitFailed, "the answer is not Loch's"},
	} {
		f := newFake(t, answers(t, "POST", "/api/sql", "", want.status, body))
		if _, errs, code := f.run(newSQL, "select 1"); code != want.code || !strings.Contains(errs, want.words) {
			t.Errorf("%s: code %d, %q", body, code, errs)
		}
	}

	f = newFake(t, nil)
	f.server.Close()
	if _, errs, code := f.run(newSQL, "select 1"); code != exitFailed || !strings.Contains(errs, "loch serve") {
		t.Errorf("code %d, %q", code, errs)
	}
}

func TestCaretStaysWithinTheLine(t *testing.T) {
	long := strings.Repeat("x", 500)
	for _, at := range []int{1, 250, 500, 501, 900} {
		got := caret(long, 1, at, screen{})
		for line := range strings.Lines(got) {
			if cells.StringWidth(line) > 130 {
				t.Errorf("column %d: a line of %d columns", at, cells.StringWidth(line))
			}
		}
	}
	if caret("a", 2, 1, screen{}) != "" || caret("a", 1, 0, screen{}) != "" {
		t.Error("a place outside of the statement has no mark")
	}
}

// TestSQLWaitsForASlowQuery follows a 202 to where the answer will be.
func TestSQLWaitsForASlowQuery(t *testing.T) {
	looks := 0
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			w.Header().Set("Location", "/api/queries/7")
			w.WriteHeader(http.StatusAccepted)
		case r.URL.Path != "/api/queries/7" || r.Header.Get("Authorization") != "Bearer READ":
			t.Errorf("looked at %s", r.URL)
		default:
			if looks++; looks < 5 {
				w.Header().Set("Location", "/api/queries/7")
				w.WriteHeader(http.StatusAccepted)
				return
			}
			_, _ = w.Write([]byte(sqlAnswer))
		}
	})
	out, errs, code := f.run(newSQL, "select 1")
	if code != 0 || !strings.Contains(out, "Landing") {
		t.Errorf("code %d, %q", code, errs)
	}
	want := []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 3 * time.Second}
	if len(f.slept) != len(want) || f.slept[0] != want[0] || f.slept[4] != want[4] {
		t.Errorf("slept %v, want %v", f.slept, want)
	}
}
