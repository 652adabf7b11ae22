package parquet_test

import (
	"fmt"
	"os"
	"path/filepath"

	"loch/infra/local/parquet"
	"loch/shared/event"
)

func Example() {
	dir, err := os.MkdirTemp("", "loch")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "hour.parquet")

	w, err := parquet.CreateEvents(path)
	if err != nil {
		panic(err)
	}
	err = w.Write([]event.Row{
		{Project: "default", Date: "2026-11-23", Name: "Sign up", Country: "GB", Revenue: event.NoRevenue},
		{Project: "default", Date: "2026-11-23", Name: "Invoice paid", Revenue: 12.5},
	})
	if err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil { // only now there is a file to read
		panic(err)
	}

	rows, err := parquet.Rows(path)
	if err != nil {
		panic(err)
	}
	fmt.Println(rows, "rows")
	err = parquet.ReadEvents(path, func(r *event.Row) error {
		fmt.Printf("%s country=%q revenue=%v\n", r.Name, r.Country, r.Revenue)
		return nil
	})
	if err != nil {
		panic(err)
	}
	// Output:
	// 2 rows
	// Sign up country="GB" revenue=NaN
	// Invoice paid country="" revenue=12.5
}
