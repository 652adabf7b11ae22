package web

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"time"

	"loch/shared/fault"
)

// ObserveOptions are what Observe needs from outside.
type ObserveOptions struct {
	Logger   *slog.Logger     // nil logs nothing
	Now      func() time.Time // the clock
	Rand     io.Reader        // for request ids; read by many goroutines at once, as crypto/rand.Reader may be
	Counters *Counters        // nil counts nothing
}

// seen is what Observe and the handlers below it tell each other about one
// request. One goroutine uses it.
type seen struct {
	id    string
	route string
	err   error
}

type seenKey struct{}

// Observe wraps all routes. It gives each request an id, which the answer
// repeats as X-Request-Id and the log line holds; turns a panic into a 500; and
// writes one log line and counts one request when it is done.
//
// The log line has the method, the route's pattern, the status, bytes in and
// out, milliseconds and the request id. The route is the pattern that a
// http.ServeMux matched, or the one that NameRoute was told; never the path.
func Observe(next http.Handler, o ObserveOptions) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := o.Now()
		var random [12]byte
		if _, err := io.ReadFull(o.Rand, random[:]); err != nil {
			WriteError(w, r, fault.Wrap(err, fault.Unavailable, "no randomness for a request id; send again"))
			return
		}
		s := &seen{id: hex.EncodeToString(random[:])}
		w.Header().Set("X-Request-Id", s.id)
		rec := &recorder{ResponseWriter: w}
		in := &countedBody{ReadCloser: r.Body}
		inner := r.WithContext(context.WithValue(r.Context(), seenKey{}, s))
		if r.Body != nil && r.Body != http.NoBody {
			inner.Body = in
		}
		defer func() {
			cut := o.recovered(recover(), rec, inner, s)
			o.finish(inner, s, rec, in.n, o.Now().Sub(start))
			if cut {
				panic(http.ErrAbortHandler)
			}
		}()
		next.ServeHTTP(rec, inner)
	})
}

// recovered deals with a panic and says whether the connection must be cut: an
// answer that has begun cannot become a 500 any more, and must not look whole.
// The panic's value may hold payload, so only its type and the stack's places
// are logged.
func (o ObserveOptions) recovered(v any, w *recorder, r *http.Request, s *seen) (cut bool) {
	if v == nil {
		return false
	}
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		return true // a handler cut its answer on purpose
	}
	if o.Logger != nil {
		o.Logger.LogAttrs(r.Context(), slog.LevelError, "panic",
			slog.String("request_id", s.id), slog.String("type", fmt.Sprintf("%T", v)), slog.String("stack", places()))
	}
	if w.status != 0 {
		return true
	}
	WriteError(w, r, fault.New(fault.Internal, "internal error; the server's log has the request id"))
	return false
}

// places returns the calls that led to a panic: functions and lines, without
// the arguments that a runtime's own trace shows.
func places() string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	var b strings.Builder
	for {
		f, more := frames.Next()
		file := f.File[strings.LastIndexByte(f.File, '/')+1:]
		_, _ = fmt.Fprintf(&b, "%s (%s:%d)\n", f.Function, file, f.Line)
		if !more {
			return b.String()
		}
	}
}

func (o ObserveOptions) finish(r *http.Request, s *seen, w *recorder, in int64, took time.Duration) {
	status := w.status
	if status == 0 {
		status = http.StatusOK
	}
	route := s.route
	if route == "" {
		route = patternPath(r.Pattern)
	}
	method := knownMethod(r.Method)
	if o.Counters != nil {
		o.Counters.Request(method, route, status, took, in, w.bytes)
	}
	if o.Logger == nil {
		return
	}
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs,
		slog.String("request_id", s.id), slog.String("method", method), slog.String("route", route),
		slog.Int("status", status), slog.Int64("bytes_in", in), slog.Int64("bytes", w.bytes),
		slog.Float64("ms", float64(took.Microseconds())/1000))
	level := slog.LevelInfo
	if s.err != nil {
		attrs = append(attrs, slog.String("code", string(fault.CodeOf(s.err))))
	}
	if status >= http.StatusInternalServerError {
		level = slog.LevelError
		if causes := causesOf(s.err); causes != "" {
			attrs = append(attrs, slog.String("cause", causes))
		}
	}
	o.Logger.LogAttrs(r.Context(), level, "request", attrs...)
}

// RequestID returns the id that Observe gave the request, or "" outside of it.
func RequestID(ctx context.Context) string {
	if s, ok := ctx.Value(seenKey{}).(*seen); ok {
		return s.id
	}
	return ""
}

// NameRoute tells Observe the route of a request, for handlers that choose by
// hand instead of by http.ServeMux. The name must be a constant of ours, never
// made from the path.
func NameRoute(r *http.Request, route string) {
	if s, ok := r.Context().Value(seenKey{}).(*seen); ok {
		s.route = route
	}
}

func noteError(r *http.Request, err error) {
	if s, ok := r.Context().Value(seenKey{}).(*seen); ok {
		s.err = err
	}
}

// causesOf names the types in an error's chain, and the text of a system error,
// which is one of the kernel's constants. Other texts may quote payload.
func causesOf(err error) string {
	var names []string
	for ; err != nil; err = errors.Unwrap(err) {
		if no, ok := err.(syscall.Errno); ok { //nolint:errorlint // this walks the chain itself
			names = append(names, no.Error())
			continue
		}
		names = append(names, fmt.Sprintf("%T", err))
	}
	return strings.Join(names, " > ")
}

// patternPath takes the method and host off a ServeMux pattern.
func patternPath(pattern string) string {
	if slash := strings.IndexByte(pattern, '/'); slash >= 0 {
		return pattern[slash:]
	}
	return "unmatched"
}

// knownMethod keeps a client's invention out of logs and label values.
func knownMethod(m string) string {
	switch m {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodHead, http.MethodOptions:
		return m
	}
	return "OTHER"
}

// recorder notes the status and size of an answer on its way out.
type recorder struct {
	http.ResponseWriter
	status int // 0 until the answer has begun
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach deadlines and flushing below.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Flush sends what is buffered, for handlers that stream.
func (w *recorder) Flush() {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	// A writer that cannot flush sends at the end instead.
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}

// countedBody counts what a handler read of a body.
type countedBody struct {
	io.ReadCloser
	n int64
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n += int64(n)
	return n, err
}
