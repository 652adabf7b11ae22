// Command lambda is the wiring of erase on AWS: the one function that may delete what
// is known about people. A clock starts it as well, to finish erasures that were cut
// off.
package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"loch/functions/erase"
	"loch/infra/aws/apigw"
	"loch/infra/aws/athena"
	"loch/infra/aws/dynamo"
	"loch/infra/aws/instance"
	"loch/shared/audit"
	"loch/shared/privacy"
	"loch/shared/project"
	"loch/shared/vault"
	"loch/shared/web"
)

// maxTime is how long one statement of an export may take: API Gateway waits for 30 s.
const maxTime = 20 * time.Second

func main() {
	if instance.Start(os.Getenv, os.Stdout, time.Now, wire) != nil {
		os.Exit(1)
	}
}

// function is both things that may start it: a request, and the clock.
type function struct {
	in    *instance.Instance
	late  *instance.Late[*wired]
	serve apigw.Handler
}

// wired is what there is once the vault is open.
type wired struct {
	identities *vault.Vault
	handler    http.Handler
	resumer    *erase.Resumer
}

// wire makes the function. The vault's key is asked for at the first request.
func wire(in *instance.Instance) (any, error) {
	engine, err := athena.Open(in)
	if err != nil {
		return nil, err
	}
	bucket, err := in.Bucket()
	if err != nil {
		return nil, err
	}
	policy, err := privacy.NewPolicy(project.Privacy{})
	if err != nil {
		return nil, err
	}
	table := in.Dynamo()
	identities, err := in.Vault(table)
	if err != nil {
		return nil, err
	}
	late := instance.MakeLate(func(ctx context.Context) (*wired, error) {
		known, err := identities.Get(ctx)
		if err != nil {
			return nil, err
		}
		deps := erase.Deps{
			Registry: dynamo.NewProjects(table, in.Stores()), Vault: known, Profiles: dynamo.NewProfiles(table, in.Stores()),
			Audit:  audit.New(dynamo.NewLedger(table, in.Stores()), known.AuditKey(), time.Now),
			Engine: engine, Rows: remover{bucket, time.Now}, NormalEmail: policy.NormalEmail,
			Scrub: func(text string) string {
				return policy.CleanText(text, func(f privacy.Found) string { return f.Rule.Word() })
			},
			Limit: web.NewRateLimit(time.Now), MaxTime: maxTime, Now: time.Now, Logger: in.Logger,
		}
		return &wired{known, erase.New(deps), erase.NewResumer(deps)}, nil
	})
	h := instance.Handler(instance.MakeLate(func(ctx context.Context) (http.Handler, error) {
		w, err := late.Get(ctx)
		if err != nil {
			return nil, err
		}
		return w.handler, nil
	}))
	f := &function{in, late, in.Serve(h, nil, nil)}
	return f.invoke, nil
}

// invoke tells a request from the clock: only a request has a version.
func (f *function) invoke(ctx context.Context, payload json.RawMessage) (any, error) {
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(payload, &e); err == nil && e.Version != "" {
		return f.serve(ctx, e)
	}
	return f.upkeep(ctx)
}

// resumed is what the clock's turn has done.
type resumed struct {
	Resumed int `json:"resumed"` // erasures that were cut off, and are finished now
}

// upkeep finishes erasures that were cut off, and throws salts of days gone by away.
// An error is told to Lambda, which tries again and then tells the alarm.
func (f *function) upkeep(ctx context.Context) (resumed, error) {
	w, err := f.late.Get(ctx)
	if err != nil {
		return resumed{}, err
	}
	if err := w.identities.ThrowSalts(ctx, time.Now()); err != nil {
		return resumed{}, err
	}
	n, err := w.resumer.Resume(ctx)
	f.in.Metrics.Urgent("ErasuresResumed", "Count", float64(n))
	f.in.Metrics.Flush()
	return resumed{n}, err
}
