package compact

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"loch/shared/fault"
	"loch/shared/manifest"
)

// clear deletes all files of folders.
func (r *run) clear(ctx context.Context, folders []string) error {
	for _, folder := range folders {
		objects, err := r.list(ctx, folder)
		if err != nil {
			return err
		}
		for _, o := range objects {
			if err := r.Files.Delete(ctx, o.key); err != nil {
				return err
			}
		}
	}
	return nil
}

// clearAway deletes what a run has left that died before its commit counted, and
// what one has left in the staging folder that died after.
func (r *run) clearAway(ctx context.Context) error {
	if r.m.Attempt > r.m.Commit {
		for _, key := range r.m.Pending {
			if err := r.Files.Delete(ctx, key); err != nil {
				return err
			}
		}
	}
	if r.m.Attempt > 0 {
		if err := r.clear(ctx, stagingOf(r.m.Attempt)); err != nil {
			return err
		}
	}
	if len(r.m.Pending) == 0 {
		return nil
	}
	r.m.Pending = nil
	return r.save(ctx)
}

// deleteReplaced deletes the replaced files that no statement can read any more. Of
// which summaries still tell, they stay in the list.
func (r *run) deleteReplaced(ctx context.Context) error {
	over := r.Now().Add(-r.Grace).UnixMilli()
	var left []manifest.Replaced
	for _, f := range r.m.Replaced {
		if f.HiddenMS == 0 || f.HiddenMS > over {
			left = append(left, f)
			continue
		}
		if err := r.Files.Delete(ctx, f.Key); err != nil {
			return err
		}
		if f.Told {
			left = append(left, f)
			continue
		}
		r.did.Deleted++
	}
	if len(left) == len(r.m.Replaced) {
		return nil
	}
	r.m.Replaced = left
	return r.save(ctx)
}

// look finds out what has landed. A file may have come late, for an hour before all
// others.
func (r *run) look(ctx context.Context) error {
	objects, err := r.list(ctx, "landing/")
	if err != nil {
		return err
	}
	r.landed = slices.DeleteFunc(objects, func(o object) bool { return r.m.Hides(o.key) })
	before := r.m.Since
	if r.since(); r.m.Since == before {
		return nil
	}
	return r.save(ctx)
}

// since says before which hour no landing file is left that counts. Files may still
// arrive for hours that are not long over.
func (r *run) since() {
	r.m.Since = r.Now().Add(-settling).UTC().Format("2006-01-02T15")
	for _, o := range r.landed {
		r.m.Since = min(r.m.Since, hourOf(o.key))
	}
}

// hourOf is the hour of arrival in a landing file's path: "2026-11-27T13".
func hourOf(key string) string { return manifest.Part(key, "dt") + "T" + manifest.Part(key, "hour") }

// takeIn brings the landing files into the compacted tier, an hour at a time.
func (r *run) takeIn(ctx context.Context) error {
	for len(r.landed) > 0 && len(r.m.Replaced) < maxReplaced {
		var w work
		var bytes int64
		hour := hourOf(r.landed[0].key)
		for _, o := range r.landed {
			if len(w.landing) > 0 && (hourOf(o.key) != hour || len(w.landing) == r.MaxFiles || bytes+o.bytes > r.MaxBytes) {
				break
			}
			w.landing = append(w.landing, o.key)
			bytes += o.bytes
		}
		if err := r.commit(ctx, w); err != nil {
			r.did.Left = len(r.landed)
			return err
		}
	}
	r.did.Left = len(r.landed)
	return nil
}

// removal is an order to remove rows, as whoever erases writes it.
type removal struct {
	Project string `json:"project"`
	TimeMS  int64  `json:"time_ms"`
}

// sweep writes the compacted files anew that hold rows which are to be removed, and
// ends the orders of which no row can be anywhere any more.
func (r *run) sweep(ctx context.Context) error {
	objects, err := r.list(ctx, "removals/")
	if err != nil {
		return err
	}
	orders, projects := map[string]removal{}, map[string]bool{}
	for _, o := range objects {
		text, err := r.Files.Get(ctx, o.key)
		if err != nil {
			return err
		}
		var order removal
		if err := json.Unmarshal(text, &order); err != nil || order.Project == "" {
			return fault.Newf(fault.Internal, "the order to remove rows %s cannot be read", o.key)
		}
		orders[o.key] = order
		if _, swept := r.m.Swept[o.key]; !swept {
			projects[order.Project] = true
		}
	}
	for project := range projects {
		if err := r.sweepProject(ctx, project); err != nil {
			return err
		}
		if r.m.Swept == nil {
			r.m.Swept = map[string]int64{}
		}
		for key, order := range orders {
			if order.Project == project {
				r.m.Swept[key] += 0
			}
		}
		if err := r.save(ctx); err != nil {
			return err
		}
	}
	return r.fulfil(ctx, orders)
}

// sweepProject is one commit for as many files as one takes, until there are none.
func (r *run) sweepProject(ctx context.Context, project string) error {
	files, err := r.Tables.Suspects(ctx, &r.m, project)
	if err != nil {
		return err
	}
	slices.Sort(files)
	for some := range slices.Chunk(files, r.MaxFiles) {
		w := work{rewrite: map[string][]string{}, links: map[string][]string{}}
		for _, key := range some {
			if strings.HasPrefix(key, "links/") {
				w.links[project] = append(w.links[project], key)
			} else {
				w.rewrite[project] = append(w.rewrite[project], key)
			}
		}
		if err := r.commit(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// fulfil ends orders that were swept, once whatever could have landed since was taken
// in without their rows, and no statement runs any more that began before: it may
// read files that were replaced, which hold some.
func (r *run) fulfil(ctx context.Context, orders map[string]removal) error {
	now := r.Now()
	for key, order := range orders {
		since, swept := r.m.Swept[key]
		switch {
		case !swept, r.did.Left > 0, now.Before(time.UnixMilli(order.TimeMS).Add(lateness)):
		case since == 0:
			r.m.Swept[key] = now.UnixMilli()
			if err := r.save(ctx); err != nil {
				return err
			}
		case now.After(time.UnixMilli(since).Add(r.Grace)):
			// First the note that it was swept: the same order may be given again.
			delete(r.m.Swept, key)
			if err := r.save(ctx); err != nil {
				return err
			}
			if err := r.Files.Delete(ctx, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// expire hides the files of dates past their project's retention, to be deleted as
// what was replaced is.
func (r *run) expire(ctx context.Context) error {
	changed := false
	for project, days := range r.RetentionDays {
		if days <= 0 {
			continue
		}
		first := r.Now().UTC().AddDate(0, 0, -days).Format(time.DateOnly)
		objects, err := r.list(ctx, "events/project="+project+"/")
		if err != nil {
			return err
		}
		for _, o := range objects {
			if manifest.Part(o.key, "date") < first && r.m.Counts(o.key) && len(r.m.Replaced) < maxReplaced {
				r.replace(o.key)
				r.did.Expired++
				changed = true
			}
		}
	}
	if !changed {
		return nil
	}
	if err := r.save(ctx); err != nil {
		return err
	}
	return r.publish(ctx)
}
