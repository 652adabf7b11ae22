package erase

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"loch/shared/event"
	"loch/shared/fault"
	"loch/shared/report"
)

// The size of a page follows the size of events: the first is small, since an
// event may have a megabyte, and the next are as large as pageBytes allow.
const (
	firstPage = 256
	mostPage  = 10_000
	pageBytes = 8 << 20

	// mostIDs is how many lake ids one statement names. Hardly anybody has more;
	// who does gets one run through time after the other.
	mostIDs = 2000
)

// pager reads the events of a person in the order of time.
type pager struct {
	h       *handler
	project string
	ids     []string
	untilMS int64 // what arrives while the export runs is left out
	after   *place
	size    int
}

// place is where a page ended: the order's own columns.
type place struct {
	timeMS, index int64
	requestID     string
}

// eventsOf is the condition that picks a person's events. A row counts for its
// user; one without a user counts for the person of its device. So what another
// user did on the same device is not in it.
func eventsOf(ids []string, untilMS int64) string {
	quoted := make([]string, len(ids))
	for i, id := range ids {
		quoted[i] = quote(id)
	}
	return "coalesce(user_id, device_id) IN (" + strings.Join(quoted, ", ") + ") AND epoch_ms(received_time) <= " + strconv.FormatInt(untilMS, 10)
}

// quote writes a text as a SQL string.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// selected are all columns of an event; the place in time comes last.
var selected = func() string {
	names := make([]string, 0, len(event.Columns)+1)
	for _, c := range event.Columns {
		names = append(names, `"`+c.Name+`"`)
	}
	return strings.Join(append(names, "epoch_ms(time)"), ", ")
}()

func column(name string) int {
	return slices.IndexFunc(event.Columns, func(c event.Column) bool { return c.Name == name })
}

var requestColumn, indexColumn, timeColumn = column("request_id"), column("batch_index"), len(event.Columns)

func (p *pager) statement(ids []string, n int) string {
	var b strings.Builder
	b.WriteString("SELECT " + selected + " FROM events WHERE " + eventsOf(ids, p.untilMS))
	if a := p.after; a != nil {
		at, index := strconv.FormatInt(a.timeMS, 10), strconv.FormatInt(a.index, 10)
		// The date is the time's own, and lets the engine leave files unopened.
		b.WriteString(" AND date >= DATE " + quote(time.UnixMilli(a.timeMS).UTC().Format(time.DateOnly)) +
			" AND (epoch_ms(time) > " + at + " OR (epoch_ms(time) = " + at +
			" AND (request_id > " + quote(a.requestID) + " OR (request_id = " + quote(a.requestID) +
			" AND batch_index > " + index + "))))")
	}
	b.WriteString(" ORDER BY epoch_ms(time), request_id, batch_index LIMIT " + strconv.Itoa(n))
	return b.String()
}

// next returns the next page as JSON objects; none is the end.
func (p *pager) next(ctx context.Context) ([][]byte, error) {
	for len(p.ids) > 0 {
		ids := p.ids[:min(len(p.ids), mostIDs)]
		result, err := p.h.ask(ctx, p.project, p.statement(ids, p.size), p.size)
		if err != nil {
			return nil, err
		}
		if len(result.Rows) == 0 {
			if result.Truncated {
				return nil, fault.New(fault.Internal, "the engine has no room for a single event")
			}
			p.ids, p.after = p.ids[len(ids):], nil
			continue
		}
		page := make([][]byte, len(result.Rows))
		total := 0
		for i, row := range result.Rows {
			if len(row) != len(event.Columns)+1 {
				return nil, fault.New(fault.Internal, "the engine gave another number of columns than it was asked for")
			}
			if page[i], err = eventJSON(row); err != nil {
				return nil, err
			}
			total += len(page[i])
		}
		if err := p.endedAt(result.Rows[len(result.Rows)-1]); err != nil {
			return nil, err
		}
		if len(page) < p.size && !result.Truncated {
			p.ids, p.after = p.ids[len(ids):], nil
		}
		p.size = max(1, min(pageBytes*len(page)/(total+1), 4*p.size, mostPage))
		return page, nil
	}
	return nil, nil
}

func (p *pager) endedAt(row []any) error {
	at, err := whole(row[timeColumn])
	index, err2 := whole(row[indexColumn])
	requestID, ok := row[requestColumn].(string)
	if err := errors.Join(err, err2); err != nil || !ok || strings.IndexByte(requestID, 0) >= 0 {
		return fault.Wrap(err, fault.Internal, "the engine gave an event without its place")
	}
	p.after = &place{at, index, requestID}
	return nil
}

// eventJSON writes one event: each column that has a value, JSON as it was
// stored, times in RFC 3339.
func eventJSON(row []any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	buf.WriteByte('{')
	for i, c := range event.Columns {
		v := row[i]
		if v == nil {
			continue
		}
		if buf.Len() > 1 {
			buf.WriteByte(',')
		}
		buf.WriteString(strconv.Quote(c.Name) + ":")
		if text, ok := v.(string); ok {
			switch {
			case c.Type == event.JSON && json.Valid([]byte(text)):
				// On one line: a line is an event.
				if err := json.Compact(&buf, []byte(text)); err != nil {
					return nil, fault.Wrap(err, fault.Internal, "a stored event cannot be read")
				}
				continue
			case c.Type == event.Time:
				v = rfc3339(text)
			}
		}
		if err := enc.Encode(v); err != nil {
			return nil, fault.Wrap(err, fault.Internal, "a stored event cannot be read")
		}
		buf.Truncate(buf.Len() - 1) // Encode ends with a line
	}
	buf.WriteByte('}')
	return buf.Bytes(), nil
}

// rfc3339 rewrites a time of the engine; what it does not know stays.
func rfc3339(text string) string {
	t, err := time.Parse("2006-01-02 15:04:05.999999999", text)
	if err != nil {
		return text
	}
	return t.Format("2006-01-02T15:04:05.000Z")
}

// countEvents counts what a pager will give.
func (h *handler) countEvents(ctx context.Context, projectID string, q whom, ids []string, untilMS int64) (int64, error) {
	total := int64(0)
	if q.groupKey != "" {
		return 0, nil
	}
	for some := range slices.Chunk(ids, mostIDs) {
		result, err := h.ask(ctx, projectID, "SELECT count(*) FROM events WHERE "+eventsOf(some, untilMS), 1)
		if err != nil {
			return 0, err
		}
		if len(result.Rows) != 1 || len(result.Rows[0]) != 1 {
			return 0, fault.New(fault.Internal, "the engine gave no count")
		}
		n, err := whole(result.Rows[0][0])
		if err != nil {
			return 0, fault.Wrap(err, fault.Internal, "the engine gave a count that is none")
		}
		total += n
	}
	return total, nil
}

func whole(v any) (int64, error) { return strconv.ParseInt(fmt.Sprint(v), 10, 64) }

// ask runs one statement, no longer than MaxTime and no longer than the client
// waits.
func (h *handler) ask(ctx context.Context, projectID, statement string, rows int) (report.Result, error) {
	bounded, cancel := context.WithTimeout(ctx, h.MaxTime)
	defer cancel()
	result, err := h.Engine.Query(bounded, projectID, statement, report.Limits{Rows: rows, Time: h.MaxTime})
	if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) && fault.CodeOf(err) != fault.Timeout {
		err = fault.Wrap(err, fault.Timeout, "a part of the export took longer than its time limit")
	}
	return result, err
}
