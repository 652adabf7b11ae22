package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"loch/infra/local/command"
)

// connector brings the other commands to the product: over the running server's
// socket, or, when none runs on the folder, by opening the folder right here.
// Either way they speak HTTP to the same handlers.
type connector struct{}

// Connect opens a session on a data folder.
func (*connector) Connect(_ context.Context, dataDir string) (*command.Session, error) {
	c, err := readCredentials(dataDir)
	if err != nil {
		return nil, err
	}
	session := &command.Session{Token: c.Token, Keys: c.Keys, BaseURL: "http://loch"}
	if r, ok := readRunning(dataDir); ok {
		if conn, err := net.DialTimeout("unix", r.Socket, time.Second); err == nil {
			_ = conn.Close()
			session.PublicURL = "http://" + r.Addr
			transport := &http.Transport{
				DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
					return (&net.Dialer{}).DialContext(ctx, "unix", r.Socket)
				},
				MaxIdleConnsPerHost: 16,
			}
			session.Client = &http.Client{Transport: transport}
			session.Close = func() error { transport.CloseIdleConnections(); return nil }
			return session, nil
		}
	}
	p, err := open(settings{
		dataDir: dataDir, rolloverEvery: time.Hour, compactEvery: time.Hour,
		logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	session.Client = &http.Client{Transport: inProcess{p.operator()}}
	session.Close = p.Close
	return session, nil
}

// inProcess is a transport that calls a handler in place of a network.
type inProcess struct{ handler http.Handler }

// RoundTrip runs the handler and streams its answer.
func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.RemoteAddr = "@"
	r.RequestURI = r.URL.RequestURI()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	reader, writer := io.Pipe()
	w := &pipeWriter{header: http.Header{}, body: writer, ready: make(chan struct{})}
	go func() {
		// A handler that must break an answer off panics with this, as net/http has
		// it; whoever reads has to see that the answer is not whole.
		defer func() {
			if problem := recover(); problem != nil {
				if err, ok := problem.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
					panic(problem)
				}
				w.WriteHeader(http.StatusInternalServerError)
				_ = writer.CloseWithError(io.ErrUnexpectedEOF)
			}
		}()
		t.handler.ServeHTTP(w, r)
		w.WriteHeader(http.StatusOK)
		_ = writer.Close()
	}()
	select {
	case <-w.ready:
	case <-r.Context().Done():
		_ = reader.Close()
		return nil, r.Context().Err()
	}
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header.Clone(), Body: reader, ContentLength: -1, Request: r,
	}, nil
}

// pipeWriter is the answer's writing end.
type pipeWriter struct {
	header http.Header
	body   *io.PipeWriter
	status int
	ready  chan struct{}
}

// Header returns the answer's header.
func (w *pipeWriter) Header() http.Header { return w.header }

// WriteHeader lets RoundTrip go on.
func (w *pipeWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
		close(w.ready)
	}
}

// Write passes bytes to whoever reads the answer.
func (w *pipeWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

// Flush does nothing: a pipe holds nothing back.
func (w *pipeWriter) Flush() {}
