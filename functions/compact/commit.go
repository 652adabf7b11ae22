package compact

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"loch/shared/manifest"
)

// work is what one commit does: landing files that it takes in, and compacted files,
// by project, that it writes anew for another reason.
type work struct {
	landing []string
	rewrite map[string][]string // of events
	links   map[string][]string // of links
}

// stagingOf is where a commit's statements write.
func stagingOf(commit int64) []string {
	id := manifest.ID(commit)
	return []string{"staging/events/commit_id=" + id + "/", "staging/links/commit_id=" + id + "/", "staging/summaries/commit_id=" + id + "/"}
}

// commit does a piece of work. Its steps, after each of which it may be killed:
//
//  1. the manifest says which number is taken, so that none is used twice;
//  2. statements write to the staging folder, where nobody looks;
//  3. the manifest says which files will be put among those that count;
//  4. they are copied there, named after the number, which does not count yet;
//  5. the manifest says that the number counts, and what was replaced does not;
//  6. readers are brought to it.
//
// Killed before 5, the next run deletes what 2 and 4 have made. Killed after it, the
// next run does 6.
func (r *run) commit(ctx context.Context, w work) error {
	number, err := r.number(ctx)
	if err != nil {
		return err
	}
	replaced := slices.Clone(w.landing)
	projects, err := r.projects(ctx, w)
	if err != nil {
		return err
	}
	for _, project := range projects {
		rewritten, err := r.stage(ctx, number, project, w)
		if err != nil {
			return err
		}
		replaced = append(replaced, rewritten...)
	}
	copies, err := r.place(ctx, number)
	if err != nil {
		return err
	}
	r.landed = slices.DeleteFunc(r.landed, func(o object) bool { return slices.Contains(w.landing, o.key) })
	if err := r.decide(ctx, number, replaced, copies); err != nil {
		return err
	}
	r.did.Commits++
	r.did.Landing += len(w.landing)
	r.did.Written += len(copies)
	if err := r.publish(ctx); err != nil {
		return err
	}
	return r.clear(ctx, stagingOf(number))
}

// number is step 1.
func (r *run) number(ctx context.Context) (int64, error) {
	r.m.Attempt = max(r.m.Attempt, r.m.Commit) + 1
	return r.m.Attempt, r.save(ctx)
}

// place is steps 3 and 4.
func (r *run) place(ctx context.Context, number int64) ([]copied, error) {
	copies, err := r.staged(ctx, number)
	if err != nil {
		return nil, err
	}
	r.m.Pending = nil
	for _, c := range copies {
		r.m.Pending = append(r.m.Pending, c.to)
	}
	if err := r.save(ctx); err != nil {
		return nil, err
	}
	for _, c := range copies {
		if err := r.Files.Copy(ctx, c.from, c.to); err != nil {
			return nil, err
		}
	}
	return copies, nil
}

// replace puts a file into the list of those that count no more.
func (r *run) replace(key string) {
	number, named := manifest.CommitOf(key)
	told := strings.HasPrefix(key, "events/") && named && number <= r.m.Summarised
	r.m.Replaced = append(r.m.Replaced, manifest.Replaced{Key: key, Told: told})
}

// decide is step 5.
func (r *run) decide(ctx context.Context, number int64, replaced []string, copies []copied) error {
	for _, key := range replaced {
		r.replace(key)
	}
	r.since()
	for _, c := range copies {
		if date := manifest.Part(c.to, "date"); date != "" {
			if r.m.First == "" || date < r.m.First {
				r.m.First = date
			}
			r.m.Last = max(r.m.Last, date)
		}
	}
	r.m.Commit, r.m.Pending = number, nil
	return r.save(ctx)
}

// projects are those that a piece of work is about.
func (r *run) projects(ctx context.Context, w work) ([]string, error) {
	var projects []string
	if len(w.landing) > 0 {
		var err error
		if projects, err = r.Tables.Projects(ctx, w.landing); err != nil {
			return nil, err
		}
	}
	for _, more := range []map[string][]string{w.rewrite, w.links} {
		for project := range more {
			projects = append(projects, project)
		}
	}
	slices.Sort(projects)
	return slices.Compact(projects), nil
}

// stage writes a project's part to the staging folder, and returns which compacted
// files it replaces.
func (r *run) stage(ctx context.Context, number int64, project string, w work) ([]string, error) {
	rewrite := slices.Clone(w.rewrite[project])
	var dates []string
	if len(w.landing) > 0 {
		met, err := r.Tables.Overlapping(ctx, &r.m, project, w.landing)
		if err != nil {
			return nil, err
		}
		if dates, err = r.Tables.Dates(ctx, project, w.landing); err != nil {
			return nil, err
		}
		small, err := r.small(ctx, project, dates)
		if err != nil {
			return nil, err
		}
		rewrite = append(append(rewrite, met...), small...)
	}
	slices.Sort(rewrite)
	rewrite = slices.Compact(rewrite)
	for _, key := range rewrite {
		dates = append(dates, manifest.Part(key, "date"))
	}
	slices.Sort(dates)
	for some := range slices.Chunk(slices.Compact(dates), maxDates) {
		if err := r.Tables.Write(ctx, number, project, some, w.landing, rewrite); err != nil {
			return nil, err
		}
	}
	links, err := r.links(ctx, project, w)
	if err != nil {
		return nil, err
	}
	if len(w.landing)+len(links) > 0 {
		if err := r.Tables.WriteLinks(ctx, number, project, w.landing, links); err != nil {
			return nil, err
		}
	}
	return append(rewrite, links...), nil
}

const (
	// smallBytes is below what size files of a date are put together, once there are
	// fewSmall of them: so each row is written again a few times at most.
	smallBytes = 64 << 20
	fewSmall   = 4
	// fewLinks is how many files of links a project may have.
	fewLinks = 8
)

// small are the files of dates that are worth putting together with what arrives.
func (r *run) small(ctx context.Context, project string, dates []string) ([]string, error) {
	var found []string
	for _, date := range dates {
		objects, err := r.list(ctx, fmt.Sprintf("events/project=%s/date=%s/", project, date))
		if err != nil {
			return nil, err
		}
		var some []string
		for _, o := range objects {
			if o.bytes < smallBytes && r.m.Counts(o.key) {
				some = append(some, o.key)
			}
		}
		if len(some) >= fewSmall {
			found = append(found, some...)
		}
	}
	return found, nil
}

// links are the files of links that are written anew.
func (r *run) links(ctx context.Context, project string, w work) ([]string, error) {
	if len(w.links[project]) > 0 {
		return w.links[project], nil
	}
	objects, err := r.list(ctx, "links/project="+project+"/")
	if err != nil {
		return nil, err
	}
	var files []string
	for _, o := range objects {
		if !r.m.Hides(o.key) {
			files = append(files, o.key)
		}
	}
	if len(files) < fewLinks {
		return nil, nil
	}
	return files, nil
}

// copied is a staged file and where it goes.
type copied struct{ from, to string }

// staged are the files that a commit's statements have written.
func (r *run) staged(ctx context.Context, number int64) ([]copied, error) {
	var list []copied
	for _, folder := range stagingOf(number) {
		objects, err := r.list(ctx, folder)
		if err != nil {
			return nil, err
		}
		for _, o := range objects {
			tier := strings.Split(folder, "/")[1]
			to := tier + "/project=" + manifest.Part(o.key, "project") + "/"
			if date := manifest.Part(o.key, "date"); date != "" {
				to += "date=" + date + "/"
			}
			list = append(list, copied{o.key, to + manifest.Name(number, len(list))})
		}
	}
	return list, nil
}
