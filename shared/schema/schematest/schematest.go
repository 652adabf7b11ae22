// Package schematest is the contract of a schema.Source, whichever store keeps the
// facts: they are those of the events that SQL shows, whatever goes on behind.
package schematest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"loch/shared/event"
	"loch/shared/report"
	"loch/shared/report/laketest"
	"loch/shared/schema"
)

// Lake is a source with the lake that it tells of.
type Lake struct {
	laketest.Lake
	Source schema.Source
	Settle func(t *testing.T) // compacts all that can be
}

// Effort is how much of the suite an engine does.
type Effort struct {
	Seeds, Steps, Every int // Every: how many steps lie between two comparisons
	Names               int // for how many events, beside all together; 0 for each
}

// Run runs the suite. open makes an empty lake for each test. It sends rows of all
// kinds, some of them twice, orders that people's rows are removed, and compares
// with what a plain loop over the relation events finds.
func Run(t *testing.T, effort Effort, open func(t *testing.T) Lake) {
	for seed := range uint64(effort.Seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			l := open(t)
			g, r := laketest.NewTraffic(seed, 4, "p", "p", "q"), rand.New(rand.NewPCG(seed, 7))
			for step := range effort.Steps {
				for range 1 + r.IntN(3) {
					l.Put(t, varied(r, g.Request(1+r.IntN(25))))
				}
				if r.IntN(5) == 0 {
					l.Remove(t, []string{fmt.Sprintf("%032x", 0xa0+r.IntN(8))})
				}
				l.Upkeep(t, r.IntN(100))
				if step%effort.Every == effort.Every-1 {
					compare(t, l, effort, false)
				}
			}
			l.Settle(t)
			compare(t, l, effort, true)
		})
	}
}

// varied gives rows properties, the same for a row that is sent again.
func varied(r *rand.Rand, rows []event.Row) []event.Row {
	values := []string{
		`{"plan":"pro","seats":3,"trial":true}`, `{"plan":"free","seats":1,"trial":false}`, `{"plan":"free","seats":"many","country":"far away"}`,
		`{"plan":null,"tags":["a","b"],"deep":{"x":1}}`, `{}`, `{"":"empty name","it's \"q\"":"ü","price":1.5}`,
	}
	for i := range rows {
		rows[i].Properties = values[r.IntN(len(values))]
		if r.IntN(3) == 0 {
			n := r.IntN(100_000)
			rows[i].Properties = fmt.Sprintf(`{"distinct_id":"%s","order":"o-%d","receipt":"%032x","amount":%d.5}`, rows[i].DeviceID, n, n, n%7)
		}
		rows[i].Country = []string{"", "DE", "FR", "JP"}[r.IntN(4)]
	}
	return rows
}

// compare holds the source against a plain loop, for all events and for each.
func compare(t *testing.T, l Lake, effort Effort, settled bool) {
	t.Helper()
	rows := events(t, l)
	found := map[string]bool{}
	for _, r := range rows {
		found[r.Name] = true
	}
	names := slices.Sorted(maps.Keys(found))
	if effort.Names > 0 {
		names = names[:min(len(names), effort.Names)]
	}
	for _, name := range append(names, "") {
		got, err := l.Source.Facts(t.Context(), "p", name)
		if err != nil {
			t.Fatal(err)
		}
		want := facts(rows, name)
		seen := map[string]bool{}
		for _, f := range got {
			key := keyOf(f)
			w, ok := want[key]
			if !ok {
				t.Fatalf("of %q it tells %+v, which nobody sent", name, f)
			}
			seen[key] = true
			// Of a property with many values a store need not look at each.
			many := w.Kind == schema.OfProperty && w.Distinct > schema.MaxDistinct/2
			same := f.Count == w.Count && (f.Odd == w.Odd || many) && f.FirstMS <= w.FirstMS && f.LastMS >= w.LastMS && f.Persons <= w.Persons &&
				(f.Kind != schema.OfProperty || f.Distinct == w.Distinct || w.Distinct > schema.MaxDistinct/2 && f.Distinct > schema.MaxDistinct/2)
			if settled {
				same = same && f.FirstMS == w.FirstMS && f.LastMS == w.LastMS
			}
			if !same {
				t.Fatalf("of %q it tells\n%+v\nwant\n%+v", name, f, w)
			}
		}
		listed := map[string]int{}
		for key, w := range want {
			if w.Kind == schema.OfValue {
				if w.many > schema.MaxDistinct/2 || w.many > schema.MaxValues {
					continue // the store may give some of them, or none
				}
				listed[w.Name]++
			}
			if !seen[key] {
				t.Fatalf("of %q it does not tell %+v", name, w.Fact)
			}
		}
		if !slices.IsSortedFunc(of(got, schema.OfEvent), func(a, b schema.Fact) int { return cmp.Compare(b.Count, a.Count) }) {
			t.Fatalf("of %q the events are in no order", name)
		}
	}
	if len(rows) > 0 && len(found) == 0 {
		t.Fatal("there is nothing to compare")
	}
}

func of(list []schema.Fact, kind schema.Kind) []schema.Fact {
	return slices.DeleteFunc(slices.Clone(list), func(f schema.Fact) bool { return f.Kind != kind })
}

// row is an event as SQL shows it.
type row struct {
	Name, Kind string
	MS         int64
	Person     string
	Properties map[string]json.RawMessage
	Columns    map[string]string
}

func events(t *testing.T, l Lake) []row {
	t.Helper()
	answer, err := l.Engine.Query(t.Context(), "p",
		"SELECT event, kind, time, person_id, cast(properties AS varchar), coalesce(country, ''), coalesce(currency, '') FROM events", report.Limits{Rows: 100_000, Time: 5 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	var list []row
	for _, cells := range answer.Rows {
		r := row{Name: fmt.Sprint(cells[0]), Kind: fmt.Sprint(cells[1]), Person: fmt.Sprint(cells[3]),
			Columns: map[string]string{"protocol": "mixpanel", "country": fmt.Sprint(cells[5]), "currency": fmt.Sprint(cells[6])}}
		at, err := time.Parse("2006-01-02 15:04:05.999", fmt.Sprint(cells[2]))
		if err != nil {
			t.Fatal(err)
		}
		r.MS = at.UnixMilli()
		if err := json.Unmarshal([]byte(fmt.Sprint(cells[4])), &r.Properties); err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	}
	return list
}

// wanted is a fact, the people that it is of, and how many values its property has.
type wanted struct {
	schema.Fact
	people map[string]bool
	many   int
}

func keyOf(f schema.Fact) string {
	return fmt.Sprintf("%s|%s|%s|%s|%s|%s", f.Kind, f.Event, f.Space, f.Name, f.Type, f.Value)
}

// facts are those of events of a name, or of all.
func facts(rows []row, name string) map[string]*wanted {
	all := map[string]*wanted{}
	add := func(f schema.Fact, r row, odd bool) {
		w := all[keyOf(f)]
		if w == nil {
			f.FirstMS, f.LastMS = r.MS, r.MS
			w = &wanted{Fact: f, people: map[string]bool{}}
			all[keyOf(f)] = w
		}
		w.Count++
		if odd {
			w.Odd++
		}
		w.FirstMS, w.LastMS = min(w.FirstMS, r.MS), max(w.LastMS, r.MS)
		w.people[r.Person] = true
		w.Persons = int64(len(w.people))
	}
	for _, r := range rows {
		own := name == "" || name == r.Name
		if own {
			add(schema.Fact{Kind: schema.OfEvent, Event: r.Name, Type: r.Kind}, r, false)
		}
		member := func(space schema.Space, key, value string) {
			f := schema.Fact{Kind: schema.OfProperty, Space: space, Name: key, Type: typeOf(value)}
			if space == schema.Sent {
				f.Event = name
			}
			plain := schema.Plain(value)
			add(f, r, !plain)
			if plain {
				f.Kind, f.Value = schema.OfValue, value
				add(f, r, false)
			}
		}
		if own {
			for _, key := range slices.Sorted(maps.Keys(r.Properties)) {
				if value := string(r.Properties[key]); value != "null" {
					member(schema.Sent, key, value)
				}
			}
		}
		for column, text := range r.Columns {
			if text != "" {
				member(schema.Column, column, `"`+text+`"`)
			}
		}
	}
	count := map[string]int{}
	for _, w := range all {
		if w.Kind == schema.OfValue {
			count[string(w.Space)+w.Name]++
		}
	}
	for _, w := range all {
		w.many = count[string(w.Space)+w.Name]
		if w.Kind == schema.OfProperty {
			w.Distinct = int64(w.many)
		}
	}
	return all
}

func typeOf(value string) string {
	switch value[0] {
	case '"':
		return "string"
	case '[':
		return "list"
	case '{':
		return "object"
	case 't', 'f':
		return "boolean"
	}
	return "number"
}
