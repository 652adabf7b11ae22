package report

import (
	"encoding/json"
	"slices"

	"loch/shared/sql"
)

// A break-down ranks the values of each of its properties by how many rows have
// them and gives every row its segment: a value's rank and key, or, beyond the
// limit, the rank behind the last and the key of "(other)". What is beyond is one
// segment from then on, so whatever is counted of it is counted anew.

// keyed makes the break-downs' keys fields k0, k1, … of the scan.
func (s *scan) keyed() error {
	for i, b := range s.spec.Breakdown {
		v := s.property(b.Property)
		if v.form == momentForm {
			return wrong(b.place+".property", "this property is a time, which nearly each row has another of; break down by interval instead")
		}
		s.field(sql.Name("k", i), v.key())
	}
	return nil
}

// cutter is what cut returns: queries to put before the report's, and how they are
// used.
type cutter struct {
	queries []sql.Field
	table   sql.Expr   // has the fields that were carried and those of segment
	segment []sql.Expr // n0, s0, n1, s1, …: ranks and keys
}

// cut gives each row of a table, which has the keys k0, k1, …, its segment. carried
// are the fields that the result keeps. Only rows for which counted is true are
// ranked, and only those for which kept is true are in the result. Without a
// break-down the result is the table itself.
func cut(table sql.Expr, carried []sql.Expr, list []Breakdown, counted, kept sql.Expr) cutter {
	if len(list) == 0 {
		return cutter{table: table}
	}
	var c cutter
	var fields []sql.Field
	for _, f := range carried {
		fields = append(fields, sql.Field{Name: f, Expr: sql.E("r.?", f)})
	}
	from := sql.E("? r", table)
	for i, b := range list {
		key, top := sql.Name("k", i), sql.Name("top", i)
		ranked := sql.Select{
			Fields: []sql.Field{sql.As(key, "k"), sql.As(sql.E("row_number() OVER (ORDER BY count(*) DESC, substr(?, 2), ?)", key, key), "n")},
			From:   table,
			Where:  []sql.Expr{counted, sql.E("? <> ?", key, textKey(Other))},
			Group:  []sql.Expr{key},
		}
		c.queries = append(c.queries, sql.Field{Name: top, Expr: sql.Select{
			Fields: []sql.Field{{Expr: sql.E("k")}, {Expr: sql.E("n")}},
			From:   ranked.Sub("a"),
			Where:  []sql.Expr{sql.E("n <= ?", sql.Int(int64(b.Limit)))},
		}.Expr()})
		from = sql.E("?\nLEFT JOIN ? ON ?.k = r.?", from, top, top, key)
		n, s := sql.Name("n", i), sql.Name("s", i)
		fields = append(fields,
			sql.Field{Name: n, Expr: sql.E("coalesce(?.n, ?)", top, sql.Int(int64(b.Limit)+1))},
			sql.Field{Name: s, Expr: sql.E("coalesce(?.k, ?)", top, textKey(Other))})
		c.segment = append(c.segment, n, s)
	}
	c.table = sql.E("cut")
	c.queries = append(c.queries, sql.Field{Name: c.table, Expr: sql.Select{Fields: fields, From: from, Where: []sql.Expr{kept}}.Expr()})
	return c
}

// Segment is a part of an answer: one value for each property of the break-down.
// The zero Segment is that of a report without one.
type Segment struct {
	keys  []string
	ranks []int64
}

// MarshalJSON writes null without a break-down, the value for one property, and a
// list of values for several.
func (s Segment) MarshalJSON() ([]byte, error) {
	values := s.Values()
	switch len(values) {
	case 0:
		return []byte("null"), nil
	case 1:
		return json.Marshal(values[0])
	default:
		return json.Marshal(values)
	}
}

// Values are the segment's values: texts, Numbers and booleans.
func (s Segment) Values() []any {
	values := make([]any, len(s.keys))
	for i, k := range s.keys {
		values[i] = segmentOf(k)
	}
	return values
}

// key is the segment as a text that no other has.
func (s Segment) key() string {
	b, _ := json.Marshal(s.keys)
	return string(b)
}

// compare orders segments by rank, property by property.
func (s Segment) compare(o Segment) int { return slices.Compare(s.ranks, o.ranks) }

// segmentIn reads the fields n0, s0, … of a result's row.
func segmentIn(row []any) (Segment, error) {
	var s Segment
	for i := 0; i+1 < len(row); i += 2 {
		rank, okRank := wholeIn(row[i])
		key, okKey := row[i+1].(string)
		if !okRank || !okKey {
			return s, misshapen()
		}
		s.ranks, s.keys = append(s.ranks, rank), append(s.keys, key)
	}
	return s, nil
}

// wholeIn reads a whole number of a result.
func wholeIn(v any) (int64, bool) {
	n, ok := numberIn(v)
	if !ok || n.r == nil || !n.r.IsInt() || !n.r.Num().IsInt64() {
		return 0, false
	}
	return n.r.Num().Int64(), true
}
