package profile

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
)

func ExampleApply() {
	p := Profile{Project: "shop", ID: "5f0c…"}
	update := Update{TimeMS: 1_795_435_200_000, Ops: []Op{
		{Kind: Set, Name: "plan", Value: json.RawMessage(`"free"`)},
		{Kind: Add, Name: "paid", Value: json.RawMessage(`0.1`)},
		{Kind: Add, Name: "paid", Value: json.RawMessage(`0.2`)},
		{Kind: Union, Name: "tags", Value: json.RawMessage(`["new","eu","new"]`)},
	}}
	keep, refused := Apply(&p, &update, update.TimeMS)
	fmt.Println(keep, refused)
	for _, trait := range p.Traits {
		fmt.Printf("%s = %s\n", trait.Name, trait.Value)
	}

	update.Ops = []Op{{Kind: Add, Name: "plan", Value: json.RawMessage(`1`)}}
	_, refused = Apply(&p, &update, update.TimeMS)
	fmt.Println(refused.Field, "refused:", refused.Reason)
	// Output:
	// true <nil>
	// plan = "free"
	// paid = 0.3
	// tags = ["new","eu"]
	// $add refused: the stored value is not a number
}

// A refusal must leave no trace, also in slices that the caller shares.
func TestApplyDoesNotWriteThroughTheOldTraits(t *testing.T) {
	p := Profile{Traits: []Trait{{"a", json.RawMessage(`1`)}, {"b", json.RawMessage(`[1]`)}, {"c", json.RawMessage(`3`)}}, UpdatedMS: 1}
	old := slices.Clone(p.Traits)
	shared := p.Traits
	u := Update{Ops: parse(`set a 9`, `append b 2`, `unset c`, `delete`, `set b 5`)}
	if keep, refused := Apply(&p, &u, 2); !keep || refused != nil {
		t.Fatalf("keep %v, refused %+v", keep, refused)
	}
	for i := range old {
		if shared[i].Name != old[i].Name || string(shared[i].Value) != string(old[i].Value) {
			t.Errorf("trait %d was overwritten: %s", i, shared[i].Value)
		}
	}
}

func parse(lines ...string) []Op {
	var ops []Op
	for _, line := range lines {
		kind, rest, _ := strings.Cut(line, " ")
		name, value, _ := strings.Cut(rest, " ")
		ops = append(ops, Op{Kind: OpKind(kind), Name: name, Value: json.RawMessage(value)})
	}
	return ops
}

// Few operators walk the traits, many use a map; the outcome is one.
func TestManyOperatorsDoWhatFewDo(t *testing.T) {
	lines := []string{`set a 1`, `set b 2`, `unset a`, `add b 1`, `set a 3`, `unset zz`, `set_once b 0`, `append l 1`, `remove l 1`,
		`set c null`, `unset c`, `set_once c 4`, `union l [1,2]`, `delete`, `set z 1`, `set a 5`, `unset z`, `set z 2`}
	together := Profile{}
	if _, refused := Apply(&together, &Update{Ops: parse(lines...)}, 1); refused != nil {
		t.Fatal(refused)
	}
	alone := Profile{}
	for _, line := range lines {
		if _, refused := Apply(&alone, &Update{Ops: parse(line)}, 1); refused != nil {
			t.Fatal(refused)
		}
	}
	if fmt.Sprintf("%s", together.Traits) != fmt.Sprintf("%s", alone.Traits) || len(alone.Traits) != 2 {
		t.Errorf("together %s\nalone %s", together.Traits, alone.Traits)
	}
}

func TestTextOfSums(t *testing.T) {
	for _, c := range []struct{ a, b, sum string }{
		{"0", "-0.0", "0"},
		{"-0.5", "0.25", "-0.25"},
		{"0.000001", "0", "0.000001"},
		{"1e-7", "0", "1e-7"},
		{"1.25e-7", "0", "1.25e-7"},
		{"12345678901234567890", "0.5", "12345678901234567890.5"},
		{"5e-324", "-5e-324", "0"},
		{"1.7976931348623157e308", "1.7976931348623157e308", "3.5953862697246314e308"},
		{"1e40", "0", "1" + strings.Repeat("0", 40)},
		{"1e41", "0", "1e41"},
		{"1.5e41", "1.5e41", "3e41"},
		{"999999999999999999", "1", "1000000000000000000"},
		{"-999999999999999999", "-999999999999999999", "-1999999999999999998"},
		{"0e99999999999999999999", "7", "7"},
		{" 1", "2 ", "3"},
	} {
		sum, reason := add([]byte(c.a), []byte(c.b))
		if string(sum) != c.sum || reason != "" {
			t.Errorf("%s + %s = %s %s, want %s", c.a, c.b, sum, reason, c.sum)
		}
	}
}

// Numbers made to cost time or memory are refused, not computed.
func TestHostileNumbersAreRefused(t *testing.T) {
	for _, c := range [][2]string{
		{"1", "1e1001"},
		{"1e-1001", "1"},
		{"1e999999999", "1"},
		{"1e9223372036854775807", "1"},
		{"1e99999999999999999999", "1"},
		{"1", strings.Repeat("9", 1001)},
		{"0." + strings.Repeat("9", 1000), "1"},
	} {
		if _, reason := add([]byte(c[0]), []byte(c[1])); reason != reasonNumberRange {
			t.Errorf("%.20s + %.20s: %q, want a refusal for the range", c[0], c[1], reason)
		}
	}
}

// FuzzAdd compares the sum with fractions, and reads it again.
func FuzzAdd(f *testing.F) {
	for _, s := range [][2]string{{"1", "2"}, {"0.1", "0.2"}, {"-1e10", "1E-10"}, {"9007199254740993", "-0.5"}, {"1e400", "-1"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if !json.Valid([]byte(a)) || !json.Valid([]byte(b)) {
			return
		}
		sum, reason := add([]byte(a), []byte(b))
		if reason != "" {
			return
		}
		var x, y, z json.Number
		if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
			t.Fatalf("%q + %q gave %q", a, b, sum)
		}
		if err := json.Unmarshal(sum, &z); err != nil || !json.Valid(sum) {
			t.Fatalf("%q + %q gave %q, which is not a number", a, b, sum)
		}
		for _, n := range []json.Number{x, y} {
			if d, ok := parseDecimal([]byte(n)); !ok || d.exp > 2000 || d.exp < -2000 {
				return // a fraction of that size would be the fuzzer's undoing
			}
		}
		rx, _ := new(big.Rat).SetString(string(x))
		ry, _ := new(big.Rat).SetString(string(y))
		rz, _ := new(big.Rat).SetString(string(z))
		if rx == nil || ry == nil || rz == nil {
			return
		}
		if new(big.Rat).Add(rx, ry).Cmp(rz) != 0 {
			t.Fatalf("%s + %s gave %s", x, y, z)
		}
	})
}

func TestEqualityIsByValue(t *testing.T) {
	same := [][]string{
		{`1`, `1.0`, ` 10e-1 `, `1E0`, `0.1e1`, `100e-2`},
		{`0`, `-0`, `0.0`, `0e5`, `-0e-999`},
		{`-1.5`, `-15e-1`},
		{`1e400`, `10e399`},
		{`9007199254740993`, `9007199254740993.0`},
		{`9007199254740992`},
		{`"é"`, `"\u00e9"`},
		{`"1"`},
		{`true`}, {`false`}, {`null`}, {`""`}, {`[]`}, {`{}`},
		{`"null"`}, {`"true"`}, {`"t"`},
		{`{"a":1,"b":[2]}`, `{"b":[2.0],"a":1.0}`, `{"a":7,"b":[2],"a":1}`},
		{`{"a":1,"b":2}`}, {`{"a":2,"b":1}`}, {`{"ab":12}`},
		{`[1,2]`, `[ 1.0 , 2 ]`}, {`[2,1]`}, {`[[1],2]`}, {`[[1,2]]`}, {`["1",2]`}, {`["1,2"]`},
	}
	class := map[string]int{}
	for i, values := range same {
		for _, v := range values {
			key, ok := canonical([]byte(v))
			if !ok {
				t.Fatalf("%s is not taken as JSON", v)
			}
			if j, known := class[key]; known && j != i {
				t.Errorf("%s equals a value of %v", v, same[j])
			}
			class[key] = i
		}
	}
	if len(class) != len(same) {
		t.Errorf("%d classes of equal values, want %d", len(class), len(same))
	}
	for _, v := range []string{``, `"`, `"a"b"`, "\"a\nb\"", `{`, `1 2`, `nul`, `[1,]`} {
		if _, ok := canonical([]byte(v)); ok {
			t.Errorf("%q is taken as JSON", v)
		}
	}
}

// The worst that one update can do: 2000 operators on 2000 traits.
func BenchmarkApplyLargest(b *testing.B) {
	var p Profile
	var u Update
	for i := range MaxTraits {
		u.Ops = append(u.Ops, Op{Kind: Set, Name: fmt.Sprintf("property %d", i), Value: json.RawMessage(`"some value"`)})
	}
	if _, refused := Apply(&p, &u, 1); refused != nil {
		b.Fatal(refused)
	}
	b.ReportAllocs()
	for b.Loop() {
		Apply(&p, &u, 1)
	}
}

func BenchmarkApplyUsual(b *testing.B) {
	p := Profile{}
	first := Update{Ops: parse(`set $name "Ann"`, `set plan "pro"`, `set seats 5`, `set_once first "ad"`, `add visits 1`, `set country "NO"`)}
	Apply(&p, &first, 1)
	u := Update{Ops: parse(`set plan "free"`, `add visits 1`, `set_once first "mail"`), TimeMS: 5}
	b.ReportAllocs()
	for b.Loop() {
		Apply(&p, &u, 1)
	}
}
