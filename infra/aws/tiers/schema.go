package tiers

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"loch/infra/aws/athena"
	"loch/infra/aws/glue"
	"loch/infra/aws/s3"
	"loch/shared/fault"
	"loch/shared/manifest"
	"loch/shared/report"
	"loch/shared/schema"
)

// Schema finds what events and properties there are, out of the summaries that
// compaction writes and of the rows that came since.
//
// The statement is made of the manifest as it is in the bucket, not of the views: it
// has to see summaries and rows of one moment. What a manifest names stays for longer
// than a statement may take.
type Schema struct {
	engine *athena.Engine
	bucket *s3.Bucket
	name   string
}

var _ schema.Source = (*Schema)(nil)

// NewSchema returns the schema of a lake in a bucket of the given name.
func NewSchema(engine *athena.Engine, bucket *s3.Bucket, name string) *Schema {
	return &Schema{engine, bucket, name}
}

// Facts implements schema.Source.
func (s *Schema) Facts(ctx context.Context, project, event string) ([]schema.Fact, error) {
	m, _, err := NewState(s.bucket).Load(ctx)
	if err != nil {
		return nil, err
	}
	removing, err := s.removing(ctx, &m)
	if err != nil {
		return nil, err
	}
	source := glue.Source{Bucket: s.name, Project: project, Manifest: &m}
	answer, err := s.engine.Run(ctx, source.FactsOf(event, removing))
	if err != nil {
		return nil, err
	}
	if answer.Truncated {
		return nil, fault.New(fault.TooLarge, "the project has too many events and properties to list; ask about one event: ?event=NAME")
	}
	return factsOf(answer)
}

// removing tells whether there are orders to remove rows of which compacted files may
// hold some.
func (s *Schema) removing(ctx context.Context, m *manifest.Manifest) (bool, error) {
	found := false
	err := NewFiles(s.bucket).List(ctx, "removals/", func(key string, _ int64) {
		_, swept := m.Swept[key]
		found = found || !swept
	})
	return found, err
}

// factsOf reads the rows of a statement of facts. An event that came as several kinds
// is one fact, of the kind that is most frequent.
func factsOf(answer report.Result) ([]schema.Fact, error) {
	var list []schema.Fact
	var persons []people
	var whole row
	left := map[string]int64{}
	events := map[string]int{}
	for _, cells := range answer.Rows {
		r, err := readRow(cells)
		if err != nil {
			return nil, err
		}
		switch r.Kind {
		case "whole":
			whole = r
			continue
		case schema.LeftOut:
			left[r.Name] = max(left[r.Name], r.Count)
			continue
		case schema.OfEvent:
			left["events"] = max(left["events"], r.places-schema.MaxEvents)
			if at, seen := events[r.Event]; seen {
				add(&list[at], r.Fact)
				persons[at] = people{max(persons[at].users, r.users), max(persons[at].devices, r.devices)}
				continue
			}
			events[r.Event] = len(list)
		case schema.OfProperty:
			left["properties"] = max(left["properties"], r.places-schema.MaxProperties)
			if r.Distinct <= schema.MaxDistinct {
				r.Distinct = r.different
			}
		case schema.OfValue:
		}
		list, persons = append(list, r.Fact), append(persons, r.people)
	}
	for i := range list {
		switch {
		case whole.merged: // websites merge users: two may be one person
		case whole.anyUsers:
			list[i].Persons = persons[i].users
		default:
			list[i].Persons = persons[i].devices
		}
	}
	slices.SortStableFunc(list, func(a, b schema.Fact) int { return cmp.Compare(b.Count, a.Count) })
	for _, name := range []string{"events", "properties"} {
		if left[name] > 0 {
			list = append(list, schema.Fact{Kind: schema.LeftOut, Name: name, Count: left[name]})
		}
	}
	return list, nil
}

// add puts two kinds of one event together; the more frequent comes first.
func add(f *schema.Fact, other schema.Fact) {
	f.Count += other.Count
	f.FirstMS, f.LastMS = min(f.FirstMS, other.FirstMS), max(f.LastMS, other.LastMS)
}

// people are how many different users there are at least, and devices without one.
type people struct{ users, devices int64 }

// row is a row of glue.FactsShown.
type row struct {
	schema.Fact
	people
	different, places int64
	merged, anyUsers  bool
}

func readRow(cells []any) (r row, err error) {
	texts := []*string{(*string)(&r.Kind), &r.Event, (*string)(&r.Space), &r.Name, &r.Type, &r.Value}
	numbers := []*int64{&r.Count, &r.Odd, &r.FirstMS, &r.LastMS, &r.Distinct, &r.different, &r.users, &r.devices}
	flags := []*bool{&r.merged, &r.anyUsers}
	wrong := fault.New(fault.Internal, "the statement of the schema gave another answer than it must")
	if len(cells) != len(texts)+len(numbers)+len(flags)+1 {
		return r, wrong
	}
	for i, to := range texts {
		*to, _ = cells[i].(string) // null is ""
	}
	cells = cells[len(texts):]
	for i, to := range append(numbers, &r.places) {
		cell := cells[i]
		if i == len(numbers) {
			cell = cells[len(cells)-1]
		}
		switch n := cell.(type) {
		case nil:
		case int64:
			*to = n
		case json.Number:
			if *to, err = n.Int64(); err != nil {
				return r, wrong
			}
		default:
			return r, wrong
		}
	}
	for i, to := range flags {
		*to, _ = cells[len(numbers)+i].(bool)
	}
	return r, nil
}
