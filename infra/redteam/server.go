package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// writeToken stands in every page, so the attacker knows it.
const writeToken = "redteam-write-token"

// server is the real product on a folder of its own.
type server struct {
	binary, data string
	cmd          *exec.Cmd
	log          *os.File
	url          string
	ended        chan struct{} // closed when the process is gone
}

// startServer starts `loch serve` and waits until it listens. Its log is kept
// beside the lake: a thief takes logs, too.
func startServer(ctx context.Context, binary, data, logPath string) (*server, error) {
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	s := &server{binary: binary, data: data, log: log, ended: make(chan struct{})}
	s.cmd = exec.Command(binary, "serve", "--data", data, "--addr", "127.0.0.1:0", "--write-token", writeToken,
		"--trust-proxy", "127.0.0.0/8", "--rollover-every", "1s")
	s.cmd.Stderr = log // stdout is for the operator: it shows the keys
	s.cmd.WaitDelay = 5 * time.Second
	if err := s.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s does not start; build it with make build: %w", binary, err), log.Close())
	}
	go func() {
		_ = s.cmd.Wait() // how it ended is seen by who waits for an answer
		close(s.ended)
	}()
	if err := s.await(ctx); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// startPatience is how long a server may take to listen on a busy machine.
const startPatience = time.Minute

// await waits until the server has written where it listens, and answers there.
func (s *server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var running struct {
			Addr string `json:"addr"`
		}
		text, err := os.ReadFile(filepath.Join(s.data, "server.json"))
		if err == nil && json.Unmarshal(text, &running) == nil && running.Addr != "" {
			s.url = "http://" + running.Addr
			if s.healthy(ctx) {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-s.ended:
			return errors.New("the server ended before it listened, see its log")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *server) healthy(ctx context.Context) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/healthz", http.NoBody)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	return answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
}

// post sends records as a browser at an address does.
func (s *server) post(ctx context.Context, route, from string, records []any) error {
	body, err := json.Marshal(records)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+route, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", "https://shop.example")
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
	r.Header.Set("X-Forwarded-For", from)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(answer.Body)
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return err
	}
	if answer.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("%s was answered %d: %s", route, answer.StatusCode, strings.TrimSpace(string(text)))
	}
	return nil
}

// run asks the server for something by the command line, as an operator does.
func (s *server) run(ctx context.Context, command string) error {
	out, err := exec.CommandContext(ctx, s.binary, command, "--data", s.data).CombinedOutput()
	if err != nil {
		return fmt.Errorf("loch %s: %w: %s", command, err, out)
	}
	return nil
}

// stop ends the server as an operator does, and waits for it.
func (s *server) stop() error {
	err := s.cmd.Process.Signal(syscall.SIGTERM)
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	select {
	case <-s.ended:
	case <-time.After(startPatience):
		err = errors.Join(err, s.cmd.Process.Kill(), errors.New("the server did not stop"))
	}
	return errors.Join(err, s.log.Close())
}
