package compact

import (
	"context"
	"fmt"
	"strings"
	"time"

	"loch/shared/profile"
)

// People is the store of profiles.
type People interface {
	// All calls fn for every profile of every project, in no order. Whoever is linked,
	// merged or erased has none.
	All(ctx context.Context, fn func(p *profile.Profile) error) error
}

// Snapshots is the folder of the lake that SQL's profiles are read from.
type Snapshots interface {
	// Put writes a file of rows.
	Put(ctx context.Context, name string, rows []profile.Snapshot) error
	// List names the files that are there.
	List(ctx context.Context) ([]string, error)
	// Delete takes a file away. It is no error when there is none.
	Delete(ctx context.Context, name string) error
}

// ProfilesDeps are what WriteProfiles needs from outside.
type ProfilesDeps struct {
	People    People
	Snapshots Snapshots
	// Personal tells which traits of a project are personal.
	Personal func(project string) profile.Personal
	Now      func() time.Time
}

// ProfilesSummary says what was done.
type ProfilesSummary struct {
	Profiles int `json:"profiles"`
	Files    int `json:"files"`
	Deleted  int `json:"deleted"` // files of before
}

// rowsOfFile is how many profiles one file holds: some ten megabytes in memory.
const rowsOfFile = 50_000

// snapshotPrefix stands before the time of a file's rows.
const snapshotPrefix = "full-"

// WriteProfiles brings what is not personal of all profiles into the lake, for SQL and
// for reports that break down by it. Every run writes everybody anew and then takes
// away the files of before, and with them whoever was erased meanwhile.
//
// A person's newest row counts, so readers see each once while both are there; and a
// run that is killed leaves files which add nothing, until the next one deletes them.
func WriteProfiles(ctx context.Context, d ProfilesDeps) (did ProfilesSummary, err error) {
	before, err := d.Snapshots.List(ctx)
	if err != nil {
		return did, err
	}
	now := d.Now().UnixMilli()
	stamp := fmt.Sprintf("%s%013d-", snapshotPrefix, now)
	var rows []profile.Snapshot
	flush := func() error {
		if len(rows) == 0 {
			return nil
		}
		if err := d.Snapshots.Put(ctx, fmt.Sprintf("%s%05d.parquet", stamp, did.Files), rows); err != nil {
			return err
		}
		did.Profiles += len(rows)
		did.Files++
		rows = rows[:0]
		return nil
	}
	personal := map[string]profile.Personal{}
	err = d.People.All(ctx, func(p *profile.Profile) error {
		judge := personal[p.Project]
		if judge == nil {
			judge = d.Personal(p.Project)
			personal[p.Project] = judge
		}
		row, err := profile.SnapshotOf(p, judge, now)
		if err != nil {
			return err
		}
		if rows = append(rows, row); len(rows) < rowsOfFile {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if err != nil {
		return did, err
	}
	for _, name := range before {
		if strings.HasPrefix(name, stamp) {
			continue
		}
		if err := d.Snapshots.Delete(ctx, name); err != nil {
			return did, err
		}
		did.Deleted++
	}
	return did, nil
}
