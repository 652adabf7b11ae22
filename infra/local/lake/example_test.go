package lake_test

import (
	"context"
	"fmt"
	"os"

	"loch/infra/local/lake"
	"loch/infra/local/parquet"
	"loch/shared/event"
)

func Example() {
	dir, err := os.MkdirTemp("", "loch")
	check(err)
	defer func() { check(os.RemoveAll(dir)) }()

	l, err := lake.Open(dir)
	check(err)

	// A commit: write files, then say what they are.
	commit, err := l.Begin(lake.RollID(1))
	check(err)
	path, err := commit.Path(lake.Landing, "dt=2026-11-23/hour=20/1.parquet")
	check(err)
	w, err := parquet.CreateEvents(path)
	check(err)
	check(w.Write([]event.Row{{Name: "Sign up", Date: "2026-11-23"}, {Name: "Search", Date: "2026-11-23"}}))
	check(w.Close())
	check(commit.Finish(lake.Entry{Kind: lake.KindRoll, TimeMS: 1795464000000, Segment: 1, Requests: 1, Received: 2, Stored: 2}))

	// A query: the files of a snapshot stay until it is released.
	snapshot := l.Snapshot()
	defer snapshot.Release()
	for _, path := range snapshot.Landing {
		fmt.Println(l.Rel(path))
	}

	// The proof.
	account, err := lake.Verify(context.Background(), l, nil, nil)
	check(err)
	fmt.Println(account.OK, account.Received, "=", account.Stored, "+", account.Rejected, "+", account.Duplicates)
	// Output:
	// landing/dt=2026-11-23/hour=20/1.parquet
	// true 2 = 2 + 0 + 0
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
