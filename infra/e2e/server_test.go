package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// token is the write token of every test's project.
const token = "TESTTOKEN"

// patience bounds every wait. It is long because a loaded machine is slow; a
// test that passes never waits that long.
const patience = 60 * time.Second

// server is a running `loch serve`.
type server struct {
	t    testing.TB
	cmd  *exec.Cmd
	data string
	url  string // "http://127.0.0.1:40123"
	keys map[string]string
	log  *output // both streams
	done chan struct{}
	err  error // of the process, once done is closed
}

// start runs a server on a data folder and waits until it listens. It is killed
// at the end of the test if it still runs.
func start(t testing.TB, data string, flags ...string) *server {
	t.Helper()
	return startBy(t, nil, data, flags...)
}

// startBy is start through a launcher, such as one that enters a namespace.
func startBy(t testing.TB, launcher []string, data string, flags ...string) *server {
	t.Helper()
	args := append([]string{"serve", "--data", data, "--addr", "127.0.0.1:0", "--write-token", token}, flags...)
	line := append(append(launcher, binary(t)), args...)
	s := &server{t: t, cmd: exec.Command(line[0], line[1:]...), data: data, log: &output{}, done: make(chan struct{})}
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	s.cmd.WaitDelay = 5 * time.Second // should a child of the server outlive it, holding the output open
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.done)
	}()
	t.Cleanup(func() {
		s.kill()
		s.check()
	})
	await(t, "the server listens", func() bool {
		select {
		case <-s.done:
			t.Fatalf("the server ended before it listened: %v\n%s", s.err, s.log.tail())
		default:
		}
		s.url = s.log.listening()
		return s.url != ""
	})
	text, err := os.ReadFile(filepath.Join(data, "credentials.json"))
	if err != nil {
		t.Fatal(err)
	}
	var credentials struct {
		Project, Token string
		Keys           map[string]string
	}
	if err := json.Unmarshal(text, &credentials); err != nil {
		t.Fatalf("credentials.json: %v", err)
	}
	s.keys = credentials.Keys
	return s
}

// startWith starts a server whose project has the given privacy settings.
func startWith(t testing.TB, data string, privacy map[string]any, flags ...string) *server {
	t.Helper()
	return startSet(t, data, map[string]any{"privacy": privacy}, flags...)
}

// startSet is start with settings of the project.
func startSet(t testing.TB, data string, settings map[string]any, flags ...string) *server {
	t.Helper()
	start(t, data).stop()
	path := filepath.Join(data, "projects.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Projects []map[string]any `json:"projects"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	file.Projects[0]["settings"] = settings
	if text, err = json.Marshal(file); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return start(t, data, flags...)
}

// stop asks the server to end, as an operator does, and waits for it.
func (s *server) stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Fatal(err)
	}
	select {
	case <-s.done:
	case <-time.After(patience):
		s.t.Fatalf("the server does not stop\n%s", s.log.tail())
	}
	if s.err != nil {
		s.t.Errorf("the server stopped with %v\n%s", s.err, s.log.tail())
	}
	s.check()
}

// kill ends the process at once, without a chance to write anything.
func (s *server) kill() {
	_ = s.cmd.Process.Kill() // it may have ended
	<-s.done
}

// check looks for what a server must never say.
func (s *server) check() {
	s.t.Helper()
	for _, word := range []string{"DATA RACE", "panic:", "fatal error:"} {
		if s.log.contains(word) {
			s.t.Errorf("the server's output holds %q\n%s", word, s.log.tail())
		}
	}
	if s.t.Failed() {
		s.t.Logf("the end of the server's output:\n%s", s.log.tail())
	}
}

// loch runs a command of the binary and returns its output.
func loch(t testing.TB, args ...string) (stdout []byte, code int) {
	t.Helper()
	cmd := exec.Command(binary(t), args...)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if problems.Len() > 0 {
		t.Logf("loch %s: %s", args[0], problems.String())
	}
	return out, cmd.ProcessState.ExitCode()
}

// lochWithErrors runs a command that is to fail, and returns both its streams.
func lochWithErrors(t testing.TB, args ...string) (output string, code int) {
	t.Helper()
	cmd := exec.Command(binary(t), args...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// output collects what a process writes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) contains(word string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return bytes.Contains(o.text.Bytes(), []byte(word))
}

// listening is the address that a server says it listens on, once it does.
func (o *output) listening() string {
	for line := range strings.Lines(string(o.bytes())) {
		if url, ok := strings.CutPrefix(line, "listening on "); ok && strings.HasSuffix(line, "\n") {
			return strings.TrimSpace(url)
		}
	}
	return ""
}

func (o *output) bytes() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return bytes.Clone(o.text.Bytes())
}

func (o *output) tail() string {
	b := o.bytes()
	const most = 4000
	if len(b) > most {
		b = b[len(b)-most:]
	}
	return string(b)
}
