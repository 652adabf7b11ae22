package rawjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"loch/shared/rawjson"
)

func valid(b []byte, depth int) error {
	c := rawjson.Cursor{Buf: b, MaxDepth: depth}
	if _, err := c.Value(); err != nil {
		return err
	}
	if !c.End() {
		return rawjson.ErrSyntax
	}
	return nil
}

// A Cursor accepts what encoding/json accepts, no more and no less.
func TestValueAgreesWithEncodingJSON(t *testing.T) {
	for _, text := range []string{
		`{}`, `[]`, ` [ ] `, `{"a":1}`, `[1,2,[3,{"x":[]}]]`, `"\u00e9\n"`, `-0`, `-0.5e+10`, `1E400`, `true`, `null`,
		`{"a":{"b":{"c":[[[]]]}}}`, "\t\r\n 1", `123456789012345678901234567890`,
		``, `{`, `}`, `[1,]`, `{"a":1,}`, `{"a"}`, `{"a":}`, `{a:1}`, `[1 2]`, `01`, `1.`, `.5`, `+1`, `1e`, `--1`,
		`nul`, `truex`, `"`, `"\x"`, `"\u12"`, "\"\n\"", `[}`, `{]`, `{"a":1]`, `[1}`, `NaN`, `"a" "b"`, `,`, `[,1]`, `{,}`,
	} {
		want := json.Valid([]byte(text))
		if got := valid([]byte(text), 64) == nil; got != want {
			t.Errorf("%q: accepted %v, encoding/json says %v", text, got, want)
		}
	}
}

func TestDepthIsBounded(t *testing.T) {
	nest := func(n int) []byte { return []byte(strings.Repeat("[", n) + strings.Repeat("]", n)) }
	if err := valid(nest(64), 64); err != nil {
		t.Errorf("64 levels: %v", err)
	}
	if err := valid(nest(65), 64); !errors.Is(err, rawjson.ErrDepth) {
		t.Errorf("65 levels: got %v, want ErrDepth", err)
	}
	if err := valid(nest(1_000_000), 1<<30); !errors.Is(err, rawjson.ErrDepth) {
		t.Errorf("a million levels with no limit of the caller's: got %v, want ErrDepth", err)
	}
	mixed := strings.Repeat(`{"a":[`, 30) + strings.Repeat(`]}`, 30)
	if err := valid([]byte(mixed), 64); err != nil {
		t.Errorf("60 mixed levels: %v", err)
	}
	crossed := strings.Repeat(`{"a":[`, 30) + strings.Repeat(`}]`, 30)
	if err := valid([]byte(crossed), 64); !errors.Is(err, rawjson.ErrSyntax) {
		t.Errorf("crossed brackets: got %v, want ErrSyntax", err)
	}
}

func TestSkipBrokenFindsTheNextElement(t *testing.T) {
	for _, c := range []struct {
		text string
		end  int
		ok   bool
	}{
		{`{bad},2]`, 5, true},
		{`{"a":"},"x},2]`, 11, true},
		{`"a\",b",2]`, 7, true},
		{`nonsense]`, 8, true},
		{`{"a":[1,2`, 0, false},
		{`"open`, 0, false},
		{strings.Repeat("[", 1_000_000) + strings.Repeat("]", 1_000_000) + ",1]", 2_000_000, true},
	} {
		end, ok := rawjson.SkipBroken([]byte(c.text), 0)
		if end != c.end || ok != c.ok {
			t.Errorf("%.20q: got %d %v, want %d %v", c.text, end, ok, c.end, c.ok)
		}
	}
}

func TestCleanReplacesWhatEnginesRefuse(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`{"a":"é"}`, `{"a":"é"}`},
		{`{"a":"\ud83d\ude00"}`, `{"a":"\ud83d\ude00"}`},
		{`{"a":"\ud83d"}`, `{"a":"\uFFFD"}`},
		{`{"a":"\ude00\ud83d\ude00"}`, `{"a":"\uFFFD\ud83d\ude00"}`},
		{`{"a":"\\ud83d"}`, `{"a":"\\ud83d"}`},
		{`{"a":"\ud83d\ud83d"}`, `{"a":"\uFFFD\uFFFD"}`},
		{"{\"a\":\"\xff\"}", "{\"a\":\"\uFFFD\"}"},
		{`"\`, `"\`},
	} {
		got, changed := rawjson.Clean([]byte(c.in))
		if string(got) != c.want || changed != (c.in != c.want) {
			t.Errorf("%q: got %q (changed %v), want %q", c.in, got, changed, c.want)
		}
	}
}

func FuzzValue(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.5e3,"x\u00e9"],"b":null}`, `[[[]]]`, `{"a":1,}`, `"\ud800"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		err := valid(b, 200)
		if errors.Is(err, rawjson.ErrDepth) {
			return
		}
		if want := json.Valid(b); (err == nil) != want {
			t.Fatalf("%q: accepted %v, encoding/json says %v", b, err == nil, want)
		}
		read := rawjson.Cursor{Buf: b, MaxDepth: 200}
		start, problem := read.Value()
		if end := rawjson.ValueEnd(string(b), start); err == nil && problem == nil && end != read.Pos {
			t.Fatalf("the value of %q at %d ends at %d, Value says %d", b, start, end, read.Pos)
		}
		clean, _ := rawjson.Clean(b)
		if !utf8.Valid(clean) {
			t.Fatalf("Clean left bytes that are not UTF-8 in %q", b)
		}
		if err == nil && !json.Valid(clean) {
			t.Fatalf("Clean broke %q", b)
		}
		if _, again := rawjson.Clean(clean); again {
			t.Fatalf("Clean is not idempotent on %q", b)
		}
		if err == nil {
			if trimmed := bytes.TrimSpace(clean); len(trimmed) > 0 && trimmed[0] == '"' {
				var want string
				if json.Unmarshal(trimmed, &want) == nil && rawjson.Text(trimmed) != want {
					t.Fatalf("Text(%q) = %q, want %q", trimmed, rawjson.Text(trimmed), want)
				}
			}
		}
	})
}

func BenchmarkValue(b *testing.B) {
	text := []byte(`{"a":"` + strings.Repeat("x", 40) + `","n":12345,"list":[1,2,3],"o":{"k":"` + strings.Repeat("y", 30) + `"}}`)
	text = []byte("[" + strings.Repeat(string(text)+",", 7) + string(text) + "]")
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if valid(text, 64) != nil {
			b.Fatal("not accepted")
		}
	}
}
