package ingest_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"loch/shared/sample"
)

// BenchmarkSampleTraffic sends the traffic of `loch seed` through the whole handler,
// at its own times, and counts what it costs the profile store: writes to its log
// for each event, of which those for who was seen are apart from those that updates
// ask for. A store that cannot let sightings wait, such as one on Lambda, writes one
// for each that tells something: told/event.
func BenchmarkSampleTraffic(b *testing.B) {
	for _, traffic := range []struct {
		events, days int
		at           string
	}{{33_333, 10, "0.1 million events a month"}, {33_333, 1, "1 million events a month"}, {100_000, 1, "3 million events a month"}, {33_333, 10, "as loch seed posts it"}} {
		b.Run(traffic.at, func(b *testing.B) {
			for b.Loop() {
				g := sample.New(sample.Options{Events: traffic.events, Days: traffic.days, Token: "T"})
				var clock, looked time.Time
				h, profiles := realHandler(b, true, func() time.Time { return clock })
				for r := range g.All() {
					if clock = r.Time; traffic.at == "as loch seed posts it" {
						clock = time.Now()
					}
					if clock.Sub(looked) >= 5*time.Second { // as the server does
						looked = clock
						must(b, profiles.WriteSightings())
					}
					send(b, h, &r)
				}
				made, stats := g.Stats(), profiles.Stats()
				per := func(n int64) float64 { return float64(n) / float64(made.Events) }
				b.ReportMetric(per(stats.Commits), "writes/event")
				b.ReportMetric(per(stats.SeenCommits), "seen-writes/event")
				b.ReportMetric(per(stats.SightingsTold), "told/event")
				b.ReportMetric(per(int64(made.People)), "people/event")
				b.ReportMetric(per(int64(made.Updates)), "updates/event")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func send(b *testing.B, h http.Handler, r *sample.Request) {
	b.Helper()
	request := httptest.NewRequest(http.MethodPost, r.Path, bytes.NewReader(r.Body))
	request.RemoteAddr = r.Address.String() + ":1000"
	r.SetHeaders(request.Header)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request)
	if w.Body.String() != `{"error":null,"status":1}` {
		b.Fatalf("%s: %d %s", r.Path, w.Code, w.Body)
	}
}
