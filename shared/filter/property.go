package filter

import (
	"strings"

	"loch/shared/rawjson"
)

// Space says where a property is looked for.
type Space uint8

// The spaces. What a bare name means is the reader's to say: a column of the
// events or of the profiles where there is one of that name, else the same as
// with properties. in front.
const (
	Bare       Space = iota // country
	Properties              // properties.plan
	Profile                 // profile.plan, profile.properties.plan
)

// Property names what is looked at.
type Property struct {
	Space Space
	Name  string // without the prefix
}

// ParseProperty reads a property's name.
func ParseProperty(text string) Property {
	if name, ok := strings.CutPrefix(text, "properties."); ok && name != "" {
		return Property{Properties, name}
	}
	if name, ok := strings.CutPrefix(text, "profile."); ok && name != "" {
		return Property{Profile, name}
	}
	return Property{Bare, text}
}

// Root is the name of the member that a nested property is in, and what follows:
// "a.b.c" is "a", ["b", "c"]. A member that is called "a.b.c" as a whole goes
// before it.
func (p Property) Root() (name string, within []string) {
	parts := strings.Split(p.Name, ".")
	return parts[0], parts[1:]
}

// Of is the property's value out of an object whose members get returns as JSON,
// nil where there is none.
func (p Property) Of(get func(name string) []byte) []byte {
	if value := get(p.Name); value != nil {
		return value
	}
	name, within := p.Root()
	if len(within) == 0 {
		return nil
	}
	return nested(get(name), within)
}

// maxDepth is above what is taken in, so that what is stored can be read.
const maxDepth = 256

// nested follows a path of names into JSON. Of a name that an object has twice
// the first counts, as in both SQL engines.
func nested(value []byte, path []string) []byte {
	for _, name := range path {
		if value = member(value, name); value == nil {
			return nil
		}
	}
	return value
}

func member(object []byte, name string) []byte {
	c := rawjson.Cursor{Buf: object, MaxDepth: maxDepth}
	if !c.Open(rawjson.Object) {
		return nil
	}
	for first := true; ; first = false {
		more, err := c.More(first, '}')
		if err != nil || !more {
			return nil
		}
		quoted, err := c.Name()
		if err != nil {
			return nil
		}
		start, err := c.Value()
		if err != nil {
			return nil
		}
		if rawjson.Text(quoted) == name {
			return object[start:c.Pos]
		}
	}
}

// String is the property's name as ParseProperty reads it.
func (p Property) String() string {
	switch p.Space {
	case Properties:
		return "properties." + p.Name
	case Profile:
		return "profile." + p.Name
	case Bare:
	}
	return p.Name
}
