package layout

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// arrowRules say who may import whom inside the house.
var arrowRules = []Rule{
	{
		Name:    "shared imports only shared",
		Instead: "Nouns know no verbs and no adapters. Put an interface beside the noun in shared and let the adapter implement it, or move the code to where it is used.",
		Check: func(t *Tree) []string {
			return forbid(t, func(from, to string, _ bool) bool {
				return within(from, "shared") && !within(to, "shared")
			})
		},
	},
	{
		Name:    "functions are strangers to each other",
		Instead: "What two functions need alike belongs in shared.",
		Check: func(t *Tree) []string {
			return forbid(t, func(from, to string, _ bool) bool {
				return within(from, "functions") && within(to, "functions") && head(from, 2) != head(to, 2)
			})
		},
	},
	{
		Name:    "functions know no adapter",
		Instead: "Take an interface of shared in Deps; only functions/*/lambda and infra/local's main fill it. A test or benchmark of a function may use infra/local's adapters to run the real thing.",
		Check: func(t *Tree) []string {
			return forbid(t, func(from, to string, test bool) bool {
				switch {
				case !within(from, "functions") || !within(to, "infra"):
					return false
				case isLambdaMain(from):
					return !within(to, "infra/aws")
				case test:
					return !within(to, "infra/local")
				}
				return true
			})
		},
	},
	{
		Name:    "adapters know no function",
		Instead: "Only mains introduce functions to adapters: infra/local's main on one machine, functions/*/lambda on AWS.",
		Check: func(t *Tree) []string {
			return forbid(t, func(from, to string, _ bool) bool {
				return within(from, "infra") && from != "infra/local" && within(to, "functions")
			})
		},
	},
	{
		Name:    "AWS and one machine are strangers",
		Instead: "What both need belongs in shared; what is alike by chance may be written twice. The binary's main alone may use infra/aws/stack, by which commands find a stack, and which brings none of AWS's clients along.",
		Check: func(t *Tree) []string {
			return forbid(t, func(from, to string, _ bool) bool {
				return within(from, "infra/aws") && within(to, "infra/local") ||
					within(from, "infra/local") && within(to, "infra/aws") && (from != "infra/local" || to != "infra/aws/stack")
			})
		},
	},
	{
		Name:    "shared is built in three layers",
		Instead: "The order is: fault and rawjson; then event, profile, project; then the rest. Move what is needed down, or the package that needs it up.",
		Check: func(t *Tree) []string {
			return forbid(t, func(from, to string, test bool) bool {
				if test || !within(from, "shared") || !within(to, "shared") {
					return false
				}
				return layer(to) > layer(from)
			})
		},
	},
	{
		Name:    "shared has no rings",
		Instead: "Two nouns that need each other are one noun, or a third one that both import.",
		Check:   rings,
	},
	{
		Name:    "a parent never imports its children",
		Instead: "The parent names the idea, the children are cases of it. Let the caller pass the case in, or move what the parent needs into the parent.",
		Check: func(t *Tree) []string {
			return forbid(t, func(from, to string, test bool) bool {
				return !test && from != "infra/local" && !isLambdaMain(from) && within(to, from)
			})
		},
	},
	{
		Name:    "infra/local is built in layers",
		Instead: "The order is disk, then wal and parquet, then lake, then duckdb; pebble, registry and command stand beside them on disk alone, snapshot on pebble and lake; main is on top. Pass in what is missing.",
		Check: func(t *Tree) []string {
			return forbid(t, func(from, to string, test bool) bool {
				if test || from == "infra/local" || !within(from, "infra/local") || !within(to, "infra/local") {
					return false
				}
				a, b := head(from, 3), head(to, 3)
				return a != b && !slices.Contains(below[a], b)
			})
		},
	},
}

// below lists what each part of infra/local may stand on. A part that is not
// named here stands on nothing.
var below = map[string][]string{
	"infra/local/wal":      {"infra/local/disk"},
	"infra/local/parquet":  {"infra/local/disk"},
	"infra/local/lake":     {"infra/local/disk", "infra/local/wal", "infra/local/parquet"},
	"infra/local/duckdb":   {"infra/local/disk", "infra/local/wal", "infra/local/parquet", "infra/local/lake"},
	"infra/local/pebble":   {"infra/local/disk"},
	"infra/local/registry": {"infra/local/disk"},
	"infra/local/command":  {"infra/local/disk"},
	"infra/local/snapshot": {"infra/local/disk", "infra/local/parquet", "infra/local/lake", "infra/local/pebble"},
}

// forbid returns every import between packages of the house that no allows
// says no to; test tells that only test files have it.
func forbid(t *Tree, no func(from, to string, test bool) bool) []string {
	var found []string
	for i := range t.Packages {
		p := &t.Packages[i]
		for _, to := range Own(p.Imports) {
			if no(p.Path(), to, false) {
				found = append(found, edge(p.Path(), to))
			}
		}
		for _, to := range Own(p.testImports()) {
			if no(p.Path(), to, true) {
				found = append(found, edge(p.Path()+" (tests)", to))
			}
		}
	}
	return found
}

// layer is the place of a package within shared. A package below a noun, such
// as event/eventtest, is not the noun and stands on top. Packages of one layer
// may import each other, as long as they make no ring.
func layer(pkg string) int {
	switch pkg {
	case "shared/fault", "shared/rawjson":
		return 0
	case "shared/event", "shared/profile", "shared/project":
		return 1
	}
	return 2
}

// rings finds folders of shared that import each other by way of their
// packages, which Go itself allows as long as no single package is in the ring.
func rings(t *Tree) []string {
	needs := map[string][]string{}
	for i := range t.Packages {
		p := &t.Packages[i]
		from := head(p.Path(), 2)
		for _, to := range Own(p.Imports) {
			if within(from, "shared") && within(to, "shared") && head(to, 2) != from {
				needs[from] = append(needs[from], head(to, 2))
			}
		}
	}
	var found []string
	const (
		open   = 1
		closed = 2
	)
	state := map[string]int{}
	var walk func(way []string, at string)
	walk = func(way []string, at string) {
		way = append(way, at)
		state[at] = open
		for _, next := range slices.Compact(slices.Sorted(slices.Values(needs[at]))) {
			switch state[next] {
			case open:
				ring := append(slices.Clone(way[slices.Index(way, next):]), next)
				found = append(found, fmt.Sprintf("a ring: %s", strings.Join(ring, " → ")))
			case closed:
			default:
				walk(way, next)
			}
		}
		state[at] = closed
	}
	for _, from := range slices.Sorted(maps.Keys(needs)) {
		if state[from] == 0 {
			walk(nil, from)
		}
	}
	return found
}
