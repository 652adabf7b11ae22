// Command lambda is the wiring of ingest on AWS: what websites send comes from API
// Gateway, goes through the same handler as on one machine, and into Firehose and
// DynamoDB.
package main

import (
	"context"
	"crypto/rand"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"time"

	"loch/functions/ingest"
	"loch/infra/aws/dynamo"
	"loch/infra/aws/firehose"
	"loch/infra/aws/instance"
	"loch/shared/enrich"
	"loch/shared/web"
)

func main() {
	if instance.Start(os.Getenv, os.Stdout, time.Now, wire) != nil {
		os.Exit(1)
	}
}

// wire makes the function. The vault's key is asked for at the first request.
func wire(in *instance.Instance) (any, error) {
	events, err := in.Setting("LOCH_EVENTS_STREAM")
	if err != nil {
		return nil, err
	}
	rejected, err := in.Setting("LOCH_REJECTED_STREAM")
	if err != nil {
		return nil, err
	}
	bucket, err := in.Bucket()
	if err != nil {
		return nil, err
	}
	table := in.Dynamo()
	identities, err := in.Vault(table)
	if err != nil {
		return nil, err
	}
	streams, counters := &firehose.Counters{}, web.NewCounters()
	sink := firehose.New(firehose.Options{
		API:    firehose.NewClient(in.Region, in.Endpoint("firehose"), in.Credentials, in.HTTP),
		Events: events, Rejected: rejected, Objects: bucket,
		Counters: streams, Logger: in.Logger, Now: time.Now, Random: mathrand.Float64,
	})
	profiles := dynamo.NewProfiles(table, in.Stores())
	late := instance.MakeLate(func(ctx context.Context) (http.Handler, error) {
		known, err := identities.Get(ctx)
		if err != nil {
			return nil, err
		}
		enricher, err := enrich.New(enrich.Options{GeoPath: in.Beside("LOCH_GEO")})
		if err != nil {
			return nil, err
		}
		return ingest.New(ingest.Deps{
			Registry: dynamo.NewProjects(table, in.Stores()), Vault: known, Enricher: enricher, Sink: sink, RowFits: firehose.Fits,
			Profiles: profiles, Merger: profiles, Counters: counters, Logger: in.Logger, Now: time.Now, Rand: rand.Reader,
		}), nil
	})
	return in.Serve(instance.Handler(late), counters, tally(in, counters, streams)), nil
}

// tally adds what a request has done to the metrics. Counters count since the start,
// metrics since the last line.
func tally(in *instance.Instance, counters *web.Counters, streams *firehose.Counters) func() {
	var before web.Totals
	return func() {
		now := counters.Totals()
		in.Metrics.Add("Received", "Count", float64(now.Received-before.Received))
		in.Metrics.Add("Stored", "Count", float64(now.Stored-before.Stored))
		in.Metrics.Add("Rejected", "Count", float64(now.Rejected-before.Rejected))
		before = now
		for m, n := range streams.Take().Metrics() {
			if m.Name == "FirehoseSpillObjects" || m.Name == "FirehoseUnacknowledged" {
				in.Metrics.Urgent(m.Name, m.Unit, float64(n)) // alarms wait for these
				continue
			}
			in.Metrics.Add(m.Name, m.Unit, float64(n))
		}
	}
}
