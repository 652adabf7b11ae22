package duckdb

import (
	"slices"
	"sync"

	"loch/shared/event"
)

// journeyRows are the rows of a person that were read so far, each event once.
type journeyRows struct {
	project  string
	before   *event.Moment
	removed  []string // lake ids whose rows are not shown
	distinct bool     // no row that is read from now on is an event that is there

	mu     sync.Mutex
	list   []event.Row
	newest map[eventKey]int // each event's newest row, by its place in list
}

// eventKey is duplicateKey in Go.
type eventKey struct {
	id, source, name, sender string
	timeMS                   int64
}

func keyOf(r *event.Row) eventKey {
	k := eventKey{id: r.InsertID, source: r.InsertIDSource}
	if r.InsertIDSource != event.InsertIDHash {
		k.name, k.sender = r.Name, r.UserID
		if k.sender == "" {
			k.sender = r.DeviceID
		}
	}
	if r.InsertIDSource == event.InsertIDClient {
		k.timeMS = r.TimeMS
	}
	return k
}

// take keeps a row if it is the newest of its event. It may be called from many
// goroutines.
func (j *journeyRows) take(r *event.Row) error {
	if r.Project != j.project || tiedRow(r, j.removed) {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.distinct {
		j.list = append(j.list, *r)
		return nil
	}
	k := keyOf(r)
	at, again := j.newest[k]
	switch {
	case !again:
		j.newest[k] = len(j.list)
		j.list = append(j.list, *r)
	case arrival(r).Compare(arrival(&j.list[at])) > 0:
		j.list[at] = *r
	}
	return nil
}

// arrival orders rows of one event as newestFirst does.
func arrival(r *event.Row) event.Moment {
	m := r.Moment()
	m.TimeMS = 0
	return m
}

// since counts the rows that belong on the page and are not older than an instant.
func (j *journeyRows) since(ms int64) (n int) {
	for i := range j.list {
		if r := &j.list[i]; r.TimeMS >= ms && j.belongs(r) {
			n++
		}
	}
	return n
}

// wanted counts the rows that belong on the page, were it long enough.
func (j *journeyRows) wanted() int { return j.since(-1 << 63) }

func (j *journeyRows) belongs(r *event.Row) bool {
	return j.before == nil || r.Moment().Compare(*j.before) < 0
}

// page is the answer out of what was read.
func (j *journeyRows) page(limit int) []event.Row {
	rows := slices.DeleteFunc(j.list, func(r event.Row) bool { return !j.belongs(&r) })
	slices.SortFunc(rows, func(a, b event.Row) int { return b.Moment().Compare(a.Moment()) })
	return rows[:min(len(rows), limit)]
}
