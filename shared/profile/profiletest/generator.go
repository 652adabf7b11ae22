package profiletest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"loch/shared/profile"
)

// request is what a client sends and may send again: merges come first, as where
// events are taken in, and then everything else.
type request struct {
	merges []profile.Merging
	profile.Changes
}

func tell(c request) string {
	var b strings.Builder
	for _, g := range c.merges {
		fmt.Fprintf(&b, "merge %s into %s, if it is new: %v, or a visitor: %v\n", g.From.ID, g.Into.ID, g.OnlyNew, g.OrVisitor)
	}
	for _, l := range c.Links {
		fmt.Fprintf(&b, "link %s to %s\n", l.Device, l.User)
	}
	for _, u := range c.Updates {
		fmt.Fprintf(&b, "update %d %q of %s at %d, exactly: %v:", u.Index, u.InsertID, u.ID, u.TimeMS, u.ExactID)
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
	randomNames = []string{"a", "b", "c", "d", "e"}
	randomKinds = []profile.OpKind{profile.Set, profile.SetOnce, profile.Add, profile.Add, profile.Append, profile.Append,
		profile.Union, profile.Union, profile.Remove, profile.Unset, profile.Delete}
	randomScalars = []string{`0`, `1`, `1.0`, `-1`, `0.1`, `0.2`, `2e1`, `20`, `9007199254740993`, `-0.000000001`, `12345678901234567890.5`,
		`null`, `true`, `"a"`, `"1"`, `""`, `"\u00e9"`, `"é"`}
)

// generator makes changes whose times only grow: which of two old sightings a
// store may drop is left open by the contract, so the model could not tell.
type generator struct {
	*rand.Rand
	now                    int64
	names                  int
	devices, users, people []string // of this era
	everybody              []string
}

// newPeople begins an era.
func (g *generator) newPeople() {
	g.devices, g.users = nil, nil
	for i := range 6 {
		g.devices = append(g.devices, fmt.Sprintf("d%d.%d", len(g.everybody), i))
	}
	for i := range 4 {
		g.users = append(g.users, fmt.Sprintf("u%d.%d", len(g.everybody), i))
	}
	g.people = slices.Concat(g.devices, g.users)
	g.everybody = append(g.everybody, g.people...)
}

func pick[T any](g *generator, from []T) T { return from[g.IntN(len(from))] }

func (g *generator) tick() int64 {
	g.now += 1 + g.Int64N(40*second)
	return g.now
}

func (g *generator) request() request {
	var c request
	if g.IntN(12) == 0 {
		for range 1 + g.IntN(2) {
			c.Links = append(c.Links, profile.Link{Project: home, Device: pick(g, g.devices), User: pick(g, g.users), TimeMS: g.tick()})
		}
	}
	if g.IntN(15) == 0 {
		for range 1 + g.IntN(2) {
			c.merges = append(c.merges, profile.Merging{
				Project: home, Into: ref(pick(g, g.people)), From: ref(pick(g, g.people)), OnlyNew: g.IntN(2) == 0, OrVisitor: g.IntN(2) == 0, TimeMS: g.now,
			})
		}
	}
	if g.IntN(4) > 0 {
		for i := range 1 + g.IntN(4) {
			u := profile.Update{
				Index: i, Project: home, ID: pick(g, g.people), TimeMS: g.tick(),
				KeepLastSeen: g.IntN(5) == 0, ExactID: g.IntN(5) == 0, KeepPlace: g.IntN(3) == 0,
				Place: g.place(), DeviceInfo: g.device(),
			}
			if g.IntN(2) == 0 {
				u.InsertID = fmt.Sprint("name", g.names)
				g.names++
			}
			for range g.IntN(4) * g.IntN(5) {
				u.Ops = append(u.Ops, g.op())
			}
			c.Updates = append(c.Updates, u)
		}
	}
	for range g.IntN(3) {
		c.Sightings = append(c.Sightings, profile.Sighting{
			Project: home, ID: pick(g, g.people), Seen: profile.SeenAt(g.tick(), g.place(), g.device(), g.arrival()),
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
