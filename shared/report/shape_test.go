package report_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"loch/shared/fault"
	"loch/shared/report"
	"loch/shared/sql"
)

// rest tells whether all that is left of a statement when texts are taken out are
// words, names of columns, numbers and signs: no comment, no semicolon, no
// backslash.
func rest(s string) bool {
	const signs = "_.\"(),+*/=<>| \n-"
	for i := range len(s) {
		c := s[i]
		if ('a' > c || c > 'z') && ('A' > c || c > 'Z') && ('0' > c || c > '9') && strings.IndexByte(signs, c) < 0 {
			return false
		}
	}
	return !strings.Contains(s, "--") && !strings.Contains(s, "/*")
}

// notation is what one engine alone writes.
var notation = strings.NewReplacer("?", "", "AS JSON[]", "AS JSON", "lambda x:", "lambda x")

// shape is a statement with a ? in the place of each text, read by the standard's
// rule alone: a text ends at a quotation mark that no other follows.
func shape(t *testing.T, statement string) string {
	t.Helper()
	var b strings.Builder
	for left := statement; left != ""; {
		before, after, text := strings.Cut(left, "'")
		b.WriteString(before)
		left = after
		for text {
			end := strings.IndexByte(left, '\'')
			if end < 0 {
				t.Fatalf("a text does not end in %s", statement)
			}
			text = strings.HasPrefix(left[end+1:], "'")
			left = left[end+1:]
			if text {
				left = left[1:]
				continue
			}
			b.WriteByte('?')
		}
	}
	if s := b.String(); !rest(notation.Replace(s)) {
		t.Fatalf("there is something strange in %s", s)
	}
	return b.String()
}

// hostile is a spec with two texts in each place that takes one.
func hostile(name, value string) string {
	q := func(s string) string {
		b, _ := json.Marshal(s)
		return string(b)
	}
	return fmt.Sprintf(`{"from":"2026-11-01","to":"2026-11-30","interval":"day",
		"where":[{"property":%[1]s,"op":"eq","value":%[2]s},{"any":[{"property":%[3]s,"op":"contains","value":%[2]s},{"property":%[4]s,"op":"in","value":[%[2]s,%[1]s,1]}]},
			{"property":"country","op":"starts_with","value":%[2]s},{"property":%[3]s,"op":"between","value":[%[2]s,%[2]s]}],
		"breakdown":[{"property":%[3]s},{"property":%[4]s}],
		"cohort":{"did":{"event":%[2]s}},
		"series":[{"event":%[2]s,"name":%[1]s},{"event":{"any":[%[1]s,%[2]s]},"measure":"sum","property":%[3]s},{"event":"*","measure":"sessions"},{"event":"*","measure":"distinct","property":%[4]s}]}`,
		q("n"+name), q("v"+value), q("properties.p"+name+".x"), q("profile.p"+name))
}

// FuzzShape holds that names and values change nothing of a statement but its
// texts: with hostile ones it has the shape that it has with harmless ones.
func FuzzShape(f *testing.F) {
	for _, s := range []string{"", "'", "''", `"`, `\`, `\'`, "' OR 1=1 --", "; DROP TABLE events", "/*", "*/", "\n", "é", "\U0001F600", "$.a", "]", "?", "%", "{}", "0", "'||'"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		if len(name) > 100 {
			return
		}
		for _, d := range dialects {
			statement, err := compiled(hostile(name, value), d)
			if err != nil {
				if code := fault.CodeOf(err); code != fault.Invalid && code != fault.TooLarge {
					t.Fatalf("%q %q: %v", name, value, err)
				}
				continue
			}
			// A name's dots are the one thing that makes other expressions: they say
			// where to look.
			harmless, err := compiled(hostile(onlyDots(name), "x"), d)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := shape(t, statement), shape(t, harmless); got != want {
				t.Fatalf("%q and %q make another statement:\n%s\nnot\n%s", name, value, got, want)
			}
		}
	})
}

// onlyDots keeps of a name where its dots are, and digits, since a part of digits
// is looked for in another way.
func onlyDots(name string) string {
	var b strings.Builder
	for _, r := range name {
		if r == '.' || r >= '0' && r <= '9' {
			b.WriteRune(r)
			continue
		}
		b.WriteByte('x')
	}
	return b.String()
}

// hostileFunnel is the same of a funnel.
func hostileFunnel(name, value string) string {
	q := func(s string) string {
		b, _ := json.Marshal(s)
		return string(b)
	}
	return fmt.Sprintf(`{"from":"2026-11-01","to":"2026-11-30","breakdown":[{"property":%[1]s}],"breakdown_at":2,"hold":[%[1]s],
		"steps":[{"event":"A","name":%[1]s},{"any":[{"event":{"any":[%[2]s,"B"]}},{"event":"C","where":[{"property":%[1]s,"op":"eq","value":%[2]s}]}]},{"event":"*"}],
		"exclude":[{"event":%[2]s,"where":[{"property":%[1]s,"op":"contains","value":%[2]s}]}]}`, q("properties.p"+name+".x"), q("v"+value))
}

// TestFunnelShape holds of a funnel what FuzzShape holds of insights.
func TestFunnelShape(t *testing.T) {
	for _, words := range []string{"'", "''", `"`, `\'`, "' OR 1=1 --", "; DROP TABLE events", "/*", "\n", "$", "]", "?", "%", "'||'"} {
		for _, d := range dialects {
			var shapes [2]string
			for i, w := range []string{words, "x"} {
				s, err := report.Parse("funnel", []byte(hostileFunnel(w, w)))
				if err != nil {
					t.Fatal(err)
				}
				st, err := s.Compile(d, env)
				if err != nil {
					t.Fatal(err)
				}
				shapes[i] = shape(t, st.SQL)
			}
			if shapes[0] != shapes[1] {
				t.Errorf("%q makes another statement:\n%s\nnot\n%s", words, shapes[0], shapes[1])
			}
		}
	}
}

func compiled(spec string, d sql.Dialect) (string, error) {
	s, err := report.Parse("insights", []byte(spec))
	if err != nil {
		return "", err
	}
	st, err := s.Compile(d, env)
	if err != nil {
		return "", err
	}
	return st.SQL, nil
}

// FuzzParse holds that whatever is sent is refused with a place, or compiles in
// every dialect to texts and harmless words.
func FuzzParse(f *testing.F) {
	f.Add(hostile("a", "b"))
	f.Add(`{"from":"2026-10-25","to":"2026-10-25","interval":"hour","timezone":"Australia/Lord_Howe","series":[{"event":"*","measure":"per_user","per_user":"p90"},{"formula":"-A/(A-1)"}]}`)
	f.Add(`{"from":"2026-10-25","to":"2026-10-25","where":[{"property":"a","op":"matches","value":"(?i)^x|\\bé{2,3}$"},{"property":"time","op":"gte","value":"2026-10-25"},{"property":"n","op":"lt","value":1e400}],"series":[{"event":"*","measure":"uniques","rolling_days":30}]}`)
	f.Fuzz(func(t *testing.T, spec string) {
		for _, d := range dialects {
			statement, err := compiled(spec, d)
			if err == nil {
				shape(t, statement)
				continue
			}
			if code := fault.CodeOf(err); code != fault.Invalid && code != fault.TooLarge {
				t.Fatalf("%s: %v", spec, err)
			}
		}
	})
}
