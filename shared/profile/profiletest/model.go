package profiletest

import (
	"math/big"
	"slices"

	"loch/shared/profile"
)

// model is the contract once more, as plainly as it can be said and sharing no
// code with package profile: values are decoded, numbers are fractions, a
// profile is a list of pairs, and every fact about when and where is kept. Random
// changes must leave a store and the model with the same profiles.
type model struct {
	people map[string]*person
	users  map[string]string // device to user, and whoever was merged to whom they were merged into
	merged map[string]bool   // who was merged into somebody
	erased map[string]bool
	gone   map[string]bool    // who had a profile that an update deleted
	once   map[[2]string]bool // id and insert id of an update that was applied
}

type person struct {
	names  []string
	values map[string]any
	facts  []fact
	// updated says that an update made or changed it, not only events.
	updated bool
	sure    int // how many of the facts, from the first, no crash may take away; -1 if it may take the person
}

// fact is what one event, update or link said.
type fact struct {
	ms      int64
	timed   bool // it says that the person was seen at that time
	place   profile.Place
	device  profile.DeviceInfo
	arrival profile.Arrival
}

func newModel() *model {
	return &model{people: map[string]*person{}, users: map[string]string{}, merged: map[string]bool{}, erased: map[string]bool{}, gone: map[string]bool{}, once: map[[2]string]bool{}}
}

// whose follows an id to the person.
func (m *model) whose(id string) string {
	if user, ok := m.users[id]; ok {
		return m.whose(user)
	}
	return id
}

func (m *model) person(id string) *person { return m.people[m.whose(id)] }

func (m *model) create(id string) *person {
	if m.people[id] == nil {
		m.people[id] = &person{values: map[string]any{}, sure: -1}
	}
	return m.people[id]
}

// apply returns the indexes of the updates that are refused.
func (m *model) apply(c profile.Changes) (refused []int) {
	for _, l := range c.Links {
		if _, ok := m.users[l.Device]; ok || m.erased[l.Device] || m.erased[l.User] {
			continue
		}
		user := m.whose(l.User)
		if user == l.Device || m.erased[user] {
			continue
		}
		m.users[l.Device] = user
		u := m.create(user)
		u.facts = append(u.facts, fact{ms: l.TimeMS, timed: true})
		if d := m.people[l.Device]; d != nil {
			u.facts = append(u.facts, d.facts...)
		}
		u.sure = len(u.facts)
	}
	for _, u := range c.Updates {
		if !m.update(u) {
			refused = append(refused, u.Index)
		}
	}
	for _, g := range c.Sightings {
		if id := m.whose(g.ID); !m.erased[id] {
			p := m.create(id)
			p.facts = append(p.facts, fact{g.LastMS, true, g.Place, g.Device, g.Arrival})
		}
	}
	return refused
}

func (m *model) update(u profile.Update) bool {
	id := u.ID
	if !u.ExactID {
		id = m.whose(id)
	}
	name := [2]string{u.ID, u.InsertID}
	if m.erased[id] || m.once[name] {
		return true
	}
	var p *person // a copy, so that a refusal leaves no trace
	if old := m.people[id]; old != nil {
		p = old.clone()
	}
	if len(u.Ops) == 0 && p == nil {
		p = &person{values: map[string]any{}}
	}
	for _, op := range u.Ops {
		if op.Kind == profile.Delete {
			p = nil
			continue
		}
		if p == nil && (op.Kind == profile.Unset || op.Kind == profile.Remove) {
			continue
		}
		if p == nil {
			p = &person{values: map[string]any{}}
		}
		if !p.do(op) {
			return false
		}
	}
	if u.InsertID != "" {
		m.once[name] = true
	}
	if m.people[id] != nil && slices.ContainsFunc(u.Ops, func(op profile.Op) bool { return op.Kind == profile.Delete }) {
		m.gone[id] = true
	}
	if p == nil {
		delete(m.people, id)
		return true
	}
	m.people[id], p.updated = p, true
	f := fact{ms: u.TimeMS, timed: !u.KeepLastSeen, device: u.DeviceInfo}
	if f.timed {
		f.arrival = u.Arrival
	}
	if !u.KeepPlace {
		f.place = u.Place
	}
	p.facts = append(p.facts, f)
	p.sure = len(p.facts)
	return true
}

func (p *person) do(op profile.Op) bool {
	old, there := p.values[op.Name]
	list, isList := old.([]any)
	set := func(v any) bool {
		if !there {
			p.names = append(p.names, op.Name)
		}
		p.values[op.Name] = v
		return true
	}
	switch op.Kind {
	case profile.Unset:
		delete(p.values, op.Name)
		p.names = slices.DeleteFunc(p.names, func(n string) bool { return n == op.Name })
		return true
	case profile.Set:
		return set(decode(op.Value))
	case profile.SetOnce:
		return there || set(decode(op.Value))
	case profile.Add:
		n, isNumber := decode(op.Value).(*big.Rat)
		if !isNumber {
			return false
		}
		if !there {
			return set(n)
		}
		sum, isNumber := old.(*big.Rat)
		if !isNumber {
			return false
		}
		return set(new(big.Rat).Add(sum, n))
	case profile.Append:
		if there && !isList {
			return false
		}
		return set(append(slices.Clone(list), decode(op.Value)))
	case profile.Union:
		if there && !isList {
			return false
		}
		more, many := decode(op.Value).([]any)
		if !many {
			more = []any{decode(op.Value)}
		}
		list = slices.Clone(list)
		for _, v := range more {
			if !slices.ContainsFunc(list, func(w any) bool { return show(v) == show(w) }) {
				list = append(list, v)
			}
		}
		if list == nil {
			list = []any{}
		}
		return set(list)
	case profile.Remove:
		if !there {
			return true
		}
		if !isList {
			return false
		}
		unwanted := show(decode(op.Value))
		return set(slices.DeleteFunc(slices.Clone(list), func(v any) bool { return show(v) == unwanted }))
	case profile.Delete: // takes the whole profile; not an operator on a trait
	}
	return false
}

// linked are the ids that are one person.
func (m *model) linked(id string) []string {
	ids := []string{m.whose(id)}
	for i := 0; i < len(ids); i++ {
		for device, user := range m.users {
			if user == ids[i] {
				ids = append(ids, device)
			}
		}
	}
	return ids
}

func (m *model) erase(ids []string) {
	for _, id := range ids {
		delete(m.people, id)
		delete(m.users, id)
		delete(m.merged, id)
		m.erased[id] = true
	}
}
