package sample_test

import (
	"fmt"
	"time"

	"loch/shared/sample"
)

// A generator gives requests one after the other, in the order of their time.
func Example() {
	g := sample.New(sample.Options{
		Seed:   1,
		Events: 10_000,
		Days:   7,
		End:    time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC),
		Token:  "my-write-token",
	})
	bytes := 0
	for r := range g.All() {
		bytes += len(r.Body) // or send it: POST r.Path with r.SetHeaders and r.Body
	}
	s := g.Stats()
	fmt.Println(s.Events, "events from", s.First.Format("2 Jan"), "to", s.Last.Format("2 Jan 2006"))
	fmt.Println("bots:", s.Bots*100/s.Events, "%, sent twice:", s.Again > 0, "somebody to look up:", s.User[:4])
	// Output:
	// 10000 events from 16 Nov to 22 Nov 2026
	// bots: 3 %, sent twice: true somebody to look up: usr_
}
