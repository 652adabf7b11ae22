package ingest_test

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"loch/functions/ingest"
	"loch/infra/local/pebble"
	"loch/infra/local/wal"
	"loch/shared/enrich"
	"loch/shared/vault"
)

// body is a request of n events of about 1 KB, encoded as the browser's SDK
// does it: base64 in a form.
func body(n int) string {
	var b strings.Builder
	b.WriteByte('[')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"event":"$mp_web_page_view","properties":{"$os":"Linux","$browser":"Chrome","$referrer":"https://www.google.com/search?q=analytics","$referring_domain":"www.google.com","$current_url":"http://shop.example/pricing/plans?utm_source=news&utm_campaign=spring&gclid=G1","$browser_version":156,"$screen_height":720,"$screen_width":1280,"mp_lib":"web","$lib_version":"2.83.0","$insert_id":"%016d","time":%d.%03d,"utm_source":"news","utm_campaign":"spring","gclid":"G1","distinct_id":"$device:98ab3dc4-4223-4009-8737-b95c8d9f702e","$device_id":"98ab3dc4-4223-4009-8737-b95c8d9f702e","$search_engine":"google","mp_keyword":"analytics","$initial_referrer":"https://www.google.com/search?q=analytics","$initial_referring_domain":"www.google.com","current_page_title":"Shop – Home","current_domain":"shop.example","current_url_path":"/pricing/plans","current_url_protocol":"http:","current_url_search":"?utm_source=news&utm_campaign=spring&gclid=G1","$mp_autocapture":true,"token":"T","mp_sent_by_lib_version":"2.83.0"}}`,
			i, 1_795_465_174, i%1000)
	}
	b.WriteByte(']')
	return "data=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(b.String())))
}

// BenchmarkHandler is a request through the whole handler: real vault, real
// enrichment, real log, caches warm. cpu-µs/event is the process's user and
// system time, so other goroutines count too.
func BenchmarkHandler(b *testing.B) {
	for _, noSync := range []bool{false, true} {
		for _, n := range []int{1, 50, 2000} {
			b.Run(fmt.Sprintf("fsync=%v/events=%d", !noSync, n), func(b *testing.B) {
				h, _ := realHandler(b, noSync, func() time.Time { return now })
				text := body(n)
				send := func() {
					r := httptest.NewRequest(http.MethodPost, "/track/?verbose=1&ip=1", strings.NewReader(text))
					r.RemoteAddr = "8.8.8.8:1000"
					r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
					r.Header.Set("Origin", "https://shop.example")
					r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36")
					w := httptest.NewRecorder()
					h.ServeHTTP(w, r)
					if w.Body.String() != `{"error":null,"status":1}` {
						b.Fatalf("%d %s", w.Code, w.Body)
					}
				}
				send()
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				cpu := processCPU(b)
				for b.Loop() {
					send()
				}
				events := float64(b.N) * float64(n)
				b.ReportMetric(float64((processCPU(b)-cpu).Microseconds())/events, "cpu-µs/event")
				b.ReportMetric(float64(b.Elapsed().Microseconds())/events, "µs/event")
			})
		}
	}
}

// realHandler is a handler with everything behind it on disk.
func realHandler(b *testing.B, noSync bool, clock func() time.Time) (http.Handler, *pebble.Profiles) {
	b.Helper()
	log, _, err := wal.Open(b.TempDir(), wal.Options{NoSync: noSync, Now: clock})
	must(b, err)
	b.Cleanup(func() { must(b, log.Close()) })
	quiet := slog.New(slog.DiscardHandler)
	o := pebble.Options{NoSync: noSync, Logger: quiet, Now: clock}
	store, err := pebble.OpenVault(b.TempDir(), o)
	must(b, err)
	b.Cleanup(func() { must(b, store.Close()) })
	profiles, err := pebble.OpenProfiles(b.TempDir(), o)
	must(b, err)
	b.Cleanup(func() { must(b, profiles.Close()) })
	v, err := vault.Open(b.Context(), store, vault.NewKeyFile(vault.MasterKey{7}), vault.Options{Rand: rand.Reader, Now: clock})
	must(b, err)
	enricher, err := enrich.New(enrich.Options{})
	must(b, err)
	b.Cleanup(func() { must(b, enricher.Close()) })
	return ingest.New(ingest.Deps{
		Registry: &projects{}, Vault: v, Enricher: enricher, Sink: log, Profiles: profiles,
		Logger: quiet, Now: clock, Rand: rand.Reader,
	}), profiles
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func processCPU(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
