package firehose

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/smithy-go"
)

// deliver offers records to a stream until it has taken all of them or the time
// for it is over, and returns those that it has not taken for certain.
//
// A call that was not answered may have been done. Its records are offered again,
// and may then be in the lake twice, with all their columns alike; so may they be
// when they are spilled. The relation events shows one of them.
func (s *Sink) deliver(ctx context.Context, stream string, records [][]byte) (left [][]byte) {
	if len(records) == 0 {
		return nil
	}
	ctx, cancel := context.WithDeadline(ctx, s.until(ctx))
	defer cancel()
	pause := s.FirstPause
	for left = records; ; {
		var again bool
		left, again = s.offer(ctx, stream, left)
		if len(left) == 0 {
			s.ailing.Store(false)
			return nil
		}
		if !again || s.ailing.Load() || !s.pause(ctx, pause) {
			s.ailing.Store(true)
			return left
		}
		s.Counters.add(Counts{RecordsRetried: int64(len(left))})
		pause = min(2*pause, longestPause)
	}
}

const longestPause = time.Second

// until is when records are spilled that were not taken: after Patience, and with
// enough left of the request's time.
func (s *Sink) until(ctx context.Context) time.Time {
	until := s.Now().Add(s.Patience)
	if deadline, ok := ctx.Deadline(); ok && deadline.Add(-s.SpillReserve).Before(until) {
		return deadline.Add(-s.SpillReserve)
	}
	return until
}

// pause waits for a random part of d, so that requests which failed together do
// not come back together. It tells whether there is any time after it.
func (s *Sink) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(time.Duration(s.Random() * float64(d)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// offer sends every record once and returns those that failed, and whether it
// makes sense to offer them again.
func (s *Sink) offer(ctx context.Context, stream string, records [][]byte) (left [][]byte, again bool) {
	for len(records) > 0 {
		n := batch(records)
		failed, err := s.call(ctx, stream, records[:n])
		left = append(left, failed...)
		records = records[n:]
		if err != nil && (ctx.Err() != nil || isLasting(err)) {
			return append(left, records...), false
		}
	}
	return left, true
}

// call is one PutRecordBatch. It returns the records that were not taken.
func (s *Sink) call(ctx context.Context, stream string, records [][]byte) (failed [][]byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.CallTimeout)
	defer cancel()
	in := &firehose.PutRecordBatchInput{DeliveryStreamName: aws.String(stream), Records: make([]types.Record, len(records))}
	for i, r := range records {
		in.Records[i].Data = r
	}
	out, err := s.API.PutRecordBatch(ctx, in)
	counts := Counts{Calls: 1}
	defer func() { s.Counters.add(counts) }()
	if err != nil || len(out.RequestResponses) != len(records) {
		counts.CallsFailed = 1
		if isUnanswered(err) {
			counts.CallsUnanswered = 1
		}
		s.Logger.Warn("a stream did not take a call", "stream", stream, "records", len(records), "answer", codeOf(err))
		return records, err
	}
	for i, r := range out.RequestResponses {
		if aws.ToString(r.ErrorCode) != "" || aws.ToString(r.RecordId) == "" {
			failed = append(failed, records[i])
			continue
		}
		counts.Records++
		counts.Bytes += int64(len(records[i]))
		counts.BilledBytes += int64(billed(len(records[i])))
	}
	counts.RecordsFailed = int64(len(failed))
	return failed, nil
}

// lasting are the answers that stay the same for as long as a request lives. Its
// events are spilled at once; the alarm on spills tells the operator.
var lasting = map[string]bool{
	(&types.ResourceNotFoundException{}).ErrorCode():   true,
	(&types.InvalidArgumentException{}).ErrorCode():    true,
	(&types.InvalidKMSResourceException{}).ErrorCode(): true,
	(&types.InvalidSourceException{}).ErrorCode():      true,
	"AccessDeniedException":                            true,
	"UnrecognizedClientException":                      true,
	"InvalidSignatureException":                        true,
	"ExpiredTokenException":                            true,
	"MissingAuthenticationTokenException":              true,
}

func isLasting(err error) bool { return lasting[codeOf(err)] }

// isUnanswered tells a call of which nobody knows whether it was done.
func isUnanswered(err error) bool {
	answered, ok := errors.AsType[smithy.APIError](err)
	return err != nil && (!ok || answered.ErrorCode() == "InternalFailure")
}

// codeOf is an answer's code, which holds nothing of what was sent.
func codeOf(err error) string {
	if answered, ok := errors.AsType[smithy.APIError](err); ok {
		return answered.ErrorCode()
	}
	return "none"
}
