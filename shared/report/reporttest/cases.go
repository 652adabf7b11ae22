package reporttest

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"loch/shared/event"
	"loch/shared/profile"
	"loch/shared/report"
	"loch/shared/sql"
)

// example is a case made by hand: one in which products differ, or in which it is
// easy to be wrong. It is held against the engine and against the oracle.
type example struct {
	kind string
	why  string // what is counted, and why

	// events are lines: moment, name, who, and then, where they are needed, words
	// and properties. Who is DEVICE/USER, either of which may be missing. Words are
	// bot, a kind, or COLUMN=VALUE.
	events   []string
	profiles []string // lines: person, moment of writing, traits; "gone" for traits
	spec     string
	env      report.Env
	want     []string
}

// InsightsByHand holds an engine against the cases made by hand.
func InsightsByHand(t *testing.T, load Load, d sql.Dialect) { byHandOf(t, load, d, examples) }

// SessionsByHand holds an engine against the sessions that were cut by hand.
func SessionsByHand(t *testing.T, load Load, d sql.Dialect) { byHandOf(t, load, d, sessionsExamples) }

// FlowsByHand holds an engine against the paths that were followed by hand.
func FlowsByHand(t *testing.T, load Load, d sql.Dialect) { byHandOf(t, load, d, flowsExamples) }

func byHandOf(t *testing.T, load Load, d sql.Dialect, examples []example) {
	t.Helper()
	sets := map[string]Set{}
	for i := range examples {
		sets[fmt.Sprintf("example-%d", i)] = examples[i].set()
	}
	engine := load(t, sets)
	for i := range examples {
		x, project := &examples[i], fmt.Sprintf("example-%d", i)
		c := Case{x.kind, x.spec, x.env}
		got, statement, err := ask(t.Context(), engine, d, project, c)
		if err != nil {
			t.Errorf("%s: %v\n%s", x.why, err, statement)
			continue
		}
		want := strings.Join(x.want, "\n")
		if told := strings.Join(tell[x.kind](got), "\n"); told != want {
			t.Errorf("%s\n%s\nwith\n  %s\nis\n  %s\nwant\n  %s\n%s", x.why, x.spec, strings.Join(x.events, "\n  "),
				strings.ReplaceAll(told, "\n", "\n  "), strings.ReplaceAll(want, "\n", "\n  "), statement)
		}
		// The oracle gives no names, so series are named in specs.
		if complaint := against(sets[project], c, got); complaint != "" {
			t.Errorf("%s: the oracle says otherwise %s\n%s", x.why, complaint, statement)
		}
	}
}

// tell writes an answer in lines, by kind of report.
var tell = map[string]func(answer any) []string{"insights": tellInsights, "sessions": tellSessions, "flows": tellFlows}

// tellInsights writes a line for each series of each segment: its name, the
// segment, the values of all intervals, and the total.
func tellInsights(answer any) (told []string) {
	for _, one := range answer.(object)["series"].([]any) {
		s := one.(object)
		var values []string
		for _, p := range s["points"].([]any) {
			values = append(values, written(p.(object)["v"]))
		}
		told = append(told, fmt.Sprintf("%s %s: %s = %s", s["name"], written(s["segment"]), strings.Join(values, " "), written(s["total"])))
	}
	if hidden, ok := answer.(object)["hidden"]; ok {
		told = append(told, fmt.Sprintf("hidden %v", hidden))
	}
	return told
}

// written is a value as JSON.
func written(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (x *example) set() (s Set) {
	for i, line := range x.events {
		s.Rows = append(s.Rows, rowOf(i, line))
	}
	for _, line := range x.profiles {
		parts := strings.SplitN(line, " ", 3)
		p := profile.Snapshot{PersonID: parts[0], SnapshotMS: momentOf(parts[1]), Traits: parts[2], Gone: parts[2] == "gone"}
		if p.Gone {
			p.Traits = "{}"
		}
		s.Profiles = append(s.Profiles, p)
	}
	return s
}

func momentOf(text string) int64 {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return t.UnixMilli()
}

// rowOf reads a line. Events arrive in the order of the lines, a second apart.
func rowOf(i int, line string) event.Row {
	words, properties, _ := strings.Cut(line, " {")
	parts := strings.Fields(words)
	r := event.Row{
		Name: strings.ReplaceAll(parts[1], "_", " "), Kind: event.KindEvent, Protocol: "mixpanel",
		InsertID: fmt.Sprintf("i%02d", i), InsertIDSource: "client", TimeMS: momentOf(parts[0]), TimeSource: "client",
		ReceivedTimeMS: momentOf("2026-12-01T00:00:00Z") + int64(i)*1000, Revenue: math.NaN(), Properties: "{}",
		RequestID: fmt.Sprintf("r%d", i), SchemaVersion: event.SchemaVersion,
	}
	r.DeviceID, r.UserID, _ = strings.Cut(parts[2], "/")
	r.Date = time.UnixMilli(r.TimeMS).UTC().Format(time.DateOnly)
	if properties != "" {
		r.Properties = "{" + properties
	}
	for _, word := range parts[3:] {
		name, value, isColumn := strings.Cut(word, "=")
		switch {
		case word == "bot":
			r.IsBot = true
		case !isColumn:
			r.Kind = event.Kind(word)
		default:
			for _, c := range event.Columns {
				if c.Name == name {
					*c.Str(&r) = value
				}
			}
		}
	}
	return r
}
