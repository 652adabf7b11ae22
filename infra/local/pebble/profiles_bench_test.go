package pebble

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"golang.org/x/sys/unix"

	"loch/shared/profile"
)

// BenchmarkUpsert is an update of one of 100,000 profiles of 500 bytes, durable when
// it returns. What bounds it on a busy machine can be told from the rest: CPU of the
// process, bytes that reach files, and how many updates share an fsync.
func BenchmarkUpsert(b *testing.B) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("durable, %d writers", writers), func(b *testing.B) {
			s := openTestProfiles(b, b.TempDir(), quietly())
			fill(b, s, benchPeople)
			if err := s.peb.Flush(); err != nil {
				b.Fatal(err)
			}
			bytes, syncs := written(s), fsyncs(b, s)
			spread(b, writers, func(n int) error {
				_, err := s.Apply(context.Background(), profile.Changes{Updates: []profile.Update{usual(n * 31 % benchPeople)}})
				return err
			})
			b.ReportMetric(float64(written(s)-bytes)/float64(b.N), "bytes/op")
			b.ReportMetric(float64(b.N)/float64(fsyncs(b, s)-syncs), "op/fsync")
		})
	}
	b.Run("durable, 64 writers of one profile", func(b *testing.B) {
		s := openTestProfiles(b, b.TempDir(), quietly())
		spread(b, 64, func(int) error {
			_, err := s.Apply(context.Background(), profile.Changes{Updates: []profile.Update{usual(1)}})
			return err
		})
	})
}

// fsyncs is how often the log was synced.
func fsyncs(b *testing.B, s *Profiles) uint64 {
	b.Helper()
	var m dto.Metric
	if err := s.peb.Metrics().LogWriter.FsyncLatency.Write(&m); err != nil {
		b.Fatal(err)
	}
	return m.GetHistogram().GetSampleCount()
}

// written is how many bytes went into the log and the sorted files.
func written(s *Profiles) uint64 {
	m := s.peb.Metrics()
	t := m.Total()
	return m.WAL.BytesWritten + t.TableBytesFlushed + t.TableBytesCompacted + t.BlobBytesFlushed + t.BlobBytesCompacted
}

const million = 1_000_000

// BenchmarkGet looks up one of a million profiles of 500 bytes at random: while the
// kernel has the files in memory, and when it does not.
func BenchmarkGet(b *testing.B) {
	dir := b.TempDir()
	s := openTestProfiles(b, dir, quietly())
	began := time.Now()
	fill(b, s, million)
	if err := s.peb.Flush(); err != nil {
		b.Fatal(err)
	}
	b.Logf("a million profiles were written in %.0f s", time.Since(began).Seconds())
	r := rand.New(rand.NewPCG(1, 1))
	look := func(b *testing.B, before func()) {
		took := make([]time.Duration, 0, 1<<20)
		b.ReportAllocs()
		for b.Loop() {
			before()
			id := usual(r.IntN(million)).ID
			began := time.Now()
			if _, err := s.Get(context.Background(), "shop", id); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, "p50-µs")
		b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e3, "p99-µs")
	}
	b.Run("of a million, files in memory", func(b *testing.B) { look(b, func() {}) })
	b.Run("of a million, files on disk", func(b *testing.B) {
		n := 0
		look(b, func() {
			if n++; n%500 == 1 {
				forgetFiles(b, dir)
			}
		})
	})
}

// forgetFiles has the kernel let go of what it keeps of the files in memory.
func forgetFiles(b *testing.B, dir string) {
	b.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		b.Fatal(err)
	}
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			continue // compaction took it away
		}
		_ = f.Sync() // what is not on disk cannot be let go
		if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
			b.Fatal(err)
		}
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
