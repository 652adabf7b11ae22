// Package httpapi stands for an HTTP API of API Gateway in front of functions, for
// tests: it takes ordinary HTTP requests, finds the route, hands each as an event of
// payload format 2.0 to a function, and turns the answer back.
//
// It does what the real one does to a request, also where that hurts: the path is
// decoded, headers are joined, most bodies come as base64, and what is too large,
// too slow or too much is answered without the function.
//
// Source of the rules: API Gateway's developer guide, "Create routes for HTTP APIs",
// "Create AWS Lambda proxy integrations for HTTP APIs" and "Quotas for configuring and
// running an HTTP API".
package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"loch/infra/aws/lambdaruntime"
)

// The quotas of an HTTP API.
const (
	MaxBodyBytes   = 10 << 20         // of a request
	maxHeaderBytes = 10240            // request line and header values together
	mostTime       = 30 * time.Second // of an integration
)

// Invoker is a function: *lambdaruntime.Function is one.
type Invoker interface {
	Invoke(ctx context.Context, payload []byte) ([]byte, error)
}

// Route is one route of the API.
type Route struct {
	Key      string // as in the template: "GET /api/profiles/{distinct_id}", "ANY /track", "$default"
	Function Invoker
	Throttle *Throttle // the route's own; nil is the stage's
}

// Throttle bounds requests a second, with a burst. A token bucket, as at AWS.
type Throttle struct {
	Rate  float64
	Burst int
}

// API is an http.Handler.
type API struct {
	routes  []route
	stage   *rate.Limiter
	timeout time.Duration
	counted atomic.Int64
}

// Options are the stage's.
type Options struct {
	Throttle *Throttle     // nil sets none
	Timeout  time.Duration // of an integration; 0 is 30 s, which is the most
}

// New returns an API with routes. It fails where a key is none, or is there twice.
func New(routes []Route, o Options) (*API, error) {
	a := &API{stage: limiter(o.Throttle), timeout: min(o.Timeout, mostTime)}
	if a.timeout <= 0 {
		a.timeout = mostTime
	}
	seen := map[string]bool{}
	for _, r := range routes {
		parsed, err := parse(r)
		if err != nil {
			return nil, err
		}
		if seen[parsed.shape()] {
			return nil, errors.New("httpapi: the route " + r.Key + " is there twice")
		}
		seen[parsed.shape()] = true
		a.routes = append(a.routes, parsed)
	}
	return a, nil
}

func limiter(t *Throttle) *rate.Limiter {
	if t == nil {
		return nil
	}
	return rate.NewLimiter(rate.Limit(t.Rate), t.Burst)
}

// Requests tells how many requests came, which is what API Gateway bills, whatever
// became of them.
func (a *API) Requests() int64 { return a.counted.Load() }

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	number := a.counted.Add(1)
	if headerBytes(r) > maxHeaderBytes {
		say(w, http.StatusRequestHeaderFieldsTooLarge, "Request Header Fields Too Large")
		return
	}
	found, values, ok := a.find(r.Method, r.URL.Path)
	if !ok {
		say(w, http.StatusNotFound, "Not Found")
		return
	}
	if limit := found.limit(a.stage); limit != nil && !limit.Allow() {
		say(w, http.StatusTooManyRequests, "Too Many Requests")
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBodyBytes+1))
	if err != nil {
		say(w, http.StatusBadRequest, "Bad Request")
		return
	}
	if len(body) > MaxBodyBytes {
		say(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return
	}
	payload, err := json.Marshal(eventOf(r, &found, values, body, "r"+strconv.FormatInt(number, 10)))
	if err != nil {
		say(w, http.StatusInternalServerError, "Internal Server Error")
		return
	}
	// The function works on whether the client waits or not, and up to the
	// integration's own time.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), a.timeout)
	defer cancel()
	answer, err := found.Function.Invoke(ctx, payload)
	switch {
	case err == nil:
		write(w, r, answer)
	case errors.Is(err, lambdaruntime.ErrTooLarge):
		say(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, lambdaruntime.ErrThrottled):
		say(w, http.StatusServiceUnavailable, "Service Unavailable")
	default:
		say(w, http.StatusInternalServerError, "Internal Server Error")
	}
}

// headerBytes is what the quota of request line and headers counts.
func headerBytes(r *http.Request) int {
	n := len(r.Method) + len(r.RequestURI) + len(r.Host)
	for _, values := range r.Header {
		for _, v := range values {
			n += len(v)
		}
	}
	return n
}

// say answers in API Gateway's own words.
func say(w http.ResponseWriter, status int, words string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// A string always encodes, and a client that went away is nobody's error.
	_ = json.NewEncoder(w).Encode(map[string]string{"message": words})
}
