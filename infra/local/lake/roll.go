package lake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"

	"loch/infra/local/parquet"
	"loch/infra/local/wal"
	"loch/shared/event"
	"loch/shared/fault"
)

// roll brings one closed segment into the lake and removes it from the log. A
// second try after a crash gives the same commit, or finds it done.
func (r *Roller) roll(ctx context.Context, segment wal.Segment) error {
	commit, err := r.lake.Begin(RollID(segment.Seq))
	if errors.Is(err, ErrCommitted) {
		if err := r.before(ctx); err != nil {
			return err
		}
		return r.removeRolled(ctx, segment)
	}
	if err != nil {
		return err
	}
	defer func() { _ = commit.Abandon() }() // what it cannot clear away, the next Begin or Open does

	out := newRollFiles(commit, segment.Seq)
	defer out.abort()
	tally, err := r.read(ctx, segment, out.add)
	if err != nil {
		return err
	}
	if tally.requests == 0 {
		return r.log.Remove(segment.Seq)
	}
	if err := out.close(); err != nil {
		return err
	}
	if err := r.before(ctx); err != nil {
		return err
	}
	err = commit.Finish(Entry{
		Kind:     KindRoll,
		TimeMS:   r.now().UnixMilli(),
		Segment:  segment.Seq,
		Requests: tally.requests,
		Received: tally.received,
		Stored:   tally.rows,
		Rejected: tally.rejected,
		Digest:   tally.digest(),
	})
	if err != nil {
		return err
	}
	return r.log.Remove(segment.Seq)
}

// removeRolled removes a segment that is in the lake already, when a crash came
// between the commit and the removal. It compares first: were the number used
// for two segments, removing the second would lose what clients were promised.
func (r *Roller) removeRolled(ctx context.Context, segment wal.Segment) error {
	e, err := r.lake.entry(RollID(segment.Seq))
	if err != nil {
		return err
	}
	tally, err := r.read(ctx, segment, func(*event.Parcel) error { return nil })
	if err != nil {
		return err
	}
	if tally.requests > 0 && tally.digest() != e.Digest {
		return fault.Newf(fault.Internal, "segment %d of the log was rolled over before, with other content; "+
			"its number was used twice, and it stays in the log", segment.Seq)
	}
	return r.log.Remove(segment.Seq)
}

// read gives fn each parcel of a closed segment and counts them.
func (r *Roller) read(ctx context.Context, segment wal.Segment, fn func(*event.Parcel) error) (*tally, error) {
	t := &tally{sum: sha256.New()}
	_, err := r.log.Read(segment.Seq, 0, func(p *event.Parcel) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		t.add(p)
		return fn(p)
	})
	if err != nil {
		return nil, err
	}
	if t.requests != segment.Parcels || t.rows != segment.Rows || t.rejected != segment.Rejected {
		return nil, fault.Newf(fault.Internal, "segment %d of the log has %d requests, %d rows and %d rejected inputs; %d, %d and %d could be read",
			segment.Seq, segment.Parcels, segment.Rows, segment.Rejected, t.requests, t.rows, t.rejected)
	}
	return t, nil
}

// tally counts what a segment holds.
type tally struct {
	requests, received, rows, rejected int64
	sum                                hash.Hash
}

func (t *tally) add(p *event.Parcel) {
	t.requests++
	t.received += int64(p.Receipt.Received)
	t.rows += int64(len(p.Rows))
	t.rejected += int64(len(p.Rejected))
	t.sum.Write(fmt.Appendf(nil, "%q %d %d\n", p.Receipt.RequestID, p.Receipt.ReceivedTimeMS, p.Receipt.Received))
}

func (t *tally) digest() string { return hex.EncodeToString(t.sum.Sum(nil)[:16]) }

// rollFiles are the files that one segment becomes.
type rollFiles struct {
	rows     hours[event.Row]
	rejected hours[event.Rejected]
}

func newRollFiles(c *Commit, segment uint64) *rollFiles {
	return &rollFiles{
		rows: hours[event.Row]{
			commit: c, segment: segment, tier: Landing, create: parquet.CreateEvents,
			at: func(r *event.Row) int64 { return r.ReceivedTimeMS },
		},
		rejected: hours[event.Rejected]{
			commit: c, segment: segment, tier: Rejected, create: parquet.CreateRejected,
			at: func(r *event.Rejected) int64 { return r.ReceivedTimeMS },
		},
	}
}

func (f *rollFiles) add(p *event.Parcel) error {
	if err := f.rows.add(p.Rows); err != nil {
		return err
	}
	return f.rejected.add(p.Rejected)
}

func (f *rollFiles) close() error {
	if err := f.rows.close(); err != nil {
		return err
	}
	return f.rejected.close()
}

func (f *rollFiles) abort() {
	f.rows.abort()
	f.rejected.abort()
}
