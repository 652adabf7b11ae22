package instance

import (
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"loch/infra/aws/apigw"
	"loch/shared/web"
)

// Start is what a function's main does: it reads the environment, has the function
// wired, and serves for as long as the instance lives. What wire returns is an
// apigw.Handler, or whatever else Lambda's library takes for a handler. Start returns
// only when the function cannot start, and has said why in the log.
func Start(env func(string) string, out io.Writer, now func() time.Time, wire func(*Instance) (any, error)) error {
	in, err := New(env, out, now)
	if err == nil {
		var handler any
		if handler, err = wire(in); err == nil {
			lambda.Start(handler)
			return nil
		}
	}
	slog.New(slog.NewJSONHandler(out, nil)).Error("the function cannot start", "error", err)
	return err
}

// Serve makes a function of a handler: requests come from API Gateway, are observed as
// on one machine, and what they cost is written down before they are answered. counters
// may be nil, and so may tally, which adds to the metrics after each request.
func (in *Instance) Serve(h http.Handler, counters *web.Counters, tally func()) apigw.Handler {
	observed := web.Observe(h, web.ObserveOptions{Logger: in.Logger, Now: time.Now, Rand: rand.Reader, Counters: counters})
	counted := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		observed.ServeHTTP(w, r)
		if tally != nil {
			tally()
		}
		in.Metrics.Flush()
	})
	return apigw.Adapt(counted, apigw.Options{OriginSecret: in.Optional("LOCH_ORIGIN_SECRET")})
}
