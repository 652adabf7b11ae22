package filter

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"loch/shared/rawjson"
)

// operand says what an operator's value must be.
type operand uint8

const (
	takesNothing operand = iota
	takesOne             // a text, a number or a boolean
	takesText            // a text
	takesOrdered         // a text or a number
	takesPair            // two texts or two numbers, in a list
	takesSome            // a list of constants
	takesPattern         // RE2
)

var operators = map[Op]operand{
	Eq: takesOne, Ne: takesOne, In: takesSome, NotIn: takesSome, Contains: takesOne, NotContains: takesOne,
	StartsWith: takesText, Matches: takesPattern,
	Gt: takesOrdered, Gte: takesOrdered, Lt: takesOrdered, Lte: takesOrdered, Between: takesPair,
	IsSet: takesNothing, IsNotSet: takesNothing, IsTrue: takesNothing, IsFalse: takesNothing,
}

var opWords = func() string {
	ops := []Op{Eq, Ne, In, NotIn, Contains, NotContains, StartsWith, Matches, Gt, Gte, Lt, Lte, Between, IsSet, IsNotSet, IsTrue, IsFalse}
	return fmt.Sprint(ops)
}()

func (f *Filter) readValue(raw []byte, kind operand) error {
	place := f.place + ".value"
	if kind == takesNothing {
		if raw != nil {
			return wrong(place, "%s takes no value", f.Op)
		}
		return nil
	}
	if raw == nil {
		return wrong(place, "%s needs a value", f.Op)
	}
	items := [][]byte{raw}
	if kind == takesPair || kind == takesSome {
		var err error
		if items, err = itemsOf(raw, place); err != nil {
			return err
		}
	}
	switch {
	case kind == takesPair && len(items) != 2:
		return wrong(place, "between needs a list of two: the lowest and the highest")
	case len(items) == 0:
		return wrong(place, "the list is empty; is_set and is_not_set ask whether there is a value")
	case len(items) > maxValues:
		return wrong(place, "the list has more than %d values", maxValues)
	}
	for i, item := range items {
		at := place
		if kind == takesPair || kind == takesSome {
			at += "[" + strconv.Itoa(i) + "]"
		}
		l, err := literal(item, at)
		if err == nil {
			err = fits(l, kind, f.Op, at)
		}
		if err != nil {
			return err
		}
		f.Values = append(f.Values, l)
	}
	if kind == takesPair && f.Values[0].Kind != f.Values[1].Kind {
		return wrong(place, "between needs two numbers or two texts")
	}
	return nil
}

func itemsOf(raw []byte, place string) (items [][]byte, err error) {
	c := rawjson.Cursor{Buf: raw, MaxDepth: maxDepth}
	if !c.Open(rawjson.Array) {
		return nil, wrong(place, "it must be a list")
	}
	for first := true; ; first = false {
		more, err := c.More(first, ']')
		if err != nil || !more {
			return items, err
		}
		start, err := c.Value()
		if err != nil {
			return nil, err
		}
		items = append(items, raw[start:c.Pos])
	}
}

func literal(raw []byte, place string) (Literal, error) {
	c := rawjson.Cursor{Buf: raw}
	switch kind := c.Peek(); kind {
	case rawjson.String:
		s := rawjson.Text(raw)
		if strings.IndexByte(s, 0) >= 0 {
			return Literal{}, wrong(place, "a text cannot hold a zero character")
		}
		return Literal{kind, s}, nil
	case rawjson.Number:
		const mostDigits = 400
		if len(raw) > mostDigits {
			return Literal{}, wrong(place, "the number has more than %d characters", mostDigits)
		}
		return Literal{kind, string(raw)}, nil
	case rawjson.True, rawjson.False:
		return Literal{Kind: kind}, nil
	case rawjson.Null:
		return Literal{}, wrong(place, "null is no value; is_set and is_not_set ask whether there is one")
	default:
		return Literal{}, wrong(place, "a value must be %s", literalWords)
	}
}

// fits refuses a value that an operator can do nothing with.
func fits(l Literal, kind operand, op Op, place string) error {
	isText := l.Kind == rawjson.String
	switch {
	case (kind == takesText || kind == takesPattern) && !isText:
		return wrong(place, "%s needs a text", op)
	case (kind == takesOrdered || kind == takesPair) && !isText && l.Kind != rawjson.Number:
		return wrong(place, "%s needs a number or a text; is_true and is_false ask for booleans", op)
	case kind == takesPattern:
		if len(l.Text) > maxPattern {
			return wrong(place, "the expression has more than %d bytes", maxPattern)
		}
		if _, err := sizeOf(l.Text); err != nil {
			return wrong(place, "this is no regular expression of RE2: %s", problem(err))
		}
	case slices.Contains([]Op{Contains, NotContains, StartsWith}, op) && isText && l.Text == "":
		return wrong(place, "every text holds the empty one; is_set asks whether there is a value")
	}
	return nil
}
