package firehose_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"

	"loch/infra/aws/firehose"
	"loch/shared/enrich"
	"loch/shared/event"
	"loch/shared/event/rowjson"
	"loch/shared/sample"
	"loch/shared/vault"
	"loch/shared/vault/vaulttest"
	"loch/shared/wire/mixpanel"
)

// sampleRows are the rows of `loch seed`'s traffic: decoded, enriched and sealed as
// ingestion does it.
func sampleRows(b *testing.B, n int) []event.Row {
	b.Helper()
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	v, err := vault.Open(b.Context(), vaulttest.NewMemory(), vault.NewKeyFile(vault.MasterKey{7}), vault.Options{Rand: rand.Reader, Now: time.Now})
	must(err)
	enricher, err := enrich.New(enrich.Options{})
	must(err)
	b.Cleanup(func() { must(enricher.Close()) })
	var rows []event.Row
	for r := range sample.New(sample.Options{Events: 2 * n, Days: 1}).All() {
		path, query, _ := strings.Cut(r.Path, "?")
		if !strings.Contains(path, "track") && !strings.Contains(path, "import") {
			continue
		}
		values, err := url.ParseQuery(query)
		must(err)
		route := mixpanel.Track
		if strings.Contains(path, "import") {
			route = mixpanel.Import
		}
		batch, _, err := mixpanel.Decode(mixpanel.Request{
			Route: route, Query: values, ContentType: r.ContentType, Body: r.Body, Received: r.Time,
			Client: event.Client{Address: r.Address, UserAgent: r.UserAgent, Hints: r.Hints},
		})
		must(err)
		around := enricher.Client(batch.Client)
		for i := range batch.Events {
			e := &batch.Events[i]
			e.Row.Project, e.Row.RequestID = "default", "01K9ZC7Q4T8V2M6N0P3R5S7X9Y"
			if reason, field := event.Validate(e, r.Time, event.Rules{}); reason != "" {
				b.Fatal(reason, field)
			}
			enricher.Event(e, &around)
		}
		must(v.SealEvents(b.Context(), batch.Events, nil))
		event.FillInsertIDs(batch.Events, v.InsertID)
		for i := range batch.Events {
			if rows = append(rows, batch.Events[i].Row); len(rows) == n {
				return rows
			}
		}
	}
	b.Fatalf("the traffic has %d events, want %d", len(rows), n)
	return nil
}

// taking is Firehose as it should be, and costs nothing.
var taking = stub(func(_ context.Context, in *sdk.PutRecordBatchInput) (*sdk.PutRecordBatchOutput, error) {
	out := &sdk.PutRecordBatchOutput{RequestResponses: make([]types.PutRecordBatchResponseEntry, len(in.Records))}
	for i := range out.RequestResponses {
		out.RequestResponses[i].RecordId = aws.String("1")
	}
	return out, nil
})

// BenchmarkPut packs sample traffic at several events a request and prints what a
// million events come to: records, steps of 5 KB on the bill, and the dollars of
// ingestion and conversion at 0.047 a GB (us-east-1, November 2026). ns/op is an
// event's, from row to call.
func BenchmarkPut(b *testing.B) {
	rows := sampleRows(b, 20_000)
	for _, events := range []int{1, 10, 50} {
		b.Run(fmt.Sprintf("%d a request", events), func(b *testing.B) {
			counters := &firehose.Counters{}
			sink := firehose.New(firehose.Options{API: taking, Events: "e", Rejected: "r", Counters: counters, Now: time.Now, Random: func() float64 { return 0 }})
			b.ReportAllocs()
			done := 0
			before := processCPU(b)
			for b.Loop() {
				// One event an iteration: a request is put when it is full.
				if done++; done%events > 0 {
					continue
				}
				at := (done - events) % (len(rows) - events)
				p := event.Parcel{Rows: rows[at : at+events], Receipt: event.Receipt{Received: events}}
				if err := sink.Put(b.Context(), &p); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(processCPU(b)-before)/float64(done), "CPU-ns/event")
			c := counters.Total()
			perMillion := func(n int64) float64 { return float64(n) * 1e6 / float64(c.Rows) }
			b.ReportMetric(perMillion(c.Records), "records/M")
			b.ReportMetric(perMillion(c.BilledBytes/5120), "steps/M")
			b.ReportMetric(perMillion(c.Bytes)/1e6, "bytes/event")
			b.ReportMetric(perMillion(c.BilledBytes)/(1<<30)*0.047, "USD/M")
		})
	}
}

// BenchmarkAppendRow is the encoding alone, on sample traffic.
func BenchmarkAppendRow(b *testing.B) {
	rows := sampleRows(b, 5_000)
	var buf []byte
	i, bytes := 0, 0
	b.ReportAllocs()
	before := processCPU(b)
	for b.Loop() {
		buf = rowjson.AppendRow(buf[:0], &rows[i%len(rows)])
		bytes += len(buf)
		i++
	}
	b.ReportMetric(float64(processCPU(b)-before)/float64(i), "CPU-ns/event")
	b.ReportMetric(float64(bytes)/float64(i), "bytes/event")
	keys := 0
	for line := range strings.SplitSeq(strings.TrimSpace(string(buf)), `,"`) {
		key, _, _ := strings.Cut(line, `":`)
		keys += len(key) + len(`,"":`)
	}
	b.ReportMetric(float64(keys), "key-bytes/event")
}

// processCPU tells what the process has used, which a busy machine does not blur as
// it does the clock.
func processCPU(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
