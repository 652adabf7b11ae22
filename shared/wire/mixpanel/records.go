package mixpanel

import (
	"bytes"
	"errors"
	"time"

	"loch/shared/event"
	"loch/shared/fault"
	"loch/shared/rawjson"
	"loch/shared/wire"
)

// decoder is the work on one request.
type decoder struct {
	control  Control
	received time.Time
	batch    *wire.Batch
	ndjson   bool // the content type says one record a line
	dirty    bool // the text is not clean, so each record must be looked at
	replaced bool // Clean had to change the record at hand
	readable bool // a record was an object, or would be if it were not too deep
	index    int  // of the next record
	split    split
	idSpans  []event.IDSpan // of all events, one after the other
	drops    []event.Span
}

var eventName = []byte(`"event"`)

// records takes the payload apart: an array of records, one record, or records
// one after the other (NDJSON). A single object equals an array of one.
func (d *decoder) records(text []byte) error {
	c := rawjson.Cursor{Buf: text, MaxDepth: MaxDepth}
	if c.End() {
		return errNoData
	}
	if n := min(bytes.Count(text, eventName), MaxRecords); n > 1 && d.control.Route != Engage && d.control.Route != Groups {
		d.batch.Events = make([]event.Event, 0, n) // events are large: growing the list would copy them
		d.idSpans, d.drops = make([]event.IDSpan, 0, 2*n), make([]event.Span, 0, 2*n)
	}
	if c.Peek() == rawjson.Array {
		begin := c.Pos
		err := d.array(&c)
		if err == nil || d.index > 0 || !d.ndjson {
			return err
		}
		c.Pos = begin // no array, but a first line that is broken
	}
	return d.lines(&c)
}

// array reads the elements of an array. An element that is not valid JSON is
// rejected alone, as long as its end can be told.
func (d *decoder) array(c *rawjson.Cursor) error {
	c.Open(rawjson.Array)
	for first := true; ; first = false {
		more, err := c.More(first, ']')
		if err != nil {
			return d.broken(c, c.Pos)
		}
		if !more {
			break
		}
		if err := d.room(); err != nil {
			return err
		}
		start, err := d.value(c)
		if err != nil {
			end, ok := rawjson.SkipBroken(c.Buf, start)
			if !ok {
				return d.broken(c, start)
			}
			d.reject(reasonOfJSON(err), "", c.Buf[start:end])
			d.index++
			c.Pos = end
			continue
		}
		d.record(c.Buf, start, c.Pos)
	}
	if c.End() {
		return nil
	}
	return d.lines(c)
}

// lines reads records that follow one another, each on a line of its own or
// not. After a broken record the next line goes on, also after the first. Text in
// which no record is even an object is no list of records.
func (d *decoder) lines(c *rawjson.Cursor) error {
	for !c.End() {
		if err := d.room(); err != nil {
			if !d.readable {
				return errUndecodable
			}
			return err
		}
		start, err := d.value(c)
		if err != nil {
			end := start
			for end < len(c.Buf) && c.Buf[end] != '\n' {
				end++
			}
			d.readable = d.readable || reasonOfJSON(err) == event.ReasonTooDeep
			d.reject(reasonOfJSON(err), "", c.Buf[start:end])
			d.index++
			c.Pos = end
			continue
		}
		d.record(c.Buf, start, c.Pos)
	}
	if !d.readable {
		return errUndecodable
	}
	return nil
}

// broken rejects what is left of an array that stops in the middle. What came
// before it is good; when nothing did, the request as a whole is bad.
func (d *decoder) broken(c *rawjson.Cursor, start int) error {
	if d.index == 0 {
		return errUndecodable
	}
	d.reject(event.ReasonUndecodable, "", c.Buf[min(start, len(c.Buf)):])
	d.index++
	return nil
}

// value reads one record, and takes an event's apart on the way.
func (d *decoder) value(c *rawjson.Cursor) (start int, err error) {
	if d.control.Route == Engage || d.control.Route == Groups || c.Peek() != rawjson.Object {
		return c.Value()
	}
	start = c.Pos
	return start, d.split.read(c)
}

func reasonOfJSON(err error) event.Reason {
	if errors.Is(err, rawjson.ErrDepth) {
		return event.ReasonTooDeep
	}
	return event.ReasonUndecodable
}

// record turns one valid JSON value of the text into an event, an update or a
// rejection.
func (d *decoder) record(text []byte, start, end int) {
	raw := text[start:end]
	if d.dirty {
		if raw, d.replaced = rawjson.Clean(raw); d.replaced {
			text = raw
			c := rawjson.Cursor{Buf: text, MaxDepth: MaxDepth}
			_, _ = d.value(&c) // finds the members' places anew; what Clean changes was valid and stays so
		}
	}
	d.readable = d.readable || raw[0] == '{'
	switch {
	case len(raw) > MaxRecordBytes:
		d.reject(event.ReasonTooLarge, "", raw)
	case raw[0] != '{':
		d.reject(event.ReasonWrongType, "", raw)
	case d.control.Route == Engage || d.control.Route == Groups:
		d.update(raw)
	default:
		d.event(text, raw)
	}
	d.index++
}

// room says whether another record may come, good or broken: a few bytes a record
// would else become hundreds each.
func (d *decoder) room() error {
	if d.index >= MaxRecords {
		return fault.Newf(fault.TooLarge, "more than %d records in one request; send smaller batches", MaxRecords)
	}
	return nil
}

// reject notes that the record at hand is not taken.
func (d *decoder) reject(reason event.Reason, field string, raw []byte) {
	d.batch.Rejected = append(d.batch.Rejected, event.Rejection{
		Index: d.index, Reason: reason, Field: field, Payload: raw[:min(len(raw), MaxRecordBytes)],
	})
}
