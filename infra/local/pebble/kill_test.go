package pebble

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"loch/shared/profile"
	"loch/shared/vault"
)

// The crash test runs this very binary as a child that writes until it is
// killed.
const victimVariable = "LOCH_TEST_VICTIM"

func TestMain(m *testing.M) {
	for variable, child := range map[string]func(string) error{victimVariable: victim, restingVariable: rest} {
		if dir := os.Getenv(variable); dir != "" {
			if err := child(dir); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

const (
	victims = 8 // writers in the child
	kills   = 24
)

// victim adds and creates for ever, and prints what was acknowledged.
func victim(dir string) error {
	v, err := OpenVault(filepath.Join(dir, "vault"), quietly())
	if err != nil {
		return err
	}
	s, err := OpenProfiles(filepath.Join(dir, "profiles"), quietly())
	if err != nil {
		return err
	}
	ctx := context.Background()
	failed := make(chan error)
	for w := range victims {
		go func() {
			for n := 0; ; n++ {
				// One request adds to the writer's own counter and to the one that
				// all share: both or neither.
				if _, err := s.Apply(ctx, profile.Changes{Updates: []profile.Update{one(counter(w)), one("all")}}); err != nil {
					failed <- err
				}
				fmt.Printf("add %d\n", w)
				// All writers want ids for the same keys: one that earlier children
				// had, too, and one of this child's.
				names := []int{n, os.Getpid()<<20 + n}
				entries := []vault.Entry{{Key: testKey(names[0])}, {Key: testKey(names[1])}}
				for i := range entries {
					if _, err := rand.Read(entries[i].ID[:]); err != nil {
						failed <- err
					}
				}
				ids, err := v.Create(ctx, entries)
				if err != nil {
					failed <- err
				}
				fmt.Printf("id %d %s\nid %d %s\n", names[0], ids[0], names[1], ids[1])
			}
		}()
	}
	return <-failed
}

func counter(w int) string { return fmt.Sprintf("writer%d", w) }

func one(id string) profile.Update {
	return profile.Update{Project: "p", ID: id, TimeMS: 1, Ops: []profile.Op{{Kind: profile.Add, Name: "n", Value: json.RawMessage("1")}}}
}

func testKey(n int) (k vault.Key) {
	binary.BigEndian.PutUint64(k[24:], uint64(n))
	k[0] = byte(n * 7)
	return k
}

// After each of many SIGKILLs every acknowledged update is there, the one that
// was in flight at most once, and no id that anybody was told has changed.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	acknowledged := make([]int, victims)
	base := make([]int, victims) // what the counters were when the round began
	told := map[int]string{}
	for round := range kills {
		clear(acknowledged)
		run(t, dir, 200+mathrand.IntN(1500), func(line string) {
			var n int
			var id string
			if _, err := fmt.Sscanf(line, "add %d", &n); err == nil {
				acknowledged[n]++
			} else if _, err := fmt.Sscanf(line, "id %d %s", &n, &id); err == nil {
				if old, ok := told[n]; ok && old != id {
					t.Fatalf("round %d: key %d was %s and is %s", round, n, old, id)
				}
				told[n] = id
			} else {
				t.Fatalf("the child says %q", line)
			}
		})
		check(t, dir, base, acknowledged, told)
	}
	sum := 0
	for _, n := range base {
		sum += n
	}
	t.Logf("%d kills, %d updates, %d ids", kills, sum, len(told))
}

// run lets a child write until it has said a number of lines, kills it, and
// hands over every line it said.
func run(t *testing.T, dir string, lines int, heard func(string)) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), victimVariable+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	killed := false
	for said := bufio.NewScanner(out); said.Scan(); lines-- {
		heard(said.Text())
		if lines == 0 {
			killed = true
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil || !killed {
		t.Fatalf("the child ended by itself: %v", err)
	}
}

// check opens what the child left behind.
func check(t *testing.T, dir string, base, acknowledged []int, told map[int]string) {
	t.Helper()
	ctx := context.Background()
	v := openTestVault(t, filepath.Join(dir, "vault"), quietly())
	s := openTestProfiles(t, filepath.Join(dir, "profiles"), quietly())
	defer closeOnce(t, v.database)
	defer closeOnce(t, s.database)

	value := func(id string) int {
		p, err := s.Get(ctx, "p", id)
		if err != nil {
			return 0
		}
		n, err := strconv.Atoi(string(p.Traits[0].Value))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	sum := 0
	for w := range base {
		n := value(counter(w))
		if extra := n - base[w] - acknowledged[w]; extra != 0 && extra != 1 {
			t.Fatalf("writer %d: %d before, %d acknowledged, now %d", w, base[w], acknowledged[w], n)
		}
		base[w] = n
		sum += n
	}
	if all := value("all"); all != sum {
		t.Fatalf("the shared counter says %d, the writers' own together %d: a request was torn", all, sum)
	}
	for n, id := range told {
		ids, found, err := v.Find(ctx, []vault.Key{testKey(n)})
		if err != nil || !found[0] || ids[0].String() != id {
			t.Fatalf("key %d was told as %s, now %v %v %v", n, id, ids, found, err)
		}
	}
}

// Closing while requests are under way refuses the late ones and loses none
// that was acknowledged.
func TestCloseUnderLoad(t *testing.T) {
	dir := t.TempDir()
	s := openTestProfiles(t, dir, quietly())
	ctx := context.Background()
	var done sync.WaitGroup
	acknowledged := make([]int, victims)
	begun := make(chan struct{}, victims)
	for w := range victims {
		done.Go(func() {
			for {
				if _, err := s.Apply(ctx, profile.Changes{Updates: []profile.Update{one(counter(w))}}); err != nil {
					return
				}
				if acknowledged[w]++; acknowledged[w] == 10 {
					begun <- struct{}{}
				}
			}
		})
	}
	for range victims {
		<-begun
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	done.Wait()
	if _, err := s.Get(ctx, "p", counter(0)); err == nil {
		t.Error("a closed store answers")
	}
	s = openTestProfiles(t, dir, quietly())
	for w := range victims {
		p, err := s.Get(ctx, "p", counter(w))
		if err != nil || string(p.Traits[0].Value) != strconv.Itoa(acknowledged[w]) {
			t.Errorf("writer %d: %d acknowledged, %s found, %v", w, acknowledged[w], p.Traits, err)
		}
	}
}
