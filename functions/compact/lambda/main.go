// Command lambda is the wiring of compact on AWS: a job that a schedule starts every
// hour, one at a time, and whoever has deployed the stack starts once, since it makes
// the views by which the lake is read.
package main

import (
	"context"
	"encoding/json"
	"os"
	"time"

	"loch/functions/compact"
	"loch/infra/aws/athena"
	"loch/infra/aws/instance"
	"loch/infra/aws/tiers"
	"loch/shared/fault"
)

func main() {
	if instance.Start(os.Getenv, os.Stdout, time.Now, wire) != nil {
		os.Exit(1)
	}
}

// wire makes the function. LOCH_RETENTION_DAYS says, as JSON, for how many days
// projects keep their events: {"shop": 395}. Without it all are kept.
func wire(in *instance.Instance) (any, error) {
	bucket, err := in.Bucket()
	if err != nil {
		return nil, err
	}
	engine, err := athena.Open(in)
	if err != nil {
		return nil, err
	}
	var retention map[string]int
	if text := in.Optional("LOCH_RETENTION_DAYS"); text != "" {
		if err := json.Unmarshal([]byte(text), &retention); err != nil {
			return nil, fault.Wrap(err, fault.Invalid, `LOCH_RETENTION_DAYS must be JSON such as {"shop": 395}`)
		}
	}
	name, err := in.Setting("LOCH_BUCKET")
	if err != nil {
		return nil, err
	}
	deps := compact.Deps{
		Files: tiers.NewFiles(bucket), State: tiers.NewState(bucket), Tables: tiers.New(engine, name),
		Now: time.Now, Logger: in.Logger, RetentionDays: retention,
	}
	return func(ctx context.Context, _ json.RawMessage) (compact.Summary, error) {
		did, err := compact.Run(ctx, deps)
		in.Logger.Info("compacted", "summary", did, "error", err)
		return did, err
	}, nil
}
