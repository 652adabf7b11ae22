package snapshot

import (
	"bytes"
	"fmt"

	"loch/infra/local/lake"
	"loch/infra/local/parquet"
	"loch/shared/profile"
)

// output is a file in the making. It is begun with its first row.
type output struct {
	w      *Writer
	name   string
	ms     int64
	change *lake.Commit
	file   *parquet.Writer[profile.Snapshot]
	rows   []profile.Snapshot

	of    string // whose traits are judged
	judge profile.Personal
	known map[string]bool
}

const (
	rowsAtOnce = 256
	// knownNames bounds how many traits' names are remembered. A profile repeats
	// those of the one before, and judging a name takes longer than all the rest.
	knownNames = 10_000
)

// personal tells whether a trait of a project is personal.
func (o *output) personal(project string) profile.Personal {
	if o.of != project || o.judge == nil {
		o.of, o.judge, o.known = project, o.w.options.Personal(project), map[string]bool{}
	}
	return func(name string, value []byte) bool {
		is, known := o.known[name]
		if !known {
			if is = o.judge(name, nil); len(o.known) < knownNames {
				o.known[name] = is
			}
		}
		return is || bytes.IndexByte(value, '{') >= 0 && o.judge(name, value) // only members have names
	}
}

func (w *Writer) begin(prefix, suffix string) *output {
	ms := w.next()
	return &output{w: w, ms: ms, name: fmt.Sprintf("%s%013d%s", prefix, ms, suffix)}
}

func (o *output) add(p *profile.Profile, gone bool) error {
	row := profile.Snapshot{Project: p.Project, PersonID: p.ID, Traits: "{}", SnapshotMS: o.ms, Gone: true}
	if !gone {
		var err error
		row, err = profile.SnapshotOf(p, o.personal(p.Project), o.ms)
		if err != nil {
			return err
		}
	}
	if o.rows = append(o.rows, row); len(o.rows) < rowsAtOnce {
		return nil
	}
	return o.flush()
}

func (o *output) flush() (err error) {
	if o.change == nil {
		if o.change, err = o.w.lake.Begin("profiles-" + o.name); err != nil {
			return err
		}
	}
	if o.file == nil {
		file, err := o.change.Path(lake.Profiles, o.name+".parquet")
		if err != nil {
			return err
		}
		if o.file, err = parquet.CreateProfiles(file); err != nil {
			return err
		}
	}
	err = o.file.Write(o.rows)
	clear(o.rows)
	o.rows = o.rows[:0]
	return err
}

// commit makes the file part of the lake in place of others.
func (o *output) commit(before []string) error {
	if len(o.rows) == 0 && o.file == nil && len(before) == 0 {
		return nil
	}
	if err := o.flush(); err != nil {
		return err
	}
	if err := o.file.Close(); err != nil {
		return err
	}
	for _, rel := range before {
		o.change.Remove(rel)
	}
	return o.change.Finish(lake.Entry{Kind: lake.KindProfiles, TimeMS: o.ms})
}

func (o *output) abandon() {
	if o.file != nil {
		o.file.Abort()
	}
	if o.change != nil {
		_ = o.change.Abandon() // what it cannot clear away, the next start does
	}
}
