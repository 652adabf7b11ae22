package athena

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"
)

// form is how a cell becomes a value of a report.Result: Athena gives texts only.
type form uint8

const (
	worded form = iota // what a result gives as text: texts, JSON, dates, lists as Athena spells them
	truth
	whole  // an integer
	exact  // DECIMAL, as it is spelt
	real   // REAL, DOUBLE
	moment // a time of day or date
	zoned  // a time with its zone
	octets // VARBINARY, in hexadecimal
)

// formOf chooses by Athena's name of a type.
func formOf(name string) form {
	switch name {
	case "boolean":
		return truth
	case "tinyint", "smallint", "integer", "int", "bigint":
		return whole
	case "decimal":
		return exact
	case "float", "real", "double":
		return real
	case "timestamp", "time":
		return moment
	case "timestamp with time zone", "time with time zone":
		return zoned
	case "varbinary", "binary":
		return octets
	}
	return worded
}

// typeName is a column's SQL type, in capitals.
func typeName(c types.ColumnInfo) string {
	name := aws.ToString(c.Type)
	switch name {
	case "decimal":
		return fmt.Sprintf("DECIMAL(%d,%d)", c.Precision, c.Scale)
	case "string":
		name = "varchar"
	case "int":
		name = "integer"
	case "float":
		name = "real"
	}
	return strings.ToUpper(name)
}

// value reads a cell.
func (f form) value(text string) (any, error) {
	switch f {
	case truth:
		return strconv.ParseBool(text)
	case whole:
		if _, err := strconv.ParseInt(text, 10, 64); err != nil {
			return nil, err
		}
		return json.Number(text), nil
	case exact:
		if !json.Valid([]byte(text)) {
			return nil, fmt.Errorf("no decimal number")
		}
		return json.Number(text), nil
	case real:
		return realValue(text)
	case moment:
		return shortened(text), nil
	case zoned:
		if utc, ok := strings.CutSuffix(text, " UTC"); ok {
			return shortened(utc), nil
		}
		return text, nil
	case octets:
		return strings.ToLower(strings.ReplaceAll(text, " ", "")), nil
	case worded:
	}
	return text, nil
}

// shortened leaves out zeros at the end of a second: 20:19:34.500 is 20:19:34.5.
func shortened(text string) string {
	if !strings.Contains(text, ".") {
		return text
	}
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// realValue keeps what JSON has no number for as text.
func realValue(text string) (any, error) {
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil:
		return nil, err
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
	return json.Number(strconv.FormatFloat(f, form, -1, 64)), nil
}
