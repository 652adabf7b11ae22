package enrich

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"loch/shared/event"
	"loch/shared/profile"
)

func TestAddressRules(t *testing.T) {
	path := writeDatabase(t, "City", 4, map[string]any{
		"81.2.69.0/24": nestedMunich,
		"81.2.70.0/24": map[string]any{"country": map[string]any{"iso_code": "SE"}},
	})
	e := newEnricher(t, Options{GeoPath: path})
	s := e.Client(event.Client{Address: netip.MustParseAddr("81.2.69.9")})
	if s.Place != munich {
		t.Fatalf("place of the request: %+v", s.Place)
	}
	own := netip.MustParseAddr("81.2.70.9")
	for _, test := range []struct {
		rule    event.AddressRule
		address netip.Addr
		want    string
	}{
		{event.AddressOfRequest, own, "DE"},
		{event.AddressOfEvent, own, "SE"},
		{event.AddressOfEvent, netip.Addr{}, ""}, // its own is unknown; the request's is not its
		{event.AddressNone, own, ""},
	} {
		ev := event.Event{AddressRule: test.rule, Address: test.address}
		e.Event(&ev, &s)
		if ev.Row.Country != test.want {
			t.Errorf("rule %d with %v: %q, want %q", test.rule, test.address, ev.Row.Country, test.want)
		}
	}
}

func TestPlaceTheClientSaidWins(t *testing.T) {
	for _, test := range []struct{ said, want profile.Place }{
		{profile.Place{}, munich},
		{profile.Place{Country: "FR"}, profile.Place{Country: "FR"}},
		{profile.Place{Country: "FR", City: "Paris"}, profile.Place{Country: "FR", City: "Paris"}},
		{profile.Place{Country: "de"}, profile.Place{Country: "de", Region: "Bavaria", City: "Munich", Timezone: "Europe/Berlin"}},
		{profile.Place{City: "Hamburg"}, profile.Place{Country: "DE", City: "Hamburg"}},
		{profile.Place{City: "Munich"}, munich},
	} {
		r := event.Row{Country: test.said.Country, Region: test.said.Region, City: test.said.City}
		fillPlace(&r, &munich)
		if got := (profile.Place{Country: r.Country, Region: r.Region, City: r.City, Timezone: r.Timezone}); got != test.want {
			t.Errorf("said %+v:\n got %+v\nwant %+v", test.said, got, test.want)
		}
	}
	r := event.Row{City: "Hamburg"}
	fillPlace(&r, &profile.Place{})
	if r.Country != "" || r.City != "Hamburg" {
		t.Errorf("an unknown place changed the row: %+v", r)
	}
}

func TestDeviceTheClientSaidWins(t *testing.T) {
	e := newEnricher(t, Options{})
	phone := e.Client(event.Client{UserAgent: safariOnPhone, Browser: true})
	for _, test := range []struct {
		name       string
		said, want event.Row
	}{
		{"nothing said", event.Row{}, event.Row{
			Browser: "Mobile Safari", BrowserVersion: "17.4", OS: "iOS", OSVersion: "17.4.1",
			DeviceType: "mobile", DeviceBrand: "Apple", DeviceModel: "iPhone",
		}},
		{"another browser: its version is not ours to say", event.Row{Browser: "Mail App", OS: "iOS"}, event.Row{
			Browser: "Mail App", OS: "iOS", OSVersion: "17.4.1", DeviceType: "mobile", DeviceBrand: "Apple", DeviceModel: "iPhone",
		}},
		{"the same browser", event.Row{Browser: "Mobile Safari", BrowserVersion: "17"}, event.Row{
			Browser: "Mobile Safari", BrowserVersion: "17", OS: "iOS", OSVersion: "17.4.1",
			DeviceType: "mobile", DeviceBrand: "Apple", DeviceModel: "iPhone",
		}},
		{"another system: nothing about the machine", event.Row{OS: "Android"}, event.Row{
			Browser: "Mobile Safari", BrowserVersion: "17.4", OS: "Android",
		}},
		{"another model", event.Row{DeviceModel: "iPad14,3"}, event.Row{
			Browser: "Mobile Safari", BrowserVersion: "17.4", OS: "iOS", OSVersion: "17.4.1", DeviceType: "mobile", DeviceModel: "iPad14,3",
		}},
	} {
		r := test.said
		fillDevice(&r, &phone)
		if fmt.Sprint(r) != fmt.Sprint(test.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", test.name, r, test.want)
		}
	}

	// Apps say it all themselves, through an agent that says nothing.
	for model, want := range map[string]string{"iPhone15,2": "mobile", "iPad14,3": "tablet", "AppleTV11,1": "tv", "Watch7,1": "wearable", "SM-S918B": ""} {
		r := event.Row{OS: "iOS", DeviceModel: model}
		fillDevice(&r, &Surroundings{})
		if r.DeviceType != want {
			t.Errorf("%s is %q, want %q", model, r.DeviceType, want)
		}
	}
	r := event.Row{OS: "macOS"}
	mac := e.Client(event.Client{UserAgent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4.1 Safari/605.1.15", Browser: true})
	if fillDevice(&r, &mac); r.DeviceType != "desktop" || r.OS != "macOS" {
		t.Errorf("macOS and Mac OS X are the same: %+v", r)
	}
}

func TestPageColumns(t *testing.T) {
	e := newEnricher(t, Options{})
	ev := event.Event{Referrer: "https://www.Bing.com:443/search", Row: event.Row{PageURL: "https://me:pw@WWW.Example.com:8443/Docs?x=1#top"}}
	e.Event(&ev, &Surroundings{})
	if r := ev.Row; r.PageHost != "www.example.com" || r.PagePath != "/Docs" || r.ReferrerHost != "bing.com" {
		t.Errorf("host %q, path %q, referrer %q", r.PageHost, r.PagePath, r.ReferrerHost)
	}
	ev = event.Event{Row: event.Row{PageURL: "https://example.com/real", PageHost: "said.example", PagePath: "/said", ReferrerHost: "$direct"}}
	e.Event(&ev, &Surroundings{})
	if r := ev.Row; r.PageHost != "said.example" || r.PagePath != "/said" || r.ReferrerHost != "" {
		t.Errorf("host %q, path %q, referrer %q", r.PageHost, r.PagePath, r.ReferrerHost)
	}
}

// Neither the agent nor the address nor a click id's value may be left in a row.
func TestNothingOfTheClientStays(t *testing.T) {
	e := newEnricher(t, Options{})
	const marker = "MARKERxyz"
	c := event.Client{
		Address:   netip.MustParseAddr("81.2.69.142"),
		UserAgent: strings.Replace(chromeOnWindows, "Win64", marker, 1) + " HeadlessChrome " + marker,
		Browser:   true,
	}
	s := e.Client(c)
	ev := event.Event{Referrer: "https://" + marker + "@www.google.com/?q=" + marker, Row: event.Row{PageURL: "https://example.com/?gclid=1"}}
	e.Event(&ev, &s)
	if text := fmt.Sprintf("%+v %+v", ev.Row, s); strings.Contains(text, marker) || strings.Contains(text, "81.2.69.142") {
		t.Errorf("something of the client is left: %s", text)
	}
	if ev.Row.BotReason != BotHeadless || !ev.Row.IsBot || ev.Row.Country != "GB" {
		t.Errorf("row: %+v", ev.Row)
	}
}

// The hot path of ingestion: one allocation at most for an ordinary event.
func TestAllocations(t *testing.T) {
	e := newEnricher(t, Options{})
	s := e.Client(desktopChrome)
	ordinary := event.Event{Row: event.Row{PageURL: "https://www.example.com/docs?a=1"}, Referrer: "https://www.google.com/"}
	if n := testing.AllocsPerRun(100, func() {
		ev := ordinary
		e.Event(&ev, &s)
	}); n > 1 {
		t.Errorf("Event allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, func() { e.Client(desktopChrome) }); n > 2 {
		t.Errorf("Client allocates %v times for an agent that is known", n)
	}
}

func TestManyGoroutines(t *testing.T) {
	e := newEnricher(t, Options{AgentCache: 4})
	agents := []string{chromeOnWindows, chromeOnAndroid, safariOnPhone, webViewAndroid, "curl/8.5.0", "", "Googlebot/2.1"}
	want := make([]Surroundings, len(agents))
	for i, a := range agents {
		want[i] = e.Client(event.Client{UserAgent: a, Browser: true})
	}
	fresh := newEnricher(t, Options{AgentCache: 4})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				k := (i*7 + g) % len(agents)
				if got := fresh.Client(event.Client{UserAgent: agents[k], Browser: true}); got != want[k] {
					t.Errorf("%q: %+v", agents[k], got)
				}
			}
		})
	}
	wg.Wait()
}

// A program that was built before `make data` must say so.
func TestMissingData(t *testing.T) {
	_, err := embedded("data/made-nothing.gz")
	if err == nil || !strings.Contains(err.Error(), "make data") {
		t.Errorf("got %v", err)
	}
	if _, err := embeddedRules("data/made-here.txt", func(string) error { return nil }); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("got %v", err)
	}
}
