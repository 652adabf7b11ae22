package pebble

import (
	"errors"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"loch/shared/fault"
	"loch/shared/profile"
)

// Every new visitor tells something, so even sightings that are worth a write are a
// fifth of all events. They wait in memory, where every reader finds them, and are
// written together: many people in one write to the log, and one fsync. A process
// that is killed loses those that waited; the events themselves are kept elsewhere.
const (
	waitAtMost   = 50 * time.Second // so that with the time between two looks it is less than a minute
	waitTogether = 2048             // people; about a megabyte
)

// waiting are the sightings that are not written yet, by person, joined with what
// is stored. An entry is made, changed and taken away under the person's lock.
type waiting struct {
	mu     sync.Mutex
	people map[person]profile.Seen
	since  time.Time // when the first came

	writing sync.Mutex // held by the one who writes
}

func (w *waiting) of(who person) (s profile.Seen, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, ok = w.people[who]
	return s, ok
}

func (w *waiting) put(who person, s profile.Seen, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.people) == 0 {
		w.people, w.since = map[person]profile.Seen{}, now
	}
	w.people[who] = s
}

func (w *waiting) drop(who person) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.people, who)
}

// due says whether the sightings have waited for long enough, or are many enough.
func (w *waiting) due(now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.people) >= waitTogether || len(w.people) > 0 && now.Sub(w.since) >= waitAtMost
}

// all are the people of whom sightings wait.
func (w *waiting) all() []person {
	w.mu.Lock()
	defer w.mu.Unlock()
	people := make([]person, 0, len(w.people))
	for who := range w.people {
		people = append(people, who)
	}
	return people
}

// WriteSightings writes the sightings in memory if they have waited for long enough.
// Whoever runs the store calls it every few seconds, so that a crash never loses more
// than a minute of them.
func (s *Profiles) WriteSightings() error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	return s.writeDue()
}

// WriteAllSightings writes all sightings that wait, due or not, before the events that
// tell of them leave the log.
func (s *Profiles) WriteAllSightings() error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	s.waiting.writing.Lock()
	defer s.waiting.writing.Unlock()
	return s.writeWaiting()
}

// writeDue does so within a call. It must not enter again: Close, waiting between
// the two, would wait for ever.
func (s *Profiles) writeDue() error {
	if !s.waiting.due(s.now()) || !s.waiting.writing.TryLock() {
		return nil
	}
	defer s.waiting.writing.Unlock()
	return s.writeWaiting()
}

// writeWaiting writes all that waits, due or not.
func (s *Profiles) writeWaiting() error {
	people := s.waiting.all()
	if len(people) == 0 {
		return nil
	}
	if err := s.room(); err != nil {
		return err
	}
	b := s.peb.NewBatch()
	if err := s.fillWaiting(b, people); err != nil {
		return fault.Wrap(errors.Join(err, b.Close()), fault.Unavailable, "sightings could not be written")
	}
	return s.settle(b, true)
}

// fillWaiting applies what waits, while nobody else touches the people.
func (s *Profiles) fillWaiting(b *pebble.Batch, people []person) error {
	defer s.stripes.lock(people)()
	written := people[:0]
	for _, who := range people {
		seen, ok := s.waiting.of(who)
		if !ok {
			continue // somebody wrote or deleted it meanwhile
		}
		key, value := s.mark(who)
		if err := errors.Join(b.Set(who.key(seenByte), encodeSeen(seen), nil), b.Set(key, value, nil)); err != nil {
			return err
		}
		written = append(written, who)
	}
	if err := s.apply(b, true); err != nil {
		return err
	}
	for _, who := range written {
		s.waiting.drop(who)
	}
	s.commits.Add(1)
	s.seenCommits.Add(1)
	s.seenWrites.Add(int64(len(written)))
	return nil
}
