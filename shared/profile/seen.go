package profile

// Seen is the part of a profile that Loch notices by itself. A store keeps it
// apart from the traits: it changes often and is small.
type Seen struct {
	FirstMS int64 // 0 means never
	LastMS  int64
	Place   Place
	Device  DeviceInfo
}

// Seen returns what the profile says about when, where and with what the person
// was seen.
func (p *Profile) Seen() Seen {
	return Seen{FirstMS: p.FirstSeenMS, LastMS: p.LastSeenMS, Place: p.Place, Device: p.Device}
}

// SetSeen is the counterpart of Seen.
func (p *Profile) SetSeen(s Seen) {
	p.FirstSeenMS, p.LastSeenMS, p.Place, p.Device = s.FirstMS, s.LastMS, s.Place, s.Device
}

// With returns what is known after a sighting. Sightings may come in any order:
// the earliest and the latest time count, and place and device are those of the
// latest that told them.
func (s Seen) With(g *Sighting) Seen {
	if g.TimeMS <= 0 {
		return s
	}
	newest := g.TimeMS >= s.LastMS
	if g.Place != (Place{}) && (newest || s.Place == (Place{})) {
		s.Place = g.Place
	}
	if g.Device != (DeviceInfo{}) && (newest || s.Device == (DeviceInfo{})) {
		s.Device = g.Device
	}
	return s.at(g.TimeMS)
}

// Tells says whether a sighting is worth a write, s being what was last
// written: it is the first, or moves last seen by SightingEveryMS, or moves
// first seen, or brings a new place or device. All others may be dropped.
func (s Seen) Tells(g *Sighting) bool {
	after := s.With(g)
	return after.FirstMS != s.FirstMS || after.LastMS >= s.LastMS+SightingEveryMS ||
		after.Place != s.Place || after.Device != s.Device
}

// at widens the span to hold an instant.
func (s Seen) at(ms int64) Seen {
	if s.FirstMS == 0 || ms < s.FirstMS {
		s.FirstMS = ms
	}
	s.LastMS = max(s.LastMS, ms)
	return s
}

// updated returns what is known after an update. Unlike a sighting, an update
// says on purpose where the person is, so its place counts whatever its time. An
// update with KeepLastSeen is no act of the person's, so neither time moves.
func (s Seen) updated(u *Update) Seen {
	if !u.KeepPlace && u.Place != (Place{}) {
		s.Place = u.Place
	}
	if u.DeviceInfo != (DeviceInfo{}) && (u.TimeMS >= s.LastMS || s.Device == (DeviceInfo{})) {
		s.Device = u.DeviceInfo
	}
	if u.KeepLastSeen || u.TimeMS <= 0 {
		return s
	}
	return s.at(u.TimeMS)
}
