package pebble

import (
	"unique"

	lru "github.com/hashicorp/golang-lru/v2"

	"loch/shared/profile"
)

// recentPeople is how many people's last sighting is remembered, at some 350
// bytes each. One who is forgotten costs a read.
const recentPeople = 32_768

// sighted is what memory knows of one id: for a linked device its user, for all
// others what the store holds about when, where and with what. Places, devices and
// arrivals are few and shared.
type sighted struct {
	user    person // empty if the id is not linked
	times   [5]int64
	place   unique.Handle[profile.Place]
	device  unique.Handle[profile.DeviceInfo]
	arrival unique.Handle[profile.Arrival]
}

func (s sighted) seen() profile.Seen {
	seen := profile.Seen{Place: s.place.Value(), Device: s.device.Value(), Arrival: s.arrival.Value()}
	for i, ms := range seenTimes(&seen) {
		*ms = s.times[i]
	}
	return seen
}

// recent lets events pass without touching the store: most tell nothing that was
// not written within the last minute.
type recent struct {
	people *lru.Cache[person, sighted]
}

func newRecent() recent {
	people, err := lru.New[person, sighted](recentPeople)
	if err != nil {
		panic(err) // the size is a constant above 0
	}
	return recent{people}
}

// known returns what memory knows of an id. An id that is known and has no user
// is not linked: only who has checked that under the id's lock writes it here,
// and who makes a link overwrites it under the same lock.
func (r recent) known(p person) (s sighted, ok bool) { return r.people.Get(p) }

func (r recent) linked(device, user person) {
	r.people.Add(device, sighted{user: user})
}

func (r recent) wrote(p person, s profile.Seen) {
	known := sighted{place: unique.Make(s.Place), device: unique.Make(s.Device), arrival: unique.Make(s.Arrival)}
	for i, ms := range seenTimes(&s) {
		known.times[i] = *ms
	}
	r.people.Add(p, known)
}

// outdate forgets what somebody was seen with, but not that a device is linked.
func (r recent) outdate(p person) {
	if s, ok := r.people.Peek(p); ok && s.user == "" {
		r.people.Remove(p)
	}
}
