// Package dynamo keeps profiles, the vault, the audit ledger and the projects in
// DynamoDB.
//
// A person is one item: what is said about them, whose device they are, that they
// were erased. So most of what a request does to a person is one call, which says in
// its condition what it relies on; where the condition does not hold, the answer
// brings the item, and the next call is made from that. How the tables are laid out,
// what is one transaction and what is carried out in steps stands in DESIGN.md.
//
// Nothing outlives its call: there is no goroutine, no queue and no timer here that
// a frozen Lambda instance could take along.
package dynamo

import (
	"encoding/binary"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"loch/shared/fault"
)

// ClientOptions are what a client of DynamoDB is made of. It is made by hand, since
// reading AWS's usual configuration costs a Lambda more time at its start than all
// the rest together.
type ClientOptions struct {
	Region      string
	Endpoint    string // another address than the region's, for an engine on this machine
	Credentials aws.CredentialsProvider
	HTTP        *http.Client // nil is the SDK's own
}

// NewClient makes a client that tries each call once: when and for how long to try
// again is decided here, by the request's deadline.
func NewClient(o ClientOptions) *dynamodb.Client {
	options := dynamodb.Options{Region: o.Region, Credentials: o.Credentials, Retryer: aws.NopRetryer{}}
	if o.Endpoint != "" {
		options.BaseEndpoint = aws.String(o.Endpoint)
	}
	if o.HTTP != nil {
		options.HTTPClient = o.HTTP
	}
	return dynamodb.New(options)
}

// Options are the means of every store in this package.
type Options struct {
	Prefix string           // of the tables' names: "loch" has loch-profiles
	Now    func() time.Time // the clock
	Rand   io.Reader        // randomness, for the names of calls and for back-off

	// Patience is how long one operation goes on trying against throttles and
	// failures, if the context does not end before; 0 is 8 s. Of profiles 30 s is the most.
	Patience time.Duration
	// CallTime is how long one call may go unanswered before it is made again; 0 is
	// 2 s. DynamoDB answers in milliseconds or not at all.
	CallTime time.Duration
	// Count is told of every call. It may be nil, and is called from many goroutines.
	Count func(Call)
}

// Call is one answered or failed call, for whoever counts what the store costs. The
// units are those that DynamoDB tells, and at least what its rules say where an engine
// on a machine tells less: two for each item that a transaction writes, one for each
// item that is asked for, and for a refused write what it would have been.
type Call struct {
	Kind   string  // the operation by DynamoDB's name: "UpdateItem"
	Table  string  // by its name in Tables
	Reads  float64 // read request units
	Writes float64 // write request units
	Failed bool    // throttled, refused by its condition, or not answered
}

const (
	defaultPatience = 8 * time.Second
	defaultCallTime = 2 * time.Second
)

// table is one table and the means to use it.
type table struct {
	Options
	api   *dynamodb.Client
	short string // its name in Tables
	name  string
}

func newTable(api *dynamodb.Client, short string, o Options) *table {
	if o.Patience <= 0 {
		o.Patience = defaultPatience
	}
	if o.CallTime <= 0 {
		o.CallTime = defaultCallTime
	}
	return &table{Options: o, api: api, short: short, name: o.Prefix + "-" + short}
}

// random draws a number.
func (t *table) random() (uint64, error) {
	var b [8]byte
	if _, err := io.ReadFull(t.Rand, b[:]); err != nil {
		return 0, fault.Wrap(err, fault.Unavailable, "there is no randomness to name a call by")
	}
	return binary.BigEndian.Uint64(b[:]), nil
}

func (t *table) nowMS() int64 { return t.Now().UnixMilli() }
