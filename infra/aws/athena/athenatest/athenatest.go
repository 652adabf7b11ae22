// Package athenatest is a stand-in for AWS Athena: a server that speaks its
// protocol, enforces its limits and runs statements on whatever a test gives it.
//
// It is strict where Athena is: unknown fields, tokens that are too short, values
// that do not fit a statement's question marks, answers that are asked for too
// early. A statement is QUEUED when it is looked at first, RUNNING while it runs,
// and its answer comes in pages of a thousand rows, the first of which is a header.
package athenatest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// Column is a column of an answer; Type is Trino's name for it.
type Column struct{ Name, Type string }

// Columns makes columns of names and types: "n bigint".
func Columns(texts ...string) []Column {
	list := make([]Column, len(texts))
	for i, text := range texts {
		list[i].Name, list[i].Type, _ = strings.Cut(text, " ")
	}
	return list
}

// Answer is what a statement gives. Values are as Trino's protocol has them:
// strings, json.Number, bool, lists and maps.
type Answer struct {
	Columns []Column
	Rows    [][]any
}

// Failure is how a statement fails: as Athena says it ("SYNTAX_ERROR: line 1:8: …").
type Failure struct {
	Reason    string
	Category  int  // 1 the system's, 2 the statement's
	Cancelled bool // it ended as CANCELLED, as one does that scans too much
}

func (f *Failure) Error() string { return f.Reason }

// Run runs a statement with names looked up in a database. An error that is no
// *Failure is a mistake of the system's.
type Run func(ctx context.Context, database, statement string) (Answer, error)

// Server is the stand-in. Its fields may be set before the first request.
type Server struct {
	URL       string
	Workgroup string // the one that there is: "loch"

	run     Run
	ctx     context.Context // of the test; statements end with it
	mu      sync.Mutex
	started map[string]*execution // by id
	tokens  map[string]*execution // by ClientRequestToken
	fail    func(operation string) (status int, code string)
	forget  func(operation string) bool
	wait    sync.WaitGroup
}

// execution is one statement.
type execution struct {
	id, token, statement, text string
	database                   string
	values                     []string
	reuse                      int
	cancel                     context.CancelFunc
	looks                      int
	done, stopped, expired     bool
	answer                     Answer
	err                        error
}

// Start starts a server that runs statements with run. It stops when the test ends.
func Start(t testing.TB, run Run) *Server {
	t.Helper()
	s := &Server{Workgroup: "loch", run: run, ctx: t.Context(), started: map[string]*execution{}, tokens: map[string]*execution{}}
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		server.Close()
		s.mu.Lock()
		for _, x := range s.started {
			x.cancel()
		}
		s.mu.Unlock()
		s.wait.Wait()
	})
	s.URL = server.URL
	return s
}

// Fail asks fn about each request from now on: a status that is not 0 is answered,
// with the error's code, and nothing is done.
func (s *Server) Fail(fn func(operation string) (status int, code string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = fn
}

// Forget asks fn about each request from now on, after it was done: where it says so,
// the answer is that the service failed.
func (s *Server) Forget(fn func(operation string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget = fn
}

// Statements are the texts that were started, with values in place, in no order.
func (s *Server) Statements() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for _, x := range s.started {
		list = append(list, x.text)
	}
	return list
}

// Expire takes the answers of all statements that have ended, as the lifecycle of the
// bucket does in which they are; the statements are still known.
func (s *Server) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.started {
		x.expired = x.done
	}
}

// Stopped tells how many statements were ended by request while they ran.
func (s *Server) Stopped() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, x := range s.started {
		if x.stopped {
			n++
		}
	}
	return n
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation, known := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "AmazonAthena.")
	if r.Method != http.MethodPost || r.URL.Path != "/" || !known || r.Header.Get("Content-Type") != "application/x-amz-json-1.1" ||
		!strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") {
		refuse(w, http.StatusBadRequest, "UnknownOperationException", "this is no call of Athena")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		if status, code := s.fail(operation); status != 0 {
			refuse(w, status, code, "arn:aws:athena:secret")
			return
		}
	}
	var out any
	var err error
	switch operation {
	case "StartQueryExecution":
		var in startInput
		if err = decode(r, &in); err == nil {
			out, err = s.start(in)
		}
	case "GetQueryExecution":
		var in struct{ QueryExecutionId string }
		if err = decode(r, &in); err == nil {
			out, err = s.look(in.QueryExecutionId)
		}
	case "GetQueryResults":
		var in resultsInput
		if err = decode(r, &in); err == nil {
			out, err = s.results(in)
		}
	case "StopQueryExecution":
		var in struct{ QueryExecutionId string }
		if err = decode(r, &in); err == nil {
			out, err = s.stop(in.QueryExecutionId)
		}
	default:
		err = fmt.Errorf("the stand-in does not know %s", operation)
	}
	if s.forget != nil && s.forget(operation) {
		refuse(w, http.StatusInternalServerError, "InternalServerException", "arn:aws:athena:secret")
		return
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "InvalidRequestException", err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(out)
}

func decode(r *http.Request, into any) error {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Errortype", code)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "Message": message, "AthenaErrorCode": "INVALID_INPUT"})
}

// newID is a UUID.
func newID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
