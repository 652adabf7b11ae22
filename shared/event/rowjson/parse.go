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
	tries, err = members(doc, func(key string, value []byte) error {
		i, known := places[key]
		switch {
		case !known:
			return errUnknown
		case seen[i]:
			return errTwice.At(key)
		case !set(&event.Columns[i], &r, value):
			return errShape.At(key)
		}
		seen[i] = true
		return nil
	})
	if err != nil {
		return r, 0, err
	}
	for i := range event.Columns {
		if c := &event.Columns[i]; !c.Nullable && !seen[i] {
			return r, 0, errMissing.At(c.Name)
		}
	}
	return r, tries, nil
}

// members calls fn for each member of a document but for TriesKey, whose value it
// returns.
func members(doc []byte, fn func(key string, value []byte) error) (tries int, err error) {
	c := rawjson.Cursor{Buf: doc, MaxDepth: 1}
	if !c.Open(rawjson.Object) {
		return 0, fault.New(fault.Invalid, "this is not a JSON object")
	}
	for first := true; ; first = false {
		more, err := c.More(first, '}')
		if err != nil {
			return 0, errNotJSON(err)
		}
		if !more {
			break
		}
		name, err := c.Name()
		if err != nil {
			return 0, errNotJSON(err)
		}
		start, err := c.Value()
		if err != nil {
			return 0, errNotJSON(err)
		}
		key, value := rawjson.Text(name), doc[start:c.Pos]
		if key != TriesKey {
			if err := fn(key, value); err != nil {
				return 0, err
			}
			continue
		}
		if tries, err = strconv.Atoi(string(value)); err != nil || tries < 0 {
			return 0, errShape.At(key)
		}
	}
	if !c.End() {
		return 0, fault.New(fault.Invalid, "more follows after the object")
	}
	return tries, nil
}

var (
	errUnknown = fault.New(fault.Invalid, "it has a key that is no column's")
	errTwice   = fault.New(fault.Invalid, "the key is there twice")
	errShape   = fault.New(fault.Invalid, "the value does not fit the column")
	errMissing = fault.New(fault.Invalid, "every row has this column, and this one has not")
)

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
		return err == nil // what is no number in JSON is none here
	case event.Float:
		f, err := strconv.ParseFloat(string(value), 64)
		*c.Flt(r) = f
		return err == nil // what is no number in JSON is none here
	case event.Bool:
		*c.Flag(r) = kind == rawjson.True
		return kind == rawjson.True || kind == rawjson.False
	}
	return false
}
