// Package rawjson finds values in JSON text without building them.
//
// Events must reach the lake as they were sent: digits, duplicate names and
// order included. So a decoder walks the text, takes out the few values that it
// understands, and copies the rest byte for byte. A Cursor is that walk. It
// accepts exactly the JSON of RFC 8259, keeps no stack of its own beyond the
// depth limit, and never allocates.
package rawjson

import "errors"

// The ways in which text is not acceptable. They carry no payload.
var (
	ErrSyntax = errors.New("not valid JSON")
	ErrDepth  = errors.New("JSON is nested too deeply")
)

// Kind is the kind of a value, told by its first byte.
type Kind byte

// The kinds of JSON value. None is what stands where no value can begin.
const (
	None   Kind = 0
	Null   Kind = 'n'
	False  Kind = 'f'
	True   Kind = 't'
	String Kind = '"'
	Number Kind = '0'
	Object Kind = '{'
	Array  Kind = '['
)

// Cursor walks JSON text. Buf is the text, Pos the next byte to read, MaxDepth
// how many objects and arrays may be open at once below the place where the
// cursor began.
type Cursor struct {
	Buf      []byte
	Pos      int
	MaxDepth int
}

// space moves past white space.
func (c *Cursor) space() {
	b := c.Buf
	i := c.Pos
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	c.Pos = i
}

// Peek moves past white space and tells the kind of the value that begins
// there.
func (c *Cursor) Peek() Kind {
	c.space()
	if c.Pos >= len(c.Buf) {
		return None
	}
	switch ch := c.Buf[c.Pos]; ch {
	case '"', '{', '[', 't', 'f', 'n':
		return Kind(ch)
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return Number
	}
	return None
}

// End tells whether only white space is left.
func (c *Cursor) End() bool {
	c.space()
	return c.Pos >= len(c.Buf)
}

// Open moves into the object or array that begins here. It returns false, and
// stays, when another kind of value does.
func (c *Cursor) Open(k Kind) bool {
	if c.Peek() != k {
		return false
	}
	c.Pos++
	return true
}

// More moves to the next element of the array (or member of the object) that
// was opened, past the comma before it. It returns false at the closing bracket,
// which it moves past. first must be true for the first call after Open.
func (c *Cursor) More(first bool, closing byte) (bool, error) {
	c.space()
	if c.Pos >= len(c.Buf) {
		return false, ErrSyntax
	}
	ch := c.Buf[c.Pos]
	if ch == closing {
		c.Pos++
		return false, nil
	}
	if first {
		return true, nil
	}
	if ch != ',' {
		return false, ErrSyntax
	}
	c.Pos++
	c.space()
	if c.Pos < len(c.Buf) && c.Buf[c.Pos] == closing {
		return false, ErrSyntax // a comma before the bracket
	}
	return true, nil
}

// Name reads a member's name and the colon after it, and returns the name with
// its quotes.
func (c *Cursor) Name() ([]byte, error) {
	c.space()
	start := c.Pos
	if err := c.str(); err != nil {
		return nil, err
	}
	end := c.Pos
	c.space()
	if c.Pos >= len(c.Buf) || c.Buf[c.Pos] != ':' {
		return nil, ErrSyntax
	}
	c.Pos++
	return c.Buf[start:end], nil
}

// Value reads one value of any kind and returns where it begins; it ends at
// Pos.
func (c *Cursor) Value() (start int, err error) {
	c.space()
	start = c.Pos
	if c.Pos >= len(c.Buf) {
		return start, ErrSyntax
	}
	switch c.Buf[c.Pos] {
	case '"':
		return start, c.str()
	case '{', '[':
		return start, c.nested()
	default:
		return start, c.scalar()
	}
}

// scalar reads a literal or a number.
func (c *Cursor) scalar() error {
	switch c.Buf[c.Pos] {
	case 't':
		return c.literal("true")
	case 'f':
		return c.literal("false")
	case 'n':
		return c.literal("null")
	}
	return c.number()
}

func (c *Cursor) literal(word string) error {
	end := c.Pos + len(word)
	if end > len(c.Buf) || string(c.Buf[c.Pos:end]) != word {
		return ErrSyntax
	}
	c.Pos = end
	return nil
}

func (c *Cursor) number() error {
	b, i := c.Buf, c.Pos
	if i < len(b) && b[i] == '-' {
		i++
	}
	switch {
	case i < len(b) && b[i] == '0':
		i++
	case i < len(b) && '1' <= b[i] && b[i] <= '9':
		i = digits(b, i)
	default:
		return ErrSyntax
	}
	if i < len(b) && b[i] == '.' {
		end := digits(b, i+1)
		if end == i+1 {
			return ErrSyntax
		}
		i = end
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		end := digits(b, i)
		if end == i {
			return ErrSyntax
		}
		i = end
	}
	c.Pos = i
	return nil
}

func digits(b []byte, i int) int {
	for i < len(b) && '0' <= b[i] && b[i] <= '9' {
		i++
	}
	return i
}

// plain marks the bytes that stand for themselves inside a string.
var plain = func() (t [256]bool) {
	for i := range t {
		t[i] = i >= 0x20 && i != '"' && i != '\\'
	}
	return t
}()

// str reads a string from its opening quote.
func (c *Cursor) str() error {
	b, i := c.Buf, c.Pos
	if i >= len(b) || b[i] != '"' {
		return ErrSyntax
	}
	i++
	for {
		for i < len(b) && plain[b[i]] {
			i++
		}
		if i >= len(b) {
			return ErrSyntax
		}
		switch b[i] {
		case '"':
			c.Pos = i + 1
			return nil
		case '\\':
			n := escapeLen(b[i:])
			if n == 0 {
				return ErrSyntax
			}
			i += n
		default:
			return ErrSyntax // a control character
		}
	}
}

// escapeLen is the length of the escape that b begins with, 0 if it is none.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) < 6 {
			return 0
		}
		for _, h := range b[2:6] {
			if !('0' <= h && h <= '9' || 'a' <= h && h <= 'f' || 'A' <= h && h <= 'F') {
				return 0
			}
		}
		return 6
	}
	return 0
}
