package profile

import "slices"

// Seen is the part of a profile that Loch notices by itself. A store keeps it
// apart from the traits: it changes often and is small.
//
// It is made of parts that each know their time, so that what many events tell can
// be joined in any order, in parts and again, and comes out the same.
type Seen struct {
	FirstMS   int64 // 0 means never
	LastMS    int64
	Place     Place // the newest that was told
	PlaceMS   int64
	Device    DeviceInfo // the newest that was told
	DeviceMS  int64
	Arrival   Arrival // the first that was told
	ArrivalMS int64
}

// Arrival is how somebody came to the website. None of it is a person's; the
// referrer is a host.
type Arrival struct {
	Referrer    string `json:"referrer_host,omitempty"`
	Channel     string `json:"channel,omitempty"` // "Direct" where nothing sent them; never empty when an arrival is told
	Source      string `json:"source,omitempty"`
	UTMSource   string `json:"utm_source,omitempty"`
	UTMMedium   string `json:"utm_medium,omitempty"`
	UTMCampaign string `json:"utm_campaign,omitempty"`
	UTMTerm     string `json:"utm_term,omitempty"`
	UTMContent  string `json:"utm_content,omitempty"`
	ClickIDKind string `json:"click_id_kind,omitempty"`
}

// SightingEveryMS bounds how far last seen, and the times of place and device, may
// be behind the events that a store was told of.
const SightingEveryMS = 60_000

// SeenAt is what one event tells. An event without a time tells nothing.
func SeenAt(ms int64, place Place, device DeviceInfo, arrival Arrival) Seen {
	if ms <= 0 {
		return Seen{}
	}
	s := Seen{FirstMS: ms, LastMS: ms, Place: place, Device: device, Arrival: arrival}
	if place != (Place{}) {
		s.PlaceMS = ms
	}
	if device != (DeviceInfo{}) {
		s.DeviceMS = ms
	}
	if arrival != (Arrival{}) {
		s.ArrivalMS = ms
	}
	return s
}

// Join returns what is known after both: the earliest and the latest time, the
// newest place and device, and the first arrival. It does not matter which came
// first, nor how often one comes.
func (s Seen) Join(o Seen) Seen {
	if o.FirstMS != 0 && (s.FirstMS == 0 || o.FirstMS < s.FirstMS) {
		s.FirstMS = o.FirstMS
	}
	s.LastMS = max(s.LastMS, o.LastMS)
	if after(o.Place, o.PlaceMS, s.Place, s.PlaceMS, Place.texts) {
		s.Place, s.PlaceMS = o.Place, o.PlaceMS
	}
	if after(o.Device, o.DeviceMS, s.Device, s.DeviceMS, DeviceInfo.texts) {
		s.Device, s.DeviceMS = o.Device, o.DeviceMS
	}
	if s.Arrival == (Arrival{}) || o.Arrival != (Arrival{}) && after(s.Arrival, s.ArrivalMS, o.Arrival, o.ArrivalMS, Arrival.texts) {
		s.Arrival, s.ArrivalMS = o.Arrival, o.ArrivalMS
	}
	return s
}

// Tells says whether a sighting is worth a write, s being what was last
// written: it is the first, or moves a newest time by SightingEveryMS, or moves
// first seen, or brings a new place or device or an earlier arrival. All others
// may be dropped.
func (s Seen) Tells(o Seen) bool {
	both := s.Join(o)
	return both.FirstMS != s.FirstMS || both.Place != s.Place || both.Device != s.Device ||
		both.Arrival != s.Arrival || both.ArrivalMS != s.ArrivalMS ||
		max(both.LastMS-s.LastMS, both.PlaceMS-s.PlaceMS, both.DeviceMS-s.DeviceMS) >= SightingEveryMS
}

// updated returns what is known after an update. Its place and device count unless
// newer ones were told: a script that sends what happened long ago, or an import of
// old lines behind new ones, does not say where the person is now. An update with
// KeepLastSeen is no act of the person's, so neither time moves.
func (s Seen) updated(u *Update) Seen {
	if !u.KeepPlace && u.Place != (Place{}) && (u.TimeMS >= s.PlaceMS || s.Place == (Place{})) {
		s.Place, s.PlaceMS = u.Place, max(0, u.TimeMS)
	}
	if u.DeviceInfo != (DeviceInfo{}) && (u.TimeMS >= s.DeviceMS || s.Device == (DeviceInfo{})) {
		s.Device, s.DeviceMS = u.DeviceInfo, max(0, u.TimeMS)
	}
	if u.KeepLastSeen {
		return s
	}
	return s.Join(SeenAt(u.TimeMS, Place{}, DeviceInfo{}, u.Arrival))
}

// after orders what was told by its time; of the same time, by the words, so that
// the outcome does not hang on who came first. Nothing comes before everything.
func after[T comparable](told T, ms int64, other T, otherMS int64, texts func(T) []string) bool {
	var nothing T
	switch {
	case told == nothing || other == nothing:
		return told != nothing
	case ms != otherMS:
		return ms > otherMS
	}
	return told != other && slices.Compare(texts(told), texts(other)) > 0
}

func (p Place) texts() []string { return []string{p.Country, p.Region, p.City, p.Timezone} }

func (d DeviceInfo) texts() []string {
	return []string{d.Browser, d.OS, d.DeviceType, d.Brand, d.Model}
}

func (a Arrival) texts() []string {
	return []string{a.Referrer, a.Channel, a.Source, a.UTMSource, a.UTMMedium, a.UTMCampaign, a.UTMTerm, a.UTMContent, a.ClickIDKind}
}

// SeenTexts are the columns that SQL and lists have for Seen's texts: the newest
// place and device, and, behind first_, how somebody first came.
var SeenTexts = []string{
	"country", "region", "city", "timezone",
	"browser", "os", "device_type", "device_brand", "device_model",
	"first_referrer_host", "first_channel", "first_source", "first_utm_source", "first_utm_medium", "first_utm_campaign",
	"first_utm_term", "first_utm_content", "first_click_id_kind",
}

// Texts are the texts themselves, in the order of SeenTexts.
func (s *Seen) Texts() [18]*string {
	return [...]*string{
		&s.Place.Country, &s.Place.Region, &s.Place.City, &s.Place.Timezone,
		&s.Device.Browser, &s.Device.OS, &s.Device.DeviceType, &s.Device.Brand, &s.Device.Model,
		&s.Arrival.Referrer, &s.Arrival.Channel, &s.Arrival.Source, &s.Arrival.UTMSource, &s.Arrival.UTMMedium,
		&s.Arrival.UTMCampaign, &s.Arrival.UTMTerm, &s.Arrival.UTMContent, &s.Arrival.ClickIDKind,
	}
}
