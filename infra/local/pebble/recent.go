package pebble

import (
	"unique"

	lru "github.com/hashicorp/golang-lru/v2"

	"loch/shared/profile"
)

// recentPeople is how many people's last sighting is remembered, at some 300
// bytes each. One who is forgotten costs a read.
const recentPeople = 32_768

// sighted is what memory knows of one id: for a linked device its user, for all
// others what the store holds about when, where and with what. Places and
// devices are few and shared.
type sighted struct {
	user        person // empty if the id is not linked
	first, last int64
	place       unique.Handle[profile.Place]
	device      unique.Handle[profile.DeviceInfo]
}

func (s sighted) seen() profile.Seen {
	return profile.Seen{FirstMS: s.first, LastMS: s.last, Place: s.place.Value(), Device: s.device.Value()}
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

// user returns the user of a device that is known to be linked.
func (r recent) user(p person) (person, bool) {
	s, ok := r.people.Get(p)
	return s.user, ok && s.user != ""
}

// tells says whether a sighting of somebody, who is no linked device, may be
// news to the store.
func (r recent) tells(p person, g *profile.Sighting) bool {
	s, ok := r.people.Get(p)
	return !ok || s.user != "" || s.seen().Tells(g)
}

func (r recent) linked(device, user person) {
	r.people.Add(device, sighted{user: user})
}

func (r recent) wrote(p person, s profile.Seen) {
	r.people.Add(p, sighted{first: s.FirstMS, last: s.LastMS, place: unique.Make(s.Place), device: unique.Make(s.Device)})
}

func (r recent) forget(p person) { r.people.Remove(p) }
