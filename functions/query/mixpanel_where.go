package query

import (
	"errors"

	"loch/shared/expression"
	"loch/shared/fault"
)

// columnsOf are the properties that Mixpanel's servers add, and the columns in which
// they are here.
var columnsOf = map[string]string{"$city": "city", "$region": "region", "mp_country_code": "country"}

// named is how a filter names a property.
func named(property string) string {
	if column, ok := columnsOf[property]; ok {
		return column
	}
	return "properties." + property
}

// ofEvents is how an expression about events is read.
var ofEvents = expression.Reading{Named: func(of *expression.Property, at int) (string, error) {
	switch {
	case of.User:
		return "", profileAsked(at)
	case of.Name == "time":
		return "", expression.Wrong(`properties["time"] at byte %d is not supported here; from_date and to_date say when`, at)
	}
	return named(of.Name), nil
}}

// filtersOf are the filters of an expression; place is the parameter's name.
func filtersOf(text, place string) (list []any, err error) {
	if text == "" {
		return nil, nil
	}
	c, err := expression.Parse(text)
	if err == nil {
		list, err = ofEvents.Filters(c)
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		err = f.At(place)
	}
	return list, err
}

// propertyAsked reads an expression that is one property: properties["plan"].
func propertyAsked(text, place string) (string, error) {
	of, ok := expression.ParseProperty(text)
	if !ok || of.User {
		return "", fault.New(fault.Invalid, `it must be one property, such as properties["plan"]; other expressions are not supported`).At(place)
	}
	return named(of.Name), nil
}
