package compact_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"loch/functions/compact"
	"loch/shared/fault"
	"loch/shared/manifest"
)

// row is what compaction has to know of an event.
type row struct {
	project, date, id, owner string
	dated                    bool // copies of the event have its date
	version                  int  // the higher is the newer
	link                     string
}

func (r row) key() string {
	if r.dated {
		return r.project + "|" + r.id + "|" + r.date
	}
	return r.project + "|" + r.id
}

// world is a lake as plainly as possible: files with rows, a manifest, and what
// readers see of it. It dies when it is told to, before a call or after it.
type world struct {
	t        testing.TB
	files    map[string][]row
	orders   map[string]string // removal by key
	ordered  map[string]time.Time
	saved    manifest.Manifest
	version  int64
	views    []view
	now      time.Time
	received []row

	calls, dieAt int
	after        bool
	dead         bool
	blind        bool // nobody looks
	writes       int
}

// view is a text that readers see, and since when they see another; the zero time is
// not yet.
type view struct {
	m     manifest.Manifest
	until time.Time
}

const grace = 40 * time.Minute

func newWorld(t testing.TB) *world {
	w := &world{t: t, files: map[string][]row{}, orders: map[string]string{}, ordered: map[string]time.Time{}, now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	w.views = []view{{}}
	return w
}

func (w *world) clone(t testing.TB) *world {
	c := *w
	c.t, c.files, c.orders = t, maps.Clone(w.files), maps.Clone(w.orders)
	c.saved = copyOf(w.saved)
	c.views = slices.Clone(w.views)
	c.received = slices.Clone(w.received)
	return &c
}

func copyOf(m manifest.Manifest) manifest.Manifest {
	var c manifest.Manifest
	text, _ := json.Marshal(m)
	_ = json.Unmarshal(text, &c)
	return c
}

func (w *world) deps() compact.Deps {
	return compact.Deps{
		Files: w, State: w, Tables: w, Now: func() time.Time { return w.now }, MaxFiles: 2, Grace: grace,
		RetentionDays: map[string]int{"short": 30},
	}
}

var errDied = errors.New("killed")

// call is one step: what it does is done unless the world dies before it.
func (w *world) call(do func() error) error {
	if w.dead {
		return errDied
	}
	w.calls++
	if w.calls == w.dieAt && !w.after {
		w.dead = true
		return errDied
	}
	err := do()
	if w.calls == w.dieAt {
		w.dead = true
		return errDied
	}
	return err
}

// land puts a file of rows into the landing tier.
func (w *world) land(hour time.Time, name string, rows ...row) {
	w.files[hour.Format("landing/dt=2006-01-02/hour=15/")+name] = rows
	w.received = append(w.received, rows...)
}

// remove orders that somebody's rows go.
func (w *world) remove(project, owner string) {
	w.ordered[owner] = w.now
	w.orders["removals/"+owner] = fmt.Sprintf(`{"project":%q,"ids":[%q],"time_ms":%d}`, project, owner, w.now.UnixMilli())
}

func (w *world) removed(r row) bool { return w.orders["removals/"+r.owner] != "" }

// expired tells whether a row may be gone by its project's retention.
func (w *world) expired(r row) bool {
	return r.project == "short" && r.date < w.now.AddDate(0, 0, -30).Format(time.DateOnly)
}

func newest(rows []row) []string {
	best := map[string]row{}
	for _, r := range rows {
		if old, seen := best[r.key()]; !seen || r.version > old.version {
			best[r.key()] = r
		}
	}
	var list []string
	for _, r := range best {
		list = append(list, fmt.Sprintf("%+v", r))
	}
	slices.Sort(list)
	return list
}

func without(list, others []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(others, s) })
}

// told holds the summaries against a manifest: each compacted file that counts up to
// Summarised is told of once, and no other file is.
func (w *world) told(m manifest.Manifest) {
	w.t.Helper()
	told := map[string]int{}
	for key, rows := range w.files {
		if !strings.HasPrefix(key, "summaries/") || !m.Counts(key) {
			continue
		}
		for _, r := range rows {
			if n, _ := manifest.CommitOf(r.id); n <= m.Summarised && !m.Hides(r.id) {
				told[r.id]++
			}
		}
	}
	for key := range w.files {
		n, _ := manifest.CommitOf(key)
		if strings.HasPrefix(key, "events/") && m.Counts(key) && n <= m.Summarised {
			if told[key] != 1 {
				w.t.Fatalf("call %d: summaries tell %d times of %s\nby %+v", w.calls, told[key], key, m)
			}
			delete(told, key)
		}
	}
	if len(told) > 0 {
		w.t.Fatalf("call %d: summaries tell of %v, which do not count\nby %+v", w.calls, told, m)
	}
}

// look is every statement that may run now: each sees each event once, the newest,
// and each link; and what summaries tell is what there is.
func (w *world) look() {
	w.t.Helper()
	if w.blind {
		return
	}
	w.told(w.saved)
	var want []row
	links := map[string]bool{}
	for _, r := range w.received {
		if w.removed(r) || w.expired(r) {
			continue
		}
		want = append(want, r)
		if r.link != "" {
			links[r.project+"/"+r.link] = true
		}
	}
	for _, v := range w.views {
		if !v.until.IsZero() && w.now.After(v.until.Add(grace)) {
			continue // no statement that read it still runs
		}
		w.told(v.m)
		var seen []row
		twice := map[string]string{}
		found := map[string]bool{}
		for key, rows := range w.files {
			tier, _, _ := strings.Cut(key, "/")
			switch tier {
			case "links":
			case "landing":
				if hour := manifest.Part(key, "dt") + "T" + manifest.Part(key, "hour"); !v.m.Counts(key) || hour < v.m.Since {
					continue
				}
			case "events":
				if date := manifest.Part(key, "date"); !v.m.Counts(key) || date < v.m.First || date > v.m.Last {
					continue
				}
			default:
				continue
			}
			for _, r := range rows {
				if w.removed(r) {
					continue
				}
				if r.link != "" {
					found[r.project+"/"+r.link] = true
				}
				if tier == "events" {
					if twice[r.key()] != "" {
						w.t.Fatalf("call %d: %+v is in %s and in %s", w.calls, r, key, twice[r.key()])
					}
					twice[r.key()] = key
				}
				if tier != "links" && !w.expired(r) {
					seen = append(seen, r)
				}
			}
		}
		if got, want := newest(seen), newest(want); !slices.Equal(got, want) {
			w.t.Fatalf("call %d at %s: a statement sees too much:\n%s\nor too little:\n%s\nby %+v", w.calls, w.now,
				strings.Join(without(got, want), "\n"), strings.Join(without(want, got), "\n"), v.m)
		}
		for link := range links {
			if !found[link] {
				w.t.Fatalf("call %d: the link %s is lost", w.calls, link)
			}
		}
	}
}

func (w *world) Load(context.Context) (m manifest.Manifest, version int64, err error) {
	err = w.call(func() error { m, version = copyOf(w.saved), w.version; return nil })
	return m, version, err
}

func (w *world) Save(_ context.Context, m manifest.Manifest, follows int64) error {
	return w.call(func() error {
		if follows != w.version {
			return fault.New(fault.Conflict, "another one follows")
		}
		w.saved, w.version = copyOf(m), follows+1
		return nil
	})
}

func (w *world) Publish(_ context.Context, m *manifest.Manifest) (string, error) {
	err := w.call(func() error {
		w.views[len(w.views)-1].until = w.now
		w.views = append(w.views, view{m: copyOf(*m)})
		w.look()
		return nil
	})
	return "texts", err
}

func (w *world) List(_ context.Context, prefix string, fn func(key string, bytes int64)) error {
	return w.call(func() error {
		for key, rows := range w.files {
			if strings.HasPrefix(key, prefix) {
				fn(key, int64(len(rows)))
			}
		}
		for key := range w.orders {
			if strings.HasPrefix(key, prefix) {
				fn(key, 1)
			}
		}
		return nil
	})
}

func (w *world) Copy(_ context.Context, from, to string) error {
	return w.call(func() error { w.files[to] = w.files[from]; w.look(); return nil })
}

func (w *world) Delete(_ context.Context, key string) error {
	return w.call(func() error {
		if order := w.orders[key]; order != "" {
			// From here on nothing hides the rows.
			delete(w.orders, key)
			w.received = slices.DeleteFunc(w.received, func(r row) bool { return "removals/"+r.owner == key })
		}
		delete(w.files, key)
		w.look()
		return nil
	})
}

func (w *world) Get(_ context.Context, key string) (text []byte, err error) {
	err = w.call(func() error { text = []byte(w.orders[key]); return nil })
	return text, err
}

// of are a project's rows of files that stay.
func (w *world) of(project string, files ...[]string) (rows []row) {
	for _, key := range slices.Concat(files...) {
		if _, there := w.files[key]; !there {
			w.t.Fatalf("a statement names %s, which is not there", key)
		}
		for _, r := range w.files[key] {
			if (project == "" || r.project == project) && !w.removed(r) {
				rows = append(rows, r)
			}
		}
	}
	return rows
}

func (w *world) Projects(_ context.Context, landing []string) (list []string, err error) {
	err = w.call(func() error {
		for _, r := range w.of("", landing) {
			list = append(list, r.project)
		}
		return nil
	})
	return list, err
}

func (w *world) Dates(_ context.Context, project string, landing []string) (list []string, err error) {
	err = w.call(func() error {
		for _, r := range w.of(project, landing) {
			list = append(list, r.date)
		}
		return nil
	})
	return list, err
}

func (w *world) Overlapping(_ context.Context, m *manifest.Manifest, project string, landing []string) (list []string, err error) {
	err = w.call(func() error {
		arrived := map[string]bool{}
		for _, r := range w.of(project, landing) {
			arrived[r.key()] = true
		}
		for key, rows := range w.files {
			if strings.HasPrefix(key, "events/") && m.Counts(key) && slices.ContainsFunc(rows, func(r row) bool { return arrived[r.key()] }) {
				list = append(list, key)
			}
		}
		return nil
	})
	return list, err
}

func (w *world) Suspects(_ context.Context, m *manifest.Manifest, project string) (list []string, err error) {
	err = w.call(func() error {
		for key, rows := range w.files {
			tier, _, _ := strings.Cut(key, "/")
			if (tier == "events" && m.Counts(key) || tier == "links") && manifest.Part(key, "project") == project && slices.ContainsFunc(rows, w.removed) {
				list = append(list, key)
			}
		}
		return nil
	})
	return list, err
}

func (w *world) Write(_ context.Context, commit int64, project string, dates, landing, rewrite []string) error {
	return w.call(func() error {
		if len(dates) > 100 {
			w.t.Fatalf("%d partitions at once", len(dates))
		}
		best := map[string]row{}
		for _, r := range w.of(project, landing, rewrite) {
			if old, seen := best[r.key()]; !seen || r.version > old.version {
				best[r.key()] = r
			}
		}
		w.writes++
		for _, r := range best {
			if slices.Contains(dates, r.date) {
				key := fmt.Sprintf("staging/events/commit_id=%s/project=%s/date=%s/%d", manifest.ID(commit), project, r.date, w.writes)
				w.files[key] = append(slices.Clone(w.files[key]), r)
			}
		}
		return nil
	})
}

func (w *world) WriteLinks(_ context.Context, commit int64, project string, landing, links []string) error {
	return w.call(func() error {
		w.writes++
		key := fmt.Sprintf("staging/links/commit_id=%s/project=%s/%d", manifest.ID(commit), project, w.writes)
		for _, r := range w.of(project, landing, links) {
			if r.link != "" {
				w.files[key] = append(slices.Clone(w.files[key]), row{project: r.project, owner: r.owner, link: r.link})
			}
		}
		return nil
	})
}

func (w *world) Summarise(_ context.Context, m *manifest.Manifest, commit int64, project string, files, summaries []string) error {
	return w.call(func() error {
		w.writes++
		key := fmt.Sprintf("staging/summaries/commit_id=%s/project=%s/%d", manifest.ID(commit), project, w.writes)
		rows := []row{}
		for _, file := range files {
			w.of(project, []string{file})
			rows = append(rows, row{project: project, id: file})
		}
		for _, old := range summaries {
			for _, r := range w.files[old] {
				if n, _ := manifest.CommitOf(r.id); n <= m.Summarised && !m.Hides(r.id) {
					rows = append(rows, r)
				}
			}
		}
		w.files[key] = rows
		return nil
	})
}
