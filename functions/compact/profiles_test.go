package compact_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"loch/functions/compact"
	"loch/shared/profile"
)

// crowd is a store of profiles that fails where it is told.
type crowd struct {
	people []profile.Profile
	failAt int // 0 never
}

var errCut = errors.New("cut off")

func (c *crowd) All(_ context.Context, fn func(*profile.Profile) error) error {
	for i := range c.people {
		if i+1 == c.failAt {
			return errCut
		}
		if err := fn(&c.people[i]); err != nil {
			return err
		}
	}
	return nil
}

// folder keeps snapshots, and fails where it is told.
type folder struct {
	files  map[string][]profile.Snapshot
	failAt int // the call that fails
	calls  int
}

func (f *folder) call() error {
	if f.calls++; f.calls == f.failAt {
		return errCut
	}
	return nil
}

func (f *folder) Put(_ context.Context, name string, rows []profile.Snapshot) error {
	if err := f.call(); err != nil {
		return err
	}
	f.files[name] = slices.Clone(rows)
	return nil
}

func (f *folder) List(context.Context) ([]string, error) {
	return slices.Collect(maps.Keys(f.files)), f.call()
}

func (f *folder) Delete(_ context.Context, name string) error {
	if err := f.call(); err != nil {
		return err
	}
	delete(f.files, name)
	return nil
}

// seen is what the view profiles shows: the newest row of each person.
func (f *folder) seen() map[string]string {
	newest := map[string]profile.Snapshot{}
	for _, rows := range f.files {
		for _, r := range rows {
			if r.SnapshotMS >= newest[r.PersonID].SnapshotMS {
				newest[r.PersonID] = r
			}
		}
	}
	shown := map[string]string{}
	for id, r := range newest {
		shown[id] = r.Traits
	}
	return shown
}

func someone(id, plan string) profile.Profile {
	return profile.Profile{Project: "shop", ID: id, Traits: []profile.Trait{
		{Name: "plan", Value: json.RawMessage(`"` + plan + `"`)}, {Name: "$email", Value: json.RawMessage(`{"$sealed":"AAAA"}`)}, {Name: "town", Value: json.RawMessage(`"Oslo"`)},
	}}
}

// Everybody is there once, without what is personal; the erased are gone after the next
// run, wherever one was cut off before.
func TestWriteProfiles(t *testing.T) {
	for cut := range 9 {
		people, files := &crowd{people: []profile.Profile{someone("a", "free"), someone("b", "pro")}}, &folder{files: map[string][]profile.Snapshot{}}
		now := time.UnixMilli(1_795_435_200_000)
		run := func() error {
			now = now.Add(time.Hour)
			_, err := compact.WriteProfiles(t.Context(), compact.ProfilesDeps{
				People: people, Snapshots: files, Now: func() time.Time { return now },
				Personal: func(project string) profile.Personal {
					return func(name string, _ []byte) bool { return project != "shop" || name == "town" }
				},
			})
			return err
		}
		if err := run(); err != nil {
			t.Fatal(err)
		}
		if got := files.seen(); len(got) != 2 || got["a"] != `{"plan":"free"}` || got["b"] != `{"plan":"pro"}` {
			t.Fatalf("the lake has %v", got)
		}
		people.people = []profile.Profile{someone("b", "free"), someone("c", "pro")} // a was erased
		if people.failAt = max(0, cut-5); people.failAt == 0 {
			files.failAt = files.calls + cut
		}
		err := run()
		if cut > 0 && (cut < 4 || people.failAt > 0 && people.failAt < 3) != (err != nil) {
			t.Fatalf("cut %d: %v", cut, err)
		}
		got := files.seen()
		if got["b"] == "" {
			t.Errorf("cut %d: somebody is not there: %v", cut, got)
		}
		people.failAt, files.failAt = 0, 0
		if err := run(); err != nil {
			t.Fatal(err)
		}
		if got := files.seen(); len(got) != 2 || got["a"] != "" || got["b"] != `{"plan":"free"}` || got["c"] == "" || len(files.files) != 1 {
			t.Errorf("cut %d: the lake has %v", cut, got)
		}
		for name := range files.files {
			if !strings.HasPrefix(name, "full-1795") || !strings.HasSuffix(name, ".parquet") {
				t.Errorf("a file is called %s", name)
			}
		}
	}
}
