// Package vaulttest is the contract of a vault.Store as tests: whoever writes a
// store runs them against it. The promise behind all of them: once anyone was
// told a lake id, that id is the identifier's for good.
package vaulttest

import (
	"context"
	"encoding/binary"
	"sync"
	"testing"

	"loch/shared/vault"
)

// Opener returns an empty store that lives as long as the test.
type Opener func(t *testing.T) vault.Store

// Reopener closes a store that an Opener made and opens the same data again, as
// after a restart.
type Reopener func(t *testing.T, s vault.Store) vault.Store

// Run holds a store to its contract. reopen may be nil where a store has no life
// of its own to lose. With -short there are fewer calls.
func Run(t *testing.T, open Opener, reopen Reopener) {
	t.Helper()
	t.Run("find and create", func(t *testing.T) { testFindAndCreate(t, open(t)) })
	t.Run("duplicates in one call", func(t *testing.T) { testDuplicates(t, open(t)) })
	t.Run("the first id stays", func(t *testing.T) { testFirstStays(t, open(t)) })
	t.Run("an ended context", func(t *testing.T) { testEndedContext(t, open(t)) })
	t.Run("concurrent", func(t *testing.T) { testConcurrent(t, open(t)) })
	t.Run("people", func(t *testing.T) { testPeople(t, open(t), reopen) })
	t.Run("suppress", func(t *testing.T) { testSuppress(t, open(t), reopen) })
	t.Run("projects", func(t *testing.T) { testProjects(t, open(t), reopen) })
	t.Run("secrets", func(t *testing.T) { testSecrets(t, open(t), reopen) })
	t.Run("one key a person", func(t *testing.T) { testKeysConcurrent(t, open(t)) })
	t.Run("erase beside writes", func(t *testing.T) { testEraseBesideWrites(t, open(t)) })
	t.Run("random", func(t *testing.T) { testRandom(t, open(t), reopen) })
	if reopen != nil {
		t.Run("durable", func(t *testing.T) { testDurable(t, open(t), reopen) })
	}
}

// key and id make keys and ids that differ in every byte range a store may
// split by.
func key(n uint64) (k vault.Key) {
	for i := range 4 {
		binary.BigEndian.PutUint64(k[8*i:], n*0x9e3779b97f4a7c15+uint64(i))
	}
	return k
}

func id(n uint64) (v vault.ID) {
	binary.BigEndian.PutUint64(v[:], ^n)
	binary.BigEndian.PutUint64(v[8:], n)
	return v
}

func entry(k, v uint64) vault.Entry { return vault.Entry{Key: key(k), ID: id(v)} }

func find(t *testing.T, s vault.Store, keys ...vault.Key) ([]vault.ID, []bool) {
	t.Helper()
	ids, found, err := s.Find(context.Background(), keys)
	if err != nil || len(ids) != len(keys) || len(found) != len(keys) {
		t.Fatalf("Find of %d keys: %d ids, %d answers, %v", len(keys), len(ids), len(found), err)
	}
	return ids, found
}

func create(t *testing.T, s vault.Store, entries ...vault.Entry) []vault.ID {
	t.Helper()
	ids, err := s.Create(context.Background(), entries)
	if err != nil || len(ids) != len(entries) {
		t.Fatalf("Create of %d entries: %d ids, %v", len(entries), len(ids), err)
	}
	return ids
}

func testFindAndCreate(t *testing.T, s vault.Store) {
	if _, found := find(t, s, key(1), key(2)); found[0] || found[1] {
		t.Error("an empty store finds something")
	}
	if ids := create(t, s, entry(1, 1)); ids[0] != id(1) {
		t.Errorf("a new key got %v, want the id that was given", ids[0])
	}
	ids, found := find(t, s, key(2), key(1), key(2), key(1))
	for i, want := range []bool{false, true, false, true} {
		if found[i] != want || want && ids[i] != id(1) {
			t.Errorf("answer %d is %v, %v", i, ids[i], found[i])
		}
	}
	find(t, s)
	create(t, s)
}

func testDuplicates(t *testing.T, s vault.Store) {
	ids := create(t, s, entry(1, 1), entry(2, 2), entry(1, 3), entry(1, 4))
	if ids[0] != id(1) || ids[1] != id(2) || ids[2] != id(1) || ids[3] != id(1) {
		t.Errorf("got %v; want the first id for each of the three", ids)
	}
	if got, _ := find(t, s, key(1)); got[0] != id(1) {
		t.Errorf("the store kept %v", got[0])
	}
}

func testFirstStays(t *testing.T, s vault.Store) {
	create(t, s, entry(1, 1))
	ids := create(t, s, entry(2, 2), entry(1, 9), entry(3, 3))
	if ids[0] != id(2) || ids[1] != id(1) || ids[2] != id(3) {
		t.Errorf("got %v; want the old id for the old key, and the new ones kept", ids)
	}
	if got, _ := find(t, s, key(1), key(2), key(3)); got[0] != id(1) || got[1] != id(2) || got[2] != id(3) {
		t.Errorf("the store holds %v", got)
	}
}

func testEndedContext(t *testing.T, s vault.Store) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Create(ctx, []vault.Entry{entry(1, 1)}); err == nil {
		t.Error("Create with an ended context returned nil")
	}
	if _, found := find(t, s, key(1)); found[0] {
		t.Error("and kept the entry")
	}
}

// testConcurrent lets many goroutines create the same keys, each with ids of its
// own and in an order of its own, while others look. Nobody may ever see a
// second id for a key.
func testConcurrent(t *testing.T, s vault.Store) {
	const perCall = 8
	people, keys := uint64(64), uint64(240)
	if testing.Short() {
		people, keys = 32, 80
	}
	ctx := context.Background()
	var mu sync.Mutex
	known := map[vault.Key]vault.ID{}
	tell := func(k vault.Key, v vault.ID) {
		mu.Lock()
		defer mu.Unlock()
		if first, ok := known[k]; ok && first != v {
			t.Errorf("one was told %v, another %v", first, v)
		}
		known[k] = v
	}

	var done sync.WaitGroup
	start := make(chan struct{})
	for person := range people {
		done.Go(func() {
			<-start
			for at := uint64(0); at < keys; at += perCall {
				var entries []vault.Entry
				var wanted []vault.Key
				for i := range uint64(perCall) {
					k := at + i
					if person%2 == 1 {
						k = keys - 1 - k // from the other end, and each call backwards
					}
					entries = append(entries, entry(k, 1000*person+k))
					wanted = append(wanted, key(k))
				}
				ids, found, err := s.Find(ctx, wanted)
				if err != nil {
					t.Error(err)
					return
				}
				for i := range found {
					if found[i] {
						tell(wanted[i], ids[i])
					}
				}
				if ids, err = s.Create(ctx, entries); err != nil {
					t.Error(err)
					return
				}
				for i := range ids {
					tell(wanted[i], ids[i])
				}
			}
		})
	}
	close(start)
	done.Wait()
	for k := range keys {
		ids, found := find(t, s, key(k))
		if !found[0] {
			t.Fatalf("key %d is lost", k)
		}
		tell(key(k), ids[0])
	}
}

func testDurable(t *testing.T, s vault.Store, reopen Reopener) {
	for i := range uint64(100) {
		create(t, s, entry(i, i), entry(i+1000, i+1000))
	}
	s = reopen(t, s)
	for i := range uint64(100) {
		if ids, found := find(t, s, key(i), key(i+1000)); !found[0] || !found[1] || ids[0] != id(i) || ids[1] != id(i+1000) {
			t.Fatalf("after a restart key %d has %v, %v", i, ids, found)
		}
		if ids := create(t, s, entry(i, 5)); ids[0] != id(i) {
			t.Fatalf("after a restart key %d was given a new id", i)
		}
	}
}
