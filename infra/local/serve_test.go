package main

import (
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
)

// A request line or headers beyond the bound get a clear answer; what SDKs send
// with GET passes.
func TestHeadersAreBounded(t *testing.T) {
	srv := newServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }),
		slog.New(slog.DiscardHandler))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	for size, want := range map[int]int{32 << 10: http.StatusNoContent, 128 << 10: http.StatusRequestHeaderFieldsTooLarge} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String()+"/track?data="+strings.Repeat("a", size), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != want {
			t.Errorf("%d bytes: %d, want %d", size, resp.StatusCode, want)
		}
	}
}

// Bounds that would shut everybody out are refused before anything is opened.
func TestServeRefusesBoundsThatShutOut(t *testing.T) {
	for flag, words := range map[string]string{
		"--request-memory-mib=8": "--request-memory-mib must be",
		"--max-connections=0":    "--max-connections must be",
	} {
		c := serveCommand()
		c.SetArgs([]string{"--data", t.TempDir(), flag})
		c.SilenceErrors, c.SilenceUsage = true, true
		if err := c.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", flag, err)
		}
	}
}
