package web_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"loch/shared/event"
	"loch/shared/fault"
	"loch/shared/web"
)

// observed wraps next with a clock that goes 5 ms a look.
func observed(next http.Handler, log io.Writer, counters *web.Counters) http.Handler {
	var mu sync.Mutex
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	o := web.ObserveOptions{Rand: rand.Reader, Counters: counters, Now: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(5 * time.Millisecond)
		return now
	}}
	if log != nil {
		o.Logger = slog.New(slog.NewJSONHandler(log, nil))
	}
	return web.Observe(next, o)
}

func lines(t *testing.T, log *bytes.Buffer) []map[string]any {
	t.Helper()
	var out []map[string]any
	for line := range strings.Lines(log.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}

// marker stands for a person's data. It is planted wherever a client can write.
const marker = "jane-doe-marker"

func TestObserveLogsNoPayload(t *testing.T) {
	var log bytes.Buffer
	var id string
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/profiles/{distinct_id}", func(w http.ResponseWriter, r *http.Request) {
		id = web.RequestID(r.Context())
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
		web.WriteError(w, r, fault.Wrap(&fs.PathError{Op: "write", Path: marker, Err: syscall.ENOSPC}, fault.Unavailable, "no room"))
	})
	r := httptest.NewRequest(http.MethodPost, "/api/profiles/"+marker+"?q="+marker, strings.NewReader(marker))
	r.Header.Set("User-Agent", marker)
	r.Header.Set("Authorization", "Bearer "+marker)
	r.Header.Set("X-Request-Id", marker)
	w := httptest.NewRecorder()
	observed(mux, &log, nil).ServeHTTP(w, r)

	if strings.Contains(log.String(), marker) {
		t.Fatalf("the log has payload: %s", log.String())
	}
	got := lines(t, &log)
	if len(got) != 1 {
		t.Fatalf("%d lines", len(got))
	}
	for key, want := range map[string]any{
		"msg": "request", "level": "ERROR", "method": "POST", "route": "/api/profiles/{distinct_id}", "status": 503.0,
		"ms": 5.0, "request_id": id, "bytes_in": float64(len(marker)), "bytes": float64(w.Body.Len()),
		"code": "unavailable", "cause": "*fault.Error > *fs.PathError > no space left on device",
	} {
		if got[0][key] != want {
			t.Errorf("%s is %v, want %v", key, got[0][key], want)
		}
	}
	if len(id) != 24 || w.Header().Get("X-Request-Id") != id {
		t.Errorf("request id %q, header %q", id, w.Header().Get("X-Request-Id"))
	}
}

func TestObserveRecovers(t *testing.T) {
	var log bytes.Buffer
	h := observed(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(errors.New(marker)) }), &log, nil)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/"+marker, nil))
	if w.Code != 500 || !strings.Contains(w.Body.String(), `"internal"`) {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if strings.Contains(log.String()+w.Body.String(), marker) {
		t.Fatalf("the panic's value got out: %s %s", log.String(), w.Body)
	}
	got := lines(t, &log)
	if len(got) != 2 || got[0]["msg"] != "panic" || got[0]["type"] != "*errors.errorString" ||
		!strings.Contains(got[0]["stack"].(string), "TestObserveRecovers") || got[1]["status"] != 500.0 || got[1]["route"] != "unmatched" {
		t.Fatalf("log: %s", log.String())
	}
}

// TestObserveCutsABegunAnswer: half an answer must not look like a whole one.
func TestObserveCutsABegunAnswer(t *testing.T) {
	for _, value := range []any{"a mistake", http.ErrAbortHandler} {
		srv := httptest.NewServer(observed(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half")
			w.(http.Flusher).Flush()
			panic(value)
		}), nil, nil))
		resp, err := http.Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = io.ReadAll(resp.Body); err == nil {
			t.Errorf("%v: the answer looks whole", value)
		}
		_ = resp.Body.Close()
		srv.Close()
	}
}

func TestObserveNames(t *testing.T) {
	var log bytes.Buffer
	h := observed(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		web.NameRoute(r, "/track")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusAccepted)
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
	}), &log, nil)
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(strings.ToUpper(marker), "/x7/track", nil))
	got := lines(t, &log)[0]
	if got["route"] != "/track" || got["method"] != "OTHER" || got["status"] != 202.0 {
		t.Fatalf("log: %v", got)
	}
	if web.RequestID(t.Context()) != "" {
		t.Error("a request id outside of a request")
	}
	web.NameRoute(httptest.NewRequest(http.MethodGet, "/", nil), "nothing happens")
}

func TestObserveIDsDiffer(t *testing.T) {
	seen := map[string]bool{}
	h := observed(http.NotFoundHandler(), nil, nil)
	for range 100 {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		seen[w.Header().Get("X-Request-Id")] = true
	}
	if len(seen) != 100 {
		t.Fatalf("%d ids in 100 requests", len(seen))
	}
	w := httptest.NewRecorder()
	web.Observe(http.NotFoundHandler(), web.ObserveOptions{Now: time.Now, Rand: bytes.NewReader(nil)}).
		ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != 503 {
		t.Fatalf("without randomness: %d", w.Code)
	}
}

func TestCounters(t *testing.T) {
	c := web.NewCounters()
	c.Received("mixpanel", 5)
	c.Stored(3)
	c.Rejected("mixpanel", event.ReasonBadTime, 2)
	c.Rejected("mixpanel", "no such reason", 2)
	c.Gauge("loch_log_segments", func() float64 { return 7 })
	mux := http.NewServeMux()
	mux.HandleFunc("POST /track", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	})
	h := observed(mux, nil, c)
	for range 2 {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/track", strings.NewReader("four")))
	}
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/"+marker, nil))

	w := httptest.NewRecorder()
	c.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	text := w.Body.String()
	for _, want := range []string{
		`loch_records_received_total{protocol="mixpanel"} 5`,
		`loch_records_stored_total 3`,
		`loch_records_rejected_total{protocol="mixpanel",reason="bad_time"} 2`,
		`loch_records_rejected_total{protocol="mixpanel",reason="bad_id"} 0`,
		`loch_log_segments 7`,
		`loch_http_requests_total{method="POST",route="/track",status="200"} 2`,
		`loch_http_requests_total{method="GET",route="unmatched",status="404"} 1`,
		`loch_http_request_bytes_total{route="/track"} 8`,
		`loch_http_response_bytes_total{route="/track"} 8`,
		`loch_http_request_duration_seconds_bucket{route="/track",le="0.005"} 2`,
		`loch_http_request_duration_seconds_count{route="/track"} 2`,
		`process_resident_memory_bytes`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("missing %s", want)
		}
	}
	if strings.Contains(text, marker) || strings.Contains(text, "no such reason") {
		t.Error("a label was made from what a client sent")
	}
	w = httptest.NewRecorder()
	c.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/metrics", nil))
	if w.Code != 405 || w.Header().Get("Allow") != "GET" {
		t.Errorf("POST gave %d", w.Code)
	}
	// Two sets share nothing.
	w = httptest.NewRecorder()
	web.NewCounters().Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if strings.Contains(w.Body.String(), "mixpanel") {
		t.Error("counters are shared between sets")
	}
}

func TestCountersFromManyGoroutines(t *testing.T) {
	c := web.NewCounters()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				c.Received("mixpanel", 1)
				c.Request("POST", "/track", 200, time.Millisecond, 1, 1)
			}
		})
	}
	wg.Wait()
	w := httptest.NewRecorder()
	c.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if !strings.Contains(w.Body.String(), `loch_records_received_total{protocol="mixpanel"} 4000`) {
		t.Error("counts were lost")
	}
}

func BenchmarkObserve(b *testing.B) {
	h := web.Observe(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) }),
		web.ObserveOptions{Logger: slog.New(slog.DiscardHandler), Now: time.Now, Rand: rand.Reader, Counters: web.NewCounters()})
	r := httptest.NewRequest(http.MethodPost, "/track", nil)
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
}
