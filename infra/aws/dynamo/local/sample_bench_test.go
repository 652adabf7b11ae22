package local_test

import (
	"context"
	"crypto/rand"
	"net/url"
	"strings"
	"testing"
	"time"

	"loch/infra/aws/dynamo"
	"loch/shared/event"
	"loch/shared/profile"
	"loch/shared/sample"
	"loch/shared/vault"
	"loch/shared/wire"
	"loch/shared/wire/mixpanel"
)

// BenchmarkSampleTraffic sends the people of `loch seed` through profiles and vault at
// their own times, and counts what that costs: read and write units of DynamoDB's bill
// for each event, and calls. instances is how many Lambda instances share the traffic,
// each with a memory of its own.
func BenchmarkSampleTraffic(b *testing.B) {
	for name, instances := range map[string]int{"1 instance": 1, "8 instances": 8} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				c, g := &counter{}, sample.New(sample.Options{Events: 10_000, Days: 1, Token: "T"})
				var clock time.Time
				o := options()
				o.Count, o.Now = c.count, func() time.Time { return clock }
				api := account(b, nil)
				var all []instance
				for range instances {
					all = append(all, openInstance(b, dynamo.NewVault(api, o), dynamo.NewProfiles(api, o), o.Now))
				}
				n, calls := 0, 0
				for r := range g.All() {
					clock = r.Time
					all[n%instances].take(b, &r)
					n++
				}
				for _, made := range c.calls {
					calls += made
				}
				made := g.Stats()
				b.ReportMetric(c.writes/float64(made.Events), "WRU/event")
				b.ReportMetric(c.reads/float64(made.Events), "RRU/event")
				b.ReportMetric(float64(calls)/float64(made.Events), "calls/event")
				b.ReportMetric(float64(calls)/float64(n), "calls/request")
				b.ReportMetric(1e6*(c.writes*0.625e-6+c.reads*0.125e-6)/float64(made.Events), "USD/Mevents")
				b.Log(c.told())
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// instance is one process that takes requests in.
type instance struct {
	vault    *vault.Vault
	profiles *dynamo.Profiles
}

func openInstance(b *testing.B, s vault.Store, p *dynamo.Profiles, now func() time.Time) instance {
	b.Helper()
	v, err := vault.Open(context.Background(), s, vault.NewKeyFile(vault.MasterKey{1}), vault.Options{Rand: rand.Reader, Now: now})
	if err != nil {
		b.Fatal(err)
	}
	return instance{v, p}
}

// take does what taking a request in does to vault and profiles.
func (i instance) take(b *testing.B, r *sample.Request) {
	b.Helper()
	path, query, _ := strings.Cut(r.Path, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		b.Fatal(err)
	}
	route := map[string]mixpanel.Route{"/track": mixpanel.Track, "/engage": mixpanel.Engage, "/groups": mixpanel.Groups}[strings.TrimSuffix(path, "/")]
	batch, _, err := mixpanel.Decode(mixpanel.Request{Route: route, Query: values, ContentType: r.ContentType, Body: r.Body, Received: r.Time})
	if err != nil {
		b.Fatal(err)
	}
	c := i.changes(b, &batch, profile.DeviceInfo{Browser: r.UserAgent})
	if _, err := i.profiles.Apply(b.Context(), c); err != nil {
		b.Fatal(err)
	}
}

// changes is what a batch says about people, under lake ids.
func (i instance) changes(b *testing.B, batch *wire.Batch, device profile.DeviceInfo) (c profile.Changes) {
	b.Helper()
	id := func(kind, value string) string {
		if value == "" {
			return ""
		}
		ids, err := i.vault.IDs(b.Context(), []vault.Identifier{{Project: "default", Kind: kind, Value: value}})
		if err != nil {
			b.Fatal(err)
		}
		return ids[0].String()
	}
	seen := map[string]profile.Seen{}
	for n := range batch.Events {
		e := &batch.Events[n]
		who, user := id(event.IDDevice, e.IDs.Device), id(event.IDUser, e.IDs.User)
		if who != "" && user != "" {
			c.Links = append(c.Links, profile.Link{Project: "default", Device: who, User: user, TimeMS: e.Row.TimeMS})
		}
		if user != "" {
			who = user
		}
		if who != "" {
			seen[who] = seen[who].Join(profile.SeenAt(e.Row.TimeMS, profile.Place{}, device, profile.Arrival{Channel: "Direct"}))
		}
	}
	for who, s := range seen {
		c.Sightings = append(c.Sightings, profile.Sighting{Project: "default", ID: who, Seen: s})
	}
	for n := range batch.Updates {
		u := batch.Updates[n]
		kind := event.IDUser
		switch {
		case u.GroupKey != "":
			kind = event.IDGroup + u.GroupKey
		case u.Device:
			kind = event.IDDevice
		}
		u.Project, u.ID = "default", id(kind, u.ClearID)
		c.Updates = append(c.Updates, u)
	}
	if err := i.vault.SealUpdates(b.Context(), c.Updates); err != nil {
		b.Fatal(err)
	}
	return c
}
