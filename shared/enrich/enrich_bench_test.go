package enrich

import (
	"net/netip"
	"strconv"
	"testing"

	"loch/shared/event"
)

var desktopChrome = event.Client{
	Address:   netip.MustParseAddr("81.2.69.142"),
	UserAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
	Hints: event.Hints{
		Brands:   `"Google Chrome";v="141", "Not?A_Brand";v="8", "Chromium";v="141"`,
		Platform: `"Windows"`, PlatformVersion: `"15.0.0"`, Mobile: "?0",
	},
	Browser: true,
}

func benchEnricher(b *testing.B) *Enricher {
	b.Helper()
	e, err := New(Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = e.Close() })
	return e
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		e, err := New(Options{})
		if err != nil {
			b.Fatal(err)
		}
		_ = e.Close()
	}
}

func BenchmarkClient(b *testing.B) {
	e := benchEnricher(b)
	b.Run("cached", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			e.Client(desktopChrome)
		}
	})
	b.Run("uncached", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c := desktopChrome
			e.readAgent(&c)
		}
	})
	b.Run("uncached phone", func(b *testing.B) {
		b.ReportAllocs()
		c := event.Client{Browser: true, UserAgent: "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Mobile Safari/537.36"}
		for b.Loop() {
			e.readAgent(&c)
		}
	})
	// What one new agent costs just after the start, with expressions to compile.
	b.Run("first", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			fresh, err := New(Options{})
			if err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			fresh.Client(desktopChrome)
		}
	})
}

func BenchmarkPlace(b *testing.B) {
	e := benchEnricher(b)
	addresses := map[string]netip.Addr{"v4": desktopChrome.Address, "v6": netip.MustParseAddr("2a00:1450:4001::1"), "private": netip.MustParseAddr("10.0.0.1")}
	for name, a := range addresses {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				e.Place(a)
			}
		})
	}
}

func BenchmarkEvent(b *testing.B) {
	e := benchEnricher(b)
	s := e.Client(desktopChrome)
	events := map[string]event.Event{
		"direct":   {Row: event.Row{PageURL: "https://www.example.com/docs/billing"}},
		"internal": {Row: event.Row{PageURL: "https://www.example.com/docs/billing"}, Referrer: "https://docs.example.com/start"},
		"search":   {Row: event.Row{PageURL: "https://www.example.com/docs/billing?x=1&page=2"}, Referrer: "https://www.google.co.uk/search?q=billing"},
		"campaign": {Row: event.Row{PageURL: "https://www.example.com/?utm_source=google&utm_medium=cpc&utm_campaign=spring+sale&gclid=abc123"}, Referrer: "https://www.google.com/"},
		"server":   {Row: event.Row{Country: "DE"}},
	}
	for name, ev := range events {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				x := ev
				e.Event(&x, &s)
			}
		})
	}
}

func BenchmarkNewAgents(b *testing.B) {
	e := benchEnricher(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c := desktopChrome
		c.UserAgent += strconv.Itoa(i)
		e.Client(c)
	}
}
