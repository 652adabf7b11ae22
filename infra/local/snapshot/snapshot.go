// Package snapshot brings profiles into the lake, so that SQL and reports can
// break events down by what is known about people: lake/profiles/.
//
// Two kinds of file stand there. A full one has everybody, each once; it replaces
// all files before it. Files of changes come behind it, a row for each profile that
// changed since, and one that says "gone" for each that was deleted, erased or
// linked to another. A person's newest row counts. Personal traits are in no row.
//
// Changes are written every minute, so the lake is a minute behind the profiles at
// most; an erasure writes them at once. A full snapshot is due when there are many
// files of changes, or an hour after the last: from then on the rows of an erased
// person are out of the files as well. It is due at once when other traits are
// personal than when the last was written.
package snapshot

import (
	"context"
	"errors"
	"log/slog"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"loch/infra/local/lake"
	"loch/infra/local/pebble"
	"loch/shared/profile"
)

// When snapshots are written.
const (
	Every     = time.Minute
	fullEvery = time.Hour // where anything changed
	mostFiles = 60        // of changes
	mostRows  = 50_000    // of one file of changes
)

// The names of files. The time in one is that of the rows; behind that of a full one
// stands by which policy it was written, so that the two are in place together.
const (
	fullPrefix    = "full-"
	changesPrefix = "changes-"
)

// Options are what a Writer needs besides the store and the lake.
type Options struct {
	// Personal returns what tells whether a trait of a project is
	// personal.
	Personal func(project string) profile.Personal
	// Policy is a word for all that Personal answers, another one when any answer is
	// another; lower-case letters and digits.
	Policy func() string
	Now    func() time.Time
	Logger *slog.Logger
}

// Writer writes snapshots. One at a time is written, whoever asks.
type Writer struct {
	store   *pebble.Profiles
	lake    *lake.Lake
	options Options

	mu     sync.Mutex
	lastMS int64 // of the newest file, so that times grow even where the clock does not
}

// New makes a writer.
func New(store *pebble.Profiles, l *lake.Lake, o Options) *Writer {
	return &Writer{store: store, lake: l, options: o}
}

// Run writes what is due until ctx ends.
func (w *Writer) Run(ctx context.Context) {
	ticker := time.NewTicker(Every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := w.Write(ctx); err != nil && ctx.Err() == nil {
			w.options.Logger.Error("profiles could not be written into the lake; it is tried again", "error", err)
		}
	}
}

// Write writes the changes, or everybody where that is due.
func (w *Writer) Write(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch there := w.files(); {
	case there.full == 0 || len(there.changes) >= mostFiles || there.policy != w.options.Policy(),
		len(there.changes) > 0 && w.options.Now().UnixMilli()-there.newestMS >= fullEvery.Milliseconds():
		return w.full(ctx)
	default:
		return w.changes(ctx)
	}
}

// Full writes everybody. It does nothing where nothing changed since the last time.
func (w *Writer) Full(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.full(ctx)
}

// Renew writes everybody anew where what lies in the lake was written while other
// traits were personal than now. Until it returns nil, SQL may see what it must not.
func (w *Writer) Renew(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if there := w.files(); there.full+len(there.changes) == 0 || there.policy == w.options.Policy() {
		return nil
	}
	return w.full(ctx)
}

// Changes writes what changed, at once. When it returns nil, SQL sees it.
func (w *Writer) Changes(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changes(ctx)
}

// files are those of profiles in the lake.
type files struct {
	full     int
	changes  []string
	newestMS int64  // when the newest full one was written
	policy   string // by which
}

// files looks at what is in the lake.
func (w *Writer) files() (there files) {
	now := w.lake.Snapshot()
	defer now.Release()
	for _, file := range now.Profiles {
		rel := w.lake.Rel(file)
		ms, policy := parse(rel)
		w.lastMS = max(w.lastMS, ms)
		if !strings.HasPrefix(path.Base(rel), fullPrefix) {
			there.changes = append(there.changes, rel)
			continue
		}
		if there.full++; ms >= there.newestMS {
			there.newestMS, there.policy = ms, policy
		}
	}
	return there
}

// parse reads the time and the policy out of a file's name.
func parse(rel string) (ms int64, policy string) {
	_, rest, _ := strings.Cut(strings.TrimSuffix(path.Base(rel), ".parquet"), "-")
	digits, policy, _ := strings.Cut(rest, "-")
	ms, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0, "" // not one of ours
	}
	return ms, policy
}

// next is the time of the next file. No two have the same.
func (w *Writer) next() int64 {
	w.files()
	w.lastMS = max(w.lastMS+1, w.options.Now().UnixMilli())
	return w.lastMS
}

// changes writes a file of what changed, another while there is more.
func (w *Writer) changes(ctx context.Context) error {
	for {
		more, err := w.someChanges(ctx)
		if err != nil || !more {
			return err
		}
	}
}

func (w *Writer) someChanges(ctx context.Context) (more bool, err error) {
	frozen, err := w.store.Freeze()
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, frozen.Close()) }()
	files := w.files()
	there := files.full+len(files.changes) > 0 // else nobody who is gone has a row anywhere
	out := w.begin(changesPrefix, "")
	defer out.abandon()
	n, err := frozen.Changed(ctx, mostRows, func(p *profile.Profile, gone bool) error {
		if gone && !there {
			return nil
		}
		return out.add(p, gone)
	})
	if err == nil {
		err = out.commit(nil)
	}
	if err != nil {
		return false, err
	}
	return n == mostRows, frozen.Settled()
}

// full writes everybody and takes away all files before.
func (w *Writer) full(ctx context.Context) (err error) {
	frozen, err := w.store.Freeze()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, frozen.Close()) }()
	policy := w.options.Policy()
	if there := w.files(); there.full > 0 && len(there.changes) == 0 && there.policy == policy {
		changed, err := frozen.Changed(ctx, 1, func(*profile.Profile, bool) error { return nil })
		if err != nil || changed == 0 {
			return err
		}
	}
	now := w.lake.Snapshot()
	var before []string
	for _, file := range now.Profiles {
		before = append(before, w.lake.Rel(file))
	}
	now.Release()
	out := w.begin(fullPrefix, "-"+policy)
	defer out.abandon()
	if err := frozen.All(ctx, func(p *profile.Profile) error { return out.add(p, false) }); err != nil {
		return err
	}
	if err := out.commit(before); err != nil {
		return err
	}
	return frozen.AllSettled(ctx)
}
