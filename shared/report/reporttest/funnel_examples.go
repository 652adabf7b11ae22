package reporttest

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"loch/shared/event"
	"loch/shared/report"
	"loch/shared/sql"
)

// funnelExample is a case made by hand: events of one person after midnight of
// 2026-11-04 in UTC ("A@60" is an A a minute past), what is asked, and how many got
// to each step.
type funnelExample struct {
	why, events, ask string
	counts           []int
}

var funnelExamples = []funnelExample{
	{"other events may come between", "A@0 X@1 B@2", `"steps":[{"event":"A"},{"event":"B"}]`, []int{1, 1}},
	{"what comes before step 1 does not count", "B@0 A@1", `"steps":[{"event":"A"},{"event":"B"}]`, []int{1, 0}},
	{"steps in the same instant are in order, however they arrived", "B@5 A@5", `"steps":[{"event":"A"},{"event":"B"}]`, []int{1, 1}},
	{"an event serves one step", "A@0", `"steps":[{"event":"A"},{"event":"A"}]`, []int{1, 0}},
	{"two events in the same instant serve two steps", "A@0 A@0", `"steps":[{"event":"A"},{"event":"A"}]`, []int{1, 1}},
	{"one instant can be served in more than one way", "X@0 B@0 A@0", `"steps":[{"event":"A"},{"event":"*"},{"event":"B"}]`, []int{1, 1, 1}},
	{"an instant with fewer events than steps", "B@0 A@0", `"steps":[{"event":"A"},{"event":"*"},{"event":"B"}]`, []int{1, 1, 0}},
	{"the window's end is within", "A@0 B@60", `"steps":[{"event":"A"},{"event":"B"}],"window":{"value":1,"unit":"minute"}`, []int{1, 1}},
	{"behind the window's end", "A@0 B@61", `"steps":[{"event":"A"},{"event":"B"}],"window":{"value":1,"unit":"minute"}`, []int{1, 0}},
	{"the window starts at step 1, not at the step before", "A@0 B@50 C@70", `"steps":[{"event":"A"},{"event":"B"},{"event":"C"}],"window":{"value":1,"unit":"minute"}`, []int{1, 1, 0}},
	{"any step 1 can start the best attempt", "A@0 A@100 B@130", `"steps":[{"event":"A"},{"event":"B"}],"window":{"value":1,"unit":"minute"}`, []int{1, 1}},
	{"the first step 1 alone", "A@0 A@100 B@130", `"steps":[{"event":"A"},{"event":"B"}],"window":{"value":1,"unit":"minute"},"attempt":"first"`, []int{1, 0}},
	{"step 1 after the last day starts nothing", "A@86400 B@86401", `"steps":[{"event":"A"},{"event":"B"}]`, []int{0, 0}},
	{"later steps may come after midnight of the last day", "A@86399 B@86400", `"steps":[{"event":"A"},{"event":"B"}]`, []int{1, 1}},
	{"an excluded event ends the attempt", "A@0 E@1 B@2 C@3", `"steps":[{"event":"A"},{"event":"B"},{"event":"C"}],"exclude":[{"event":"E","between":[1,2]}]`, []int{1, 0, 0}},
	{"it does not where it comes elsewhere", "A@0 B@1 E@2 C@3", `"steps":[{"event":"A"},{"event":"B"},{"event":"C"}],"exclude":[{"event":"E","between":[1,2]}]`, []int{1, 1, 1}},
	{"an attempt that starts behind it counts", "A@0 E@1 A@2 B@3", `"steps":[{"event":"A"},{"event":"B"}],"exclude":[{"event":"E"}]`, []int{1, 1}},
	{"strict allows no other event between", "A@0 X@1 B@2", `"steps":[{"event":"A"},{"event":"B"}],"order":"strict"`, []int{1, 0}},
	{"strict, from the second start", "A@0 A@1 B@2", `"steps":[{"event":"A"},{"event":"B"}],"order":"strict"`, []int{1, 1}},
	{"where clocks are set back the day ends an hour later", "A@-781201 B@-781200", `"steps":[{"event":"A"},{"event":"B"}],"timezone":"Europe/Berlin","from":"2026-10-25","to":"2026-10-25"`, []int{1, 1}},
	{"any order", "C@0 A@1 B@2", `"steps":[{"event":"A"},{"event":"B"},{"event":"C"}],"order":"any"`, []int{1, 1, 1}},
	{"any order within the window of the first", "C@0 A@1 B@61", `"steps":[{"event":"A"},{"event":"B"},{"event":"C"}],"order":"any","window":{"value":1,"unit":"minute"}`, []int{1, 1, 0}},
	{"a held value is that of step 1", "A@0=x B@1=y", `"steps":[{"event":"A"},{"event":"B"}],"hold":["properties.p"]`, []int{1, 0}},
	{"another step 1 has the value", "A@0=x A@1=y B@2=y", `"steps":[{"event":"A"},{"event":"B"}],"hold":["p"]`, []int{1, 1}},
	{"a session ends after half an hour of silence", "A@0 B@1801 A@9000 B@10800", `"steps":[{"event":"A"},{"event":"B"}],"count":"sessions"`, []int{2, 1}},
	{"other events keep a session going", "A@0 X@1000 B@2000", `"steps":[{"event":"A"},{"event":"B"}],"count":"sessions"`, []int{1, 1}},
	{"a session that was going on at the first midnight counts with the step 1 that it has after it", "A@-600 B@-300 A@600 B@900", `"steps":[{"event":"A"},{"event":"B"}],"count":"sessions"`, []int{1, 1}},
	{"and not with one before it", "A@-600 B@600", `"steps":[{"event":"A"},{"event":"B"}],"count":"sessions"`, []int{0, 0}},
	{"totals count a person again once the attempt has converted", "A@0 B@10 A@20 B@30", `"steps":[{"event":"A"},{"event":"B"}],"count":"totals"`, []int{2, 2}},
	{"totals: what comes within an attempt starts no other", "A@0 A@5 B@10 A@20", `"steps":[{"event":"A"},{"event":"B"}],"count":"totals"`, []int{2, 1}},
	{"totals: an attempt that does not convert lasts as long as its window, the end included", "A@0 A@60 A@61 B@62", `"steps":[{"event":"A"},{"event":"B"}],"count":"totals","window":{"value":1,"unit":"minute"}`, []int{2, 1}},
	{"totals: an excluded event does not make room for another attempt", "A@0 E@1 A@2 B@3", `"steps":[{"event":"A"},{"event":"B"}],"count":"totals","exclude":[{"event":"E"}]`, []int{1, 0}},
	{"totals: nothing starts in the instant in which the last one converted", "A@0 B@10 A@10 B@20", `"steps":[{"event":"A"},{"event":"B"}],"count":"totals"`, []int{1, 1}},
	{"totals: each held value has attempts of its own", "A@0=x A@1=y B@2=x B@3=y", `"steps":[{"event":"A"},{"event":"B"}],"count":"totals","hold":["p"]`, []int{2, 2}},
	{"totals in any order", "B@0 A@1 A@2 B@3 A@4", `"steps":[{"event":"A"},{"event":"B"}],"count":"totals","order":"any"`, []int{3, 2}},
	{"totals, strict", "A@0 B@1 A@2 X@3 A@4 B@5", `"steps":[{"event":"A"},{"event":"B"}],"count":"totals","order":"strict"`, []int{2, 1}},
	{"a step of alternatives", "A@0 C@1", `"steps":[{"event":"A"},{"any":[{"event":"B"},{"event":"C"}]}]`, []int{1, 1}},
	{"midnight is that of the time zone", "A@82800 B@82801", `"steps":[{"event":"A"},{"event":"B"}],"timezone":"Europe/Berlin"`, []int{0, 0}},
}

// spec asks for the day, where the example does not name another.
func (e *funnelExample) spec() string {
	if strings.Contains(e.ask, `"from"`) {
		return "{" + e.ask + "}"
	}
	return `{"from":"2026-11-04","to":"2026-11-04",` + e.ask + `}`
}

// rows makes the events of an example.
func (e *funnelExample) rows() []event.Row {
	var rows []event.Row
	midnight := time.Date(2026, 11, 4, 0, 0, 0, 0, time.UTC).UnixMilli()
	for i, text := range strings.Fields(e.events) {
		text, value, _ := strings.Cut(text, "=")
		name, at, _ := strings.Cut(text, "@")
		var seconds int64
		if _, err := fmt.Sscan(at, &seconds); err != nil {
			panic(err)
		}
		properties, err := json.Marshal(map[string]string{"p": value})
		if err != nil {
			panic(err)
		}
		t := midnight + seconds*1000
		rows = append(rows, event.Row{
			Name: name, Kind: event.KindEvent, Protocol: "mixpanel", UserID: "somebody", InsertID: fmt.Sprintf("i%03d", i), InsertIDSource: "client",
			TimeMS: t, TimeSource: "client", ReceivedTimeMS: t + int64(i), Date: time.UnixMilli(t).UTC().Format(time.DateOnly),
			Revenue: math.NaN(), RequestID: "r", BatchIndex: int64(i), SchemaVersion: event.SchemaVersion, Properties: string(properties),
		})
	}
	return rows
}

// FunnelsByHand asks an engine the cases made by hand.
func FunnelsByHand(t *testing.T, load Load, d sql.Dialect) {
	sets := map[string]Set{}
	for i := range funnelExamples {
		sets[fmt.Sprintf("example-%d", i)] = Set{Rows: funnelExamples[i].rows()}
	}
	engine := load(t, sets)
	for i := range funnelExamples {
		e := &funnelExamples[i]
		project := fmt.Sprintf("example-%d", i)
		c := Case{Kind: "funnel", Spec: e.spec(), Env: report.Env{Timezone: "UTC"}}
		answer, statement, err := ask(t.Context(), engine, d, project, c)
		if err != nil {
			t.Errorf("%s: %v\n%s", e.why, err, statement)
			continue
		}
		text, err := json.Marshal(answer)
		if err != nil {
			t.Fatal(err)
		}
		var counts []int
		var shape struct {
			Segments []struct{ Steps []struct{ Count int } }
		}
		if err := json.Unmarshal(text, &shape); err != nil {
			t.Fatal(err)
		}
		for _, s := range shape.Segments[0].Steps {
			counts = append(counts, s.Count)
		}
		if !slices.Equal(counts, e.counts) {
			t.Errorf("%s: %s\n%s: got %v, want %v\n%s", e.why, e.events, c.Spec, counts, e.counts, statement)
		}
	}
}
