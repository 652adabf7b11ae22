package duckdb

import (
	"testing"
	"time"
)

func TestDbgCompact(t *testing.T) {
	w := openWorld(t, t.TempDir(), Options{MemoryLimitBytes: 4 << 30})
	w.fill(100000)
	w.roll()
	start := time.Now()
	c := w.compact()
	t.Log(time.Since(start), c)
}
