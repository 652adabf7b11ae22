// Package rowjson writes rows of the lake as JSON documents, one a line, and
// reads them back.
//
// It is the form in which rows travel where a stream takes them to the lake:
// a delivery stream reads each document by the columns of a table and writes
// Parquet. So a document's keys are the names of event.Columns, and its values
// are of the few shapes that every JSON reader for Hive tables takes alike:
//
//	{"project":"shop","date":"2026-11-23","time":"2026-11-23T10:00:00.123Z","skew_ms":0,"is_bot":false,…}
//
// Instants are UTC with the letter Z and three digits of a second. Digits alone
// would be shorter, but such readers tell seconds from milliseconds by how many
// there are. The columns properties and context hold JSON, and travel as texts:
// no reader is asked to turn an object into one. A null is left out.
package rowjson

import (
	"math"
	"strconv"

	"loch/shared/event"
)

// prefixes are the keys as they stand in a document: the comma before, quotes,
// and the colon.
var prefixes = func() []string {
	list := make([]string, len(event.Columns))
	for i, c := range event.Columns {
		list[i] = `,"` + c.Name + `":`
	}
	return list
}()

// AppendRow appends a row as one document and a newline. It allocates only when
// dst is too small. Bytes that are not UTF-8 become U+FFFD; a float that JSON
// cannot say, and an instant outside the years 1 to 9999 in a column that may be
// null, become null.
func AppendRow(dst []byte, r *event.Row) []byte {
	start := len(dst)
	for i := range event.Columns {
		c := &event.Columns[i]
		switch {
		case c.Str != nil:
			s := *c.Str(r)
			if s == "" && c.Nullable {
				continue
			}
			dst = appendText(append(dst, prefixes[i]...), s)
		case c.Flt != nil:
			f := *c.Flt(r)
			if math.IsNaN(f) || math.IsInf(f, 0) {
				continue
			}
			dst = strconv.AppendFloat(append(dst, prefixes[i]...), f, 'g', -1, 64)
		case c.Flag != nil:
			dst = strconv.AppendBool(append(dst, prefixes[i]...), *c.Flag(r))
		default:
			n := *c.Num(r)
			switch {
			case c.Nullable && (n == 0 || c.Type == event.Time && !sayable(n)):
			case c.Type == event.Time:
				dst = appendInstant(append(dst, prefixes[i]...), n)
			default:
				dst = strconv.AppendInt(append(dst, prefixes[i]...), n, 10)
			}
		}
	}
	dst[start] = '{' // in place of the first comma
	return append(dst, '}', '\n')
}

// RowBound is a size that the row's document does not exceed, found without
// writing it: quick, and often far too much.
func RowBound(r *event.Row) int {
	const widest = 6 // "\u0001"
	n := 0
	for i := range event.Columns {
		n += len(prefixes[i]) + 32 // quotes and any number, date or instant
		if s := event.Columns[i].Str; s != nil {
			n += widest * len(*s(r))
		}
	}
	return n
}
