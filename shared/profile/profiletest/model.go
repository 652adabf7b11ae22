package profiletest

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"sort"
	"strings"

	"loch/shared/profile"
)

// model is the contract once more, as plainly as it can be said and sharing no
// code with package profile: values are decoded, numbers are fractions, a
// profile is a list of pairs. Random changes must leave a store and the model
// with the same profiles.
type model struct {
	people map[string]*person
	users  map[string]string // device to user
	erased map[string]bool
}

type person struct {
	names  []string
	values map[string]any
	first  int64
	last   int64
	place  profile.Place
	device profile.DeviceInfo
}

func newModel() *model {
	return &model{people: map[string]*person{}, users: map[string]string{}, erased: map[string]bool{}}
}

func (m *model) person(id string) *person {
	if user, ok := m.users[id]; ok {
		id = user
	}
	return m.people[id]
}

func (m *model) create(id string) *person {
	if m.people[id] == nil {
		m.people[id] = &person{values: map[string]any{}}
	}
	return m.people[id]
}

// apply returns the indexes of the updates that are refused.
func (m *model) apply(c profile.Changes) (refused []int) {
	for _, l := range c.Links {
		if _, ok := m.users[l.Device]; ok || m.erased[l.Device] || m.erased[l.User] {
			continue
		}
		m.users[l.Device] = l.User
		u := m.create(l.User)
		u.see(l.TimeMS)
		if d := m.people[l.Device]; d != nil && d.first > 0 {
			u.first = min(u.first, d.first)
		}
	}
	for _, u := range c.Updates {
		if !m.update(u) {
			refused = append(refused, u.Index)
		}
	}
	for _, g := range c.Sightings {
		id := g.ID
		if user, ok := m.users[id]; ok {
			id = user
		}
		if m.erased[id] {
			continue
		}
		p := m.create(id)
		p.see(g.TimeMS)
		if g.Place != (profile.Place{}) {
			p.place = g.Place
		}
		if g.Device != (profile.DeviceInfo{}) {
			p.device = g.Device
		}
	}
	return refused
}

func (p *person) see(ms int64) {
	if p.first == 0 || ms < p.first {
		p.first = ms
	}
	p.last = max(p.last, ms)
}

func (m *model) update(u profile.Update) bool {
	id := u.ID
	if user, ok := m.users[id]; ok && !u.ExactID {
		id = user
	}
	if m.erased[id] {
		return true
	}
	var p *person // a copy, so that a refusal leaves no trace
	if old := m.people[id]; old != nil {
		c := *old
		c.names = slices.Clone(old.names)
		c.values = map[string]any{}
		maps.Copy(c.values, old.values)
		p = &c
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
	if p == nil {
		delete(m.people, id)
		return true
	}
	m.people[id] = p
	if !u.KeepLastSeen {
		p.see(u.TimeMS)
	}
	if u.Place != (profile.Place{}) && !u.KeepPlace {
		p.place = u.Place
	}
	if u.DeviceInfo != (profile.DeviceInfo{}) {
		p.device = u.DeviceInfo
	}
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

// decode reads JSON with numbers as fractions.
func decode(value json.RawMessage) any {
	dec := json.NewDecoder(strings.NewReader(string(value)))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		panic("profiletest: " + err.Error())
	}
	return fractions(v)
}

func fractions(v any) any {
	switch v := v.(type) {
	case json.Number:
		r, ok := new(big.Rat).SetString(string(v))
		if !ok {
			panic("profiletest: not a number: " + string(v))
		}
		return r
	case []any:
		for i := range v {
			v[i] = fractions(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = fractions(v[name])
		}
	}
	return v
}

// show writes a decoded value so that equal values look alike.
func show(v any) string {
	switch v := v.(type) {
	case *big.Rat:
		return v.RatString()
	case string:
		return fmt.Sprintf("%q", v)
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = show(v[i])
		}
		return "[" + strings.Join(parts, " ") + "]"
	case map[string]any:
		var parts []string
		for name := range v {
			parts = append(parts, fmt.Sprintf("%q:%s", name, show(v[name])))
		}
		sort.Strings(parts)
		return "{" + strings.Join(parts, " ") + "}"
	}
	return fmt.Sprint(v)
}

// linked are the ids that are one person.
func (m *model) linked(id string) []string {
	if user, ok := m.users[id]; ok {
		id = user
	}
	ids := []string{id}
	for device, user := range m.users {
		if user == id {
			ids = append(ids, device)
		}
	}
	return ids
}

func (m *model) erase(ids []string) {
	for _, id := range ids {
		delete(m.people, id)
		delete(m.users, id)
		m.erased[id] = true
	}
}
