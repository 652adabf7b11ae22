package compact

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"loch/shared/manifest"
)

// mergeSummaries is how many files of summaries a project may have before they are
// written anew as one.
const mergeSummaries = 8

// untold is what summaries of a project lack, and have too much.
type untold struct {
	files     []string // compacted files that no summary tells of
	summaries []string // the files of summaries that count
	stale     bool     // they tell of files that do not count any more
}

// summarise writes what compacted files say of events and properties, which is how the
// project's schema is known without reading them, and takes out what is of files that
// were replaced: of what an erased person did, no summary may tell. It comes after all
// else, in commits of its own. Killed before its end it is done by the next run; until
// then readers read the files themselves.
func (r *run) summarise(ctx context.Context) error {
	for {
		found, upTo, last, err := r.untold(ctx)
		if err != nil || len(found) == 0 {
			return err
		}
		if err := r.writeSummaries(ctx, found, upTo, last); err != nil || last {
			return err
		}
	}
}

// untold finds what is to do, by project, for as many of the oldest commits as one
// statement takes files, and says which is the last of these, and whether it is the
// last of all.
func (r *run) untold(ctx context.Context) (found map[string]*untold, upTo int64, last bool, err error) {
	found = map[string]*untold{}
	of := func(key string) *untold {
		project := manifest.Part(key, "project")
		if found[project] == nil {
			found[project] = &untold{}
		}
		return found[project]
	}
	for _, f := range r.m.Replaced {
		if f.Told {
			of(f.Key).stale = true
		}
	}
	events, err := r.list(ctx, "events/")
	if err != nil {
		return nil, 0, false, err
	}
	events = slices.DeleteFunc(events, func(o object) bool { return !r.m.Counts(o.key) || commitOf(o.key) <= r.m.Summarised })
	slices.SortStableFunc(events, func(a, b object) int { return cmp.Compare(commitOf(a.key), commitOf(b.key)) })
	upTo, last = r.m.Commit, true
	for i, o := range events {
		if n := commitOf(o.key); i >= r.MaxFiles && n > commitOf(events[i-1].key) {
			upTo, last = commitOf(events[i-1].key), false
			break
		}
		of(o.key).files = append(of(o.key).files, o.key)
	}
	if len(found) == 0 {
		return nil, upTo, last, nil
	}
	summaries, err := r.list(ctx, "summaries/")
	for _, o := range summaries {
		if u := found[manifest.Part(o.key, "project")]; u != nil && r.m.Counts(o.key) {
			u.summaries = append(u.summaries, o.key)
		}
	}
	return found, upTo, last, err
}

// commitOf is the number of the commit that wrote a file.
func commitOf(key string) int64 {
	n, _ := manifest.CommitOf(key)
	return n
}

// writeSummaries is one commit, with the steps of commit.
func (r *run) writeSummaries(ctx context.Context, found map[string]*untold, upTo int64, last bool) error {
	number, err := r.number(ctx)
	if err != nil {
		return err
	}
	var replaced []string
	for _, project := range slices.Sorted(maps.Keys(found)) {
		u := found[project]
		if !u.stale && len(u.summaries) < mergeSummaries {
			u.summaries = nil
		}
		if len(u.files)+len(u.summaries) > 0 {
			if err := r.Tables.Summarise(ctx, &r.m, number, project, u.files, u.summaries); err != nil {
				return err
			}
		}
		replaced = append(replaced, u.summaries...)
	}
	copies, err := r.place(ctx, number)
	if err != nil {
		return err
	}
	for i := range r.m.Replaced {
		if u := found[manifest.Part(r.m.Replaced[i].Key, "project")]; u != nil && strings.HasPrefix(r.m.Replaced[i].Key, "events/") {
			r.m.Replaced[i].Told = false
		}
	}
	if r.m.Summarised = upTo; last {
		r.m.Summarised = number // no events are of this one
	}
	if err := r.decide(ctx, number, replaced, copies); err != nil {
		return err
	}
	r.did.Summaries += len(copies)
	if err := r.publish(ctx); err != nil {
		return err
	}
	return r.clear(ctx, stagingOf(number))
}
