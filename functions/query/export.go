package query

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"loch/shared/fault"
)

const (
	maxExportLimit = 100_000 // of the limit parameter, as Mixpanel has it; without one there is no limit
	maxExportDays  = 3660
	maxEventNames  = 1000
)

// exportSpec is what a client asked to export.
type exportSpec struct {
	from, to     string // "2026-11-23", inclusive, UTC
	days         int
	events       []string // none for all
	condition    string   // SQL, from where; "" for all
	limit        int      // 0 for all
	milliseconds bool
}

func parseExport(rawQuery string) (exportSpec, error) {
	var s exportSpec
	q, err := url.ParseQuery(rawQuery)
	if err != nil {
		return s, fault.Wrap(err, fault.Invalid, "the query string cannot be read; escape its values (curl: -G --data-urlencode)")
	}
	from, err := exportDate(q, "from_date")
	if err != nil {
		return s, err
	}
	to, err := exportDate(q, "to_date")
	if err != nil {
		return s, err
	}
	s.from, s.to = from.Format(time.DateOnly), to.Format(time.DateOnly)
	if s.days = int(to.Sub(from).Hours()/24) + 1; s.days < 1 || s.days > maxExportDays {
		return s, fault.Newf(fault.Invalid, "the dates must be in order and span at most %d days", maxExportDays).At("to_date")
	}
	if s.events, err = exportEvents(q.Get("event")); err != nil {
		return s, err
	}
	if text := q.Get("limit"); text != "" {
		s.limit, err = strconv.Atoi(text)
		if err != nil || s.limit < 1 || s.limit > maxExportLimit {
			return s, fault.Newf(fault.Invalid, "the limit must be a whole number from 1 to %d", maxExportLimit).At("limit")
		}
	}
	switch strings.ToLower(q.Get("time_in_ms")) {
	case "", "false", "0":
	case "true", "1":
		s.milliseconds = true
	default:
		return s, fault.New(fault.Invalid, "must be true or false").At("time_in_ms")
	}
	if where := q.Get("where"); strings.TrimSpace(where) != "" {
		s.condition, err = whereSQL(where, s.milliseconds)
	}
	return s, err
}

func exportDate(q url.Values, name string) (time.Time, error) {
	t, err := time.Parse(time.DateOnly, q.Get(name))
	if err != nil || t.Year() < 1 {
		return t, fault.Wrap(err, fault.Invalid, "must be a date such as 2026-11-23 (the day is UTC's)").At(name)
	}
	return t, nil
}

func exportEvents(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	wrong := fault.New(fault.Invalid, `must be a JSON array of event names, such as ["Signed Up"]`).At("event")
	if !utf8.ValidString(text) {
		return nil, wrong
	}
	var names []*string
	if err := json.Unmarshal([]byte(text), &names); err != nil || len(names) > maxEventNames {
		return nil, wrong
	}
	out := make([]string, 0, len(names))
	for _, name := range names {
		if name == nil || strings.IndexByte(*name, 0) >= 0 {
			return nil, wrong
		}
		out = append(out, *name)
	}
	return out, nil
}

// filter is the SQL of the events within the asked dates, before where.
func (s exportSpec) filter(from, to string) string {
	filter := "date BETWEEN DATE " + quote(from) + " AND DATE " + quote(to)
	if len(s.events) == 0 {
		return filter
	}
	names := make([]string, len(s.events))
	for i, name := range s.events {
		names[i] = quote(name)
	}
	return filter + " AND event IN (" + strings.Join(names, ", ") + ")"
}

// daysSQL asks which days have events at all, so that a long range of empty
// days costs one statement.
func (s exportSpec) daysSQL() string {
	return "SELECT DISTINCT cast(date AS varchar) AS day FROM events WHERE " + s.filter(s.from, s.to) + " ORDER BY 1"
}

// place is where a page of a day ended: the order's own columns.
type place struct {
	timeMS, requestID, index string // numbers as text
}

// pageColumns are the columns of pageSQL. All are text, so that no engine's own
// idea of a number or a time comes between the lake and the export.
const (
	colEvent = iota
	colTime
	colReceived
	colInsertID
	colDistinctID
	colCountry
	colRegion
	colCity
	colProperties
	colTimeMS
	colRequestID
	colIndex
	colCount
)

// pageSQL asks for the next n events of a day in the order of time, request and
// place in the request. That order is total, so that the next page begins right
// after the last event of this one.
func (s exportSpec) pageSQL(day string, after *place, n int) string {
	var b strings.Builder
	b.WriteString("SELECT event, cast(" + eventTime(s.milliseconds) + " AS varchar), cast(" + processingTime + " AS varchar), " +
		"insert_id, " + added["distinct_id"] + ", country, region, city, cast(properties AS varchar), " +
		"cast(epoch_ms(time) AS varchar), request_id, cast(batch_index AS varchar) " +
		"FROM (SELECT *")
	if s.condition != "" {
		b.WriteString(", CASE WHEN json_valid(properties) THEN properties END AS " + document)
	}
	b.WriteString(" FROM events WHERE " + s.filter(day, day) + ") AS e")
	joint := " WHERE "
	if after != nil {
		b.WriteString(joint + "(epoch_ms(time) > " + after.timeMS + " OR (epoch_ms(time) = " + after.timeMS +
			" AND (request_id > " + quote(after.requestID) + " OR (request_id = " + quote(after.requestID) +
			" AND batch_index > " + after.index + "))))")
		joint = " AND "
	}
	if s.condition != "" {
		b.WriteString(joint + s.condition)
	}
	b.WriteString(" ORDER BY epoch_ms(time), request_id, batch_index LIMIT " + strconv.Itoa(n))
	return b.String()
}
