// Package trino starts a Trino server for tests. Athena's engine 3 is a Trino that
// nobody can have at home; this one, over the same Parquet and JSON files in an
// S3 bucket, is the most faithful stand-in there is. It runs the Glue tables, the
// views, the compaction and the reports in the dialect that they are written in.
//
// Nothing of Loch uses it outside tests. `make trino` installs the server into
// build/trino. It takes some ten seconds to start and half a gigabyte of memory, so
// the tests that need it stand together in this package and share one.
package trino

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Catalog is the name under which the tables are found, as in Athena.
const Catalog = "awsdatacatalog"

// Options are the settings of a server.
type Options struct {
	Home string // where make trino has installed it
	Dir  string // an empty folder for its settings

	// The bucket that holds the lake, and Trino's own list of tables under meta/.
	S3Endpoint string
	Bucket     string

	Log io.Writer // what the server says; nil for nothing
}

// Server is a running Trino.
type Server struct {
	url    string
	cmd    *exec.Cmd
	stdin  io.Closer
	exited chan struct{}
}

// flags make a server that starts fast and stays small: no second compiler, whose
// work a test never earns back, and the plainest collector. With one compiler alone the
// room for its code is 48 MB, which a hundred statements fill: from then on code would
// be thrown away and compiled again.
var flags = []string{
	"-Xmx768m", "-Xmn256m", "-Xss2m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:ReservedCodeCacheSize=256m", "-Xshare:auto",
	"-Djdk.attach.allowAttachSelf=true", "-Dfile.encoding=UTF-8", "-Duser.timezone=UTC",
}

// Start starts a server and returns when it answers. It ends with Close, and when
// this process does.
func Start(ctx context.Context, o Options) (*Server, error) {
	if _, err := os.Stat(filepath.Join(o.Home, ".installed")); err != nil {
		return nil, fmt.Errorf("trino is not installed in %s; run: make trino", o.Home)
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	config, err := configure(o, address)
	if err != nil {
		return nil, err
	}
	separator := string(filepath.ListSeparator)
	args := append(append([]string{}, flags...), "-Dconfig="+config,
		"-cp", filepath.Join(o.Home, "classes")+separator+filepath.Join(o.Home, "lib", "*"), "Start")
	s := &Server{url: "http://" + address, cmd: exec.Command("java", args...), exited: make(chan struct{})}
	s.cmd.Dir = o.Dir
	s.cmd.Stdout, s.cmd.Stderr = o.Log, o.Log
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = s.cmd.Wait() // why it ended is in its log
		close(s.exited)
	}()
	if err := s.ready(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// freeAddress is one that nobody listens on. Trino has to be told its own.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// ready waits until the server answers a statement.
func (s *Server) ready(ctx context.Context) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if s.started(ctx) {
			if _, err := s.Query(ctx, "", "SELECT 1"); err == nil {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("trino did not start: %w", ctx.Err())
		case <-s.exited:
			return errors.New("trino ended while it started; its log says why")
		case <-tick.C:
		}
	}
}

func (s *Server) started(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/v1/info", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return err == nil && strings.Contains(string(body), `"starting":false`)
}

// Close ends the server and waits for its end.
func (s *Server) Close() {
	_ = s.stdin.Close()
	<-s.exited
}
