package pebble

import (
	"bytes"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// Keys are hashes, so every file that Pebble writes reaches over a large part of
// them, and what it merges to take one record away is a large part of the store.
// While a scrub goes on, files are therefore cut around its places: the records of
// a place come into files of their own, which have little below them.

// cuts are the keys before which a file ends while a scrub goes on.
type cuts struct {
	mu       sync.Mutex
	at       [][]byte // sorted
	few      bool     // there are few files, so that merges may make more
	lowest   bool     // the merge that goes on writes the lowest level
	flushing int      // flushes that go on
}

// around has files cut around places until end is called. One scrub at a time.
//
// Each cut leaves pieces behind, which go when what comes in is merged with them. If
// nothing does they pile up, so where there are many already, merges are not cut:
// small files have little below them as well.
func (c *cuts) around(places [][2][]byte, levels []pebble.LevelMetrics) (end func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	files, wanted := int64(0), int64(0)
	for _, l := range levels[1:lowest] {
		files, wanted = files+l.TablesCount, wanted+l.TablesSize/fileSizes[1]
	}
	c.few = files <= enoughFiles+mostPieces*wanted
	for _, p := range places {
		c.at = append(c.at, p[0], append(bytes.Clone(p[1]), 0))
	}
	slices.SortFunc(c.at, bytes.Compare)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.at = nil
	}
}

// lowest is the number of the level that has nothing below it.
const lowest = 6

// How many files there may be above the lowest level before merges are not cut any
// more: mostPieces for each that there would be without cuts, and some in any case.
const (
	mostPieces  = 4
	enoughFiles = 256
)

// listen hears of what Pebble does. Merges into the lowest level are not cut: there
// is nothing below that would be spared, and the pieces would stay. Which writer asks
// for the policy it does not say, but it makes one merge at a time, and a flush in
// between is cut in any case.
func (c *cuts) listen(e *pebble.EventListener) {
	change := func(fn func()) {
		c.mu.Lock()
		defer c.mu.Unlock()
		fn()
	}
	e.CompactionBegin = func(i pebble.CompactionInfo) { change(func() { c.lowest = i.Output.Level == lowest }) }
	e.CompactionEnd = func(pebble.CompactionInfo) { change(func() { c.lowest = false }) }
	e.FlushBegin = func(pebble.FlushInfo) { change(func() { c.flushing++ }) }
	e.FlushEnd = func(pebble.FlushInfo) { change(func() { c.flushing-- }) }
}

// policy is a pebble.SpanPolicyFunc: it has nothing to say of the records from a key
// on, but where the next file begins.
func (c *cuts) policy(start []byte) (_ pebble.SpanPolicy, end []byte, _ error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flushing == 0 && (c.lowest || !c.few) {
		return pebble.SpanPolicy{}, nil, nil
	}
	for _, cut := range c.at {
		if bytes.Compare(cut, start) > 0 {
			return pebble.SpanPolicy{}, cut, nil
		}
	}
	return pebble.SpanPolicy{}, nil, nil
}
