package sql_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"loch/shared/sql"
)

// tokens reads SQL by the standard's rules alone, knowing nothing of how it was
// written: texts, names between quotation marks, words, numbers and signs. A text
// becomes ?, so that what is left is the statement's shape.
func tokens(statement string) (shape []string, texts []string, err error) {
	for i := 0; i < len(statement); {
		c := statement[i]
		switch {
		case strings.IndexByte(" \n\t", c) >= 0:
			i++
		case c == '\'' || c == '"':
			var b strings.Builder
			for i++; ; i++ {
				if i >= len(statement) {
					return nil, nil, errors.New("a text does not end")
				}
				if statement[i] == c {
					if i+1 < len(statement) && statement[i+1] == c {
						i++
					} else {
						break
					}
				}
				b.WriteByte(statement[i])
			}
			i++
			if c == '"' {
				shape = append(shape, `"`+b.String())
				continue
			}
			shape, texts = append(shape, "?"), append(texts, b.String())
		case strings.HasPrefix(statement[i:], "--"), strings.HasPrefix(statement[i:], "/*"), c == ';', c == '$', c == '\\', c >= 0x80, c < ' ':
			return nil, nil, errors.New("there is " + statement[i:min(i+2, len(statement))])
		case word(c):
			start := i
			for i < len(statement) && word(statement[i]) {
				i++
			}
			shape = append(shape, statement[start:i])
		default:
			shape = append(shape, string(c))
			i++
		}
	}
	return shape, texts, nil
}

func word(c byte) bool {
	return c == '_' || c == '.' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"", "'", "''", `\'`, "a' OR 1=1 --", "é", "$$", "/*", "x;y", "\n", "?"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e := sql.Select{Fields: []sql.Field{sql.As(sql.E("upper(?)", sql.Text(s)), "a")}, From: sql.Select{Fields: []sql.Field{sql.As(sql.Text(s), "b")}}.Sub("c")}.Expr()
		shape, texts, err := tokens(e.String())
		if err != nil || strings.Join(shape, " ") != "SELECT upper ( ? ) AS a FROM ( SELECT ? AS b ) c" || texts[0] != s || texts[1] != s {
			t.Fatalf("%q became %s: %v", s, e, err)
		}
	})
}

// FuzzPath holds that a path of names stays one text, and that the names can be
// read back from it by the rules of each engine's paths.
func FuzzPath(f *testing.F) {
	f.Add("a", "b")
	f.Add(`"`, `\`)
	f.Add("0", `'] ["`)
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, d := range []sql.Dialect{sql.DuckDB, sql.Trino} {
			e := d.JSONAt(sql.E("doc"), []string{a, b}, []string{b})
			_, texts, err := tokens(e.String())
			if err != nil {
				t.Fatalf("%s: %q and %q became %s: %v", d.Name(), a, b, e, err)
			}
			var names []string
			for _, text := range texts {
				if strings.HasPrefix(text, "$") {
					names = append(names, readPath(t, text)...)
				}
			}
			want := strings.Join([]string{a, b, b}, "\x00")
			if got := strings.Join(names, "\x00"); got != want && !strings.Contains(got, want) {
				t.Fatalf("%s: %q became %s, which reads %q", d.Name(), want, e, got)
			}
		}
	})
}

// readPath reads names between quotation marks, with a backslash before what is
// not to end them.
func readPath(t *testing.T, path string) (names []string) {
	t.Helper()
	rest := path[1:]
	for rest != "" {
		rest = strings.TrimPrefix(strings.TrimPrefix(rest, "."), "[")
		if rest[0] != '"' {
			t.Fatalf("%s is no path", path)
		}
		var b strings.Builder
		i := 1
		for ; rest[i] != '"'; i++ {
			if rest[i] == '\\' {
				i++
			}
			b.WriteByte(rest[i])
		}
		names = append(names, b.String())
		rest = strings.TrimPrefix(rest[i+1:], "]")
	}
	return names
}

func TestArguments(t *testing.T) {
	for name, make := range map[string]func(){
		"too few":  func() { sql.E("a(?, ?)", sql.Int(1)) },
		"too many": func() { sql.E("a(?)", sql.Int(1), sql.Int(2)) },
		"empty":    func() { sql.E("a(?)", sql.Expr{}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s arguments were taken", name)
				}
			}()
			make()
		}()
	}
}

func TestLiterals(t *testing.T) {
	for got, want := range map[string]string{
		sql.Int(-5).String():     "(-5)",
		sql.Double(0.1).String(): "1E-01",
		sql.Double(-2).String():  "(-2E+00)",
		sql.Moment(time.Date(2026, 11, 1, 2, 3, 4, 5e6, time.UTC).UnixMilli()).String(): "TIMESTAMP '2026-11-01 02:03:04.005'",
		sql.Date(20758).String():          "DATE '2026-11-01'",
		sql.And().String():                "TRUE",
		sql.Or().String():                 "FALSE",
		sql.And(sql.E("a")).String():      "a",
		sql.Column("e", `ti"me`).String(): `e."ti""me"`,
		sql.Case(sql.E("t"), []int64{10, 20}, []int64{1, -2, 3}).String(): "CASE WHEN t < 10 THEN 1 WHEN t < 20 THEN (-2) ELSE 3 END",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
