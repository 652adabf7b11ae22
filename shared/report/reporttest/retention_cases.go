package reporttest

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"loch/shared/event"
	"loch/shared/report"
	"loch/shared/sql"
)

// byHand is a case whose answer was found by hand.
type byHand struct {
	why    string
	did    string // lines of "person event time"
	spec   string // without from and to where those are of the whole of 2026-11-01 to 2026-11-02
	zone   string // UTC where empty
	now    string // long after all where empty
	answer string // lines as toldRetention writes them
}

const opens = `"first":{"event":"Sign Up"},"then":{"event":"Open"},`

var retentionCases = []byHand{
	{why: "by the calendar three hours later is the next day",
		did: "u Sign Up 2026-11-01T22:00:00Z\nu Open 2026-11-02T01:00:00Z", spec: opens + `"intervals":2`,
		answer: "2026-11-01 1: 0 1\n2026-11-02 0: 0 0\naverage: 0/2 1/2"},
	{why: "by the person's own clock three hours later is within the first 24",
		did: "u Sign Up 2026-11-01T22:00:00Z\nu Open 2026-11-02T01:00:00Z", spec: opens + `"intervals":2,"clock":"rolling"`,
		answer: "2026-11-01 1: 1 0\n2026-11-02 0: 0 0\naverage: 1/2 0/2"},
	{why: "24 hours to the millisecond begin the next rolling interval",
		did:  "u Sign Up 2026-11-01T22:00:00Z\nu Open 2026-11-02T22:00:00Z\nv Sign Up 2026-11-01T22:00:00Z\nv Open 2026-11-02T21:59:59.999Z",
		spec: opens + `"intervals":2,"clock":"rolling"`, answer: "2026-11-01 2: 1 1\n2026-11-02 0: 0 0\naverage: 0.5/2 0.5/2"},
	{why: "midnight begins a day, the millisecond before ends one",
		did:  "u Sign Up 2026-11-01T12:00:00Z\nu Open 2026-11-02T00:00:00Z\nv Sign Up 2026-11-01T12:00:00Z\nv Open 2026-11-01T23:59:59.999Z",
		spec: opens + `"intervals":2`, answer: "2026-11-01 2: 1 1\n2026-11-02 0: 0 0\naverage: 0.5/2 0.5/2"},
	{why: "on: only the very interval counts",
		did: "u Sign Up 2026-11-01T12:00:00Z\nu Open 2026-11-03T12:00:00Z", spec: opens + `"intervals":4`,
		answer: "2026-11-01 1: 0 0 1 0\n2026-11-02 0: 0 0 0 0\naverage: 0/2 0/2 1/2 0/2"},
	{why: "on_or_after: who comes back later came back after each interval before",
		did: "u Sign Up 2026-11-01T12:00:00Z\nu Open 2026-11-03T12:00:00Z", spec: opens + `"intervals":4,"mode":"on_or_after"`,
		answer: "2026-11-01 1: 1 1 1 0\n2026-11-02 0: 0 0 0 0\naverage: 1/2 1/2 1/2 0/2"},
	{why: "on_or_after: later than the last interval is after it all the same",
		did: "u Sign Up 2026-11-01T12:00:00Z\nu Open 2027-03-03T12:00:00Z", spec: opens + `"intervals":2,"mode":"on_or_after"`,
		answer: "2026-11-01 1: 1 1\n2026-11-02 0: 0 0\naverage: 1/2 1/2"},
	{why: "whoever did it before the report's days joins again",
		did: "u Sign Up 2026-10-01T12:00:00Z\nu Sign Up 2026-11-01T12:00:00Z", spec: opens + `"intervals":1`,
		answer: "2026-11-01 1: 0\n2026-11-02 0: 0\naverage: 0/2"},
	{why: "first_ever: but not where only the first ever counts",
		did:  "u Sign Up 2026-10-01T12:00:00Z\nu Sign Up 2026-11-01T12:00:00Z\nv Sign Up 2026-11-01T13:00:00Z\nv Sign Up 2026-11-02T13:00:00Z",
		spec: opens + `"intervals":1,"first_ever":true`, answer: "2026-11-01 1: 0\n2026-11-02 0: 0\naverage: 0/2"},
	{why: "a person joins once an interval, and the next one's cohort as well",
		did:  "u Sign Up 2026-11-01T12:00:00Z\nu Sign Up 2026-11-01T13:00:00Z\nu Sign Up 2026-11-02T13:00:00Z\nu Open 2026-11-02T14:00:00Z",
		spec: opens + `"intervals":2`, answer: "2026-11-01 1: 0 1\n2026-11-02 1: 1 0\naverage: 0.5/2 0.5/2"},
	{why: "interval 0: what was before the first event is not coming back",
		did: "u Open 2026-11-01T11:00:00Z\nu Sign Up 2026-11-01T12:00:00Z", spec: opens + `"intervals":1`,
		answer: "2026-11-01 1: 0\n2026-11-02 0: 0\naverage: 0/2"},
	{why: "interval 0: the first event itself is not coming back, a second one is",
		did:  "u Open 2026-11-01T11:00:00Z\nv Open 2026-11-01T12:00:00Z\nv Open 2026-11-01T12:00:00Z",
		spec: `"first":{"event":"*"},"then":{"event":"*"},"intervals":1`, answer: "2026-11-01 2: 1\n2026-11-02 0: 0\naverage: 0.5/2"},
	{why: "people come back after the report's last day too",
		did: "u Sign Up 2026-11-02T12:00:00Z\nu Open 2026-11-04T12:00:00Z", spec: opens + `"intervals":3`,
		answer: "2026-11-01 0: 0 0 0\n2026-11-02 1: 0 0 1\naverage: 0/2 0/2 1/2"},
	{why: "what has not ended is told but not averaged",
		did:  "u Sign Up 2026-11-01T12:00:00Z\nv Sign Up 2026-11-02T12:00:00Z\nv Open 2026-11-02T13:00:00Z\nu Open 2026-11-03T09:00:00Z",
		spec: opens + `"intervals":3`, now: "2026-11-03T10:00:00Z",
		answer: "2026-11-01 1: 0 0 1?\n2026-11-02 1: 1 0? 0?\naverage: 0.5/2 0/1 null/0"},
	{why: "an interval has ended at midnight",
		did: "u Sign Up 2026-11-02T12:00:00Z", spec: opens + `"intervals":2`, now: "2026-11-03T00:00:00Z",
		answer: "2026-11-01 0: 0 0\n2026-11-02 1: 0 0?\naverage: 0/2 null/1"},
	{why: "a week from Monday: Saturday and Sunday are of the same",
		did: "u Sign Up 2026-11-07T12:00:00Z\nu Open 2026-11-08T12:00:00Z", spec: `"from":"2026-11-04","to":"2026-11-07",` + opens + `"intervals":2,"interval":"week"`,
		answer: "2026-11-04 1: 1 0\naverage: 1/1 0/1"},
	{why: "a week from Sunday: Sunday is of the next",
		did: "u Sign Up 2026-11-07T12:00:00Z\nu Open 2026-11-08T12:00:00Z", spec: `"from":"2026-11-04","to":"2026-11-07",` + opens + `"intervals":2,"interval":"week","week_start":"sunday"`,
		answer: "2026-11-04 1: 0 1\naverage: 0/1 1/1"},
	{why: "months are as long as they are",
		did: "u Sign Up 2026-01-31T12:00:00Z\nu Open 2026-02-28T12:00:00Z\nu Open 2026-03-01T12:00:00Z", spec: `"from":"2026-01-01","to":"2026-01-31",` + opens + `"intervals":4,"interval":"month"`,
		answer: "2026-01-01 1: 0 1 1 0\naverage: 0/1 1/1 1/1 0/1"},
	{why: "the day on which clocks are set back has 25 hours",
		did: "u Sign Up 2026-10-24T22:00:00Z\nu Open 2026-10-25T22:30:00Z", zone: "Europe/Berlin", spec: `"from":"2026-10-25","to":"2026-10-25",` + opens + `"intervals":2`,
		answer: "2026-10-25 1: 1 0\naverage: 1/1 0/1"},
	{why: "24 hours are 24 hours on that day as well",
		did: "u Sign Up 2026-10-24T22:00:00Z\nu Open 2026-10-25T22:30:00Z", zone: "Europe/Berlin", spec: `"from":"2026-10-25","to":"2026-10-25",` + opens + `"intervals":2,"clock":"rolling"`,
		answer: "2026-10-25 1: 0 1\naverage: 0/1 1/1"},
}

// RetentionByHand asks an engine, and the oracle, what was answered by hand.
func RetentionByHand(t *testing.T, load Load, d sql.Dialect) {
	sets := map[string]Set{}
	for i := range retentionCases {
		sets[fmt.Sprintf("case-%d", i)] = setOf(retentionCases[i].did)
	}
	engine := load(t, sets)
	for i := range retentionCases {
		c, name := &retentionCases[i], fmt.Sprintf("case-%d", i)
		spec := c.spec
		if !strings.HasPrefix(spec, `"from"`) {
			spec = `"from":"2026-11-01","to":"2026-11-02",` + spec
		}
		env := report.Env{Timezone: c.zone, Now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}
		if c.now != "" {
			env.Now = moment3339(c.now)
		}
		asked := Case{Kind: "retention", Spec: "{" + spec + "}", Env: env}
		got, statement, err := ask(t.Context(), engine, d, name, asked)
		if err != nil {
			t.Errorf("%s: %v", c.why, err)
			continue
		}
		if complaint := against(sets[name], asked, got); complaint != "" {
			t.Errorf("%s: oracle and engine differ %s\n%s", c.why, complaint, statement)
		}
		if told := toldRetention(got); told != c.answer {
			t.Errorf("%s\n%s\nis answered with\n%s\nwant\n%s\n%s", c.why, c.did, told, c.answer, statement)
		}
	}
}

func moment3339(text string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return at
}

// setOf makes events of lines "person event time".
func setOf(lines string) (s Set) {
	for i, line := range strings.Split(lines, "\n") {
		person, rest, _ := strings.Cut(line, " ")
		name, at := rest[:strings.LastIndexByte(rest, ' ')], moment3339(rest[strings.LastIndexByte(rest, ' ')+1:])
		s.Rows = append(s.Rows, event.Row{
			Name: name, Kind: event.KindEvent, Protocol: "mixpanel", InsertID: fmt.Sprintf("i%03d", i), InsertIDSource: "client",
			TimeMS: at.UnixMilli(), TimeSource: "client", ReceivedTimeMS: at.UnixMilli(), Date: at.UTC().Format(time.DateOnly), UserID: person,
			Revenue: math.NaN(), RequestID: fmt.Sprintf("r%d", i), SchemaVersion: event.SchemaVersion, Properties: "{}",
		})
	}
	return s
}

// toldRetention is an answer as lines of "start size: retained …", with ? behind
// what is not complete, and "average: ratio/cohorts …".
func toldRetention(answer any) string {
	var b strings.Builder
	for _, c := range answer.(object)["cohorts"].([]any) {
		c := c.(object)
		fmt.Fprintf(&b, "%v %v:", c["start"], c["size"])
		for _, r := range c["retained"].([]any) {
			fmt.Fprintf(&b, " %v", r.(object)["n"])
			if r.(object)["complete"] == false {
				b.WriteByte('?')
			}
		}
		b.WriteByte('\n')
	}
	b.WriteString("average:")
	for _, a := range answer.(object)["average"].([]any) {
		ratio := a.(object)["ratio"]
		if ratio == nil {
			ratio = "null"
		}
		fmt.Fprintf(&b, " %v/%v", ratio, a.(object)["complete_cohorts"])
	}
	return b.String()
}
