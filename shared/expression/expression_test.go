package expression_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"loch/shared/expression"
	"loch/shared/fault"
	"loch/shared/filter"
)

// row is what is filtered: JSON by name, nothing where there is none. Of "home" the
// column "place" counts where it has no value.
type row map[string]string

// home is the reading of the tests.
var home = expression.Reading{
	Named: func(of *expression.Property, at int) (string, error) {
		if of.User {
			return "", expression.Wrong("nobody's, at byte %d", at)
		}
		return "properties." + of.Name, nil
	},
	Else: func(of *expression.Property, constant any) (string, any) {
		if of.Name == "home" {
			return "properties.place", constant
		}
		return "", nil
	},
	Dates: true,
}

// made is an expression with what it says of a row, worked out as Mixpanel's reference
// tells it: without SQL, filters or De Morgan.
type made struct {
	text  string
	holds func(row) bool
}

func (r row) of(name string) string {
	v := r[name]
	if (v == "" || v == "null") && name == "home" {
		v = r["place"]
	}
	if v == "null" {
		return ""
	}
	return v
}

func make1(rng *rand.Rand, depth int) made {
	name := []string{"a", "b", "home"}[rng.IntN(3)]
	quoted := fmt.Sprintf("properties[%q]", name)
	constant := []string{`"x"`, `"xy"`, `1`, `2.5`, `-3`, `true`, `false`}[rng.IntN(7)]
	if depth > 0 {
		switch rng.IntN(4) {
		case 0:
			of := make1(rng, depth-1)
			if strings.Contains(of.text, ">") || strings.Contains(of.text, "<") {
				return of
			}
			return made{"not (" + of.text + ")", func(r row) bool { return !of.holds(r) }}
		case 1, 2:
			left, right := make1(rng, depth-1), make1(rng, depth-1)
			return made{"(" + left.text + ") or " + right.text, func(r row) bool { return left.holds(r) || right.holds(r) }}
		case 3:
			left, right := make1(rng, depth-1), make1(rng, depth-1)
			return made{"(" + left.text + ") and (" + right.text + ")", func(r row) bool { return left.holds(r) && right.holds(r) }}
		}
	}
	number := func(text string) (n float64, ok bool) {
		ok = json.Unmarshal([]byte(text), &n) == nil && text != "" && text != "null"
		return n, ok
	}
	equal := func(v, constant string) bool {
		n, ok := number(constant)
		m, also := number(v)
		return ok && also && n == m || v == constant
	}
	switch rng.IntN(6) {
	case 0:
		return made{"defined(" + quoted + ")", func(r row) bool { return r.of(name) != "" }}
	case 1:
		return made{quoted + " == " + constant, func(r row) bool { return equal(r.of(name), constant) }}
	case 2:
		return made{constant + " != " + quoted, func(r row) bool { return !equal(r.of(name), constant) }}
	case 3:
		return made{"1 < " + quoted, func(r row) bool { n, ok := number(r.of(name)); return ok && n > 1 }}
	case 4:
		list := []string{constant, `"q"`, "7"}
		return made{quoted + " in [" + strings.Join(list, ",") + "]", func(r row) bool {
			return slices.ContainsFunc(list, func(c string) bool { return equal(r.of(name), c) })
		}}
	default:
		return made{constant + " in " + quoted, func(r row) bool {
			v := r.of(name)
			var items []json.RawMessage
			if json.Unmarshal([]byte(v), &items) == nil {
				return slices.ContainsFunc(items, func(i json.RawMessage) bool { return equal(string(i), constant) })
			}
			return strings.HasPrefix(v, `"`) && strings.HasPrefix(constant, `"`) && strings.Contains(v, strings.Trim(constant, `"`))
		}}
	}
}

// TestFilters holds the filters of random expressions against what these say.
func TestFilters(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8)) //nolint:gosec // the same each time
	values := []string{"", "null", `"x"`, `"xy"`, `""`, "1", "1.0", "2.5", "-3", "true", "false", `["x",1]`, "[]", `{"x":1}`}
	any1 := func() string { return values[rng.IntN(len(values))] }
	refused := 0
	for range 3000 {
		m := make1(rng, 3)
		c, err := expression.Parse(m.text)
		if err != nil {
			t.Fatalf("%s: %v", m.text, err)
		}
		list, err := home.Filters(c)
		if err != nil {
			if !strings.Contains(err.Error(), "too many combinations") && !strings.Contains(err.Error(), "not before") {
				t.Fatalf("%s: %v", m.text, err)
			}
			refused++
			continue
		}
		match := compiled(t, list)
		if match == nil {
			refused++ // more filters than a list may have
			continue
		}
		for range 8 {
			r := row{"a": any1(), "b": any1(), "home": any1(), "place": any1()}
			sent := make([]filter.Value, len(match.Properties))
			for i, p := range match.Properties {
				sent[i] = filter.JSON([]byte(r[p.Name]))
			}
			if got, want := match.Match(sent), m.holds(r); got != want {
				t.Fatalf("%s of %v: %v, want %v\n%v", m.text, r, got, want, list)
			}
		}
	}
	if refused > 600 {
		t.Errorf("%d were refused", refused)
	}
}

func compiled(t *testing.T, list []any) *filter.Matcher {
	t.Helper()
	text, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	where, err := filter.Parse(text, "where")
	if err != nil && strings.Contains(err.Error(), "more than 100 filters") {
		return nil
	}
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	match, err := filter.Compile(where, func(filter.Property) filter.Type { return filter.Any })
	if err != nil {
		t.Fatal(err)
	}
	return match
}

func TestFiltersRefuse(t *testing.T) {
	for _, c := range []struct{ text, words string }{
		{`user["a"] == 1`, "nobody's, at byte 0"},
		{`properties["a"] > "b"`, "compares numbers, and dates"},
		{`properties["a"] > "2026-11-23 or so"`, "compares numbers, and dates"},
		{`properties["a"] > true`, "compares numbers, and dates"},
		{`not properties["a"] > 1`, "write the comparison that is meant"},
		{`properties["a"] in "abc"`, "this use of in"},
		{`properties["a"] in []`, "this use of in"},
		{strings.Repeat(`properties["a"]==1 and properties["b"]==2 or `, 8) + `properties["a"]==1`, "too many combinations"},
	} {
		parsed, err := expression.Parse(c.text)
		if err == nil {
			_, err = home.Filters(parsed)
		}
		if fault.CodeOf(err) != fault.Invalid || err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v, want %q", c.text, err, c.words)
		}
	}
	parsed, err := expression.Parse(`properties["seen"] >= "2026-11-01"`)
	if err != nil {
		t.Fatal(err)
	}
	if list, err := home.Filters(parsed); err != nil || fmt.Sprint(list) != "[map[op:gte property:properties.seen value:2026-11-01]]" {
		t.Errorf("%v %v", list, err)
	}
}

func TestParseProperty(t *testing.T) {
	for text, want := range map[string]expression.Property{
		`properties["plan"]`: {Name: "plan"}, `plan`: {Name: "plan"}, `user['plan']`: {Name: "plan", User: true},
		`properties`: {}, `user`: {}, `properties["a"] + 1`: {}, `"a"`: {}, ``: {}, `a b`: {},
	} {
		got, ok := expression.ParseProperty(text)
		if got != want || ok != (want.Name != "") {
			t.Errorf("%q: %+v %v", text, got, ok)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`properties["x"] == "a"`, `not (properties["a"] in [1,"b",true] or "c" in user["d"])`, `defined(properties["time"])`,
		`properties["' OR 1=1 --"] >= -1e5`, `1 in properties["l"] and properties["mp_processing_time_ms"] < 5`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := expression.Parse(s)
		var list []any
		if err == nil {
			list, err = home.Filters(c)
		}
		if err != nil {
			if fault.CodeOf(err) != fault.Invalid || !utf8.ValidString(err.Error()) {
				t.Fatalf("%v", err)
			}
			return
		}
		if _, err := json.Marshal(list); err != nil || len(list) == 0 {
			t.Fatalf("%q became %v: %v", s, list, err)
		}
	})
}
