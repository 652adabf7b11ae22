package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
)

// visitor is the address that visitors come from: British in every country
// database, and not the machine's own.
const visitor = "81.2.69.142"

// startSite serves the page and the SDK on an origin of its own, as a website
// does.
func startSite(t *testing.T) string {
	t.Helper()
	const sdk = "web/node_modules/mixpanel-browser/dist/mixpanel.umd.js"
	if _, err := os.Stat(sdk); err != nil {
		t.Fatalf("the SDK is not installed; run `make test`, or npm ci in infra/e2e/web: %v", err)
	}
	mux := http.NewServeMux()
	page := func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "web/page.html") }
	mux.HandleFunc("GET /shop", page)
	mux.HandleFunc("GET /sdk/mixpanel.umd.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, sdk) })
	mux.HandleFunc("GET /elsewhere", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<!doctype html><title>Elsewhere</title>")
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
}

// proxy stands before Loch as a reverse proxy does on the internet: it says
// where the visitor came from, and keeps what passed, for the test to see.
type proxy struct {
	url string

	mu     sync.Mutex
	passed []passage
}

// passage is a request that went through.
type passage struct {
	method, path, contentType string
	body                      string
	status                    int
	allowOrigin               string
}

func startProxy(t *testing.T, s *server) *proxy {
	t.Helper()
	target, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{}
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Set("X-Forwarded-For", visitor)
		},
		ModifyResponse: func(r *http.Response) error {
			at, ok := r.Request.Context().Value(passageKey{}).(*passage)
			if ok {
				at.status, at.allowOrigin = r.StatusCode, r.Header.Get("Access-Control-Allow-Origin")
			}
			return nil
		},
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the browser has gone
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		at := &passage{method: r.Method, path: r.URL.Path, contentType: r.Header.Get("Content-Type"), body: string(body)}
		forward.ServeHTTP(w, r.WithContext(withPassage(r.Context(), at)))
		p.mu.Lock()
		defer p.mu.Unlock()
		p.passed = append(p.passed, *at)
	}))
	t.Cleanup(front.Close)
	p.url = front.URL
	return p
}

type passageKey struct{}

func withPassage(ctx context.Context, at *passage) context.Context {
	return context.WithValue(ctx, passageKey{}, at)
}

// count says how many requests that fit have been answered.
func (p *proxy) count(fits func(passage) bool) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, at := range p.passed {
		if fits(at) {
			n++
		}
	}
	return n
}

// check sees that every request was answered well, and in a way that the
// browser shows to the page.
func (p *proxy) check(t *testing.T, origin string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, at := range p.passed {
		if at.status/100 != 2 || at.allowOrigin != origin {
			t.Errorf("%s %s was answered %d, allowed for %q", at.method, at.path, at.status, at.allowOrigin)
		}
	}
}

// pageURL is the address of the page with settings for the SDK.
func pageURL(t *testing.T, site, path string, settings map[string]any) string {
	t.Helper()
	text, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	return site + path + "#" + url.PathEscape(string(text))
}
