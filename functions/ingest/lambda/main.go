// Command lambda is the wiring of ingest on AWS: what websites send comes from API
// Gateway, goes through the same handler as on one machine, and into Firehose and
// DynamoDB.
package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"

	"loch/functions/ingest"
	"loch/infra/aws/apigw"
	"loch/infra/aws/dynamo"
	"loch/infra/aws/firehose"
	"loch/infra/aws/instance"
	"loch/infra/aws/kms"
	"loch/infra/aws/s3"
	"loch/shared/enrich"
	"loch/shared/vault"
	"loch/shared/web"
)

func main() {
	in, err := instance.New(os.Getenv, os.Stdout, time.Now)
	if err != nil {
		slog.Error("the function cannot start", "error", err)
		os.Exit(1)
	}
	h, err := wire(in)
	if err != nil {
		in.Logger.Error("the function cannot start", "error", err)
		os.Exit(1)
	}
	lambda.Start(apigw.Adapt(h, apigw.Options{OriginSecret: in.Optional("LOCH_ORIGIN_SECRET")}))
}

// wire makes the handler. The vault's key is asked for at the first request.
func wire(in *instance.Instance) (http.Handler, error) {
	var names [4]string
	for i, name := range []string{"LOCH_BUCKET", "LOCH_EVENTS_STREAM", "LOCH_REJECTED_STREAM", "LOCH_VAULT_KEY"} {
		var err error
		if names[i], err = in.Setting(name); err != nil {
			return nil, err
		}
	}
	bucket := s3.New(s3.Options{Region: in.Region, Bucket: names[0], Credentials: in.Credentials, Endpoint: in.Endpoint("s3"), Client: in.HTTP})
	streams := &firehose.Counters{}
	sink := firehose.New(firehose.Options{
		API:    firehose.NewClient(in.Region, in.Endpoint("firehose"), in.Credentials, in.HTTP),
		Events: names[1], Rejected: names[2], Objects: bucket,
		Counters: streams, Logger: in.Logger, Now: time.Now, Random: mathrand.Float64,
	})
	table := dynamo.NewClient(dynamo.ClientOptions{Region: in.Region, Endpoint: in.Endpoint("dynamodb"), Credentials: in.Credentials, HTTP: in.HTTP})
	options := dynamo.Options{Prefix: in.Prefix, Now: time.Now, Rand: rand.Reader, Count: in.CountStore()}
	profiles := dynamo.NewProfiles(table, options)
	counters := web.NewCounters()
	late := instance.MakeLate(func(ctx context.Context) (http.Handler, error) {
		enricher, err := enrich.New(enrich.Options{GeoPath: in.Beside("LOCH_GEO")})
		if err != nil {
			return nil, err
		}
		identities, err := vault.Open(ctx, dynamo.NewVault(table, options), kms.New(keys(in), names[3]), vault.Options{Rand: rand.Reader, Now: time.Now})
		if err != nil {
			return nil, err
		}
		return ingest.New(ingest.Deps{
			Registry: dynamo.NewProjects(table, options), Vault: identities, Enricher: enricher, Sink: sink, RowFits: firehose.Fits,
			Profiles: profiles, Merger: profiles, Counters: counters, Logger: in.Logger, Now: time.Now, Rand: rand.Reader,
		}), nil
	})
	observed := web.Observe(instance.Handler(late), web.ObserveOptions{Logger: in.Logger, Now: time.Now, Rand: rand.Reader, Counters: counters})
	return counting(in, observed, counters, streams), nil
}

func keys(in *instance.Instance) *awskms.Client {
	return kms.NewClient(in.Region, in.Endpoint("kms"), in.Credentials, in.HTTP)
}

// counting writes down what a request has done before it is answered.
func counting(in *instance.Instance, next http.Handler, counters *web.Counters, streams *firehose.Counters) http.Handler {
	var before web.Totals
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
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
		in.Metrics.Flush()
	})
}
