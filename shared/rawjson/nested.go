package rawjson

// maxOpen bounds the depth that any cursor may ask for: nested keeps which
// bracket is open in one bit a level.
const maxOpen = 256

// nested reads an object or array without recursion.
func (c *Cursor) nested() error {
	var objects [maxOpen / 64]uint64 // bit d: the bracket at depth d is an object
	depth := 0
	limit := min(c.MaxDepth, maxOpen)
	isObject := func() bool { return objects[(depth-1)/64]>>((depth-1)%64)&1 == 1 }

	for {
		// A value begins here.
		c.space()
		if c.Pos >= len(c.Buf) {
			return ErrSyntax
		}
		switch ch := c.Buf[c.Pos]; ch {
		case '{', '[':
			if depth >= limit {
				return ErrDepth
			}
			word, bit := depth/64, uint64(1)<<(depth%64)
			if ch == '{' {
				objects[word] |= bit
			} else {
				objects[word] &^= bit
			}
			depth++
			c.Pos++
			closing := ch + 2 // ']' and '}' stand two after '[' and '{'
			more, err := c.More(true, closing)
			if err != nil {
				return err
			}
			if more {
				if ch == '{' {
					if _, err := c.Name(); err != nil {
						return err
					}
				}
				continue
			}
			depth--
		case '"':
			if err := c.str(); err != nil {
				return err
			}
		default:
			if err := c.scalar(); err != nil {
				return err
			}
		}

		// A value has ended: go on in what is open.
		for {
			if depth == 0 {
				return nil
			}
			closing := byte(']')
			if isObject() {
				closing = '}'
			}
			more, err := c.More(false, closing)
			if err != nil {
				return err
			}
			if !more {
				depth--
				continue
			}
			if closing == '}' {
				if _, err := c.Name(); err != nil {
					return err
				}
			}
			break
		}
	}
}

// SkipBroken finds the end of an array's element that could not be read, by
// counting brackets outside strings, so that the elements after it can still be
// taken. It works at any depth in constant memory. It returns false when the
// end cannot be told: the text stops inside the element.
func SkipBroken(b []byte, start int) (end int, ok bool) {
	depth, i := 0, start
	for i < len(b) {
		switch b[i] {
		case '"':
			i++
			for i < len(b) && b[i] != '"' {
				if b[i] == '\\' {
					i++
				}
				i++
			}
			if i >= len(b) {
				return 0, false
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i, true
			}
			depth--
		case ',':
			if depth == 0 {
				return i, true
			}
		}
		i++
	}
	return 0, false
}
