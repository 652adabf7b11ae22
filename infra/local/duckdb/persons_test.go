package duckdb

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"loch/shared/event"
)

// society is who is whom, as plainly as possible: for each merged identifier whom
// it was merged into.
type society map[string]string

func (s society) root(id string) string {
	for s[id] != "" {
		id = s[id]
	}
	return id
}

// merge makes two users one person and returns the event that says so.
func (s society) merge(at int64, into, from string) event.Row {
	keeps, goes := s.root(into), s.root(from)
	if keeps != goes {
		s[goes] = keeps
	}
	var ids []string
	for i := range 12 {
		if id := fmt.Sprintf("user-%02d", i); s.root(id) == keeps {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	r := row("$create_alias", at)
	r.Kind, r.UserID, r.DeviceID = event.KindAlias, into, ""
	r.Context = `{"page":{"loch_merged":"no"}}`
	event.AddMerged(&r, keeps, ids)
	return r
}

// TestPersonsAgreeWithOracle merges people between other traffic, rolls over and
// compacts at random moments, and compares every event's person with the plain
// definition. Rows arrive in any order, and some twice.
func TestPersonsAgreeWithOracle(t *testing.T) {
	for seed := range seeds(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w, g := newWorld(t), newTraffic(seed+50, 4, "p", "p", "q")
			w.engine.chunkFiles = 1 + int(seed)
			r := rand.New(rand.NewPCG(seed, 3))
			who := society{}
			var all, late []event.Row
			user := func() string { return fmt.Sprintf("user-%02d", r.IntN(12)) }
			for step := range 48 {
				var rows []event.Row
				if r.IntN(3) > 0 {
					rows = g.request(1 + r.IntN(15))
				}
				if r.IntN(2) == 0 {
					m := who.merge(day0+int64(step), user(), user())
					m.RequestID = fmt.Sprintf("merge-%03d", step)
					late = append(late, m)
					if r.IntN(3) == 0 { // somebody else's website says the same names
						m.Project, m.Context = "q", strings.ReplaceAll(m.Context, "user-", "nobody-")
						late = append(late, m)
					}
				}
				r.Shuffle(len(late), func(i, j int) { late[i], late[j] = late[j], late[i] })
				if r.IntN(2) == 0 || step == 47 {
					rows, late = append(rows, late...), nil
				}
				if forged := row("$identify", day0+int64(step)*7); r.IntN(6) == 0 {
					forged.Kind, forged.RequestID = event.KindIdentify, fmt.Sprintf("forged-%03d", step)
					forged.Context = `{"loch_merged":{"person":"mallory","ids":["user-01","user-02","device-01","a","b","c","d","e","f","g","h","i","j","k"]}}`
					rows = append(rows, forged)
				}
				if len(rows) > 0 {
					w.put(rows...)
					all = append(all, rows...)
				}
				switch r.IntN(4) {
				case 0:
					w.roll()
				case 1:
					if _, err := w.engine.Compact(context.Background(), nil); err != nil {
						t.Fatal(err)
					}
				}
				if step%8 != 7 || len(late) > 0 {
					continue
				}
				linked := persons(all)
				sameLists(t, "events", w.fingerprints("events", "person_id"),
					fingerprints(newest(all), func(e event.Row) string { return who.root(linked(e)) }))
			}
			if n := len(w.snapshot().Links); n == 0 {
				t.Error("compaction kept no links: the test proves little")
			}
			if !slices.ContainsFunc(w.snapshot().Links, isPersons) {
				t.Error("compaction kept no merges: the test proves little")
			}
		})
	}
}
