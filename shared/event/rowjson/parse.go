package rowjson

import (
	"strconv"
	"time"

	"loch/shared/event"
	"loch/shared/fault"
	"loch/shared/rawjson"
)

// TriesKey is a key that no table has: how often a document was brought back
// after a stream could not convert it. A stream drops what its table does not
// name, and hands it back with a document that fails.
const TriesKey = "loch_tries"

// ParseRow reads a document as AppendRow writes them, with or without a newline.
// It takes nothing else: no key that is not a column's, none twice, no value of
// another shape, and none missing that every row has. tries is the value of
// TriesKey. The error, a fault of code Invalid, names the column.
func ParseRow(doc []byte) (r event.Row, tries int, err error) {
	r.Revenue = event.NoRevenue
	var seen [128]bool
	c := rawjson.Cursor{Buf: doc, MaxDepth: 1}
	if !c.Open(rawjson.Object) {
		return r, 0, fault.New(fault.Invalid, "this is not a JSON object")
	}
	for first := true; ; first = false {
		more, err := c.More(first, '}')
		if err != nil {
			return r, 0, errNotJSON(err)
		}
		if !more {
			break
		}
		name, err := c.Name()
		if err != nil {
			return r, 0, errNotJSON(err)
		}
		start, err := c.Value()
		if err != nil {
			return r, 0, errNotJSON(err)
		}
		value := doc[start:c.Pos]
		key := rawjson.Text(name)
		if key == TriesKey {
			if tries, err = strconv.Atoi(string(value)); err != nil || tries < 0 {
				return r, 0, fault.New(fault.Invalid, "not a count").At(TriesKey)
			}
			continue
		}
		i, known := places[key]
		switch {
		case !known:
			return r, 0, fault.New(fault.Invalid, "it has a key that is no column's")
		case seen[i]:
			return r, 0, fault.New(fault.Invalid, "the key is there twice").At(key)
		case !set(&event.Columns[i], &r, value):
			return r, 0, fault.New(fault.Invalid, "the value does not fit the column").At(key)
		}
		seen[i] = true
	}
	if !c.End() {
		return r, 0, fault.New(fault.Invalid, "more follows after the object")
	}
	for i := range event.Columns {
		if c := &event.Columns[i]; !c.Nullable && !seen[i] && c.Type != event.Float {
			return r, 0, fault.New(fault.Invalid, "every row has this column, and this one has not").At(c.Name)
		}
	}
	return r, tries, nil
}

// places finds a column by its name.
var places = func() map[string]int {
	m := make(map[string]int, len(event.Columns))
	for i, c := range event.Columns {
		m[c.Name] = i
	}
	return m
}()

func errNotJSON(cause error) error {
	return fault.Wrap(cause, fault.Invalid, "this is not valid JSON")
}

// set puts a JSON value into its column, and tells whether it fits.
func set(c *event.Column, r *event.Row, value []byte) bool {
	kind := rawjson.Kind(value[0])
	text := ""
	if kind == rawjson.String {
		text = rawjson.Text(value)
	} else if c.Str != nil || c.Type == event.Time {
		return false
	}
	switch c.Type {
	case event.Text, event.JSON:
		*c.Str(r) = text
		return true
	case event.Date:
		*c.Str(r) = text
		_, err := time.Parse(time.DateOnly, text)
		return err == nil
	case event.Time:
		ms, ok := parseInstant(text)
		*c.Num(r) = ms
		return ok
	case event.Int:
		n, err := strconv.ParseInt(string(value), 10, 64)
		*c.Num(r) = n
		return err == nil
	case event.Float:
		f, err := strconv.ParseFloat(string(value), 64)
		*c.Flt(r) = f
		return err == nil
	case event.Bool:
		*c.Flag(r) = kind == rawjson.True
		return kind == rawjson.True || kind == rawjson.False
	}
	return false
}
