package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/net/netutil"

	"loch/infra/local/command"
	"loch/shared/fault"
	"loch/shared/web"
)

// serveCommand is `loch serve`.
func serveCommand() *cobra.Command {
	var s settings
	var addr string
	var reserveMiB uint64
	var requestMiB, connections int
	c := &cobra.Command{
		Use:   "serve",
		Short: "Start the server with everything embedded",
		Long: `Start Loch on this machine: no other server, no container, no account. The first
start makes a project and writes its token and keys to DATA/credentials.json.

Keep DATA/vault.key apart from the backups of the rest: together they tell who
is who, the lake alone does not.`,
		Example: `  loch serve
  loch serve --addr 0.0.0.0:8080 --data /var/lib/loch --trust-proxy 10.0.0.0/8
  loch serve --geo GeoLite2-City.mmdb`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if requestMiB < leastRequestMiB {
				return fault.Newf(fault.Invalid, "--request-memory-mib must be %d or more, or one request of full size would not fit", leastRequestMiB)
			}
			if connections < 1 {
				return fault.New(fault.Invalid, "--max-connections must be 1 or more")
			}
			s.diskReserve, s.requestMemory = reserveMiB<<20, int64(requestMiB)<<20
			s.logger = slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), nil))
			return serve(cmd.Context(), s, addr, connections, cmd.OutOrStdout())
		},
	}
	f := c.Flags()
	f.StringVar(&addr, "addr", "127.0.0.1:8080", "where to listen; port 0 chooses one")
	f.StringVar(&s.dataDir, "data", "./data", "folder that holds everything (also LOCH_DATA)")
	f.StringVar(&s.writeToken, "write-token", "", "write token of the project, instead of a random one")
	f.StringArrayVar(&s.serviceAccounts, "service-account", nil, "further `user:secret` that may import and export, as Mixpanel's do")
	f.StringArrayVar(&s.trustedProxies, "trust-proxy", nil, "`prefix` of reverse proxies whose X-Forwarded-For is believed; may be repeated")
	f.StringVar(&s.geoPath, "geo", "", "MMDB `file` for geography (GeoLite2 or DB-IP, City or Country) instead of the built-in countries")
	f.DurationVar(&s.rolloverEvery, "rollover-every", 5*time.Minute, "how old the log's open segment may get before it becomes Parquet")
	f.DurationVar(&s.compactEvery, "compact-every", time.Minute, "how often to look whether compaction is worth it")
	f.Uint64Var(&reserveMiB, "disk-reserve-mib", 256, "free space in MiB under which writes are answered with 503")
	f.IntVar(&requestMiB, "request-memory-mib", 256, "`MiB` that requests may hold together for what they sent; over it they are answered with 503 and sent again")
	f.IntVar(&connections, "max-connections", 4096, "connections at once; further ones wait until one is free")
	command.RefuseStack(c, "it serves from this machine; make deploy STACK=STACK puts Loch on AWS")
	return c
}

const (
	// leastRequestMiB has room for a request of full size beside the part for small
	// ones.
	leastRequestMiB = 128

	// headerBytes bounds the line and the headers of a request; over it the answer
	// is 431. What SDKs send with GET is far below, since browsers and proxies cut
	// addresses much earlier.
	headerBytes = 64 << 10
)

// serve opens the product, listens, and stops in the reverse order when ctx
// ends.
func serve(ctx context.Context, s settings, addr string, connections int, out io.Writer) error {
	started := time.Now()
	p, err := open(s)
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }()
	tcp, err := net.Listen("tcp", addr)
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "cannot listen on "+addr+"; is another server there? choose another with --addr")
	}
	socketPath, unix, err := listenUnix(s.dataDir)
	if err != nil {
		return err
	}
	r := running{
		Addr: tcp.Addr().String(), Socket: socketPath, PID: os.Getpid(), Started: started.UTC(), Version: version(), Reserve: s.diskReserve, Geo: absolute(s.geoPath),
	}
	if err := writeRunning(s.dataDir, r); err != nil {
		return err
	}

	public := newServer(p.routes, s.logger)
	private := newServer(p.operator(), s.logger)
	failed := make(chan error, 2)
	go func() { failed <- public.Serve(netutil.LimitListener(tcp, connections)) }()
	go func() { failed <- private.Serve(unix) }()
	working, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() { p.work(working); close(done) }()
	p.banner(out, r, time.Since(started))

	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	fmt.Fprintln(out, "stopping: open requests are answered first")
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err = errors.Join(err, public.Shutdown(grace), private.Shutdown(grace))
	stopWork()
	<-done
	_ = os.Remove(socketPath)
	_ = os.Remove(filepath.Join(s.dataDir, "server.json"))
	return err
}

// absolute is a path as others see it, who may stand in another folder.
func absolute(path string) string {
	if path == "" {
		return ""
	}
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}

// newServer bounds how long a client may take, so that slow ones cannot hold
// every connection.
func newServer(h http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       web.MaxBodyTime,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          slog.NewLogLogger(quietHandler{logger.Handler()}, slog.LevelWarn),
	}
}

// quietHandler drops net/http's own lines, which quote addresses.
type quietHandler struct{ slog.Handler }

// Enabled says that no such line is written.
func (quietHandler) Enabled(context.Context, slog.Level) bool { return false }

// listenUnix opens the socket over which the other commands reach this server.
// Whoever may use it may use the data folder anyway: both belong to one user.
func listenUnix(dataDir string) (string, net.Listener, error) {
	path, err := filepath.Abs(filepath.Join(dataDir, "loch.sock"))
	if err != nil {
		return "", nil, err
	}
	if len(path) > 100 { // a socket's path is bounded by the system
		folder, err := os.MkdirTemp("", "loch-")
		if err != nil {
			return "", nil, fault.Wrap(err, fault.Unavailable, "no folder for the operator socket")
		}
		path = filepath.Join(folder, "loch.sock")
	}
	_ = os.Remove(path) // left by a server that was killed; the folder's lock is ours
	l, err := net.Listen("unix", path)
	if err != nil {
		return "", nil, fault.Wrap(err, fault.Unavailable, "the operator socket cannot be made")
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return "", nil, errors.Join(err, l.Close())
	}
	return path, l, nil
}
