package profiletest

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"loch/shared/fault"
	"loch/shared/profile"
)

func testRandom(t *testing.T, open Opener, reopen Reopener) {
	for range 4 {
		Random(t, open, reopen, rand.Uint64())
	}
}

// Random applies changes made from a seed to a store and to a plain model, and
// compares. The seed of a failure is printed; call Random with it to see the
// failure again.
func Random(t *testing.T, open Opener, reopen Reopener, seed uint64) {
	t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 0)), now: noon}
		s, m := open(t), newModel()
		for round := range 300 {
			c := g.changes()
			var refused []int
			for _, r := range apply(t, s, c) {
				refused = append(refused, r.Index)
			}
			if want := m.apply(c); !slices.Equal(refused, want) {
				t.Fatalf("round %d: refused %v, want %v\n%s", round, refused, want, tell(c))
			}
			if g.IntN(50) == 0 {
				eraseRandom(t, s, m, pick(g, randomIDs))
			}
			for _, id := range randomIDs {
				if problem := compare(s, m, id); problem != "" {
					t.Fatalf("round %d: %s\n%s", round, problem, tell(c))
				}
			}
			if reopen != nil && round%75 == 74 {
				s = reopen(t, s)
			}
		}
	})
}

// eraseRandom erases whoever an id belongs to, from the store and the model.
func eraseRandom(t *testing.T, s profile.Store, m *model, id string) {
	t.Helper()
	ids := linked(t, s, id)
	want := m.linked(id)
	slices.Sort(want)
	if got := slices.Sorted(slices.Values(ids)); !slices.Equal(got, want) {
		t.Fatalf("%s is linked to %v, want %v", id, got, want)
	}
	if err := s.Erase(context.Background(), home, ids); err != nil {
		t.Fatal(err)
	}
	m.erase(ids)
}

// compare says what differs between the store's and the model's profile.
func compare(s profile.Store, m *model, id string) string {
	p, err := s.Get(context.Background(), home, id)
	want := m.person(id)
	if want == nil {
		if fault.CodeOf(err) != fault.NotFound || err == nil {
			return fmt.Sprintf("%s: got %s, %v; want nothing", id, describe(p), err)
		}
		return ""
	}
	if err != nil {
		return fmt.Sprintf("%s: %v", id, err)
	}
	if p.ID != m.whose(id) {
		return fmt.Sprintf("%s: gives %s", id, p.ID)
	}
	var have, wanted []string
	for _, tr := range p.Traits {
		have = append(have, tr.Name+" "+show(decode(tr.Value)))
	}
	for _, name := range want.names {
		wanted = append(wanted, name+" "+show(want.values[name]))
	}
	if !slices.Equal(have, wanted) {
		return fmt.Sprintf("%s: holds %s\nwant %s", id, strings.Join(have, "; "), strings.Join(wanted, "; "))
	}
	if problem := want.wrong(p); problem != "" {
		return fmt.Sprintf("%s: %s; the profile is %s", id, problem, describe(p))
	}
	return ""
}

func tell(c profile.Changes) string {
	var b strings.Builder
	for _, l := range c.Links {
		fmt.Fprintf(&b, "link %s to %s\n", l.Device, l.User)
	}
	for _, u := range c.Updates {
		fmt.Fprintf(&b, "update %d of %s at %d:", u.Index, u.ID, u.TimeMS)
		for _, op := range u.Ops {
			fmt.Fprintf(&b, " %s %s %s;", op.Kind, op.Name, op.Value)
		}
		b.WriteString("\n")
	}
	for _, g := range c.Sightings {
		fmt.Fprintf(&b, "sighting of %s: %+v\n", g.ID, g.Seen)
	}
	return b.String()
}

var (
	randomDevices = []string{"d1", "d2", "d3", "d4", "d5", "d6"}
	randomUsers   = []string{"u1", "u2", "u3"}
	randomIDs     = slices.Concat(randomDevices, randomUsers)
	randomNames   = []string{"a", "b", "c", "d", "e"}
	randomKinds   = []profile.OpKind{profile.Set, profile.SetOnce, profile.Add, profile.Add, profile.Append, profile.Append,
		profile.Union, profile.Union, profile.Remove, profile.Unset, profile.Delete}
	randomScalars = []string{`0`, `1`, `1.0`, `-1`, `0.1`, `0.2`, `2e1`, `20`, `9007199254740993`, `-0.000000001`, `12345678901234567890.5`,
		`null`, `true`, `"a"`, `"1"`, `""`, `"\u00e9"`, `"é"`}
)

// generator makes changes whose times only grow: which of two old sightings a
// store may drop is left open by the contract, so the model could not tell.
type generator struct {
	*rand.Rand
	now int64
}

func pick[T any](g *generator, from []T) T { return from[g.IntN(len(from))] }

func (g *generator) tick() int64 {
	g.now += 1 + g.Int64N(40*second)
	return g.now
}

func (g *generator) changes() profile.Changes {
	var c profile.Changes
	if g.IntN(12) == 0 {
		for range 1 + g.IntN(2) {
			c.Links = append(c.Links, profile.Link{Project: home, Device: pick(g, randomDevices), User: pick(g, randomUsers), TimeMS: g.tick()})
		}
	}
	if g.IntN(4) > 0 {
		for i := range 1 + g.IntN(4) {
			u := profile.Update{
				Index: i, Project: home, ID: pick(g, randomIDs), TimeMS: g.tick(),
				KeepLastSeen: g.IntN(5) == 0, ExactID: g.IntN(5) == 0, KeepPlace: g.IntN(3) == 0,
				Place: g.place(), DeviceInfo: g.device(),
			}
			for range g.IntN(4) * g.IntN(5) {
				u.Ops = append(u.Ops, g.op())
			}
			c.Updates = append(c.Updates, u)
		}
	}
	for range g.IntN(3) {
		c.Sightings = append(c.Sightings, profile.Sighting{
			Project: home, ID: pick(g, randomIDs), Seen: profile.SeenAt(g.tick(), g.place(), g.device(), g.arrival()),
		})
	}
	return c
}

func (g *generator) place() profile.Place {
	return pick(g, []profile.Place{{}, {}, oslo, lima})
}

func (g *generator) device() profile.DeviceInfo {
	return pick(g, []profile.DeviceInfo{{}, {}, phone, desktop})
}

func (g *generator) arrival() profile.Arrival {
	return pick(g, []profile.Arrival{{}, {}, direct, search, letter})
}

func (g *generator) op() profile.Op {
	op := profile.Op{Kind: pick(g, randomKinds), Name: pick(g, randomNames)}
	if op.Kind == profile.Delete && g.IntN(3) > 0 {
		op.Kind = profile.Unset
	}
	switch {
	case op.Kind == profile.Delete:
		op.Name = ""
	case op.Kind == profile.Unset:
	case op.Kind == profile.Add && g.IntN(8) > 0:
		op.Value = json.RawMessage(pick(g, randomScalars[:11]))
	default:
		op.Value = json.RawMessage(g.value(2))
	}
	return op
}

func (g *generator) value(depth int) string {
	if depth == 0 || g.IntN(2) == 0 {
		return pick(g, randomScalars)
	}
	var parts []string
	object := g.IntN(3) == 0
	for range g.IntN(4) {
		v := g.value(depth - 1)
		if object {
			v = `"` + pick(g, randomNames) + `":` + v
		}
		parts = append(parts, v)
	}
	if object {
		return "{" + strings.Join(parts, ",") + "}"
	}
	return "[" + strings.Join(parts, ", ") + "]"
}
