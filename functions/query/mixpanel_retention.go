package query

import (
	"context"

	"loch/shared/fault"
	"loch/shared/project"
	"loch/shared/report"
)

// retainedCohort is one date of Mixpanel's answer of /retention.
type retainedCohort struct {
	Counts []int64 `json:"counts"` // interval 0 first
	First  int64   `json:"first"`
}

// retention tells who came back. birth is of people who did born_event for the first
// time ever, compounded of those who did event in each interval. Days and weeks run
// from a person's own event on, as at Mixpanel; months are the calendar's, since
// they differ in length. interval_count does not count interval 0.
func (h *handler) retention(ctx context.Context, key project.Key, p parameters) (any, error) {
	from, to, err := p.days()
	if err != nil {
		return nil, err
	}
	kind, err := p.Word("retention_type", "birth", "compounded")
	if err != nil {
		return nil, err
	}
	unit, err := p.Word("unit", "day", "week", "month")
	if err != nil {
		return nil, err
	}
	interval, err := p.Whole("interval", 1, 90, 1)
	if err != nil {
		return nil, err
	}
	switch {
	case interval == 7 && unit == "day":
		unit = "week"
	case interval != 1:
		return nil, fault.New(fault.Invalid, "intervals are of one day, week or month; say which by unit").At("interval")
	}
	count, err := p.Whole("interval_count", 1, 399, 1)
	if err != nil {
		return nil, err
	}
	spec := common(from, to)
	spec["interval"], spec["intervals"] = unit, count+1
	if unit != "month" {
		spec["clock"] = "rolling"
	}
	unbounded, err := p.Word("unbounded_retention", "false", "true")
	if err != nil {
		return nil, err
	}
	if unbounded == "true" {
		spec["mode"] = "on_or_after"
	}
	then := map[string]any{"event": "*"}
	if p.Text("event") != "" {
		if then["event"], err = p.event("event"); err != nil {
			return nil, err
		}
	}
	if err := addWhere(then, p, "where"); err != nil {
		return nil, err
	}
	first := then
	born := p.Text("born_event") // ignored where people are counted again and again
	p.Text("born_where")
	if kind == "birth" {
		if born == "" {
			return nil, fault.New(fault.Invalid, "retention_type birth needs it: the event by which people are born").At("born_event")
		}
		first = map[string]any{}
		if first["event"], err = p.event("born_event"); err != nil {
			return nil, err
		}
		if err := addWhere(first, p, "born_where"); err != nil {
			return nil, err
		}
		spec["first_ever"] = true
	}
	if p.Text("on") != "" {
		return nil, fault.New(fault.Invalid, "segments are not supported here; POST /api/reports/retention has them").At("on")
	}
	p.Text("limit") // does nothing without on
	if err := p.Done(); err != nil {
		return nil, err
	}
	spec["first"], spec["then"] = first, then
	answer, err := h.askReport(ctx, key, "retention", spec)
	if err != nil {
		return nil, err
	}
	told, ok := answer.(report.RetentionAnswer)
	if !ok {
		return nil, unexpected()
	}
	a := map[string]retainedCohort{}
	for _, c := range told.Cohorts {
		one := retainedCohort{Counts: []int64{}, First: c.Size}
		for _, r := range c.Retained {
			one.Counts = append(one.Counts, r.N)
		}
		a[mixpanelDate(c.Start, unit)] = one
	}
	return a, nil
}

func addWhere(act map[string]any, p parameters, name string) error {
	where, err := filtersOf(p.Text(name), name)
	if err == nil && where != nil {
		act["where"] = where
	}
	return err
}
