package duckdb

import (
	"context"
	"testing"
	"time"

	"loch/shared/event"
	"loch/shared/report/laketest"
)

// TestLakeContract runs the contract of the relations, which every engine passes.
func TestLakeContract(t *testing.T) {
	laketest.Run(t, laketest.Effort{Seeds: int(seeds(2)), Steps: 32, Every: 4}, func(t *testing.T) laketest.Lake {
		t.Parallel()
		w := newWorld(t)
		return laketest.Lake{
			Engine: w.engine,
			Put:    func(_ *testing.T, rows []event.Row) { w.put(rows...) },
			Upkeep: func(t *testing.T, n int) {
				w.engine.chunkFiles = 1 + n%3
				switch n / 20 {
				case 0, 1:
					w.roll()
				case 2:
					if _, err := w.engine.Compact(context.Background(), nil); err != nil {
						t.Fatal(err)
					}
				}
			},
			Remove: func(t *testing.T, ids []string) {
				if err := w.lake.RemoveRows("p", ids, time.Now()); err != nil {
					t.Fatal(err)
				}
			},
		}
	})
}
