package wal_test

import (
	"context"
	"fmt"
	"os"

	"loch/infra/local/wal"
	"loch/shared/event"
)

// A parcel is durable once Put returns, can be read at once, and is removed
// with its segment after the roll-over to the lake.
func Example() {
	dir, err := os.MkdirTemp("", "wal")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)

	log, found, err := wal.Open(dir, wal.Options{})
	if err != nil {
		panic(err)
	}
	fmt.Println("parcels from before:", found.Parcels)

	err = log.Put(context.Background(), &event.Parcel{
		Rows:    []event.Row{{Project: "default", Name: "page_view", Revenue: event.NoRevenue}},
		Receipt: event.Receipt{RequestID: "01K9ZC7Q4T8V2M6N0P3R5S7X9Y", Received: 1},
	})
	fmt.Println("put:", err)

	if err := log.Rotate(); err != nil {
		panic(err)
	}
	for _, s := range log.Segments() {
		fmt.Printf("segment %d: parcels %d, closed %t\n", s.Seq, s.Parcels, s.Closed)
	}
	_, err = log.Read(1, 0, func(p *event.Parcel) error {
		fmt.Println("read:", p.Rows[0].Name)
		return nil
	})
	if err != nil {
		panic(err)
	}
	fmt.Println("remove:", log.Remove(1))
	fmt.Println("close:", log.Close())

	// Output:
	// parcels from before: 0
	// put: <nil>
	// segment 1: parcels 1, closed true
	// segment 2: parcels 0, closed false
	// read: page_view
	// remove: <nil>
	// close: <nil>
}
