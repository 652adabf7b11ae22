package wal

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"loch/shared/event"
)

// countingFolder counts the fsyncs of a real folder's files.
type countingFolder struct {
	osFolder
	syncs *atomic.Int64
}

func (d countingFolder) create(name string) (file, error) {
	f, err := d.osFolder.create(name)
	return countingFile{f, d.syncs}, err
}

type countingFile struct {
	file
	syncs *atomic.Int64
}

func (f countingFile) sync() error {
	f.syncs.Add(1)
	return f.file.sync()
}

// BenchmarkPut measures parcels of 1, 50 and 2000 rows from 1 and 64 writers.
// One operation is one row.
func BenchmarkPut(b *testing.B) {
	for _, noSync := range []bool{true, false} {
		for _, rows := range []int{1, 50, 2000} {
			for _, writers := range []int{1, 64} {
				b.Run(fmt.Sprintf("sync=%t/rows=%d/writers=%d", !noSync, rows, writers), func(b *testing.B) {
					benchmarkPut(b, noSync, rows, writers)
				})
			}
		}
	}
}

func benchmarkPut(b *testing.B, noSync bool, rows, writers int) {
	var syncs atomic.Int64
	l, _, err := open(countingFolder{osFolder(b.TempDir()), &syncs}, Options{NoSync: noSync})
	if err != nil {
		b.Fatal(err)
	}
	p := sampleParcel("bench", rows)
	size := len(appendParcel(nil, event.Columns, p)) + frameHead
	b.SetBytes(int64(size / rows))
	b.ReportAllocs()
	b.ResetTimer()

	var left atomic.Int64
	left.Store(int64(max(b.N/rows, 1)))
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := l.Put(context.Background(), p); err != nil {
					b.Error(err)
					return
				}
				// Roll-over would do this; it keeps the folder small.
				for _, s := range l.Segments() {
					if s.Closed {
						if err := l.Remove(s.Seq); err != nil {
							b.Error(err)
						}
					}
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	puts := float64(max(b.N/rows, 1))
	b.ReportMetric(float64(syncs.Load())/puts, "syncs/parcel")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/puts, "µs/parcel")
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkEncode is the work of one caller outside every lock, checksum and
// all. One operation is one row.
func BenchmarkEncode(b *testing.B) {
	p := sampleParcel("bench", 50)
	r := requests.Get().(*request)
	b.ReportAllocs()
	for b.Loop() {
		if err := r.fill(p); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(r.frame)))
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/50, "ns/row")
}

// BenchmarkDecode decodes a parcel of 50 rows.
func BenchmarkDecode(b *testing.B) {
	body := appendParcel(nil, event.Columns, sampleParcel("bench", 50))
	l, err := layoutOf(storedColumns(event.Columns), event.Columns)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeParcel(string(body), l); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/50, "ns/row")
}

// BenchmarkOpen opens a log of one full segment of 16 MiB.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	l, _, err := Open(dir, Options{NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	p := sampleParcel("bench", 50)
	for l.Segments()[0].Bytes < defaultSegmentBytes {
		mustPut(b, l, p)
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(defaultSegmentBytes)
	for b.Loop() {
		l, _, err := Open(dir, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
