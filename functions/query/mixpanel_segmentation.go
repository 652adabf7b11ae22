package query

import (
	"context"
	"fmt"
	"strings"
	"time"

	"loch/shared/fault"
	"loch/shared/project"
	"loch/shared/report"
)

// segmented is Mixpanel's answer of /segmentation: numbers by segment and date.
type segmented struct {
	Data struct {
		Series []string                            `json:"series"`
		Values map[string]map[string]report.Number `json:"values"`
	} `json:"data"`
	LegendSize int `json:"legend_size"`
}

// summed is the answer of /segmentation/sum and /segmentation/average.
type summed struct {
	Status     string                   `json:"status"`
	ComputedAt string                   `json:"computed_at"`
	Results    map[string]report.Number `json:"results"`
}

const (
	usualLimit = 60  // of on, as Mixpanel has it
	mostLimit  = 100 // what a break-down can show
	// undefined is what Mixpanel calls the segment of events without the property.
	undefined = "undefined"
)

// segmentation counts one event: type general is how often, unique by how many
// people, average how often by each of them.
func (h *handler) segmentation(ctx context.Context, key project.Key, p parameters) (any, error) {
	spec, unit, err := segmentationSpec(p, "day", "hour", "week", "month")
	if err != nil {
		return nil, err
	}
	name, err := p.event("event")
	if err != nil {
		return nil, err
	}
	kind, err := p.Word("type", "general", "unique", "average")
	if err != nil {
		return nil, err
	}
	limit, err := p.Whole("limit", 1, mostLimit, usualLimit)
	if err != nil {
		return nil, err
	}
	on := p.Text("on")
	if on != "" {
		property, err := propertyAsked(on, "on")
		if err != nil {
			return nil, err
		}
		spec["breakdown"] = []any{map[string]any{"property": property, "limit": limit}}
	}
	if err := p.Done(); err != nil {
		return nil, err
	}
	total, people := map[string]any{"event": name, "measure": "total", "name": "total"}, map[string]any{"event": name, "measure": "uniques", "name": "people"}
	wanted := "total"
	switch kind {
	case "general":
		spec["series"] = []any{total}
	case "unique":
		spec["series"], wanted = []any{people}, "people"
	case "average":
		spec["series"], wanted = []any{total, people, map[string]any{"formula": "A / B", "name": "average"}}, "average"
	}
	insights, err := h.insights(ctx, key, spec)
	if err != nil {
		return nil, err
	}
	var a segmented
	a.Data.Series, a.Data.Values = []string{}, map[string]map[string]report.Number{}
	for _, line := range insights.Series {
		if line.Name != wanted {
			continue
		}
		label := name
		if on != "" {
			if label = segmentLabel(line.Segment); label == report.Other {
				continue // Mixpanel leaves out what is beyond the limit
			}
		}
		a.Data.Series = a.Data.Series[:0]
		a.Data.Values[label] = map[string]report.Number{}
		for _, point := range line.Points {
			at, v := mixpanelDate(point.T, unit), point.V
			if v.Rat() == nil {
				v = report.Count(0)
			}
			a.Data.Series = append(a.Data.Series, at)
			a.Data.Values[label][at] = v
		}
	}
	a.LegendSize = len(a.Data.Values)
	return a, nil
}

// segmentationSum adds up a property, segmentationAverage takes its mean. Values that
// are no numbers are left out.
func (h *handler) segmentationSum(ctx context.Context, key project.Key, p parameters) (any, error) {
	return h.aggregate(ctx, key, p, "sum")
}

func (h *handler) segmentationAverage(ctx context.Context, key project.Key, p parameters) (any, error) {
	return h.aggregate(ctx, key, p, "avg")
}

func (h *handler) aggregate(ctx context.Context, key project.Key, p parameters, measure string) (any, error) {
	spec, unit, err := segmentationSpec(p, "day", "hour")
	if err != nil {
		return nil, err
	}
	name, err := p.event("event")
	if err != nil {
		return nil, err
	}
	property, err := propertyAsked(p.Text("on"), "on")
	if err != nil {
		return nil, err
	}
	if err := p.Done(); err != nil {
		return nil, err
	}
	spec["series"] = []any{map[string]any{"event": name, "measure": measure, "property": property}}
	insights, err := h.insights(ctx, key, spec)
	if err != nil {
		return nil, err
	}
	a := summed{Status: "ok", ComputedAt: h.Now().UTC().Format("2006-01-02T15:04:05.000000+00:00"), Results: map[string]report.Number{}}
	for _, line := range insights.Series {
		for _, point := range line.Points {
			v := point.V
			if v.Rat() == nil {
				v = report.Count(0)
			}
			a.Results[mixpanelDate(point.T, unit)] = v
		}
	}
	return a, nil
}

// segmentationSpec reads what the calls have in common. The first unit is the one
// where none is said.
func segmentationSpec(p parameters, units ...string) (map[string]any, string, error) {
	from, to, err := p.days()
	if err != nil {
		return nil, "", err
	}
	spec := common(from, to)
	unit, err := p.Word("unit", units...)
	if err != nil {
		return nil, "", err
	}
	if _, err := p.Whole("interval", 1, 1, 1); err != nil {
		return nil, "", fault.New(fault.Invalid, "buckets of several days are not supported; unit can be week or month").At("interval")
	}
	spec["interval"] = unit
	where, err := filtersOf(p.Text("where"), "where")
	if err != nil {
		return nil, "", err
	}
	if where != nil {
		spec["where"] = where
	}
	return spec, unit, nil
}

func (h *handler) insights(ctx context.Context, key project.Key, spec map[string]any) (report.InsightsAnswer, error) {
	answer, err := h.askReport(ctx, key, "insights", spec)
	if err != nil {
		return report.InsightsAnswer{}, err
	}
	insights, ok := answer.(report.InsightsAnswer)
	if !ok {
		return insights, unexpected()
	}
	return insights, nil
}

// segmentLabel is a segment as a key of Mixpanel's answer.
func segmentLabel(s report.Segment) string {
	values := s.Values()
	if len(values) != 1 {
		return ""
	}
	switch text := fmt.Sprint(values[0]); text {
	case report.NotSet:
		return undefined
	case report.Empty:
		return ""
	default:
		return text
	}
}

// mixpanelDate writes the beginning of a bucket as Mixpanel does: a month's is its
// first day, an hour's has no zone.
func mixpanelDate(t, unit string) string {
	switch {
	case unit == "month" && len(t) == len(time.DateOnly):
		return t[:len("2006-01-")] + "01"
	case unit == "hour" && len(t) > len("2006-01-02T15:04:05"):
		return strings.Replace(t[:len("2006-01-02T15:04:05")], "T", " ", 1)
	}
	return t
}
