package duckdb

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// form is how a value of a column travels from DuckDB to a report.Result. What
// Go's types hold exactly comes as it is; for the rest DuckDB writes the text.
type form uint8

const (
	plain  form = iota // booleans, integers up to 64 bits, texts
	real               // FLOAT, DOUBLE
	number             // a number of any size, written by DuckDB: HUGEINT, DECIMAL
	worded             // anything that a result gives as text: times, UUID, INTERVAL, JSON
	zoned              // TIMESTAMP WITH TIME ZONE, always in UTC here
	octets             // BLOB, in hexadecimal
	nested             // lists, structs, maps: DuckDB writes them as JSON
)

// formOf chooses by a type's name, as DESCRIBE spells it.
func formOf(name string) form {
	switch name {
	case "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT",
		"UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "VARCHAR":
		return plain
	case "FLOAT", "DOUBLE":
		return real
	case "HUGEINT", "UHUGEINT", "BIGNUM":
		return number
	case "TIMESTAMP WITH TIME ZONE":
		return zoned
	case "BLOB":
		return octets
	}
	switch {
	case strings.HasSuffix(name, "]"), strings.HasPrefix(name, "STRUCT("), strings.HasPrefix(name, "MAP("), strings.HasPrefix(name, "UNION("):
		return nested
	case strings.HasPrefix(name, "DECIMAL("):
		return number
	}
	return worded
}

// sql is the expression that fetches a column in this form.
func (f form) sql(column string) string {
	switch f {
	case plain, real:
		return column
	case octets:
		return "lower(hex(" + column + "))"
	case nested:
		return "to_json(" + column + ")::VARCHAR"
	default:
		return column + "::VARCHAR"
	}
}

// value turns what the driver gives into what a report.Result holds.
func (f form) value(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	switch f {
	case real:
		return realValue(v)
	case plain:
		switch v := v.(type) {
		case bool, string:
			return v, nil
		default:
			return json.Number(fmt.Sprint(v)), nil
		}
	default: // the others come as text
	}
	s, ok := v.(string)
	if !ok {
		return nil, fmt.Errorf("a text was expected, %T came", v)
	}
	switch f {
	case number:
		return json.Number(s), nil
	case zoned:
		return strings.TrimSuffix(s, "+00"), nil
	case nested:
		return nestedValue(s)
	default:
		return s, nil
	}
}

// realValue keeps what JSON has no number for as text, as DuckDB spells it.
func realValue(v any) (any, error) {
	f, bits := 0.0, 64
	switch v := v.(type) {
	case float64:
		f = v
	case float32:
		f, bits = float64(v), 32
	default:
		return nil, fmt.Errorf("a float was expected, %T came", v)
	}
	switch {
	case math.IsNaN(f):
		return "nan", nil
	case math.IsInf(f, 1):
		return "inf", nil
	case math.IsInf(f, -1):
		return "-inf", nil
	}
	form := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) { // as encoding/json does
		form = 'e'
	}
	return json.Number(strconv.FormatFloat(f, form, -1, bits)), nil
}

// nestedValue reads the JSON that DuckDB writes of a list, struct or map.
func nestedValue(s string) (any, error) {
	decoder := json.NewDecoder(strings.NewReader(quoteSpecials(s)))
	decoder.UseNumber()
	var v any
	err := decoder.Decode(&v)
	return v, err
}

// quoteSpecials puts quotes around NaN and Infinity, which DuckDB writes bare.
func quoteSpecials(s string) string {
	if !strings.Contains(s, "NaN") && !strings.Contains(s, "Infinity") {
		return s
	}
	var b strings.Builder
	for at := 0; at < len(s); {
		switch {
		case s[at] == '"':
			end := at + 1
			for end < len(s) && s[end] != '"' {
				if s[end] == '\\' {
					end++
				}
				end++
			}
			end = min(end+1, len(s))
			b.WriteString(s[at:end])
			at = end
		case strings.HasPrefix(s[at:], "NaN"):
			b.WriteString(`"nan"`)
			at += len("NaN")
		case strings.HasPrefix(s[at:], "-Infinity"):
			b.WriteString(`"-inf"`)
			at += len("-Infinity")
		case strings.HasPrefix(s[at:], "Infinity"):
			b.WriteString(`"inf"`)
			at += len("Infinity")
		default:
			b.WriteByte(s[at])
			at++
		}
	}
	return b.String()
}
