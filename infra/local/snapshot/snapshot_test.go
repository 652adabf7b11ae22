package snapshot_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"loch/infra/local/duckdb"
	"loch/infra/local/lake"
	"loch/infra/local/pebble"
	"loch/infra/local/snapshot"
	"loch/shared/fault"
	"loch/shared/profile"
	"loch/shared/report"
)

func TestMain(m *testing.M) {
	duckdb.Work()
	m.Run()
}

// world is a profile store, a lake and a clock.
type world struct {
	t      *testing.T
	dir    string
	now    time.Time
	store  *pebble.Profiles
	lake   *lake.Lake
	engine *duckdb.Engine
	writer *snapshot.Writer
	secret []string // further traits that are personal
}

func open(t *testing.T) *world {
	w := &world{t: t, dir: t.TempDir(), now: time.UnixMilli(1_795_435_200_000)}
	w.start()
	t.Cleanup(w.stop)
	return w
}

func (w *world) stop() {
	if err := errors.Join(w.engine.Close(), w.store.Close()); err != nil {
		w.t.Error(err)
	}
}

func (w *world) start() {
	w.t.Helper()
	var err error
	now := func() time.Time { return w.now }
	if w.store, err = pebble.OpenProfiles(w.dir+"/profiles", pebble.Options{Now: now}); err != nil {
		w.t.Fatal(err)
	}
	if w.lake, err = lake.Open(w.dir); err != nil {
		w.t.Fatal(err)
	}
	if w.engine, err = duckdb.Open(w.lake, nil, duckdb.Options{MemoryLimitBytes: 512 << 20}); err != nil {
		w.t.Fatal(err)
	}
	w.writer = snapshot.New(w.store, w.lake, snapshot.Options{
		Personal: func(string) profile.Personal {
			return func(name string, value []byte) bool {
				return name == "$name" || slices.Contains(w.secret, name) || strings.Contains(string(value), `"nick":`)
			}
		},
		Policy: func() string { return fmt.Sprint("p", len(w.secret)) },
		Now:    now, Logger: slog.New(slog.DiscardHandler),
	})
}

func (w *world) set(id, name, value string) {
	w.t.Helper()
	w.apply(profile.Changes{Updates: []profile.Update{{Project: "p", ID: id, TimeMS: w.now.UnixMilli(),
		Ops: []profile.Op{{Kind: profile.Set, Name: name, Value: json.RawMessage(value)}}}}})
}

func (w *world) apply(c profile.Changes) {
	w.t.Helper()
	if _, err := w.store.Apply(context.Background(), c); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) do(what func(context.Context) error) {
	w.t.Helper()
	w.now = w.now.Add(time.Second)
	if err := what(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

// sql is a statement's answer as text.
func (w *world) sql(statement string) string {
	w.t.Helper()
	r, err := w.engine.Query(context.Background(), "p", statement, report.Limits{})
	if err != nil {
		w.t.Fatal(err)
	}
	return fmt.Sprint(r.Rows)
}

const plans = "SELECT person_id, traits->>'plan' FROM profiles ORDER BY 1"

// files are the names of the files in the lake.
func (w *world) files() (names []string) {
	s := w.lake.Snapshot()
	defer s.Release()
	for _, f := range s.Profiles {
		names = append(names, strings.SplitN(strings.TrimPrefix(w.lake.Rel(f), "profiles/"), "-", 2)[0])
	}
	return names
}

func (w *world) see(says, want string) {
	w.t.Helper()
	if got := w.sql(plans); got != want {
		w.t.Errorf("%s: %s, want %s", says, got, want)
	}
}

func TestSQLSeesProfiles(t *testing.T) {
	w := open(t)
	w.see("before all", "[]")
	w.do(w.writer.Changes)
	if len(w.files()) != 0 {
		t.Error("a file of nothing")
	}
	box := profile.Sealed{Owner: "000102030405060708090a0b0c0d0e0f", Version: 1, Tag: make([]byte, 16), Box: []byte("x")}.Append(nil)
	w.set("a", "plan", `"free"`)
	w.set("a", "$email", string(box))
	w.set("a", "$name", `"Jane, from before there was a vault"`)
	w.set("a", "tags", `["x",`+string(box)+`]`)
	w.set("a", "big", `12345678901234567890.5`)
	w.set("a", "about", `{"nick":"Jan"}`) // a member that is personal
	w.set("b", "plan", `"free"`)
	w.do(w.writer.Full)
	w.see("a full one", "[[a free] [b free]]")
	if got := w.sql("SELECT traits::VARCHAR FROM profiles WHERE person_id = 'a'"); got != `[[{"plan":"free","big":12345678901234567890.5}]]` {
		t.Errorf("%s", got)
	}
	w.do(w.writer.Full)
	if got := fmt.Sprint(w.files()); got != "[full]" {
		t.Errorf("%s", got)
	}
	w.set("a", "plan", `"pro"`)
	w.see("not yet", "[[a free] [b free]]")
	w.do(w.writer.Changes)
	w.see("a change", "[[a pro] [b free]]")
	w.do(w.writer.Changes)
	if got := fmt.Sprint(w.files()); got != "[changes full]" {
		t.Errorf("%s, though nothing changed", got)
	}
	if err := w.store.Erase(context.Background(), "p", []string{"b"}); err != nil {
		t.Fatal(err)
	}
	w.do(w.writer.Changes)
	w.see("after an erasure", "[[a pro]]")
	w.apply(profile.Changes{Links: []profile.Link{{Project: "p", Device: "d", User: "u", TimeMS: 1}}})
	w.set("d", "plan", `"x"`) // the user's, since the device is linked
	w.do(w.writer.Changes)
	w.see("a device that is linked is nobody", "[[a pro] [u x]]")
	w.do(w.writer.Full)
	w.see("all anew", "[[a pro] [u x]]")
	if got := fmt.Sprint(w.files()); got != "[full]" {
		t.Errorf("%s", got)
	}
	for _, f := range readAll(t, w.dir+"/lake/profiles") {
		if strings.Contains(f, "Jane") || strings.Contains(f, "sealed") || strings.Contains(f, "free") {
			t.Error("a file holds what is personal, or an erased person's traits")
		}
	}
	w.apply(profile.Changes{Updates: []profile.Update{{Project: "p", ID: "a", Ops: []profile.Op{{Kind: profile.Delete}}}}})
	if err := w.store.Erase(context.Background(), "p", []string{"u"}); err != nil {
		t.Fatal(err)
	}
	w.do(w.writer.Full)
	w.see("everybody is gone", "[]")
}

// A trait that becomes personal is out of SQL and of the files when Renew returns,
// whatever was there; what is up to date is left alone.
func TestRenew(t *testing.T) {
	for name, c := range map[string]struct{ before, want string }{
		"only changes": {"changes", "[full]"}, "full": {"full", "[full]"}, "full and changes": {"full changes", "[full]"}, "nothing": {"", "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t)
			for i, kind := range strings.Fields(c.before) {
				w.set("a", "plan", fmt.Sprintf(`"free%d"`, i))
				w.set("a", "city", `"Oslo"`)
				w.do(map[string]func(context.Context) error{"full": w.writer.Full, "changes": w.writer.Changes}[kind])
			}
			w.do(w.writer.Renew)
			if strings.HasPrefix(c.before, "full") {
				if got := fmt.Sprint(w.files()); strings.Count(got, " ") != strings.Count(c.before, " ") {
					t.Errorf("written anew though the same traits are personal: %s", got)
				}
			}
			w.stop()
			w.secret = []string{"plan"}
			w.start()
			w.do(w.writer.Renew)
			if got := fmt.Sprint(w.files()); got != c.want {
				t.Errorf("the files are %s, want %s", got, c.want)
			}
			if got, want := w.sql("SELECT traits->>'plan', traits->>'city' FROM profiles"), "[[<nil> Oslo]]"; c.before != "" && got != want {
				t.Errorf("SQL sees %s, want %s", got, want)
			}
			// What is personal may change while the server runs.
			w.set("b", "city", `"Rome"`)
			w.do(w.writer.Write)
			for _, f := range readAll(t, w.dir+"/lake/profiles") {
				if strings.Contains(f, "free") {
					t.Error("a file holds what is personal now")
				}
			}
			w.secret = append(w.secret, "city")
			w.do(w.writer.Write)
			if got, want := w.sql("SELECT count(traits->>'city') FROM profiles"), "[[0]]"; got != want {
				t.Errorf("SQL sees %s, want %s", got, want)
			}
		})
	}
}

func readAll(t *testing.T, dir string) (texts []string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(dir + "/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(b))
	}
	return texts
}

// What changed is written after a start as well: marks are in the store, and one
// that was lost with a crash is only written again.
func TestRandomLife(t *testing.T) {
	w := open(t)
	r := rand.New(rand.NewPCG(31, 32))
	id := func() string { return fmt.Sprintf("%02d", r.IntN(30)) }
	for round := range 40 {
		for range r.IntN(12) {
			switch r.IntN(8) {
			case 0:
				w.apply(profile.Changes{Updates: []profile.Update{{Project: "p", ID: id(), Ops: []profile.Op{{Kind: profile.Delete}}}}})
			case 1:
				w.apply(profile.Changes{Links: []profile.Link{{Project: "p", Device: "d" + id(), User: id(), TimeMS: 1}}})
			case 2:
				w.set("d"+id(), "plan", fmt.Sprint(round))
			default:
				w.set(id(), "plan", fmt.Sprint(round))
			}
		}
		if r.IntN(12) == 0 {
			if err := w.store.Erase(context.Background(), "p", []string{id()}); err != nil {
				t.Fatal(err)
			}
		}
		switch r.IntN(6) {
		case 0:
			w.do(w.writer.Full)
		case 1:
			w.stop()
			w.start()
			w.do(w.writer.Changes)
		default:
			w.do(w.writer.Changes)
		}
		if round%4 == 0 {
			w.see(fmt.Sprint("round ", round), w.stored())
		}
	}
	w.see("at the end", w.stored())
}

// stored is what SQL should say, by the store.
func (w *world) stored() string {
	w.t.Helper()
	var rows [][]any
	for n := range 60 {
		id := fmt.Sprintf("%02d", n)
		if n >= 30 {
			id = fmt.Sprintf("d%02d", n-30)
		}
		p, err := w.store.Get(context.Background(), "p", id)
		if fault.CodeOf(err) == fault.NotFound && err != nil || p.ID != id {
			continue
		}
		if err != nil {
			w.t.Fatal(err)
		}
		var plan any
		for _, t := range p.Traits {
			plan = string(t.Value)
		}
		rows = append(rows, []any{id, plan})
	}
	return fmt.Sprint(rows)
}
