package main

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"loch/functions/redrive"
	"loch/infra/aws/firehose/firehosetest"
	"loch/shared/event"
)

// settle ends all failures and lets redrive and the stream come to rest.
func (w *world) settle(t *testing.T) {
	t.Helper()
	w.stand.SetFaults(firehosetest.Faults{})
	w.bucket.Fail(nil)
	var aside int64
	for rounds := 0; ; rounds++ {
		w.clock.Add(int64(10 * time.Minute / time.Millisecond))
		if err := w.stand.Deliver(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, err := serve(w.deps)(t.Context(), request{})
		if err != nil || got.Damaged > 0 || rounds == 20 {
			t.Fatalf("redrive does not come to an end: %+v, %v", got, err)
		}
		aside += got.SetAside
		if got == (redrive.Result{}) {
			break
		}
	}
	if n := len(w.bucket.Objects(t, "spill/")) + len(w.bucket.Objects(t, "errors/")); n > 0 {
		t.Errorf("%d objects are left in spill/ and errors/", n)
	}
	// What was set aside are the spoiled documents and nothing of ours. A spoiled call
	// may have been refused, or have been done by a call that was sent again.
	for key, body := range w.bucket.Objects(t, "unreadable/") {
		if lines := strings.Count(string(body), "\n"); lines == 0 || strings.Count(string(body), `"reason":`) != lines {
			t.Errorf("%s: %d lines", key, lines)
		}
		if strings.Contains(string(body), "although it fits") {
			t.Errorf("%s: a document of ours was set aside", key)
		}
	}
	t.Logf("%d documents were spoiled on the way; the last redrive set %d aside", w.spoiled.Load(), aside)
}

type identity struct {
	request string
	index   int64
}

// prove adds up what the stores hold.
func (w *world) prove(t *testing.T, inputs int64) {
	rows, copies := w.stored(t)
	rejected := map[identity]bool{}
	expected := map[string]int64{} // rows of a request, by its rejections or its receipt
	for _, line := range w.read(t, "rejected/") {
		id := line["request_id"].(string)
		expected[id] = line["parcel_rows"].(int64)
		if line["reason"] != nil {
			rejected[identity{id, line["batch_index"].(int64)}] = true
		}
	}

	var acknowledged, found, refusedInputs, strangers int64
	events := map[string]bool{} // by what makes two rows one event
	for id, p := range w.acknowledged {
		acknowledged += int64(p.Receipt.Received)
		for _, r := range p.Rows {
			if !rows[identity{id, r.BatchIndex}] {
				t.Fatalf("request %s was acknowledged and its row %d is lost", id, r.BatchIndex)
			}
			found++
			events[r.InsertID] = true
		}
		for _, r := range p.Rejected {
			if !rejected[identity{id, r.BatchIndex}] {
				t.Fatalf("request %s was acknowledged and its rejection %d is lost", id, r.BatchIndex)
			}
			found++
		}
	}
	of := map[string]int64{}
	for r := range rows {
		of[r.request]++
		if w.acknowledged[r.request] == nil {
			strangers++
			if w.refused[r.request] == nil {
				t.Fatalf("request %s was never sent", r.request)
			}
		}
	}
	parts := 0
	for id, p := range w.refused {
		refusedInputs += int64(p.Receipt.Received)
		if want, told := expected[id]; of[id] > 0 && of[id] < int64(len(p.Rows)) {
			parts++
			if !told || want != int64(len(p.Rows)) {
				t.Errorf("request %s left %d of %d rows, and nothing tells how many there should be", id, of[id], len(p.Rows))
			}
		}
	}
	for id, want := range expected {
		if w.acknowledged[id] != nil && of[id] != want {
			t.Errorf("request %s was acknowledged with %d rows, %d are there", id, want, of[id])
		}
	}

	var rejections int64
	for r := range rejected {
		if w.acknowledged[r.request] != nil {
			rejections++
		}
	}
	stored, duplicates := int64(len(events)), found-rejections-int64(len(events))
	if acknowledged != stored+rejections+duplicates || acknowledged < inputs {
		t.Errorf("acknowledged %d, stored %d + rejected %d + duplicates %d; %d inputs were sent", acknowledged, stored, rejections, duplicates, inputs)
	}
	c := w.counters.Total()
	if c.Rows+c.Rejected != acknowledged || c.Unacknowledged != refusedInputs {
		t.Errorf("the counters say %d + %d acknowledged and %d not; the clients %d and %d", c.Rows, c.Rejected, c.Unacknowledged, acknowledged, refusedInputs)
	}
	t.Logf("acknowledged %d = stored %d + rejected %d + duplicates %d", acknowledged, stored, rejections, duplicates)
	t.Logf("%d rows were in the lake several times, alike; %d rows of refused requests are there, %d requests in part", copies, strangers, parts)
	t.Logf("counters: %+v", c)
	t.Logf("the stand-in: %+v", w.stand.Totals())
	if !testing.Short() && (copies == 0 || c.SpillObjects == 0 || c.RecordsFailed == 0 || c.CallsUnanswered == 0 || c.Unacknowledged == 0 || duplicates == 0 || w.spoiled.Load() == 0) {
		t.Error("not everything went wrong that should have; the test shows too little")
	}
}

// stored reads the rows of the lake. Those that are there several times must be
// alike in every column, so that it does not matter which of them a view shows.
func (w *world) stored(t *testing.T) (rows map[identity]bool, copies int64) {
	rows = map[identity]bool{}
	words := map[identity][sha256.Size]byte{}
	for _, line := range w.read(t, "landing/") {
		id := identity{line["request_id"].(string), line["batch_index"].(int64)}
		var text strings.Builder
		for _, c := range event.Columns {
			text.WriteString(say(line[c.Name]))
		}
		sum := sha256.Sum256([]byte(text.String()))
		if before, again := words[id]; again {
			copies++
			if before != sum {
				t.Fatalf("row %v is there twice and differs", id)
			}
		}
		rows[id], words[id] = true, sum
	}
	return rows, copies
}

func (w *world) read(t *testing.T, prefix string) (all []map[string]any) {
	t.Helper()
	for key, file := range w.bucket.Objects(t, prefix) {
		lines, err := firehosetest.ReadParquet(file)
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		all = append(all, lines...)
	}
	return all
}

func say(v any) string { return fmt.Sprint(v) + "|" }
