package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/firehose"

	"loch/functions/redrive"
	"loch/infra/aws/firehose"
	"loch/infra/aws/firehose/firehosetest"
	"loch/infra/aws/glue"
	"loch/infra/aws/s3/s3test"
	"loch/shared/event"
	"loch/shared/event/eventtest"
)

// TestFaults sends a hundred thousand events through the real sink while
// everything around it fails: calls are throttled, records dropped, calls done and
// not answered, objects written twice, documents spoiled on the way; Firehose is
// away for a minute, then the bucket too; redrive is killed again and again. Then
// it proves from the stores that nothing that was acknowledged is lost, and that
//
//	acknowledged = stored + rejected + duplicates.
//
// With -short it sends fewer; make test runs it so with the race detector, under which
// the stand-ins take several times as long.
func TestFaults(t *testing.T) {
	inputs := 100_000
	if testing.Short() {
		inputs = 10_000
	}
	w := newWorld(t)
	var senders sync.WaitGroup
	for s := range 4 {
		senders.Go(func() {
			c := &client{world: w, rng: rand.New(rand.NewPCG(uint64(s), 9)), name: fmt.Sprintf("s%d", s)}
			for c.sent < inputs/4 {
				w.weather(float64(w.inputs.Load()) / float64(inputs))
				c.request(t)
				if s == 0 && c.rng.IntN(20) == 0 {
					w.redriveAndKill(t, c.rng)
				}
			}
		})
	}
	senders.Wait()
	w.settle(t)
	w.prove(t, int64(inputs))
}

// world is all of AWS that the sink and redrive see.
type world struct {
	stand    *firehosetest.Server
	bucket   *s3test.Server
	sink     *firehose.Sink
	deps     redrive.Deps
	counters *firehose.Counters
	clock    atomic.Int64 // the stand-in's, in milliseconds
	inputs   atomic.Int64
	phase    atomic.Int32
	spoiled  atomic.Int64 // bad documents that another producer slipped in

	mu           sync.Mutex
	acknowledged map[string]*event.Parcel // by request id
	refused      map[string]*event.Parcel
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{bucket: s3test.Start(t), counters: &firehose.Counters{}, acknowledged: map[string]*event.Parcel{}, refused: map[string]*event.Parcel{}}
	w.clock.Store(1_795_413_600_000)
	stand, err := firehosetest.New(w.bucket.Bucket, func() time.Time { return time.UnixMilli(w.clock.Load()) }, 3,
		firehosetest.Stream{
			Name: "events", Columns: columns(glue.Landing), BufferBytes: 64 << 20, BufferInterval: time.Minute,
			Prefix: "landing/dt=!{timestamp:yyyy-MM-dd}/hour=!{timestamp:HH}/", ErrorPrefix: "errors/events/!{firehose:error-output-type}/",
		},
		firehosetest.Stream{
			Name: "rejected", Columns: columns(glue.RejectedInput), BufferInterval: time.Minute,
			Prefix: "rejected/dt=!{timestamp:yyyy-MM-dd}/", ErrorPrefix: "errors/rejected/!{firehose:error-output-type}/",
		})
	if err != nil {
		t.Fatal(err)
	}
	w.stand = stand
	front := httptest.NewServer(stand)
	t.Cleanup(front.Close)
	client := firehose.NewClient("eu-north-1", front.URL, s3test.Credentials, nil)
	o := firehose.Options{
		API: &spoiler{API: client, count: &w.spoiled}, Events: "events", Rejected: "rejected", Objects: w.bucket.Bucket, Counters: w.counters,
		Now: time.Now, Random: rand.Float64, Patience: 10 * time.Second, CallTimeout: 10 * time.Second, FirstPause: 2 * time.Millisecond,
	}
	w.sink = firehose.New(o)
	env := map[string]string{
		"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "SK", "AWS_REGION": "eu-north-1", "AWS_ENDPOINT_URL_S3": w.bucket.URL,
		"AWS_ENDPOINT_URL_FIREHOSE": front.URL, "LOCH_BUCKET": s3test.BucketName, "LOCH_EVENTS_STREAM": "events", "LOCH_REJECTED_STREAM": "rejected",
	}
	w.deps = wire(func(name string) string { return env[name] }, slog.New(slog.DiscardHandler))
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

// spoiler puts a document that does not convert into one record in two hundred,
// which takes the record's good documents to the error prefix with it.
type spoiler struct {
	firehose.API
	calls, count *atomic.Int64
	once         sync.Once
}

func (s *spoiler) PutRecordBatch(ctx context.Context, in *sdk.PutRecordBatchInput, opts ...func(*sdk.Options)) (*sdk.PutRecordBatchOutput, error) {
	s.once.Do(func() { s.calls = &atomic.Int64{} })
	if s.calls.Add(1)%200 == 0 {
		s.count.Add(1)
		data := in.Records[0].Data
		in.Records[0].Data = append(slices.Clip(data), "{\"skew_ms\":\"often\",\"parcel_rows\":\"often\"}\n"...)
	}
	return s.API.PutRecordBatch(ctx, in, opts...)
}

// weather changes what fails as the inputs come in: all a little; Firehose away
// for a minute of its clock; the bucket as well; all a little again.
func (w *world) weather(done float64) {
	phase := int32(done * 10)
	if phase == w.phase.Swap(phase) {
		return
	}
	little := firehosetest.Faults{Record: .03, Refuse: .03, Fail: .02, Forget: .03, Twice: .3}
	w.clock.Add(int64(20 * time.Second / time.Millisecond))
	switch phase {
	case 3:
		little.AwayUntil = time.UnixMilli(w.clock.Load()).Add(time.Minute)
	case 4:
		little.AwayUntil = time.UnixMilli(w.clock.Load()).Add(40 * time.Second)
		w.bucket.Fail(flaky(.5))
	case 6:
		w.bucket.Fail(flaky(.1))
		w.clock.Add(int64(time.Minute / time.Millisecond))
	default:
		w.bucket.Fail(flaky(.02))
		w.clock.Add(int64(time.Minute / time.Millisecond))
	}
	w.stand.SetFaults(little)
}

// flaky refuses some requests, and forgets to answer some that it has done.
func flaky(p float64) func(*http.Request) s3test.Failure {
	rng := rand.New(rand.NewPCG(4, uint64(p*1000)))
	return func(*http.Request) s3test.Failure {
		switch x := rng.Float64(); {
		case x < p/2:
			return s3test.Refused
		case x < p:
			return s3test.Forgets
		}
		return s3test.None
	}
}

// redriveAndKill runs redrive beside the senders and kills it at any call, before
// or after it is done.
func (w *world) redriveAndKill(t *testing.T, rng *rand.Rand) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	k := &killer{Objects: w.deps.Objects, stream: w.deps.Stream, calls: 1 + rng.IntN(30), after: rng.IntN(2) == 0, kill: cancel}
	d := w.deps
	d.Objects, d.Stream = k, k
	_, _ = redrive.New(d)(ctx, nil)
}

// killer ends a run at one of its calls.
type killer struct {
	redrive.Objects
	stream redrive.Stream
	calls  int
	after  bool
	kill   func()
}

func (k *killer) step(do func() error) error {
	k.calls--
	if k.calls == 0 && !k.after {
		k.kill()
	}
	err := do()
	if k.calls == 0 && k.after {
		k.kill()
	}
	return err
}

func (k *killer) Resend(ctx context.Context, kind string, documents [][]byte) error {
	return k.step(func() error { return k.stream.Resend(ctx, kind, documents) })
}

func (k *killer) PutNew(ctx context.Context, key string, body []byte) error {
	return k.step(func() error { return k.Objects.PutNew(ctx, key, body) })
}

func (k *killer) Delete(ctx context.Context, key string) error {
	return k.step(func() error { return k.Objects.Delete(ctx, key) })
}

// client sends requests, and sends again what was refused, as SDKs do; now and then
// also what was acknowledged, when the answer got lost.
type client struct {
	*world
	rng      *rand.Rand
	name     string
	sent     int // inputs, the first time they are sent
	requests int
}

func (c *client) request(t *testing.T) {
	inputs := []int{1, 10, 50}[c.rng.IntN(3)]
	if c.rng.IntN(100) == 0 {
		inputs = 400
	}
	p := &event.Parcel{}
	for i := range inputs {
		if c.rng.IntN(30) == 0 {
			p.Rejected = append(p.Rejected, event.Rejected{
				ReceivedTimeMS: 1_795_413_600_000, Protocol: "mixpanel", BatchIndex: int64(i), Reason: event.ReasonBadTime,
				PayloadBytes: 50, Sealed: []byte("sealed sealed sealed"),
			})
			continue
		}
		full := eventtest.SampleRow(i)
		row := event.Row{ // what every row has, so that a hundred thousand take no hours
			Project: full.Project, Date: full.Date, Name: full.Name, Kind: full.Kind, Protocol: full.Protocol, UserID: full.UserID,
			InsertIDSource: full.InsertIDSource, TimeMS: full.TimeMS, ReceivedTimeMS: full.ReceivedTimeMS, TimeSource: full.TimeSource,
			Revenue: event.NoRevenue, Properties: `{"plan":"team"}`, BatchIndex: full.BatchIndex, SchemaVersion: full.SchemaVersion,
		}
		if inputs == 400 {
			row.Properties = `{"text":"` + strings.Repeat("long ", 520) + `"}` // more than one record a request
		}
		row.InsertID = fmt.Sprintf("%s-%d", c.name, c.sent+i)
		if c.rng.IntN(20) == 0 {
			row.InsertIDSource = event.InsertIDHash
		}
		p.Rows = append(p.Rows, row)
	}
	c.sent += inputs
	c.inputs.Add(int64(inputs))
	for try := 0; ; try++ {
		if !c.put(t, p, inputs) {
			continue
		}
		if c.rng.IntN(50) > 0 {
			return
		}
	}
}

// put sends a parcel as one request, under an id of its own.
func (c *client) put(t *testing.T, sent *event.Parcel, inputs int) bool {
	c.requests++
	id := fmt.Sprintf("%s-r%d", c.name, c.requests)
	p := &event.Parcel{Receipt: event.Receipt{RequestID: id, ReceivedTimeMS: 1_795_413_600_000, Received: inputs}}
	for _, row := range sent.Rows {
		row.RequestID = id
		if row.InsertIDSource == event.InsertIDHash {
			row.InsertID = id + fmt.Sprint(row.BatchIndex) // a hash is of the request and the place in it
		}
		p.Rows = append(p.Rows, row)
	}
	for _, r := range sent.Rejected {
		r.RequestID = id
		p.Rejected = append(p.Rejected, r)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := c.sink.Put(ctx, p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.refused[id] = p
		return false
	}
	c.acknowledged[id] = p
	return true
}
