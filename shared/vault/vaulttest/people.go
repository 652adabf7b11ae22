package vaulttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"loch/shared/fault"
	"loch/shared/vault"
)

// testPeople covers keys, owners, the blind index and erasing, with a restart
// between.
func testPeople(t *testing.T, s vault.Store, reopen Reopener) {
	ctx := context.Background()
	ann, bob := id(1), id(2)
	create(t, s, vault.Entry{Key: key(1), ID: ann, Owner: ann}, vault.Entry{Key: key(2), ID: bob}, vault.Entry{Key: key(3), ID: id(3), Owner: ann})
	must(t, s.Own(ctx, []vault.Owned{{Owner: bob, Key: key(3)}, {Owner: bob, Key: key(3)}}))
	first, err := s.CreatePersonKeys(ctx, []vault.PersonKey{{Owner: ann, Wrapped: []byte("ann 1")}, {Owner: bob, Wrapped: []byte("bob 1")}, {Owner: ann, Wrapped: []byte("ann 2")}})
	must(t, err)
	if string(first[0]) != "ann 1" || string(first[1]) != "bob 1" || string(first[2]) != "ann 1" {
		t.Errorf("keys made: %q", first)
	}
	must(t, s.AddIndex(ctx, []vault.Owned{{Owner: ann, Key: key(9)}, {Owner: bob, Key: key(9)}, {Owner: ann, Key: key(9)}}))
	if reopen != nil {
		s = reopen(t, s)
	}
	keys, err := s.FindPersonKeys(ctx, []vault.ID{bob, id(7), ann})
	must(t, err)
	if string(keys[0]) != "bob 1" || keys[1] != nil || string(keys[2]) != "ann 1" {
		t.Errorf("keys found: %q", keys)
	}
	if found := index(t, s, key(9), 10); !slices.Equal(found, []vault.ID{bob, ann}) && !slices.Equal(found, []vault.ID{ann, bob}) {
		t.Errorf("the index holds %v", found)
	}
	if found := index(t, s, key(9), 1); len(found) != 1 {
		t.Errorf("%d of at most one", len(found))
	}

	if known, _, err := s.Known(ctx, []vault.ID{ann, id(7), bob, vault.Suppressed, id(3)}); err != nil || !slices.Equal(known, []bool{true, false, true, false, false}) {
		t.Errorf("known: %v, %v", known, err)
	}

	gone, err := s.Erase(ctx, "p", []vault.ID{ann, id(8)}, false)
	must(t, err)
	if len(gone) != 2 || !slices.Contains(gone, key(1)) || !slices.Contains(gone, key(3)) {
		t.Errorf("%d keys are said to be gone", len(gone))
	}
	if reopen != nil {
		s = reopen(t, s)
	}
	if _, found := find(t, s, key(1), key(2), key(3)); found[0] || !found[1] || found[2] {
		t.Errorf("after the erasure: %v", found)
	}
	if known, _, err := s.Known(ctx, []vault.ID{ann, bob}); err != nil || known[0] || !known[1] {
		t.Errorf("known after the erasure: %v, %v", known, err)
	}
	if keys, _ := s.FindPersonKeys(ctx, []vault.ID{ann, bob}); keys[0] != nil || keys[1] == nil {
		t.Errorf("keys after the erasure: %q", keys)
	}
	if found := index(t, s, key(9), 10); !slices.Equal(found, []vault.ID{bob}) {
		t.Errorf("the index after the erasure: %v", found)
	}
	for what, err := range map[string]error{
		"a key":         second(s.CreatePersonKeys(ctx, []vault.PersonKey{{Owner: bob, Wrapped: []byte("x")}, {Owner: ann, Wrapped: []byte("x")}})),
		"a token":       second(s.Create(ctx, []vault.Entry{{Key: key(5), ID: id(5), Owner: ann}})),
		"an owner":      s.Own(ctx, []vault.Owned{{Owner: ann, Key: key(2)}}),
		"an index":      s.AddIndex(ctx, []vault.Owned{{Owner: ann, Key: key(9)}}),
		"for the other": second(s.CreatePersonKeys(ctx, []vault.PersonKey{{Owner: id(8), Wrapped: []byte("x")}})),
	} {
		if fault.CodeOf(err) != fault.Unavailable {
			t.Errorf("%s was made for somebody who is gone: %v", what, err)
		}
	}
	if _, found := find(t, s, key(5)); found[0] {
		t.Error("what was refused is there")
	}
	if again := create(t, s, entry(1, 11), entry(3, 13)); again[0] != id(11) || again[1] != id(13) {
		t.Errorf("they came back as %v", again)
	}
	if gone, err := s.Erase(ctx, "p", []vault.ID{ann}, true); err != nil || len(gone) != 0 {
		t.Errorf("erased twice: %v %v", gone, err)
	}
}

// testProjects has a project do to another's owner what it may do to its own.
func testProjects(t *testing.T, s vault.Store, reopen Reopener) {
	ctx := context.Background()
	ann, bob, old, cai := id(1), id(2), id(3), id(4)
	create(t, s, vault.Entry{Key: key(1), ID: ann, Owner: ann, Project: "p"}, vault.Entry{Key: key(2), ID: bob, Project: "q"}, entry(3, 3))
	// Beside a token of somebody's, entries are made in another way.
	create(t, s, vault.Entry{Key: key(4), ID: cai, Project: "p"}, vault.Entry{Key: key(5), ID: id(5), Owner: bob, Project: "q"})
	must(t, s.Own(ctx, []vault.Owned{{Owner: ann, Key: key(1)}}))
	projects := func() string {
		known, projects, err := s.Known(ctx, []vault.ID{ann, bob, old, cai, id(5), id(9)})
		must(t, err)
		return fmt.Sprintf("%v %q", known, projects)
	}
	if got, want := projects(), `[true true true true false false] ["p" "q" "" "p" "" ""]`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	keyOf := func(owner vault.ID, project string) error {
		return second(s.CreatePersonKeys(ctx, []vault.PersonKey{{Owner: owner, Project: project, Wrapped: []byte(project)}}))
	}
	refused := func(owner vault.ID, project string) {
		t.Helper()
		if err := keyOf(owner, project); !errors.Is(err, vault.ErrOtherProject) || fault.CodeOf(err) != fault.Internal {
			t.Errorf("%s made a key of %v: %v", project, owner, err)
		}
	}
	refused(ann, "q")
	must(t, keyOf(ann, "p"))
	refused(ann, "q")
	must(t, keyOf(old, "q"))
	if reopen != nil {
		s = reopen(t, s)
	}
	refused(old, "p")
	if got, want := projects(), `[true true true true false false] ["p" "q" "q" "p" "" ""]`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if keys, err := s.FindPersonKeys(ctx, []vault.ID{ann, old}); err != nil || string(keys[0]) != "p" || string(keys[1]) != "q" {
		t.Errorf("keys %q, %v", keys, err)
	}

	must(t, s.AddIndex(ctx, []vault.Owned{{Owner: ann, Key: key(9)}}))
	for _, suppress := range []bool{false, true} {
		if gone, err := s.Erase(ctx, "q", []vault.ID{ann}, suppress); err != nil || len(gone) != 0 {
			t.Errorf("another project took %v away, %v", gone, err)
		}
	}
	gone, err := s.Erase(ctx, "q", []vault.ID{ann, bob, bob, cai}, false)
	must(t, err)
	if len(gone) != 2 || !slices.Contains(gone, key(2)) || !slices.Contains(gone, key(5)) {
		t.Errorf("%v are gone", gone)
	}
	if ids, found := find(t, s, key(1), key(2), key(4)); !found[0] || ids[0] != ann || found[1] || !found[2] {
		t.Errorf("left are %v", found)
	}
	if keys, _ := s.FindPersonKeys(ctx, []vault.ID{ann}); string(keys[0]) != "p" || len(index(t, s, key(9), 1)) != 1 {
		t.Error("another project took their key or their place in the index")
	}
	must(t, keyOf(ann, "p")) // no gravestone
	if gone, err := s.Erase(ctx, "p", []vault.ID{ann}, false); err != nil || len(gone) != 1 {
		t.Errorf("their own project took %v away, %v", gone, err)
	}
	if got, want := projects(), `[false false true true false false] ["" "" "q" "p" "" ""]`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func testSuppress(t *testing.T, s vault.Store, reopen Reopener) {
	ctx := context.Background()
	create(t, s, entry(1, 1), vault.Entry{Key: key(2), ID: id(2), Owner: id(1)})
	_, err := s.Erase(ctx, "p", []vault.ID{id(1)}, true)
	must(t, err)
	create(t, s, vault.Entry{Key: key(4), ID: vault.Suppressed})
	if known, _, err := s.Known(ctx, []vault.ID{id(1), vault.Suppressed}); err != nil || known[0] || known[1] {
		t.Errorf("whoever is suppressed is known: %v, %v", known, err)
	}
	if reopen != nil {
		s = reopen(t, s)
	}
	ids, found := find(t, s, key(1), key(2), key(4))
	if !found[0] || ids[0] != vault.Suppressed || found[1] || !found[2] || ids[2] != vault.Suppressed {
		t.Errorf("%v %v", ids, found)
	}
	if again := create(t, s, entry(1, 9)); again[0] != vault.Suppressed {
		t.Errorf("a suppressed identifier became %v", again[0])
	}
}

func testSecrets(t *testing.T, s vault.Store, reopen Reopener) {
	ctx := context.Background()
	if _, ok, err := s.Secret(ctx, "root"); ok || err != nil {
		t.Errorf("an empty store has a secret: %v", err)
	}
	for _, value := range []string{"one", "two"} {
		if kept, err := s.CreateSecret(ctx, "root", []byte(value)); err != nil || string(kept) != "one" {
			t.Errorf("kept %q, %v", kept, err)
		}
	}
	must(t, s.ReplaceSecrets(ctx, map[string][]byte{"p/b": []byte("2"), "p/a": []byte("1"), "q": []byte("3")}))
	must(t, s.ReplaceSecrets(ctx, map[string][]byte{"q": nil, "root": []byte("new")}))
	if reopen != nil {
		s = reopen(t, s)
	}
	list := func(prefix string) string {
		var b strings.Builder
		must(t, s.Secrets(ctx, prefix, func(name string, value []byte) error {
			fmt.Fprintf(&b, "%s=%s ", name, value)
			return nil
		}))
		return b.String()
	}
	if got := list(""); got != "p/a=1 p/b=2 root=new " {
		t.Errorf("secrets: %s", got)
	}
	if got := list("p/"); got != "p/a=1 p/b=2 " {
		t.Errorf("secrets of p/: %s", got)
	}
	stop := fault.New(fault.Invalid, "stop")
	if err := s.Secrets(ctx, "", func(string, []byte) error { return stop }); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("the error of fn is lost: %v", err)
	}
}

// testKeysConcurrent has many make one person's key: all must get the same.
func testKeysConcurrent(t *testing.T, s vault.Store) {
	var all sync.WaitGroup
	got := make([][]byte, 32)
	for i := range got {
		all.Go(func() {
			keys, err := s.CreatePersonKeys(context.Background(), []vault.PersonKey{{Owner: id(1), Wrapped: []byte{byte(i), 1}}, {Owner: id(uint64(2 + i%3)), Wrapped: []byte{2}}})
			if err != nil {
				t.Error(err)
				return
			}
			got[i] = keys[0]
		})
	}
	all.Wait()
	for _, k := range got {
		if !bytes.Equal(k, got[0]) {
			t.Fatalf("two keys for one person: %v and %v", k, got[0])
		}
	}
}

// testEraseBesideWrites erases a person while others make things for them. After
// Erase has returned there is nothing, and nothing comes up.
func testEraseBesideWrites(t *testing.T, s vault.Store) {
	ctx := context.Background()
	owner := id(1)
	create(t, s, entry(1, 1))
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for w := range uint64(4) {
		writers.Go(func() {
			for n := uint64(0); ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				k := key(100 + w*10_000 + n)
				_, _ = s.Create(ctx, []vault.Entry{{Key: k, ID: id(100 + w*10_000 + n), Owner: owner}})
				_ = s.AddIndex(ctx, []vault.Owned{{Owner: owner, Key: k}})
				_, _ = s.CreatePersonKeys(ctx, []vault.PersonKey{{Owner: owner, Wrapped: []byte("x")}})
			}
		})
	}
	_, err := s.Erase(ctx, "p", []vault.ID{owner}, false)
	must(t, err)
	for w := range uint64(4) {
		for n := range uint64(50) {
			k := key(100 + w*10_000 + n)
			if _, found := find(t, s, k); found[0] || len(index(t, s, k, 1)) != 0 {
				t.Fatal("something of theirs is left")
			}
		}
	}
	close(stop)
	writers.Wait()
	if keys, _ := s.FindPersonKeys(ctx, []vault.ID{owner}); keys[0] != nil {
		t.Error("their key came back")
	}
}

// testRandom does random things to a store and to Memory, which must agree.
func testRandom(t *testing.T, s vault.Store, reopen Reopener) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	m := NewMemory()
	ctx := context.Background()
	fresh := uint64(1000)
	owner := func() vault.ID { return id(1 + r.Uint64N(6)) }
	project := func() string { return []string{"", "p", "q"}[r.IntN(3)] }
	agree := func(round int, what string, a, b any, errA, errB error) {
		t.Helper()
		if fmt.Sprint(a) != fmt.Sprint(b) || fault.CodeOf(errA) != fault.CodeOf(errB) {
			t.Fatalf("seed %d, round %d, %s: %v, %v; want %v, %v", seed, round, what, a, errA, b, errB)
		}
	}
	rounds := 400
	if testing.Short() {
		rounds /= 4
	}
	for round := range rounds {
		switch r.IntN(7) {
		case 0, 1:
			var entries []vault.Entry
			for range 1 + r.IntN(3) {
				fresh++
				e := vault.Entry{Key: key(r.Uint64N(12)), ID: id(fresh), Project: project()}
				if r.IntN(2) == 0 {
					e.Owner = owner()
				}
				// The first of a key counts; whether another owner of the same key in one
				// call is alive, stores need not ask.
				if at := slices.IndexFunc(entries, func(other vault.Entry) bool { return other.Key == e.Key }); at >= 0 {
					e = entries[at]
				}
				entries = append(entries, e)
			}
			a, errA := s.Create(ctx, entries)
			b, errB := m.Create(ctx, entries)
			agree(round, "Create", a, b, errA, errB)
		case 2:
			owned := []vault.Owned{{Owner: owner(), Key: key(r.Uint64N(12))}}
			agree(round, "Own", nil, nil, s.Own(ctx, owned), m.Own(ctx, owned))
		case 3:
			owned := []vault.Owned{{Owner: owner(), Key: key(r.Uint64N(4))}}
			agree(round, "AddIndex", nil, nil, s.AddIndex(ctx, owned), m.AddIndex(ctx, owned))
		case 4:
			k := []vault.PersonKey{{Owner: owner(), Project: []string{"p", "q"}[r.IntN(2)], Wrapped: []byte(fmt.Sprint(round))}}
			a, errA := s.CreatePersonKeys(ctx, k)
			b, errB := m.CreatePersonKeys(ctx, k)
			agree(round, "CreatePersonKeys", a, b, errA, errB)
		case 5:
			if r.IntN(12) == 0 {
				o := owner()
				if r.IntN(3) > 0 {
					o = id(fresh)
				}
				suppress, by := r.IntN(2) == 0, project()
				a, errA := s.Erase(ctx, by, []vault.ID{o}, suppress)
				b, errB := m.Erase(ctx, by, []vault.ID{o}, suppress)
				agree(round, "Erase", len(a), len(b), errA, errB)
			}
		case 6:
			if reopen != nil && r.IntN(20) == 0 {
				s = reopen(t, s)
			}
		}
		for k := range uint64(12) {
			a, foundA := find(t, s, key(k))
			b, foundB := find(t, m, key(k))
			agree(round, "Find", fmt.Sprint(a, foundA), fmt.Sprint(b, foundB), nil, nil)
		}
		for k := range uint64(4) {
			agree(round, "FindIndex", sorted(index(t, s, key(k), 20)), sorted(index(t, m, key(k), 20)), nil, nil)
		}
		for o := range uint64(7) {
			known, projectS, errS := s.Known(ctx, []vault.ID{id(o), id(fresh - o)})
			want, projectM, errM := m.Known(ctx, []vault.ID{id(o), id(fresh - o)})
			agree(round, "Known", fmt.Sprint(known, projectS), fmt.Sprint(want, projectM), errS, errM)
			a, errA := s.FindPersonKeys(ctx, []vault.ID{id(o)})
			b, errB := m.FindPersonKeys(ctx, []vault.ID{id(o)})
			agree(round, "FindPersonKeys", a, b, errA, errB)
		}
	}
}

func sorted(ids []vault.ID) []string {
	var list []string
	for _, id := range ids {
		list = append(list, id.String())
	}
	slices.Sort(list)
	return list
}

func index(t *testing.T, s vault.Store, k vault.Key, limit int) []vault.ID {
	t.Helper()
	ids, err := s.FindIndex(context.Background(), k, limit)
	must(t, err)
	return ids
}

func second[T any](_ T, err error) error { return err }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
