// Package dynamotest runs a server in the process that speaks DynamoDB's protocol, for
// tests and benchmarks that should need no Java: the calls, expressions and limits that
// infra/aws/dynamo uses, and the capacity that AWS would bill, by AWS's rules.
//
// It keeps everything in maps under one lock, so it knows no throttles and no conflicts.
// That it answers as DynamoDB does is shown by the contracts of every store, which run
// against it here and against DynamoDB Local in infra/aws/dynamo/local.
package dynamotest

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"loch/infra/aws/dynamo"
)

// Server is one account's DynamoDB.
type Server struct {
	mu     sync.Mutex
	tables map[string]*table
	done   map[string]bool // transactions, by the client's token
}

// New makes an account without tables.
func New() *Server { return &Server{tables: map[string]*table{}, done: map[string]bool{}} }

// Listen serves on this machine until the test ends, and returns the address.
func (s *Server) Listen(t testing.TB) (url string) {
	t.Helper()
	front := httptest.NewServer(s)
	t.Cleanup(front.Close)
	return front.URL
}

// Client is a client in the same process, without a network between, to an account
// that has the tables of a stack.
func (s *Server) Client(t testing.TB, prefix string) *dynamodb.Client {
	t.Helper()
	api := dynamo.NewClient(dynamo.ClientOptions{
		Region: "eu-north-1", Endpoint: "http://dynamodb.example", HTTP: &http.Client{Transport: s},
		Credentials: credentials.NewStaticCredentialsProvider("AK", "SK", ""),
	})
	if err := dynamo.CreateTables(t.Context(), api, prefix); err != nil {
		t.Fatal(err)
	}
	return api
}

// Bytes is what all tables hold, as AWS counts it.
func (s *Server) Bytes() (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	const overhead = 100 // of each item, which storage is billed with
	for _, t := range s.tables {
		for _, items := range t.items {
			for _, i := range items {
				n += int64(i.size()) + overhead
			}
		}
	}
	return n
}

// RoundTrip answers a request without a network.
func (s *Server) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	_ = r.Body.Close()
	return w.Result(), nil
}

// failure is an error as DynamoDB answers it.
type failure struct {
	kind    string
	words   string
	item    item  // of a condition that does not hold
	reasons []any // of a transaction
}

func (f *failure) Error() string { return f.kind + ": " + f.words }

func invalid(words string) *failure { return &failure{kind: "ValidationException", words: words} }

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	out, err := s.answer(operation, body)
	status := http.StatusOK
	if err != nil {
		f, ok := errors.AsType[*failure](err)
		if !ok {
			f = &failure{kind: "SerializationException", words: err.Error()}
		}
		members := map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#" + f.kind, "message": f.words}
		if f.item != nil {
			members["Item"] = f.item
		}
		if f.reasons != nil {
			members["CancellationReasons"] = f.reasons
		}
		out, status = members, http.StatusBadRequest
	}
	text, err := json.Marshal(out)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}

func (s *Server) answer(operation string, body []byte) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch operation {
	case "CreateTable":
		return call(body, s.createTable)
	case "DescribeTable":
		return call(body, s.describeTable)
	case "UpdateTimeToLive":
		return call(body, s.updateTimeToLive)
	case "GetItem":
		return call(body, s.getItem)
	case "BatchGetItem":
		return call(body, s.batchGetItem)
	case "Query":
		return call(body, s.query)
	case "Scan":
		return call(body, s.scan)
	case "PutItem":
		return call(body, s.one((*Server).put))
	case "UpdateItem":
		return call(body, s.one((*Server).update))
	case "DeleteItem":
		return call(body, s.one((*Server).delete))
	case "BatchWriteItem":
		return call(body, s.batchWriteItem)
	case "TransactWriteItems":
		return call(body, s.transactWriteItems)
	}
	return nil, &failure{kind: "UnknownOperationException", words: "the stand-in has no " + operation}
}

// call decodes a call's input. A member that the stand-in does not know is an error, so
// that none is passed over in silence.
func call[In any](body []byte, fn func(*In) (any, error)) (any, error) {
	var in In
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return nil, err
	}
	return fn(&in)
}
