// Package projecttest is the contract of a project.Registry as tests: whoever keeps
// projects runs them against it.
package projecttest

import (
	"strconv"
	"sync"
	"testing"

	"loch/shared/fault"
	"loch/shared/project"
)

// World is a registry with one project in it.
type World struct {
	Registry project.Registry
	Project  string // its id
	Token    string
	Keys     map[project.Scope]string
	Username string // of its service account
	Secret   string

	// Reopen opens the same data again, as after a restart.
	Reopen func() project.Registry
	// Set changes the project's settings the way an operator does.
	Set func(change func(*project.Settings))
}

// Run holds a registry to its contract. open makes a new one.
func Run(t *testing.T, open func(t *testing.T) World) {
	t.Helper()
	t.Run("what opens what", func(t *testing.T) { testSecrets(t, open(t)) })
	t.Run("kinds of group stay", func(t *testing.T) { testGroupKeys(t, open(t)) })
	t.Run("kinds of group are bounded", func(t *testing.T) { testBounds(t, open(t)) })
	t.Run("many kinds at once", func(t *testing.T) { testConcurrent(t, open(t)) })
}

func testSecrets(t *testing.T, w World) {
	ctx := t.Context()
	for _, r := range []project.Registry{w.Registry, w.Reopen()} {
		for range 2 { // the second time from memory, where there is one
			if p, err := r.ByToken(ctx, w.Token); err != nil || p.ID != w.Project || p.Token != w.Token {
				t.Errorf("ByToken: %+v %v", p, err)
			}
			for scope, key := range w.Keys {
				if k, err := r.ByKey(ctx, key); err != nil || k.Scope != scope || k.Project.ID != w.Project || k.Name == key {
					t.Errorf("ByKey %s: %+v %v", scope, k, err)
				}
			}
			if p, err := r.ByServiceAccount(ctx, w.Username, w.Secret); err != nil || p.ID != w.Project {
				t.Errorf("ByServiceAccount: %+v %v", p, err)
			}
		}
		wrong := map[string]error{
			"the token as a key":     second(r.ByKey(ctx, w.Token)),
			"no key":                 second(r.ByKey(ctx, "")),
			"a wrong key":            second(r.ByKey(ctx, w.Keys[project.Read]+"0")),
			"another secret":         second(r.ByServiceAccount(ctx, w.Username, w.Secret+"0")),
			"no secret":              second(r.ByServiceAccount(ctx, w.Username, "")),
			"the colon moved":        second(r.ByServiceAccount(ctx, w.Username+":"+w.Secret[:1], w.Secret[1:])),
			"a key as a token":       second(r.ByToken(ctx, w.Keys[project.Read])),
			"no token":               second(r.ByToken(ctx, "")),
			"a token that goes on":   second(r.ByToken(ctx, w.Token+"0")),
			"a token that ends soon": second(r.ByToken(ctx, w.Token[:len(w.Token)-1])),
			"a very long token":      second(r.ByToken(ctx, string(make([]byte, 5000)))),
		}
		for what, err := range wrong {
			if fault.CodeOf(err) != fault.Unauthorized {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }

// groupKeys are the kinds of group that a registry tells of.
func groupKeys(t *testing.T, r project.Registry, w *World) []string {
	t.Helper()
	p, err := r.ByToken(t.Context(), w.Token)
	if err != nil {
		t.Fatal(err)
	}
	return p.Settings.GroupKeys
}

func testGroupKeys(t *testing.T, w World) {
	groupKeys(t, w.Registry, &w) // so that a registry that remembers has something to forget
	for range 2 {
		if err := w.Registry.AddGroupKey(t.Context(), w.Project, "company"); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range []project.Registry{w.Registry, w.Reopen()} {
		if kinds := groupKeys(t, r, &w); len(kinds) != 1 || kinds[0] != "company" {
			t.Errorf("group keys %v", kinds)
		}
	}
	w.Set(func(s *project.Settings) { s.MaxEventAgeDays = 5 })
	r := w.Reopen()
	if err := r.AddGroupKey(t.Context(), w.Project, "team"); err != nil {
		t.Fatal(err)
	}
	p, err := w.Reopen().ByToken(t.Context(), w.Token)
	if err != nil || p.Settings.MaxEventAgeDays != 5 || len(p.Settings.GroupKeys) != 2 {
		t.Errorf("%+v, %v", p.Settings, err)
	}
	if err := r.AddGroupKey(t.Context(), "nobody", "team"); err != nil {
		t.Errorf("a project that is not there: %v", err)
	}
}

func testBounds(t *testing.T, w World) {
	for i := range project.MaxGroupKeys {
		if err := w.Registry.AddGroupKey(t.Context(), w.Project, "kind"+strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Registry.AddGroupKey(t.Context(), w.Project, "one more"); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("over the limit: %v", err)
	}
	w.Set(func(s *project.Settings) { s.OnlyListedGroups = true })
	r := w.Reopen()
	if err := r.AddGroupKey(t.Context(), w.Project, "one more"); fault.CodeOf(err) != fault.Forbidden {
		t.Errorf("closed: %v", err)
	}
	if err := r.AddGroupKey(t.Context(), w.Project, "kind7"); err != nil {
		t.Errorf("a listed kind: %v", err)
	}
	if kinds := groupKeys(t, r, &w); len(kinds) != project.MaxGroupKeys {
		t.Errorf("%d kinds", len(kinds))
	}
}

func testConcurrent(t *testing.T, w World) {
	const writers, kinds = 8, 5
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			for n := range kinds {
				if err := w.Registry.AddGroupKey(t.Context(), w.Project, "kind"+strconv.Itoa(i*kinds/2+n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	want := map[string]bool{}
	for i := range writers {
		for n := range kinds {
			want["kind"+strconv.Itoa(i*kinds/2+n)] = true
		}
	}
	for _, kind := range groupKeys(t, w.Reopen(), &w) {
		if !want[kind] {
			t.Errorf("%s is there twice, or was not added", kind)
		}
		delete(want, kind)
	}
	if len(want) != 0 {
		t.Errorf("%d kinds are lost", len(want))
	}
}
