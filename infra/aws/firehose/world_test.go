package firehose_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"loch/infra/aws/firehose"
	"loch/infra/aws/firehose/firehosetest"
	"loch/infra/aws/glue"
	"loch/infra/aws/s3/s3test"
	"loch/shared/event"
)

// forever is longer than any machine needs that is merely slow.
const forever = time.Hour

// world is a sink with a stand-in of Firehose and a bucket.
type world struct {
	*firehose.Sink
	stand    *firehosetest.Server
	bucket   *s3test.Server
	counters *firehose.Counters
	now      *atomic.Int64 // the stand-in's clock, in milliseconds
}

func newWorld(t testing.TB, change ...func(*firehose.Options)) *world {
	t.Helper()
	w := &world{bucket: s3test.Start(t), counters: &firehose.Counters{}, now: &atomic.Int64{}}
	w.now.Store(1_795_413_600_200)
	stand, err := firehosetest.New(w.bucket.Bucket, func() time.Time { return time.UnixMilli(w.now.Load()) }, 1,
		firehosetest.Stream{
			Name: "loch-events", Columns: columns(glue.Landing),
			Prefix: "landing/dt=!{timestamp:yyyy-MM-dd}/hour=!{timestamp:HH}/", ErrorPrefix: "errors/events/!{firehose:error-output-type}/",
		},
		firehosetest.Stream{
			Name: "loch-rejected", Columns: columns(glue.RejectedInput),
			Prefix: "rejected/dt=!{timestamp:yyyy-MM-dd}/", ErrorPrefix: "errors/rejected/!{firehose:error-output-type}/",
		})
	if err != nil {
		t.Fatal(err)
	}
	w.stand = stand
	front := httptest.NewServer(stand)
	t.Cleanup(front.Close)
	o := firehose.Options{
		API:    firehose.NewClient("eu-north-1", front.URL, s3test.Credentials, nil),
		Events: "loch-events", Rejected: "loch-rejected", Objects: w.bucket.Bucket, Counters: w.counters,
		Now: time.Now, Random: rand.Float64, Patience: forever, CallTimeout: forever, FirstPause: time.Millisecond,
	}
	for _, c := range change {
		c(&o)
	}
	w.Sink = firehose.New(o)
	return w
}

// columns are those of a table of the catalogue.
func columns(table string) (list []firehosetest.Column) {
	for _, t := range glue.Tables {
		if t.Name == table {
			for _, c := range t.Columns {
				list = append(list, firehosetest.Column(c))
			}
		}
	}
	return list
}

// impatient is a sink that spills at once.
func impatient(o *firehose.Options) { o.Patience = time.Nanosecond }

// lines reads what was delivered below a prefix.
func (w *world) lines(t testing.TB, prefix string) (all []map[string]any) {
	t.Helper()
	w.stand.SetFaults(firehosetest.Faults{})
	w.bucket.Fail(nil)
	if err := w.stand.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for key, file := range w.bucket.Objects(t, prefix) {
		rows, err := firehosetest.ReadParquet(file)
		if err != nil || !strings.HasSuffix(key, ".parquet") {
			t.Fatalf("%s: %v", key, err)
		}
		all = append(all, rows...)
	}
	return all
}

// rows are the event rows that were delivered.
func (w *world) rows(t testing.TB) []event.Row {
	t.Helper()
	var rows []event.Row
	for _, line := range w.lines(t, "landing/") {
		rows = append(rows, rowOf(line))
	}
	return rows
}

// rowOf makes a row of a line of the table, column by column.
func rowOf(line map[string]any) event.Row {
	r := event.Row{Revenue: event.NoRevenue}
	for _, c := range event.Columns {
		v := line[c.Name]
		if v == nil {
			continue
		}
		switch c.Type {
		case event.Text, event.JSON:
			*c.Str(&r) = v.(string)
		case event.Date:
			*c.Str(&r) = v.(time.Time).Format(time.DateOnly)
		case event.Time:
			*c.Num(&r) = v.(time.Time).UnixMilli()
		case event.Int:
			*c.Num(&r) = v.(int64)
		case event.Float:
			*c.Flt(&r) = v.(float64)
		case event.Bool:
			*c.Flag(&r) = v.(bool)
		}
	}
	return r
}

// rejected are the rejections that were delivered, with the payloads that stand
// elsewhere.
func (w *world) rejected(t testing.TB) []event.Rejected {
	t.Helper()
	var list []event.Rejected
	for _, line := range w.lines(t, "rejected/") {
		if line["reason"] == nil {
			continue // a receipt
		}
		text := func(name string) string { s, _ := line[name].(string); return s }
		r := event.Rejected{
			Project: text("project"), ReceivedTimeMS: line["received_time"].(time.Time).UnixMilli(), Protocol: text("protocol"),
			RequestID: text("request_id"), BatchIndex: line["batch_index"].(int64), Reason: event.Reason(text("reason")),
			Field: text("field"), PayloadBytes: line["payload_bytes"].(int64),
		}
		if s := text("sealed_base64"); s != "" {
			sealed, err := base64.StdEncoding.DecodeString(s)
			if err != nil {
				t.Fatal(err)
			}
			r.Sealed = sealed
		}
		if key := text("sealed_object"); key != "" {
			r.Sealed = w.bucket.Objects(t, key)[key]
		}
		list = append(list, r)
	}
	return list
}

// breakAll makes Firehose and the bucket fail, or work again.
func (w *world) breakAll(broken bool) {
	w.Patience = forever
	if broken {
		w.Patience = 50 * time.Millisecond
	}
	w.stand.SetFaults(firehosetest.Faults{})
	w.bucket.Fail(nil)
	if broken {
		w.stand.SetFaults(firehosetest.Faults{Refuse: 1})
		w.bucket.Fail(func(*http.Request) s3test.Failure { return s3test.Refused })
	}
}

func say(v any) string { return fmt.Sprintf("%+v", v) }
