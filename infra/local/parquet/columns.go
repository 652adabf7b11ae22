package parquet

import (
	"math"
	"strings"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"
)

// A value of an optional column says by its definition level whether it is
// there; a value of a required column has level 0.
func level(nullable bool) int {
	if nullable {
		return 1
	}
	return 0
}

func leaf(n parquet.Node, nullable bool) parquet.Node {
	if nullable {
		return parquet.Optional(n)
	}
	return parquet.Required(n)
}

func textColumn[T any](name string, nullable bool, enc encoding.Encoding, at func(*T) *string) column[T] {
	present := level(nullable)
	return column[T]{
		name: name,
		node: leaf(parquet.Encoded(parquet.String(), enc), nullable),
		load: func(dst []parquet.Value, rows []T) {
			for i := range rows {
				s := *at(&rows[i])
				if s == "" && nullable {
					dst[i] = parquet.Value{}
					continue
				}
				// One string that is not UTF-8 makes the whole file unreadable
				// to most engines, so it is mended even though validation
				// should have seen to it.
				if !utf8.ValidString(s) {
					s = strings.ToValidUTF8(s, "\uFFFD")
				}
				// The writer copies the bytes and never changes them.
				dst[i] = parquet.ByteArrayValue(unsafe.Slice(unsafe.StringData(s), len(s)))
				dst[i].SetDefinitionLevel(present)
			}
		},
		save: func(row *T, v parquet.Value) { *at(row) = string(v.ByteArray()) },
	}
}

func bytesColumn[T any](name string, at func(*T) *[]byte) column[T] {
	return column[T]{
		name: name,
		node: leaf(parquet.Encoded(parquet.Leaf(parquet.ByteArrayType), seldomRepeated), false),
		load: func(dst []parquet.Value, rows []T) {
			for i := range rows {
				dst[i] = parquet.ByteArrayValue(*at(&rows[i]))
			}
		},
		save: func(row *T, v parquet.Value) { *at(row) = append([]byte(nil), v.ByteArray()...) },
	}
}

func intColumn[T any](name string, nullable bool, at func(*T) *int64) column[T] {
	return numberColumn(name, parquet.Int(64), nullable, at)
}

func timeColumn[T any](name string, nullable bool, at func(*T) *int64) column[T] {
	return numberColumn(name, parquet.TimestampAdjusted(parquet.Millisecond, false), nullable, at)
}

func numberColumn[T any](name string, node parquet.Node, nullable bool, at func(*T) *int64) column[T] {
	present := level(nullable)
	return column[T]{
		name: name,
		node: leaf(parquet.Encoded(node, &parquet.Plain), nullable),
		load: func(dst []parquet.Value, rows []T) {
			for i := range rows {
				n := *at(&rows[i])
				if n == 0 && nullable {
					dst[i] = parquet.Value{}
					continue
				}
				dst[i] = parquet.Int64Value(n)
				dst[i].SetDefinitionLevel(present)
			}
		},
		save: func(row *T, v parquet.Value) { *at(row) = v.Int64() },
	}
}

func floatColumn[T any](name string, nullable bool, at func(*T) *float64) column[T] {
	present := level(nullable)
	return column[T]{
		name: name,
		node: leaf(parquet.Encoded(parquet.Leaf(parquet.DoubleType), &parquet.Plain), nullable),
		load: func(dst []parquet.Value, rows []T) {
			for i := range rows {
				f := *at(&rows[i])
				if nullable && math.IsNaN(f) {
					dst[i] = parquet.Value{}
					continue
				}
				dst[i] = parquet.DoubleValue(f)
				dst[i].SetDefinitionLevel(present)
			}
		},
		save: func(row *T, v parquet.Value) {
			if v.IsNull() {
				*at(row) = math.NaN()
				return
			}
			*at(row) = v.Double()
		},
	}
}

func boolColumn[T any](name string, at func(*T) *bool) column[T] {
	return column[T]{
		name: name,
		node: leaf(parquet.Encoded(parquet.Leaf(parquet.BooleanType), &parquet.Plain), false),
		load: func(dst []parquet.Value, rows []T) {
			for i := range rows {
				dst[i] = parquet.BooleanValue(*at(&rows[i]))
			}
		},
		save: func(row *T, v parquet.Value) { *at(row) = v.Boolean() },
	}
}

func dateColumn[T any](name string, nullable bool, at func(*T) *string) column[T] {
	present := level(nullable)
	return column[T]{
		name: name,
		node: leaf(parquet.Encoded(parquet.Date(), oftenRepeated), nullable),
		load: func(dst []parquet.Value, rows []T) {
			// Rows of one date come together, so the last answer is nearly
			// always the next one.
			var text string
			var day int32
			for i := range rows {
				s := *at(&rows[i])
				if s == "" && nullable {
					dst[i] = parquet.Value{}
					continue
				}
				if s != text {
					text, day = s, dayOf(s)
				}
				dst[i] = parquet.Int32Value(day)
				dst[i].SetDefinitionLevel(present)
			}
		},
		save: func(row *T, v parquet.Value) {
			if !v.IsNull() {
				*at(row) = time.Unix(int64(v.Int32())*86400, 0).UTC().Format(time.DateOnly)
			}
		},
	}
}

// dayOf turns "2026-11-23" into days since 1970. What is not a date becomes day
// 0: one bad row must not hold up the log's roll-over for good, and the row's
// time still tells its day.
func dayOf(s string) int32 {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return 0
	}
	return int32(t.Unix() / 86400) // whole days, so the division is exact before 1970 too
}
