package query

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"loch/shared/fault"
)

func TestWhereSQL(t *testing.T) {
	const x = `(json_type(doc, '/x') = 'VARCHAR' AND json_extract_string(doc, '/x') = `
	is := func(text string) string { return "coalesce" + strings.TrimSuffix(x, " ") + " " + text + ", FALSE)" }
	number := func(op, n string) string {
		return "coalesce(json_type(doc, '/n') IN ('UBIGINT', 'BIGINT', 'DOUBLE') AND try_cast(json_extract_string(doc, '/n') AS double) " + op + " " + n + ", FALSE)"
	}
	for _, c := range []struct{ where, want string }{
		{`properties["x"] == "a"`, is("'a'")},
		{`properties['x']=='it''s'`, ""},
		{`properties['x']=="it's"`, is("'it''s'")},
		{`"a" == properties["x"]`, is("'a'")},
		{`properties["x"] != "a"`, "(NOT " + is("'a'") + ")"},
		{`properties["n"] > 1.5`, number(">", "1.5e+00")},
		{`1 <= properties["n"]`, number(">=", "1e+00")},
		{`properties["n"] < -2`, number("<", "-2e+00")},
		{`properties["n"] == 0`, number("=", "0e+00")},
		{`properties["f"] == true`, "coalesce(json_type(doc, '/f') = 'BOOLEAN' AND json_extract_string(doc, '/f') = 'true', FALSE)"},
		{`defined(properties["x"])`, "coalesce(json_type(doc, '/x') <> 'NULL', FALSE)"},
		{`not defined (properties["x"])`, "(NOT coalesce(json_type(doc, '/x') <> 'NULL', FALSE))"},
		{`properties["x"]=="a" or properties["x"]=="b" and properties["x"]=="c"`, "(" + is("'a'") + " OR (" + is("'b'") + " AND " + is("'c'") + "))"},
		{`((properties["x"]=="a" or properties["x"]=="b")) and not properties["x"]=="c"`, "((" + is("'a'") + " OR " + is("'b'") + ") AND (NOT " + is("'c'") + "))"},
		{`properties["x"] in ["a", "b"]`, "(coalesce(json_type(doc, '/x') = 'VARCHAR' AND json_extract_string(doc, '/x') IN ('a', 'b'), FALSE))"},
		{`properties["x"] in [1, "a", true, -2, true]`, "(coalesce(json_type(doc, '/x') = 'BOOLEAN' AND json_extract_string(doc, '/x') = 'true', FALSE)" +
			" OR coalesce(json_type(doc, '/x') = 'VARCHAR' AND json_extract_string(doc, '/x') IN ('a'), FALSE)" +
			" OR coalesce(json_type(doc, '/x') IN ('UBIGINT', 'BIGINT', 'DOUBLE') AND try_cast(json_extract_string(doc, '/x') AS double) IN (1e+00, -2e+00), FALSE))"},
		{`properties["x"] in []`, "FALSE"},
		{`properties["x"] in "abc"`, "coalesce(json_type(doc, '/x') = 'VARCHAR' AND strpos('abc', json_extract_string(doc, '/x')) > 0, FALSE)"},
		{`"a" in properties["x"]`, "coalesce(CASE json_type(doc, '/x') WHEN 'VARCHAR' THEN strpos(json_extract_string(doc, '/x'), 'a') > 0 WHEN 'ARRAY' THEN len(list_filter(try_cast(json_extract(doc, '/x') AS json[]), lambda x: json_type(x) = 'VARCHAR' AND json_extract_string(x, '$') = 'a')) > 0 END, FALSE)"},
		{`properties["a/b~c'd"]=="\"\\\n\u00e9"`, "coalesce(json_type(doc, '/a~1b~0c''d') = 'VARCHAR' AND json_extract_string(doc, '/a~1b~0c''d') = '\"\\\né', FALSE)"},
		{`properties["time"] > 5`, "coalesce('UBIGINT' IN ('UBIGINT', 'BIGINT', 'DOUBLE') AND try_cast(cast(epoch_ms(time) // 1000 AS varchar) AS double) > 5e+00, FALSE)"},
		{`properties["$city"] == "Oslo"`, "coalesce(coalesce(json_type(doc, '/$city'), CASE WHEN city IS NOT NULL THEN 'VARCHAR' END) = 'VARCHAR' AND coalesce(json_extract_string(doc, '/$city'), city) = 'Oslo', FALSE)"},
	} {
		got, err := whereSQL(c.where, false)
		if c.want == "" {
			if fault.CodeOf(err) != fault.Invalid {
				t.Errorf("%s: got %s", c.where, got)
			}
			continue
		}
		if err != nil || got != c.want {
			t.Errorf("%s:\ngot  %s %v\nwant %s", c.where, got, err, c.want)
		}
	}
	if got, err := whereSQL(`properties["time"] > 5`, true); err != nil || !strings.Contains(got, "cast(epoch_ms(time) AS varchar)") {
		t.Errorf("milliseconds: %s %v", got, err)
	}
}

func TestWhereNamesWhatIsMissing(t *testing.T) {
	for _, c := range []struct{ where, words string }{
		{`user["$email"] == "x"`, `user["…"]`},
		{`event["time"] == 1`, `event["…"]`},
		{`number(properties["a"]) > 5`, "number()"},
		{`properties["a"] + 1 == 2`, "operator +"},
		{`-properties["a"] == 2`, "operator -"},
		{`properties["a"] == properties["b"]`, "byte 16"},
		{`"a" == "b"`, "one side must be a property"},
		{`properties["a"] in properties["b"]`, "this use of in"},
		{`properties["a"] > "b"`, "numbers only"},
		{`properties["a"] == null`, "null is not supported"},
		{`properties["a"]`, "a value alone"},
		{`properties["a"] and properties["b"] == 1`, "a value alone"},
		{`(properties["a"]) == 1`, "a value alone"},
		{`properties["a"] == 1 properties`, "the word at byte"},
		{`properties["a"] = 1`, "character at byte 16"},
		{`properties["a"] == secretword`, "the word at byte 19"},
		{`properties["a"] == `, "ends too early"},
		{`properties["a" == 1`, "] is missing"},
		{`properties[a] == 1`, "name in quotes"},
		{`properties == 1`, "[ is missing"},
		{`properties["a"] == "b`, "does not end"},
		{`properties["a"] == "b\x"`, "escape"},
		{`properties["a"] == "\u00"`, `escape \u`},
		{`properties["a"] == "\ud83d\ude00"`, `escape \u`},
		{`properties["a"] == "\u0000"`, `escape \u`},
		{`properties["a"] == 1e999`, "number at byte 19"},
		{`properties["a"] == 1.2.3`, "number at byte 19"},
		{`properties["a"] in [properties["b"]]`, "constants only"},
		{`properties["a"] in [["b"]]`, "list within a list"},
		{`properties["a"] in [1, 2`, "] is missing"},
		{`defined("a")`, "defined()"},
		{`defined(properties["a"]`, ") is missing"},
		{`(properties["a"] == 1`, ") is missing"},
		{`properties["a"] == 1; DROP TABLE events`, "character at byte 20"},
		{"properties[\"a\"] == \"\x00\"", "NUL"},
		{"properties[\"a\"] == \"\xff\"", "UTF-8"},
		{strings.Repeat("(", 5000), "nested deeper"},
		{strings.Repeat("not ", 4000), "nested deeper"},
		{`properties["a"] in [` + strings.Repeat("1,", 2000) + `1]`, "more than 1000"},
		{strings.Repeat(" ", 20_000), "at most 16384"},
	} {
		got, err := whereSQL(c.where, false)
		if fault.CodeOf(err) != fault.Invalid || err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%.60s: got %s %v, want %q", c.where, got, err, c.words)
		}
		if err != nil && strings.Contains(err.Error(), "secretword") {
			t.Errorf("the error repeats what was sent: %v", err)
		}
	}
}

// skeleton replaces each SQL string by ? and fails if one does not end. It reads
// SQL by the standard's rule alone, independently of quote.
func skeleton(t *testing.T, sql string) (shape string, texts []string) {
	t.Helper()
	var b strings.Builder
	for i := 0; i < len(sql); i++ {
		if sql[i] != '\'' {
			b.WriteByte(sql[i])
			continue
		}
		var text strings.Builder
		for i++; ; i++ {
			if i >= len(sql) {
				t.Fatalf("a string does not end: %s", sql)
			}
			if sql[i] == '\'' {
				if i+1 < len(sql) && sql[i+1] == '\'' {
					i++
				} else {
					break
				}
			}
			text.WriteByte(sql[i])
		}
		b.WriteByte('?')
		texts = append(texts, text.String())
	}
	return b.String(), texts
}

func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "'", "''", `\'`, "a' OR 1=1 --", "é", "$$", "/*", "x;y", "\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		shape, texts := skeleton(t, "SELECT "+quote(s)+" AS a")
		if shape != "SELECT ? AS a" || texts[0] != s {
			t.Fatalf("%q became %s", s, quote(s))
		}
		if _, texts = skeleton(t, pointer(s)); len(texts) != 1 || texts[0][0] != '/' ||
			strings.NewReplacer("~1", "/", "~0", "~").Replace(texts[0][1:]) != s {
			t.Fatalf("%q became %s", s, pointer(s))
		}
	})
}

// words are all that a condition consists of besides strings.
var words = regexp.MustCompile(`^(coalesce|json_type|json_extract_string|json_extract|json\[\]|try_cast|cast|strpos|len|list_filter|lambda x:|x|doc|` +
	`user_id|device_id|insert_id|country|region|city|epoch_ms|time|received_time|1000|0|AS|double|varchar|IN|IS NOT NULL|AND|OR|NOT|CASE|WHEN|THEN|END|TRUE|FALSE|` +
	`-?[0-9](\.[0-9]+)?e[+-][0-9]+|//|\|\||<>|<=|>=|[=<>?(),]| )+$`)

func FuzzWhere(f *testing.F) {
	for _, s := range []string{
		`properties["x"] == "a"`, `not (properties["a"] in [1,"b",true] or "c" in properties["d"])`, `defined(properties["time"])`,
		`properties["$city"] in "it's"`, `properties["' OR 1=1 --"] >= -1e5`, `1 in properties["l"] and properties["mp_processing_time_ms"] < 5`,
		`properties["distinct_id"] != '\\\''`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		sql, err := whereSQL(s, len(s)%2 == 0)
		if err != nil {
			if fault.CodeOf(err) != fault.Invalid || !utf8.ValidString(err.Error()) {
				t.Fatalf("%v", err)
			}
			return
		}
		if len(sql) > 64*len(s)+100 {
			t.Fatalf("%d bytes became %d", len(s), len(sql))
		}
		shape, _ := skeleton(t, sql)
		if !words.MatchString(shape) {
			t.Fatalf("%q became %s", s, shape)
		}
		depth := 0
		for _, c := range shape {
			switch c {
			case '(':
				depth++
			case ')':
				if depth--; depth < 0 {
					t.Fatalf("%q leaves a bracket: %s", s, shape)
				}
			}
		}
		if depth != 0 {
			t.Fatalf("%q leaves a bracket: %s", s, shape)
		}
	})
}

func FuzzNumber(f *testing.F) {
	f.Add(1.5)
	f.Add(-1e300)
	f.Fuzz(func(t *testing.T, n float64) {
		if math.IsNaN(n) || math.IsInf(n, 0) {
			return
		}
		var back float64
		if _, err := fmt.Sscan(number(n), &back); err != nil || back != n || !words.MatchString(number(n)) {
			t.Fatalf("%v became %s", n, number(n))
		}
	})
}
