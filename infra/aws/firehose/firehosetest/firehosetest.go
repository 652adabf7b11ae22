// Package firehosetest stands in for Amazon Data Firehose where no account can be
// reached: a server that speaks its protocol, keeps its limits, buffers, converts
// JSON to Parquet by the columns of a Glue table, and writes to a bucket.
//
// It is strict. Where the documentation leaves a thing open it takes the reading
// that is harder to live with: one document that does not convert takes its whole
// record to the error prefix, and the limit of a call counts its base64. It fails
// on demand as Firehose does: records one by one, calls, calls that were done and
// never answered, objects that are written twice, and whole minutes.
//
// Sources are the developer guide's pages "Convert input data format", "Handling
// errors for data format conversion", "Custom prefixes for Amazon S3 objects",
// "Quota", and the API reference of PutRecordBatch.
package firehosetest

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Column is a column of a Glue table, its type in Hive's words.
type Column struct {
	Name, Type string
}

// Stream is a delivery stream with format conversion.
type Stream struct {
	Name        string
	Columns     []Column
	Prefix      string // "landing/dt=!{timestamp:yyyy-MM-dd}/hour=!{timestamp:HH}/"
	ErrorPrefix string // "errors/!{firehose:error-output-type}/"

	// A buffer is delivered when it is as large or as old as this.
	BufferBytes    int           // 128 MiB when 0, and at least 64 MiB, as with conversion
	BufferInterval time.Duration // 300 s when 0, at most 900 s

	// Quotas by the second; 0 is none.
	QuotaRecords, QuotaCalls, QuotaBytes int
}

// Bucket takes what is delivered.
type Bucket interface {
	PutNew(ctx context.Context, key string, body []byte) error
}

// Faults say how often things go wrong, as probabilities.
type Faults struct {
	Record float64 // a record of a batch fails
	Refuse float64 // a call is refused with ServiceUnavailableException, and nothing is done
	Fail   float64 // a call ends with InternalFailure; whether it was done is a toss
	Forget float64 // a call is done, and its connection closed without an answer
	Twice  float64 // an object is delivered a second time under another name

	AwayUntil time.Time // nobody answers before
}

// Totals count what was accepted, as a bill does.
type Totals struct {
	Calls, Records, Bytes, BilledBytes int64
	Delivered, Failed                  int64 // documents in Parquet, records under the error prefix
}

// Server is a stand-in. It serves HTTP, and its methods may be called meanwhile.
type Server struct {
	bucket Bucket
	now    func() time.Time

	delivering sync.Mutex // one delivery at a time; taken before mu, and guards what is pending

	mu      sync.Mutex
	rng     *rand.Rand
	streams map[string]*stream
	faults  Faults
	totals  Totals
	soon    bool // a delivery is under way that no call waits for
}

// stream is a Stream at work.
type stream struct {
	Stream
	table   *table
	prefix  *prefix
	failed  *prefix
	buffer  []record
	bytes   int
	pending []object // converted and not in the bucket yet
	window  time.Time
	used    struct{ records, calls, bytes int } // of the quotas, in the window
}

type record struct {
	data    []byte
	arrived time.Time
}

// New returns a stand-in for the given streams. It refuses what Firehose would
// refuse when a stream is made.
func New(bucket Bucket, now func() time.Time, seed uint64, streams ...Stream) (*Server, error) {
	s := &Server{bucket: bucket, now: now, rng: rand.New(rand.NewPCG(seed, 1)), streams: map[string]*stream{}}
	for _, given := range streams {
		made, err := open(given)
		if err != nil {
			return nil, err
		}
		s.streams[given.Name] = made
	}
	return s, nil
}

// SetFaults changes what goes wrong from now on.
func (s *Server) SetFaults(f Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
}

// Totals returns what was accepted so far.
func (s *Server) Totals() Totals {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.totals
}

// chance tosses for a fault.
func (s *Server) chance(p float64) bool { return p > 0 && s.rng.Float64() < p }

var _ http.Handler = (*Server)(nil)
