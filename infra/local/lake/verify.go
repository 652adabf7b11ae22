package lake

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"loch/infra/local/wal"
	"loch/shared/event"
)

// Verify proves that the data folder adds up, from what is stored alone: every
// parcel of the log against its receipt, every commit against the files that it
// added and removed, every file of the lake against its checksum, its size and
// its own row count, and the sums over all of it.
//
// It works while a server uses l and log: it looks at one moment of both. Until
// the log is read no commit ends; queries and ingestion go on. progress may be
// nil; it is called with the number of steps done and in all. The error is about
// Verify itself (ctx ended); what is wrong with the data stands in the account.
func Verify(ctx context.Context, l *Lake, log *wal.Log, progress func(done, total int)) (Account, error) {
	v := &verification{
		lake: l, log: log,
		account: Account{Problems: []string{}, Warnings: []string{}}, // lists in JSON, never null
		implied: map[string]committedFile{},
		progress: func(int, int) {
		},
	}
	if progress != nil {
		v.progress = progress
	}
	if err := v.freeze(ctx); err != nil {
		return Account{}, err
	}
	defer v.snapshot.Release()
	for _, step := range []func(context.Context) error{v.readLedger, v.readFiles} {
		if err := step(ctx); err != nil {
			return Account{}, err
		}
	}
	v.findStrays()
	return v.conclude(), nil
}

type verification struct {
	lake     *Lake
	log      *wal.Log
	account  Account
	progress func(done, total int)

	done, total                int
	moreProblems, moreWarnings int

	// The moment that is looked at.
	snapshot *Snapshot
	ledger   []string        // names in the ledger's folder
	onDisk   map[string]bool // files below lake/, by path
	doomed   map[string]bool // of those, replaced ones that a snapshot still holds
	staged   []string        // staging folders of no commit

	implied map[string]committedFile // the lake's files, if the ledger is right
}

type committedFile struct {
	File
	commit string
}

func (v *verification) problem(format string, args ...any) {
	note(&v.account.Problems, &v.moreProblems, format, args...)
}

func (v *verification) warning(format string, args ...any) {
	note(&v.account.Warnings, &v.moreWarnings, format, args...)
}

func (v *verification) tick() {
	v.done++
	v.progress(v.done, v.total)
}

// freeze looks at everything that moves, at one moment, and reads the log, whose
// segments cannot be rolled over meanwhile.
func (v *verification) freeze(ctx context.Context) error {
	l := v.lake
	return l.exclusively(func() error {
		if err := l.settle(); err != nil {
			return err
		}
		if err := v.list(); err != nil {
			return err
		}
		v.snapshot = l.Snapshot()
		var waiting []wal.Segment
		if v.log != nil {
			for _, s := range v.log.Segments() {
				if !l.has(RollID(s.Seq)) { // else it is in the lake and about to be removed
					waiting = append(waiting, s)
				}
			}
		}
		s := v.snapshot
		v.account.Files = len(s.Landing) + len(s.Events) + len(s.Rejected) + len(s.Profiles) + len(s.Links) + len(s.Summaries)
		v.total = len(waiting) + len(v.ledger) + v.account.Files
		for _, segment := range waiting {
			if err := v.readSegment(ctx, segment); err != nil {
				s.Release()
				return err
			}
			v.tick()
		}
		return nil
	})
}

// list takes down the names in the folders. l.commit is held.
func (v *verification) list() error {
	l := v.lake
	files, err := os.ReadDir(filepath.Join(l.dir, ledgerFolder))
	if err != nil {
		return broken(err, "the ledger cannot be listed")
	}
	for _, f := range files { // ReadDir sorts, so these are in the order of commits
		v.ledger = append(v.ledger, f.Name())
	}
	v.onDisk = map[string]bool{}
	if err := everyFile(filepath.Join(l.dir, lakeFolder), func(path string) { v.onDisk[path] = true }); err != nil {
		return broken(err, "the lake's folders cannot be listed")
	}
	// Asked before the folder is listed: a commit may be abandoned in between,
	// but none begins.
	v.doomed = map[string]bool{}
	l.mu.Lock()
	waits := maps.Clone(l.active)
	for _, left := range l.leftovers {
		waits[left.id] = true
		for _, rel := range left.removed {
			v.doomed[l.path(rel)] = true
		}
	}
	l.mu.Unlock()
	staged, err := os.ReadDir(filepath.Join(l.dir, stagingFolder))
	if err != nil {
		return broken(err, "the staging folder cannot be listed")
	}
	for _, f := range staged {
		if !waits[f.Name()] {
			v.staged = append(v.staged, f.Name())
		}
	}
	return nil
}

// has tells whether a commit of this id is in the ledger.
func (l *Lake) has(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.committed[id]
	return ok
}

// readSegment counts what a segment of the log holds, and holds each parcel to
// its receipt. The log proves its checksums while it reads.
func (v *verification) readSegment(ctx context.Context, s wal.Segment) error {
	in := &v.account.InLog
	v.account.Segments++
	_, err := v.log.Read(s.Seq, 0, func(p *event.Parcel) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		in.Requests++
		in.Received += int64(p.Receipt.Received)
		in.Rows += int64(len(p.Rows))
		in.Rejected += int64(len(p.Rejected))
		if p.Receipt.Received != len(p.Rows)+len(p.Rejected) {
			v.problem("log segment %d, request %s: %d inputs were received, %d rows and %d rejected inputs are kept",
				s.Seq, p.Receipt.RequestID, p.Receipt.Received, len(p.Rows), len(p.Rejected))
		}
		return nil
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil && s.Parcels > 0 { // one without parcels may go at any time
		v.problem("log segment %d cannot be read to its end: %v", s.Seq, err)
	}
	return nil
}

// conclude draws the sums.
func (v *verification) conclude() Account {
	a := &v.account
	a.Received = a.InLake.Received + a.InLog.Received
	a.Stored = a.InLake.Rows + a.InLog.Rows
	a.Rejected = a.InLake.Rejected + a.InLog.Rejected
	if kept := a.Stored + a.Rejected + a.Duplicates + a.Removed; a.Received != kept {
		v.problem("%d inputs were received; %d stored + %d rejected + %d duplicates + %d removed make %d, which is %d off",
			a.Received, a.Stored, a.Rejected, a.Duplicates, a.Removed, kept, kept-a.Received)
	}
	if v.moreProblems > 0 {
		a.Problems = append(a.Problems, fmt.Sprintf("and %d more", v.moreProblems))
	}
	if v.moreWarnings > 0 {
		a.Warnings = append(a.Warnings, fmt.Sprintf("and %d more", v.moreWarnings))
	}
	a.OK = len(a.Problems) == 0
	return *a
}
