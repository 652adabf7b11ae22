package event

import (
	"slices"
	"strings"

	"loch/shared/rawjson"
)

// FindGroups notes the groups an event belongs to: the top-level properties
// named by keys, whose values are one identifier or a list of them. Their places
// are added to IDSpans, so that they are sealed like any identifier. A member of
// such a name beside the properties is nobody's group, and is left out.
func FindGroups(e *Event, keys []string) {
	if len(keys) == 0 {
		return
	}
	e.Row.Context = without(e.Row.Context, keys)
	found := false
	c := rawjson.Cursor{Buf: e.Properties, MaxDepth: maxGroupDepth}
	if !c.Open(rawjson.Object) {
		return
	}
	for first := true; ; first = false {
		more, err := c.More(first, '}')
		if err != nil || !more {
			break
		}
		name, err := c.Name()
		if err != nil {
			break
		}
		start, err := c.Value()
		if err != nil {
			break
		}
		i := slices.IndexFunc(keys, func(k string) bool { return k == rawjson.Text(name) })
		if i < 0 {
			continue
		}
		found = e.addGroups(keys[i], start, c.Pos) || found
	}
	if found {
		slices.SortFunc(e.IDSpans, func(a, b IDSpan) int { return a.Start - b.Start })
	}
}

// without is the JSON text of an object without the members named by keys, empty
// when none is left.
func without(object string, keys []string) string {
	if object == "" {
		return ""
	}
	out := make([]byte, 0, len(object))
	c := rawjson.Cursor{Buf: []byte(object), MaxDepth: maxGroupDepth}
	c.Open(rawjson.Object)
	for first := true; ; first = false {
		more, err := c.More(first, '}')
		if err != nil || !more {
			break
		}
		begin := c.Pos
		name, err := c.Name()
		if err != nil {
			break
		}
		if _, err := c.Value(); err != nil {
			break
		}
		if slices.Contains(keys, rawjson.Text(name)) {
			continue
		}
		out = append(append(out, ','), c.Buf[begin:c.Pos]...)
	}
	if len(out) == 0 {
		return ""
	}
	out[0] = '{'
	return string(append(out, '}'))
}

// MaxIDs is how many identifiers one event may name: each is looked for in all of
// its texts. Mixpanel's own events name at most a handful.
const MaxIDs = 100

// maxGroupDepth is above any decoder's own limit, which has been checked.
const maxGroupDepth = 256

// addGroups takes one identifier, or a list of them, from Properties.
func (e *Event) addGroups(key string, start, end int) bool {
	value := e.Properties[start:end]
	if value[0] != '[' {
		return e.addGroup(key, start, end)
	}
	found := false
	c := rawjson.Cursor{Buf: value, MaxDepth: maxGroupDepth}
	c.Open(rawjson.Array)
	for first := true; ; first = false {
		more, err := c.More(first, ']')
		if err != nil || !more {
			return found
		}
		at, _ := c.Value()
		found = e.addGroup(key, start+at, start+c.Pos) || found
	}
}

func (e *Event) addGroup(key string, start, end int) bool {
	value := e.Properties[start:end]
	var id string
	switch {
	case value[0] == '"':
		id = rawjson.Text(value)
	case value[0] == '-' || '0' <= value[0] && value[0] <= '9':
		id = string(value)
	}
	if strings.TrimSpace(id) == "" {
		return false
	}
	if slices.ContainsFunc(e.IDSpans, func(s IDSpan) bool { return s.Start == start }) {
		return false // the property is an identifier of a person already
	}
	e.IDs.Groups = append(e.IDs.Groups, Group{Key: key, ID: id})
	e.IDSpans = append(e.IDSpans, IDSpan{Span: Span{start, end}, ID: ID{Kind: IDGroup + key, Value: id}})
	return true
}
