package profiletest

import (
	"fmt"
	"slices"

	"loch/shared/profile"
)

// What a store knows of when, where and how, held against the facts that it was
// told.

// believed is what follows from facts.
type believed struct {
	first, last, came int64
	arrival           profile.Arrival
}

func believe(facts []fact) (b believed) {
	for _, f := range facts {
		if f.timed && (b.first == 0 || f.ms < b.first) {
			b.first = f.ms
		}
		if f.timed {
			b.last = max(b.last, f.ms)
		}
		if f.arrival != (profile.Arrival{}) && (b.came == 0 || f.ms < b.came) {
			b.arrival, b.came = f.arrival, f.ms
		}
	}
	return b
}

// wrong says what a store's profile has that the facts do not bear out: the first
// time and arrival exactly, the newest of the others to within a minute.
func (p *person) wrong(got profile.Profile) string {
	want := believe(p.facts)
	switch late := want.last - got.LastSeenMS; {
	case got.FirstSeenMS != want.first:
		return fmt.Sprintf("first seen %d, want %d", got.FirstSeenMS, want.first)
	case late < 0 || late >= profile.SightingEveryMS:
		return fmt.Sprintf("last seen %d, want %d or up to a minute less", got.LastSeenMS, want.last)
	case got.Arrival != want.arrival:
		return fmt.Sprintf("came by %+v, want %+v", got.Arrival, want.arrival)
	}
	return p.misplaced(got, p.facts)
}

// wrongAfterCrash says the same of a store that may have lost facts that are not
// sure.
func (p *person) wrongAfterCrash(got profile.Profile) string {
	sure, all := believe(p.facts[:max(0, p.sure)]), believe(p.facts)
	earliest := func(ms, of, sure int64) bool {
		if sure == 0 {
			return ms == 0 || ms >= of
		}
		return of <= ms && ms <= sure
	}
	switch {
	case !earliest(got.FirstSeenMS, all.first, sure.first):
		return fmt.Sprintf("first seen %d, want %d to %d", got.FirstSeenMS, all.first, sure.first)
	case !earliest(got.ArrivalMS, all.came, sure.came):
		return fmt.Sprintf("came at %d, want %d to %d", got.ArrivalMS, all.came, sure.came)
	case got.LastSeenMS <= sure.last-profile.SightingEveryMS || got.LastSeenMS > all.last:
		return fmt.Sprintf("last seen %d, want %d to %d", got.LastSeenMS, sure.last, all.last)
	}
	return p.misplaced(got, p.facts[:max(0, p.sure)])
}

// misplaced says whether place or device are not the newest of some facts that the
// store must know, or newer.
func (p *person) misplaced(got profile.Profile, known []fact) string {
	if !isNewest(known, p.facts, got.Place, func(f fact) profile.Place { return f.place }) {
		return fmt.Sprintf("is at %+v", got.Place)
	}
	if !isNewest(known, p.facts, got.Device, func(f fact) profile.DeviceInfo { return f.device }) {
		return fmt.Sprintf("is with %+v", got.Device)
	}
	return ""
}

// newest is when something was told last.
func newest[T comparable](facts []fact, told func(fact) T) (ms int64) {
	var nothing T
	for _, f := range facts {
		if told(f) != nothing {
			ms = max(ms, f.ms)
		}
	}
	return ms
}

// isNewest says whether value is the newest that is known, or one of the minute
// before it, or newer.
func isNewest[T comparable](known, all []fact, value T, told func(fact) T) bool {
	var nothing T
	ms := newest(known, told)
	if value == nothing {
		return ms == 0
	}
	return slices.ContainsFunc(all, func(f fact) bool { return told(f) == value && f.ms > ms-profile.SightingEveryMS })
}

// adopt makes what a store has after a crash the facts.
func (p *person) adopt(got profile.Profile) {
	p.facts = nil
	for _, f := range []fact{
		{ms: got.FirstSeenMS, timed: true}, {ms: got.LastSeenMS, timed: true},
		{ms: got.PlaceMS, place: got.Place}, {ms: got.DeviceMS, device: got.Device}, {ms: got.ArrivalMS, arrival: got.Arrival},
	} {
		if f.ms != 0 {
			p.facts = append(p.facts, f)
		}
	}
	p.sure = len(p.facts)
}
