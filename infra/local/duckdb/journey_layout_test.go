package duckdb

import (
	"crypto/md5"
	"fmt"
	"testing"

	"loch/infra/local/parquet"
	"loch/shared/event"
)

// TestCompactedFilesTellWhoseTheyAre holds what journeys live on: after compaction
// somebody's rows of a date lie in a row group or two, and who is not there is kept
// out without reading.
func TestCompactedFilesTellWhoseTheyAre(t *testing.T) {
	const people, each = 4000, 8
	w := newWorld(t)
	sum := func(text string) string { return fmt.Sprintf("%x", md5.Sum([]byte(text))) }
	rows := make([]event.Row, 0, 2000)
	for i := range people * each {
		person := i % people
		e := row("e", day0+int64(i))
		e.InsertID, e.DeviceID = fmt.Sprint(i), sum(fmt.Sprint("d", person))
		if person%2 == 0 {
			e.UserID = sum(fmt.Sprint("u", person))
		}
		if rows = append(rows, e); len(rows) == cap(rows) {
			w.put(rows...)
			rows = rows[:0]
		}
	}
	w.roll()
	w.compact()
	files := w.snapshot().Events
	if len(files) != 1 {
		t.Fatalf("%d files", len(files))
	}
	whose, err := parquet.ReadWhose(files[0])
	if err != nil {
		t.Fatal(err)
	}
	groups := func(id string) int {
		list, err := whose.Groups([]string{id})
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	strangers := 0
	for i := range 400 {
		id := sum(fmt.Sprint("u", 2*i))
		if i%2 == 1 {
			id = sum(fmt.Sprint("d", i))
		}
		if n := groups(id); n < 1 || n > 2 {
			t.Fatalf("somebody's rows are looked for in %d row groups", n)
		}
		strangers += groups(sum(fmt.Sprint("nobody", i)))
		// The device of a user has no rows of its own; it may be looked for where the
		// users end and the devices begin.
		if n := groups(sum(fmt.Sprint("d", 2*i))); n > 1 {
			t.Fatalf("the device of a user is looked for in %d row groups", n)
		}
	}
	if strangers > 20 {
		t.Errorf("400 who are not there are looked for in %d row groups", strangers)
	}
}
