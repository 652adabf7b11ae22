// Package web is what every handler of Loch does alike: it reads a request's
// body within limits, finds out who sent it, checks API keys, answers across
// origins, turns errors into statuses, counts, and writes one line of log for
// each request.
//
// Nothing here logs a path's values, a query, a header or a body: those may
// name a person. A log line holds the method, the route's pattern, the status,
// sizes, a duration and the request id, which each answer repeats.
package web

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"loch/shared/fault"
)

// retryAfterSeconds is what an answer that asks for another try suggests. It is
// short, since what usually makes Loch unavailable (a full disk, a restart) is
// over as soon as somebody has looked, and clients back off by themselves.
const retryAfterSeconds = 5

// Status returns the HTTP status of a fault's code. A code that it does not
// know is a mistake of ours, so 500.
func Status(code fault.Code) int {
	switch code {
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.Unauthorized:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.TooMany:
		return http.StatusTooManyRequests
	case fault.Timeout:
		// Not 408: browsers and proxies send a request again by themselves when
		// they see that one, and the query would run out of time again.
		return http.StatusGatewayTimeout
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.Internal:
		return http.StatusInternalServerError
	default:
		return http.StatusInternalServerError
	}
}

// errorBody is the shape of each error of /api.
type errorBody struct {
	Error errorWords `json:"error"`
}

type errorWords struct {
	Code    fault.Code `json:"code"`
	Message string     `json:"message"`
	Field   string     `json:"field,omitempty"`
}

// WriteError answers an /api request with an error: the status of its code and
// {"error":{"code","message","field"}}. Only a fault's safe words are shown; any
// other error becomes fault.Internal. The error's code goes to the log line that
// Observe writes, and for a 5xx the types of its causes, never their text.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	WriteErrorAs(w, r, err, func(f *fault.Error) any { return errorBody{errorWords{f.Code, f.Message, f.Field}} })
}

// WriteErrorAs does so with a body of another shape, which a client of another
// product expects.
func WriteErrorAs(w http.ResponseWriter, r *http.Request, err error, body func(*fault.Error) any) {
	f := fault.From(err)
	noteError(r, err)
	writeFault(w, Status(f.Code), body(f))
}

// WriteMethodNotAllowed answers 405 with the methods that would do and a hint
// that says how to ask instead.
func WriteMethodNotAllowed(w http.ResponseWriter, r *http.Request, hint string, allow ...string) {
	f := fault.New(fault.Invalid, hint)
	noteError(r, f)
	w.Header().Set("Allow", strings.Join(allow, ", "))
	writeFault(w, http.StatusMethodNotAllowed, errorBody{errorWords{f.Code, f.Message, f.Field}})
}

func writeFault(w http.ResponseWriter, status int, body any) {
	h := w.Header()
	switch status {
	case http.StatusUnauthorized:
		// Only Bearer is offered: a browser that sees Basic here asks its user for
		// a password in a window of its own. Basic is accepted all the same.
		h.Set("WWW-Authenticate", `Bearer realm="loch"`)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if h.Get("Retry-After") == "" {
			h.Set("Retry-After", strconv.Itoa(retryAfterSeconds))
		}
	}
	WriteJSON(w, status, body)
}

// WriteJSON answers with v as JSON. The value is encoded before the first byte
// is sent, so that one that cannot be encoded gives a clean 500. No answer of
// /api may be kept by a cache.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		status = http.StatusInternalServerError
		f := fault.From(err)
		buf.Reset()
		// Three strings always encode.
		_ = enc.Encode(errorBody{errorWords{f.Code, f.Message, ""}})
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(buf.Len()))
	h.Set("X-Content-Type-Options", "nosniff")
	NoStore(w)
	w.WriteHeader(status)
	// A client that went away is nobody's error.
	_, _ = w.Write(buf.Bytes())
}

// NoStore tells every cache to keep nothing of this answer. WriteError and
// WriteJSON call it; a handler that streams calls it itself.
func NoStore(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
}

// Detach returns a context that goes on when the client hangs up, and ends at the
// same deadline, if there is one: on Lambda nothing outlives its request.
func Detach(ctx context.Context) (context.Context, context.CancelFunc) {
	detached := context.WithoutCancel(ctx)
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadline(detached, deadline)
	}
	return context.WithCancel(detached)
}
