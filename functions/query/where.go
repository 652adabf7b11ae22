package query

import (
	"strings"

	"loch/shared/expression"
)

// condition turns a where expression of Mixpanel into SQL. The condition's shape comes
// from this code; names and values go through quote and number.
type condition struct {
	milliseconds bool // of properties["time"]
}

// whereSQL returns the SQL condition of a where expression, over the columns of
// events and the column document.
func whereSQL(text string, milliseconds bool) (string, error) {
	c, err := expression.Parse(text)
	if err != nil {
		return "", err
	}
	return condition{milliseconds}.sql(c)
}

func (w condition) sql(c *expression.Condition) (string, error) {
	switch c.Op {
	case expression.Or:
		return w.joined(c.Of, " OR ")
	case expression.And:
		return w.joined(c.Of, " AND ")
	case expression.Not:
		of, err := w.sql(&c.Of[0])
		return "(NOT " + of + ")", err
	case expression.In:
		return w.in(c)
	case expression.Defined, expression.Eq, expression.Ne, expression.Gt, expression.Gte, expression.Lt, expression.Lte:
	}
	left, err := w.property(c.Left)
	if err != nil {
		return "", err
	}
	switch c.Op {
	case expression.Defined:
		return left.defined(), nil
	case expression.Eq:
		return left.equals(*c.Right.Value), nil
	case expression.Ne:
		return "(NOT " + left.equals(*c.Right.Value) + ")", nil
	case expression.Gt, expression.Gte, expression.Lt, expression.Lte:
	case expression.Or, expression.And, expression.Not, expression.In: // above
	}
	if c.Right.Value.Kind != expression.Number {
		return "", expression.Wrong("the operator %s at byte %d compares numbers only", c.Op, c.At)
	}
	return left.order(string(c.Op), c.Right.Value.Num), nil
}

func (w condition) joined(list []expression.Condition, by string) (string, error) {
	parts := make([]string, len(list))
	for i := range list {
		var err error
		if parts[i], err = w.sql(&list[i]); err != nil {
			return "", err
		}
	}
	return "(" + strings.Join(parts, by) + ")", nil
}

func (w condition) in(c *expression.Condition) (string, error) {
	of := c.Left
	if of.Property == nil {
		of = c.Right
	}
	if of.Property != nil {
		p, err := w.property(of)
		if err != nil {
			return "", err
		}
		switch {
		case c.Left.Value != nil:
			return p.holds(*c.Left.Value), nil
		case c.Left.Property != nil && c.Right.Value != nil && c.Right.Value.Kind == expression.Text:
			return p.within(c.Right.Value.Text), nil
		case c.Left.Property != nil && c.Right.List != nil:
			return p.among(c.Right.List), nil
		}
	}
	return "", expression.Wrong("this use of in, at byte %d, is not supported: write a constant in a property, or a property in a string or a list of constants%s",
		c.At, expression.Supported)
}

func (w condition) property(of expression.Operand) (property, error) {
	if of.Property.User {
		return property{}, profileAsked(of.At)
	}
	return propertyOf(of.Property.Name, w.milliseconds), nil
}

// profileAsked refuses a profile's property, which no event has.
func profileAsked(at int) error {
	return expression.Wrong(`user["…"], a profile's property, is not supported (byte %d)%s`, at, expression.Supported)
}
