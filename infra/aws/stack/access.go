package stack

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"loch/shared/fault"
)

// Access is how to reach an AWS account.
type Access struct {
	Region      string
	Credentials aws.CredentialsProvider
	// Endpoint is another server than AWS's for a service, by the name that AWS's tools
	// have for it: "CloudFormation". Empty is AWS. It may be nil.
	Endpoint func(service string) string
	HTTP     *http.Client
	Now      func() time.Time
	Sleep    func(ctx context.Context, d time.Duration) error // returns early when ctx ends
}

// Load finds region and credentials as AWS's own tools do: in the environment, in the
// files that `aws configure` writes, by single sign-on, from the role of the machine.
// region and profile may be empty.
func Load(ctx context.Context, region, profile string) (*Access, error) {
	c, err := config.LoadDefaultConfig(ctx, config.WithRegion(region), config.WithSharedConfigProfile(profile))
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "AWS's configuration cannot be used ("+err.Error()+"); look at --profile, AWS_PROFILE and ~/.aws/config")
	}
	if c.Region == "" {
		return nil, fault.New(fault.Invalid, "no region: say --region eu-north-1, set AWS_REGION, or put it into a profile with aws configure")
	}
	const patience = 30 * time.Second // for one answer
	return &Access{
		Region: c.Region, Credentials: c.Credentials, Endpoint: endpoints(ctx, &c),
		HTTP: &http.Client{Timeout: patience, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: 10 * time.Second}},
		Now:  time.Now,
		Sleep: func(ctx context.Context, d time.Duration) error {
			timer := time.NewTimer(d)
			defer timer.Stop()
			select {
			case <-timer.C:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	}, nil
}

// endpoints finds what AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_FIREHOSE and the like, and
// endpoint_url in a profile, say.
func endpoints(ctx context.Context, c *aws.Config) func(service string) string {
	return func(service string) string {
		for _, source := range c.ConfigSources {
			says, ok := source.(interface {
				GetServiceBaseEndpoint(ctx context.Context, service string) (string, bool, error)
			})
			if !ok {
				continue
			}
			if address, found, err := says.GetServiceBaseEndpoint(ctx, service); err == nil && found {
				return address
			}
		}
		return aws.ToString(c.BaseEndpoint)
	}
}

// service is one of AWS's, by its two names.
type service struct {
	id     string // of its endpoint variables
	signed string // in signatures, and in its address
	host   string // where its address has another name; empty for signed
	region string // where it is in one region only; empty for the stack's
}

var (
	cloudFormation = service{id: "CloudFormation", signed: "cloudformation"}
	cloudWatch     = service{id: "CloudWatch", signed: "monitoring"}
	notifications  = service{id: "SNS", signed: "sns"}
	deliveries     = service{id: "Firehose", signed: "firehose"}
	tables         = service{id: "DynamoDB", signed: "dynamodb"}
	keys           = service{id: "KMS", signed: "kms"}
	questions      = service{id: "Athena", signed: "athena"}
	functions      = service{id: "Lambda", signed: "lambda"}
	objects        = service{id: "S3", signed: "s3"}
	bills          = service{id: "Cost Explorer", signed: "ce", region: "us-east-1"}
)

// address is where a service answers, without a slash at the end.
func (a *Access) address(s service) string {
	if a.Endpoint != nil {
		if other := a.Endpoint(s.id); other != "" {
			return strings.TrimRight(other, "/")
		}
	}
	region := a.regionOf(s)
	suffix := ".amazonaws.com"
	if strings.HasPrefix(region, "cn-") {
		suffix += ".cn"
	}
	host := s.host
	if host == "" {
		host = s.signed
	}
	return "https://" + host + "." + region + suffix
}

func (a *Access) regionOf(s service) string {
	if s.region != "" {
		return s.region
	}
	return a.Region
}
