package filter

import (
	"bytes"
	"strings"

	"loch/shared/profile"
	"loch/shared/rawjson"
)

// Value is what a row holds for a property. The zero Value is missing.
type Value struct {
	kind rawjson.Kind // None where it is missing; Null is made None
	json []byte       // as it was sent, but for a text that came without quotes
	text string       // of a text that came without quotes
	time int64        // milliseconds since 1970, of a moment
}

// moment is the kind of a Value that is a time of Loch's own, such as last_seen.
const moment rawjson.Kind = 'T'

// JSON is a value in JSON. What is not JSON is missing.
func JSON(raw []byte) Value {
	c := rawjson.Cursor{Buf: raw}
	kind := c.Peek()
	if kind == rawjson.Null {
		kind = rawjson.None
	}
	return Value{kind: kind, json: raw[min(c.Pos, len(raw)):]}
}

// Text is a text without quotes; the empty one is missing, as it is in columns.
func Text(s string) Value {
	if s == "" {
		return Value{}
	}
	return Value{kind: rawjson.String, text: s}
}

// Moment is a time in milliseconds since 1970; 0, which means never, is missing.
func Moment(ms int64) Value {
	if ms == 0 {
		return Value{}
	}
	return Value{kind: moment, time: ms}
}

// string is a text's content. It is a copy only where there are escapes.
func (v *Value) string() string {
	if v.json == nil {
		return v.text
	}
	return rawjson.Text(bytes.TrimRight(v.json, " \t\r\n"))
}

func (v *Value) equals(l *Literal) bool {
	switch {
	case l.Kind == rawjson.Number && v.kind == rawjson.Number:
		order, ok := profile.CompareNumbers(v.json, []byte(l.Text))
		return ok && order == 0
	case l.Kind == rawjson.String && v.kind == rawjson.String:
		return v.is(l.Text)
	}
	return l.Kind == v.kind && (l.Kind == rawjson.True || l.Kind == rawjson.False)
}

// is compares a text with another, in most cases without a copy.
func (v *Value) is(text string) bool {
	if v.json == nil {
		return v.text == text
	}
	if n := len(v.json); n == len(text)+2 && v.json[n-1] == '"' && bytes.IndexByte(v.json, '\\') < 0 {
		return string(v.json[1:n-1]) == text
	}
	return v.string() == text
}

// order compares with a literal of the same type: a number or a text.
func (v *Value) order(l *Literal) (order int, ok bool) {
	if l.Kind != v.kind {
		return 0, false
	}
	switch v.kind {
	case rawjson.Number:
		return profile.CompareNumbers(v.json, []byte(l.Text))
	case rawjson.String:
		return strings.Compare(v.string(), l.Text), true
	default:
		return 0, false
	}
}

// contains finds a text in a text, or an item in a list.
func (v *Value) contains(l *Literal) bool {
	if v.kind == rawjson.String {
		return l.Kind == rawjson.String && strings.Contains(v.string(), l.Text)
	}
	c := rawjson.Cursor{Buf: v.json, MaxDepth: maxDepth}
	if v.kind != rawjson.Array || !c.Open(rawjson.Array) {
		return false
	}
	for first := true; ; first = false {
		more, err := c.More(first, ']')
		if err != nil || !more {
			return false
		}
		start, err := c.Value()
		if err != nil {
			return false
		}
		if item := JSON(v.json[start:c.Pos]); item.equals(l) {
			return true
		}
	}
}
