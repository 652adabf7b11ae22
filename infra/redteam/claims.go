package main

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// claim is the attacker's word that somebody of the lists is in the evidence, and
// why.
type claim struct {
	entry  entry
	attack string // which of the attacks below
	how    string
	where  string
	people []string // lake ids of the rows that gave it away
}

// The attacks, in the words of the report.
const (
	bySearch     = "search for values, in clear and encoded"
	byGuessing   = "guessed hashes, salts and keys"
	byRebuilding = "insert ids of rebuilt events"
	byRecipe     = "insert ids by SDK recipes"
	byKeys       = "the vault's own look-up"
	byOpening    = "opened profiles"
)

// search looks for every value in every text, through every encoding.
func search(h *haystack, e *evidence) []claim {
	var claims []claim
	type once struct {
		entry entry
		at    int
	}
	said := map[once]bool{}
	for i := range e.texts {
		t := &e.texts[i]
		look := func(s, layers string) {
			h.find(lower(s), t.loose, func(who entry, how string) {
				if said[once{who, i}] {
					return
				}
				said[once{who, i}] = true
				claims = append(claims, claim{who, bySearch, join(how, layers), strings.Join(t.where, ", "), t.people})
			})
		}
		if t.opaque {
			look(t.s, "")
		} else {
			peel(t.s, look)
		}
	}
	return claims
}

// believe turns the guesser's matches into claims. A match of 32 bits counts only
// where its column shows many more of them than chance would.
func believe(g *guesser, sources []*evidence) map[int32][]claim {
	type method struct {
		source int32
		where  string
		how    string
	}
	fits := map[method]map[entry]bool{}
	place := func(m match) []string {
		if m.text < 0 {
			return []string{"a record of bytes"}
		}
		return sources[m.source].texts[m.text].where
	}
	for _, m := range g.matches {
		for _, where := range place(m) {
			k := method{m.source, where, m.how}
			if fits[k] == nil {
				fits[k] = map[entry]bool{}
			}
			fits[k][m.entry] = true
		}
	}
	entries := float64(len(g.lists.all()))
	claims := map[int32][]claim{}
	for _, m := range g.matches {
		where := place(m)
		if m.short {
			where = slices.DeleteFunc(slices.Clone(where), func(w string) bool {
				const forms = 8
				chance := entries * forms * float64(g.tokens.count[wordPlace{m.source, w}]) / (1 << 32)
				return float64(len(fits[method{m.source, w, m.how}])) < 5+10*chance
			})
			if len(where) == 0 {
				continue
			}
		}
		c := claim{m.entry, byGuessing, m.how, strings.Join(where, ", "), nil}
		if m.text >= 0 {
			c.people = sources[m.source].texts[m.text].people
		}
		claims[m.source] = append(claims[m.source], c)
	}
	return claims
}

// named lists who is claimed, each once.
func named(claims []claim) []entry {
	set := map[entry]bool{}
	for _, c := range claims {
		set[c.entry] = true
	}
	return slices.SortedFunc(maps.Keys(set), func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.at, b.at))
	})
}

// joined counts the rows that a claim leads to: all rows under the lake ids
// beside which the value stood.
func joined(claims []claim, sources []*evidence) int {
	ids := map[string]bool{}
	for _, c := range claims {
		for _, id := range c.people {
			ids[id] = true
		}
	}
	rows := 0
	for id := range ids {
		for _, e := range sources {
			rows += e.rowOf[id]
		}
	}
	return rows
}
