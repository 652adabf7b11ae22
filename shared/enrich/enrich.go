// Package enrich adds to an event what its surroundings tell: the country of
// the address, the browser, system and device of the agent, whether a program
// sent it, and how the visitor came to the page.
//
// It works in two steps. Client looks at what one request tells about the
// machine that sent it, once. Event then fills the typed columns of each event
// of that request from those surroundings and from the event's own page and
// referrer. What the client itself said always wins.
//
// Address and user agent end here: they are read, and neither kept nor shown.
// All tables are in memory, embedded at build time; nothing is asked of any
// other machine. DESIGN.md beside this file says where the data come from.
package enrich

import (
	"net/netip"

	"loch/shared/event"
	"loch/shared/profile"
)

// Options of an Enricher. The zero value uses what is embedded.
type Options struct {
	// GeoPath is a MaxMind DB file of the City or Country kind (GeoLite2, GeoIP2,
	// DB-IP, ip-location-db). Empty means the embedded country database.
	GeoPath string

	// AgentCache is how many different agents are remembered; 0 means 4096.
	// They are remembered by a keyed hash, never as text.
	AgentCache int
}

// Surroundings are what a request's client tells, worked out once for all
// events of the request.
type Surroundings struct {
	Place profile.Place

	Device         profile.DeviceInfo
	BrowserVersion string
	OSVersion      string

	IsBot     bool
	BotReason string // one of BotReasons; empty when IsBot is false
}

// Enricher holds the tables. It may be used from many goroutines.
type Enricher struct {
	places *places
	agents *agentRules
	bots   *botRules
	recent *recent
}

// New reads the tables. It fails with words that name the file when a database
// cannot be used, or when the embedded data have not been made.
func New(o Options) (*Enricher, error) {
	e := &Enricher{}
	var err error
	if e.agents, err = loadAgentRules(); err != nil {
		return nil, err
	}
	if e.bots, err = loadBotRules(); err != nil {
		return nil, err
	}
	if e.places, err = openPlaces(o.GeoPath); err != nil {
		return nil, err
	}
	size := o.AgentCache
	if size <= 0 {
		size = 4096
	}
	e.recent = newRecent(size)
	return e, nil
}

// Close releases the database file. The Enricher must not be used afterwards.
func (e *Enricher) Close() error { return e.places.close() }

// GeoInfo says which country or city database is in use.
func (e *Enricher) GeoInfo() GeoInfo { return e.places.info }

// Place returns the geography of an address: zero for an address that is
// private, reserved or unknown to the database.
func (e *Enricher) Place(a netip.Addr) profile.Place { return e.places.lookup(a) }

// Client works out what the client of one request tells. Only a browser's agent
// describes the visitor's machine; the agent of a server's library describes the
// server, so it gives neither browser nor device.
func (e *Enricher) Client(c event.Client) Surroundings {
	a := e.agent(&c)
	return Surroundings{
		Place: e.places.lookup(c.Address),
		Device: profile.DeviceInfo{
			Browser: a.browser, OS: a.os, DeviceType: a.kind, Brand: a.brand, Model: a.model,
		},
		BrowserVersion: a.browserVersion,
		OSVersion:      a.osVersion,
		IsBot:          a.botReason != "",
		BotReason:      a.botReason,
	}
}

// Event fills the typed columns of ev.Row.
func (e *Enricher) Event(ev *event.Event, s *Surroundings) {
	switch ev.AddressRule {
	case event.AddressOfRequest:
		fillPlace(&ev.Row, &s.Place)
	case event.AddressOfEvent:
		p := e.places.lookup(ev.Address)
		fillPlace(&ev.Row, &p)
	case event.AddressNone:
	}
	fillDevice(&ev.Row, s)
	fillArrival(&ev.Row, ev.Referrer)
}

// fillPlace adds the derived place where it does not contradict what the client
// said: a city of another country would be worse than none.
func fillPlace(r *event.Row, p *profile.Place) {
	if p.Country == "" {
		return
	}
	if !agrees(r.Country, p.Country) {
		return
	}
	fill(&r.Country, p.Country)
	if !agrees(r.Region, p.Region) || !agrees(r.City, p.City) {
		return // they are elsewhere in that country
	}
	fill(&r.Region, p.Region)
	fill(&r.City, p.City)
	fill(&r.Timezone, p.Timezone)
}

// fillDevice adds browser, system and device. A version is only added to the
// name that it belongs to, and nothing about the machine when the client named
// another system than the agent does: a phone's app may post through a server.
func fillDevice(r *event.Row, s *Surroundings) {
	r.IsBot, r.BotReason = s.IsBot, s.BotReason
	d := &s.Device
	fill(&r.Browser, d.Browser)
	if r.Browser == d.Browser {
		fill(&r.BrowserVersion, s.BrowserVersion)
	}
	fill(&r.OS, d.OS)
	if !sameOS(r.OS, d.OS) {
		fill(&r.DeviceType, typeOfModel(r.OS, r.DeviceModel))
		return
	}
	fill(&r.OSVersion, s.OSVersion)
	fill(&r.DeviceType, d.DeviceType)
	if agrees(r.DeviceBrand, d.Brand) && agrees(r.DeviceModel, d.Model) {
		fill(&r.DeviceBrand, d.Brand)
		fill(&r.DeviceModel, d.Model)
	}
	fill(&r.DeviceType, typeOfModel(r.OS, r.DeviceModel))
}

// agrees reports whether what the client said, if anything, is what was derived.
func agrees(said, derived string) bool { return said == "" || equalFold(said, derived) }

func fill(field *string, value string) {
	if *field == "" {
		*field = value
	}
}
