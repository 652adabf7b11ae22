package wal

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"loch/shared/event"
)

// sampleRow is a page view as a browser's SDK sends it: about 1.3 KB.
func sampleRow(n int) event.Row {
	return event.Row{
		Project: "default", Date: "2026-11-23",
		Name: "page_view", Kind: event.KindPage, Protocol: "mixpanel",
		InsertID: fmt.Sprintf("insert-%024d", n), InsertIDSource: "client",
		DeviceID: "k3v9x2m4q8w7c1z5t6y0r2p4n8", UserID: "b7d1f5h9j3l6n0p4r8t2v6x0z4", SessionID: "s-1700000000",
		TimeMS: 1_795_000_000_000 + int64(n), SentTimeMS: 1_795_000_000_100, ReceivedTimeMS: 1_795_000_000_200,
		TimeSource: "client", SkewMS: -100,
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
		RequestID: "01K9ZC7Q4T8V2M6N0P3R5S7X9Y", BatchIndex: int64(n % 50), SchemaVersion: event.SchemaVersion,
	}
}

// sampleParcel holds the given rows and one rejected input for each seventh.
func sampleParcel(id string, rows int) *event.Parcel {
	p := &event.Parcel{Receipt: event.Receipt{RequestID: id, ReceivedTimeMS: 1_795_000_000_200, Received: rows}}
	for i := range rows {
		p.Rows = append(p.Rows, sampleRow(i))
	}
	for i := range rows / 7 {
		p.Receipt.Received++
		p.Rejected = append(p.Rejected, event.Rejected{
			Project: "default", ReceivedTimeMS: 1_795_000_000_200, Protocol: "mixpanel", RequestID: id,
			BatchIndex: int64(rows + i), Reason: event.ReasonBadTime, Field: "properties.time",
			PayloadBytes: 300, Sealed: []byte{0, 1, 2, 0xff, byte(i)},
		})
	}
	return p
}

// randomParcel fills every column with something awkward, from a seed.
func randomParcel(rng *rand.Rand, id string) *event.Parcel {
	p := &event.Parcel{Receipt: event.Receipt{RequestID: id, ReceivedTimeMS: rng.Int64() - rng.Int64()}}
	for range rng.IntN(4) {
		p.Rows = append(p.Rows, randomRow(rng))
	}
	for range rng.IntN(3) {
		p.Rejected = append(p.Rejected, event.Rejected{
			Project: randomText(rng), ReceivedTimeMS: randomInt(rng), Protocol: randomText(rng),
			RequestID: randomText(rng), BatchIndex: randomInt(rng), Reason: event.Reason(randomText(rng)),
			Field: randomText(rng), PayloadBytes: randomInt(rng), Sealed: []byte(randomText(rng)),
		})
	}
	p.Receipt.Received = len(p.Rows) + len(p.Rejected)
	return p
}

func randomRow(rng *rand.Rand) event.Row {
	var r event.Row
	for _, c := range event.Columns {
		switch {
		case c.Str != nil:
			*c.Str(&r) = randomText(rng)
		case c.Num != nil:
			*c.Num(&r) = randomInt(rng)
		case c.Flt != nil:
			*c.Flt(&r) = randomFloat(rng)
		default:
			*c.Flag(&r) = rng.IntN(2) == 0
		}
	}
	return r
}

func randomText(rng *rand.Rand) string {
	switch rng.IntN(6) {
	case 0:
		return ""
	case 1:
		return "\xff\xfe\x00 not UTF-8 \xc3"
	case 2:
		return magic + mark + strings.Repeat("\x00", rng.IntN(40)) // looks like the log itself
	case 3:
		return strings.Repeat("ß", rng.IntN(300)) // lengths of one and of two bytes
	default:
		return fmt.Sprint(rng.Uint64())
	}
}

func randomInt(rng *rand.Rand) int64 {
	switch rng.IntN(4) {
	case 0:
		return 0
	case 1:
		return -1 << 63
	case 2:
		return 1<<63 - 1
	default:
		return int64(rng.Uint64()) >> rng.IntN(64)
	}
}

func randomFloat(rng *rand.Rand) float64 {
	switch rng.IntN(5) {
	case 0:
		return event.NoRevenue
	case 1:
		return 0
	case 2:
		return math.Copysign(0, -1)
	default:
		return rng.NormFloat64() * 1e9
	}
}

// readAll returns every parcel of the log, in order.
func readAll(t testing.TB, l *Log) []*event.Parcel {
	t.Helper()
	var all []*event.Parcel
	for _, s := range l.Segments() {
		next, err := l.Read(s.Seq, 0, func(p *event.Parcel) error {
			all = append(all, p)
			return nil
		})
		if err != nil {
			t.Fatalf("reading segment %d: %v (cause %v)", s.Seq, err, cause(err))
		}
		if next < s.Bytes {
			t.Fatalf("segment %d read to offset %d, want at least %d", s.Seq, next, s.Bytes)
		}
	}
	return all
}

func ids(parcels []*event.Parcel) []string {
	list := make([]string, len(parcels))
	for i, p := range parcels {
		list[i] = p.Receipt.RequestID
	}
	return list
}

// cause digs out what a fault hides from clients.
func cause(err error) error {
	for {
		u, ok := err.(interface{ Unwrap() error })
		if !ok || u.Unwrap() == nil {
			return err
		}
		err = u.Unwrap()
	}
}

func mustOpen(t testing.TB, dir string, o Options) (*Log, Recovery) {
	t.Helper()
	l, found, err := Open(dir, o)
	if err != nil {
		t.Fatalf("Open: %v (cause %v)", err, cause(err))
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return l, found
}

// mustPut may be called from any goroutine, so it does not end the test.
func mustPut(t testing.TB, l *Log, p *event.Parcel) {
	t.Helper()
	if err := l.Put(context.Background(), p); err != nil {
		t.Errorf("Put: %v (cause %v)", err, cause(err))
	}
}
