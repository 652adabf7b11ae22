package firehose

import (
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
)

// NewClient returns a client made by hand, which asks nothing of anyone: a
// function's start stays short. It does not try again by itself, since only the
// sink knows which records have failed and how long the request may take.
// endpoint is another server than AWS's, or empty; client may be nil.
func NewClient(region, endpoint string, credentials aws.CredentialsProvider, client *http.Client) *firehose.Client {
	o := firehose.Options{Region: region, Credentials: credentials, Retryer: aws.NopRetryer{}}
	if endpoint != "" {
		o.BaseEndpoint = aws.String(endpoint)
	}
	if client != nil {
		o.HTTPClient = client
	}
	return firehose.New(o)
}
