package rowjson_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"loch/shared/event"
	"loch/shared/event/eventtest"
	"loch/shared/event/rowjson"
	"loch/shared/fault"
)

// A document is written as Hive's JSON readers take it, and holds no null.
func ExampleAppendRow() {
	doc := rowjson.AppendRow(nil, &event.Row{
		Project: "shop", Date: "2026-11-23", Name: "Sign up", TimeMS: 1_795_428_000_123, ReceivedTimeMS: 1_795_428_000_200,
		Revenue: event.NoRevenue, Properties: `{"plan":"team"}`, RequestID: "r1", SchemaVersion: 1,
	})
	fmt.Print(strings.ReplaceAll(string(doc), `,"`, ",\n \""))
	// Output:
	// {"project":"shop",
	//  "date":"2026-11-23",
	//  "event":"Sign up",
	//  "kind":"",
	//  "protocol":"",
	//  "insert_id":"",
	//  "insert_id_source":"",
	//  "time":"2026-11-23T10:00:00.123Z",
	//  "received_time":"2026-11-23T10:00:00.200Z",
	//  "time_source":"",
	//  "skew_ms":0,
	//  "is_bot":false,
	//  "properties":"{\"plan\":\"team\"}",
	//  "request_id":"r1",
	//  "batch_index":0,
	//  "schema_version":1}
}

// What is written is JSON to any reader, has the columns' names and values, and
// comes back the same.
func TestRowsComeBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 3000 {
		want := eventtest.RandomRow(rng)
		doc := rowjson.AppendRow([]byte("before"), &want)[len("before"):]
		if n := rowjson.RowBound(&want); len(doc) > n {
			t.Fatalf("row %d: %d bytes, more than its bound %d", i, len(doc), n)
		}
		if bytes.Count(doc, []byte("\n")) != 1 || !utf8.Valid(doc) {
			t.Fatalf("row %d is not one line of UTF-8: %q", i, doc)
		}
		byName := map[string]any{}
		d := json.NewDecoder(bytes.NewReader(doc))
		d.UseNumber()
		if err := d.Decode(&byName); err != nil {
			t.Fatalf("row %d: %v\n%s", i, err, doc)
		}
		for _, c := range event.Columns {
			if got, want := byName[c.Name], plainly(&c, &want); !reflect.DeepEqual(got, want) {
				t.Fatalf("row %d, column %s: %v, want %v", i, c.Name, got, want)
			}
		}
		got, _, err := rowjson.ParseRow(doc)
		if err != nil {
			t.Fatalf("row %d: %v\n%s", i, err, doc)
		}
		if again := rowjson.AppendRow(nil, &got); !bytes.Equal(again, doc) {
			t.Fatalf("row %d\nonce  %s\ntwice %s", i, doc, again)
		}
	}
}

// plainly is a column's value by the plainest means, as JSON says it.
func plainly(c *event.Column, r *event.Row) any {
	switch {
	case c.Str != nil:
		if s := *c.Str(r); s != "" || !c.Nullable {
			return string([]rune(s)) // which replaces what is not UTF-8, byte for byte
		}
	case c.Num != nil:
		n := *c.Num(r)
		if c.Type != event.Time {
			if n != 0 || !c.Nullable {
				return json.Number(fmt.Sprint(n))
			}
			break
		}
		at := time.UnixMilli(n).UTC()
		if n != 0 && at.Year() >= 1 && at.Year() <= 9999 {
			return at.Format("2006-01-02T15:04:05.000Z")
		}
		if !c.Nullable {
			switch {
			case n == 0:
				return "1970-01-01T00:00:00.000Z"
			case n < 0:
				return "0001-01-01T00:00:00.000Z"
			}
			return "9999-12-31T23:59:59.999Z"
		}
	case c.Flt != nil:
		if f := *c.Flt(r); !math.IsNaN(f) && !math.IsInf(f, 0) {
			b := fmt.Sprint(f)
			return json.Number(b)
		}
	default:
		return *c.Flag(r)
	}
	return nil
}

func TestInstants(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	try := func(ms int64) {
		doc := string(rowjson.AppendRow(nil, &event.Row{TimeMS: ms, Revenue: event.NoRevenue}))
		if want := `"time":"` + time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") + `"`; !strings.Contains(doc, want) {
			t.Fatalf("%d: want %s in %s", ms, want, doc)
		}
	}
	for day := time.Date(1890, 1, 1, 23, 59, 59, 999e6, time.UTC); day.Year() < 2110; day = day.AddDate(0, 0, 1) {
		try(day.UnixMilli())
	}
	for range 100_000 {
		try(-62135596800000 + rng.Int64N(253402300799999+62135596800000+1))
	}
}

func TestParseRowIsStrict(t *testing.T) {
	whole := string(rowjson.AppendRow(nil, eventtest.SampleRow(1)))
	if _, tries, err := rowjson.ParseRow([]byte(strings.Replace(whole, "{", `{"`+rowjson.TriesKey+`":2,`, 1))); err != nil || tries != 2 {
		t.Errorf("tries: %d, %v", tries, err)
	}
	for name, doc := range map[string]string{
		"nothing":         "",
		"an array":        "[" + whole + "]",
		"two":             whole + whole,
		"cut":             whole[:len(whole)-9],
		"unknown key":     strings.Replace(whole, `"os"`, `"mood"`, 1),
		"twice":           strings.Replace(whole, "{", `{"os":"x",`, 1),
		"missing":         strings.Replace(whole, `"request_id"`, `"bot_reason"`, 1),
		"zone":            strings.Replace(whole, `Z","sent`, `+01:00","sent`, 1),
		"instant":         strings.Replace(whole, `"time":"2026`, `"time":"26`, 1),
		"number as text":  strings.Replace(whole, `"skew_ms":`, `"skew_ms":"x","a":`, 1),
		"text as number":  strings.Replace(whole, `"country":"GB"`, `"country":1`, 1),
		"text as null":    strings.Replace(whole, `"country":"GB"`, `"country":null`, 1),
		"object as text":  strings.Replace(whole, `"context":"`, `"context":{},"x":"`, 1),
		"date":            strings.Replace(whole, `"date":"2026-11-23"`, `"date":"2026-13-23"`, 1),
		"bool":            strings.Replace(whole, `"is_bot":false`, `"is_bot":0`, 1),
		"tries not count": strings.Replace(whole, "{", `{"`+rowjson.TriesKey+`":-2,`, 1),
	} {
		if _, _, err := rowjson.ParseRow([]byte(doc)); fault.CodeOf(err) != fault.Invalid || err == nil {
			t.Errorf("%s: %v, want a fault of code %s", name, err, fault.Invalid)
		}
	}
}

// A rejection's document has the fields that its table is made of and no others.
func TestRejectedFields(t *testing.T) {
	p := eventtest.SampleParcel("r1", 3)
	r := event.Rejected{
		Project: "shop", ReceivedTimeMS: 1_795_428_000_123, Protocol: "mixpanel", RequestID: "r1", BatchIndex: 2,
		Reason: event.ReasonBadTime, Field: "properties.time", PayloadBytes: 12, Sealed: []byte{0, 255, 1},
	}
	want := map[string]any{
		"project": "shop", "received_time": "2026-11-23T10:00:00.123Z", "protocol": "mixpanel", "request_id": "r1", "batch_index": 2.0,
		"reason": "bad_time", "field": "properties.time", "payload_bytes": 12.0, "sealed_base64": base64.StdEncoding.EncodeToString(r.Sealed),
		"parcel_received": 3.0, "parcel_rows": 3.0,
	}
	known := map[string]bool{}
	for _, f := range rowjson.RejectedFields {
		known[f.Name] = true
	}
	check := func(doc []byte, want map[string]any) {
		t.Helper()
		got := map[string]any{}
		if err := json.Unmarshal(doc, &got); err != nil || !bytes.HasSuffix(doc, []byte("}\n")) {
			t.Fatalf("%s: %v", doc, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
		if tries, err := rowjson.CheckRejected(bytes.Replace(doc, []byte("{"), []byte(`{"loch_tries":3,`), 1)); err != nil || tries != 3 {
			t.Errorf("CheckRejected: %d, %v\n%s", tries, err, doc)
		}
		for name := range got {
			if !known[name] {
				t.Errorf("%s is not in RejectedFields", name)
			}
		}
	}
	check(rowjson.AppendRejected(nil, p, &r, ""), want)
	delete(want, "sealed_base64")
	want["sealed_object"] = "sealed/x"
	check(rowjson.AppendRejected(nil, p, &r, "sealed/x"), want)
	check(rowjson.AppendReceipt(nil, p), map[string]any{
		"received_time": "2026-11-23T06:00:00.200Z", "request_id": "r1", "parcel_received": 3.0, "parcel_rows": 3.0,
	})
}

func TestCheckRejectedIsStrict(t *testing.T) {
	whole := string(rowjson.AppendReceipt(nil, eventtest.SampleParcel("r1", 3)))
	for name, doc := range map[string]string{
		"nothing": "", "unknown key": strings.Replace(whole, "{", `{"mood":1,`, 1), "twice": strings.Replace(whole, "{", `{"request_id":"x",`, 1),
		"missing": strings.Replace(whole, `"request_id"`, `"protocol"`, 1), "instant": strings.Replace(whole, "Z", "", 1),
		"number as text": strings.Replace(whole, ":3,", `:"3",`, 1), "text as number": strings.Replace(whole, `"r1"`, "1", 1),
	} {
		if _, err := rowjson.CheckRejected([]byte(doc)); err == nil || fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: %v, want a fault of code %s", name, err, fault.Invalid)
		}
	}
}

func TestAppendRowAllocatesNothing(t *testing.T) {
	row := eventtest.SampleRow(1)
	buf := make([]byte, 0, 8<<10)
	if n := testing.AllocsPerRun(100, func() { buf = rowjson.AppendRow(buf[:0], row) }); n != 0 {
		t.Errorf("%v allocations a row, want none", n)
	}
}

// FuzzParseRow: any bytes are refused or are a row that is written back the same.
func FuzzParseRow(f *testing.F) {
	f.Add(rowjson.AppendRow(nil, eventtest.SampleRow(1)))
	f.Add([]byte(`{"project":1,"a":"\ud800"}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		row, _, err := rowjson.ParseRow(doc)
		if err != nil {
			return
		}
		again, _, err := rowjson.ParseRow(rowjson.AppendRow(nil, &row))
		if err != nil || fmt.Sprintf("%+v", again) != fmt.Sprintf("%+v", row) {
			t.Errorf("%v\nonce  %+v\ntwice %+v", err, row, again)
		}
	})
}

func BenchmarkAppendRow(b *testing.B) {
	row := eventtest.SampleRow(1)
	buf := rowjson.AppendRow(nil, row)
	b.ReportMetric(float64(len(buf)), "bytes/event")
	b.ReportAllocs()
	for b.Loop() {
		buf = rowjson.AppendRow(buf[:0], row)
	}
}

func BenchmarkParseRow(b *testing.B) {
	doc := rowjson.AppendRow(nil, eventtest.SampleRow(1))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := rowjson.ParseRow(doc); err != nil {
			b.Fatal(err)
		}
	}
}
