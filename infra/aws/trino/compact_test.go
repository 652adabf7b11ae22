package trino_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"loch/infra/aws/athena"
	"loch/infra/aws/glue"
	"loch/infra/aws/tiers"
	"loch/infra/aws/trino"
	"loch/shared/event"
	"loch/shared/manifest"
	"loch/shared/report/laketest"
)

// keeper compacts a lake with the statements of infra/aws/tiers, in the order in
// which functions/compact uses them. That nothing is lost when it is killed between
// any two is proved there; here, that the statements do what it takes them to do.
type keeper struct {
	*lake
	tables  *tiers.Tables
	m       manifest.Manifest
	version int64
}

func (l *lake) keeper(engine *athena.Engine) *keeper {
	k := &keeper{lake: l, tables: tiers.New(engine, l.name)}
	k.show()
	return k
}

func (k *keeper) must(err error) {
	k.t.Helper()
	if err != nil {
		k.t.Fatal(err)
	}
}

func (k *keeper) list(prefix string) (keys []string) {
	k.t.Helper()
	k.must(k.bucket.List(k.t.Context(), prefix, func(key string, _ int64, _ time.Time) error {
		if !k.m.Hides(key) {
			keys = append(keys, key)
		}
		return nil
	}))
	return keys
}

func (k *keeper) show() {
	k.t.Helper()
	views, err := k.tables.Publish(k.t.Context(), &k.m)
	k.must(err)
	k.m.Views = views
}

// compact takes in at most some landing files.
func (k *keeper) compact(most int) {
	k.t.Helper()
	ctx := k.t.Context()
	landing := k.list("landing/")
	landing = landing[:min(most, len(landing))]
	if len(landing) == 0 {
		return
	}
	k.m.Attempt++
	replaced := slices.Clone(landing)
	projects, err := k.tables.Projects(ctx, landing)
	k.must(err)
	for _, project := range projects {
		dates, err := k.tables.Dates(ctx, project, landing)
		k.must(err)
		rewrite, err := k.tables.Overlapping(ctx, &k.m, project, landing)
		k.must(err)
		for _, key := range rewrite {
			dates = append(dates, manifest.Part(key, "date"))
		}
		slices.Sort(dates)
		if dates = slices.Compact(dates); len(dates) > 0 {
			k.must(k.tables.Write(ctx, k.m.Attempt, project, dates, landing, rewrite))
		}
		links := k.list("links/project=" + project + "/")
		if len(links) < 3 {
			links = nil
		}
		k.must(k.tables.WriteLinks(ctx, k.m.Attempt, project, landing, links))
		replaced = append(append(replaced, rewrite...), links...)
	}
	k.finish(replaced)
}

// summarise brings the summaries up to what is compacted, in one file.
func (k *keeper) summarise() {
	k.t.Helper()
	var files, told []string
	for _, key := range k.list("events/") {
		if n, _ := manifest.CommitOf(key); n > k.m.Summarised {
			files = append(files, key)
		}
	}
	told = k.list("summaries/project=p/")
	files = slices.DeleteFunc(files, func(key string) bool { return manifest.Part(key, "project") != "p" })
	if len(files)+len(told) == 0 {
		return
	}
	k.m.Attempt++
	k.must(k.tables.Summarise(k.t.Context(), &k.m, k.m.Attempt, "p", files, told))
	k.m.Summarised = k.m.Attempt
	for i := range k.m.Replaced {
		k.m.Replaced[i].Told = false
	}
	k.finish(told)
}

// save puts the manifest into the bucket, which is where the schema reads it.
func (k *keeper) save() {
	k.t.Helper()
	k.must(tiers.NewState(k.bucket).Save(k.t.Context(), k.m, k.version))
	k.version++
}

// sweep writes what holds removed rows of project p anew.
func (k *keeper) sweep() {
	k.t.Helper()
	ctx := k.t.Context()
	suspects, err := k.tables.Suspects(ctx, &k.m, "p")
	k.must(err)
	if k.m.Swept == nil {
		k.m.Swept = map[string]int64{}
	}
	for _, key := range k.list("removals/") {
		k.m.Swept[key] = 0
	}
	if len(suspects) == 0 {
		return
	}
	k.m.Attempt++
	var rewrite, links, dates []string
	for _, key := range suspects {
		if strings.HasPrefix(key, "links/") {
			links = append(links, key)
		} else {
			rewrite, dates = append(rewrite, key), append(dates, manifest.Part(key, "date"))
		}
	}
	slices.Sort(dates)
	if len(rewrite) > 0 {
		k.must(k.tables.Write(ctx, k.m.Attempt, "p", slices.Compact(dates), nil, rewrite))
	}
	if len(links) > 0 {
		k.must(k.tables.WriteLinks(ctx, k.m.Attempt, "p", nil, links))
	}
	k.finish(suspects)
	again, err := k.tables.Suspects(ctx, &k.m, "p")
	// Files of links that were replaced are there for a while, and change nothing.
	again = slices.DeleteFunc(again, k.m.Hides)
	if err != nil || len(again) > 0 {
		k.t.Fatalf("after a sweep there are still %v (%v)", again, err)
	}
}

// finish puts what is staged among the files that count, and deletes what it
// replaces.
func (k *keeper) finish(replaced []string) {
	k.t.Helper()
	ctx := k.t.Context()
	id := manifest.ID(k.m.Attempt)
	for i, from := range append(k.list("staging/events/commit_id="+id+"/"), append(k.list("staging/links/commit_id="+id+"/"), k.list("staging/summaries/commit_id="+id+"/")...)...) {
		to := strings.Split(from, "/")[1] + "/project=" + manifest.Part(from, "project") + "/"
		if date := manifest.Part(from, "date"); date != "" {
			to += "date=" + date + "/"
			if k.m.First == "" || date < k.m.First {
				k.m.First = date
			}
			k.m.Last = max(k.m.Last, date)
		}
		k.must(k.bucket.Copy(ctx, from, to+manifest.Name(k.m.Attempt, i)))
		k.must(k.bucket.Delete(ctx, from))
	}
	k.m.Commit = k.m.Attempt
	for _, key := range replaced {
		n, _ := manifest.CommitOf(key)
		k.m.Replaced = append(k.m.Replaced, manifest.Replaced{Key: key, Told: strings.HasPrefix(key, "events/") && n <= k.m.Summarised})
	}
	k.show()
	// Half of it stays for a while, so that readers have something to leave out.
	half := len(k.m.Replaced) / 2
	left := slices.Clone(k.m.Replaced[half:])
	for _, r := range k.m.Replaced[:half] {
		k.must(k.bucket.Delete(ctx, r.Key))
		if r.Told {
			left = append(left, r)
		}
	}
	k.m.Replaced = left
	k.show()
}

// compaction runs the contract of the relations while rows move between the tiers. It
// is compared after four steps, when some of it was compacted; and after eight, when it
// was compacted twice and swept, and more has landed.
func compaction(t *testing.T, e *engine) {
	laketest.Run(t, laketest.Effort{Seeds: 1, Steps: 8, Every: 4}, func(t *testing.T) laketest.Lake {
		l := e.newLake(t, glue.JSON)
		engine := l.athena(t)
		k := l.keeper(engine)
		removals, step := 0, 0
		return laketest.Lake{
			Engine: engine,
			Put:    func(_ *testing.T, rows []event.Row) { l.land(rows) },
			Upkeep: func(_ *testing.T, n int) {
				switch step++; step {
				case 4:
					k.compact(1 + n%4)
				case 6:
					k.compact(100)
				case 7:
					if removals > 0 {
						k.sweep()
					}
				}
			},
			Remove: func(_ *testing.T, ids []string) { removals++; l.remove(removals, ids) },
		}
	})
}

// parquet: what landed as Parquet is read like what landed as JSON; files of rows
// are written by Trino itself.
func parquet(t *testing.T, e *engine) {
	l := e.newLake(t, glue.Parquet)
	first, second := laketest.Row("Sign Up", laketest.Day0), laketest.Row("Purchase", laketest.Day0+1500)
	second.UserID, second.Revenue, second.Properties = "u1", 12.5, `{"plan":"Größe 'x'"}`
	// By way of a table that takes JSON.
	from := glue.Tables[0]
	from.Name, from.Folder, from.Format = "arriving", "arriving/", glue.JSON
	from.Partitions = nil
	l.run(trino.CreateTable(from, l.name))
	l.putRows("arriving/1", []event.Row{first, second})
	l.run("INSERT INTO landing SELECT a.*, DATE '2026-11-01', '10' FROM arriving a")
	engine := l.athena(t)
	k := l.keeper(engine)
	want := "[[Sign Up u1 2026-11-01 00:00:00 <nil> {}] [Purchase u1 2026-11-01 00:00:01.5 12.5 {\"plan\":\"Größe 'x'\"}]]"
	for _, when := range []string{"landed", "compacted"} {
		if got := l.ask(engine, "SELECT event, person_id, time, revenue, properties FROM events ORDER BY time"); got != want {
			t.Errorf("%s: %s\nwant %s", when, got, want)
		}
		k.compact(100)
	}
	if got := l.list("events/"); len(got) != 1 {
		t.Errorf("compacted files: %v", got)
	}
}

// state: of two who put the next manifest one has it.
func state(t *testing.T, e *engine) {
	l := e.newBucket(t)
	s := tiers.NewState(l.bucket)
	ctx := context.Background()
	m, version, err := s.Load(ctx)
	if err != nil || version != 0 || m.Commit != 0 {
		t.Fatalf("of nothing: %+v %d %v", m, version, err)
	}
	for i := range int64(30) {
		m.Commit = i
		if err := s.Save(ctx, m, i); err != nil {
			t.Fatal(err)
		}
	}
	m.Commit = 99
	if err := s.Save(ctx, m, 29); err == nil {
		t.Error("a version was taken twice")
	}
	m, version, err = s.Load(ctx)
	if err != nil || version != 30 || m.Commit != 29 {
		t.Errorf("loaded %+v %d %v", m, version, err)
	}
	if n := len(l.list("state/")); n > 21 {
		t.Errorf("%d manifests are kept", n)
	}
}
