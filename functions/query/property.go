package query

import (
	"slices"
	"strings"

	"loch/shared/expression"
)

// document is the SQL name of an event's properties where they can be read as
// JSON, null where they cannot: DuckDB gives up the whole statement on a text
// that it calls malformed, and half of a surrogate pair, which JavaScript sends,
// is enough for that.
const document = "doc"

// property is one property of an exported event, as SQL that tells its JSON
// type and its text.
type property struct {
	kind, text, list string
}

// added are the properties that an export has although the client may not have
// sent them, as Mixpanel's servers add them, and the columns they come from. The
// texts stand for a property that was not sent.
var added = map[string]string{
	"distinct_id":     "coalesce(user_id, '$device:' || device_id)",
	"$insert_id":      "insert_id",
	"mp_country_code": "country",
	"$region":         "region",
	"$city":           "city",
}

// eventTime is the exported time of an event, in seconds or milliseconds.
func eventTime(milliseconds bool) string {
	if milliseconds {
		return "epoch_ms(time)"
	}
	return "epoch_ms(time) // 1000"
}

const processingTime = "epoch_ms(received_time)"

// propertyOf gives the SQL of a property by name, the same value as the export
// writes: a filter must not contradict what it lets through.
func propertyOf(name string, milliseconds bool) property {
	at := "(" + document + ", " + pointer(name) + ")"
	p := property{kind: "json_type" + at, text: "json_extract_string" + at, list: "try_cast(json_extract" + at + " AS json[])"}
	switch name {
	case "time":
		p.kind, p.text = "'UBIGINT'", "cast("+eventTime(milliseconds)+" AS varchar)"
	case "mp_processing_time_ms":
		p.kind, p.text = "coalesce("+p.kind+", 'UBIGINT')", "coalesce("+p.text+", cast("+processingTime+" AS varchar))"
	default:
		if column, ok := added[name]; ok {
			p.kind = "coalesce(" + p.kind + ", CASE WHEN " + column + " IS NOT NULL THEN 'VARCHAR' END)"
			p.text = "coalesce(" + p.text + ", " + column + ")"
		}
	}
	return p
}

// Each of the functions below gives a condition that is true or false, never
// null: in Mixpanel's logic what is undefined counts as false and its negation
// as true, which SQL's own nulls would not do.

func certain(condition string) string { return "coalesce(" + condition + ", FALSE)" }

func (p property) defined() string {
	return certain(p.kind + " <> 'NULL'")
}

// equals compares kind and value, so that "1" is not 1.
func (p property) equals(l expression.Literal) string { return certain(matches(p.kind, p.text, l)) }

func matches(kind, text string, l expression.Literal) string {
	switch l.Kind {
	case expression.Text:
		return kind + " = 'VARCHAR' AND " + text + " = " + quote(l.Text)
	case expression.Number:
		return compares(kind, text, "=", l.Num)
	case expression.Boolean:
	}
	if l.Yes {
		return kind + " = 'BOOLEAN' AND " + text + " = 'true'"
	}
	return kind + " = 'BOOLEAN' AND " + text + " = 'false'"
}

func compares(kind, text, op string, n float64) string {
	return isNumber(kind) + " AND try_cast(" + text + " AS double) " + op + " " + number(n)
}

func isNumber(kind string) string { return kind + " IN ('UBIGINT', 'BIGINT', 'DOUBLE')" }

// among says whether a property equals one of the constants. Each kind is one
// IN, so that a long list does not repeat the property's name with each item.
func (p property) among(list []expression.Literal) string {
	var texts, numbers, parts []string
	for _, l := range list {
		switch l.Kind {
		case expression.Text:
			texts = append(texts, quote(l.Text))
		case expression.Number:
			numbers = append(numbers, number(l.Num))
		case expression.Boolean:
			if part := p.equals(l); !slices.Contains(parts, part) {
				parts = append(parts, part)
			}
		}
	}
	if len(texts) > 0 {
		parts = append(parts, certain(p.kind+" = 'VARCHAR' AND "+p.text+" IN ("+strings.Join(texts, ", ")+")"))
	}
	if len(numbers) > 0 {
		parts = append(parts, certain(isNumber(p.kind)+" AND try_cast("+p.text+" AS double) IN ("+strings.Join(numbers, ", ")+")"))
	}
	if len(parts) == 0 {
		return "FALSE"
	}
	return "(" + strings.Join(parts, " OR ") + ")"
}

// order compares numbers. Anything else has no order.
func (p property) order(op string, n float64) string { return certain(compares(p.kind, p.text, op, n)) }

// within says whether a text property is part of a constant text.
func (p property) within(text string) string {
	return certain(p.kind + " = 'VARCHAR' AND strpos(" + quote(text) + ", " + p.text + ") > 0")
}

// holds says whether a constant is part of a text property, or an item of a
// list.
func (p property) holds(l expression.Literal) string {
	item := "len(list_filter(" + p.list + ", lambda x: " + matches("json_type(x)", "json_extract_string(x, '$')", l) + ")) > 0"
	part := ""
	if l.Kind == expression.Text {
		part = "WHEN 'VARCHAR' THEN strpos(" + p.text + ", " + quote(l.Text) + ") > 0 "
	}
	return certain("CASE " + p.kind + " " + part + "WHEN 'ARRAY' THEN " + item + " END")
}
