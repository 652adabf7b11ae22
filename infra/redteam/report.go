package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// truth is who really is in the lake, for a run that made the lake itself. A nil
// truth believes every claim.
type truth struct {
	present map[entry]bool
	person  map[entry]int
}

// score is a result held against the truth.
type score struct {
	named   [kinds]int
	persons int
	wrong   int // values that were claimed and are not there
	total   int
	right   []claim // one for each value that was named
}

func (t *truth) score(r *result) score {
	var s score
	people := map[int]bool{}
	for _, e := range named(r.claims) {
		if t != nil && !t.present[e] {
			s.wrong++
			continue
		}
		s.named[e.kind]++
		s.total++
		if t != nil {
			people[t.person[e]] = true
		}
	}
	s.persons = len(people)
	if t == nil {
		s.persons = s.total
	}
	said := map[entry]bool{}
	for _, c := range r.claims {
		if !said[c.entry] && (t == nil || t.present[c.entry]) {
			said[c.entry] = true
			s.right = append(s.right, c)
		}
	}
	return s
}

// kept tells whether a theft ended as Loch promises.
func (r *result) kept(s score) bool {
	switch r.theft.must {
	case nobody:
		return s.total == 0 && len(r.problems) == 0
	case somebody:
		return s.total > 0
	default:
		return true
	}
}

// printTable shows a line for each theft.
func printTable(w io.Writer, l *lists, t *truth, results []result) {
	tw := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(tw, "stolen\tpersons named\t")
	for k := range kinds {
		fmt.Fprint(tw, words[k], "\t")
	}
	fmt.Fprint(tw, "wrong guesses\trows that follow\ttime\tverdict\t\n")
	for i := range results {
		r := &results[i]
		s := t.score(r)
		fmt.Fprintf(tw, "%s\t%d\t", r.theft.name, s.persons)
		for k := range kinds {
			fmt.Fprintf(tw, "%d\t", s.named[k])
		}
		fmt.Fprintf(tw, "%d\t%d\t%.1f s\t%s\t\n", s.wrong, r.rows, r.took.Seconds(), verdict(r, s))
	}
	_ = tw.Flush() // the writer is a screen
	sizes := make([]string, 0, kinds)
	for k := range kinds {
		sizes = append(sizes, fmt.Sprintf("%d %s", len(l[k]), words[k]))
	}
	fmt.Fprintf(w, "\nThe attacker has lists of %s, and the source code.\n", strings.Join(sizes, ", "))
}

func verdict(r *result, s score) string {
	switch {
	case r.theft.must == anything:
		return "reported"
	case r.kept(s) && r.theft.must == somebody:
		return "caught"
	case r.kept(s):
		return "kept"
	case r.theft.must == somebody:
		return "MISSED"
	case s.total == 0:
		return "NOT READ"
	}
	return "BROKEN"
}

// printHow says by which ways people were named, the most fruitful first, with an
// example of each.
func printHow(w io.Writer, l *lists, r *result, s score) {
	type way struct{ attack, how, where string }
	count := map[way]int{}
	example := map[way]claim{}
	for _, c := range s.right {
		k := way{c.attack, words[c.entry.kind] + " " + c.how, c.where}
		if count[k]++; count[k] == 1 {
			example[k] = c
		}
	}
	ways := slices.SortedFunc(maps.Keys(count), func(a, b way) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a.where+a.how, b.where+b.how))
	})
	const most = 25
	for i, k := range ways {
		if i == most {
			fmt.Fprintf(w, "  … and %d more ways\n", len(ways)-most)
			break
		}
		fmt.Fprintf(w, "  %5d  %s, in %s: %s (%s)\n", count[k], k.attack, k.where, k.how, l.value(example[k].entry))
	}
}

// answer is a result for machines.
type answer struct {
	Theft    string         `json:"stolen"`
	Given    string         `json:"evidence"`
	Verdict  string         `json:"verdict"`
	Persons  int            `json:"persons_named"`
	Named    map[string]int `json:"named"`
	Wrong    int            `json:"wrong_guesses"`
	ByAttack map[string]int `json:"by_attack"`
	Rows     int            `json:"rows_that_follow"`
	Opened   int            `json:"profiles_opened"`
	Files    int            `json:"files"`
	Values   int            `json:"values"`
	TookMS   int64          `json:"took_ms"`
	Unique   *uniqueness    `json:"unique,omitempty"`
	Problems []string       `json:"problems,omitempty"`
	Notes    []string       `json:"notes,omitempty"`
}

func answers(t *truth, results []result) []answer {
	var list []answer
	for i := range results {
		r := &results[i]
		s := t.score(r)
		a := answer{
			Theft: r.theft.name, Given: r.theft.given, Verdict: verdict(r, s), Persons: s.persons, Named: map[string]int{},
			Wrong: s.wrong, ByAttack: map[string]int{}, Rows: r.rows, Opened: r.opened, Files: r.files, Values: r.values,
			TookMS: r.took.Milliseconds(), Problems: r.problems, Notes: r.notes,
		}
		if r.unique.Persons > 0 {
			a.Unique = &r.unique
		}
		for k := range kinds {
			a.Named[strings.TrimSuffix(files[k], ".txt")] = s.named[k]
		}
		for _, c := range s.right {
			a.ByAttack[c.attack]++
		}
		list = append(list, a)
	}
	return list
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func printEffort(w io.Writer, e effort) {
	fmt.Fprintf(w, "%d million hashes were guessed in %v.\n", e.guesses/1_000_000, e.took.Round(100*time.Millisecond))
}
