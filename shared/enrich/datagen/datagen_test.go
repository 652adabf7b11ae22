package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestRequiredLiterals(t *testing.T) {
	for expr, want := range map[string][]string{
		`Firefox/(\d+)`:                   {"firefox/"},
		`(Namoroka|Shiretoko)/(\d+)`:      {"namoroka/", "shiretoko/"},
		`(?i)htc[ _-]?one`:                {"htc one", "htc-one", "htc_one", "htcone"},
		`; *(PEDI)_(PLUS)`:                {"pedi_plus"},
		`a.*bcd`:                          {"bcd"},
		`(?:abc)*`:                        nil,
		`(?:abc)+def`:                     {"abc"},
		`x?`:                              nil,
		`\d+`:                             nil,
		`abc|\d`:                          nil,
		`abc|ab`:                          {"ab"}, // "abc" holds it
		`foo(?:bar|)baz`:                  {"foobarbaz", "foobaz"},
		`(SC|SCH)-[12]`:                   {"sc-1", "sc-2", "sch-1", "sch-2"}, // one letter alone is enough to go on
		`Chrome\s(X)`:                     {"chrome x"},                       // the matcher has no other blanks
		`Mozilla.{1,200}(GSA)/(\d+)`:      {"gsa/"},                           // every agent says Mozilla
		`^\b(?:Foo)\B(?:Bar)$`:            {"foobar"},
		`a{0,2}bcde`:                      {"bcde"},
		`(abcd){2,3}`:                     {"abcdabcd"},
		`é(?:À)`:                          {"éÀ"}, // only ASCII has a lower case here
		`(?:one|two|three) (?:red|green)`: {"one green", "one red", "three green", "three red", "two green", "two red"},
	} {
		got, err := requiredLiterals(expr)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %v; want %q", expr, got, err, want)
		}
	}
}

func TestAgentRulesRefuseWhatTheyDoNotKnow(t *testing.T) {
	for name, yaml := range map[string]string{
		"too few":            "user_agent_parsers:\n  - regex: '(a)'\n",
		"another quoting":    "user_agent_parsers:\n  - regex: \"(a)\"\n",
		"an unknown section": "robot_parsers:\n  - regex: '(a)'\n",
		"no section":         "  - regex: '(a)'\n",
		"an unknown member":  "user_agent_parsers:\n  - regex: '(a)'\n    colour: 'red'\n",
		"an unknown flag":    "device_parsers:\n  - regex: '(a)'\n    regex_flag: 'x'\n",
		"a look-ahead":       "user_agent_parsers:\n  - regex: '(?=a)'\n",
	} {
		if rules, err := agentRules([]byte(yaml)); err == nil {
			t.Errorf("%s: made %q", name, rules)
		}
	}
}

func TestAgentLine(t *testing.T) {
	got, err := agentLine("device_parsers", map[string]string{"regex": "(Foo) it''s", "regex_flag": "i", "brand_replacement": "Bar"})
	if want := "d\tfoo it''s\t(?i)(Foo) it''s\t\tBar"; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	key, value, err := member("regex: 'it''s'")
	if key != "regex" || value != "it's" || err != nil {
		t.Errorf("got %q, %q, %v", key, value, err)
	}
}

func TestBotRulesRefuseWhatTheyDoNotKnow(t *testing.T) {
	for name, js := range map[string]string{
		"no list":      "var other = []",
		"not JSON":     "var patterns_default = ['x']",
		"too few":      `var patterns_default = ["bot"]`,
		"no such list": strings.Repeat(" ", 100),
	} {
		if rules, err := botRules([]byte(js)); err == nil {
			t.Errorf("%s: made %q", name, rules)
		}
	}
	for _, pattern := range []string{"(?<!x)new", "new(?!x)", "Upper", "a\tb", "("} {
		if _, line, err := botLine(pattern); err == nil {
			t.Errorf("%q made %q", pattern, line)
		}
	}
}

func TestRun(t *testing.T) {
	source, err := filepath.Abs("../data/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := run(dir, false); err == nil {
		t.Error("it ran without the packages")
	}
	if err := os.Symlink(source, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	if err := run(dir, false); err != nil {
		t.Fatalf("%v; `make data` installs the packages", err)
	}
	made := func(name string) os.FileInfo {
		t.Helper()
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	first := made("made-agents.gz")
	if made("made-country.mmdb").Size() < 1e6 || first.Size() < 1e4 || made("made-bots.gz").Size() < 1e3 {
		t.Error("a file is too small")
	}
	if err := run(dir, false); err != nil || !os.SameFile(first, made("made-agents.gz")) {
		t.Errorf("the second run did the work again, %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "made-bots.gz")); err != nil {
		t.Fatal(err)
	}
	if err := run(dir, false); err != nil || made("made-bots.gz").Size() < 1e3 {
		t.Errorf("a lost file was not made again: %v", err)
	}
}
