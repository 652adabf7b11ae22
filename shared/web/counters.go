package web

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"loch/shared/event"
)

// durationBuckets are seconds. Ingest answers within a disk's fsync, a query
// may take up to its time limit.
var durationBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20}

// Counters are what /metrics shows of one server: records received, stored and
// rejected, so that an operator can see them add up, and requests by route and
// status. They belong to one set of their own, so that two servers in one
// process (as in tests) do not share them.
type Counters struct {
	set              *metrics.Set
	stored, optedOut *metrics.Counter

	mu        sync.RWMutex
	protocols map[string]*protocolCounters
	answers   map[answerKey]*metrics.Counter
	routes    map[string]*routeCounters
}

type protocolCounters struct {
	received *metrics.Counter
	rejected map[event.Reason]*metrics.Counter
}

type answerKey struct {
	method, route string
	status        int
}

type routeCounters struct {
	seconds *metrics.PrometheusHistogram
	in, out *metrics.Counter
}

// NewCounters returns counters at zero.
func NewCounters() *Counters {
	set := metrics.NewSet()
	return &Counters{
		set:       set,
		stored:    set.NewCounter("loch_records_stored_total"),
		optedOut:  set.NewCounter("loch_records_opted_out_total"),
		protocols: map[string]*protocolCounters{},
		answers:   map[answerKey]*metrics.Counter{},
		routes:    map[string]*routeCounters{},
	}
}

// Received counts records that arrived by a protocol, good or bad. The first
// call for a protocol makes its rejection counters too, at zero, so that a rate
// over them has a beginning.
func (c *Counters) Received(protocol string, n int) { c.protocol(protocol).received.Add(n) }

// Stored counts records that are durable.
func (c *Counters) Stored(n int) { c.stored.Add(n) }

// OptedOut counts records whose browser asks not to be tracked, whatever the
// project's policy makes of it.
func (c *Counters) OptedOut(n int) { c.optedOut.Add(n) }

// Rejected counts records that were refused, by protocol and reason.
func (c *Counters) Rejected(protocol string, reason event.Reason, n int) {
	p := c.protocol(protocol)
	if counter, ok := p.rejected[reason]; ok {
		counter.Add(n)
	}
}

// Request counts one request that was answered. Method and route must come from
// a closed set; Observe sees to it.
func (c *Counters) Request(method, route string, status int, took time.Duration, bytesIn, bytesOut int64) {
	c.answer(answerKey{method, route, status}).Inc()
	r := c.route(route)
	r.seconds.Update(took.Seconds())
	r.in.AddInt64(bytesIn)
	r.out.AddInt64(bytesOut)
}

// Gauge shows a value that is read at each scrape, such as the size of the
// log. The name is a metric's full name and is given once.
func (c *Counters) Gauge(name string, read func() float64) { c.set.NewGauge(name, read) }

// Handler answers GET /metrics in Prometheus' text format, with figures of the
// process after the counters.
func (c *Counters) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			WriteMethodNotAllowed(w, r, "read the counters with GET", http.MethodGet)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		NoStore(w)
		c.set.WritePrometheus(w)
		metrics.WriteProcessMetrics(w)
	})
}

func (c *Counters) protocol(name string) *protocolCounters {
	return once(c, c.protocols, name, func() *protocolCounters {
		p := &protocolCounters{
			received: c.set.NewCounter(series("loch_records_received_total", "protocol", name)),
			rejected: make(map[event.Reason]*metrics.Counter, len(event.Reasons)),
		}
		for _, reason := range event.Reasons {
			p.rejected[reason] = c.set.NewCounter(series("loch_records_rejected_total", "protocol", name, "reason", string(reason)))
		}
		return p
	})
}

func (c *Counters) answer(k answerKey) *metrics.Counter {
	return once(c, c.answers, k, func() *metrics.Counter {
		return c.set.NewCounter(series("loch_http_requests_total",
			"method", k.method, "route", k.route, "status", strconv.Itoa(k.status)))
	})
}

func (c *Counters) route(name string) *routeCounters {
	return once(c, c.routes, name, func() *routeCounters {
		return &routeCounters{
			seconds: c.set.NewPrometheusHistogramExt(series("loch_http_request_duration_seconds", "route", name), durationBuckets),
			in:      c.set.NewCounter(series("loch_http_request_bytes_total", "route", name)),
			out:     c.set.NewCounter(series("loch_http_response_bytes_total", "route", name)),
		}
	})
}

// once returns m[k], made at first need. After that it costs a read lock and no
// allocation, which building a metric's name each time would.
func once[K comparable, V any](c *Counters, m map[K]V, k K, make func() V) V {
	c.mu.RLock()
	v, ok := m[k]
	c.mu.RUnlock()
	if ok {
		return v
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok = m[k]; ok {
		return v
	}
	v = make()
	m[k] = v
	return v
}

// series writes a metric's name with labels, in Prometheus' quoting.
func series(name string, labels ...string) string {
	pairs := make([]string, 0, len(labels)/2)
	for i := 0; i < len(labels); i += 2 {
		pairs = append(pairs, fmt.Sprintf("%s=%q", labels[i], labels[i+1]))
	}
	return name + "{" + strings.Join(pairs, ",") + "}"
}

// Totals are counts of records, since the start.
type Totals struct {
	Received, Stored, Rejected, OptedOut int64
}

// Totals adds up the records of all protocols, for metrics that are sent and not
// fetched.
func (c *Counters) Totals() Totals {
	c.mu.RLock()
	defer c.mu.RUnlock()
	t := Totals{Stored: int64(c.stored.Get()), OptedOut: int64(c.optedOut.Get())} //nolint:gosec // counts of records
	for _, p := range c.protocols {
		t.Received += int64(p.received.Get()) //nolint:gosec // as above
		for _, r := range p.rejected {
			t.Rejected += int64(r.Get()) //nolint:gosec // as above
		}
	}
	return t
}
