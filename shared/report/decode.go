package report

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"loch/shared/fault"
	"loch/shared/rawjson"
)

// The bounds of a spec: far above what people write.
const (
	MaxSpecBytes = 256 << 10
	maxSpecDepth = 40
	maxNameBytes = 1024
)

// object is a JSON object of a spec, whose members are taken one by one.
type object struct {
	place   string // where it stands: "" for the whole spec, "series[1]"
	members map[string][]byte
}

func wrong(place, format string, args ...any) error {
	return fault.Newf(fault.Invalid, format, args...).At(place)
}

// readSpec reads the whole of a spec, whose fields are among names.
func readSpec(body []byte, names ...string) (object, error) {
	switch {
	case len(body) > MaxSpecBytes:
		return object{}, fault.Newf(fault.TooLarge, "the report has %d bytes; at most %d are taken", len(body), MaxSpecBytes)
	case !utf8.Valid(body):
		return object{}, fault.New(fault.Invalid, "the report is not valid UTF-8")
	}
	c := rawjson.Cursor{Buf: body, MaxDepth: maxSpecDepth}
	if _, err := c.Value(); err != nil || !c.End() {
		return object{}, fault.Newf(fault.Invalid, `the report is not valid JSON (byte %d); an object such as {"from": "2026-11-01", "to": "2026-11-30"} is`, c.Pos)
	}
	return readObject(body, "", names...)
}

// readObject reads an object out of JSON that is known to be valid. A field that
// is not among names is refused, and one that is there twice: a misspelt field
// that was passed over would answer another question.
func readObject(raw []byte, place string, names ...string) (object, error) {
	o := object{place: place, members: map[string][]byte{}}
	c := rawjson.Cursor{Buf: raw, MaxDepth: maxSpecDepth}
	if !c.Open(rawjson.Object) {
		return o, wrong(place, "it must be an object with %s", strings.Join(names, ", "))
	}
	for first := true; ; first = false {
		more, err := c.More(first, '}')
		if err != nil || !more {
			return o, err
		}
		quoted, err := c.Name()
		if err != nil {
			return o, err
		}
		start, err := c.Value()
		if err != nil {
			return o, err
		}
		name, known := rawjson.Text(quoted), false
		for _, n := range names {
			known = known || n == name
		}
		switch {
		case !known:
			return o, wrong(o.at(shown(name)), "there is no such field; there are %s", strings.Join(names, ", "))
		case o.members[name] != nil:
			return o, wrong(o.at(name), "the field is there twice")
		}
		o.members[name] = bytes.TrimSpace(raw[start:c.Pos])
	}
}

// shown is a field's name as an error tells it: what was sent could be anything.
func shown(name string) string {
	const most = 40
	if name == "" || len(name) > most || strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		return "?"
	}
	return name
}

// at is the place of a field.
func (o object) at(name string) string {
	if o.place == "" {
		return name
	}
	return o.place + "." + name
}

func item(place string, i int) string { return place + "[" + strconv.Itoa(i) + "]" }

func (o object) has(name string) bool { return o.members[name] != nil }

// text is a field that holds a text, and whether it is there.
func (o object) text(name string) (string, bool, error) {
	raw := o.members[name]
	if raw == nil {
		return "", false, nil
	}
	s, err := textOf(raw, o.at(name))
	return s, true, err
}

func textOf(raw []byte, place string) (string, error) {
	if raw[0] != '"' {
		return "", wrong(place, "it must be a text")
	}
	s := rawjson.Text(raw)
	if strings.IndexByte(s, 0) >= 0 {
		return "", wrong(place, "a text cannot hold a zero character")
	}
	return s, nil
}

// word is a field that holds one of some words. The first is the default.
func (o object) word(name string, words ...string) (string, error) {
	s, there, err := o.text(name)
	if err != nil || !there {
		return words[0], err
	}
	for _, w := range words {
		if s == w {
			return w, nil
		}
	}
	return "", wrong(o.at(name), "it is one of %s", strings.Join(words, ", "))
}

// flag is a field that holds true or false; false where it is not there.
func (o object) flag(name string) (bool, error) {
	switch raw := string(o.members[name]); raw {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	default:
		return false, wrong(o.at(name), "it must be true or false")
	}
}

// whole is a field that holds a whole number, or a default.
func (o object) whole(name string, least, most, otherwise int) (int, error) {
	raw := o.members[name]
	if raw == nil {
		return otherwise, nil
	}
	n, err := strconv.Atoi(string(raw))
	if err != nil || n < least || n > most {
		return 0, wrong(o.at(name), "it must be a whole number from %d to %d", least, most)
	}
	return n, nil
}

// list is the items of a field that holds a list, nil where it is not there.
func (o object) list(name string) ([][]byte, error) {
	raw := o.members[name]
	if raw == nil {
		return nil, nil
	}
	c := rawjson.Cursor{Buf: raw, MaxDepth: maxSpecDepth}
	if !c.Open(rawjson.Array) {
		return nil, wrong(o.at(name), "it must be a list")
	}
	items := [][]byte{}
	for first := true; ; first = false {
		more, err := c.More(first, ']')
		if err != nil || !more {
			return items, err
		}
		start, err := c.Value()
		if err != nil {
			return nil, err
		}
		items = append(items, bytes.TrimSpace(raw[start:c.Pos]))
	}
}
