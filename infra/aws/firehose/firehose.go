// Package firehose keeps events by way of Amazon Data Firehose: it is the
// event.Sink of AWS.
//
// A request's rows become JSON documents, one a line, as many to a record as fit,
// since each record is billed in steps of 5 KB. Records that Firehose does not
// take are sent again for as long as the request allows; what is left then is
// spilled into a bucket, from where functions/redrive brings it back. Only when
// the bucket fails too is the client told to send again.
//
//	Put ─ rejections ─→ stream "rejected" ─┐ not taken in time
//	    ─ rows ───────→ stream "events" ───┴→ spill/… in the bucket ─→ 503
//
// What becomes durable where, what a client sees that sends again, and how an
// operator proves that everything adds up stands in DESIGN.md.
package firehose

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/firehose"

	"loch/shared/event"
	"loch/shared/fault"
)

// API is what is used of the SDK's client.
type API interface {
	PutRecordBatch(ctx context.Context, in *firehose.PutRecordBatchInput, opts ...func(*firehose.Options)) (*firehose.PutRecordBatchOutput, error)
}

// Objects is a bucket. PutNew does nothing when an object of the name is there.
type Objects interface {
	PutNew(ctx context.Context, key string, body []byte) error
}

// Options are what a Sink needs, and its settings.
type Options struct {
	API      API
	Events   string // the stream of rows
	Rejected string // the stream of rejected input
	Objects  Objects
	Counters *Counters
	Logger   *slog.Logger
	Now      func() time.Time
	Random   func() float64 // from 0 to 1, for back-off; called by many goroutines

	// Patience is how long Put offers records to Firehose before it spills them: 2 s
	// when 0. It never takes the last SpillReserve (2 s when 0) of a request's time.
	Patience, SpillReserve time.Duration
	// CallTimeout bounds one call; 2 s when 0. What it ends may have been done.
	CallTimeout time.Duration
	// FirstPause is the longest pause after the first failure; 50 ms when 0. It
	// doubles with each failure, up to 1 s.
	FirstPause time.Duration
}

// Sink implements event.Sink. Its methods may be called from many goroutines.
type Sink struct {
	Options

	// ailing is set while Firehose takes nothing. A request then offers its records
	// once and spills them: to wait for each would pay for Lambda that waits.
	ailing atomic.Bool
}

// New returns a sink.
func New(o Options) *Sink {
	o.Patience = or(o.Patience, 2*time.Second)
	o.SpillReserve = or(o.SpillReserve, 2*time.Second)
	o.CallTimeout = or(o.CallTimeout, 2*time.Second)
	o.FirstPause = or(o.FirstPause, 50*time.Millisecond)
	if o.Counters == nil {
		o.Counters = &Counters{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Sink{Options: o}
}

func or(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

// Kind says which of the two streams documents are for. It is a folder of the
// spill.
type Kind string

// The kinds.
const (
	KindEvents   Kind = "events"
	KindRejected Kind = "rejected"
)

func (s *Sink) stream(k Kind) string {
	if k == KindRejected {
		return s.Rejected
	}
	return s.Events
}

// Put implements event.Sink: nil means that each row and each rejection is durable
// in Firehose or in the bucket. An error of code Unavailable means that it is not
// so for all of them; some may be, which their request's counts tell (DESIGN.md).
// An error of code TooLarge means that a row does not fit into a record and that
// nothing was kept: ask Fits before.
//
// Rejections go first, and with them the counts, so that a part of the rows is
// never there without the number that there should be.
func (s *Sink) Put(ctx context.Context, p *event.Parcel) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(err, fault.Unavailable, "the request was given up before its events were written; nothing was kept")
	}
	rows, notes := packs.Get().(*pack), packs.Get().(*pack)
	defer rows.release()
	defer notes.release()
	if err := rows.addRows(p); err != nil {
		return err
	}
	records := rows.records()
	if err := s.addNotes(ctx, notes, p, len(records) > 1); err != nil {
		return s.failed(p, err)
	}
	if err := s.keep(ctx, KindRejected, notes.records(), p.Receipt.ReceivedTimeMS); err != nil {
		return s.failed(p, err)
	}
	if err := s.keep(ctx, KindEvents, records, p.Receipt.ReceivedTimeMS); err != nil {
		return s.failed(p, err)
	}
	s.Counters.add(Counts{Rows: int64(len(p.Rows)), Rejected: int64(len(p.Rejected))})
	return nil
}

// failed counts a parcel that was not acknowledged and names its request to the
// operator: its rows may be in the lake and are nobody's.
func (s *Sink) failed(p *event.Parcel, err error) error {
	s.Counters.add(Counts{Unacknowledged: int64(p.Receipt.Received)})
	s.Logger.Error("events were not acknowledged", "request_id", p.Receipt.RequestID, "received", p.Receipt.Received, "code", fault.CodeOf(err))
	return fault.Wrap(err, fault.Unavailable, "neither the stream nor the bucket took the events; send them again later")
}

// keep makes records durable: in Firehose, or else in the bucket.
func (s *Sink) keep(ctx context.Context, k Kind, records [][]byte, receivedMS int64) error {
	left := s.deliver(ctx, s.stream(k), records)
	if len(left) == 0 {
		return nil
	}
	return s.spill(ctx, k, left, receivedMS)
}

// Resend sends documents to a stream, each with its newline, and never spills. Nil
// means that Firehose has all of them. It is for what is in the bucket already,
// which a spill of its own would overwrite and a redrive then delete.
func (s *Sink) Resend(ctx context.Context, k string, documents [][]byte) error {
	if Kind(k) != KindEvents && Kind(k) != KindRejected {
		return fault.Newf(fault.Invalid, "there is no stream of this kind; there are %s and %s", KindEvents, KindRejected)
	}
	p := packs.Get().(*pack)
	defer p.release()
	for _, d := range documents {
		p.buf = append(p.buf, d...)
		if err := p.end(); err != nil {
			return err
		}
	}
	if left := s.deliver(ctx, s.stream(Kind(k)), p.records()); len(left) > 0 {
		return fault.New(fault.Unavailable, "Firehose does not take the records; they stay where they are")
	}
	return nil
}
