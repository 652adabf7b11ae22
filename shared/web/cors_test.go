package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"loch/shared/fault"
	"loch/shared/web"
)

const origin = "https://shop.example"

func ingestRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /track", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("1")) })
	mux.HandleFunc("POST /full", func(w http.ResponseWriter, r *http.Request) {
		web.WriteError(w, r, fault.New(fault.Unavailable, "the disk is full"))
	})
	mux.HandleFunc("POST /panic", func(http.ResponseWriter, *http.Request) { panic("out of order") })
	return observed(web.IngestCORS(mux), nil, nil)
}

// TestCORSOnEveryAnswer is what keeps a browser's SDK from dropping data: an
// answer that it may not read is an answer that it takes for a no.
func TestCORSOnEveryAnswer(t *testing.T) {
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"POST", "/track", 200},
		{"GET", "/track", 405},
		{"POST", "/nowhere", 404},
		{"POST", "/full", 503},
		{"POST", "/panic", 500},
		{"OPTIONS", "/track", 204},
		{"OPTIONS", "/nowhere", 204},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			r := httptest.NewRequest(c.method, c.path, nil)
			r.Header.Set("Origin", origin)
			w := httptest.NewRecorder()
			ingestRoutes().ServeHTTP(w, r)
			h := w.Header()
			if w.Code != c.status {
				t.Errorf("status %d, want %d", w.Code, c.status)
			}
			if h.Get("Access-Control-Allow-Origin") != origin || h.Get("Access-Control-Allow-Credentials") != "true" ||
				!strings.Contains(h.Get("Vary"), "Origin") {
				t.Errorf("headers %v", h)
			}
		})
	}
}

func TestCORSPreflight(t *testing.T) {
	r := httptest.NewRequest(http.MethodOptions, "/flags/", nil)
	r.Header.Set("Origin", origin)
	r.Header.Set("Access-Control-Request-Method", "GET")
	r.Header.Set("Access-Control-Request-Headers", "authorization,traceparent,x-mine")
	w := httptest.NewRecorder()
	ingestRoutes().ServeHTTP(w, r)
	h := w.Header()
	if w.Code != http.StatusNoContent || w.Body.Len() != 0 {
		t.Errorf("status %d with %d bytes", w.Code, w.Body.Len())
	}
	if got := h.Get("Access-Control-Allow-Headers"); got != "authorization,traceparent,x-mine" {
		t.Errorf("allowed headers %q", got)
	}
	if got := h.Get("Access-Control-Allow-Methods"); got != "GET, POST, OPTIONS" {
		t.Errorf("allowed methods %q", got)
	}
	if h.Get("Access-Control-Max-Age") == "" {
		t.Error("no Access-Control-Max-Age")
	}
	if vary := strings.Join(h.Values("Vary"), ", "); !strings.Contains(vary, "Access-Control-Request-Headers") {
		t.Errorf("Vary %q", vary)
	}
}

func TestCORSWithoutOrigin(t *testing.T) {
	w := httptest.NewRecorder()
	ingestRoutes().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/track", nil))
	for name := range w.Header() {
		if strings.HasPrefix(name, "Access-Control-") || name == "Vary" {
			t.Errorf("%s without Origin", name)
		}
	}
	if w.Body.String() != "1" {
		t.Errorf("body %q", w.Body)
	}
}
