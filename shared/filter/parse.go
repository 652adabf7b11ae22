package filter

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"loch/shared/fault"
	"loch/shared/rawjson"
)

// What one list of filters may hold: far more than people write, little enough
// that a row is looked at in microseconds.
const (
	MaxBytes   = 64 << 10
	maxFilters = 100
	maxValues  = 1000
	maxAny     = 8 // any within any
	maxName    = 1024
)

// Parse reads a list of filters. place is where it stands in the request
// ("where", "steps[1].where"); an error names the place within it.
func Parse(text []byte, place string) (Where, error) {
	switch {
	case len(text) > MaxBytes:
		return nil, fault.Newf(fault.TooLarge, "the filters have %d bytes; at most %d are taken", len(text), MaxBytes).At(place)
	case !utf8.Valid(text):
		return nil, fault.New(fault.Invalid, "the filters are not valid UTF-8").At(place)
	}
	c := rawjson.Cursor{Buf: text, MaxDepth: 4 * maxAny}
	if _, err := c.Value(); err != nil || !c.End() {
		return nil, fault.Newf(fault.Invalid, `the filters are not valid JSON (byte %d); a list such as [{"property":"plan","op":"eq","value":"pro"}] is`, c.Pos).At(place)
	}
	d := decoder{c: rawjson.Cursor{Buf: text, MaxDepth: 4 * maxAny}}
	return d.list(place, 0)
}

// decoder walks text that is known to be valid JSON.
type decoder struct {
	c       rawjson.Cursor
	filters int
	program int // steps of all expressions
}

func wrong(place, format string, args ...any) error {
	return fault.Newf(fault.Invalid, format, args...).At(place)
}

// list reads filters between brackets.
func (d *decoder) list(place string, depth int) (Where, error) {
	if !d.c.Open(rawjson.Array) {
		return nil, wrong(place, "filters are a list, between [ and ]")
	}
	if depth > maxAny {
		return nil, wrong(place, "any stands within any more than %d times", maxAny)
	}
	list := Where{}
	for first := true; ; first = false {
		more, err := d.c.More(first, ']')
		if err != nil || !more {
			return list, err
		}
		f, err := d.filter(place+"["+strconv.Itoa(len(list))+"]", depth)
		if err != nil {
			return nil, err
		}
		list = append(list, f)
	}
}

// filter reads one filter.
func (d *decoder) filter(place string, depth int) (Filter, error) {
	f := Filter{place: place}
	if d.filters++; d.filters > maxFilters {
		return f, wrong(place, "there are more than %d filters", maxFilters)
	}
	if !d.c.Open(rawjson.Object) {
		return f, wrong(place, `a filter is an object: {"property": "plan", "op": "eq", "value": "pro"}, or {"any": [filters]}`)
	}
	raw := map[string][]byte{}
	for first := true; ; first = false {
		more, err := d.c.More(first, '}')
		if err != nil {
			return f, err
		}
		if !more {
			break
		}
		quoted, err := d.c.Name()
		if err != nil {
			return f, err
		}
		name := rawjson.Text(quoted)
		if _, twice := raw[name]; twice {
			return f, wrong(place+"."+shown(name), "the field is there twice")
		}
		if name == "any" {
			if f.Any, err = d.list(place+".any", depth+1); err != nil {
				return f, err
			}
			raw[name] = nil
			continue
		}
		start, err := d.c.Value()
		if err != nil {
			return f, err
		}
		raw[name] = d.c.Buf[start:d.c.Pos]
		if name != "property" && name != "op" && name != "value" {
			return f, wrong(place+"."+shown(name), "there is no such field; a filter has property, op and value, or any")
		}
	}
	if f.Any != nil {
		switch {
		case len(raw) > 1:
			return f, wrong(place, "any stands alone, without property, op or value")
		case len(f.Any) == 0:
			return f, wrong(place+".any", "the list is empty, so nothing could pass")
		}
		return f, nil
	}
	if err := f.read(raw); err != nil {
		return f, err
	}
	if f.Op == Matches {
		size, err := sizeOf(f.Values[0].Text)
		if err != nil {
			return f, err
		}
		if d.program += size; d.program > maxProgram {
			return f, wrong(place+".value", "the regular expressions up to this one have some %d steps, with repetitions such as {1000} written out, "+
				"and at most %d are taken together; repeat less, or use * or +", d.program, maxProgram)
		}
	}
	return f, nil
}

// shown is a field's name as an error names it.
func shown(name string) string {
	const most = 40
	if len(name) > most || strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		return "?"
	}
	return name
}

// read fills a filter from the members of its object.
func (f *Filter) read(raw map[string][]byte) error {
	name, err := textOf(raw["property"], f.place+".property", "the property's name, such as plan or properties.plan")
	if err != nil {
		return err
	}
	if name == "" || len(name) > maxName || strings.IndexByte(name, 0) >= 0 {
		return wrong(f.place+".property", "a property's name has 1 to %d bytes, none of them zero", maxName)
	}
	f.Property = ParseProperty(name)
	op, err := textOf(raw["op"], f.place+".op", "one of "+opWords)
	if err != nil {
		return err
	}
	f.Op = Op(op)
	kind, known := operators[f.Op]
	if !known {
		return wrong(f.place+".op", "there is no such operator; it is one of %s", opWords)
	}
	return f.readValue(raw["value"], kind)
}

func textOf(raw []byte, place, words string) (string, error) {
	if len(raw) == 0 {
		return "", wrong(place, "it is missing; it must be %s", words)
	}
	if raw[0] != '"' {
		return "", wrong(place, "it must be a text: %s", words)
	}
	return rawjson.Text(raw), nil
}
