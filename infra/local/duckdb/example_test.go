package duckdb_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"loch/infra/local/duckdb"
	"loch/infra/local/lake"
	"loch/shared/report"
)

// Ask a data folder. This one is new, so there are no events in it yet.
func ExampleEngine_Query() {
	dir, err := os.MkdirTemp("", "loch-example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	files, err := lake.Open(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	// Without a log, what was rolled over is all there is.
	engine, err := duckdb.Open(files, nil, duckdb.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = engine.Close() }()

	limits := report.Limits{Rows: 100, Time: 20 * time.Second}
	answer, err := engine.Query(context.Background(), "default", "SELECT count(*) AS events FROM events", limits)
	fmt.Println(answer.Columns, answer.Rows, err)

	_, err = engine.Query(context.Background(), "default", "SELECT * FROM read_text('/etc/passwd')", limits)
	fmt.Println(err)
	// Output:
	// [{events BIGINT}] [[0]] <nil>
	// the function read_text reads files and cannot be used here
}
