package filter

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"loch/shared/rawjson"
)

// Did is a segment of behaviour: who did an event at least so many times within
// the days before a moment.
type Did struct {
	Event      string
	AtLeast    int
	WithinDays int
}

// The bounds of a segment of behaviour.
const (
	maxEventName  = 1024
	maxAtLeast    = 1_000_000
	maxWithinDays = 3660
)

// ParseCohort reads {"did": {"event": "Purchase", "at_least": 1, "within_days":
// 30}}. place is where it stands in the request.
func ParseCohort(text []byte, place string) (Did, error) {
	d := Did{AtLeast: 1, WithinDays: 30}
	const example = `{"did": {"event": "Purchase", "at_least": 1, "within_days": 30}}`
	c := rawjson.Cursor{Buf: text, MaxDepth: 4}
	if _, err := c.Value(); err != nil || !c.End() || !utf8.Valid(text) {
		return d, wrong(place, "this is not valid JSON; a cohort is %s", example)
	}
	outer, err := membersOf(text, place, "did")
	if err != nil {
		return d, err
	}
	if outer["did"] == nil {
		return d, wrong(place+".did", "it is missing; a cohort is %s", example)
	}
	place += ".did"
	inner, err := membersOf(outer["did"], place, "event", "at_least", "within_days")
	if err != nil {
		return d, err
	}
	if d.Event, err = textOf(inner["event"], place+".event", "the event's name"); err != nil {
		return d, err
	}
	if d.Event == "" || len(d.Event) > maxEventName || strings.IndexByte(d.Event, 0) >= 0 {
		return d, wrong(place+".event", "an event's name has 1 to %d bytes, none of them zero", maxEventName)
	}
	if err := wholeNumber(inner["at_least"], &d.AtLeast, maxAtLeast, place+".at_least"); err != nil {
		return d, err
	}
	return d, wholeNumber(inner["within_days"], &d.WithinDays, maxWithinDays, place+".within_days")
}

// membersOf reads an object whose fields are among names.
func membersOf(object []byte, place string, names ...string) (map[string][]byte, error) {
	c := rawjson.Cursor{Buf: object, MaxDepth: maxDepth}
	if !c.Open(rawjson.Object) {
		return nil, wrong(place, "it must be an object with %s", strings.Join(names, ", "))
	}
	members := map[string][]byte{}
	for first := true; ; first = false {
		more, err := c.More(first, '}')
		if err != nil || !more {
			return members, err
		}
		quoted, err := c.Name()
		if err != nil {
			return nil, err
		}
		start, err := c.Value()
		if err != nil {
			return nil, err
		}
		name, known := rawjson.Text(quoted), false
		for _, n := range names {
			known = known || n == name
		}
		switch {
		case !known:
			return nil, wrong(place+"."+shown(name), "there is no such field; there are %s", strings.Join(names, ", "))
		case members[name] != nil:
			return nil, wrong(place+"."+shown(name), "the field is there twice")
		}
		members[name] = object[start:c.Pos]
	}
}

func wholeNumber(raw []byte, into *int, most int, place string) error {
	if raw == nil {
		return nil
	}
	n, err := strconv.Atoi(string(raw))
	if err != nil || n < 1 || n > most {
		return wrong(place, "it must be a whole number from 1 to %d", most)
	}
	*into = n
	return nil
}

// SQL asks who did it in the days before now: one column, person_id, the same in
// DuckDB and in Trino. Bots are left out. The name travels as an escaped literal,
// the numbers are numbers.
func (d Did) SQL(now time.Time) string {
	since := now.UTC().Add(-time.Duration(d.WithinDays) * 24 * time.Hour)
	return "SELECT person_id FROM events WHERE event = '" + strings.ReplaceAll(d.Event, "'", "''") + "'" +
		" AND date >= DATE '" + since.Format(time.DateOnly) + "'" +
		" AND time >= TIMESTAMP '" + since.Format("2006-01-02 15:04:05.000") + "'" +
		" AND NOT is_bot AND person_id IS NOT NULL" +
		" GROUP BY person_id HAVING count(*) >= " + strconv.Itoa(d.AtLeast)
}
