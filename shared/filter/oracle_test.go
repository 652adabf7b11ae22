package filter_test

import (
	"bytes"
	"encoding/json"
	"math/big"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"loch/shared/filter"
)

// naive is the grammar's text read again, in the plainest way: everything is
// decoded, numbers become fractions, and each operator is what its sentence in the
// specification says.
type naive struct {
	Property string
	Op       string
	Value    any
	Any      []naive
}

func decode(text string) (v any) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		panic(err)
	}
	return v
}

func (n *naive) holds(r row) bool {
	if n.Any != nil {
		for i := range n.Any {
			if n.Any[i].holds(r) {
				return true
			}
		}
		return false
	}
	var v any
	name := strings.TrimPrefix(n.Property, "properties.")
	if text, ok := r[name]; ok {
		v = decode(text)
	} else if outer, inner, nested := strings.Cut(name, "."); nested {
		if text, ok := r[outer]; ok {
			if o, ok := decode(text).(map[string]any); ok {
				v = o[inner]
			}
		}
	}
	switch n.Op {
	case "is_set":
		return v != nil
	case "is_not_set":
		return v == nil
	case "ne":
		return !same(v, n.Value)
	case "not_in":
		return v == nil || !among(v, n.Value.([]any))
	case "not_contains":
		return v == nil || !holds(v, n.Value)
	}
	if v == nil {
		return false
	}
	switch n.Op {
	case "eq":
		return same(v, n.Value)
	case "in":
		return among(v, n.Value.([]any))
	case "contains":
		return holds(v, n.Value)
	case "starts_with":
		s, ok := v.(string)
		return ok && strings.HasPrefix(s, n.Value.(string))
	case "matches":
		s, ok := v.(string)
		return ok && regexp.MustCompile(n.Value.(string)).MatchString(s)
	case "is_true":
		return v == true
	case "is_false":
		return v == false
	case "between":
		ends := n.Value.([]any)
		low, okLow := order(v, ends[0])
		high, okHigh := order(v, ends[1])
		return okLow && okHigh && low >= 0 && high <= 0
	}
	o, ok := order(v, n.Value)
	return ok && map[string]bool{"gt": o > 0, "gte": o >= 0, "lt": o < 0, "lte": o <= 0}[n.Op]
}

func same(a, b any) bool {
	switch a.(type) {
	case json.Number, string:
		o, ok := order(a, b)
		return ok && o == 0
	case bool:
		return a == b
	}
	return false
}

func order(a, b any) (int, bool) {
	switch a := a.(type) {
	case json.Number:
		if b, ok := b.(json.Number); ok {
			x, _ := new(big.Rat).SetString(string(a))
			y, _ := new(big.Rat).SetString(string(b))
			return x.Cmp(y), true
		}
	case string:
		if b, ok := b.(string); ok {
			return strings.Compare(a, b), true
		}
	}
	return 0, false
}

func among(v any, list []any) bool {
	for _, l := range list {
		if same(v, l) {
			return true
		}
	}
	return false
}

func holds(v, part any) bool {
	switch v := v.(type) {
	case string:
		s, ok := part.(string)
		return ok && strings.Contains(v, s)
	case []any:
		for _, item := range v {
			if same(item, part) {
				return true
			}
		}
	}
	return false
}

// made makes random filters and rows of few names and values, so that they meet.
type made struct{ *rand.Rand }

func (m made) scalar() string {
	return [...]string{
		`"a"`, `"ab"`, `"b"`, `"\u0061"`, `"10"`, `""`, `"é"`, `0`, `-0.0`, `1`, `1.0`, `10e-1`, `2`, `10`, `0.1`, `1e-1`, `-3`,
		`9007199254740993`, `9007199254740992`, `9007199254740993.0`, `true`, `false`,
	}[m.IntN(22)]
}

func (m made) value(depth int) string {
	switch n := m.IntN(10); {
	case n == 0:
		return "null"
	case n < 3:
		items := make([]string, m.IntN(4))
		for i := range items {
			items[i] = m.scalar()
		}
		return "[" + strings.Join(items, " ,") + "]"
	case n == 3 && depth == 0:
		return `{"in" : ` + m.value(1) + `,"out":` + m.value(1) + `}`
	}
	return m.scalar()
}

func (m made) of(kind string) string {
	for {
		if s := m.scalar(); kind == "text" && s[0] == '"' && s != `""` || kind == "number" && s[0] != '"' && s[0] != 't' && s[0] != 'f' {
			return s
		}
	}
}

func (m made) filter(depth int) string {
	if m.IntN(5) == 0 && depth < 3 {
		return `{"any":` + m.list(1+m.IntN(3), depth+1) + `}`
	}
	property := [...]string{"p", "q", "r", "p.in", "q.out", "flat.name", "properties.p", "gone"}[m.IntN(8)]
	op := [...]string{"eq", "ne", "in", "not_in", "contains", "not_contains", "starts_with", "matches", "gt", "gte", "lt", "lte", "between", "is_set", "is_not_set", "is_true", "is_false"}[m.IntN(17)]
	kind := [...]string{"text", "number"}[m.IntN(2)]
	value := ""
	switch op {
	case "eq", "ne":
		value = m.scalar()
	case "contains", "not_contains":
		value = m.of(kind)
	case "in", "not_in":
		value = "[" + m.scalar() + "," + m.scalar() + "]"
	case "starts_with":
		value = m.of("text")
	case "matches":
		value = [...]string{`"a"`, `"^b"`, `"^a?b$"`, `"^$"`, `"1|é"`}[m.IntN(5)]
	case "between":
		value = "[" + m.of(kind) + "," + m.of(kind) + "]"
	case "gt", "gte", "lt", "lte":
		value = m.of(kind)
	}
	out := `{"op":"` + op + `","property":"` + property + `"`
	if value != "" {
		out += `,"value":` + value
	}
	return out + "}"
}

func (m made) list(n, depth int) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = m.filter(depth)
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// The matcher says of random filters and rows what the naive reading says, and
// so does the list without its last filter at most as much.
func TestAgainstOracle(t *testing.T) {
	m := made{rand.New(rand.NewPCG(11, 12))}
	passed := 0
	const rounds = 60_000
	for range rounds {
		where := m.list(1+m.IntN(2), 0)
		r := row{}
		for _, name := range []string{"p", "q", "r", "flat.name"} {
			if m.IntN(4) > 0 {
				r[name] = m.value(0)
			}
		}
		var list []naive
		d := json.NewDecoder(bytes.NewReader([]byte(where)))
		d.UseNumber()
		if err := d.Decode(&list); err != nil {
			t.Fatal(err)
		}
		want := true
		for i := range list {
			want = want && list[i].holds(r)
		}
		if got := match(t, where, r); got != want {
			t.Fatalf("%s on %v: %v, want %v", where, r, got, want)
		}
		if want {
			passed++
		}
	}
	if passed < rounds/20 || passed > rounds*19/20 {
		t.Errorf("%d of %d pass: the rows and the filters do not meet", passed, rounds)
	}
}

// FuzzParse holds that nothing that is sent makes the parser fail in another way
// than with a fault, and that what it takes can be compiled and asked.
func FuzzParse(f *testing.F) {
	m := made{rand.New(rand.NewPCG(1, 1))}
	for range 50 {
		f.Add(m.list(2, 0))
	}
	f.Add(`[{"property":"seen","op":"gte","value":"2026-11-01"}]`)
	f.Fuzz(func(t *testing.T, where string) {
		w, err := filter.Parse([]byte(where), "where")
		if err != nil {
			return
		}
		c, err := filter.Compile(w, typeOf)
		if err != nil {
			return
		}
		r := row{"p": `{"in":[1,"a"]}`, "q": `"a"`}
		c.Match(r.values(c))
	})
}

func BenchmarkMatch(b *testing.B) {
	w, err := filter.Parse([]byte(`[{"property":"plan","op":"eq","value":"pro"},{"property":"visits","op":"gte","value":10}]`), "where")
	if err != nil {
		b.Fatal(err)
	}
	m, err := filter.Compile(w, typeOf)
	if err != nil {
		b.Fatal(err)
	}
	plan, visits := []byte(`"pro"`), []byte(strconv.Itoa(12))
	b.ReportAllocs()
	for b.Loop() {
		if !m.Match([]filter.Value{filter.JSON(plan), filter.JSON(visits)}) {
			b.Fatal("it passes")
		}
	}
}
