package query

import (
	"strings"
	"time"

	"loch/shared/fault"
	"loch/shared/web"
)

// parameters are those of a call.
type parameters struct{ *web.Parameters }

// days are from_date and to_date.
func (p parameters) days() (from, to time.Time, err error) {
	for name, day := range map[string]*time.Time{"from_date": &from, "to_date": &to} {
		if *day, err = time.Parse(time.DateOnly, p.Text(name)); err != nil || day.Year() < 1971 || day.Year() > 2200 {
			return from, to, fault.Wrap(err, fault.Invalid, "it must be a date such as 2026-11-23").At(name)
		}
	}
	if to.Before(from) || to.Sub(from) >= maxExportDays*24*time.Hour {
		return from, to, fault.Newf(fault.Invalid, "the dates must be in order and span at most %d days", maxExportDays).At("to_date")
	}
	return from, to, nil
}

// event is an event's name that must be there.
func (p parameters) event(name string) (string, error) {
	text := p.Text(name)
	switch {
	case text == "" || len(text) > maxEventName:
		return "", fault.Newf(fault.Invalid, "it must be an event's name, of 1 to %d bytes", maxEventName).At(name)
	case strings.HasPrefix(text, "$custom_event:"):
		return "", fault.New(fault.Invalid, "there are no custom events; name the events themselves").At(name)
	case text == "*":
		return "", fault.New(fault.Invalid, "it must be one event's name").At(name)
	}
	return text, nil
}

// common are the fields that all specs have of the days.
func common(from, to time.Time) map[string]any {
	return map[string]any{"from": from.Format(time.DateOnly), "to": to.Format(time.DateOnly)}
}
