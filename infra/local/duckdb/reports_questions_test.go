package duckdb

import "fmt"

// reportQuestion is a question of the benchmark of reports: how Loch is asked, how
// ClickHouse is, and which figures of Loch's answer ClickHouse's rows must equal.
type reportQuestion struct {
	name, kind, spec string
	journey, schema  bool
	clickhouse       string // over the view events; "" where it has nothing like it
	figures          func(answer any) [][]any
}

const (
	fourSteps  = `"steps":[{"event":"Page View"},{"event":"Search"},{"event":"Add To Cart"},{"event":"Purchase"}]`
	stepEvents = `event IN ('Page View', 'Search', 'Add To Cart', 'Purchase')`
	// funnelLevels is how far each person got.
	funnelLevels = `SELECT person, any(country) AS country, windowFunnel(604800000)(toUInt64(t), event = 'Page View', event = 'Search', event = 'Add To Cart', event = 'Purchase') AS level
		FROM events WHERE NOT is_bot AND ` + stepEvents + ` GROUP BY person`
	funnelCounts = `countIf(level >= 1), countIf(level >= 2), countIf(level >= 3), countIf(level >= 4)`
)

// retentionSQL is retention by intervals, which divides days.
func retentionSQL(interval string, intervals int) string {
	return fmt.Sprintf(`WITH first AS (SELECT person, %[1]s AS slot, min(t) AS t FROM events WHERE NOT is_bot AND event = 'Search' GROUP BY person, slot),
		visits AS (SELECT person, %[1]s AS slot, max(t) AS latest FROM events WHERE NOT is_bot GROUP BY person, slot)
		SELECT toInt64(f.slot) AS cohort, toInt64(v.slot) - toInt64(f.slot) AS step, count() FROM first f JOIN visits v ON v.person = f.person
		WHERE v.slot >= f.slot AND v.slot < f.slot + %[2]d AND v.latest > f.t GROUP BY cohort, step ORDER BY cohort, step`, interval, intervals)
}

var reportQuestions = []reportQuestion{
	{
		name: "totals by day", kind: "insights", spec: `{"series":[{"event":"Page View"}]}`, figures: pointsOf,
		clickhouse: `SELECT count() FROM events WHERE NOT is_bot AND event = 'Page View' GROUP BY date ORDER BY date`,
	},
	{
		name: "uniques by day", kind: "insights", spec: `{"series":[{"event":"*","measure":"uniques"}]}`, figures: pointsOf,
		clickhouse: `SELECT uniqExact(person) FROM events WHERE NOT is_bot GROUP BY date ORDER BY date`,
	},
	{
		name: "weekly actives, rolling", kind: "insights", spec: `{"series":[{"event":"*","measure":"uniques","rolling_days":7}]}`, figures: pointsOf,
		clickhouse: `SELECT uniqExact(person) FROM (SELECT DISTINCT person, date FROM events WHERE NOT is_bot)
			ARRAY JOIN arrayMap(i -> date + i, range(7)) AS day WHERE day <= '2026-11-30' GROUP BY day ORDER BY day`,
	},
	{
		name: "funnel of 4 steps in 7 days", kind: "funnel", spec: `{` + fourSteps + `}`, figures: stepsOf,
		clickhouse: `SELECT ` + funnelCounts + ` FROM (` + funnelLevels + `)`,
	},
	{
		name: "the same by country", kind: "funnel", spec: `{` + fourSteps + `,"breakdown":[{"property":"country","limit":20}]}`, figures: stepsOf,
		clickhouse: `SELECT ` + funnelCounts + ` FROM (` + funnelLevels + `) GROUP BY country ORDER BY countIf(level >= 1) DESC, country`,
	},
	{
		name: "the same, totals", kind: "funnel", spec: `{` + fourSteps + `,"count":"totals"}`,
	},
	{
		name: "retention by day, 14 days", kind: "retention", spec: `{"first":{"event":"Search"},"then":{"event":"*"},"intervals":14}`, figures: retainedOf,
		clickhouse: retentionSQL(`dateDiff('day', toDate('2026-11-01'), date)`, 14),
	},
	{
		name: "retention by week, 8 weeks", kind: "retention", spec: `{"first":{"event":"Search"},"then":{"event":"*"},"interval":"week","intervals":8}`, figures: retainedOf,
		clickhouse: retentionSQL(`dateDiff('week', toDate('2026-11-01'), date)`, 8),
	},
	{
		name: "flows of 4 steps", kind: "flows", spec: `{"anchor":{"event":"Search"},"steps":4}`,
	},
	{
		name: "sessions", kind: "sessions", spec: `{"timezone":"UTC"}`,
	},
	{
		name: "the schema", schema: true,
	},
	{
		name: "the journey of one person", journey: true, figures: func(answer any) [][]any {
			var rows [][]any
			for _, e := range answer.([]any) {
				rows = append(rows, e.([]any))
			}
			return rows
		},
		clickhouse: `SELECT toUnixTimestamp64Milli(assumeNotNull(time)), event FROM files WHERE user_id = '` + askedPerson.user() + `' OR user_id IS NULL AND device_id IN (` + askedPerson.devices() + `)
			ORDER BY time DESC, received_time DESC, insert_id DESC LIMIT 100`,
	},
}

// at walks into an answer.
func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			v = v.(map[string]any)[p]
		case int:
			v = v.([]any)[p]
		}
	}
	return v
}

// pointsOf are the points of the one series.
func pointsOf(answer any) [][]any {
	var rows [][]any
	for _, p := range at(answer, "series", 0, "points").([]any) {
		rows = append(rows, []any{at(p, "v")})
	}
	return rows
}

// stepsOf are how many got to the steps, a row for each segment.
func stepsOf(answer any) [][]any {
	var rows [][]any
	for _, segment := range at(answer, "segments").([]any) {
		var row []any
		for _, step := range at(segment, "steps").([]any) {
			row = append(row, at(step, "count"))
		}
		rows = append(rows, row)
	}
	return rows
}

// retainedOf are cohort, interval and how many came back, where anybody did.
func retainedOf(answer any) [][]any {
	var rows [][]any
	for c, cohort := range at(answer, "cohorts").([]any) {
		for i, r := range at(cohort, "retained").([]any) {
			if n := at(r, "n"); n != 0.0 {
				rows = append(rows, []any{c, i, n})
			}
		}
	}
	return rows
}

// personNumber is a person of the lake, by number.
type personNumber int

// askedPerson is one whose journey is asked for: somebody who comes every few days.
const askedPerson = personNumber(90)

func (p personNumber) user() string { return fmt.Sprintf("%032x", int(p)+1<<40) }

func (p personNumber) device(i int) string { return fmt.Sprintf("%032x", (int(p)*4+i)*7919+1) }

func (p personNumber) ids() []string {
	list := []string{p.user()}
	for i := range 1 + int(p)%3 {
		list = append(list, p.device(i))
	}
	return list
}

func (p personNumber) devices() string {
	list := ""
	for i, id := range p.ids()[1:] {
		if i > 0 {
			list += ", "
		}
		list += "'" + id + "'"
	}
	return list
}
