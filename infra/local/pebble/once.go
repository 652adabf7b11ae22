package pebble

import (
	"context"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"loch/shared/fault"
	"loch/shared/profile"
)

// An update with an insert id leaves a record of it in the same write, so that it
// is there exactly if the update is. The records are kept by the week in which they
// were made; the current week and the one before are looked at, so each counts for
// a week at least. What is older goes a whole week at a time.

func weekOf(nowMS int64) int64 { return nowMS / profile.OnceForMS }

// applied says whether an update of this name was applied. The caller holds the
// lock of whoever it is about. An id that was linked or merged meanwhile has
// another lock than before; since that was done under both, what was written under
// the first is visible under the second.
func (w *work) applied(u *profile.Update) (bool, error) {
	id, week := personOf(u.Project, u.ID), weekOf(w.nowMS)
	if w.named[string(append(id.onceKey(0), u.InsertID...))] {
		return true, nil
	}
	for _, at := range []int64{week, week - 1} {
		if _, ok, err := w.get(append(id.onceKey(at), u.InsertID...)); err != nil || ok {
			return ok, err
		}
	}
	return false, nil
}

// name remembers an update that was applied.
func (w *work) name(u *profile.Update) {
	id := personOf(u.Project, u.ID)
	w.named[string(append(id.onceKey(0), u.InsertID...))] = true
	w.names = append(w.names, append(id.onceKey(weekOf(w.nowMS)), u.InsertID...))
}

// erasedWeeks is how many weeks of names an erasure looks through: more than there
// are, should DropNames not have run for a while.
const erasedWeeks = 5

// eraseNames takes away the names under an id, and adds the places where they were.
func (s *Profiles) eraseNames(b *pebble.Batch, who person, touched *[][]byte) error {
	for n, week := int64(0), weekOf(s.now().UnixMilli()); n < erasedWeeks; n++ {
		prefix, found := who.onceKey(week-n), false
		err := s.scan(prefix, func(k, _ []byte) error {
			found = true
			return b.Delete(k, nil)
		})
		if err != nil {
			return err
		}
		if found {
			*touched = append(*touched, prefix)
		}
	}
	return nil
}

// DropNames takes the names of weeks gone by out of the store. Whoever runs the
// store calls it now and then.
func (s *Profiles) DropNames(ctx context.Context) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	end := onceWeek(weekOf(s.now().UnixMilli()) - 1)
	it, err := s.peb.NewIter(&pebble.IterOptions{LowerBound: []byte{onceByte}, UpperBound: end})
	if err != nil {
		return unreadable(err)
	}
	found := it.First()
	if err := it.Close(); err != nil {
		return unreadable(err)
	}
	if !found {
		return nil
	}
	// Nobody misses this in a crash: it is done again.
	err = s.peb.DeleteRange([]byte{onceByte}, end, pebble.NoSync)
	if err == nil {
		err = s.peb.Compact(ctx, []byte{onceByte}, end, false)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		return fault.Wrap(err, fault.Unavailable, "old names of updates could not be dropped")
	}
	return nil
}
