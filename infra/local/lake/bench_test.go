package lake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"loch/infra/local/wal"
	"loch/shared/event"
)

// manyFiles makes a lake of n roll-overs, a landing file each.
func manyFiles(b *testing.B, n int) string {
	b.Helper()
	dir := b.TempDir()
	for _, folder := range []string{ledgerFolder, stagingFolder} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o750); err != nil {
			b.Fatal(err)
		}
	}
	model := filepath.Join(b.TempDir(), "model.parquet")
	writeRows(b, model, "a", "b")
	file, err := sealFile(model)
	if err != nil {
		b.Fatal(err)
	}
	content, err := os.ReadFile(model)
	if err != nil {
		b.Fatal(err)
	}
	for i := range n {
		at := noon.Add(time.Duration(i) * 5 * time.Minute)
		e := Entry{Number: uint64(i + 1), ID: RollID(uint64(i + 1)), Kind: KindRoll, TimeMS: at.UnixMilli(), Segment: uint64(i + 1),
			Requests: 2, Received: 2, Stored: 2, Digest: strings.Repeat("0f", 16)}
		file.Path = fmt.Sprintf("landing/dt=%s/hour=%s/%020d.parquet", at.Format(time.DateOnly), at.Format("15"), i+1)
		e.Added = []File{file}
		text, err := e.encode()
		path := filepath.Join(dir, lakeFolder, file.Path)
		err = errors.Join(err,
			os.WriteFile(filepath.Join(dir, ledgerFolder, ledgerName(e.Number, e.ID)), text, 0o600),
			os.MkdirAll(filepath.Dir(path), 0o750),
			os.WriteFile(path, content, 0o600))
		if err != nil {
			b.Fatal(err)
		}
	}
	return dir
}

// Opening, reading the ledger and proving a lake of 10,000 landing files.
func BenchmarkTenThousandFiles(b *testing.B) {
	dir := manyFiles(b, 10_000)
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			mustOpen(b, dir)
		}
	})
	l := mustOpen(b, dir)
	b.Run("entries", func(b *testing.B) {
		for b.Loop() {
			n := 0
			if err := l.Entries(func(Entry) error { n++; return nil }); err != nil || n != 10_000 {
				b.Fatal(n, err)
			}
		}
	})
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			if a, err := Verify(context.Background(), l, nil, nil); err != nil || !a.OK {
				b.Fatal(a, err)
			}
		}
	})
	b.Run("snapshot", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			l.Snapshot().Release()
		}
	})
	b.Run("commit", func(b *testing.B) {
		n := 0
		for b.Loop() {
			n++
			add(b, l, fmt.Sprintf("bench-%d-%d", b.N, n), "a")
		}
	})
}

// BenchmarkRollOver rolls one full segment of 16 MiB over.
func BenchmarkRollOver(b *testing.B) {
	l := mustOpen(b, b.TempDir())
	log, _, err := wal.Open(b.TempDir(), wal.Options{NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	r := NewRoller(l, log, RollerOptions{Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
	rows := make([]event.Row, 50)
	for i := range rows {
		rows[i] = parcel(noon, 0, fmt.Sprintf("%032d", i)).Rows[0]
		rows[i].DeviceID, rows[i].Browser, rows[i].Country = fmt.Sprintf("%032d", i%7), "Chrome", "GB"
		rows[i].Properties = fmt.Sprintf(`{"n":%d,"text":"%s"}`, i, strings.Repeat("lorem ipsum ", 60))
	}
	var stored, peak int64
	for b.Loop() {
		b.StopTimer()
		for len(log.Segments()) == 1 {
			err := log.Put(context.Background(), &event.Parcel{Rows: rows, Receipt: event.Receipt{RequestID: "r", Received: len(rows)}})
			if err != nil {
				b.Fatal(err)
			}
		}
		stored += log.Segments()[0].Rows
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		b.StartTimer()
		if err := r.RollAll(context.Background()); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		runtime.ReadMemStats(&after)
		peak = max(peak, int64(after.HeapSys)-int64(before.HeapInuse))
		b.StartTimer()
	}
	b.ReportMetric(float64(stored)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(stored)/float64(b.N), "rows/segment")
	b.ReportMetric(float64(peak)/(1<<20), "MiB-heap-above")
}
