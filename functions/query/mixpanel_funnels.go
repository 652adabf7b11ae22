package query

import (
	"context"
	"encoding/json"
	"math/big"
	"strconv"
	"time"

	"loch/shared/fault"
	"loch/shared/project"
	"loch/shared/report"
)

// funnelled is Mixpanel's answer of /funnels: a funnel for each bucket of days.
type funnelled struct {
	Meta struct {
		Dates []string `json:"dates"`
	} `json:"meta"`
	Data map[string]funnelOfDate `json:"data"`
}

type funnelOfDate struct {
	Steps    []funnelledStep `json:"steps"`
	Analysis struct {
		Completion     int64 `json:"completion"`
		StartingAmount int64 `json:"starting_amount"`
		Steps          int   `json:"steps"`
		Worst          int   `json:"worst"` // the step before which most were lost, from 0
	} `json:"analysis"`
}

type funnelledStep struct {
	Count            int64         `json:"count"`
	AvgTime          *int64        `json:"avg_time"` // seconds since the step before
	AvgTimeFromStart *int64        `json:"avg_time_from_start"`
	StepConvRatio    report.Number `json:"step_conv_ratio"`
	OverallConvRatio report.Number `json:"overall_conv_ratio"`
	Goal             string        `json:"goal"`
	Event            string        `json:"event"`
}

// maxBuckets is how many funnels one call may ask for: each is a statement.
const maxBuckets = 31

// funnels counts people by their first entry in each bucket of days, as Mixpanel's
// uniques do. The steps are in the request, as there are no saved funnels:
//
//	events=[{"event":"Sign Up"},{"event":"Purchase","selector":"properties[\"plan\"] == \"pro\""}]
//
// length and length_unit are the window, 14 days where they are not said. The time
// from the start is told for the second step only: a report knows times between
// neighbours.
func (h *handler) funnels(ctx context.Context, key project.Key, p parameters) (any, error) {
	if p.Text("funnel_id") != "" {
		return nil, fault.New(fault.Invalid, `there are no saved funnels; send the steps: events=[{"event":"Sign Up"},{"event":"Purchase"}]`).At("funnel_id")
	}
	from, to, err := p.days()
	if err != nil {
		return nil, err
	}
	steps, names, err := funnelSteps(p.Text("events"))
	if err != nil {
		return nil, err
	}
	unit, err := p.Word("length_unit", "day", "hour", "minute", "second")
	if err != nil {
		return nil, err
	}
	longest := map[string]int{"day": 90, "hour": 90 * 24, "minute": 90 * 24 * 60, "second": 90 * 24 * 60 * 60}[unit]
	length, err := p.Whole("length", 1, longest, min(14, longest))
	if err != nil {
		return nil, err
	}
	where, err := filtersOf(p.Text("where"), "where")
	if err != nil {
		return nil, err
	}
	starts, err := funnelBuckets(p, from, to)
	if err != nil {
		return nil, err
	}
	if p.Text("on") != "" {
		return nil, fault.New(fault.Invalid, "segments are not supported here; POST /api/reports/funnel has them").At("on")
	}
	p.Text("limit") // does nothing without on
	if err := p.Done(); err != nil {
		return nil, err
	}
	var a funnelled
	a.Meta.Dates, a.Data = []string{}, map[string]funnelOfDate{}
	for i, start := range starts {
		last := to
		if i+1 < len(starts) {
			last = starts[i+1].AddDate(0, 0, -1)
		}
		spec := common(start, last)
		spec["steps"], spec["attempt"] = steps, "first"
		spec["window"] = map[string]any{"value": length, "unit": unit}
		if where != nil {
			spec["where"] = where
		}
		answer, err := h.askReport(ctx, key, "funnel", spec)
		if err != nil {
			return nil, err
		}
		one, ok := answer.(report.FunnelAnswer)
		if !ok {
			return nil, unexpected()
		}
		date := start.Format(time.DateOnly)
		if len(one.Segments) == 1 { // else it is of too few people to be shown
			a.Meta.Dates = append(a.Meta.Dates, date)
			a.Data[date] = funnelOf(one.Segments[0].Steps, names)
		}
	}
	return a, nil
}

// funnelOf writes a funnel in Mixpanel's shape.
func funnelOf(steps []report.FunnelStep, names []string) (f funnelOfDate) {
	worst := big.NewRat(2, 1)
	for i, s := range steps {
		one := funnelledStep{Count: s.Count, AvgTime: seconds(s.AvgSeconds), StepConvRatio: orZero(s.FromPrevious), OverallConvRatio: orZero(s.FromStart), Goal: names[i], Event: names[i]}
		if i == 0 {
			one.StepConvRatio, one.OverallConvRatio = report.Count(1), report.Count(1)
		}
		if i == 1 {
			one.AvgTimeFromStart = one.AvgTime
		}
		if r := one.StepConvRatio.Rat(); i > 0 && r.Cmp(worst) < 0 {
			worst, f.Analysis.Worst = r, i
		}
		f.Steps = append(f.Steps, one)
	}
	f.Analysis.StartingAmount, f.Analysis.Completion, f.Analysis.Steps = steps[0].Count, steps[len(steps)-1].Count, len(steps)
	return f
}

func seconds(n report.Number) *int64 {
	if n.Rat() == nil {
		return nil
	}
	f, _ := n.Rat().Float64()
	whole := int64(f + 0.5)
	return &whole
}

func orZero(n report.Number) report.Number {
	if n.Rat() == nil {
		return report.Count(0)
	}
	return n
}

// funnelSteps reads the parameter events.
func funnelSteps(text string) (steps []any, names []string, err error) {
	wrong := func(i int, words string) error {
		place := "events"
		if i >= 0 {
			place += "[" + strconv.Itoa(i) + "]"
		}
		return fault.New(fault.Invalid, words).At(place)
	}
	var list []map[string]any
	if err := json.Unmarshal([]byte(text), &list); err != nil || len(list) < 2 || len(list) > 12 {
		return nil, nil, wrong(-1, `it must be a JSON list of 2 to 12 steps, such as [{"event":"Sign Up"},{"event":"Purchase"}]`)
	}
	for i, one := range list {
		step := map[string]any{}
		for name, v := range one {
			text, ok := v.(string)
			switch {
			case name == "event" && ok && text != "" && text != "*" && len(text) <= maxEventName:
				step["event"] = text
				names = append(names, text)
			case name == "selector" && ok, name == "where" && ok:
				where, err := filtersOf(text, "events["+strconv.Itoa(i)+"]."+name)
				if err != nil {
					return nil, nil, err
				}
				if where != nil {
					step["where"] = where
				}
			case name == "step_label" && ok:
			default:
				return nil, nil, wrong(i, `a step has an event's name, and maybe a selector: {"event":"Purchase","selector":"properties[\"plan\"] == \"pro\""}`)
			}
		}
		if step["event"] == nil {
			return nil, nil, wrong(i, "the event's name is missing")
		}
		steps = append(steps, step)
	}
	return steps, names, nil
}

// funnelBuckets are the first days of the buckets: so many days from the first on,
// or the calendar's weeks, from Monday on, or months.
func funnelBuckets(p parameters, from, to time.Time) (starts []time.Time, err error) {
	days, err := p.Whole("interval", 1, maxExportDays, 1)
	if err != nil {
		return nil, err
	}
	unit, err := p.Word("unit", "day", "week", "month")
	if err != nil {
		return nil, err
	}
	if p.Text("unit") != "" && p.Text("interval") != "" && days != 1 {
		return nil, fault.New(fault.Invalid, "unit and interval say the same; send one of them").At("interval")
	}
	for day := from; !day.After(to); {
		starts = append(starts, day)
		switch unit {
		case "week":
			day = day.AddDate(0, 0, 7-(int(day.Weekday())+6)%7)
		case "month":
			day = time.Date(day.Year(), day.Month()+1, 1, 0, 0, 0, 0, time.UTC)
		default:
			day = day.AddDate(0, 0, days)
		}
		if len(starts) > maxBuckets {
			return nil, fault.Newf(fault.Invalid, "these are more than %d funnels, one for each bucket of days; ask for fewer days, or a larger interval or unit", maxBuckets).At("interval")
		}
	}
	return starts, nil
}
