package schema

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"
)

// Answer is the answer of GET /api/schema.
type Answer struct {
	Event      *Event     `json:"event,omitempty"` // the one that was asked for
	Events     []Event    `json:"events,omitempty"`
	Properties []Property `json:"properties"`
	LeftOut    Counts     `json:"left_out"` // how many more there are at least
}

// Counts are numbers of events and of properties.
type Counts struct {
	Events     int64 `json:"events"`
	Properties int64 `json:"properties"`
}

// Event is an event's name and what is known of it.
type Event struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	Seen
}

// Property is a property of events.
type Property struct {
	Name   string   `json:"name"`   // as reports and filters take it
	Column bool     `json:"column"` // of the relation events, and no member of properties
	Types  []string `json:"types"`  // of JSON: string, number, boolean, list, object; the most frequent first
	Seen
	Values []Value `json:"values"` // the most frequent first
	// ValuesLeftOut says why there are none: "many", "identifier" or "min_cell".
	ValuesLeftOut string `json:"values_left_out,omitempty"`
}

// Seen is how often and when. Hidden says that the project does not show it, since
// it may be of few people.
type Seen struct {
	Count     *int64 `json:"count,omitempty"`
	FirstSeen string `json:"first_seen,omitempty"` // RFC 3339, UTC
	LastSeen  string `json:"last_seen,omitempty"`
	Hidden    bool   `json:"hidden,omitempty"`
}

// Value is a value of a property and how often it came.
type Value struct {
	Value json.RawMessage `json:"value"`
	Count *int64          `json:"count,omitempty"`
}

// property is one whose facts are put together.
type property struct {
	space                                Space
	name                                 string
	count, odd, distinct, listed, people int64
	first, last                          int64
	types                                []Fact
	values                               []Fact
}

// Of makes the answer of facts. minCell is the number of persons below which a
// project shows nothing that is counted; 0 and 1 hide nothing.
//
// Under it a value is listed only if so many people are known to have it, and
// without its number: what is missing from a property's would tell the others'.
func Of(facts []Fact, one bool, minCell int64) Answer {
	a := Answer{Properties: []Property{}}
	if !one {
		a.Events = []Event{}
	}
	found := map[Space]map[string]*property{Sent: {}, Column: {}}
	var list []*property
	for _, f := range facts {
		switch f.Kind {
		case OfEvent:
			e := Event{Name: f.Event, Kind: f.Type, Seen: seen(f.Count, f.FirstMS, f.LastMS, f.Persons, minCell)}
			if one {
				a.Event = &e
			} else {
				a.Events = append(a.Events, e)
			}
		case LeftOut:
			if f.Name == "events" {
				a.LeftOut.Events += f.Count
			} else {
				a.LeftOut.Properties += f.Count
			}
		case OfProperty, OfValue:
			p := found[f.Space][f.Name]
			if p == nil && f.Kind == OfProperty {
				p = &property{space: f.Space, name: f.Name, first: f.FirstMS, last: f.LastMS}
				found[f.Space][f.Name] = p
				list = append(list, p)
			}
			if p != nil {
				p.add(f)
			}
		}
	}
	slices.SortFunc(list, func(a, b *property) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.name, b.name), cmp.Compare(a.space, b.space))
	})
	for _, p := range list {
		a.Properties = append(a.Properties, p.answer(minCell))
	}
	return a
}

func (p *property) add(f Fact) {
	if f.Kind == OfValue {
		p.values = append(p.values, f)
		return
	}
	p.count += f.Count
	p.odd += f.Odd
	p.distinct += f.Distinct
	p.people = max(p.people, f.Persons)
	p.first, p.last = min(p.first, f.FirstMS), max(p.last, f.LastMS)
	p.types = append(p.types, f)
	if f.Type == "string" || f.Type == "number" || f.Type == "boolean" {
		p.listed += f.Count
	}
}

func (p *property) answer(minCell int64) Property {
	slices.SortFunc(p.types, func(a, b Fact) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Type, b.Type))
	})
	out := Property{
		Name: PropertyName(p.space, p.name), Column: p.space == Column,
		Seen: seen(p.count, p.first, p.last, p.people, minCell), Values: []Value{}, Types: []string{},
	}
	for _, t := range p.types {
		out.Types = append(out.Types, t.Type)
	}
	if out.ValuesLeftOut = p.withheld(); out.ValuesLeftOut != "" {
		return out
	}
	slices.SortFunc(p.values, func(a, b Fact) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value))
	})
	for _, v := range p.values {
		switch {
		case len(out.Values) == MaxValues || !Plain(v.Value) || !json.Valid([]byte(v.Value)):
		case minCell <= 1:
			out.Values = append(out.Values, Value{json.RawMessage(v.Value), &v.Count})
		case v.Persons >= minCell:
			out.Values = append(out.Values, Value{Value: json.RawMessage(v.Value)})
		default:
			out.ValuesLeftOut = FewPersons
		}
	}
	switch {
	case len(out.Values) > 0:
		out.ValuesLeftOut = ""
	case len(p.values) > 0 && out.ValuesLeftOut == "":
		out.ValuesLeftOut = Identifiers // none of them is plain
	}
	return out
}

func seen(count, first, last, persons, minCell int64) Seen {
	if minCell > 1 && persons < minCell {
		return Seen{Hidden: true}
	}
	return Seen{Count: &count, FirstSeen: moment(first), LastSeen: moment(last)}
}

func moment(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }
