package lake

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
)

// model is the lake as one would write it on a napkin: which file holds which
// rows.
type model map[string][]string

func (m model) rows() string {
	var all []string
	for _, rows := range m {
		all = append(all, rows...)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func (m model) clone() model {
	c := model{}
	maps.Copy(c, m)
	return c
}

// Random roll-overs, compactions, failures, crashes, restarts and snapshots, all
// against the napkin.
func TestRandomUseAgreesWithModel(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { randomUse(t, rand.New(rand.NewPCG(seed, 2)), 50) })
	}
}

type held struct {
	snapshot *Snapshot
	want     string
}

func randomUse(t *testing.T, rnd *rand.Rand, steps int) {
	dir := t.TempDir()
	l := mustOpen(t, dir)
	now := model{}
	var snapshots []held
	var received, duplicates, removed int64
	standing := "" // the removals

	for n := range steps {
		next := now.clone()
		var id, ordered string
		var do func() error
		switch rnd.IntN(9) {
		case 0, 1, 2: // a roll-over, sometimes of rows that came before
			id = RollID(uint64(n))
			rows := make([]string, 1+rnd.IntN(4))
			for i := range rows {
				rows[i] = fmt.Sprintf("r%02d", rnd.IntN(60))
			}
			file := fmt.Sprintf("landing/dt=d%d/%d.parquet", rnd.IntN(3), n)
			next[file] = rows
			do = func() error {
				c := mustBegin(t, l, id)
				defer func() { _ = c.Abandon() }()
				put(t, c, Landing, strings.TrimPrefix(file, "landing/"), rows...)
				k := int64(len(rows))
				return c.Finish(Entry{Kind: KindRoll, TimeMS: 1, Received: k, Stored: k, Requests: 1})
			}
		case 3, 4: // a compaction of some files
			id = fmt.Sprintf("compact-%d", n)
			var inputs, rows []string
			for file, r := range now {
				if rnd.IntN(2) == 0 {
					inputs, rows = append(inputs, file), append(rows, r...)
					delete(next, file)
				}
			}
			in := int64(len(rows))
			erasedDigit := byte('0' + rnd.IntN(10))
			rows = slices.DeleteFunc(rows, func(r string) bool { return r[2] == erasedDigit })
			erased := in - int64(len(rows))
			slices.Sort(rows)
			rows = slices.Compact(rows)
			out := int64(len(rows))
			file := fmt.Sprintf("events/p/%d.parquet", n)
			next[file] = rows
			do = func() error {
				c := mustBegin(t, l, id)
				defer func() { _ = c.Abandon() }()
				for _, rel := range inputs {
					c.Remove(rel)
				}
				put(t, c, Events, strings.TrimPrefix(file, "events/"), rows...)
				return c.Finish(Entry{Kind: KindCompact, TimeMS: 1, RowsIn: in, RowsOut: out, RowsRemoved: erased, Duplicates: in - out - erased})
			}
		case 5:
			snapshots = append(snapshots, held{l.Snapshot(), now.rows()})
		case 6:
			if len(snapshots) > 0 {
				i := rnd.IntN(len(snapshots))
				snapshots[i].snapshot.Release()
				snapshots = slices.Delete(snapshots, i, i+1)
			}
		case 7: // the process ends without a word; its snapshots end with it
			snapshots = nil
			l = mustOpen(t, dir)
		case 8:
			removal := Removal{Project: "p", IDs: []string{fmt.Sprint(n)}, TimeMS: int64(n + 1)}
			ordered = orders(append(slices.Clone(l.standing()), removal))
			do = func() error { return l.RemoveRows("p", removal.IDs, at(removal.TimeMS)) }
		}

		if do != nil {
			var step string
			switch rnd.IntN(3) {
			case 0: // the disk fails once
				at := rnd.IntN(14)
				l.hook = func(string) error {
					if at--; at == -1 {
						return errors.New("the disk fails")
					}
					return nil
				}
				_ = do() // whether it held is asked below
				l.hook = nil
				if err := l.catchUp(); err != nil {
					t.Fatal(err)
				}
			case 1: // the process dies in the middle
				snapshots = nil
				l.hook = dyingAt(rnd.IntN(14), &step)
				dies(func() { _ = do() })
				l = mustOpen(t, dir)
			default:
				if err := do(); err != nil {
					t.Fatal(err, cause(err))
				}
			}
			if orders(l.standing()) == ordered {
				standing = ordered
			}
			if l.has(id) {
				e, err := l.entry(id)
				if err != nil {
					t.Fatal(err)
				}
				received += e.Received
				duplicates += e.Duplicates
				removed += e.RowsRemoved
				now = next
			}
		}

		if got := see(t, l); got != now.rows() {
			t.Fatalf("step %d: queries see\n%s\nwant\n%s", n, got, now.rows())
		}
		for _, h := range snapshots {
			if got := strings.Join(idsIn(t, h.snapshot), " "); got != h.want {
				t.Fatalf("step %d: an old snapshot sees\n%s\nwant\n%s", n, got, h.want)
			}
		}
		if a := isSound(t, l); a.Received != received || a.Duplicates != duplicates || a.Removed != removed || a.Files != len(now) {
			t.Fatalf("step %d: want %d received, %d duplicates, %d removed, %d files:\n%s", n, received, duplicates, removed, len(now), a)
		}
		if got := orders(l.standing()); got != standing {
			t.Fatalf("step %d: %q stands, want %q", n, got, standing)
		}
	}
}

// Everybody at once: requests, roll-over, compaction, queries and verify.
func TestManyAtOnce(t *testing.T) {
	s := openShop(t, t.TempDir())
	ctx, stop := context.WithCancel(t.Context())
	const writers, each = 4, 60
	var writing, rest sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			for i := range each {
				if err := s.log.Put(ctx, parcel(noon, i%2, fmt.Sprintf("w%d-%02d", w, i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	loop := func(fn func() error) {
		rest.Go(func() {
			for ctx.Err() == nil {
				if err := fn(); err != nil && ctx.Err() == nil {
					t.Error(err, cause(err))
					return
				}
			}
		})
	}
	loop(func() error { return errors.Join(s.log.Rotate(), s.roller.RollAll(ctx)) })
	for c := range 2 {
		n := 0
		loop(func() error {
			n++
			return mergeSome(t, s.lake, fmt.Sprintf("compact-%d-%d", c, n), c, 2)
		})
	}
	for range 2 {
		loop(func() error { // a query: what is seen once is seen again, and no file is missing
			snapshot := s.lake.Snapshot()
			defer snapshot.Release()
			ids := idsIn(t, snapshot)
			if len(slices.Compact(slices.Clone(ids))) != len(ids) {
				return fmt.Errorf("version %d shows a row twice", snapshot.Version)
			}
			return nil
		})
	}
	loop(func() error {
		a, err := Verify(ctx, s.lake, s.log, nil)
		if err == nil && (!a.OK || len(a.Warnings) > 0) {
			err = errors.New(a.String())
		}
		return err
	})
	writing.Wait()
	stop()
	rest.Wait()
	s.rollAll(t)
	if got := len(strings.Fields(see(t, s.lake))); got != writers*each {
		t.Fatalf("queries see %d rows, want %d", got, writers*each)
	}
	s.adds(t, writers*each*3/2, writers*each, writers*each/2)
}

// mergeSome compacts every landing file whose place in the list fits, so that
// two can work beside each other.
func mergeSome(t *testing.T, l *Lake, id string, of, total int) error {
	snapshot := l.Snapshot()
	defer snapshot.Release()
	part := &Snapshot{}
	c, err := l.Begin(id)
	if err != nil {
		return err
	}
	defer func() { _ = c.Abandon() }()
	for _, path := range snapshot.Landing {
		rel := l.Rel(path)
		if int(rel[len(rel)-len("0.parquet")]-'0')%total == of {
			part.Landing = append(part.Landing, path)
			c.Remove(rel)
		}
	}
	if len(part.Landing) == 0 {
		return nil
	}
	ids := idsIn(t, part)
	put(t, c, Events, id+".parquet", ids...)
	return c.Finish(Entry{Kind: KindCompact, TimeMS: 1, RowsIn: int64(len(ids)), RowsOut: int64(len(ids))})
}
