package firehose_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"

	"loch/infra/aws/firehose"
	"loch/infra/aws/firehose/firehosetest"
	"loch/infra/aws/s3/s3test"
	"loch/shared/event"
	"loch/shared/event/eventtest"
	"loch/shared/event/rowjson"
	"loch/shared/fault"
)

// The stream keeps the contract of a sink, as the log of one machine does.
func TestSink(t *testing.T) {
	eventtest.RunSink(t, func(t *testing.T) eventtest.Engine {
		w := newWorld(t)
		return eventtest.Engine{
			Sink:  w.Sink,
			Read:  func(t *testing.T) ([]event.Row, []event.Rejected) { return w.rows(t), w.rejected(t) },
			Break: w.breakAll,
		}
	})
}

// It keeps the contract too while Firehose fails in all its ways.
func TestSinkWithFaults(t *testing.T) {
	eventtest.RunSink(t, func(t *testing.T) eventtest.Engine {
		w := newWorld(t)
		w.stand.SetFaults(firehosetest.Faults{Record: .2, Refuse: .1, Fail: .1, Forget: .1, Twice: .5})
		return eventtest.Engine{
			Sink:  w.Sink,
			Read:  func(t *testing.T) ([]event.Row, []event.Rejected) { return w.rows(t), w.rejected(t) },
			Break: w.breakAll,
		}
	})
}

// Of a call of which some records failed only those are sent again.
func TestOnlyFailedRecordsAreSentAgain(t *testing.T) {
	w := newWorld(t)
	w.stand.SetFaults(firehosetest.Faults{Record: .5})
	p := eventtest.SampleParcel("many", 3000)
	if err := w.Put(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if got := len(w.rows(t)); got != 3000 {
		t.Errorf("%d rows were delivered, want 3000: none lost, none twice", got)
	}
	c, totals := w.counters.Total(), w.stand.Totals()
	if c.RecordsFailed == 0 || c.RecordsRetried != c.RecordsFailed || c.Records != totals.Records || c.Bytes != totals.Bytes || c.BilledBytes != totals.BilledBytes {
		t.Errorf("the sink counts %+v, the service %+v", c, totals)
	}
}

// What Firehose does not take in time lies in the bucket, byte for byte, under the
// name of its content; the same again makes no second object.
func TestSpill(t *testing.T) {
	w := newWorld(t, impatient)
	w.stand.SetFaults(firehosetest.Faults{Refuse: 1})
	p := eventtest.SampleParcel("r1", 14)
	for range 2 {
		if err := w.Put(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	spilled := w.bucket.Objects(t, firehose.SpillFolder)
	if len(spilled) != 2 {
		t.Fatalf("%d objects, want one of rows and one of rejections", len(spilled))
	}
	var want []byte
	for i := range p.Rows {
		want = rowjson.AppendRow(want, &p.Rows[i])
	}
	sum := sha256.Sum256(want)
	key := "spill/events/dt=2026-11-23/" + hex.EncodeToString(sum[:]) + ".ndjson"
	if !bytes.Equal(spilled[key], want) {
		t.Errorf("%s is not the rows; there are %v", key, slices.Collect(keys(spilled)))
	}
	if c := w.counters.Total(); c.SpillObjects != 4 || c.SpillDocuments != 32 || c.Rows != 28 || c.Rejected != 4 {
		t.Errorf("counted %+v", c)
	}
}

func keys(m map[string][]byte) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// While Firehose takes nothing, only the first request waits for it.
func TestAilingStreamIsOfferedOnce(t *testing.T) {
	calls, works := 0, false
	w := newWorld(t, func(o *firehose.Options) {
		o.Patience = 3 * time.Second
		o.API = stub(func(ctx context.Context, in *sdk.PutRecordBatchInput) (*sdk.PutRecordBatchOutput, error) {
			switch calls++; {
			case works:
				return &sdk.PutRecordBatchOutput{RequestResponses: []types.PutRecordBatchResponseEntry{{RecordId: aws.String("x")}}}, nil
			case calls >= 4:
				<-ctx.Done() // the rest of the time passes
				return nil, ctx.Err()
			}
			return nil, &types.ServiceUnavailableException{}
		})
	})
	put := func(id string, want int) {
		t.Helper()
		calls = 0
		if err := w.Put(t.Context(), eventtest.SampleParcel(id, 3)); err != nil || calls != want {
			t.Errorf("the %s request: %d calls, want %d; %v", id, calls, want, err)
		}
	}
	put("first", 4)
	put("second", 1)
	works = true
	put("third", 1)
	works = false
	put("fourth", 4)
}

type stub func(ctx context.Context, in *sdk.PutRecordBatchInput) (*sdk.PutRecordBatchOutput, error)

func (s stub) PutRecordBatch(ctx context.Context, in *sdk.PutRecordBatchInput, _ ...func(*sdk.Options)) (*sdk.PutRecordBatchOutput, error) {
	return s(ctx, in)
}

// An answer that will not change is not asked for again.
func TestLastingFailureSpillsAtOnce(t *testing.T) {
	w := newWorld(t, func(o *firehose.Options) { o.Events = "no-such-stream" })
	if err := w.Put(t.Context(), eventtest.SampleParcel("r", 3)); err != nil {
		t.Fatal(err)
	}
	if c := w.counters.Total(); c.Calls != 1 || c.SpillObjects != 1 {
		t.Errorf("counted %+v, want one call and one spill", c)
	}
}

// The last seconds of a request are for the spill.
func TestTimeForTheSpillIsKept(t *testing.T) {
	asked := 0
	w := newWorld(t, func(o *firehose.Options) {
		o.SpillReserve = time.Minute
		o.API = stub(func(ctx context.Context, _ *sdk.PutRecordBatchInput) (*sdk.PutRecordBatchOutput, error) {
			asked++
			<-ctx.Done()
			return nil, ctx.Err()
		})
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute+200*time.Millisecond)
	defer cancel()
	if err := w.Put(ctx, eventtest.SampleParcel("r", 3)); err != nil || ctx.Err() != nil {
		t.Errorf("Put = %v, the request's context %v; want both nil", err, ctx.Err())
	}
	if c := w.counters.Total(); asked != 1 || c.CallsUnanswered != 1 || c.SpillObjects != 1 {
		t.Errorf("%d calls, counted %+v", asked, c)
	}
}

// A part that was kept of a request that failed can be told from a whole one: the
// rejections and the receipt come first and say how many rows there should be.
func TestPartOfAParcelIsKnownForOne(t *testing.T) {
	offered := map[string]bool{}
	w := newWorld(t, func(o *firehose.Options) { // each record is offered once
		api := o.API
		o.API = stub(func(ctx context.Context, in *sdk.PutRecordBatchInput) (*sdk.PutRecordBatchOutput, error) {
			if offered[*in.DeliveryStreamName] {
				return nil, &types.ResourceNotFoundException{}
			}
			offered[*in.DeliveryStreamName] = true
			return api.PutRecordBatch(ctx, in)
		})
	})
	w.stand.SetFaults(firehosetest.Faults{Record: .5})
	w.bucket.Fail(func(*http.Request) s3test.Failure { return s3test.Refused })
	failed := map[string]bool{}
	whole := map[string]int{}
	for i := range 12 {
		id := fmt.Sprint(i)
		p := eventtest.SampleParcel(id, 900) // two records
		if i%2 == 0 {
			p.Rejected, p.Receipt.Received = nil, 900 // so that it needs a receipt
		}
		clear(offered)
		failed[id] = w.Put(t.Context(), p) != nil
		whole[id] = p.Receipt.Received
	}
	found := map[string]int{}
	for _, r := range w.rows(t) {
		found[r.RequestID]++
	}
	expected := map[string]int{}
	for _, line := range w.lines(t, "rejected/") {
		id := line["request_id"].(string)
		expected[id] = int(line["parcel_rows"].(int64))
	}
	parts := 0
	for id, n := range found {
		if want, known := expected[id]; !known || (n != want) != failed[id] {
			t.Errorf("request %s: %d rows of %d (told: %v), failed: %v", id, n, want, known, failed[id])
		}
		if n != expected[id] {
			parts++
		}
	}
	if parts == 0 {
		t.Error("no request left a part of its rows; the test shows nothing")
	}
	if c := w.counters.Total(); c.Unacknowledged == 0 {
		t.Errorf("counted %+v, want unacknowledged inputs", c)
	}
}

// A row that no record can hold is refused before anything is kept; Fits tells it.
func TestRowThatDoesNotFit(t *testing.T) {
	w := newWorld(t)
	p := eventtest.SampleParcel("r", 8)
	if !firehose.Fits(&p.Rows[3]) {
		t.Error("an ordinary row does not fit")
	}
	p.Rows[3].Properties = `{"text":"` + strings.Repeat("x", 920_000) + `"}`
	if !firehose.Fits(&p.Rows[3]) {
		t.Error("a row of 922 000 bytes does not fit")
	}
	// The most that a row gets after it was asked for: the ids of a merge.
	var ids []string
	for i := range 500 {
		ids = append(ids, fmt.Sprintf("%032x", i))
	}
	p.Rows[3].Properties, p.Rows[3].Context = "{}", strings.Repeat("c", 900_000)
	for ; firehose.Fits(&p.Rows[3]); p.Rows[3].Context += "c" {
		p.Rows[3].Context += strings.Repeat("c", 1000)
	}
	p.Rows[3].Context = p.Rows[3].Context[:len(p.Rows[3].Context)-1001]
	event.AddMerged(&p.Rows[3], ids[0], ids)
	if err := w.Put(t.Context(), &event.Parcel{Rows: p.Rows[3:4], Receipt: event.Receipt{RequestID: "m", Received: 1}}); err != nil || len(w.rows(t)) != 1 {
		t.Errorf("a row that fits, with 500 merged ids: %v", err)
	}
	w = newWorld(t)
	p.Rows[3].Properties = `{"text":"` + strings.Repeat(`\"`, 300_000) + `"}` // each byte is escaped once more
	if firehose.Fits(&p.Rows[3]) {
		t.Error("a row of 1.2 MB fits")
	}
	if err := w.Put(t.Context(), p); fault.CodeOf(err) != fault.TooLarge {
		t.Errorf("Put = %v, want a fault of code %s", err, fault.TooLarge)
	}
	if rows, rejected := w.rows(t), w.rejected(t); len(rows)+len(rejected) > 0 {
		t.Errorf("%d rows and %d rejections were kept, want none", len(rows), len(rejected))
	}
}

// Resend never spills: redrive deletes what it has resent.
func TestResendNeverSpills(t *testing.T) {
	w := newWorld(t, impatient)
	doc := rowjson.AppendRow(nil, eventtest.SampleRow(1))
	w.stand.SetFaults(firehosetest.Faults{Refuse: 1})
	if err := w.Resend(t.Context(), "events", [][]byte{doc}); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("Resend = %v, want a fault of code %s", err, fault.Unavailable)
	}
	if n := len(w.bucket.Objects(t, "")); n > 0 {
		t.Errorf("%d objects were made", n)
	}
	if err := w.Resend(t.Context(), "elsewhere", [][]byte{doc}); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("Resend to an unknown stream = %v", err)
	}
	w.stand.SetFaults(firehosetest.Faults{})
	patient := newWorld(t)
	if err := patient.Resend(t.Context(), "events", [][]byte{doc, doc}); err != nil || len(patient.rows(t)) != 2 {
		t.Errorf("Resend = %v", err)
	}
}

// Every count is added, taken and told.
func TestCounts(t *testing.T) {
	var c firehose.Counts
	v := reflect.ValueOf(&c).Elem()
	for i := range v.NumField() {
		v.Field(i).SetInt(int64(i + 1))
	}
	seen := map[firehose.Metric]int64{}
	for m, n := range c.Metrics() {
		if m.Unit != "Count" && m.Unit != "Bytes" {
			t.Errorf("%s has the unit %q", m.Name, m.Unit)
		}
		seen[m] = n
	}
	if len(seen) != v.NumField() {
		t.Errorf("%d metrics of %d counts", len(seen), v.NumField())
	}
	twice := reflect.ValueOf(c.Plus(c))
	for i := range twice.NumField() {
		if twice.Field(i).Int() != int64(2*(i+1)) {
			t.Errorf("%s is not added", twice.Type().Field(i).Name)
		}
	}
	w := newWorld(t)
	for i := range int64(2) {
		if err := w.Put(t.Context(), eventtest.SampleParcel("r", 3)); err != nil {
			t.Fatal(err)
		}
		if got, all := w.counters.Take(), w.counters.Total(); got.Calls != 1 || got.Rows != 3 || all.Rows != 3*(i+1) {
			t.Errorf("taken %s, in all %s", say(got), say(all))
		}
	}
	if got := w.counters.Take(); got != (firehose.Counts{}) {
		t.Errorf("taken after nothing was done: %+v", got)
	}
}
