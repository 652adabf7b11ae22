package s3

import (
	"context"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Copy makes to a copy of from, without its bytes passing through here. What was at
// to is replaced. An object may have 5 GB.
func (b *Bucket) Copy(ctx context.Context, from, to string) error {
	source := url.URL{Path: b.name + "/" + from} // escaped, as the header wants it
	_, err := b.api.CopyObject(ctx, &s3.CopyObjectInput{Bucket: aws.String(b.name), Key: aws.String(to), CopySource: aws.String(source.EscapedPath())})
	if err != nil {
		return explain(err)
	}
	return nil
}
