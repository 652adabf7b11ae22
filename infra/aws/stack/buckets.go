package stack

import (
	"context"
	"encoding/xml"
	"errors"
	"net/url"
	"strings"
	"time"

	"loch/shared/checkup"
)

func (s *Stack) lookAtLake(ctx context.Context) checkup.Finding {
	return s.lookAtBucket(ctx, s.outputs["Lake"])
}

// lookAtAnswers looks at the bucket into which Athena writes answers: the workgroup says
// which.
func (s *Stack) lookAtAnswers(ctx context.Context) checkup.Finding {
	is, err := s.workgroup(ctx)
	if err != nil {
		return s.blind(err, "the workgroup", "athena:GetWorkGroup")
	}
	bucket, _, _ := strings.Cut(strings.TrimPrefix(is.WorkGroup.Configuration.ResultConfiguration.OutputLocation, "s3://"), "/")
	if bucket == "" {
		return checkup.Bad("the workgroup names none", s.deploy())
	}
	return s.lookAtBucket(ctx, bucket)
}

// lookAtBucket looks whether a bucket is shut to the public, encrypted with the stack's
// key, and keeps what was overwritten.
func (s *Stack) lookAtBucket(ctx context.Context, bucket string) checkup.Finding {
	var wrong problems
	var shut struct {
		BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets bool
	}
	path := "/" + url.PathEscape(bucket)
	err := s.access.get(ctx, objects, path+"?publicAccessBlock=", xml.Unmarshal, &shut)
	if err != nil && !isCode(err, "NoSuchPublicAccessBlockConfiguration") {
		return s.blind(err, "the bucket", "s3:GetBucketPublicAccessBlock")
	}
	wrong.unless(shut.BlockPublicAcls && shut.IgnorePublicAcls && shut.BlockPublicPolicy && shut.RestrictPublicBuckets, "it can be made public")
	var sealed struct {
		Rules []struct {
			Default struct {
				Algorithm string `xml:"SSEAlgorithm"`
			} `xml:"ApplyServerSideEncryptionByDefault"`
			BucketKeyEnabled bool
		} `xml:"Rule"`
	}
	err = s.access.get(ctx, objects, path+"?encryption=", xml.Unmarshal, &sealed)
	if err != nil && !isCode(err, "ServerSideEncryptionConfigurationNotFoundError") {
		return s.blind(err, "the bucket", "s3:GetEncryptionConfiguration")
	}
	wrong.unless(len(sealed.Rules) > 0 && strings.HasPrefix(sealed.Rules[0].Default.Algorithm, "aws:kms"), "it is not encrypted with a key of the account")
	wrong.unless(len(sealed.Rules) > 0 && sealed.Rules[0].BucketKeyEnabled, "each object asks KMS for a key of its own, which costs")
	var kept struct{ Status string }
	if err := s.access.get(ctx, objects, path+"?versioning=", xml.Unmarshal, &kept); err != nil {
		return s.blind(err, "the bucket", "s3:GetBucketVersioning")
	}
	wrong.unless(kept.Status == "Enabled", "what is overwritten or deleted is gone at once")
	return wrong.finding("shut to the public, encrypted, keeps old versions", s.deploy())
}

func isCode(err error, code string) bool {
	r, ok := errors.AsType[*Refused](err)
	return ok && r.Code == code
}

// waiting are objects under a prefix.
type waiting struct {
	count  int
	more   bool // than were counted
	oldest time.Time
	newest time.Time
}

// objectsUnder counts the first thousand.
func (s *Stack) objectsUnder(ctx context.Context, prefix string) (w waiting, err error) {
	var page struct {
		IsTruncated bool
		Contents    []struct{ LastModified time.Time }
	}
	path := "/" + url.PathEscape(s.outputs["Lake"]) + "?list-type=2&prefix=" + url.QueryEscape(prefix)
	if err := s.access.get(ctx, objects, path, xml.Unmarshal, &page); err != nil {
		return w, err
	}
	w.count, w.more = len(page.Contents), page.IsTruncated
	for _, o := range page.Contents {
		if w.oldest.IsZero() || o.LastModified.Before(w.oldest) {
			w.oldest = o.LastModified
		}
		if o.LastModified.After(w.newest) {
			w.newest = o.LastModified
		}
	}
	return w, nil
}

func (w *waiting) words() string {
	if w.more {
		return "over a thousand objects"
	}
	return plural(w.count, "object")
}

// lateSpill is two runs of redrive, as the alarm spill-depth has it.
const lateSpill = 30 * time.Minute

// lookAtSpills looks for records that the stream did not take and that wait to be brought
// back.
func (s *Stack) lookAtSpills(ctx context.Context) checkup.Finding {
	w, err := s.objectsUnder(ctx, "spill/")
	switch {
	case err != nil:
		return s.blind(err, "the bucket", "s3:ListBucket")
	case w.count == 0:
		return checkup.Well("none wait")
	case s.access.Now().Sub(w.oldest) > lateSpill:
		return checkup.Bad(w.words()+" wait, the oldest since "+s.since(w.oldest), "see infra/aws/README.md#spill-depth")
	}
	return checkup.Warn(w.words()+" wait to be brought back", "redrive does so every quarter of an hour; if it goes on, see infra/aws/README.md#spills")
}

// lookAtErrors looks for records that Firehose could not convert.
func (s *Stack) lookAtErrors(ctx context.Context) checkup.Finding {
	failed, err := s.objectsUnder(ctx, "errors/")
	if err != nil {
		return s.blind(err, "the bucket", "s3:ListBucket")
	}
	aside, err := s.objectsUnder(ctx, "unreadable/")
	switch {
	case err != nil:
		return s.blind(err, "the bucket", "s3:ListBucket")
	case failed.count > 0 && s.access.Now().Sub(failed.oldest) > lateSpill:
		return checkup.Bad(failed.words()+" in errors/, the oldest from "+s.since(failed.oldest), "see infra/aws/README.md#events-conversion")
	case failed.count > 0:
		return checkup.Warn(failed.words()+" in errors/ wait for redrive", "look again in half an hour; if they stay, see infra/aws/README.md#events-conversion")
	case aside.count > 0:
		return checkup.Warn(aside.words()+" set aside in unreadable/, which fit no table", "see infra/aws/README.md#events-conversion; after mending the cause invoke "+s.Name+`-redrive with {"again":true}`)
	}
	return checkup.Well("nothing: every record became a row")
}
