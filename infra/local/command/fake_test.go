package command

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"loch/shared/checkup"
	"loch/shared/fault"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; go test -rewrite writes it anew. Got:\n%s\nwant:\n%s", path, got, want)
	}
}

// fake is a world for a command: a server, a clock that only sleeping moves, and
// a screen of a given kind.
type fake struct {
	t       *testing.T
	server  *httptest.Server
	look    screen
	typing  bool // standard input is somebody
	mu      sync.Mutex
	time    time.Time
	slept   []time.Duration
	connect error
	stack   Stack           // what was looked for
	found   *Deployment     // nil finds none
	checks  []checkup.Check // of a data folder
}

func newFake(t *testing.T, handler http.HandlerFunc) *fake {
	f := &fake{t: t, time: time.Date(2026, 11, 23, 20, 30, 0, 0, time.UTC)}
	f.server = httptest.NewServer(handler)
	t.Cleanup(f.server.Close)
	return f
}

// Connect implements Connector.
func (f *fake) Connect(_ context.Context, dataDir string) (*Session, error) {
	if f.connect != nil {
		return nil, f.connect
	}
	if dataDir == "" {
		return nil, errors.New("no data folder")
	}
	return &Session{
		Client: f.server.Client(), BaseURL: f.server.URL, PublicURL: "http://127.0.0.1:8080", Token: "TOKEN",
		Keys: map[string]string{"read": "READ", "pii": "PII", "erase": "ERASE"},
	}, nil
}

// Find implements Connector.
func (f *fake) Find(_ context.Context, s Stack) (*Deployment, error) {
	f.stack = s
	if f.found == nil {
		return nil, fault.New(fault.NotFound, "there is no stack "+s.Name)
	}
	return f.found, nil
}

// Examine implements Connector.
func (f *fake) Examine(string) []checkup.Check { return f.checks }

func (f *fake) tools() tools {
	return tools{
		now: func() time.Time { f.mu.Lock(); defer f.mu.Unlock(); return f.time },
		sleep: func(ctx context.Context, d time.Duration) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.time = f.time.Add(d)
			f.slept = append(f.slept, d)
			return ctx.Err()
		},
		jitter: func() float64 { return 0.5 },
		unique: func() string { return "0123456789abcdef" },
		screen: func(any) screen { return f.look },
		typing: func(any) bool { return f.typing },
	}
}

// run runs a command line and returns what it wrote, as main would.
func (f *fake) run(make func(Connector, tools) *cobra.Command, args ...string) (stdout, stderr string, code int) {
	f.t.Helper()
	return f.runWith(context.Background(), "", make, args...)
}

func (f *fake) runWith(ctx context.Context, stdin string, make func(Connector, tools) *cobra.Command, args ...string) (stdout, stderr string, code int) {
	f.t.Helper()
	var out, errs bytes.Buffer
	root := &cobra.Command{Use: "loch", SilenceErrors: true, SilenceUsage: true}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return UsageError(err) })
	c := make(f, f.tools())
	root.AddCommand(c)
	root.SetOut(&out)
	root.SetErr(&errs)
	root.SetIn(strings.NewReader(stdin))
	root.SetArgs(append([]string{c.Name()}, args...))
	err := root.ExecuteContext(ctx)
	PrintError(&errs, err)
	return out.String(), errs.String(), ExitCode(err)
}

// answers makes a handler that gives one answer, and checks what it is asked.
func answers(t *testing.T, method, path, key string, status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method || r.URL.RequestURI() != path {
			t.Errorf("asked %s %s, want %s %s", r.Method, r.URL.RequestURI(), method, path)
		}
		if got := r.Header.Get("Authorization"); key != "" && got != "Bearer "+key {
			t.Errorf("authorised with %q, want key %s", got, key)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}
