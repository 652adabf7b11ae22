package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	sdk "github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"

	"loch/functions/ingest"
	"loch/infra/aws/dynamo"
	"loch/infra/aws/dynamo/dynamotest"
	"loch/infra/aws/firehose"
	"loch/infra/aws/instance"
	"loch/shared/cost"
	"loch/shared/enrich"
	"loch/shared/project"
	"loch/shared/sample"
	"loch/shared/vault"
	"loch/shared/web"
)

var write = flag.Bool("write-counts", false, "write shared/cost/counts.json anew")

// The traffic is thinned out: a month in which people come, come back and sign up as on a
// site that is in use, but few of them. Before each request another visitor sends one
// that is not counted, as the others of a busy site would, so that what an instance
// remembers of the project is there.
const (
	sampleEvents = 1500
	sampleDays   = 30
	// instances take the requests in turn, each with a memory of its own. Lambda would
	// run one, and a second one now and then.
	instances = 2
)

// TestCounts sends sample traffic through the handler and the adapters that are
// deployed and holds what `loch cost` prices equal to what was counted. Run it with
// -write-counts after a change that is meant.
func TestCounts(t *testing.T) {
	file := filepath.Join("..", "..", "..", "shared", "cost", "counts.json")
	want, err := cost.Sample()
	if err != nil {
		t.Fatal(err)
	}
	var got []cost.Counts
	for _, events := range []int{1, 10, 50} {
		got = append(got, count(t, events))
	}
	if *write {
		want.Date, want.Counts = time.Now().UTC().Format(time.DateOnly), got
		text, err := json.MarshalIndent(want, "", "  ")
		if err == nil {
			err = os.WriteFile(file, append(text, '\n'), 0o644) //nolint:gosec // a file of the sources
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	if len(want.Counts) != len(got) {
		t.Fatalf("the file has counts of %d kinds of request, want %d", len(want.Counts), len(got))
	}
	for i := range got {
		a, b := reflect.ValueOf(got[i]), reflect.ValueOf(want.Counts[i])
		for _, f := range reflect.VisibleFields(a.Type()) {
			x, y := asFloat(a.FieldByIndex(f.Index)), asFloat(b.FieldByIndex(f.Index))
			// Ids are random, and so are the last bytes of what is compressed or escaped.
			if math.Abs(x-y) > 0.002*y {
				t.Errorf("%d events a request: %s is %g, and shared/cost/counts.json says %g; if that is meant, run this test with -write-counts", got[i].EventsARequest, f.Name, x, y)
			}
		}
	}
}

func asFloat(v reflect.Value) float64 {
	if v.CanInt() {
		return float64(v.Int())
	}
	return v.Float()
}

// taking is a stream that takes everything.
type taking struct{}

func (taking) PutRecordBatch(_ context.Context, in *sdk.PutRecordBatchInput, _ ...func(*sdk.Options)) (*sdk.PutRecordBatchOutput, error) {
	out := &sdk.PutRecordBatchOutput{RequestResponses: make([]types.PutRecordBatchResponseEntry, len(in.Records))}
	for i := range out.RequestResponses {
		out.RequestResponses[i].RecordId = aws.String("1")
	}
	return out, nil
}

// random is randomness that is the same each time.
type random struct{ *rand.ChaCha8 }

func (r random) Read(b []byte) (int, error) { return r.ChaCha8.Read(b) }

// deployed is an instance of the function.
type deployed struct {
	handler http.Handler
	streams *firehose.Counters
	before  firehose.Counts // of the request that is counted
}

// count sends the traffic and counts.
func count(t *testing.T, events int) cost.Counts {
	t.Helper()
	made := cost.Counts{EventsARequest: events}
	clock := time.UnixMilli(0)
	now := func() time.Time { return clock }
	source := random{rand.NewChaCha8([32]byte{byte(events)})}
	server := dynamotest.New()
	api := server.Client(t, "loch")
	o := dynamo.Options{Prefix: "loch", Now: now, Rand: source}
	projects := dynamo.NewProjects(api, o)
	if _, err := projects.Create(t.Context(), "default", "sample", project.Settings{}); err != nil {
		t.Fatal(err)
	}
	counted, counting := false, sync.Mutex{} // a request makes calls side by side
	o.Count = func(c dynamo.Call) {
		counting.Lock()
		defer counting.Unlock()
		if counted {
			made.StoreReadUnits += c.Reads
			made.StoreWriteUnits += c.Writes
		}
	}
	watch := func(on bool) {
		counting.Lock()
		defer counting.Unlock()
		counted = on
	}
	key := vault.NewKeyFile(vault.MasterKey{7})
	var all []*deployed
	for range instances {
		all = append(all, deploy(t, api, o, key))
	}
	g := sample.New(sample.Options{Events: sampleEvents, Days: sampleDays, Token: "sample"})
	for r := range g.All() {
		clock = r.Time
		for _, sent := range asRequests(t, &r, events) {
			d := all[made.Requests%instances]
			send(t, d.handler, others(&r))
			d.before = d.streams.Total()
			watch(true)
			send(t, d.handler, sent)
			watch(false)
			c := d.streams.Total()
			made.FirehoseRecords += c.Records - d.before.Records
			made.FirehoseSteps += (c.BilledBytes - d.before.BilledBytes) / 5120
			if c.Rejected != 0 {
				t.Fatalf("%d events were rejected", c.Rejected)
			}
			made.Events += int64(sent.Events)
			made.Requests++
		}
	}
	made.StoreBytes = server.Bytes()
	return made
}

// others is a request of another visitor, at the same time.
func others(r *sample.Request) sample.Request {
	other := *r
	other.Path, other.ContentType = "/track?verbose=1", "application/json"
	other.Body = fmt.Appendf(nil, `[{"event":"Seen","properties":{"token":"sample","distinct_id":"$device:other","$device_id":"other","time":%d}}]`, r.Time.Unix())
	return other
}

// deploy wires an instance as wire does, with stand-ins and a clock.
func deploy(t *testing.T, api *dynamodb.Client, o dynamo.Options, key vault.Wrapper) *deployed {
	t.Helper()
	in, err := instance.New(func(name string) string {
		return map[string]string{
			"AWS_REGION": "eu-north-1", "AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "SK", "LOCH_PREFIX": "loch",
			"AWS_LAMBDA_FUNCTION_NAME": "loch-ingest",
		}[name]
	}, io.Discard, o.Now)
	if err != nil {
		t.Fatal(err)
	}
	count := o.Count
	o.Count = func(c dynamo.Call) {
		count(c)
		in.CountStore(c)
	}
	v, err := vault.Open(t.Context(), dynamo.NewVault(api, o), key, vault.Options{Rand: o.Rand, Now: o.Now})
	if err != nil {
		t.Fatal(err)
	}
	enricher, err := enrich.New(enrich.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = enricher.Close() })
	streams, counters := &firehose.Counters{}, web.NewCounters()
	sink := firehose.New(firehose.Options{
		API: taking{}, Events: "events", Rejected: "rejected", Counters: streams, Logger: slog.New(slog.DiscardHandler), Now: o.Now,
		Random: func() float64 { return 0 },
	})
	profiles := dynamo.NewProfiles(api, o)
	h := ingest.New(ingest.Deps{
		Registry: dynamo.NewProjects(api, o), Vault: v, Enricher: enricher, Sink: sink, RowFits: firehose.Fits,
		Profiles: profiles, Merger: profiles, Counters: counters, Logger: in.Logger, Now: o.Now, Rand: o.Rand,
	})
	observed := web.Observe(h, web.ObserveOptions{Logger: in.Logger, Now: o.Now, Rand: o.Rand, Counters: counters})
	tallied := tally(in, counters, streams)
	return &deployed{streams: streams, handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		observed.ServeHTTP(w, r)
		tallied()
		in.Metrics.Flush()
	})}
}

// asRequests makes of a request those that bring so many events each. With 1, its
// events come one by one; with more, the request is filled up with further events like
// its own: the same visitors come at the same times, and do more.
func asRequests(t *testing.T, r *sample.Request, events int) (list []sample.Request) {
	t.Helper()
	if r.Events == 0 {
		return []sample.Request{*r}
	}
	records := recordsOf(t, r)
	var sent []map[string]any
	for n := 0; n < max(events, len(records)) && (events > 1 || n < len(records)); n++ {
		record := records[n%len(records)]
		if n >= len(records) {
			properties := map[string]any{}
			maps.Copy(properties, record["properties"].(map[string]any))
			properties["$insert_id"] = fmt.Sprint(properties["$insert_id"], n)
			record = map[string]any{"event": record["event"], "properties": properties}
		}
		sent = append(sent, record)
	}
	for len(sent) > 0 {
		n := min(events, len(sent))
		body, err := json.Marshal(sent[:n])
		if err != nil {
			t.Fatal(err)
		}
		one := *r
		one.ContentType, one.Body, one.Events = "application/json", body, n
		list, sent = append(list, one), sent[n:]
	}
	return list
}

func recordsOf(t *testing.T, r *sample.Request) (records []map[string]any) {
	t.Helper()
	body := r.Body
	if form, ok := bytes.CutPrefix(body, []byte("data=")); ok {
		text, err := url.QueryUnescape(string(form))
		if err == nil {
			body, err = base64.StdEncoding.DecodeString(text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&records); err != nil {
		t.Fatal(err)
	}
	return records
}

func send(t *testing.T, h http.Handler, r sample.Request) {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, r.Path, bytes.NewReader(r.Body))
	request.RemoteAddr = r.Address.String() + ":1000"
	r.SetHeaders(request.Header)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request)
	if w.Body.String() != `{"error":null,"status":1}` {
		t.Fatalf("%s: %d %s", r.Path, w.Code, w.Body)
	}
}
