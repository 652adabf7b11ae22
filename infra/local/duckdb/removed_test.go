package duckdb

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"loch/infra/local/lake"
	"loch/infra/local/parquet"
	"loch/shared/event"
)

// remove orders that rows of the ids are removed.
func (w *world) remove(project string, ids ...string) {
	w.t.Helper()
	if err := w.lake.RemoveRows(project, ids, time.Now()); err != nil {
		w.t.Fatal(err)
	}
}

// erased are the lake ids whose rows were ordered to go, by project: the plain
// definition of what a removal means.
type erased map[string]map[string]bool

func (e erased) add(project string, ids ...string) {
	if e[project] == nil {
		e[project] = map[string]bool{}
	}
	for _, id := range ids {
		e[project][id] = true
	}
}

// rows are what is left of rows.
func (e erased) rows(rows []event.Row) (kept []event.Row) {
	for _, r := range rows {
		owner := r.UserID
		if owner == "" {
			owner = r.DeviceID
		}
		if !e[r.Project][owner] {
			kept = append(kept, r)
		}
	}
	return kept
}

// linking are the rows whose links are left.
func (e erased) linking(rows []event.Row) (kept []event.Row) {
	for _, r := range rows {
		if !e[r.Project][r.UserID] && !e[r.Project][r.DeviceID] {
			kept = append(kept, r)
		}
	}
	return kept
}

// someone is a user of the project with all linked devices, as an erasure names
// them, or a device alone.
func someone(rnd *rand.Rand, project string, all []event.Row, e erased) []string {
	all = e.linking(all)
	person := persons(all)
	r := all[rnd.IntN(len(all))]
	r.Project = project
	ids := []string{person(r)}
	for _, o := range all {
		if o.Project == project && o.DeviceID != "" && !slices.Contains(ids, o.DeviceID) &&
			person(event.Row{Project: project, DeviceID: o.DeviceID}) == ids[0] {
			ids = append(ids, o.DeviceID)
		}
	}
	return ids
}

// inFiles counts what the lake's files hold of the ids of a project: rows, and
// links and merges.
func (w *world) inFiles(e erased) (rows, links int64) {
	w.t.Helper()
	s := w.lake.Snapshot()
	defer s.Release()
	for _, path := range slices.Concat(s.Landing, s.Events) {
		if err := parquet.ReadEvents(path, func(r *event.Row) error {
			rows += int64(1 - len(e.rows([]event.Row{*r})))
			return nil
		}); err != nil {
			w.t.Fatal(err)
		}
	}
	worker, err := startWorker(w.engine.compactorSettings(), w.engine.options.Logger)
	if err != nil {
		w.t.Fatal(err)
	}
	defer worker.close()
	for _, path := range s.Links {
		project, _ := partition(w.lake.Rel(path))
		ids := "user_id, device_id"
		if isPersons(path) {
			ids = "id, person_id"
		}
		found, err := worker.script(w.t.Context(), "SELECT "+ids+" FROM "+scan([]string{path}))
		if err != nil {
			w.t.Fatal(err)
		}
		for _, row := range found {
			if e[project][text(row[0])] || e[project][text(row[1])] {
				links++
			}
		}
	}
	return rows, links
}

// TestRemovedRowsAreHiddenAtOnce orders the rows of one person to be removed while
// some are in the log, some have landed and some are compacted.
func TestRemovedRowsAreHiddenAtOnce(t *testing.T) {
	w := newWorld(t)
	of := func(name, user, device string) event.Row {
		r := row(name, day0)
		r.UserID, r.DeviceID = user, device
		r.InsertID = name
		return r
	}
	other := of("other project", "ann", "phone")
	other.Project = "q"
	for _, at := range []string{"compacted", "landed", "in the log"} {
		w.put(of(at+" 1", "ann", "phone"), of(at+" 2", "", "phone"), of(at+" bob on her phone", "bob", "phone"),
			of(at+" bob", "bob", ""), of(at+" nobody", "", ""), other)
		if at != "in the log" {
			w.roll()
		}
		if at == "compacted" {
			w.compact()
		}
	}
	if got := w.value("SELECT count(*) FROM events_raw"); got != "15" {
		t.Fatalf("before there are %s rows", got)
	}
	w.remove("p", "ann", "phone")
	check := func(when string) {
		t.Helper()
		for _, relation := range []string{"events", "events_raw"} {
			if got := w.value("SELECT count(*) FROM " + relation); got != "9" {
				t.Errorf("%s, %s has %s rows", when, relation, got)
			}
			if got := w.value("SELECT count(*) FROM " + relation + " WHERE date = '2026-11-01' AND coalesce(user_id, device_id) IN ('ann', 'phone')"); got != "0" {
				t.Errorf("%s, %s has %s of her rows", when, relation, got)
			}
		}
		if got := w.value("SELECT string_agg(DISTINCT coalesce(person_id, 'none'), ' ' ORDER BY coalesce(person_id, 'none')) FROM events"); got != "bob none" {
			t.Errorf("%s, the people are %s", when, got)
		}
	}
	check("at once")
	w.roll()
	check("rolled over")
	if c := w.compact(); c.Removed != 6 || c.RowsIn != c.RowsOut+c.Removed+c.Duplicates {
		t.Errorf("compaction says %+v", c)
	}
	check("compacted")
	gone := erased{}
	gone.add("p", "ann", "phone")
	if rows, links := w.inFiles(gone); rows != 0 || links != 0 {
		t.Errorf("the files hold %d of her rows and %d links", rows, links)
	}
	account, err := lake.Verify(t.Context(), w.lake, w.log, nil)
	if err != nil || !account.OK || account.Removed != 6 || account.Stored != 10 || account.Duplicates != 2 {
		t.Errorf("it does not add up: %v\n%s", err, account)
	}
	// A request that was on its way arrives late.
	w.put(of("late", "ann", "phone"), of("late bob", "bob", "phone"))
	if got := w.value("SELECT count(*) FROM events"); got != "10" {
		t.Errorf("with late rows there are %s", got)
	}
	w.roll()
	if c := w.compact(); c.Removed != 1 {
		t.Errorf("compaction of late rows says %+v", c)
	}
	if rows, _ := w.inFiles(gone); rows != 0 {
		t.Errorf("the files hold %d of her rows again", rows)
	}
}

// TestRemovalKeepsTheRest writes a file anew and compares what is left of it, to
// the last column and in the same order.
func TestRemovalKeepsTheRest(t *testing.T) {
	w := newWorld(t)
	for i := range 400 {
		r := row(fmt.Sprint("e", i), day0+int64(i*7919%1000))
		r.DeviceID = fmt.Sprint("d", i*31%7)
		r.Properties = fmt.Sprintf(`{"n": 12345678901234567890123, "i": %d}`, i)
		r.Revenue, r.ScreenWidth = 0.1, int64(i)
		w.put(r)
	}
	w.roll()
	w.compact()
	read := func() (rows []string) {
		for _, path := range w.snapshot().Events {
			if err := parquet.ReadEvents(path, func(r *event.Row) error {
				rows = append(rows, fmt.Sprintf("%+v", *r))
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		return rows
	}
	want := slices.DeleteFunc(read(), func(r string) bool { return strings.Contains(r, "DeviceID:d3 ") })
	w.remove("p", "d3")
	files := w.snapshot().Events
	if c := w.compact(); c.Commits != 1 || c.Written != 1 || int(c.Removed) != 400-len(want) || c.Removed == 0 {
		t.Errorf("compaction says %+v", c)
	}
	sameLists(t, "what is left", read(), want)
	if again := w.compact(); again.Commits != 0 {
		t.Errorf("a second compaction did %+v", again)
	}
	w.remove("p", "nobody")
	if c := w.compact(); c.Commits != 0 || slices.Equal(files, w.snapshot().Events) {
		t.Errorf("nothing had to be done, and it did %+v", c)
	}
}

// TestRemovalOfAll leaves no file where no row is left, and none of the links.
func TestRemovalOfAll(t *testing.T) {
	w := newWorld(t)
	r := row("a", day0)
	r.UserID = "u"
	w.put(r)
	w.roll()
	w.compact()
	w.remove("p", "u", "d1")
	if c := w.compact(); c.Removed != 1 || c.Written != 0 {
		t.Errorf("compaction says %+v", c)
	}
	if s := w.snapshot(); len(s.Events) != 0 || len(s.Links) != 0 {
		t.Errorf("there are %v and %v", s.Events, s.Links)
	}
	if got := w.value("SELECT count(*) FROM events"); got != "0" {
		t.Errorf("%s events", got)
	}
}

// TestRemovalIsFulfilled holds that an order stands for as long as rows may still
// arrive, in files or in the log, and no longer.
func TestRemovalIsFulfilled(t *testing.T) {
	now := time.Now()
	clock := now
	w := openWorld(t, t.TempDir(), Options{Now: func() time.Time { return clock }})
	standing := func() int { return len(w.snapshot().Removals) }
	order := func(ago time.Duration) {
		t.Helper()
		if err := w.lake.RemoveRows("p", []string{"d1"}, clock.Add(-ago)); err != nil {
			t.Fatal(err)
		}
	}
	w.put(row("a", day0))
	w.roll()
	order(0)
	w.compact()
	if s := w.snapshot(); len(s.Removals) != 1 || !s.Removals[0].Swept {
		t.Fatalf("right after the sweep there is %+v", s.Removals)
	}
	// The time is over, but the log holds what came before it was.
	w.put(row("b", day0))
	clock = now.Add(lateness + time.Minute)
	if w.compact(); standing() != 1 {
		t.Error("the order ended while the log held rows from its time")
	}
	w.roll()
	if c := w.compact(); c.Removed != 1 || standing() != 0 {
		t.Errorf("when nothing is left, %d orders stand; compaction did %+v", standing(), c)
	}
	// What comes in after its time keeps none from ending.
	order(3 * lateness)
	w.put(row("c", day0))
	if w.compact(); standing() != 0 {
		t.Error("an order stands though nothing of its time is left")
	}
}

// TestRemovalsAgreeWithOracle orders removals at random moments of random traffic
// and compares the relations with the plain definitions all the while.
func TestRemovalsAgreeWithOracle(t *testing.T) {
	for seed := range seeds(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			g := newTraffic(seed+100, 4, "p", "p", "p", "q")
			g.oneSender = true
			choice := rand.New(rand.NewPCG(seed, 3))
			var all []event.Row
			gone := erased{}
			w.engine.chunkFiles = 1 + int(seed)%3
			for step := range 48 {
				for range choice.IntN(4) {
					rows := g.request(1 + choice.IntN(25))
					w.put(rows...)
					all = append(all, rows...)
				}
				switch choice.IntN(6) {
				case 0, 1:
					w.roll()
				case 2:
					if c := w.compact(); c.RowsIn != c.RowsOut+c.Duplicates+c.Removed {
						t.Fatalf("it does not add up: %+v", c)
					}
				case 3:
					if project := []string{"p", "q"}[choice.IntN(2)]; step%3 == 0 && len(gone.rows(all)) > 0 {
						ids := someone(choice, project, all, gone)
						w.remove(project, ids...)
						gone.add(project, ids...)
					}
				}
				if step%4 == 3 {
					sameLists(t, fmt.Sprint("events in step ", step), w.fingerprints("events", "person_id"),
						fingerprints(newest(gone.rows(all)), persons(gone.linking(all))))
				}
			}
			w.roll()
			w.compact()
			if rows, links := w.inFiles(gone); rows != 0 || links != 0 {
				t.Errorf("the files hold %d rows and %d links that were to go", rows, links)
			}
			sameLists(t, "in the end events", w.fingerprints("events", "person_id"),
				fingerprints(newest(gone.rows(all)), persons(gone.linking(all))))
			account, err := lake.Verify(context.Background(), w.lake, w.log, nil)
			if err != nil || !account.OK || account.Received != int64(len(all)) {
				t.Fatalf("the data folder does not add up to %d: %v\n%s", len(all), err, account)
			}
			if account.Removed == 0 {
				t.Error("nothing was removed: the test proves little")
			}
		})
	}
}
