package schema_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"loch/shared/schema"
)

var at = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

func of(t *testing.T, facts []schema.Fact, one bool, minCell int64) string {
	t.Helper()
	text, err := json.MarshalIndent(schema.Of(facts, one, minCell), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func property(name, kind string, n, odd, distinct, persons int64) schema.Fact {
	return schema.Fact{Kind: schema.OfProperty, Space: schema.Sent, Name: name, Type: kind, Count: n, Odd: odd, FirstMS: at, LastMS: at, Distinct: distinct, Persons: persons}
}

func value(name, text string, n, persons int64) schema.Fact {
	return schema.Fact{Kind: schema.OfValue, Space: schema.Sent, Name: name, Type: "string", Value: text, Count: n, FirstMS: at, LastMS: at, Persons: persons}
}

func ExampleOf() {
	facts := []schema.Fact{
		{Kind: schema.OfEvent, Event: "Purchase", Type: "event", Count: 12, FirstMS: at, LastMS: at + 3_600_000, Persons: 3},
		{Kind: schema.OfProperty, Space: schema.Sent, Name: "country", Type: "number", Count: 2, FirstMS: at, LastMS: at, Distinct: 1},
		{Kind: schema.OfProperty, Space: schema.Sent, Name: "country", Type: "string", Count: 10, FirstMS: at, LastMS: at, Distinct: 1},
		{Kind: schema.OfValue, Space: schema.Sent, Name: "country", Type: "string", Value: `"far away"`, Count: 10, FirstMS: at, LastMS: at},
		{Kind: schema.LeftOut, Name: "properties", Count: 4},
	}
	text, err := json.MarshalIndent(schema.Of(facts, false, 0), "", "  ")
	fmt.Println(string(text), err)
	// Output:
	// {
	//   "events": [
	//     {
	//       "name": "Purchase",
	//       "kind": "event",
	//       "count": 12,
	//       "first_seen": "2026-11-01T00:00:00Z",
	//       "last_seen": "2026-11-01T01:00:00Z"
	//     }
	//   ],
	//   "properties": [
	//     {
	//       "name": "properties.country",
	//       "column": false,
	//       "types": [
	//         "string",
	//         "number"
	//       ],
	//       "count": 12,
	//       "first_seen": "2026-11-01T00:00:00Z",
	//       "last_seen": "2026-11-01T00:00:00Z",
	//       "values": [
	//         {
	//           "value": "far away",
	//           "count": 10
	//         }
	//       ]
	//     }
	//   ],
	//   "left_out": {
	//     "events": 0,
	//     "properties": 4
	//   }
	// } <nil>
}

// Values that identify are not listed, whatever a store gives.
func TestValuesThatIdentify(t *testing.T) {
	for _, c := range []struct {
		name  string
		facts []schema.Fact
		why   string
		n     int
	}{
		{"words", []schema.Fact{property("plan", "string", 9, 0, 2, 9), value("plan", `"pro"`, 5, 5), value("plan", `"free"`, 4, 4)}, "", 2},
		{"a lake id among words", []schema.Fact{property("plan", "string", 90, 1, 2, 9), value("plan", `"pro"`, 5, 5), value("plan", `"4f1d7c0e84ba4a5e9f6c0c7a9b0f2d11"`, 4, 4)}, "", 1},
		{"a name that says who it is", []schema.Fact{property("$user_id", "string", 9, 0, 1, 9), value("$user_id", `"jane"`, 9, 9)}, "identifier", 0},
		{"tokens", []schema.Fact{property("contact", "string", 9, 9, 0, 9)}, "identifier", 0},
		{"many words", []schema.Fact{property("title", "string", 9000, 0, 201, 9), value("title", `"A"`, 5, 5)}, "many", 0},
		{"another for nearly each", []schema.Fact{property("order", "string", 40, 0, 21, 9), value("order", `"o1"`, 1, 1)}, "many", 0},
		{"few events", []schema.Fact{property("order", "string", 20, 0, 20, 9), value("order", `"o1"`, 1, 1)}, "", 1},
		{"all look like ids", []schema.Fact{property("click", "string", 9, 0, 1, 9), value("click", `"V1StGXR8_Z5jdHi6B-myT"`, 9, 9)}, "identifier", 0},
		{"a list", []schema.Fact{property("tags", "list", 9, 0, 0, 9)}, "", 0},
	} {
		p := schema.Of(c.facts, false, 0).Properties[0]
		if p.ValuesLeftOut != c.why || len(p.Values) != c.n {
			t.Errorf("%s: %q, %d values", c.name, p.ValuesLeftOut, len(p.Values))
		}
	}
	for text, plain := range map[string]bool{
		`"pro"`: true, `"München"`: true, `12.5`: true, `true`: true, `123456`: true, `"2026-11-23"`: true,
		`1234567`: false, `"+49 30 1234567"`: false, `"email_00000000000000000000000000000001"`: false, `"$device:4f1d7c0e84ba4a5e9f6c0c7a9b0f2d11"`: false,
		`"4F1D7C0E-84BA-4a5e-9f6c-0c7a9b0f2d11"`: false, `["a"]`: false, `{"a":1}`: false, `"V1StGXR8_Z5jdHi6B-myT"`: false, "": false,
	} {
		if schema.Plain(text) != plain {
			t.Errorf("%s: plain is %v", text, !plain)
		}
	}
}

// A project that hides small groups shows what is known to be of enough people, and
// no numbers from which the rest could be worked out.
func TestMinCell(t *testing.T) {
	facts := []schema.Fact{
		{Kind: schema.OfEvent, Event: "Common", Type: "event", Count: 12, FirstMS: at, LastMS: at, Persons: 5},
		{Kind: schema.OfEvent, Event: "Rare", Type: "event", Count: 12, FirstMS: at, LastMS: at, Persons: 4},
		property("plan", "string", 12, 0, 2, 9), value("plan", `"pro"`, 8, 5), value("plan", `"free"`, 4, 4),
		property("mood", "string", 12, 0, 1, 4), value("mood", `"sad"`, 12, 4),
	}
	a := schema.Of(facts, false, 5)
	if a.Events[0].Count == nil || a.Events[0].Hidden || a.Events[1].Count != nil || !a.Events[1].Hidden || a.Events[1].FirstSeen != "" {
		t.Errorf("events: %s", of(t, facts, false, 5))
	}
	mood, plan := a.Properties[1], a.Properties[0]
	if mood.Name == "plan" {
		mood, plan = plan, mood
	}
	if len(plan.Values) != 1 || string(plan.Values[0].Value) != `"pro"` || plan.Values[0].Count != nil || plan.ValuesLeftOut != "" {
		t.Errorf("plan: %+v", plan)
	}
	if len(mood.Values) != 0 || mood.ValuesLeftOut != schema.FewPersons || mood.Count != nil {
		t.Errorf("mood: %+v", mood)
	}
	if a := schema.Of(facts, false, 1); len(a.Properties[0].Values)+len(a.Properties[1].Values) != 3 {
		t.Error("a project that hides nothing hides something")
	}
}
