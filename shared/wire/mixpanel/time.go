package mixpanel

import (
	"math"
	"strconv"

	"loch/shared/event"
)

// millisecondsFrom is where a time can only be meant in milliseconds: as
// seconds it would be the year 5138. Mixpanel documents no threshold.
const millisecondsFrom = 1e11

// time reads the moment of an event: seconds with or without a fraction, or
// milliseconds; digits in a string are taken too. A missing time is left 0 and
// becomes the time of receipt.
func (p *propertyReader) time(value []byte, start int) (event.Reason, string) {
	if value[0] == 'n' {
		return "", ""
	}
	if value[0] != '"' && value[0] != '-' && (value[0] < '0' || value[0] > '9') {
		return event.ReasonWrongType, "properties.time"
	}
	ms, ok := timeMS(p.scalar(value, start))
	if !ok {
		return event.ReasonBadTime, "properties.time"
	}
	p.e.Row.TimeMS, p.e.Row.TimeSource = ms, event.TimeOfClient
	return "", ""
}

// timeMS turns a time as sent into milliseconds since 1970.
func timeMS(s string) (int64, bool) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) > 1e15 {
		return 0, false
	}
	if math.Abs(f) < millisecondsFrom {
		f *= 1000
	}
	return int64(math.Round(f)), true
}
