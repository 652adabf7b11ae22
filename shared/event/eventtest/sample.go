package eventtest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"loch/shared/event"
)

// SampleRow is a page view as a browser's SDK sends it, about 1.3 KB, another one
// for each n.
func SampleRow(n int) *event.Row {
	return &event.Row{
		Project: "default", Date: "2026-11-23",
		Name: "page_view", Kind: event.KindPage, Protocol: "mixpanel",
		InsertID: fmt.Sprintf("insert-%024d", n), InsertIDSource: event.InsertIDClient,
		DeviceID: "k3v9x2m4q8w7c1z5t6y0r2p4n8", UserID: "b7d1f5h9j3l6n0p4r8t2v6x0z4", SessionID: "s-1700000000",
		TimeMS: receivedMS - 200 + int64(n), SentTimeMS: receivedMS - 100, ReceivedTimeMS: receivedMS,
		TimeSource: event.TimeOfClient, SkewMS: -100,
		Country: "GB", Region: "SCT", City: "Inverness", Timezone: "Europe/London",
		Browser: "Chrome", BrowserVersion: "141.0.0.0", OS: "Mac OS X", OSVersion: "10.15.7",
		DeviceType: "desktop", DeviceBrand: "Apple", DeviceModel: "Mac",
		PageURL:  "https://docs.example.com/guides/billing/set-up?utm_source=newsletter&utm_campaign=autumn",
		PageHost: "docs.example.com", PagePath: "/guides/billing/set-up", PageTitle: "Set up billing | Example docs",
		ReferrerHost: "www.example.org", Channel: "Email", Source: "newsletter",
		UTMSource: "newsletter", UTMMedium: "email", UTMCampaign: "autumn",
		ScreenWidth: 1728, ScreenHeight: 1117, Locale: "en-GB",
		Revenue: event.NoRevenue,
		Lib:     "web", LibVersion: "2.71.0",
		Properties: `{"plan":"team","seats":12,"$current_url":"https://docs.example.com/guides/billing/set-up","step":"` +
			strings.Repeat("enter-the-card-", 35) + `"}`,
		Context:   `{"library":{"name":"web","version":"2.71.0"}}`,
		RequestID: "01K9ZC7Q4T8V2M6N0P3R5S7X9Y", BatchIndex: int64(n), SchemaVersion: event.SchemaVersion,
	}
}

// receivedMS is when samples arrive: 2026-11-23T06:00:00.200Z.
const receivedMS = 1_795_413_600_200

// SampleParcel holds as many sample rows as are asked for, and a rejected input
// for each seventh.
func SampleParcel(id string, rows int) *event.Parcel {
	p := &event.Parcel{Receipt: event.Receipt{RequestID: id, ReceivedTimeMS: receivedMS, Received: rows + rows/7}}
	for i := range rows {
		row := SampleRow(i)
		row.RequestID = id
		p.Rows = append(p.Rows, *row)
	}
	for i := range rows / 7 {
		p.Rejected = append(p.Rejected, event.Rejected{
			Project: "default", ReceivedTimeMS: receivedMS, Protocol: "mixpanel", RequestID: id,
			BatchIndex: int64(rows + i), Reason: event.ReasonBadTime, Field: "properties.time",
			PayloadBytes: 300, Sealed: []byte{0, 1, 2, 0xff, byte(i)},
		})
	}
	return p
}

// RandomParcel is a parcel with every kind of value that ingestion lets through.
func RandomParcel(rng *rand.Rand, id string) *event.Parcel {
	p := &event.Parcel{Receipt: event.Receipt{RequestID: id, ReceivedTimeMS: receivedMS + rng.Int64N(1e9)}}
	for i := range rng.IntN(5) {
		row := event.Row{
			Project: "p", Date: "2026-11-23", Name: "e", Kind: event.KindEvent, Protocol: "mixpanel", Properties: "{}",
			Revenue: event.NoRevenue, TimeMS: 1, ReceivedTimeMS: p.Receipt.ReceivedTimeMS, SchemaVersion: event.SchemaVersion,
		}
		for _, c := range event.Columns {
			if c.Nullable && rng.IntN(2) == 0 {
				continue
			}
			switch c.Type {
			case event.Text:
				*c.Str(&row) = properText(rng)
			case event.JSON:
				*c.Str(&row) = fmt.Sprintf(`{"a\"\\n":[%d,"%s"]}`, rng.Int64(), strings.Repeat(`\u0001`, rng.IntN(4)))
			case event.Int:
				*c.Num(&row) = randomInt(rng)
			case event.Time:
				*c.Num(&row) = 31_536_000_000 + rng.Int64N(4_000_000_000_000) // from 1971, when times begin to count
			case event.Float:
				*c.Flt(&row) = rng.NormFloat64() * 1e6
			case event.Bool:
				*c.Flag(&row) = rng.IntN(2) == 0
			case event.Date:
			}
		}
		row.RequestID, row.BatchIndex = id, int64(i)
		p.Rows = append(p.Rows, row)
	}
	for i := range rng.IntN(3) {
		p.Rejected = append(p.Rejected, event.Rejected{
			Project: properText(rng), ReceivedTimeMS: p.Receipt.ReceivedTimeMS, Protocol: "mixpanel", RequestID: id,
			BatchIndex: int64(len(p.Rows) + i), Reason: event.Reasons[rng.IntN(len(event.Reasons))], Field: properText(rng),
			PayloadBytes: 1 + rng.Int64N(1000), Sealed: []byte(fmt.Sprint(rng.Uint64())),
		})
	}
	p.Receipt.Received = len(p.Rows) + len(p.Rejected)
	return p
}

// properText is any UTF-8.
func properText(rng *rand.Rand) string {
	return []string{"", "a", "Größe", "日本語", "a\"b\\c", "line\nline\ttab\r\x01\x7f", "\u2028", "🦕", "\uFFFD", "<script>&amp;", " ", "null", "true", "12"}[rng.IntN(14)]
}

// RandomRow fills every column with anything that its type can hold, for codecs
// that must not fall over what ingestion would not let through.
func RandomRow(rng *rand.Rand) event.Row {
	var r event.Row
	for _, c := range event.Columns {
		switch {
		case c.Type == event.Date:
			*c.Str(&r) = fmt.Sprintf("%04d-11-23", 1+rng.IntN(9999))
		case c.Str != nil:
			*c.Str(&r) = randomText(rng)
		case c.Num != nil:
			*c.Num(&r) = randomInt(rng)
		case c.Flt != nil:
			*c.Flt(&r) = []float64{event.NoRevenue, 0, math.Copysign(0, -1), math.Inf(1), rng.NormFloat64() * 1e9, 1e-30}[rng.IntN(6)]
		default:
			*c.Flag(&r) = rng.IntN(2) == 0
		}
	}
	return r
}

func randomText(rng *rand.Rand) string {
	switch rng.IntN(4) {
	case 0:
		return "\xff\xfe\x00 not UTF-8 \xc3"
	case 1:
		return strings.Repeat("ß", rng.IntN(300))
	default:
		return properText(rng)
	}
}

func randomInt(rng *rand.Rand) int64 {
	switch rng.IntN(4) {
	case 0:
		return 0
	case 1:
		return math.MinInt64
	case 2:
		return math.MaxInt64
	default:
		return int64(rng.Uint64()) >> rng.IntN(64)
	}
}
