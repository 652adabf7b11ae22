// Command lambda is the wiring of lookup on AWS: profiles come from DynamoDB, journeys
// and who did what from Athena.
package main

import (
	"context"
	"net/http"
	"os"
	"time"

	"loch/functions/lookup"
	"loch/infra/aws/athena"
	"loch/infra/aws/dynamo"
	"loch/infra/aws/instance"
	"loch/shared/audit"
	"loch/shared/web"
)

func main() {
	if instance.Start(os.Getenv, os.Stdout, time.Now, wire) != nil {
		os.Exit(1)
	}
}

// wire makes the function. The vault's key is asked for at the first request.
func wire(in *instance.Instance) (any, error) {
	engine, err := athena.Open(in)
	if err != nil {
		return nil, err
	}
	table := in.Dynamo()
	identities, err := in.Vault(table)
	if err != nil {
		return nil, err
	}
	profiles, limit := dynamo.NewProfiles(table, in.Stores()), web.NewRateLimit(time.Now)
	late := instance.MakeLate(func(ctx context.Context) (http.Handler, error) {
		known, err := identities.Get(ctx)
		if err != nil {
			return nil, err
		}
		return lookup.New(lookup.Deps{
			Registry: dynamo.NewProjects(table, in.Stores()), Profiles: profiles, Vault: known, Limit: limit,
			Audit:  audit.New(dynamo.NewLedger(table, in.Stores()), known.AuditKey(), time.Now),
			Roster: profiles, Engine: engine, Journeys: engine, Now: time.Now,
		}), nil
	})
	return in.Serve(instance.Handler(late), nil, nil), nil
}
