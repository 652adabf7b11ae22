package main

import (
	"context"
	"maps"
	"slices"
	"time"
)

// theft is one thing that could happen: what was stolen, and what may come of it.
type theft struct {
	name   string
	given  string // the evidence, in words
	stolen stolen
	must   outcome
}

// outcome is what Loch promises about a theft.
type outcome int

const (
	anything outcome = iota // it is only reported
	nobody                  // nobody may be named
	somebody                // a planted weakness, which must be found
)

// result is what came of a theft.
type result struct {
	theft  theft
	claims []claim
	rows   int // that follow from the claims by lake id
	opened int // profiles whose sealed traits could be read
	unique uniqueness
	took   time.Duration

	files, values int
	problems      []string
	notes         []string
}

// effort is what all thefts of a run share.
type effort struct {
	guesses int64
	took    time.Duration
}

// attack carries out the thefts. The guesses are made once and held against the
// evidence of all of them.
func attack(ctx context.Context, l *lists, thefts []theft, words []string) ([]result, effort, error) {
	results := make([]result, len(thefts))
	h := newHaystack(l)
	var sources []*evidence
	at := map[string]int{} // path to its place in sources
	claims := map[int][]claim{}
	uses := make([][]int, len(thefts))
	for i, t := range thefts {
		began := time.Now()
		for _, part := range []struct {
			path string
			read func(*evidence) error
		}{
			{t.stolen.lake, func(e *evidence) error { return e.readFolder(t.stolen.lake) }},
			{t.stolen.profiles, func(e *evidence) error { return e.readStore(t.stolen.profiles, "the profile store") }},
			{t.stolen.vault, func(e *evidence) error { return e.readStore(t.stolen.vault, "the vault") }},
		} {
			if part.path == "" {
				continue
			}
			j, known := at[part.path]
			if !known {
				e := newEvidence(part.path)
				if err := part.read(e); err != nil {
					return nil, effort{}, err
				}
				j = len(sources)
				sources, at[part.path] = append(sources, e), j
				claims[j] = search(h, e)
			}
			uses[i] = append(uses[i], j)
		}
		results[i].took = time.Since(began)
	}

	began := time.Now()
	public := publicWords(sources, words)
	g := guessAll(l, collect(sources), public)
	for source, list := range believe(g, sources) {
		claims[int(source)] = append(claims[int(source)], list...)
	}
	for _, list := range []map[int32][]claim{rebuild(l, sources), recipes(l, sources)} {
		for source, more := range list {
			claims[int(source)] = append(claims[int(source)], more...)
		}
	}
	e := effort{g.guesses, time.Since(began)}

	for i, t := range thefts {
		r := &results[i]
		r.theft = t
		began := time.Now()
		var own []*evidence
		for _, j := range uses[i] {
			s := sources[j]
			own = append(own, s)
			r.claims = append(r.claims, claims[j]...)
			r.files, r.values = r.files+s.files, r.values+s.values
			r.problems = append(r.problems, s.problems...)
			r.notes = append(r.notes, s.structure()...)
			if len(s.rows) > 0 {
				r.unique = s.uniqueness()
			}
		}
		if t.stolen.vault != "" {
			more, opened, err := useKeys(ctx, l, t.stolen, own, projects(own, public))
			if err != nil {
				return nil, effort{}, err
			}
			r.claims, r.opened = append(r.claims, more...), opened
		}
		r.rows = joined(r.claims, own)
		r.took += time.Since(began)
	}
	return results, e, nil
}

// publicWords are what may be a salt without being a secret: the projects first,
// then what the caller knows (a write token stands in every page), then words.
func publicWords(sources []*evidence, words []string) []string {
	list := projects(sources, nil)
	for _, w := range append(slices.Clone(words), "loch", "salt", "mixpanel") {
		if !slices.Contains(list, w) {
			list = append(list, w)
		}
	}
	return list
}

// projects are the project ids that the evidence shows, else the words that may
// be one.
func projects(sources []*evidence, otherwise []string) []string {
	all := map[string]bool{}
	for _, e := range sources {
		maps.Copy(all, e.public)
	}
	if len(all) == 0 {
		return otherwise
	}
	return slices.Sorted(maps.Keys(all))
}
