// Package laketest is the contract of the four relations, whichever engine shows
// them: which rows events has, whose they are, and that nothing which goes on
// behind, such as compaction, can be seen.
//
// The suite sends random rows that collide in every way that real ones do, has
// the engine move its files about, and compares every answer with a plain
// evaluation in Go of what the relations are said to be.
package laketest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"loch/shared/event"
	"loch/shared/report"
)

// Lake is an engine with the lake that it answers from.
type Lake struct {
	Engine report.Engine

	// Put brings the rows of one request to where the relations show them.
	Put func(t *testing.T, rows []event.Row)

	// Upkeep does some of what goes on behind, chosen by n: moves files, compacts.
	Upkeep func(t *testing.T, n int)

	// Remove orders that rows of lake ids of project p are shown no more.
	Remove func(t *testing.T, ids []string)
}

// Effort is how much of the suite an engine does.
type Effort struct {
	Seeds, Steps, Every int // Every: how many steps lie between two comparisons
}

// Run runs the suite. open makes an empty lake for each test.
func Run(t *testing.T, effort Effort, open func(t *testing.T) Lake) {
	for seed := range uint64(effort.Seeds) {
		t.Run(fmt.Sprintf("each event once/%d", seed), func(t *testing.T) {
			once(t, open(t), seed, effort)
		})
		t.Run(fmt.Sprintf("people/%d", seed), func(t *testing.T) {
			people(t, open(t), seed, effort)
		})
		t.Run(fmt.Sprintf("removals/%d", seed), func(t *testing.T) {
			removals(t, open(t), seed, effort)
		})
	}
}

func newModel() *model { return &model{merges: map[string]string{}, removed: map[string]bool{}} }

// once: whatever comes twice is shown once, the newest.
func once(t *testing.T, l Lake, seed uint64, effort Effort) {
	g, choice, m := NewTraffic(seed, 4, "p", "p", "p", "q"), rand.New(rand.NewPCG(seed, 2)), newModel()
	for step := range effort.Steps {
		for range choice.IntN(4) {
			m.put(t, l, g.Request(1+choice.IntN(25)))
		}
		l.Upkeep(t, choice.IntN(100))
		if step%effort.Every == effort.Every-1 {
			m.compare(t, l)
		}
	}
}

// people: devices are linked and users merged between other traffic. Rows of
// merges arrive in any order, some of them twice, and some are forged.
func people(t *testing.T, l Lake, seed uint64, effort Effort) {
	g, r, m := NewTraffic(seed+50, 4, "p", "p", "q"), rand.New(rand.NewPCG(seed, 3)), newModel()
	var late []event.Row
	for step := range effort.Steps {
		var rows []event.Row
		if r.IntN(3) > 0 {
			rows = g.Request(1 + r.IntN(15))
		}
		if r.IntN(2) == 0 {
			merged := m.merge(Day0+int64(step), user(r.IntN(users)), user(r.IntN(users)))
			merged.RequestID = fmt.Sprintf("merge-%03d", step)
			late = append(late, merged)
			if r.IntN(3) == 0 { // another website says the same names
				merged.Project, merged.Context = "q", strings.ReplaceAll(merged.Context, "00000", "fffff")
				late = append(late, merged)
			}
		}
		last := step%effort.Every == effort.Every-1
		r.Shuffle(len(late), func(i, j int) { late[i], late[j] = late[j], late[i] })
		if r.IntN(2) == 0 || last {
			rows, late = append(rows, late...), nil
		}
		if r.IntN(6) == 0 {
			forged := Row("$identify", Day0+int64(step)*7)
			forged.Kind, forged.RequestID = event.KindIdentify, fmt.Sprintf("forged-%03d", step)
			forged.Context = `{"loch_merged":{"person":"mallory","ids":["` + user(1) + `","` + user(2) + `","` + device(1) + `","a","b","c","d","e","f","g","h","i","j","k"]}}`
			rows = append(rows, forged)
		}
		m.put(t, l, rows)
		l.Upkeep(t, r.IntN(100))
		if last {
			m.compare(t, l)
		}
	}
}

// removals: people are erased with their rows, while more of them arrive. An order
// names every identifier of the person: a user's devices too, so that no device is
// left whose first user is forgotten.
func removals(t *testing.T, l Lake, seed uint64, effort Effort) {
	g, r, m := NewTraffic(seed+90, 4, "p", "p", "p", "q"), rand.New(rand.NewPCG(seed, 4)), newModel()
	for step := range effort.Steps {
		rows := g.Request(1 + r.IntN(25))
		if r.IntN(2) == 0 { // a call that names somebody, and one of another kind that does
			names := Row("$identify", Day0+int64(step))
			names.Kind, names.UserID, names.RequestID = event.KindIdentify, user(8+r.IntN(4)), fmt.Sprintf("names-%03d", step)
			names.Properties = fmt.Sprintf(`{"$anon_distinct_id":"$device:%s"}`, user(r.IntN(8)))
			other := names
			other.Name, other.Kind = "Seen", event.KindEvent
			rows = append(rows, names, other)
		}
		m.put(t, l, rows)
		if r.IntN(4) == 0 && len(m.removed) < 8 {
			ids := m.owned(user(r.IntN(8)))
			if r.IntN(3) == 0 {
				ids = []string{device(r.IntN(12))}
			}
			l.Remove(t, ids)
			for _, id := range ids {
				m.removed[id] = true
			}
		}
		l.Upkeep(t, r.IntN(100))
		if step%effort.Every == effort.Every-1 {
			m.compare(t, l)
		}
	}
}

func (m *model) put(t *testing.T, l Lake, rows []event.Row) {
	t.Helper()
	if len(rows) > 0 {
		l.Put(t, rows)
		m.rows = append(m.rows, rows...)
	}
}

// compare holds the relation events against the definitions.
func (m *model) compare(t *testing.T, l Lake) {
	t.Helper()
	want := lines(newest(m.kept()), m.person())
	answer, err := l.Engine.Query(context.Background(), "p", "SELECT "+shown+", person_id FROM events", report.Limits{Rows: 100_000, Time: 2 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if answer.Truncated || answer.RowCount != len(answer.Rows) {
		t.Fatalf("the result was cut: %d rows of %d", len(answer.Rows), answer.RowCount)
	}
	var got []string
	for _, row := range answer.Rows {
		texts := make([]string, len(row))
		for i, v := range row {
			texts[i] = fmt.Sprint(v)
		}
		got = append(got, strings.Join(texts, "|"))
	}
	slices.Sort(got)
	if slices.Equal(got, want) {
		return
	}
	t.Errorf("events has %d rows, want %d", len(got), len(want))
	for i := 0; i < len(got) && i < len(want); i++ {
		if got[i] != want[i] {
			t.Fatalf("row %d is\n  %s\nwant\n  %s", i, got[i], want[i])
		}
	}
	t.FailNow()
}
