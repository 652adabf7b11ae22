package pebble

import (
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"loch/shared/fault"
	"loch/shared/profile"
)

// partBytes is how much a request may hold in memory before what it has done so
// far is written. A write token is public: two thousand small updates of large
// profiles must not cost two thousand times a profile's size.
const partBytes = 4 << 20

// work is one request being carried out: the records it has read and changed.
type work struct {
	*Profiles
	nowMS   int64
	sync    bool
	commit  *commit
	open    map[person]*record
	order   []*record
	bytes   int
	effort  profile.Effort
	links   []newLink
	names   [][]byte // of updates that were applied, to be written
	named   map[string]bool
	again   bool // what came again was written before, and must be durable now
	batches []*pebble.Batch
	claimed []person
}

// record is one person's profile in memory.
type record struct {
	who        person
	p          profile.Profile
	hasTraits  bool // read
	newTraits  bool // to be written
	newSeen    bool
	late       bool // a sighting told something new, which may wait
	gone       bool // to be deleted
	deleted    bool // somebody's profile was taken away, see deleted.go
	dead       bool // erased: whatever else is said about them is dropped
	exact      bool // meant by its own id, linked or not
	traitBytes int
}

// record reads a person's seen record, and with it the traits if need be.
func (w *work) record(who person, traits bool) (*record, error) {
	r := w.open[who]
	if r == nil {
		r = &record{who: who}
		r.p.Project, r.p.ID = who.split()
		seen, err := w.seen(who)
		if err == nil && seen == (profile.Seen{}) {
			_, r.dead, err = w.get(who.key(tombByte))
		}
		if err != nil {
			return nil, err
		}
		r.p.SetSeen(seen)
		w.open[who] = r
		w.order = append(w.order, r)
	}
	if traits && !r.hasTraits {
		value, ok, err := w.get(who.key(traitsByte))
		if err != nil {
			return nil, err
		}
		if ok {
			if err := decodeTraits(value, &r.p); err != nil {
				return nil, err
			}
			r.traitBytes = len(value)
			w.bytes += r.traitBytes
		}
		r.hasTraits = true
	}
	return r, nil
}

// seen reads when, where and with what somebody was seen, from memory if it is
// there: under the lock that equals what is stored, with what waits.
func (w *work) seen(who person) (profile.Seen, error) {
	if s, ok := w.waiting.of(who); ok {
		return s, nil
	}
	if known, ok := w.recent.known(who); ok && known.user == "" {
		return known.seen(), nil
	}
	value, ok, err := w.get(who.key(seenByte))
	if err != nil || !ok {
		return profile.Seen{}, err
	}
	return decodeSeen(value)
}

// update applies one update.
func (w *work) update(who person, u *profile.Update) (*profile.Refusal, error) {
	r, err := w.record(who, true)
	if err != nil {
		return nil, err
	}
	r.exact = r.exact || u.ExactID
	if r.dead {
		return nil, nil
	}
	if u.InsertID != "" {
		applied, err := w.applied(u)
		if err != nil || applied {
			w.again = w.again || applied
			return nil, err
		}
	}
	if refused := w.effort.Take(&r.p, u); refused != nil {
		return refused, nil
	}
	deletes := u.Deletes(&r.p)
	keep, refused := profile.Apply(&r.p, u, w.nowMS)
	if refused != nil {
		return refused, nil
	}
	r.deleted = r.deleted || deletes
	if u.InsertID != "" {
		w.name(u)
	}
	r.newTraits, r.newSeen, r.gone = keep, keep, !keep
	if !keep {
		r.p = profile.Profile{Project: r.p.Project, ID: r.p.ID}
	}
	size := 0
	for i := range r.p.Traits {
		size += len(r.p.Traits[i].Name) + len(r.p.Traits[i].Value)
	}
	w.bytes += size - r.traitBytes
	r.traitBytes = size
	if w.bytes > partBytes {
		return nil, w.flush()
	}
	return nil, nil
}

// sight records a sighting, unless the store turns out to know all it tells.
func (w *work) sight(g *sighting) error {
	r, err := w.record(g.who, false)
	if err != nil {
		return err
	}
	if g.receivedMS != 0 {
		if deleted, err := w.deletedSince(personOf(g.Project, g.ID), g.receivedMS); err != nil || deleted {
			return err
		}
	}
	if seen := r.p.Seen(); !r.dead && seen.Tells(g.Seen) {
		r.p.SetSeen(seen.Join(g.Seen))
		if w.told.Add(1); r.gone {
			r.newSeen = true // beside the deletion of what was seen before
		} else {
			r.late = true
		}
	}
	return nil
}

// link writes a link. It is a sighting of the user, and what was seen of the device
// was seen of the user.
func (w *work) link(l *newLink) error {
	device, err := w.record(l.device, false)
	if err != nil {
		return err
	}
	user, err := w.record(l.user, false)
	if err != nil {
		return err
	}
	if device.dead || user.dead {
		return nil
	}
	at := profile.SeenAt(l.ms, profile.Place{}, profile.DeviceInfo{}, profile.Arrival{})
	user.p.SetSeen(user.p.Seen().Join(device.p.Seen()).Join(at))
	user.newSeen = user.p.Seen() != profile.Seen{}
	w.links = append(w.links, *l)
	return nil
}

// flush writes what has changed and forgets what was read.
func (w *work) flush() error {
	if len(w.order) == 0 && !w.again {
		return nil
	}
	b := w.peb.NewBatch()
	if err := w.fill(b); err != nil {
		return errors.Join(fault.Wrap(err, fault.Internal, "a profile could not be written"), b.Close())
	}
	if b.Empty() {
		w.keep()
		return b.Close()
	}
	// The links are claimed before they can be seen.
	w.Profiles.links.mu.Lock()
	for i := range w.links {
		w.Profiles.links.add(w.links[i].device, struct{}{}, w.commit)
		w.claimed = append(w.claimed, w.links[i].device)
	}
	w.Profiles.links.mu.Unlock()
	// They are counted when the store and memory show them, and before the locks are
	// let go: whoever plans with the new count must have seen them, since nobody looks
	// again while the count stays the same.
	defer w.linkings.Add(int64(len(w.links)))
	if err := w.apply(b, w.sync); err != nil {
		return err
	}
	w.commits.Add(1)
	w.batches = append(w.batches, b)
	w.keep()
	return nil
}

// fill puts the changed records into a batch.
func (w *work) fill(b *pebble.Batch) (err error) {
	set := func(key, value []byte) {
		if err == nil {
			err = b.Set(key, value, nil)
		}
	}
	unset := func(key []byte) {
		if err == nil {
			err = b.Delete(key, nil)
		}
	}
	for _, name := range w.names {
		set(name, nil)
	}
	if w.again {
		set(paddingKey, nil) // behind the first in the log, so durable after it
	}
	for i := range w.links {
		l := &w.links[i]
		_, device := l.device.split()
		_, user := l.user.split()
		set(l.device.key(linkByte), encodeLink(user, l.ms))
		var mark []byte
		if l.merged {
			mark = mergedMark
		}
		set(append(l.user.linkedKey(), device...), mark)
		set(w.mark(l.device))
	}
	for _, r := range w.order {
		if r.gone {
			unset(r.who.key(traitsByte))
			unset(r.who.key(seenByte))
		}
		if r.deleted {
			set(w.deletion(r.who))
		}
		if r.newTraits {
			set(r.who.key(traitsByte), encodeTraits(&r.p))
		}
		if r.newSeen {
			set(r.who.key(seenByte), encodeSeen(r.p.Seen()))
		}
		if r.gone || r.newTraits || r.newSeen {
			set(w.mark(r.who))
		}
	}
	return err
}

// keep has sightings that were not written wait, tells memory what the store holds
// now, and makes room for the next part.
func (w *work) keep() {
	now := w.now()
	for _, r := range w.order {
		switch {
		case r.newSeen || r.gone:
			w.waiting.drop(r.who)
		case r.late:
			w.waiting.put(r.who, r.p.Seen(), now)
		}
		if r.exact || r.dead || r.p.FirstSeenMS == 0 {
			w.recent.outdate(r.who)
		} else {
			w.recent.wrote(r.who, r.p.Seen())
		}
		w.rosters.touch(r.who, now)
	}
	for i := range w.links {
		w.recent.linked(w.links[i].device, w.links[i].user)
		w.rosters.touch(w.links[i].device, now)
	}
	clear(w.open)
	w.order, w.links, w.names, w.again, w.bytes = nil, nil, nil, false, 0
}

// end waits until all parts are durable and tells those who wait for the links.
func (w *work) end(err error) {
	for _, b := range w.batches {
		err = errors.Join(err, w.settle(b, w.sync))
	}
	w.commit.err = err
	for _, device := range w.claimed {
		w.Profiles.links.drop(device, w.commit)
	}
	close(w.commit.done)
}
