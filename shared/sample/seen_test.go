package sample

import (
	"net/netip"
	"strings"
	"sync"
	"testing"
)

// seen is what one sample says of itself, counted from its requests alone.
type seen struct {
	stats     Stats
	who       map[string]map[string]bool // event: the people who did it
	onPhone   map[string]map[string]bool // of them, on a phone
	country   map[string]int             // requests, by the sender's network
	language  map[string]int
	browser   map[string]int
	hours     map[string][24]int // country: page views by hour, UTC
	weekday   [7]int
	pages     map[string]int
	days      map[string]map[int]bool    // device: days it was seen on
	devices   map[string]map[string]bool // user: devices
	firstUser map[string]int             // device: the place of its first event with a user
	firstAnon map[string]int             // and without
	inserts   map[string]int
	mismatch  int // events that share an $insert_id and nothing else
	channels  map[string]int
	server    int
	beacons   int
	events    int
	revenue   float64
}

var look = sync.OnceValue(func() *seen { return watch(Options{Seed: 11, Events: 40_000, Days: 28}) })

func watch(o Options) *seen {
	s := &seen{
		who: map[string]map[string]bool{}, onPhone: map[string]map[string]bool{},
		country: map[string]int{}, language: map[string]int{}, browser: map[string]int{},
		hours: map[string][24]int{}, pages: map[string]int{}, days: map[string]map[int]bool{},
		devices: map[string]map[string]bool{}, firstUser: map[string]int{}, firstAnon: map[string]int{},
		inserts: map[string]int{}, channels: map[string]int{},
	}
	times := map[string]any{}
	g := New(o)
	for r := range g.All() {
		country := countryOf(r.Address)
		s.country[country]++
		s.language[r.Language]++
		if strings.HasPrefix(r.ContentType, "text/plain") {
			s.beacons++
		}
		for _, rec := range records(panics{}, &r) {
			if rec.Event == "" {
				continue
			}
			s.add(&rec, &r, country, times)
		}
	}
	s.stats = g.Stats()
	return s
}

// add counts one event.
func (s *seen) add(rec *record, r *Request, country string, times map[string]any) {
	s.events++
	p := rec.Properties
	id, _ := p["$insert_id"].(string)
	s.inserts[id]++
	if s.inserts[id] > 1 && times[id] != p["time"] {
		s.mismatch++
	}
	times[id] = p["time"]
	if p["mp_lib"] == "go" {
		s.server++
		if v, ok := p["revenue"].(float64); ok {
			s.revenue += v
		}
		return
	}
	if strings.Contains(r.UserAgent, "bot") || strings.Contains(r.UserAgent, "Headless") || strings.Contains(r.UserAgent, "Bot") {
		s.browser["bot"]++
		return
	}
	device, _ := p["$device_id"].(string)
	user, _ := p["$user_id"].(string)
	person := device
	if user != "" {
		person = user
		put(s.devices, user, device)
		if _, ok := s.firstUser[device]; !ok {
			s.firstUser[device] = s.events
		}
	} else if _, ok := s.firstAnon[device]; !ok {
		s.firstAnon[device] = s.events
	}
	put(s.who, rec.Event, person)
	if strings.Contains(r.UserAgent, "Mobile") {
		put(s.onPhone, rec.Event, person)
	}
	if b, ok := p["$browser"].(string); ok {
		s.browser[b]++
	}
	if s.days[device] == nil {
		s.days[device] = map[int]bool{}
	}
	s.days[device][r.Time.YearDay()] = true
	if rec.Event == "$mp_web_page_view" {
		h := s.hours[country]
		h[r.Time.Hour()]++
		s.hours[country] = h
		s.weekday[r.Time.Weekday()]++
		if p["current_domain"] == docsHost {
			s.pages[p["current_url_path"].(string)]++
		}
		for _, name := range []string{"utm_source", "gclid", "fbclid", "msclkid", "li_fat_id", "$search_engine"} {
			if _, ok := p[name]; ok {
				s.channels[name]++
			}
		}
		if d, ok := p["$referring_domain"].(string); ok {
			s.channels[d]++
		}
	}
}

func put(m map[string]map[string]bool, a, b string) {
	if m[a] == nil {
		m[a] = map[string]bool{}
	}
	m[a][b] = true
}

func countryOf(a netip.Addr) string {
	for i := range places {
		for _, n := range places[i].networks {
			if n.Contains(a) {
				return places[i].country
			}
		}
	}
	return ""
}

// panics stands in for a test where there is none.
type panics struct{ testing.TB }

func (panics) Helper()                           {}
func (panics) Fatal(args ...any)                 { panic(args) }
func (panics) Fatalf(format string, args ...any) { panic(format) }
