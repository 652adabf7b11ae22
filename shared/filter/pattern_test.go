package filter_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync/atomic"
	"testing"

	"loch/shared/fault"
	"loch/shared/filter"
)

func matching(pattern string) string {
	return fmt.Sprintf(`{"property":"bio","op":"matches","value":%q}`, pattern)
}

// Expressions whose programs would take the memory and the processor of everybody are
// refused where they stand, before they are compiled; what people write is taken.
func TestProgramsAreBounded(t *testing.T) {
	for _, c := range []struct {
		patterns []string
		field    string // of the refusal
	}{
		{[]string{strings.Repeat("(.?){1000}", 90) + "$x"}, "where[0].value"},
		{[]string{strings.Repeat(`\pL{1000}`, 90)}, "where[0].value"},
		{[]string{"(.?){600}", "a", "(.?){600}"}, "where[2].value"},
		{[]string{"a", "((x{10}){10}){10}(y?){3,1000}"}, "where[1].value"},
		{[]string{"(?i)([a-z]{1,900}|b+){1}[0-9]{900}"}, "where[0].value"},
		{[]string{"(.?){900}"}, ""},
		{[]string{`^[\w.+-]+@[\w-]+\.[a-z]{2,24}$`, `^(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}$`, `^\p{L}{2,40}$`, `(?i)\b(pro|team|enterprise)\b`}, ""},
		{[]string{strings.Repeat("x", 1000)}, ""},
	} {
		var list []string
		for _, p := range c.patterns {
			list = append(list, matching(p))
		}
		_, err := filter.Parse([]byte("["+strings.Join(list, ",")+"]"), "where")
		f, refused := errors.AsType[*fault.Error](err)
		switch {
		case refused != (c.field != ""):
			t.Errorf("%.60q: %v", c.patterns, err)
		case refused && (f.Field != c.field || f.Code != fault.Invalid || !strings.Contains(f.Message, "at most 4000")):
			t.Errorf("%.60q: %v, want it at %s", c.patterns, f, c.field)
		}
	}
	if _, err := filter.Parse([]byte(`[{"any":[`+matching("(.?){900}")+`,{"any":[`+matching("(.?){900}")+`]}]}]`), "where"); err == nil {
		t.Error("expressions within any are not counted")
	}
}

// FuzzPrograms holds that whatever is taken makes a program of the size that was
// reckoned, give or take.
func FuzzPrograms(f *testing.F) {
	for _, seed := range []string{"a", "(.?){1000}", `(?i)[a-z]{3,}|\pL*?(?:x|y)+$`, `((a{5}){7}b?){0,9}`, `^(?:[^"]|\\.){0,99}$`, `x{0}`, `(){500}`, `(?:(?:|a){30}){30}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		text, err := json.Marshal(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := filter.Parse([]byte(`[{"property":"bio","op":"matches","value":`+string(text)+`}]`), "where"); err != nil {
			return
		}
		var sent string
		if err := json.Unmarshal(text, &sent); err != nil {
			t.Fatal(err)
		}
		re, err := syntax.Parse(sent, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		program, err := syntax.Compile(re.Simplify())
		if err != nil || len(program.Inst) > 2*4000+2 {
			t.Errorf("%q makes %d steps, %v", pattern, len(program.Inst), err)
		}
	})
}

// Long texts are read in pieces, so that somebody who has gone is noticed; what is
// found is the same.
func TestLongTexts(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 1))
	for range 40 {
		pattern := []string{`(a|b){200}c`, `^(ab?){100}`, `[^x]{300}x$`, `(?s)é.{150}`, `\bab\b.{200}`, `(?m)^b{3}.{100,200}$`, `\xff?b{250}`}[r.IntN(7)]
		var text strings.Builder
		for range r.IntN(5_000) {
			text.WriteString([]string{"a", "b", "a", "b", "c", "é", "\n", " "}[r.IntN(8)])
		}
		for range r.IntN(3) {
			text.WriteString(strings.Repeat("b", 200+r.IntN(100)) + []string{"c", "x", "\n"}[r.IntN(3)])
		}
		w, err := filter.Parse([]byte("["+matching(pattern)+"]"), "where")
		if err != nil {
			t.Fatal(pattern, err)
		}
		m, err := filter.Compile(w, typeOf)
		if err != nil {
			t.Fatal(err)
		}
		want := regexp.MustCompile(pattern).MatchString(text.String())
		for _, m := range []*filter.Matcher{m, m.Until(t.Context())} {
			if got := m.Match([]filter.Value{filter.Text(text.String())}); got != want {
				t.Fatalf("%s in %d bytes: %v, want %v", pattern, text.Len(), got, want)
			}
		}
	}
}

// ending is a context that ends when it was looked at so many times.
type ending struct {
	context.Context
	left, looked atomic.Int64
}

func (e *ending) Err() error {
	if e.looked.Add(1); e.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// One text of full size and one expression of full size take seconds: they end when
// whoever asked has gone, as do all that would follow.
func TestMatchingEnds(t *testing.T) {
	w, err := filter.Parse([]byte("["+matching("(.?){900}$x")+"]"), "where")
	if err != nil {
		t.Fatal(err)
	}
	m, err := filter.Compile(w, typeOf)
	if err != nil {
		t.Fatal(err)
	}
	gone := &ending{Context: t.Context()}
	gone.left.Store(5)
	bound := m.Until(gone)
	text := []filter.Value{filter.Text(strings.Repeat("lorem ipsum ", 20<<10))}
	for range 1000 {
		if bound.Match(text) {
			t.Fatal("it matches")
		}
	}
	if n := gone.looked.Load(); n > 1020 {
		t.Errorf("it went on after nobody waited: looked %d times", n)
	}
}
