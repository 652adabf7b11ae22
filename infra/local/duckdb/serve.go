package duckdb

import (
	"bufio"
	"context"
	"io"
	"os"
	"time"

	"loch/shared/fault"
)

// work is the whole life of a worker process: it takes orders until the engine
// closes its end of the pipe, which also happens when the engine's process dies.
func work(in io.Reader, out io.Writer) int {
	orders := make(chan order)
	go func() {
		buffered := bufio.NewReader(in)
		for {
			var o order
			if err := readFrame(buffered, &o); err != nil {
				os.Exit(0) // also out of the middle of a statement that nobody waits for
			}
			orders <- o
		}
	}()
	var db *database
	for o := range orders {
		var a answer
		if err := serve(&db, o, &a); err != nil {
			a = answer{Fault: refuse(err), Spent: fault.CodeOf(err) == fault.Internal}
		}
		if err := writeFrame(out, &a); err != nil {
			return 1
		}
	}
	return 0
}

// serve carries out one order.
func serve(db **database, o order, a *answer) (err error) {
	if o.Settings != nil {
		*db, err = openDatabase(*o.Settings)
		return err
	}
	if *db == nil {
		return fault.New(fault.Internal, "a worker was asked before it was set up")
	}
	ctx := context.Background()
	if !o.Deadline.IsZero() {
		// The little that is left out gives the answer time to arrive before
		// the engine stops waiting.
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, o.Deadline.Add(-20*time.Millisecond))
		defer cancel()
	}
	if o.Question != nil {
		a.Result, err = (*db).answer(ctx, o.Question)
		return err
	}
	if o.Facts != nil {
		if a.Rows, err = (*db).facts(ctx, o.Facts); err != nil {
			return place{folders: (*db).folders()}.fault(ctx, err)
		}
		return nil
	}
	a.Rows, err = (*db).script(ctx, o.Script)
	return err
}
