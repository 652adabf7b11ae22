package kms

import (
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// NewClient returns a client made by hand, which asks nothing of anyone: a function's
// start stays short. endpoint is another server than AWS's, or empty; client may be
// nil.
func NewClient(region, endpoint string, credentials aws.CredentialsProvider, client *http.Client) *kms.Client {
	o := kms.Options{
		Region: region, Credentials: credentials,
		Retryer: retry.NewStandard(func(r *retry.StandardOptions) {
			r.MaxAttempts, r.MaxBackoff = 4, 500*time.Millisecond
		}),
	}
	if endpoint != "" {
		o.BaseEndpoint = aws.String(endpoint)
	}
	if client != nil {
		o.HTTPClient = client
	}
	return kms.New(o)
}
