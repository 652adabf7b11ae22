// Package s3test runs a server in the process that speaks S3's protocol, for
// tests, and lets it fail.
package s3test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"loch/infra/aws/s3"
)

// BucketName is the bucket that is there.
const BucketName = "lake"

// Credentials are keys that stand-ins take.
var Credentials = credentials.NewStaticCredentialsProvider("AK", "SK", "")

// Server is a running server.
type Server struct {
	URL    string
	Bucket *s3.Bucket

	mu   sync.Mutex
	fail func(r *http.Request) Failure
}

// Failure is what becomes of a request.
type Failure int

// The failures.
const (
	None     Failure = iota
	Refused          // 503 SlowDown, and nothing is done
	Forgets          // it is done, and answered with 500
	Rejected         // 403 AccessDenied
)

// Start starts a server with an empty bucket. It stops when the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	memory := s3mem.New()
	if err := memory.CreateBucket(BucketName); err != nil {
		t.Fatal(err)
	}
	fake := gofakes3.New(memory).Server()
	s := &Server{}
	front := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		failure := None
		if s.fail != nil {
			failure = s.fail(r)
		}
		s.mu.Unlock()
		switch failure {
		case None:
			fake.ServeHTTP(w, r)
		case Refused:
			answer(w, r, http.StatusServiceUnavailable, "SlowDown")
		case Rejected:
			answer(w, r, http.StatusForbidden, "AccessDenied")
		case Forgets:
			fake.ServeHTTP(httptest.NewRecorder(), r)
			answer(w, r, http.StatusInternalServerError, "InternalError")
		}
	}))
	// It writes a line whenever a client goes away.
	front.Config.ErrorLog = log.New(io.Discard, "", 0)
	front.Start()
	t.Cleanup(front.Close)
	s.URL = front.URL
	s.Bucket = s3.New(s3.Options{
		Region: "eu-north-1", Bucket: BucketName, Endpoint: front.URL, Credentials: Credentials,
	})
	return s
}

func answer(w http.ResponseWriter, r *http.Request, status int, code string) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `<?xml version="1.0"?><Error><Code>`+code+`</Code><Message>arn:aws:s3:::secret</Message></Error>`)
}

// Fail asks fn about each request from now on, one at a time; nil ends it.
func (s *Server) Fail(fn func(r *http.Request) Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = fn
}

// Objects reads every object whose key begins with prefix.
func (s *Server) Objects(t testing.TB, prefix string) map[string][]byte {
	t.Helper()
	s.Fail(nil)
	var keys []string
	err := s.Bucket.List(t.Context(), prefix, func(key string, _ int64, _ time.Time) error {
		keys = append(keys, key)
		return nil
	})
	if err != nil || !slices.IsSorted(keys) {
		t.Fatalf("listing: %v", err)
	}
	all := map[string][]byte{}
	for _, key := range keys {
		body, err := s.Bucket.Get(t.Context(), key)
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		text, err := io.ReadAll(body)
		if err := body.Close(); err != nil {
			t.Fatal(err)
		}
		if err != nil || !strings.HasPrefix(key, prefix) {
			t.Fatalf("%s: %v", key, err)
		}
		all[key] = text
	}
	return all
}
