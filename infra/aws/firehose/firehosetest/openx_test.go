package firehosetest_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"loch/infra/aws/firehose/firehosetest"
)

var typed = firehosetest.Stream{
	Name: "s", Prefix: "data/!{timestamp:yyyy}/", ErrorPrefix: "errors/!{firehose:error-output-type}/",
	Columns: []firehosetest.Column{
		{Name: "s", Type: "string"}, {Name: "l", Type: "bigint"}, {Name: "i", Type: "int"}, {Name: "d", Type: "double"},
		{Name: "b", Type: "boolean"}, {Name: "t", Type: "timestamp"}, {Name: "day", Type: "date"},
	},
}

// Each case is a record and the rows that it becomes, by the rules of the OpenX
// SerDe; nil for one that goes to the error prefix whole.
func TestConversion(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	one := func(name string, v any) []map[string]any { return []map[string]any{{name: v}} }
	for _, c := range []struct {
		record string
		want   []map[string]any
	}{
		{`{"s":"x"}`, one("s", "x")},
		{`{"s":"x","l":null,"unknown":{"deep":[1]}}`, one("s", "x")},
		{`{"S":"x"}`, one("s", "x")},
		{`{"s":"x"}{"s":"y"}` + "\n" + `{"s":"z"}` + "\n", []map[string]any{{"s": "x"}, {"s": "y"}, {"s": "z"}}},
		{`{}`, []map[string]any{{}}},
		{`{"s":{"a":1}}`, one("s", `{"a":1}`)},
		{`{"s":12.50}`, one("s", "12.50")},
		{`{"s":true}`, one("s", "true")},
		{`{"s":"tab\t\"quoted\" 日本 \u00e9"}`, one("s", "tab\t\"quoted\" 日本 é")},
		{`{"l":9007199254740993}`, one("l", int64(9007199254740993))},
		{`{"l":"-12"}`, one("l", int64(-12))},
		{`{"l":1.5}`, nil},
		{`{"l":9223372036854775808}`, nil},
		{`{"l":{}}`, nil},
		{`{"l":""}`, nil},
		{`{"i":2147483647}`, one("i", int64(2147483647))},
		{`{"i":2147483648}`, nil},
		{`{"d":1e3}`, one("d", 1000.0)},
		{`{"d":"0.25"}`, one("d", .25)},
		{`{"d":"x"}`, nil},
		{`{"b":true}`, one("b", true)},
		{`{"b":"FALSE"}`, one("b", false)},
		{`{"b":1}`, nil},
		{`{"t":"2017-02-07T15:13:01.39256Z"}`, one("t", at("2017-02-07T15:13:01.39256Z"))},
		{`{"t":"2017-02-07T15:13:01Z"}`, one("t", at("2017-02-07T15:13:01Z"))},
		{`{"t":"1901-02-07T15:13:01.5Z"}`, one("t", at("1901-02-07T15:13:01.5Z"))},
		{`{"t":"2017-2-7 15:13:01.14"}`, one("t", at("2017-02-07T15:13:01.14Z"))},
		{`{"t":1518033528}`, one("t", at("2018-02-07T19:58:48Z"))},
		{`{"t":1518033528123}`, one("t", at("2018-02-07T19:58:48.123Z"))},
		{`{"t":1518033528.123}`, one("t", at("2018-02-07T19:58:48.123Z"))},
		{`{"t":"2017-02-07T15:13:01+09:00"}`, nil},
		{`{"t":"2017-02-07"}`, nil},
		{`{"t":"12017-02-07T15:13:01Z"}`, nil},
		{`{"t":"2017-02-30T15:13:01Z"}`, nil},
		{`{"t":""}`, nil},
		{`{"day":"2026-11-23"}`, one("day", at("2026-11-23T00:00:00Z"))},
		{`{"day":"1969-12-31"}`, one("day", at("1969-12-31T00:00:00Z"))},
		{`{"day":"23.11.2026"}`, nil},
		{`[{"s":"x"}]`, nil},
		{`{"s":"x"},{"s":"y"}`, nil},
		{`{"s":"x"`, nil},
		{`null`, nil},
		{`{"s":"good"}{"l":"bad"}`, nil},
	} {
		w := start(t, typed)
		w.put(c.record)
		if err := w.Flush(t.Context()); err != nil {
			t.Fatalf("%s: %v", c.record, err)
		}
		if len(w.objects) != 1 {
			t.Fatalf("%s: %v", c.record, w.keys())
		}
		key := w.keys()[0]
		if c.want == nil {
			if !strings.HasPrefix(key, "errors/format-conversion-failed/2026/11/23/22/s-1-") {
				t.Errorf("%s: delivered, want a failure", c.record)
			}
			continue
		}
		got, err := firehosetest.ReadParquet(w.objects[key])
		if err != nil || !strings.HasPrefix(key, "data/2026/") {
			t.Errorf("%s: %s %v", c.record, key, err)
		} else if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s\ngot  %v\nwant %v", c.record, got, c.want)
		}
	}
}

// A failure is a line with the fields that the guide lists, and the record whole.
func TestErrorObject(t *testing.T) {
	w := start(t, typed)
	w.put(`{"s":"x"}{"l":"bad"}`, `{"s":"fine"}`, "rubbish")
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(w.objects) != 2 {
		t.Fatalf("objects: %v", w.keys())
	}
	lines := strings.Split(strings.TrimSpace(string(w.objects[w.keys()[1]])), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines, want 2", len(lines))
	}
	var fail struct {
		AttemptsMade                             int
		ArrivalTimestamp, AttemptEndingTimestamp int64
		LastErrorCode, LastErrorMessage          string
		RawData                                  []byte
		SequenceNumber                           string
		SubSequenceNumber                        *int64
		DataCatalogTable                         map[string]any
	}
	if err := json.Unmarshal([]byte(lines[0]), &fail); err != nil {
		t.Fatal(err)
	}
	if string(fail.RawData) != `{"s":"x"}{"l":"bad"}` || fail.LastErrorCode != "DataFormatConversion.MalformedData" ||
		fail.AttemptsMade != 1 || fail.ArrivalTimestamp != w.now.UnixMilli() || !strings.Contains(fail.LastErrorMessage, "column l") || fail.DataCatalogTable["tableName"] != "s" {
		t.Errorf("%+v", fail)
	}
	if got := w.Totals(); got.Delivered != 1 || got.Failed != 2 {
		t.Errorf("totals %s", fmt.Sprint(got))
	}
}
