package parquet

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"loch/shared/event"
)

// madeUp returns n rows that look like a website's traffic: few browsers and
// pages, some hundred people, ids that never repeat, about 1 KB of JSON.
func madeUp(seed uint64, n int) []event.Row {
	rnd := rand.New(rand.NewPCG(seed, 1))
	id := func() string { return fmt.Sprintf("%016x%016x", rnd.Uint64(), rnd.Uint64()) }
	pick := func(of ...string) string { return of[rnd.IntN(len(of))] }
	people := make([]string, max(1, n/20))
	for i := range people {
		people[i] = id()
	}
	rows := make([]event.Row, n)
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC).UnixMilli()
	for i := range rows {
		at += int64(rnd.IntN(40))
		path := fmt.Sprintf("/docs/page-%d", rnd.IntN(200))
		r := &rows[i]
		*r = event.Row{
			Project: "default", Date: "2026-11-23",
			Name: pick("$mp_web_page_view", "Sign up", "Invoice paid", "Search"),
			Kind: event.KindEvent, Protocol: "mixpanel",
			InsertID: id(), InsertIDSource: "client", DeviceID: people[rnd.IntN(len(people))],
			TimeMS: at - 50, SentTimeMS: at - 20, ReceivedTimeMS: at, TimeSource: "client", SkewMS: int64(rnd.IntN(3)) - 1,
			Country: pick("GB", "DE", "US", "IN"), Browser: pick("Chrome", "Firefox", "Safari"), BrowserVersion: pick("131", "132.0.1"),
			OS: pick("Windows", "macOS", "Android"), DeviceType: pick("desktop", "mobile"), IsBot: rnd.IntN(40) == 0,
			PageURL: "https://example.test" + path, PageHost: "example.test", PagePath: path, PageTitle: "Page " + path,
			Channel: pick("Direct", "Organic Search"), ScreenWidth: 1920, ScreenHeight: 1080, Locale: "en-GB",
			Revenue: math.NaN(), Lib: "web", LibVersion: "2.55.1",
			Properties:    `{"$os":"Windows","$current_url":"https://example.test` + path + `","$insert_id":"` + id() + `","note":"` + strings.Repeat(id()[:4]+" ", 60) + `"}`,
			RequestID:     fmt.Sprintf("req-%08d", i/20),
			BatchIndex:    int64(i % 20),
			SchemaVersion: event.SchemaVersion,
		}
		if rnd.IntN(3) == 0 {
			r.UserID = people[rnd.IntN(len(people))]
		}
		if rnd.IntN(20) == 0 {
			r.Revenue = float64(rnd.IntN(10000)) / 100
			r.Currency = "GBP"
		}
	}
	return rows
}

// extremes are rows at the edges of every column's range.
func extremes() []event.Row {
	empty := event.Row{Date: "1970-01-01", Revenue: event.NoRevenue}
	full := event.Row{}
	for _, c := range event.Columns {
		switch {
		case c.Type == event.Date:
			*c.Str(&full) = "9999-12-31"
		case c.Str != nil:
			*c.Str(&full) = "\x00 ü 🙂 \"" + c.Name + strings.Repeat("x", 300)
		case c.Num != nil:
			*c.Num(&full) = math.MaxInt64
		case c.Flt != nil:
			*c.Flt(&full) = math.Inf(-1)
		case c.Flag != nil:
			*c.Flag(&full) = true
		}
	}
	low := full
	for _, c := range event.Columns {
		switch {
		case c.Type == event.Date:
			*c.Str(&low) = "0001-01-01"
		case c.Num != nil:
			*c.Num(&low) = math.MinInt64
		case c.Flt != nil:
			*c.Flt(&low) = 0
		}
	}
	return []event.Row{empty, full, low}
}
