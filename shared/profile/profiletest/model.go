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
// profile is a list of pairs, and every fact about when and where is kept. Random
// changes must leave a store and the model with the same profiles.
type model struct {
	people map[string]*person
	users  map[string]string // device to user
	erased map[string]bool
	once   map[[2]string]bool // id and insert id of an update that was applied
}

type person struct {
	names  []string
	values map[string]any
	facts  []fact
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
	return &model{people: map[string]*person{}, users: map[string]string{}, erased: map[string]bool{}, once: map[[2]string]bool{}}
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
	}
	for _, g := range c.Merges {
		m.merge(m.whose(g.From), m.whose(g.Into))
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

func (m *model) merge(from, into string) {
	if from == into || m.erased[from] || m.erased[into] {
		return
	}
	m.users[from] = into
	old := m.people[from]
	if old == nil {
		return
	}
	delete(m.people, from)
	p := m.create(into)
	p.facts = append(p.facts, old.facts...)
	for _, name := range old.names {
		if _, there := p.values[name]; !there {
			p.names = append(p.names, name)
			p.values[name] = old.values[name]
		}
	}
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
		c := *old
		c.names, c.facts = slices.Clone(old.names), slices.Clone(old.facts)
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
	if u.InsertID != "" {
		m.once[name] = true
	}
	if p == nil {
		delete(m.people, id)
		return true
	}
	m.people[id] = p
	f := fact{ms: u.TimeMS, timed: !u.KeepLastSeen, device: u.DeviceInfo}
	p.facts = append(p.facts, f)
	if !u.KeepPlace && u.Place != (profile.Place{}) {
		// An update says on purpose where the person is, so it is the newest to do so.
		newest := newest(p.facts, func(f fact) profile.Place { return f.place })
		p.facts = append(p.facts, fact{ms: max(u.TimeMS, newest), place: u.Place})
	}
	return true
}

// wrong says what a store's profile has that the facts do not bear out: the first
// time and arrival exactly, the newest of the others to within a minute.
func (p *person) wrong(got profile.Profile) string {
	var first, last, came int64
	var arrival profile.Arrival
	for _, f := range p.facts {
		if f.timed && (first == 0 || f.ms < first) {
			first = f.ms
		}
		if f.timed {
			last = max(last, f.ms)
		}
		if f.arrival != (profile.Arrival{}) && (came == 0 || f.ms < came) {
			arrival, came = f.arrival, f.ms
		}
	}
	switch late := last - got.LastSeenMS; {
	case got.FirstSeenMS != first:
		return fmt.Sprintf("first seen %d, want %d", got.FirstSeenMS, first)
	case late < 0 || late >= profile.SightingEveryMS:
		return fmt.Sprintf("last seen %d, want %d or up to a minute less", got.LastSeenMS, last)
	case got.Arrival != arrival:
		return fmt.Sprintf("came by %+v, want %+v", got.Arrival, arrival)
	case !isNewest(p.facts, got.Place, func(f fact) profile.Place { return f.place }):
		return fmt.Sprintf("is at %+v", got.Place)
	case !isNewest(p.facts, got.Device, func(f fact) profile.DeviceInfo { return f.device }):
		return fmt.Sprintf("is with %+v", got.Device)
	}
	return ""
}

// newest is when something was told last.
func newest[T comparable](facts []fact, told func(fact) T) (ms int64) {
	var nothing T
	for _, f := range facts {
		if told(f) != nothing {
			ms = max(ms, f.ms)
		}
	}
	return ms
}

// isNewest says whether value is the newest that was told, or one of the minute
// before it.
func isNewest[T comparable](facts []fact, value T, told func(fact) T) bool {
	var nothing T
	ms := newest(facts, told)
	if ms == 0 {
		return value == nothing
	}
	return slices.ContainsFunc(facts, func(f fact) bool {
		return told(f) == value && value != nothing && f.ms > ms-profile.SightingEveryMS
	})
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
		m.erased[id] = true
	}
}
