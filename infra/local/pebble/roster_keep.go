package pebble

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// A table of a million people takes seconds to make, and nobody should wait for it
// each morning. So the store notes which projects' people are listed, and keeps the
// tables of those at hand: made when the server starts, brought up to date beside the
// requests.

const (
	rosterIdle = 7 * 24 * time.Hour // after which a table that nobody asks is dropped
	noteEvery  = 24 * time.Hour     // how often it is written down that somebody lists
	keepFrom   = 1000               // changes that are read again without a list: fewer do not delay one
)

// KeepLists makes and refreshes the tables of the projects whose people somebody
// listed within a week. It is called now and then, beside the requests.
func (s *Profiles) KeepLists(ctx context.Context) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	listed, err := s.listed()
	if err != nil {
		return err
	}
	now := s.now()
	for project, asked := range listed {
		if now.Sub(asked) > rosterIdle {
			continue
		}
		t := s.rosters.table(project, asked, now)
		if !s.rosters.behind(t) {
			continue
		}
		if err := s.refresh(ctx, t, project); err != nil {
			s.rosters.forget(project)
			return err
		}
	}
	return nil
}

// behind tells that a table is not made yet, or that much has changed.
func (r *rosters) behind(t *table) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !t.ready || len(t.changed) >= keepFrom
}

// noteListed writes down that a project's people are listed. It is no matter if that
// is lost: the next list says so again.
func (s *Profiles) noteListed(t *table, project string, now time.Time) {
	s.rosters.mu.Lock()
	due := now.Sub(t.noted) > noteEvery
	if due {
		t.noted = now
	}
	s.rosters.mu.Unlock()
	if !due || s.room() != nil {
		return
	}
	value := binary.BigEndian.AppendUint64(nil, uint64(now.UnixMilli())) //nolint:gosec // after 1970
	if err := s.peb.Set(listedKey(project), value, pebble.NoSync); err != nil {
		s.log.out.Warn("that people are listed could not be noted; the first list after a start may be slow", "error", err)
	}
}

// listed is when each project's people were last listed, to within a day.
func (s *Profiles) listed() (list map[string]time.Time, err error) {
	it, err := s.peb.NewIter(&pebble.IterOptions{LowerBound: []byte{listedByte}, UpperBound: []byte{listedByte + 1}})
	if err != nil {
		return nil, unreadable(err)
	}
	list = map[string]time.Time{}
	for it.First(); it.Valid(); it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return nil, errors.Join(unreadable(err), it.Close())
		}
		if len(value) == 8 {
			list[string(it.Key()[1:])] = time.UnixMilli(int64(binary.BigEndian.Uint64(value))) //nolint:gosec // as written
		}
	}
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		return nil, unreadable(err)
	}
	return list, nil
}
