package lake

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"loch/infra/local/wal"
)

// RollerOptions set when the log is rolled over.
type RollerOptions struct {
	// MaxAge closes a segment that is not full yet, so that events reach the
	// lake on quiet days too. 0 means 5 minutes.
	MaxAge time.Duration
	// Every is how often Run looks. 0 means every second.
	Every time.Duration
	// Before is called when a segment is about to become part of the lake and leave the
	// log: whoever would learn something from the log again after a crash makes it
	// durable now. Its failure keeps the segment in the log. It may be nil.
	Before func(ctx context.Context) error
	Now    func() time.Time
	Logger *slog.Logger
}

// Roller moves what the log holds into the lake: each closed segment becomes
// one commit, in order.
type Roller struct {
	lake *Lake
	log  *wal.Log

	maxAge, every time.Duration
	before        func(ctx context.Context) error
	now           func() time.Time
	logger        *slog.Logger

	mu       sync.Mutex // one roll-over at a time: a later segment never before an earlier
	said     string     // the failure that was logged last
	saidTime time.Time
}

// NewRoller returns a roller. Now and Logger must be set.
func NewRoller(l *Lake, log *wal.Log, o RollerOptions) *Roller {
	if o.MaxAge <= 0 {
		o.MaxAge = 5 * time.Minute
	}
	if o.Every <= 0 {
		o.Every = time.Second
	}
	if o.Before == nil {
		o.Before = func(context.Context) error { return nil }
	}
	return &Roller{lake: l, log: log, maxAge: o.MaxAge, every: o.Every, before: o.Before, now: o.Now, logger: o.Logger}
}

// RollAll rolls every closed segment over, and stops at the first that fails:
// Snapshot.Rolled promises that all before it are in the lake. To bring in
// everything, rotate the log first.
func (r *Roller) RollAll(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rollAll(ctx)
}

func (r *Roller) rollAll(ctx context.Context) error {
	for _, segment := range r.log.Segments() {
		if !segment.Closed {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.roll(ctx, segment); err != nil {
			return err
		}
	}
	return nil
}

// Run rolls segments over as they close, and closes those that grow old, until
// ctx ends. A failure, such as a full disk, is logged and the work tried again:
// the events are safe in the log meanwhile.
func (r *Roller) Run(ctx context.Context) {
	ticker := time.NewTicker(r.every)
	defer ticker.Stop()
	for {
		r.step(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// repeatAfter is how long the same failure is not logged again.
const repeatAfter = time.Minute

// step is one turn of Run.
func (r *Roller) step(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.turn(ctx)
	if ctx.Err() != nil {
		return // a stop in the middle is no failure
	}
	switch {
	case err == nil:
		if r.said != "" {
			r.logger.Info("the log is rolled over again")
		}
		r.said = ""
	case err.Error() != r.said || r.now().Sub(r.saidTime) >= repeatAfter:
		r.said, r.saidTime = err.Error(), r.now()
		r.logger.Error("the log cannot be rolled over into the lake; its events are safe and it is tried again",
			"error", err, "cause", cause(err))
	}
}

func (r *Roller) turn(ctx context.Context) error {
	if err := r.lake.catchUp(); err != nil {
		return err
	}
	for _, segment := range r.log.Segments() {
		if segment.Closed || segment.Parcels == 0 || r.now().Sub(segment.OpenedAt) < r.maxAge {
			continue
		}
		if err := r.log.Rotate(); err != nil {
			return err
		}
		break
	}
	return r.rollAll(ctx)
}

// catchUp ends a commit that the disk kept from ending, and cleans up.
func (l *Lake) catchUp() error { return l.exclusively(l.settle) }

// cause is the innermost error, which a fault does not show by itself. Here it
// is the disk's, and holds paths below the data folder and nothing of a
// client's.
func cause(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
