package profiletest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"loch/shared/profile"
)

// differs says how what was read of everybody differs from the model.
func (m *model) differs(found map[string]*profile.Profile, wrong func(*person, profile.Profile) string) string {
	for _, id := range slices.Sorted(maps.Keys(found)) {
		p, want := found[id], m.person(id)
		switch {
		case want == nil && p == nil:
			continue
		case want == nil:
			return fmt.Sprintf("%s: got %s; want nothing", id, describe(*p))
		case p == nil:
			// A crash may take somebody who only was seen.
			if problem := wrong(want, profile.Profile{}); problem != "" || want.sure >= 0 {
				return fmt.Sprintf("%s: got nothing, want %+v", id, want)
			}
			continue
		case p.ID != m.whose(id):
			return fmt.Sprintf("%s: gives %s, want %s", id, p.ID, m.whose(id))
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
		if problem := wrong(want, *p); problem != "" {
			return fmt.Sprintf("%s: %s; the profile is %s", id, problem, describe(*p))
		}
	}
	return ""
}

// adopt makes what is found after a crash what is known.
func (m *model) adopt(found map[string]*profile.Profile) {
	for id, p := range found {
		switch {
		case m.whose(id) != id || m.people[id] == nil:
		case p == nil:
			delete(m.people, id)
		default:
			m.people[id].adopt(*p)
		}
	}
}

func (m *model) clone() *model {
	c := &model{people: map[string]*person{}, users: maps.Clone(m.users), merged: maps.Clone(m.merged), erased: maps.Clone(m.erased), gone: maps.Clone(m.gone), once: maps.Clone(m.once)}
	for id, p := range m.people {
		c.people[id] = p.clone()
	}
	return c
}

func (p *person) clone() *person {
	return &person{names: slices.Clone(p.names), values: maps.Clone(p.values), facts: slices.Clone(p.facts), updated: p.updated, sure: p.sure}
}

// tell writes all that is known, so that two models that know the same are equal.
func (m *model) tell() string {
	var b strings.Builder
	fmt.Fprintln(&b, m.users, m.merged, m.erased, m.gone, m.once) // maps are printed in order
	for _, id := range slices.Sorted(maps.Keys(m.people)) {
		p := m.people[id]
		fmt.Fprint(&b, id, p.facts, p.updated, p.sure)
		for _, name := range p.names {
			fmt.Fprint(&b, name, show(p.values[name]))
		}
	}
	return b.String()
}
