package parquet

import (
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkWriteEvents tells rows a second, bytes a row and the cost of a file
// that holds one row.
func BenchmarkWriteEvents(b *testing.B) {
	for name, n := range map[string]int{"1": 1, "16k": 16_000, "100k": 100_000} {
		rows := madeUp(1, n)
		b.Run(name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "f.parquet")
			b.ReportAllocs()
			for b.Loop() {
				w, err := CreateEvents(path)
				if err != nil {
					b.Fatal(err)
				}
				if err := w.Write(rows); err != nil {
					b.Fatal(err)
				}
				if err := w.Close(); err != nil {
					b.Fatal(err)
				}
				info, err := os.Stat(path)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(info.Size())/float64(n), "B/row")
				if err := os.Remove(path); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func BenchmarkFooter(b *testing.B) {
	path := filepath.Join(b.TempDir(), "f.parquet")
	if _, err := WriteEvents(path, each(madeUp(1, 1000))); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Rows(path); err != nil {
			b.Fatal(err)
		}
	}
}
