package wal

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"loch/shared/event"
	"loch/shared/fault"
)

// model puts a log through everything that can go wrong, and knows what must
// be in it.
type model struct {
	t     *testing.T
	rng   *rand.Rand
	disk  *memDisk
	log   *Log
	made  int
	trail []string // what happened, for when it fails

	acked []string          // must be read back, in this order
	maybe map[string]bool   // may be read back: the power failed, or the disk let nothing be undone
	texts map[string]string // every parcel in words
}

// histories is how many random histories a test runs. LOCH_WAL_HISTORIES asks
// for more, after a change to what is written or when.
func histories() int {
	if n, err := strconv.Atoi(os.Getenv("LOCH_WAL_HISTORIES")); err == nil {
		return n
	}
	return 100
}

// TestSurvivesEverything runs random histories of puts, rotations, removals,
// failing calls, crashes and power cuts. After each crash the log must hold
// every acknowledged parcel, whole and once, in order, and nothing that was
// refused.
func TestSurvivesEverything(t *testing.T) {
	for seed := range histories() {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			m := &model{
				t: t, rng: rand.New(rand.NewPCG(uint64(seed), 7)), disk: newMemDisk(uint64(seed)),
				maybe: map[string]bool{}, texts: map[string]string{},
			}
			m.reopen()
			for range 60 {
				m.step()
				if t.Failed() {
					t.Logf("history:\n%s", strings.Join(m.trail, "\n"))
					return
				}
			}
		})
	}
}

func (m *model) say(format string, args ...any) {
	m.trail = append(m.trail, fmt.Sprintf(format, args...))
}

func (m *model) step() {
	switch n := m.rng.IntN(20); {
	case n < 9:
		m.puts()
	case n < 11:
		m.faulty("rotate", func() { m.say("  %v", m.log.Rotate()) })
	case n < 13:
		m.removeOldest()
	case n < 14:
		m.say("close")
		m.faulty("close", func() { _ = m.log.Close() })
		m.reopen()
	case n < 16:
		m.say("kill")
		m.reopen()
	case n < 18:
		m.say("power cut")
		m.disk.cutPower()
		m.reopen()
	default:
		m.check(m.readAll())
	}
	if m.disk.dark {
		m.say("power cut in the middle")
		m.disk.cutPower()
		m.reopen()
	}
}

// faulty runs do while the disk fails now and then, or loses its power.
func (m *model) faulty(what string, do func()) {
	switch m.rng.IntN(4) {
	case 0:
		odds := 1 + m.rng.IntN(4)
		err := []error{errNoRoom, syscall.EIO}[m.rng.IntN(2)]
		m.say("%s, 1 in %d calls fails with %v", what, odds, err)
		m.disk.fault = func(op string) error {
			if m.rng.IntN(odds) == 0 {
				m.say("  %s fails", op)
				return err
			}
			return nil
		}
	case 1:
		calls := 1 + m.rng.IntN(12)
		m.say("%s, the power fails in %d calls", what, calls)
		m.disk.cutAt = m.disk.calls + calls
	default:
		m.say("%s", what)
	}
	do()
	m.disk.fault, m.disk.cutAt = nil, 0
}

func (m *model) puts() {
	group := make([]*event.Parcel, 1+m.rng.IntN(4))
	for i := range group {
		m.made++
		group[i] = randomParcel(m.rng, fmt.Sprintf("parcel-%d", m.made))
		m.texts[group[i].Receipt.RequestID] = words(group[i])
	}
	m.faulty(fmt.Sprintf("put %v", ids(group)), func() {
		for i, err := range putGroup(m.log, group) {
			id := group[i].Receipt.RequestID
			switch {
			case err == nil:
				m.acked = append(m.acked, id)
			case m.disk.dark || m.log.active == nil:
				m.say("  %s may be there", id)
				m.maybe[id] = true
			default:
				m.say("  %s refused", id)
			}
			if err != nil && fault.CodeOf(err) != fault.Unavailable {
				m.t.Errorf("Put: %v has code %s, want %s", err, fault.CodeOf(err), fault.Unavailable)
			}
		}
	})
}

// putGroup puts parcels so that they wait together and become one group.
func putGroup(l *Log, parcels []*event.Parcel) []error {
	list := make([]*request, len(parcels))
	l.mu.Lock()
	for i, p := range parcels {
		list[i] = &request{wake: make(chan signal, 1)}
		if err := list[i].fill(p); err != nil {
			panic(err)
		}
		l.queue = append(l.queue, list[i])
	}
	l.leading = true
	l.mu.Unlock()
	l.lead()
	errs := make([]error, len(list))
	for i, r := range list {
		if i > 0 && <-r.wake == lead {
			l.lead()
		}
		errs[i] = r.err
	}
	return errs
}

func (m *model) removeOldest() {
	list := m.log.Segments()
	if len(list) < 2 {
		return
	}
	var held []string
	if _, err := m.log.Read(list[0].Seq, 0, func(p *event.Parcel) error {
		held = append(held, p.Receipt.RequestID)
		return nil
	}); err != nil {
		m.t.Errorf("reading segment %d: %v (cause %v)", list[0].Seq, err, cause(err))
		return
	}
	m.faulty(fmt.Sprintf("remove %d", list[0].Seq), func() {
		err := m.log.Remove(list[0].Seq)
		m.say("  %v", err)
		if after := m.log.Segments(); after[0].Seq == list[0].Seq {
			if err == nil {
				m.t.Errorf("Remove(%d) left it in the list", list[0].Seq)
			}
			if !m.disk.dark {
				return
			}
		}
		m.acked = slices.DeleteFunc(m.acked, func(id string) bool { return slices.Contains(held, id) })
		if err == nil {
			return
		}
		// A power cut may bring the file back.
		for _, id := range held {
			m.maybe[id] = true
		}
	})
}

// reopen opens the log as a new process would. The disk may fail at first, and
// then works.
func (m *model) reopen() {
	o := Options{SegmentBytes: 1000 + m.rng.Int64N(30_000)}
	var (
		l     *Log
		found Recovery
		err   error
	)
	m.faulty("open", func() { l, found, err = open(m.disk, o) })
	for err != nil {
		m.say("  %v", err)
		if errors.Is(err, ErrCorrupt) && !m.disk.dark {
			m.t.Errorf("Open calls a healthy log corrupt: %v (cause %v)", err, cause(err))
			m.log = nil
			return
		}
		if m.disk.dark {
			m.disk.cutPower()
		}
		l, found, err = open(m.disk, o)
	}
	m.say("  found %+v", found)
	m.log = l
	if m.disk.dark {
		return // step cuts the power and comes back
	}
	got := m.readAll()
	m.check(got)
	if found.Parcels != len(got) {
		m.t.Errorf("Open reports %d parcels, but %d are there", found.Parcels, len(got))
	}
	m.acked = got // what has been seen must stay
	for _, id := range got {
		delete(m.maybe, id)
	}
}

func (m *model) readAll() []string {
	var got []string
	for _, s := range m.log.Segments() {
		var n Segment
		_, err := m.log.Read(s.Seq, 0, func(p *event.Parcel) error {
			id := p.Receipt.RequestID
			if words(p) != m.texts[id] {
				m.t.Errorf("%s comes back changed", id)
			}
			got = append(got, id)
			n.Parcels++
			n.Rows += int64(len(p.Rows))
			n.Rejected += int64(len(p.Rejected))
			return nil
		})
		if err != nil {
			m.t.Errorf("Read(%d): %v (cause %v)", s.Seq, err, cause(err))
		}
		if n.Parcels != s.Parcels || n.Rows != s.Rows || n.Rejected != s.Rejected {
			m.t.Errorf("segment %d counts %d parcels, %d rows, %d rejected, but holds %d, %d, %d",
				s.Seq, s.Parcels, s.Rows, s.Rejected, n.Parcels, n.Rows, n.Rejected)
		}
	}
	return got
}

// check compares what was read with what must and what may be there.
func (m *model) check(got []string) {
	var certain []string
	seen := map[string]bool{}
	for _, id := range got {
		if seen[id] {
			m.t.Errorf("%s is there twice", id)
		}
		seen[id] = true
		if slices.Contains(m.acked, id) {
			certain = append(certain, id)
		} else if !m.maybe[id] {
			m.t.Errorf("%s was refused and is there", id)
		}
	}
	if !slices.Equal(certain, m.acked) {
		m.t.Errorf("acknowledged %v\nread back %v", m.acked, certain)
	}
}

// words tells everything about a parcel, NaN and minus zero too.
func words(p *event.Parcel) string { return fmt.Sprintf("%+v", *p) }

var _ event.Sink = (*Log)(nil)
