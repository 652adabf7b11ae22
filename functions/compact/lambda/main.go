// Command lambda is the wiring of compact on AWS: a job that a schedule starts every
// hour, one at a time, and whoever has deployed the stack starts once, since it makes
// the views by which the lake is read. Four times a day it brings the profiles, without
// what is personal, into the lake.
package main

import (
	"context"
	"encoding/json"
	"os"
	"time"

	"loch/functions/compact"
	"loch/infra/aws/athena"
	"loch/infra/aws/dynamo"
	"loch/infra/aws/instance"
	"loch/infra/aws/snapshot"
	"loch/infra/aws/tiers"
	"loch/shared/fault"
	"loch/shared/privacy"
	"loch/shared/profile"
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
	table := in.Dynamo()
	projects, people := dynamo.NewProjects(table, in.Stores()), dynamo.NewProfiles(table, in.Stores())
	return func(ctx context.Context, asked request) (any, error) {
		defer in.Metrics.Flush()
		if asked.Job == "profiles" {
			return writeProfiles(ctx, in, projects, people, snapshot.New(bucket))
		}
		did, err := compact.Run(ctx, deps)
		in.Logger.Info("compacted", "summary", did, "error", err)
		return did, err
	}, nil
}

// request is what the clock says: "compact", which is also meant where nothing is said,
// or "profiles".
type request struct {
	Job string `json:"job"`
}

// writeProfiles brings profiles into the lake. The projects' settings are read at each
// run: which traits are personal may have changed, and a project that is not known
// shows none.
func writeProfiles(ctx context.Context, in *instance.Instance, projects *dynamo.Projects, people *dynamo.Profiles, files *snapshot.Files) (any, error) {
	list, err := projects.List(ctx)
	if err != nil {
		return nil, err
	}
	policies := map[string]*privacy.Policy{}
	for i := range list {
		policy, err := privacy.NewPolicy(list[i].Settings.Privacy)
		if err != nil {
			return nil, err
		}
		policies[list[i].ID] = policy.WithGroups(list[i].Settings.GroupKeys)
	}
	did, err := compact.WriteProfiles(ctx, compact.ProfilesDeps{
		People: people, Snapshots: files, Now: time.Now,
		Personal: func(project string) profile.Personal {
			if policy := policies[project]; policy != nil {
				return policy.Seals
			}
			return func(string, []byte) bool { return true }
		},
	})
	in.Logger.Info("profiles written", "summary", did, "error", err)
	return did, err
}
