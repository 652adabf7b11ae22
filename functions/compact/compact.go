// Package compact moves what has landed into few large files, by project and date,
// each event once, and applies what was ordered meanwhile: rows of erased people and
// rows past their project's retention go.
//
// It is a job that runs on a schedule. Readers see every event exactly once before,
// during and after, and whenever the job is killed: nothing that it writes counts
// before the manifest says so (shared/manifest), which changes in one step, and
// nothing that was replaced is deleted before the last statement that can read it
// has ended. The next run clears away what a killed one has left, and goes on.
package compact

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"

	"loch/shared/fault"
	"loch/shared/manifest"
)

// Files is the store that holds the lake.
type Files interface {
	// List calls fn for each file whose key begins with prefix.
	List(ctx context.Context, prefix string, fn func(key string, bytes int64)) error
	// Copy makes to a copy of from. What was at to is replaced.
	Copy(ctx context.Context, from, to string) error
	// Delete deletes a file. It is no error when there is none.
	Delete(ctx context.Context, key string) error
	// Get reads a small file.
	Get(ctx context.Context, key string) ([]byte, error)
}

// State keeps the manifest.
type State interface {
	// Load returns the newest manifest, and its version.
	Load(ctx context.Context) (manifest.Manifest, int64, error)
	// Save stores the manifest that follows a version. fault.Conflict says that
	// another one does already.
	Save(ctx context.Context, m manifest.Manifest, follows int64) error
}

// Tables runs the statements. Keys are of files that are there.
type Tables interface {
	// Publish makes readers see what a manifest says, in one step. It returns which
	// texts the relations' views have, for Manifest.Views.
	Publish(ctx context.Context, m *manifest.Manifest) (views string, err error)
	// Projects are those of rows in landing files.
	Projects(ctx context.Context, landing []string) ([]string, error)
	// Dates are those of a project's rows in landing files.
	Dates(ctx context.Context, project string, landing []string) ([]string, error)
	// Overlapping are the compacted files that hold an event which is in landing files.
	Overlapping(ctx context.Context, m *manifest.Manifest, project string, landing []string) ([]string, error)
	// Suspects are the compacted files, and those of links, that hold rows which are
	// to be removed.
	Suspects(ctx context.Context, m *manifest.Manifest, project string) ([]string, error)
	// Write stages a project's rows of some dates, at most a hundred, each event once,
	// without those that are to be removed, out of landing files and files that are
	// written anew.
	Write(ctx context.Context, commit int64, project string, dates, landing, rewrite []string) error
	// WriteLinks stages who is whom by landing files, and by files of links that are
	// written anew.
	WriteLinks(ctx context.Context, commit int64, project string, landing, links []string) error
	// Summarise stages what compacted files say of events and properties, and of files of
	// summaries that are written anew what is of files that count by the manifest.
	Summarise(ctx context.Context, m *manifest.Manifest, commit int64, project string, files, summaries []string) error
}

// Deps are what the job needs from outside.
type Deps struct {
	Files  Files
	State  State
	Tables Tables
	Now    func() time.Time
	Logger *slog.Logger

	// RetentionDays says for how many days a project's events are kept. A project
	// that is not in it keeps them.
	RetentionDays map[string]int

	MaxFiles int           // landing files in one commit; 0 is 100
	MaxBytes int64         // the same, in bytes; 0 is 2 GiB
	Grace    time.Duration // how long a statement may take; 0 is 40 minutes, Athena's limit being 30
	Lease    time.Duration // how long a run may take; 0 is 14 minutes, Lambda's limit being 15
}

const (
	// maxDates is how many partitions one statement writes: Athena's limit is 100.
	maxDates = 100
	// lateness is how long rows may still land that were sent before an order to
	// remove them: a stream that is held up tries for a day.
	lateness = 48 * time.Hour
	// settling is how long before now an hour has to end for its files to be few: the
	// view looks at later ones in any case.
	settling = 26 * time.Hour
	// maxReplaced bounds the list of replaced files, since it stands in the view.
	maxReplaced = 1500
)

// Summary is what a run did.
type Summary struct {
	Commits int `json:"commits"`
	Landing int `json:"landing_files"` // landing files that were compacted
	Written int `json:"written_files"`
	Expired int `json:"expired_files"` // files past their project's retention
	Deleted int `json:"deleted_files"` // files that were replaced before
	Left    int `json:"left_files"`    // landing files that the run had no time for

	Summaries int `json:"summaries"` // files of summaries that were written
}

// Run is one run of the job. What it has committed when it returns an error holds.
// A run while another is under way returns fault.Unavailable and does nothing.
func Run(ctx context.Context, d Deps) (Summary, error) {
	d = filled(d)
	r := &run{Deps: d}
	if err := r.begin(ctx); err != nil {
		return r.did, err
	}
	// A run that outlives its lease could meet the next one.
	ctx, cancel := context.WithTimeout(ctx, d.Lease)
	defer cancel()
	for _, step := range []func(context.Context) error{r.clearAway, r.look, r.publish, r.deleteReplaced, r.takeIn, r.sweep, r.expire, r.summarise, r.end} {
		if err := step(ctx); err != nil {
			return r.did, err
		}
	}
	return r.did, nil
}

func filled(d Deps) Deps {
	if d.MaxFiles <= 0 {
		d.MaxFiles = 100
	}
	if d.MaxBytes <= 0 {
		d.MaxBytes = 2 << 30
	}
	if d.Grace <= 0 {
		d.Grace = 40 * time.Minute
	}
	if d.Lease <= 0 {
		d.Lease = 14 * time.Minute
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	return d
}

// run is one run.
type run struct {
	Deps
	m       manifest.Manifest
	version int64
	landed  []object // landing files that count, oldest first
	did     Summary
}

// object is a file of the lake.
type object struct {
	key   string
	bytes int64
}

// list returns the files whose keys begin with prefix, in their order.
func (r *run) list(ctx context.Context, prefix string) ([]object, error) {
	var list []object
	err := r.Files.List(ctx, prefix, func(key string, bytes int64) { list = append(list, object{key, bytes}) })
	slices.SortFunc(list, func(a, b object) int { return cmp.Compare(a.key, b.key) })
	return list, err
}

// begin takes the lease.
func (r *run) begin(ctx context.Context) error {
	var err error
	if r.m, r.version, err = r.State.Load(ctx); err != nil {
		return err
	}
	now := r.Now()
	if until := time.UnixMilli(r.m.LeaseMS); now.Before(until) {
		return fault.Newf(fault.Unavailable, "another compaction is under way, or died and has the lake until %s", until.UTC().Format(time.RFC3339))
	}
	// A margin for clocks that differ, beyond what this run takes itself.
	r.m.LeaseMS = now.Add(r.Lease + time.Minute).UnixMilli()
	return r.save(ctx)
}

func (r *run) save(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(err, fault.Unavailable, "compaction was stopped; what it committed holds")
	}
	if err := r.State.Save(ctx, r.m, r.version); err != nil {
		return err
	}
	r.version++
	return nil
}

// publish brings readers to the manifest, and notes since when they leave out what
// was replaced. A run that died before this is made up for by the next.
func (r *run) publish(ctx context.Context) error {
	views, err := r.Tables.Publish(ctx, &r.m)
	if err != nil {
		return err
	}
	changed := views != r.m.Views
	r.m.Views = views
	now := r.Now().UnixMilli()
	for i := range r.m.Replaced {
		if r.m.Replaced[i].HiddenMS == 0 {
			r.m.Replaced[i].HiddenMS, changed = now, true
		}
	}
	if !changed {
		return nil
	}
	return r.save(ctx)
}

// end gives the lease back.
func (r *run) end(ctx context.Context) error {
	r.m.LeaseMS = 0
	return r.save(ctx)
}
