package laketest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"loch/shared/event"
)

// Day0 is when the made-up events begin: 2026-11-01.
var Day0 = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

const (
	dayMS  = 24 * 60 * 60 * 1000
	hourMS = 60 * 60 * 1000
)

// Row is an event of project p with every column filled that must be.
func Row(name string, timeMS int64) event.Row {
	return event.Row{
		Project: "p", Name: name, Kind: event.KindEvent, Protocol: "mixpanel",
		InsertID: fmt.Sprintf("%s-%d", name, timeMS), InsertIDSource: event.InsertIDClient,
		DeviceID: "d1", TimeMS: timeMS, ReceivedTimeMS: timeMS + 1000, TimeSource: event.TimeOfClient,
		Revenue: event.NoRevenue, Properties: "{}", RequestID: fmt.Sprintf("req-%d", timeMS),
		SchemaVersion: event.SchemaVersion, Date: dateOf(timeMS),
	}
}

func dateOf(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.DateOnly) }

// Traffic makes up rows that collide as real ones do: tries again after seconds
// and after days, in the same request and in others, events of two devices with
// one id, hashes across midnight, devices with several users.
type Traffic struct {
	rand     *rand.Rand
	projects []string
	days     int
	sent     []event.Row
	requests int
	clock    int64 // received time of the next request

	// oneSender keeps an event's sender the same on a second try, as it is but where
	// a person was erased in between.
	oneSender bool
}

// NewTraffic makes rows of the projects, each as often as it is named, over some
// days.
func NewTraffic(seed uint64, days int, projects ...string) *Traffic {
	return &Traffic{rand: rand.New(rand.NewPCG(seed, 1)), projects: projects, days: days, clock: Day0}
}

// Request is the rows of the next request.
func (g *Traffic) Request(n int) []event.Row {
	g.requests++
	g.clock += int64(g.rand.IntN(g.days * dayMS / 50))
	var rows []event.Row
	for i := range n {
		r := g.fresh()
		if len(g.sent) > 0 && g.rand.IntN(6) == 0 {
			r = g.again()
		}
		r.ReceivedTimeMS = g.clock
		switch g.rand.IntN(10) {
		case 0:
			r.ReceivedTimeMS -= int64(g.rand.IntN(6 * hourMS)) // the server's clock was set back
		case 1:
			if len(g.sent) > 0 { // in the same millisecond as another
				r.ReceivedTimeMS = g.sent[len(g.sent)-1-g.rand.IntN(min(len(g.sent), 40))].ReceivedTimeMS
			}
		}
		r.RequestID = fmt.Sprintf("req-%06d", g.requests)
		r.BatchIndex = int64(i)
		if r.TimeSource == event.TimeOfReceipt {
			r.TimeMS = r.ReceivedTimeMS
		}
		r.Date = dateOf(r.TimeMS)
		rows = append(rows, r)
		g.sent = append(g.sent, r)
	}
	return rows
}

// again is an event that was sent before, with what may differ on a second try.
func (g *Traffic) again() event.Row {
	r := g.sent[g.rand.IntN(len(g.sent))]
	switch g.rand.IntN(6) {
	case 0:
		r.Name += "'" // another event with the same id
	case 1:
		r.TimeMS += dayMS
	case 2:
		if !g.oneSender {
			r.DeviceID = g.device() // same sender only if there is a user
		}
	case 3:
		r.Project = g.projects[g.rand.IntN(len(g.projects))]
	}
	r.Properties = fmt.Sprintf(`{"try":%d}`, g.rand.IntN(1000))
	return r
}

func (g *Traffic) device() string { return device(g.rand.IntN(12)) }

func (g *Traffic) fresh() event.Row {
	r := Row([]string{"Page View", "Sign Up", "Purchase"}[g.rand.IntN(3)], g.clock-int64(g.rand.IntN(3*hourMS)))
	r.Project = g.projects[g.rand.IntN(len(g.projects))]
	r.InsertID = fmt.Sprintf("i%d", g.rand.IntN(1_000_000))
	r.DeviceID = g.device()
	if g.rand.IntN(3) == 0 {
		r.UserID = user(g.rand.IntN(8))
	}
	if g.rand.IntN(8) == 0 && r.UserID != "" {
		r.DeviceID = ""
	}
	if g.rand.IntN(4) == 0 && r.UserID != "" && r.DeviceID != "" {
		r.Flags = event.FlagTextReplaced + "," + event.FlagNotLinked
	}
	switch g.rand.IntN(8) {
	case 0, 1:
		r.InsertIDSource = event.InsertIDHash
		if g.rand.IntN(2) == 0 {
			r.TimeSource = event.TimeOfReceipt
		}
	case 2:
		r.InsertIDSource, r.TimeSource = event.InsertIDUntimed, event.TimeOfReceipt
	}
	if g.rand.IntN(5) == 0 {
		r.Revenue = math.Round(g.rand.Float64()*10000) / 100
		r.Currency = "EUR"
	}
	return r
}
