package pebble

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"loch/shared/profile"
	"loch/shared/vault"
)

// usual is an update as websites send them: of a profile of about 500 bytes.
func usual(n int) profile.Update {
	return profile.Update{Project: "shop", ID: fmt.Sprintf("%032x", n*7919), TimeMS: 1_795_435_200_000 + int64(n), Ops: []profile.Op{
		{Kind: profile.Set, Name: "$email", Value: json.RawMessage(`"someone.` + strconv.Itoa(n) + `@example.com"`)},
		{Kind: profile.Set, Name: "plan", Value: json.RawMessage(`"pro"`)},
		{Kind: profile.SetOnce, Name: "initial_referrer", Value: json.RawMessage(`"https://www.example.com/a/rather/long/path?utm_source=newsletter"`)},
		{Kind: profile.Set, Name: "about", Value: json.RawMessage(`"` + strings.Repeat("lorem ipsum ", 22) + `"`)},
		{Kind: profile.Add, Name: "visits", Value: json.RawMessage(`1`)},
		{Kind: profile.Union, Name: "tags", Value: json.RawMessage(`["a","b","c"]`)},
	}, Place: profile.Place{Country: "NO", City: "Oslo"}}
}

const benchPeople = 100_000

func fill(b *testing.B, s *Profiles, people int) {
	b.Helper()
	for at := 0; at < people; at += 1000 {
		var c profile.Changes
		for n := range 1000 {
			c.Updates = append(c.Updates, usual(at+n))
		}
		if _, err := s.Apply(context.Background(), c); err != nil {
			b.Fatal(err)
		}
	}
}

// spread runs n operations over writers goroutines.
func spread(b *testing.B, writers int, do func(n int) error) {
	b.Helper()
	var next atomic.Int64
	var done sync.WaitGroup
	before := processCPU(b)
	b.ResetTimer()
	for range writers {
		done.Go(func() {
			for {
				n := int(next.Add(1))
				if n > b.N {
					return
				}
				if err := do(n); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	done.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "op/s")
	b.ReportMetric(float64(processCPU(b)-before)/float64(time.Microsecond)/float64(b.N), "CPU-µs/op")
}

// processCPU is what the process has used, compactions included.
func processCPU(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkSighting(b *testing.B) {
	s := openTestProfiles(b, b.TempDir(), quietly())
	c := profile.Changes{Sightings: []profile.Sighting{sightingAt("shop", fmt.Sprintf("%032x", 1), 1, profile.Place{Country: "NO"})}}
	b.Run("nothing new", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Apply(context.Background(), c); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("written", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.Sightings[0].LastMS += profile.SightingEveryMS
			if _, err := s.Apply(context.Background(), c); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkVault(b *testing.B) {
	ctx := context.Background()
	random := func() (e vault.Entry) {
		_, _ = rand.Read(e.Key[:])
		_, _ = rand.Read(e.ID[:])
		return e
	}
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("create, %d writers", writers), func(b *testing.B) {
			v := openTestVault(b, b.TempDir(), quietly())
			spread(b, writers, func(int) error {
				_, err := v.Create(ctx, []vault.Entry{random()})
				return err
			})
		})
	}
	for name, cache := range map[string]int64{"cached": 64 << 20, "uncached": 1} {
		b.Run("find, "+name, func(b *testing.B) {
			o := quietly()
			o.CacheBytes = cache
			v := openTestVault(b, b.TempDir(), o)
			keys := make([]vault.Key, 0, 200_000)
			for range 200 {
				var entries []vault.Entry
				for range 1000 {
					entries = append(entries, random())
					keys = append(keys, entries[len(entries)-1].Key)
				}
				if _, err := v.Create(ctx, entries); err != nil {
					b.Fatal(err)
				}
			}
			if err := v.peb.Flush(); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; b.Loop(); n++ {
				if _, found, err := v.Find(ctx, keys[n*7%len(keys):][:1]); err != nil || !found[0] {
					b.Fatal(found, err)
				}
			}
		})
	}
}

// BenchmarkOpen opens both stores over 100,000 profiles, and reports what a
// process that did only that takes in memory.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s := openTestProfiles(b, filepath.Join(dir, "profiles"), quietly())
	fill(b, s, benchPeople)
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	if err := openTestVault(b, filepath.Join(dir, "vault"), quietly()).Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		v, s := openTestVault(b, filepath.Join(dir, "vault"), quietly()), openTestProfiles(b, filepath.Join(dir, "profiles"), quietly())
		b.StopTimer()
		closeOnce(b, v.database)
		closeOnce(b, s.database)
		b.StartTimer()
	}
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), restingVariable+"="+dir)
	out, err := child.Output()
	if err != nil {
		b.Fatal(err)
	}
	var before, after int
	if _, err := fmt.Sscan(string(out), &before, &after); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(after)/(1<<20), "MiB-resident")
	b.ReportMetric(float64(after-before)/(1<<20), "MiB-of-the-stores")
}

const restingVariable = "LOCH_TEST_RESTING"

// rest opens both stores, reads a little, and prints what the process took
// before and after.
func rest(dir string) error {
	before, err := residentBytes()
	if err != nil {
		return err
	}
	v, err := OpenVault(filepath.Join(dir, "vault"), quietly())
	if err != nil {
		return err
	}
	s, err := OpenProfiles(filepath.Join(dir, "profiles"), quietly())
	if err != nil {
		return err
	}
	if _, err := s.Get(context.Background(), "shop", usual(1).ID); err != nil {
		return err
	}
	after, err := residentBytes()
	if err != nil {
		return err
	}
	fmt.Println(before, after)
	return errors.Join(v.Close(), s.Close())
}

// residentBytes is what the kernel counts for this process; Linux only.
func residentBytes() (int, error) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	return pages * os.Getpagesize(), err
}
