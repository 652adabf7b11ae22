package report_test

import (
	"strings"
	"testing"

	"loch/shared/fault"
	"loch/shared/report"
	"loch/shared/sql"
)

// TestFunnelRefusals holds that a wrong funnel is refused at its place.
func TestFunnelRefusals(t *testing.T) {
	const two = `"steps":[{"event":"A"},{"event":"B"}]`
	six := `"steps":[` + strings.TrimSuffix(strings.Repeat(`{"event":"A"},`, 6), ",") + `]`
	for _, c := range []struct{ spec, field, words string }{
		{``, "steps", "2 to 12"},
		{`"steps":[{"event":"A"}]`, "steps", "2 to 12"},
		{`"steps":[{"event":"A"},{}]`, "steps[1].event", "missing"},
		{`"steps":[{"event":"A"},{"event":""}]`, "steps[1].event", "1 to"},
		{`"steps":[{"event":"A"},{"any":[]}]`, "steps[1].any", "1 to"},
		{`"steps":[{"event":"A"},{"any":[{"event":"B"},{}]}]`, "steps[1].any[1].event", "missing"},
		{`"steps":[{"event":"A"},{"any":[{"event":"B"}],"where":[]}]`, "steps[1].where", "belongs"},
		{`"steps":[{"event":"A"},{"event":"B","where":[{"property":"a"}]}]`, "steps[1].where[0].op", "missing"},
		{six, "steps[5]", "same events"},
		{two + `,"window":7`, "window", "object"},
		{two + `,"window":{"unit":"day"}`, "window.value", "missing"},
		{two + `,"window":{"value":0}`, "window.value", "1 to 366"},
		{two + `,"window":{"value":1,"unit":"month"}`, "window.unit", "week"},
		{two + `,"count":"totals","attempt":"best"`, "attempt", "every attempt"},
		{two + `,"count":"users"`, "count", "sessions"},
		{two + `,"attempt":"last"`, "attempt", "best"},
		{two + `,"order":"none"`, "order", "strict"},
		{two + `,"exclude":[{"event":"E","between":[2,1]}]`, "exclude[0].between", "earlier first"},
		{two + `,"exclude":[{"event":"E","between":[1]}]`, "exclude[0].between", "earlier first"},
		{two + `,"exclude":[{"event":"E","between":[1,3]}]`, "exclude[0].between", "1 to 2"},
		{two + `,"exclude":[{}]`, "exclude[0].event", "missing"},
		{two + `,"order":"strict","exclude":[{"event":"E"}]`, "exclude", "ordered"},
		{two + `,"hold":["received_time"]`, "hold[0]", "time"},
		{two + `,"hold":[1]`, "hold[0]", "text"},
		{two + `,"breakdown_at":3`, "breakdown_at", "1 to 2"},
		{two + `,"order":"any","breakdown_at":2`, "breakdown_at", "any order"},
		{`"order":"any","steps":[{"event":"A"},{"event":{"any":["B","A"]}}]`, "steps[1]", "different events"},
	} {
		body := `{"from":"2026-11-01","to":"2026-11-30"}`
		if c.spec != "" {
			body = strings.Replace(body, "}", ","+c.spec+"}", 1)
		}
		spec, err := report.Parse("funnel", []byte(body))
		if err == nil {
			_, err = spec.Compile(sql.DuckDB, env)
		}
		if f := fault.From(err); err == nil || f.Code != fault.Invalid || f.Field != c.field || !strings.Contains(f.Message, c.words) {
			t.Errorf("%s: %v, want %q at %q", body, err, c.words, c.field)
		}
	}
}
