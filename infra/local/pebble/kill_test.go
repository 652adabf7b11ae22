package pebble

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"loch/shared/profile"
	"loch/shared/vault"
)

// The crash test runs this very binary as a child that writes until it is
// killed. The second variable says which update each writer begins with.
const (
	victimVariable = "LOCH_TEST_VICTIM"
	fromVariable   = "LOCH_TEST_VICTIM_FROM"
)

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
	victims = 8  // writers in the child
	listed  = 50 // how many a list keeps
)

// victim adds and creates for ever, and prints what was acknowledged. Its first
// update of each writer is the one that its predecessor got no answer to.
func victim(dir string) error {
	from := make([]int, victims)
	for w, n := range strings.Split(os.Getenv(fromVariable), ",") {
		var err error
		if from[w], err = strconv.Atoi(n); err != nil {
			return err
		}
	}
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
			for n := from[w]; ; n++ {
				// One request adds to the writer's own counter and list, and to the
				// counter that all share: all or nothing.
				own, all := named(counter(w), fmt.Sprint(w, ".", n)), named("all", fmt.Sprint(w, ".", n))
				own.Ops = append(own.Ops, profile.Op{Kind: profile.Append, Name: "list", Value: json.RawMessage(strconv.Itoa(n))})
				own.Ops = append(own.Ops, profile.Op{Kind: profile.Set, Name: "last", Value: json.RawMessage(strconv.Itoa(n))})
				if n >= listed {
					own.Ops = append(own.Ops, profile.Op{Kind: profile.Remove, Name: "list", Value: json.RawMessage(strconv.Itoa(n - listed))})
				}
				if _, err := s.Apply(ctx, profile.Changes{Updates: []profile.Update{own, all}}); err != nil {
					failed <- err
				}
				fmt.Printf("add %d\n", w)
				// All writers want ids for the same keys: one that earlier children
				// had, too, and one of this child's.
				entries := []vault.Entry{{Key: testKey(n)}, {Key: testKey(os.Getpid()<<20 + n)}}
				for i := range entries {
					if _, err := rand.Read(entries[i].ID[:]); err != nil {
						failed <- err
					}
				}
				ids, err := v.Create(ctx, entries)
				if err != nil {
					failed <- err
				}
				fmt.Printf("id %x %s\nid %x %s\n", entries[0].Key, ids[0], entries[1].Key, ids[1])
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

// After each of many SIGKILLs every acknowledged update is there once, and so is the
// one that was in flight when it has been sent again; no id that anybody was told
// has changed.
func TestKill(t *testing.T) {
	dir, kills := t.TempDir(), 24
	if testing.Short() {
		kills = 6
	}
	acknowledged := make([]int, victims) // in all
	told := map[string]string{}
	for round := range kills {
		run(t, dir, acknowledged, 200+mathrand.IntN(1500), func(line string) {
			var w int
			var key, id string
			if _, err := fmt.Sscanf(line, "add %d", &w); err == nil {
				acknowledged[w]++
			} else if _, err := fmt.Sscanf(line, "id %s %s", &key, &id); err == nil {
				if old, ok := told[key]; ok && old != id {
					t.Fatalf("round %d: key %s was %s and is %s", round, key, old, id)
				}
				told[key] = id
			} else {
				t.Fatalf("the child says %q", line)
			}
		})
		check(t, dir, acknowledged, told)
	}
	sum := 0
	for _, n := range acknowledged {
		sum += n
	}
	t.Logf("%d kills, %d updates, %d ids", kills, sum, len(told))
}

// run lets a child write until it has said a number of lines, kills it, and
// hands over every line it said.
func run(t *testing.T, dir string, from []int, lines int, heard func(string)) {
	t.Helper()
	child := exec.Command(os.Args[0])
	begin := strings.Trim(strings.ReplaceAll(fmt.Sprint(from), " ", ","), "[]")
	child.Env = append(os.Environ(), victimVariable+"="+dir, fromVariable+"="+begin)
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
func check(t *testing.T, dir string, acknowledged []int, told map[string]string) {
	t.Helper()
	ctx := context.Background()
	v := openTestVault(t, filepath.Join(dir, "vault"), quietly())
	s := openTestProfiles(t, filepath.Join(dir, "profiles"), quietly())
	defer closeOnce(t, v.database)
	defer closeOnce(t, s.database)

	value := func(id, name string) string {
		p, err := s.Get(ctx, "p", id)
		if err != nil {
			return "0"
		}
		i := slices.IndexFunc(p.Traits, func(t profile.Trait) bool { return t.Name == name })
		return string(p.Traits[i].Value)
	}
	sum := 0
	for w, acked := range acknowledged {
		n, err := strconv.Atoi(value(counter(w), "n"))
		if err != nil || n != acked && n != acked+1 {
			t.Fatalf("writer %d: %d acknowledged in all, now %d, %v", w, acked, n, err)
		}
		sum += n
		if n == 0 {
			continue
		}
		var list []string
		for i := max(0, n-listed); i < n; i++ {
			list = append(list, strconv.Itoa(i))
		}
		if want := "[" + strings.Join(list, ",") + "]"; value(counter(w), "list") != want || value(counter(w), "last") != strconv.Itoa(n-1) {
			t.Fatalf("writer %d: the list is %s, the last %s; want %s", w, value(counter(w), "list"), value(counter(w), "last"), want)
		}
	}
	if all := value("all", "n"); all != strconv.Itoa(sum) {
		t.Fatalf("the shared counter says %s, the writers' own together %d: a request was torn", all, sum)
	}
	for key, id := range told {
		k, err := hex.DecodeString(key)
		if err != nil {
			t.Fatal(err)
		}
		ids, found, err := v.Find(ctx, []vault.Key{vault.Key(k)})
		if err != nil || !found[0] || ids[0].String() != id {
			t.Fatalf("key %s was told as %s, now %v %v %v", key, id, ids, found, err)
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
