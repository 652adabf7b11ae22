package reporttest

import (
	"bytes"
	"encoding/json"
	"math/big"
	"regexp"
	"strings"
	"time"
)

// condition is a filter, read the plain way.
type condition struct {
	Property string
	Op       string
	Value    any
	Any      []condition
}

// UnmarshalJSON keeps the digits of numbers.
func (c *condition) UnmarshalJSON(text []byte) error {
	type same condition
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode((*same)(c))
}

func all(list []condition, h *happened) bool {
	for i := range list {
		if !list[i].holds(h) {
			return false
		}
	}
	return true
}

func (c *condition) holds(h *happened) bool {
	if c.Any != nil {
		for i := range c.Any {
			if c.Any[i].holds(h) {
				return true
			}
		}
		return false
	}
	v := h.get(c.Property)
	switch c.Op {
	case "is_set":
		return v != nil
	case "is_not_set":
		return v == nil
	case "ne":
		return v == nil || !same(v, c.Value)
	case "not_in":
		return v == nil || !among(v, c.Value.([]any))
	case "not_contains":
		return v == nil || !holds(v, c.Value)
	}
	if v == nil {
		return false
	}
	if t, ok := v.(time.Time); ok {
		return c.inTime(t)
	}
	text, isText := v.(string)
	switch c.Op {
	case "eq":
		return same(v, c.Value)
	case "in":
		return among(v, c.Value.([]any))
	case "contains":
		return holds(v, c.Value)
	case "starts_with":
		return isText && strings.HasPrefix(text, c.Value.(string))
	case "matches":
		return isText && regexp.MustCompile(c.Value.(string)).MatchString(text)
	case "is_true":
		return v == true
	case "is_false":
		return v == false
	case "between":
		ends := c.Value.([]any)
		low, okLow := order(v, ends[0])
		high, okHigh := order(v, ends[1])
		return okLow && okHigh && low >= 0 && high <= 0
	}
	o, ok := order(v, c.Value)
	return ok && map[string]bool{"gt": o > 0, "gte": o >= 0, "lt": o < 0, "lte": o <= 0}[c.Op]
}

// inTime asks a moment; a day is all of it, in UTC.
func (c *condition) inTime(t time.Time) bool {
	switch c.Op {
	case "eq":
		return within1(t, c.Value)
	case "in":
		for _, one := range c.Value.([]any) {
			if within1(t, one) {
				return true
			}
		}
		return false
	case "between":
		ends := c.Value.([]any)
		from, _ := stretch(ends[0])
		_, until := stretch(ends[1])
		return !t.Before(from) && t.Before(until)
	}
	from, until := stretch(c.Value)
	switch c.Op {
	case "gt":
		return !t.Before(until)
	case "gte":
		return !t.Before(from)
	case "lt":
		return t.Before(from)
	}
	return t.Before(until)
}

func within1(t time.Time, constant any) bool {
	from, until := stretch(constant)
	return !t.Before(from) && t.Before(until)
}

func stretch(constant any) (from, until time.Time) {
	text := constant.(string)
	if len(text) == len(time.DateOnly) {
		return date(text, 0), date(text, 1)
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t, t.Add(time.Millisecond)
}

func same(a, b any) bool {
	switch a := a.(type) {
	case json.Number, string:
		o, ok := order(a, b)
		return ok && o == 0
	case bool:
		return a == b
	case time.Time:
		return within1(a, b)
	}
	return false
}

func order(a, b any) (int, bool) {
	switch a := a.(type) {
	case json.Number:
		if b, ok := b.(json.Number); ok {
			x, _ := new(big.Rat).SetString(string(a))
			y, _ := new(big.Rat).SetString(string(b))
			return x.Cmp(y), true
		}
	case string:
		if b, ok := b.(string); ok {
			return strings.Compare(a, b), true
		}
	}
	return 0, false
}

func among(v any, list []any) bool {
	for _, l := range list {
		if same(v, l) {
			return true
		}
	}
	return false
}

func holds(v, part any) bool {
	switch v := v.(type) {
	case string:
		s, ok := part.(string)
		return ok && strings.Contains(v, s)
	case []any:
		for _, item := range v {
			if same(item, part) {
				return true
			}
		}
	}
	return false
}

func compare(a, b string) int { return strings.Compare(a, b) }

func equalFold(a, b string) bool { return strings.EqualFold(a, b) }
