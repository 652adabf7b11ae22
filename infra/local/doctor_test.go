package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"loch/shared/checkup"
)

func examine(t *testing.T, dir string) map[string]checkup.Finding {
	t.Helper()
	all := map[string]checkup.Finding{}
	for _, c := range (&connector{}).Examine(dir) {
		all[c.Name] = c.Look(t.Context())
	}
	return all
}

// TestExamine looks at a folder as a server leaves it, and then spoils one thing after
// the other.
func TestExamine(t *testing.T) {
	made := t.TempDir()
	p, err := open(settings{dataDir: made, logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	// It answers as a running server does.
	healthy := http.StatusOK
	server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(healthy) }), ReadHeaderTimeout: time.Second}
	tcp, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(tcp) }()
	t.Cleanup(func() { _ = server.Close() })
	socket, unix, err := listenUnix(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close() })

	for _, c := range []struct {
		check string
		spoil func(dir string, r *running)
		state checkup.State
		words string
	}{
		{"", func(string, *running) {}, checkup.OK, ""},
		{"data folder", func(dir string, _ *running) { chmod(t, dir, 0o755) }, checkup.Warning, "others on this machine"},
		{"disk", func(_ string, r *running) { r.Reserve = 1 << 60 }, checkup.Wrong, "less than the reserve"},
		{"credentials", func(dir string, _ *running) { write(t, dir, "credentials.json", `{"keys":{"read":"x"}}`) }, checkup.Wrong, "no key for pii"},
		{"credentials", func(dir string, _ *running) { chmod(t, filepath.Join(dir, "credentials.json"), 0o644) }, checkup.Wrong, "0644"},
		{"vault's key", func(dir string, _ *running) { write(t, dir, "vault.key", "abc") }, checkup.Wrong, "64 hexadecimal digits"},
		{"vault's key", func(dir string, _ *running) { chmod(t, filepath.Join(dir, "vault.key"), 0o640) }, checkup.Wrong, "0640"},
		{"vault's key", func(dir string, _ *running) { remove(t, filepath.Join(dir, "vault.key")) }, checkup.Wrong, "nothing sealed can be opened"},
		{"vault's key", func(dir string, _ *running) {
			write(t, dir, "vault.key", strings.Repeat("ab", 32)+"\n"+strings.Repeat("cd", 32)+"\n")
		}, checkup.Warning, "cut off"},
		{"places", func(dir string, r *running) { r.Geo = write(t, dir, "places.mmdb", "none") }, checkup.Wrong, "places.mmdb cannot be read"},
		{"server", func(string, *running) { healthy = http.StatusServiceUnavailable }, checkup.Wrong, "answers 503"},
		{"server", func(_ string, r *running) { r.Addr = "127.0.0.1:1" }, checkup.Wrong, "does not answer on 127.0.0.1:1"},
		{"server", func(dir string, r *running) { r.Socket = filepath.Join(dir, "none") }, checkup.Warning, "none runs"},
		{"version", func(_ string, r *running) { r.Version = "older" }, checkup.Warning, "the server is older"},
		{"log", func(dir string, _ *running) {
			for _, name := range []string{"1.wal", "2.wal"} {
				path := write(t, filepath.Join(dir, "wal"), name, "x")
				if err := os.Chtimes(path, time.Time{}, time.Now().Add(-5*time.Hour)); err != nil {
					t.Fatal(err)
				}
			}
		}, checkup.Wrong, "wait to become Parquet, the oldest since"},
	} {
		dir := filepath.Join(t.TempDir(), "data")
		if err := os.CopyFS(dir, os.DirFS(made)); err != nil {
			t.Fatal(err)
		}
		for _, private := range []string{dir, filepath.Join(dir, "credentials.json"), filepath.Join(dir, "vault.key")} {
			mode := os.FileMode(0o600)
			if private == dir {
				mode = 0o700
			}
			chmod(t, private, mode)
		}
		healthy = http.StatusOK
		r := running{Addr: tcp.Addr().String(), Socket: socket, PID: 1, Started: time.Now(), Version: version()}
		c.spoil(dir, &r)
		if err := writeRunning(dir, r); err != nil {
			t.Fatal(err)
		}
		for name, f := range examine(t, dir) {
			want := checkup.OK
			if name == c.check {
				want = c.state
			}
			if f.State != want || name == c.check && (!strings.Contains(f.Words, c.words) || f.Do == "") {
				t.Errorf("%s, %q: %s is %+v", c.check, c.words, name, f)
			}
		}
	}
	if all := examine(t, filepath.Join(t.TempDir(), "none")); len(all) != 1 || all["data folder"].State != checkup.Wrong {
		t.Errorf("no folder: %+v", all)
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}
