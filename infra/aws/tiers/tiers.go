// Package tiers moves rows between the tiers of the lake in S3, with statements of
// Athena: it is what functions/compact needs of AWS.
//
// The statements' texts are infra/aws/glue's; here they are run, and paths become
// keys again. The manifest is a row of objects, each named after its version, that
// are never changed: whoever puts the next one first has it.
package tiers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"loch/infra/aws/athena"
	"loch/infra/aws/glue"
	"loch/infra/aws/s3"
	"loch/shared/fault"
	"loch/shared/manifest"
)

// Tables runs the statements of compaction.
type Tables struct {
	engine *athena.Engine
	bucket string
}

// New returns tables over a bucket.
func New(engine *athena.Engine, bucket string) *Tables { return &Tables{engine, bucket} }

// Publish makes readers see what a manifest says: it replaces the view of all rows,
// and the relations' views if their texts are others than those that the manifest
// names.
func (t *Tables) Publish(ctx context.Context, m *manifest.Manifest) (string, error) {
	if err := t.view(ctx, glue.Rows, glue.RowsView(m, t.bucket)); err != nil {
		return m.Views, err
	}
	sum := sha256.New()
	for _, relation := range glue.Relations {
		sum.Write([]byte(glue.View(relation)))
	}
	texts := hex.EncodeToString(sum.Sum(nil)[:8])
	if texts == m.Views {
		return texts, nil
	}
	for _, relation := range glue.Relations {
		if err := t.view(ctx, relation, glue.View(relation)); err != nil {
			return m.Views, err
		}
	}
	return texts, nil
}

func (t *Tables) view(ctx context.Context, name, query string) error {
	_, err := t.engine.Run(ctx, "CREATE OR REPLACE VIEW "+name+" AS "+query)
	return err
}

// Projects are those of rows in landing files.
func (t *Tables) Projects(ctx context.Context, landing []string) ([]string, error) {
	return t.texts(ctx, glue.Projects(t.bucket, landing))
}

// Dates are those of a project's rows in landing files.
func (t *Tables) Dates(ctx context.Context, project string, landing []string) ([]string, error) {
	s := glue.Source{Bucket: t.bucket, Project: project, Landing: landing}
	return t.texts(ctx, s.Dates())
}

// Overlapping are the compacted files that hold an event which is in landing files.
func (t *Tables) Overlapping(ctx context.Context, m *manifest.Manifest, project string, landing []string) ([]string, error) {
	if m.Last == "" {
		return nil, nil
	}
	s := glue.Source{Bucket: t.bucket, Project: project, Landing: landing, Manifest: m}
	return t.keys(ctx, s.Overlapping())
}

// Suspects are the files of events and of links that hold rows which are to be
// removed.
func (t *Tables) Suspects(ctx context.Context, m *manifest.Manifest, project string) ([]string, error) {
	s := glue.Source{Bucket: t.bucket, Project: project, Manifest: m}
	return t.keys(ctx, s.Suspects())
}

// Write stages a project's rows of some dates.
func (t *Tables) Write(ctx context.Context, commit int64, project string, dates, landing, rewrite []string) error {
	s := glue.Source{Bucket: t.bucket, Project: project, Landing: landing, Rewrite: rewrite}
	_, err := t.engine.Run(ctx, s.Write(commit, dates))
	return err
}

// WriteLinks stages who is whom.
func (t *Tables) WriteLinks(ctx context.Context, commit int64, project string, landing, links []string) error {
	s := glue.Source{Bucket: t.bucket, Project: project, Landing: landing, Links: links}
	_, err := t.engine.Run(ctx, s.WriteLinks(commit))
	return err
}

// Summarise stages what compacted files say of events and properties, and what stands
// in files of summaries.
func (t *Tables) Summarise(ctx context.Context, m *manifest.Manifest, commit int64, project string, files, summaries []string) error {
	s := glue.Source{Bucket: t.bucket, Project: project, Rewrite: files, Told: summaries, Manifest: m}
	_, err := t.engine.Run(ctx, s.Summarise(commit))
	return err
}

// texts runs a statement that gives one column of text.
func (t *Tables) texts(ctx context.Context, statement string) ([]string, error) {
	answer, err := t.engine.Run(ctx, statement)
	if err != nil {
		return nil, err
	}
	list := make([]string, len(answer.Rows))
	for i, row := range answer.Rows {
		text, ok := row[0].(string)
		if !ok || answer.Truncated {
			return nil, fault.New(fault.Internal, "a statement of compaction gave another answer than it must")
		}
		list[i] = text
	}
	return list, nil
}

// keys runs a statement that gives paths.
func (t *Tables) keys(ctx context.Context, statement string) ([]string, error) {
	list, err := t.texts(ctx, statement)
	for i, path := range list {
		key, ours := strings.CutPrefix(path, "s3://"+t.bucket+"/")
		if !ours {
			return nil, fault.New(fault.Internal, "a statement of compaction names a file outside of the lake")
		}
		list[i] = key
	}
	return list, err
}

// State keeps the manifest in a bucket.
type State struct{ bucket *s3.Bucket }

// NewState returns the manifest's place in a bucket.
func NewState(bucket *s3.Bucket) *State { return &State{bucket} }

const (
	stateFolder = "state/manifest/"
	// keptVersions is how many manifests are kept behind the newest, for people who
	// look into what happened.
	keptVersions = 20
)

func stateKey(version int64) string { return fmt.Sprintf("%s%012d.json", stateFolder, version) }

// Load returns the newest manifest and its version; those of a lake that has none
// are zero.
func (s *State) Load(ctx context.Context) (m manifest.Manifest, version int64, err error) {
	newest := ""
	err = s.bucket.List(ctx, stateFolder, func(key string, _ int64, _ time.Time) error {
		newest = max(newest, key)
		return nil
	})
	if err != nil || newest == "" {
		return m, 0, err
	}
	if _, err := fmt.Sscanf(newest, stateFolder+"%d.json", &version); err != nil {
		return m, 0, fault.Wrap(err, fault.Internal, "the folder of manifests holds something else")
	}
	kept, err := s.read(ctx, newest)
	return kept.Manifest, version, err
}
