package athena

import (
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/athena"
)

// Access is how to reach Athena.
type Access struct {
	Region      string
	Credentials aws.CredentialsProvider
	Endpoint    string       // another server than AWS's; empty for AWS
	Client      *http.Client // nil for the SDK's own
}

// NewClient makes the SDK's client by hand, which is quicker at a function's start
// than its configuration is.
func NewClient(a Access) *athena.Client {
	settings := athena.Options{
		Region: a.Region, Credentials: a.Credentials,
		// All four calls may be repeated: a start carries a token.
		Retryer: retry.NewStandard(func(r *retry.StandardOptions) {
			r.MaxAttempts, r.MaxBackoff = 4, time.Second
		}),
	}
	if a.Endpoint != "" {
		settings.BaseEndpoint = aws.String(a.Endpoint)
	}
	if a.Client != nil {
		settings.HTTPClient = a.Client
	}
	return athena.New(settings)
}
