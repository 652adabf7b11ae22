package pebble

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"loch/shared/fault"
	"loch/shared/profile"
	"loch/shared/roster"
)

// Lists are answered from memory: when somebody first asks for one, a project's
// people are read once and kept in columns, some 60 bytes each and two more for
// every trait that has few values. From then on whoever changes a profile says so,
// and the next list reads those again. What has no column, such as a trait that
// is another for everybody, is asked of the records. Where nobody asks for a list,
// nothing of this costs anything; where somebody did, the table is kept (KeepLists).

// rosterChanges is after how many changes that were not read again a table is
// dropped: making it anew is not much more work.
const rosterChanges = 100_000

// rosters are the tables of the projects whose people somebody lists.
type rosters struct {
	limits limits
	some   atomic.Bool // there are any
	mu     sync.Mutex
	tables map[string]*table // by project
}

// table is one project's people in columns.
type table struct {
	// Guarded by rosters.mu.
	changed map[string]struct{} // ids to be read again
	asked   time.Time           // when somebody listed, as far as is known
	noted   time.Time           // when that was written down
	ready   bool                // it is made

	mu     sync.RWMutex // guards what follows; held for reading while it is asked
	built  bool
	shards [shards]*shard
}

// touch says that somebody's records changed. It comes after the change can be
// read and before it is acknowledged.
func (r *rosters) touch(who person, now time.Time) {
	if !r.some.Load() {
		return
	}
	project, id := who.split()
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.tables[project]
	if t == nil {
		return
	}
	if t.changed[id] = struct{}{}; len(t.changed) > rosterChanges || now.Sub(t.asked) > rosterIdle {
		r.drop(project)
	}
}

// drop lets go of a table. r.mu is held.
func (r *rosters) drop(project string) {
	delete(r.tables, project)
	r.some.Store(len(r.tables) > 0)
}

// table finds a project's, or makes one that is not built yet. asked is when somebody
// listed.
func (r *rosters) table(project string, asked, now time.Time) *table {
	r.mu.Lock()
	defer r.mu.Unlock()
	for other, t := range r.tables {
		if other != project && now.Sub(t.asked) > rosterIdle {
			r.drop(other)
		}
	}
	t := r.tables[project]
	if t == nil {
		if r.tables == nil {
			r.tables = map[string]*table{}
		}
		t = &table{changed: map[string]struct{}{}}
		r.tables[project] = t
		r.some.Store(true)
	}
	if asked.After(t.asked) {
		t.asked = asked
	}
	return t
}

// forget drops a table that could not be made.
func (r *rosters) forget(project string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(project)
}

// take returns what changed since it was last taken, of a table that is made.
func (r *rosters) take(t *table) (changed map[string]struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t.ready = true
	if changed = t.changed; len(changed) > 0 {
		t.changed = map[string]struct{}{}
	}
	return changed
}

// List implements roster.Roster.
func (s *Profiles) List(ctx context.Context, q roster.Query) (roster.Page, error) {
	if err := ctx.Err(); err != nil {
		return roster.Page{}, gaveUp(err)
	}
	if q.Project == "" || q.Limit < 1 || q.Limit > roster.MaxLimit {
		return roster.Page{}, fault.New(fault.Internal, "a list is asked for without a project, or with a limit that is out of bounds")
	}
	if err := s.enter(); err != nil {
		return roster.Page{}, err
	}
	defer s.leave()
	if q.Among != nil { // nobody is not everybody, so it stays what it is
		q.Among = slices.Clone(q.Among)
		slices.Sort(q.Among)
		q.Among = slices.Compact(q.Among)
	}
	now := s.now()
	t := s.rosters.table(q.Project, now, now)
	s.noteListed(t, q.Project, now)
	if err := s.refresh(ctx, t, q.Project); err != nil {
		s.rosters.forget(q.Project)
		return roster.Page{}, err
	}
	if q.Match != nil {
		q.Match = q.Match.Until(ctx)
	}
	b, err := s.ask(ctx, t, &q)
	if err == nil && ctx.Err() != nil { // what the matcher said since means nothing
		err = gaveUp(ctx.Err())
	}
	if err != nil {
		return roster.Page{}, err
	}
	return s.page(&q, b)
}

// refresh builds a table, or reads again what changed.
func (s *Profiles) refresh(ctx context.Context, t *table, project string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.built {
		now := s.written()
		err := eachShard(func(n int) error {
			built, err := buildShard(ctx, now, project, n, s.rosters.limits)
			t.shards[n] = built
			return err
		})
		if err := errors.Join(err, now.Close()); err != nil {
			return err
		}
		t.built = true
	}
	return s.rereadAll(t, project, s.rosters.take(t))
}

// rereadAll brings rows up to date. Whoever's sighting does not wait is read from
// one snapshot, which is taken after that is known: what waited until then is in it.
func (s *Profiles) rereadAll(t *table, project string, changed map[string]struct{}) error {
	if len(changed) == 0 {
		return nil
	}
	var late []string
	for id := range changed {
		if _, waits := s.waiting.of(personOf(project, id)); waits {
			late = append(late, id)
			delete(changed, id)
		}
	}
	now := s.peb.NewSnapshot()
	var err error
	for id := range changed {
		if err == nil {
			err = s.reread(now, t, personOf(project, id), id)
		}
	}
	if err := errors.Join(err, now.Close()); err != nil {
		return err
	}
	for _, id := range late {
		if err := s.reread(nil, t, personOf(project, id), id); err != nil {
			return err
		}
	}
	return nil
}

func buildShard(ctx context.Context, r pebble.Reader, project string, n int, l limits) (*shard, error) {
	s := &shard{limits: l}
	from, to := rangeOf(n)
	err := walk(ctx, r, project, from, to, func(one *raw) error {
		if s.rows()%(8*tick) == 0 {
			s.trim()
		}
		return s.set(s.add(string(one.id)), one)
	})
	s.trim()
	s.ids, s.first, s.last, s.updated = slices.Clip(s.ids), slices.Clip(s.first), slices.Clip(s.last), slices.Clip(s.updated)
	return s, err
}

// reread brings one row up to date, from a snapshot, or, without one, with a
// sighting that waits. t.mu is held.
func (s *Profiles) reread(now *pebble.Snapshot, t *table, who person, id string) error {
	var one raw
	var there bool
	var err error
	if now != nil {
		one, there, err = recordsIn(now, who)
	} else {
		one, there, err = s.records(who)
	}
	if err != nil {
		return err
	}
	one.id = []byte(id)
	shard := t.shards[shardOf(id)]
	row, known := shard.row(id)
	if known {
		shard.clear(row)
	}
	if !there {
		return nil
	}
	if !known {
		row = shard.add(id)
	}
	return shard.set(row, &one)
}

// records reads somebody's records as they stand, with a sighting that waits; there
// is false for nobody, and for a device that is linked.
func (s *Profiles) records(who person) (one raw, there bool, err error) {
	defer s.stripes.lock([]person{who})()
	one, there, err = recordsIn(s.peb, who)
	late, waits := s.waiting.of(who)
	if err != nil || !waits {
		return one, there, err
	}
	_, linked, err := copyOf(s.peb, who.key(linkByte))
	one.seen = encodeSeen(late)
	return one, !linked, err
}

// recordsIn reads them without.
func recordsIn(r pebble.Reader, who person) (one raw, there bool, err error) {
	_, linked, err := copyOf(r, who.key(linkByte))
	if err != nil || linked {
		return one, false, err
	}
	var hasTraits, hasSeen bool
	if one.traits, hasTraits, err = copyOf(r, who.key(traitsByte)); err == nil {
		one.seen, hasSeen, err = copyOf(r, who.key(seenByte))
	}
	return one, hasTraits || hasSeen, err
}

// written is a snapshot in which is what waits in memory, too. Where there is no
// room to write it, last seen is as old as it may get.
func (s *Profiles) written() *pebble.Snapshot {
	s.waiting.writing.Lock()
	defer s.waiting.writing.Unlock()
	if err := s.writeWaiting(); err != nil {
		s.log.out.Warn("sightings could not be written; it is tried again", "error", err)
	}
	return s.peb.NewSnapshot()
}

// ask asks all shards, those that cannot tell by their records.
func (s *Profiles) ask(ctx context.Context, t *table, q *roster.Query) (*best, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var parts [shards]best
	err := eachShard(func(n int) error {
		parts[n] = best{most: q.Limit + 1, after: q.After}
		ok, err := t.shards[n].ask(ctx, q, &parts[n])
		if err != nil || ok {
			return err
		}
		now := s.written()
		from, to := rangeOf(n)
		return errors.Join(askRecords(ctx, now, q, from, to, &parts[n]), now.Close())
	})
	all := &best{}
	for i := range parts {
		all.count += parts[i].count
		all.places = append(all.places, parts[i].places...)
	}
	slices.SortFunc(all.places, roster.Place.Compare)
	return all, err
}

// page reads the profiles of a page. Somebody who was erased since is left out.
func (s *Profiles) page(q *roster.Query, b *best) (roster.Page, error) {
	page := roster.Page{Count: b.count, Profiles: make([]profile.Profile, 0, min(len(b.places), q.Limit))}
	if len(b.places) > q.Limit {
		b.places = b.places[:q.Limit]
		page.Next = &b.places[q.Limit-1]
	}
	for _, place := range b.places {
		p, ok, err := s.stored(personOf(q.Project, place.ID))
		if err != nil {
			return roster.Page{}, err
		}
		if ok {
			page.Profiles = append(page.Profiles, p)
		}
	}
	return page, nil
}

// eachShard calls fn for every shard, on as many processors as there are.
func eachShard(fn func(n int) error) error {
	var all sync.WaitGroup
	var next atomic.Int64
	var errs [shards]error
	for range min(shards, runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			for {
				n := int(next.Add(1)) - 1
				if n >= shards {
					return
				}
				errs[n] = fn(n)
			}
		})
	}
	all.Wait()
	return cmp.Or(errs[:]...)
}
