// Package s3 keeps whole objects in a bucket of AWS S3.
//
// It is as small as what is asked of it: put an object if its name is free, read
// one, list a folder, delete. Objects never change once they are there, so names
// that tell the content make a repeated put harmless.
package s3

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"loch/shared/fault"
)

// Options say which bucket it is and how to reach it.
type Options struct {
	Region      string
	Bucket      string
	Credentials aws.CredentialsProvider

	// Endpoint is another server than AWS's, with the bucket in the path; empty for
	// AWS.
	Endpoint string
	Client   *http.Client // nil for the SDK's own
}

// Bucket is one bucket. Its methods may be called from many goroutines.
type Bucket struct {
	api  *s3.Client
	name string
}

// New returns a bucket. It asks nothing of S3: a function's start stays short.
func New(o Options) *Bucket {
	settings := s3.Options{
		Region: o.Region, Credentials: o.Credentials,
		// A put of an object that is named after its content may be repeated by
		// anyone, so the SDK may do it as well.
		Retryer: retry.NewStandard(func(r *retry.StandardOptions) {
			r.MaxAttempts, r.MaxBackoff = 3, 300*time.Millisecond
		}),
	}
	if o.Endpoint != "" {
		settings.BaseEndpoint, settings.UsePathStyle = aws.String(o.Endpoint), true
	}
	if o.Client != nil {
		settings.HTTPClient = o.Client
	}
	return &Bucket{s3.New(settings), o.Bucket}
}

// conflicts is how often a put that met another put of the same name tries again.
const conflicts = 3

// PutNew puts an object unless there is one of its name. Nil means that one is
// there, this or the other; a name that tells the content makes them the same. An
// error of code Unavailable leaves it open whether the object is there.
func (b *Bucket) PutNew(ctx context.Context, key string, body []byte) error {
	for try := 1; ; try++ {
		_, err := b.api.PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String(b.name), Key: aws.String(key), IfNoneMatch: aws.String("*"),
			Body: bytes.NewReader(body), ContentLength: aws.Int64(int64(len(body))), ContentType: aws.String("application/octet-stream"),
		})
		switch code := codeOf(err); {
		case err == nil || code == "PreconditionFailed":
			return nil
		case code == "ConditionalRequestConflict" && try < conflicts:
			// Another put of this name is under way.
		default:
			return explain(err)
		}
	}
}

// Get opens an object. A fault of code NotFound says that there is none.
func (b *Bucket) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	out, err := b.api.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(b.name), Key: aws.String(key)})
	if err != nil {
		return nil, explain(err)
	}
	return out.Body, nil
}

// List calls fn for each object whose key begins with prefix, in the order of
// their keys, until fn returns an error, which it returns.
func (b *Bucket) List(ctx context.Context, prefix string, fn func(key string, bytes int64, at time.Time) error) error {
	pages := s3.NewListObjectsV2Paginator(b.api, &s3.ListObjectsV2Input{Bucket: aws.String(b.name), Prefix: aws.String(prefix)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return explain(err)
		}
		for _, o := range page.Contents {
			if err := fn(aws.ToString(o.Key), aws.ToInt64(o.Size), aws.ToTime(o.LastModified)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Delete deletes an object. It is no error when there is none.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	_, err := b.api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(b.name), Key: aws.String(key)})
	if err != nil {
		return explain(err)
	}
	return nil
}

func codeOf(err error) string {
	if answered, ok := errors.AsType[smithy.APIError](err); ok {
		return answered.ErrorCode()
	}
	return ""
}

// forbidden are the answers that stay the same however often one asks, and what
// to do about each.
var forbidden = map[string]string{
	"AccessDenied":          "this function may not do this in the bucket; look at its role, at the bucket's policy and at the key that encrypts it",
	"NoSuchBucket":          "the bucket does not exist; look at the name that the stack gives to this function",
	"PermanentRedirect":     "the bucket is in another region than this function",
	"InvalidAccessKeyId":    "AWS does not know this function's credentials",
	"SignatureDoesNotMatch": "AWS refuses this function's signature; look at its credentials and clock",
	"ExpiredToken":          "this function's credentials have expired",
	"KMS.DisabledException": "the key that encrypts the bucket is disabled; enable it, or cancel its deletion",
}

// explain tells what an answer means in words of ours. S3's own may hold keys and
// ARNs.
func explain(err error) error {
	code := codeOf(err)
	switch words, known := forbidden[code]; {
	case known:
		return fault.Wrap(err, fault.Forbidden, words)
	case code == "NoSuchKey" || code == "NotFound":
		return fault.Wrap(err, fault.NotFound, "there is no such object in the bucket")
	case code == "":
		return fault.Wrap(err, fault.Unavailable, "S3 cannot be reached")
	}
	return fault.Wrap(err, fault.Unavailable, "S3 is busy or failing")
}
