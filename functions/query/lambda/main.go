// Command lambda is the wiring of query on AWS: questions come from API Gateway, and
// Athena answers them.
package main

import (
	"os"
	"time"

	"loch/functions/query"
	"loch/infra/aws/athena"
	"loch/infra/aws/dynamo"
	"loch/infra/aws/instance"
	"loch/infra/aws/tiers"
	"loch/shared/sql"
)

// maxTime is how long a request waits for a statement: API Gateway waits for 30 s. What
// takes longer is answered later.
const maxTime = 20 * time.Second

func main() {
	if instance.Start(os.Getenv, os.Stdout, time.Now, wire) != nil {
		os.Exit(1)
	}
}

// wire makes the function.
func wire(in *instance.Instance) (any, error) {
	engine, err := athena.Open(in)
	if err != nil {
		return nil, err
	}
	bucket, err := in.Bucket()
	if err != nil {
		return nil, err
	}
	name, err := in.Setting("LOCH_BUCKET")
	if err != nil {
		return nil, err
	}
	h := query.New(query.Deps{
		Registry: dynamo.NewProjects(in.Dynamo(), in.Stores()), Engine: engine, Dialect: sql.Trino, Now: time.Now, MaxTime: maxTime,
		Schema: tiers.NewSchema(engine, bucket, name),
	})
	return in.Serve(h, nil, nil), nil
}
