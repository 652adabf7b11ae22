package reporttest

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"loch/shared/event"
	"loch/shared/profile"
)

// maker makes small sets of events that meet in everything: few names, few values,
// few moments, of which many are the same or at the edge of something.
type maker struct {
	*rand.Rand
	at moment
}

// moment is where on the calendar a set plays: a zone, and a day around which the
// clocks do something.
type moment struct {
	zone string
	day  string
}

// moments are days worth being at: ordinary ones, ends of months and weeks, and
// those on which clocks are set, also by half an hour, at midnight, and over it.
var edges = []moment{
	{"UTC", "2026-11-04"}, {"UTC", "2026-03-01"}, {"Europe/Berlin", "2026-11-01"}, {"Europe/Berlin", "2026-10-25"}, {"Europe/Berlin", "2026-03-29"},
	{"America/New_York", "2026-11-01"}, {"America/New_York", "2026-03-08"}, {"Australia/Lord_Howe", "2026-04-05"}, {"Australia/Lord_Howe", "2026-10-04"},
	{"Asia/Kolkata", "2026-11-01"}, {"America/Sao_Paulo", "2018-11-04"}, {"America/Sao_Paulo", "2018-02-18"}, {"America/St_Johns", "2010-11-07"},
	{"Pacific/Apia", "2011-12-31"}, {"Asia/Kathmandu", "2026-02-28"},
}

func pick[T any](g *maker, list ...T) T { return list[g.IntN(len(list))] }

func (g *maker) chance(in int) bool { return g.IntN(in) == 0 }

// set makes events and profiles.
func (g *maker) set() Set {
	g.at = pick(g, edges...)
	var s Set
	n := 1 + g.IntN(40)
	users := 1 + g.IntN(4)
	for i := range n {
		s.Rows = append(s.Rows, g.row(i, users))
	}
	for range g.IntN(6) {
		s.Profiles = append(s.Profiles, g.profile(len(s.Profiles), users))
	}
	return s
}

// start is midnight of the set's day.
func (g *maker) start() time.Time {
	zone, err := time.LoadLocation(g.at.zone)
	if err != nil {
		panic(err)
	}
	d, _ := time.Parse(time.DateOnly, g.at.day)
	return time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, zone)
}

// time is a moment around the set's day: on few ticks, so that many are the same,
// or an edge of a day, or half an hour and a millisecond after another.
func (g *maker) time() int64 {
	at := g.start().UnixMilli() + int64(g.IntN(9)-4)*24*60*60*1000
	switch g.IntN(6) {
	case 0:
		at += int64(g.IntN(3) - 1)
	case 1:
		at += int64(g.IntN(30))*10*60*1000 + int64(g.IntN(3)-1)
	case 2:
		at -= int64(g.IntN(12)) * 15 * 60 * 1000
	default:
		at += int64(g.IntN(24*60*60)) * 1000
	}
	if g.chance(12) {
		at -= int64(g.IntN(40)) * 24 * 60 * 60 * 1000
	}
	return at
}

var eventNames = []string{"A", "B", "C", "Page View", "it's \"odd\" -- é"}

func (g *maker) row(i, users int) event.Row {
	r := event.Row{
		Name: pick(g, eventNames...), Kind: event.KindEvent, Protocol: "mixpanel",
		InsertID: fmt.Sprintf("i%03d", (i*37)%1000), InsertIDSource: "client", TimeMS: g.time(), TimeSource: "client",
		Revenue: math.NaN(), RequestID: fmt.Sprintf("r%d", i/3), BatchIndex: int64(i % 3), SchemaVersion: event.SchemaVersion,
	}
	switch g.IntN(10) {
	case 0:
		r.Kind = event.KindPage
	case 1:
		r.Kind = event.KindScreen
	case 2:
		r.Kind = event.KindIdentify
	}
	r.Date = time.UnixMilli(r.TimeMS).UTC().Format(time.DateOnly)
	r.ReceivedTimeMS = r.TimeMS + int64(g.IntN(3))*1000
	if g.chance(8) {
		r.ReceivedTimeMS += int64(g.IntN(5)) * 24 * 60 * 60 * 1000
	}
	switch g.IntN(8) {
	case 0:
		r.UserID = fmt.Sprintf("u%d", g.IntN(users))
	case 1, 2:
		r.UserID, r.DeviceID = fmt.Sprintf("u%d", g.IntN(users)), fmt.Sprintf("d%d", g.IntN(users+2))
	case 3:
		if g.chance(4) {
			break // nobody
		}
		fallthrough
	default:
		r.DeviceID = fmt.Sprintf("d%d", g.IntN(users+2))
	}
	r.IsBot = g.chance(10)
	r.Country = pick(g, "", "DE", "FR", "NO")
	r.PagePath = pick(g, "", "/", "/docs")
	r.ScreenWidth = pick(g, int64(0), 320, 1024)
	if g.chance(2) {
		r.Revenue = pick(g, 0, 1, -2.5, 19.99, 0.1, 1e6)
		r.Currency = "EUR"
	}
	r.Properties = g.properties()
	return r
}

// properties makes a JSON object of few names.
func (g *maker) properties() string {
	out := "{"
	for _, name := range []string{"p", "q", "n", "a.b"} {
		if g.chance(3) {
			continue
		}
		if len(out) > 1 {
			out += ","
		}
		out += fmt.Sprintf("%q:%s", name, g.value(0))
	}
	if g.chance(2) {
		if len(out) > 1 {
			out += ","
		}
		out += `"a":` + pick(g, `{"b":`+g.value(1)+`}`, `{"b":{"c":`+g.value(1)+`}}`, `[`+g.value(1)+`]`, `{"0":`+g.value(1)+`,"b":null}`, g.value(1))
	}
	return out + "}"
}

var scalars = []string{
	`"a"`, `"ab"`, `"b"`, `"\u0061"`, `"10"`, `""`, `"é\n\"x'"`, `"(not set)"`, `"(other)"`, `"true"`, `0`, `-0.0`, `1`, `1.0`, `10e-1`, `2`, `10`, `0.1`, `1e-1`, `-3`, `2.5`,
	`9007199254740993`, `9007199254740992`, `123456789012345678901234`, `1e17`, `0.0000000005`, `true`, `false`,
}

func (g *maker) value(depth int) string {
	switch n := g.IntN(12); {
	case n == 0:
		return "null"
	case n == 1 && depth < 2:
		return "[" + g.value(2) + "," + g.scalar() + "]"
	case n == 2 && depth < 2:
		return `{"in":` + g.scalar() + "}"
	}
	return g.scalar()
}

func (g *maker) scalar() string { return pick(g, scalars...) }

func (g *maker) profile(i, users int) profile.Snapshot {
	p := profile.Snapshot{
		PersonID: pick(g, fmt.Sprintf("u%d", g.IntN(users)), fmt.Sprintf("d%d", g.IntN(users+2))),
		Traits:   g.properties(), SnapshotMS: g.start().UnixMilli() + int64(i), Gone: g.chance(6),
		FirstMS: pick(g, 0, g.time()), LastMS: g.time(), UpdatedMS: g.time(),
	}
	p.Seen.Place.Country = pick(g, "", "DE", "NO")
	p.Seen.Arrival.Channel = pick(g, "", "Direct", "Organic Search")
	if g.chance(8) {
		p.PersonID, p.GroupKey = "company", "company"
	}
	return p
}

// question makes a spec of a report.
func (g *maker) question(kind string) Case {
	spec := kinds[kind].spec(g)
	text, err := json.Marshal(spec)
	if err != nil {
		panic(err)
	}
	c := Case{Kind: kind, Spec: string(text)}
	c.Env.Timezone = g.at.zone
	c.Env.Now = g.start().Add(time.Duration(g.IntN(20)-4) * 24 * time.Hour)
	if g.chance(4) {
		c.Env.SessionGap = pick(g, time.Minute, 10*time.Minute, 24*time.Hour)
	}
	if g.chance(6) {
		c.Env.MinCell = int64(2 + g.IntN(3))
	}
	return c
}

// common makes the common fields.
func (g *maker) common(longest int) map[string]any {
	from := g.start().AddDate(0, 0, g.IntN(6)-4)
	s := map[string]any{"from": from.Format(time.DateOnly), "to": from.AddDate(0, 0, g.IntN(longest)).Format(time.DateOnly)}
	if g.chance(5) {
		s["timezone"] = pick(g, edges...).zone
	}
	if g.chance(3) {
		s["where"] = g.filters(1 + g.IntN(2))
	}
	if g.chance(2) {
		var list []any
		for range 1 + g.IntN(2) {
			b := map[string]any{"property": g.property()}
			if g.chance(2) {
				b["limit"] = 1 + g.IntN(3)
			}
			list = append(list, b)
		}
		s["breakdown"] = list
	}
	if g.chance(6) {
		s["cohort"] = map[string]any{"did": map[string]any{"event": pick(g, eventNames...), "at_least": 1 + g.IntN(2), "within_days": 1 + g.IntN(8)}}
	}
	if g.chance(4) {
		s["bots"] = true
	}
	if g.chance(4) {
		s["week_start"] = pick(g, "sunday", "saturday", "wednesday", "monday")
	}
	return s
}

// property is any that is no moment.
func (g *maker) property() string {
	return pick(g, "p", "q", "n", "properties.p", "a.b", "a.b.c", "a.0", "a", "country", "properties.country", "page_path", "revenue", "screen_width", "is_bot", "user_id", "date",
		"profile.p", "profile.a.b", "profile.country", "profile.properties.country", "profile.first_channel", "profile.person_id", "none")
}

// event is an "event" field.
func (g *maker) event() any {
	switch g.IntN(6) {
	case 0, 1:
		return "*"
	case 2:
		return map[string]any{"any": []any{pick(g, eventNames...), pick(g, eventNames...)}}
	}
	return pick(g, eventNames...)
}

func (g *maker) filters(n int) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = g.filter(0)
	}
	return list
}

func (g *maker) filter(depth int) map[string]any {
	if depth < 2 && g.chance(5) {
		return map[string]any{"any": []any{g.filter(depth + 1), g.filter(depth + 1)}}
	}
	if g.chance(10) {
		return g.timeFilter()
	}
	op := pick(g, "eq", "ne", "in", "not_in", "contains", "not_contains", "starts_with", "matches", "gt", "gte", "lt", "lte", "between", "is_set", "is_not_set", "is_true", "is_false")
	f := map[string]any{"property": g.property(), "op": op}
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	ofKind := func(kind string) string {
		for {
			s := g.scalar()
			switch {
			case s == `""`, s[0] == 't', s[0] == 'f', kind == "text" && s[0] != '"', kind == "number" && s[0] == '"':
				continue
			}
			return s
		}
	}
	kind := pick(g, "text", "number")
	switch op {
	case "eq", "ne":
		f["value"] = raw(pick(g, g.scalar(), `"DE"`, `"Direct"`, `320`))
	case "in", "not_in":
		f["value"] = []any{raw(g.scalar()), raw(g.scalar()), "DE"}
	case "contains", "not_contains":
		f["value"] = raw(ofKind(kind))
	case "starts_with":
		f["value"] = raw(ofKind("text"))
	case "matches":
		f["value"] = pick(g, "a", "^b", "^a?b$", "^$", "1|é", "(?i)^A", `\bx`, `x.$`, `(?m)^"`, `[^a-z]`, "(?s)é.{1,2}x", `\d+`, "D|N")
	case "gt", "gte", "lt", "lte":
		f["value"] = raw(ofKind(kind))
	case "between":
		f["value"] = []any{raw(ofKind(kind)), raw(ofKind(kind))}
	}
	return f
}

func (g *maker) timeFilter() map[string]any {
	f := map[string]any{"property": pick(g, "time", "received_time", "profile.last_seen", "profile.first_seen")}
	constant := func() string {
		at := time.UnixMilli(g.time()).UTC()
		return pick(g, at.Format(time.DateOnly), at.Format(time.RFC3339Nano))
	}
	op := pick(g, "eq", "ne", "in", "not_in", "gt", "gte", "lt", "lte", "between", "is_set", "is_not_set")
	f["op"] = op
	switch op {
	case "is_set", "is_not_set":
	case "in", "not_in", "between":
		f["value"] = []any{constant(), constant()}
	default:
		f["value"] = constant()
	}
	return f
}

// insightsSpec makes an insights spec.
func insightsSpec(g *maker) map[string]any {
	longest := 10
	interval := pick(g, "hour", "day", "day", "week", "month", "total")
	if interval == "hour" {
		longest = 2
	}
	if interval == "month" {
		longest = 50
	}
	s := g.common(longest)
	s["interval"] = interval
	var list []any
	n := 1 + g.IntN(3)
	for i := range n {
		one := map[string]any{"event": g.event(), "name": fmt.Sprintf("series %d", i)}
		measure := pick(g, "total", "uniques", "uniques", "sessions", "sum", "avg", "median", "p90", "p99", "min", "max", "distinct", "per_user")
		one["measure"] = measure
		switch measure {
		case "total", "sessions":
		case "uniques":
			if interval != "hour" && g.chance(2) {
				one["rolling_days"] = pick(g, 7, 30)
			}
		case "per_user":
			one["per_user"] = pick(g, "avg", "median", "p90", "p99", "min", "max")
			if g.chance(2) {
				one["property"] = pick(g, "n", "revenue", "p")
			}
		default:
			one["property"] = pick(g, "n", "n", "revenue", "p", g.property())
		}
		if g.chance(4) {
			one["where"] = g.filters(1)
		}
		list = append(list, one)
	}
	if g.chance(3) {
		last := string(rune('A' + n - 1))
		list = append(list, map[string]any{"name": "formula", "formula": pick(g, last+" / A", "A + "+last+" * 2", "-A/(A-"+last+")", "100 * "+last+" / A - 0.5", "A - "+last+" - 1")})
	}
	s["series"] = list
	return s
}
