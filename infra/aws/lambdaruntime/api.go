package lambdaruntime

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// api is the Runtime API of one instance.
func (in *instance) api() http.Handler {
	mux := http.NewServeMux()
	const base = "/2018-06-01/runtime"
	mux.HandleFunc("GET "+base+"/invocation/next", in.next)
	mux.HandleFunc("POST "+base+"/invocation/{id}/response", in.response)
	mux.HandleFunc("POST "+base+"/invocation/{id}/error", in.failure)
	mux.HandleFunc("POST "+base+"/init/error", in.initError)
	return mux
}

// next gives the instance its next request. Until there is one it is frozen.
func (in *instance) next(w http.ResponseWriter, r *http.Request) {
	in.mu.Lock()
	first := in.first.IsZero()
	if first {
		in.first = time.Now()
	}
	in.mu.Unlock()
	in.signal(syscall.SIGSTOP)
	select {
	case in.polled <- struct{}{}:
	default:
	}
	if first { // after that, or the first request would take this poll for the one behind it
		close(in.ready)
	}
	select {
	case inv := <-in.work:
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:"+in.config.Name)
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000;Sampled=0")
		_, _ = w.Write(inv.payload) // an instance that went away is seen by its exit
	case <-r.Context().Done():
	case <-in.exited:
	}
}

// mine returns the request that an instance speaks of, and answers for it if it is
// not the one that it was given.
func (in *instance) mine(w http.ResponseWriter, r *http.Request) *invocation {
	in.mu.Lock()
	inv := in.current
	in.mu.Unlock()
	if inv != nil && inv.id == r.PathValue("id") {
		return inv
	}
	refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
	return nil
}

// heard ends the request. Only what is said first counts.
func (in *instance) heard(inv *invocation, a answer) {
	in.mu.Lock()
	if in.current == inv {
		in.current = nil
	}
	in.mu.Unlock()
	inv.answered <- a
}

func (in *instance) response(w http.ResponseWriter, r *http.Request) {
	inv := in.mine(w, r)
	if inv == nil {
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxPayloadBytes+1))
	if err != nil {
		return // it died while it answered, and is seen by its exit
	}
	if len(body) > MaxPayloadBytes {
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "Exceeded maximum allowed payload size (6291456 bytes).")
		in.heard(inv, answer{err: failed("Function.ResponseSizeTooLarge", inv.id, "Response payload size exceeded maximum allowed payload size (6291456 bytes).")})
		return
	}
	if die := in.config.DieBeforeAnswer; die != nil && die() {
		in.heard(inv, answer{dies: true})
		return
	}
	accepted(w)
	in.heard(inv, answer{body: body})
}

func (in *instance) failure(w http.ResponseWriter, r *http.Request) {
	inv := in.mine(w, r)
	if inv == nil {
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxPayloadBytes))
	if err != nil {
		return
	}
	accepted(w)
	kind := r.Header.Get("Lambda-Runtime-Function-Error-Type")
	var said struct {
		Type string `json:"errorType"`
	}
	if kind == "" && json.Unmarshal(body, &said) == nil {
		kind = said.Type
	}
	in.heard(inv, answer{err: &FunctionError{Type: kind, Payload: body}})
}

// initError is how an instance says that it cannot start; it exits then.
func (in *instance) initError(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxPayloadBytes))
	if err != nil {
		return
	}
	in.mu.Lock()
	in.initFail = body
	in.mu.Unlock()
	accepted(w)
}

func accepted(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

func refuse(w http.ResponseWriter, status int, kind, words string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"errorType": kind, "errorMessage": words})
}
