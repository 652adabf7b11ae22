package dynamo

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"loch/shared/profile"
)

// recent is what this process has read or written of late, so that most events need no
// call: they tell nothing that is not known. It is a memory of what DynamoDB holds, not
// of what it should: nothing waits here.
//
// Another process may have written since. What is remembered of when somebody was seen
// counts for seenFor: for so long last seen may be behind, and so long it may take until
// somebody whose profile was deleted elsewhere is seen anew. That a device is linked
// stays true until its person is erased; it counts for linkFor.
type recent struct {
	people *lru.Cache[key, sighted]
}

const (
	recentPeople = 32_768 // at some 500 bytes each
	seenFor      = profile.SightingEveryMS * time.Millisecond
	linkFor      = 5 * time.Minute
)

type sighted struct {
	to   string // whom the id leads to; else seen counts
	seen profile.Seen
	// busy says that names of updates have moved out of the item: one call without
	// reading would be refused.
	busy bool
	at   time.Time
}

func newRecent() recent {
	people, err := lru.New[key, sighted](recentPeople)
	if err != nil {
		panic(err) // the size is a constant above 0
	}
	return recent{people}
}

// leads returns whom an id is known to lead to.
func (r recent) leads(k key, now time.Time) (to key, ok bool) {
	known, ok := r.people.Get(k)
	if !ok || known.to == "" || now.Sub(known.at) >= linkFor {
		return key{}, false
	}
	return key{k.project, known.to}, true
}

// isRoot says whether an id is known to lead to nobody.
func (r recent) isRoot(k key, now time.Time) bool {
	_, ok := r.seen(k, now)
	return ok
}

// seen returns when somebody is known to have been seen.
func (r recent) seen(k key, now time.Time) (profile.Seen, bool) {
	known, ok := r.people.Get(k)
	if !ok || known.to != "" || now.Sub(known.at) >= seenFor {
		return profile.Seen{}, false
	}
	return known.seen, true
}

// busy says whether somebody is known to be one who must be read first.
func (r recent) busy(k key) bool {
	known, ok := r.people.Get(k)
	return ok && known.busy
}

// saw remembers a record as it stands in the table.
func (r recent) saw(rec *record, now time.Time) {
	if rec.dead || rec.to == "" && !rec.exists() {
		r.people.Remove(rec.key)
		return
	}
	r.people.Add(rec.key, sighted{rec.to, rec.p.Seen(), len(rec.names.spilled) > 0, now})
}

func (r recent) forget(k key) { r.people.Remove(k) }
