// Package sample makes believable traffic of a made-up product, the same bytes
// for the same seed: Quillmark, shared documents for small teams, with a
// marketing site, documentation and an application.
//
// Most visitors come once, from a search engine or an assistant, and read one
// page. Some come back over weeks, by day and on working days of their own time
// zone. Some sign up, use the product on one device or two, belong to a company,
// and pay, or try to: the card form fails on most phones, which is there to be
// found. About three events in a hundred are bots', and about one in a hundred is
// sent twice, as the SDK does after a page load.
//
// Requests are those that mixpanel-browser 2.83.0 sends, byte for byte in form,
// and a few of a server-side library. They come in the order of their time, and
// nothing is kept but the visits that are open at that time and the starts of a
// stretch of the day, however many events are made.
//
// Nobody in it exists. Domains are under .example. Addresses are of real access
// networks, since documentation ranges have no country; they stand in
// Request.Address as made-up senders and nothing is ever sent to them.
package sample

import (
	"net/http"
	"net/netip"
	"time"

	"loch/shared/event"
)

// Options say what to make. The zero value of a field is its default.
type Options struct {
	Seed   uint64
	Events int       // how many events the requests hold in all, those sent twice included; 100,000
	Days   int       // over how many days; 30
	End    time.Time // when the last day ends; 2026-11-23 00:00 UTC
	Token  string    // the write token that each record carries; "sample"
}

// Request is one request as a client sends it.
type Request struct {
	Path        string // with its query: "/track/?verbose=1&ip=1&_=1795465179513"; always POST
	ContentType string
	Body        []byte
	UserAgent   string
	Hints       event.Hints
	Language    string     // Accept-Language; empty from a server
	Origin      string     // the page's origin; empty from a server
	Address     netip.Addr // the made-up sender
	Time        time.Time  // when the client sent it

	Events  int // events in Body
	Updates int // profile and group updates in Body
	Again   int // of Events, those that an earlier request held already
}

// SetHeaders writes the headers that the client would send, but for the
// connection's own.
func (r *Request) SetHeaders(h http.Header) {
	set := func(name, value string) {
		if value != "" {
			h.Set(name, value)
		}
	}
	set("Content-Type", r.ContentType)
	set("User-Agent", r.UserAgent)
	set("Accept-Language", r.Language)
	set("Sec-Ch-Ua", r.Hints.Brands)
	set("Sec-Ch-Ua-Mobile", r.Hints.Mobile)
	set("Sec-Ch-Ua-Platform", r.Hints.Platform)
	if r.Origin != "" {
		set("Accept", "*/*")
		set("Origin", r.Origin)
		set("Referer", r.Origin+"/")
		set("Sec-Fetch-Site", "cross-site")
		set("Sec-Fetch-Mode", "cors")
		set("Sec-Fetch-Dest", "empty")
	}
}

// Stats count what a Generator has made so far.
type Stats struct {
	Requests int
	Events   int
	Updates  int
	Again    int // events sent a second time
	Bots     int // events of bots
	Visits   int
	People   int // visitors who are not bots, each once
	SignUps  int // of them, those who signed up within the sample
	First    time.Time
	Last     time.Time
	// User is the id of somebody with a profile worth looking at: the first who
	// paid, else the first who signed up. Empty while there is none.
	User string
}

// Generator makes requests one after the other. It is not safe for use by
// several goroutines at once.
type Generator struct {
	seed      uint64
	token     string
	events    int
	days      int
	start     int64 // milliseconds
	end       int64
	firstDay  int64 // days since 1970, UTC
	people    uint64
	companies int

	agenda agenda
	stats  Stats
	paid   bool // stats.User paid
	json   []byte
}

// New returns a generator. The same options give the same requests.
func New(o Options) *Generator {
	if o.Events <= 0 {
		o.Events = 100_000
	}
	if o.Days <= 0 {
		o.Days = 30
	}
	if o.End.IsZero() {
		o.End = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	}
	if o.Token == "" {
		o.Token = "sample"
	}
	end := o.End.UnixMilli()
	start := end - int64(o.Days)*dayMS
	g := &Generator{
		seed: o.Seed, token: o.Token, events: o.Events, days: o.Days,
		start: start, end: end, firstDay: floor(start, dayMS),
	}
	g.size()
	g.agenda.open(g)
	return g
}

// Next returns the next request, or false after the last. The body is the
// caller's to keep.
func (g *Generator) Next() (Request, bool) {
	left := g.events - g.stats.Events
	if left <= 0 {
		return Request{}, false
	}
	v, p := g.agenda.next(g)
	if v == nil || p.at > g.end {
		return Request{}, false
	}
	r := g.write(v, p, left)
	g.count(v, p, &r)
	return r, true
}

// All returns the requests as a sequence, for range.
func (g *Generator) All() func(yield func(Request) bool) {
	return func(yield func(Request) bool) {
		for r, ok := g.Next(); ok && yield(r); r, ok = g.Next() {
		}
	}
}

// Stats returns the counts so far.
func (g *Generator) Stats() Stats { return g.stats }

// count adds a request to the stats.
func (g *Generator) count(v *visit, p parcel, r *Request) {
	s := &g.stats
	s.Requests++
	s.Events += r.Events
	s.Updates += r.Updates
	s.Again += r.Again
	if v.person.class == crawler {
		s.Bots += r.Events
	}
	if s.First.IsZero() {
		s.First = r.Time
	}
	s.Last = r.Time
	if p.route == toEngage && v.turn.signUp == signUpDone && s.User == "" {
		s.User = v.userID
	}
	if p.route == toEngage && v.turn.billing == billingDone && !g.paid {
		s.User, g.paid = v.userID, true
	}
}
