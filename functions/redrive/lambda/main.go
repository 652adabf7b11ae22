// Command lambda is the wiring of redrive on AWS: a function that a schedule
// starts every few minutes, one at a time.
package main

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"loch/functions/redrive"
	"loch/infra/aws/firehose"
	"loch/infra/aws/instance"
	"loch/infra/aws/s3"
)

func main() {
	if instance.Start(os.Getenv, os.Stdout, time.Now, func(in *instance.Instance) (any, error) {
		job := serve(wire(os.Getenv, in.Logger))
		return func(ctx context.Context, asked request) (redrive.Result, error) {
			result, err := job(ctx, asked)
			in.Metrics.Urgent("SpillsWaiting", "Count", float64(result.Waiting)) // an alarm waits for it
			in.Metrics.Flush()
			return result, err
		}, nil
	}) != nil {
		os.Exit(1)
	}
}

// wire makes what the job needs from the function's environment. Clients are made
// by hand and ask nothing of anyone before the first run.
func wire(env func(string) string, logger *slog.Logger) redrive.Deps {
	keys := credentials.NewStaticCredentialsProvider(env("AWS_ACCESS_KEY_ID"), env("AWS_SECRET_ACCESS_KEY"), env("AWS_SESSION_TOKEN"))
	region := env("AWS_REGION")
	bucket := s3.New(s3.Options{Region: region, Bucket: env("LOCH_BUCKET"), Credentials: keys, Endpoint: env("AWS_ENDPOINT_URL_S3")})
	sink := firehose.New(firehose.Options{
		API:    firehose.NewClient(region, env("AWS_ENDPOINT_URL_FIREHOSE"), keys, nil),
		Events: env("LOCH_EVENTS_STREAM"), Rejected: env("LOCH_REJECTED_STREAM"),
		Objects: bucket, Logger: logger, Now: time.Now, Random: rand.Float64,
		Patience: 30 * time.Second, CallTimeout: 10 * time.Second, // nobody waits for this job
	})
	return redrive.Deps{Objects: bucket, Stream: sink, Logger: logger}
}

// request is what the function is invoked with: {} by the schedule.
type request struct {
	Again bool `json:"again"` // what was set aside too, after its cause was mended
}

// serve runs the job and logs what it has done. A run ends before the function's
// time does, so that the result is told.
func serve(d redrive.Deps) func(ctx context.Context, in request) (redrive.Result, error) {
	const toTell = 3 * time.Second
	return func(ctx context.Context, in request) (redrive.Result, error) {
		if deadline, ok := ctx.Deadline(); ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, deadline.Add(-toTell))
			defer cancel()
		}
		again := d
		again.Again = in.Again
		result, err := redrive.New(again)(ctx, nil)
		d.Logger.Info("redrive", "result", result)
		return result, err
	}
}
