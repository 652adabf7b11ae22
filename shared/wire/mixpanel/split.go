package mixpanel

import "loch/shared/rawjson"

// member is the place of a member in the text of a request: its name with quotes,
// and its value. before is where it begins when it is taken out, its comma
// included.
type member struct {
	before, name, nameEnd, value, end int
}

// split is a record taken apart while it is checked: the members of the record,
// and those of its properties. One pass over the text does for both. The memory
// is used again for the next record.
type split struct {
	outer, inner []member
	properties   member // the last of that name; its end is 0 where there is none
}

// read reads the object that begins at the cursor. Its errors are the cursor's.
func (s *split) read(c *rawjson.Cursor) error {
	s.outer, s.inner, s.properties = s.outer[:0], s.inner[:0], member{}
	return inside(c, func() error {
		for first := true; ; first = false {
			m, more, err := next(c, first)
			if err != nil || !more {
				return err
			}
			isProperties := string(nameOf(c.Buf[m.name:m.nameEnd])) == "properties"
			if isProperties {
				s.inner = s.inner[:0] // of two the last counts
			}
			if isProperties && c.Peek() == rawjson.Object {
				m.value = c.Pos
				err = s.members(c)
			} else {
				m.value, err = c.Value()
			}
			if err != nil {
				return err
			}
			m.end = c.Pos
			s.outer = append(s.outer, m)
			if isProperties {
				s.properties = m
			}
		}
	})
}

// members reads the object of the properties.
func (s *split) members(c *rawjson.Cursor) error {
	return inside(c, func() error {
		for first := true; ; first = false {
			m, more, err := next(c, first)
			if err != nil || !more {
				return err
			}
			if m.value, err = c.Value(); err != nil {
				return err
			}
			m.end = c.Pos
			s.inner = append(s.inner, m)
		}
	})
}

// inside opens an object for read, which counts as one level.
func inside(c *rawjson.Cursor, read func() error) error {
	if c.MaxDepth <= 0 {
		return rawjson.ErrDepth
	}
	c.Open(rawjson.Object)
	c.MaxDepth--
	err := read()
	c.MaxDepth++
	return err
}

// next reads the name of the next member, if there is one.
func next(c *rawjson.Cursor, first bool) (m member, more bool, err error) {
	m.before = c.Pos
	if more, err = c.More(first, '}'); err != nil || !more {
		return m, false, err
	}
	c.Peek()
	m.name = c.Pos
	if first {
		m.before = c.Pos
	}
	key, err := c.Name()
	m.nameEnd = m.name + len(key)
	return m, err == nil, err
}
