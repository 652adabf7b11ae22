package profiletest

import (
	"fmt"
	"iter"
	"slices"
	"testing"

	"loch/shared/profile"
)

var (
	oslo    = profile.Place{Country: "NO", Region: "Oslo", City: "Oslo", Timezone: "Europe/Oslo"}
	lima    = profile.Place{Country: "PE", City: "Lima"}
	phone   = profile.DeviceInfo{Browser: "Safari", OS: "iOS", DeviceType: "phone", Brand: "Apple", Model: "iPhone"}
	desktop = profile.DeviceInfo{Browser: "Firefox", OS: "Linux", DeviceType: "desktop"}
	search  = profile.Arrival{Referrer: "www.google.com", Channel: "Organic Search", Source: "google"}
	letter  = profile.Arrival{Channel: "Email", Source: "news", UTMSource: "news", UTMMedium: "email", UTMCampaign: "spring"}
	direct  = profile.Arrival{Channel: "Direct"}
)

const second, minute = int64(1000), int64(60_000)

// mustBeSeen checks first and last seen, place, device and arrival. The times at
// which the last three were told are the store's own affair.
func mustBeSeen(t *testing.T, s profile.Store, id string, want profile.Seen) {
	t.Helper()
	p := get(t, s, id)
	if got := untimed(p.Seen()); got != want {
		t.Errorf("%s was seen %+v\nwant %+v", id, got, want)
	}
}

func untimed(s profile.Seen) profile.Seen {
	s.PlaceMS, s.DeviceMS, s.ArrivalMS = 0, 0, 0
	return s
}

// testSeen is about what updates say.
func testSeen(t *testing.T, open Opener) {
	s := open(t)
	at := func(id string, ms int64, change func(*profile.Update)) profile.Update {
		u := update(id, `$set a 1`)
		u.TimeMS = ms
		if change != nil {
			change(&u)
		}
		return u
	}

	t.Run("an update is a sighting", func(t *testing.T) {
		applied(t, s, at("u1", noon, nil))
		mustBeSeen(t, s, "u1", profile.Seen{FirstMS: noon, LastMS: noon})
		applied(t, s, at("u1", noon+second, nil))
		mustBeSeen(t, s, "u1", profile.Seen{FirstMS: noon, LastMS: noon + second})
	})
	t.Run("an update that comes late moves first seen, not last seen", func(t *testing.T) {
		applied(t, s, at("u2", noon, nil), at("u2", noon-minute, nil))
		mustBeSeen(t, s, "u2", profile.Seen{FirstMS: noon - minute, LastMS: noon})
	})
	t.Run("$ignore_time leaves the times alone", func(t *testing.T) {
		applied(t, s, at("u3", noon, nil), at("u3", noon+minute, func(u *profile.Update) { u.KeepLastSeen = true }))
		mustBeSeen(t, s, "u3", profile.Seen{FirstMS: noon, LastMS: noon})
		applied(t, s, at("u4", noon, func(u *profile.Update) { u.KeepLastSeen = true }))
		mustBeSeen(t, s, "u4", profile.Seen{})
		mustHold(t, s, "u4", "a 1")
	})
	t.Run("an update may say how somebody came; the first that was told stays", func(t *testing.T) {
		came := func(a profile.Arrival) func(*profile.Update) { return func(u *profile.Update) { u.Arrival = a } }
		applied(t, s, at("u20", noon, came(letter)), at("u20", noon+minute, came(search)))
		mustBeSeen(t, s, "u20", profile.Seen{FirstMS: noon, LastMS: noon + minute, Arrival: letter})
		applied(t, s, at("u20", noon+2*minute, came(search)))
		applied(t, s, at("u20", noon-minute, came(direct)))
		mustBeSeen(t, s, "u20", profile.Seen{FirstMS: noon - minute, LastMS: noon + 2*minute, Arrival: direct})
		applied(t, s, at("u20", noon-hour, func(u *profile.Update) { u.Arrival, u.KeepLastSeen = search, true }))
		mustBeSeen(t, s, "u20", profile.Seen{FirstMS: noon - minute, LastMS: noon + 2*minute, Arrival: direct})
	})
	t.Run("place and device are the newest that were told", func(t *testing.T) {
		applied(t, s,
			at("u5", noon, func(u *profile.Update) { u.Place, u.DeviceInfo = oslo, phone }),
			at("u5", noon+1, nil))
		mustBeSeen(t, s, "u5", profile.Seen{FirstMS: noon, LastMS: noon + 1, Place: oslo, Device: phone})
		applied(t, s, at("u5", noon+2, func(u *profile.Update) { u.Place, u.DeviceInfo = lima, desktop }))
		mustBeSeen(t, s, "u5", profile.Seen{FirstMS: noon, LastMS: noon + 2, Place: lima, Device: desktop})
		applied(t, s, at("u5", noon+3, func(u *profile.Update) { u.Place, u.KeepPlace = oslo, true }))
		mustBeSeen(t, s, "u5", profile.Seen{FirstMS: noon, LastMS: noon + 3, Place: lima, Device: desktop})
	})
	t.Run("an older update says neither where nor with what, unless nobody did", func(t *testing.T) {
		applied(t, s,
			at("u6", noon, func(u *profile.Update) { u.DeviceInfo = phone }),
			at("u6", noon-2, func(u *profile.Update) { u.Place, u.DeviceInfo = oslo, desktop }))
		mustBeSeen(t, s, "u6", profile.Seen{FirstMS: noon - 2, LastMS: noon, Place: oslo, Device: phone})
		applied(t, s, at("u6", noon-3, func(u *profile.Update) { u.Place = lima }))
		mustBeSeen(t, s, "u6", profile.Seen{FirstMS: noon - 3, LastMS: noon, Place: oslo, Device: phone})
		applied(t, s, at("u6", noon-2, func(u *profile.Update) { u.Place = lima }))
		mustBeSeen(t, s, "u6", profile.Seen{FirstMS: noon - 3, LastMS: noon, Place: lima, Device: phone})
	})
	t.Run("$delete forgets when and where, too", func(t *testing.T) {
		applied(t, s,
			at("u7", noon-minute, func(u *profile.Update) { u.Place, u.DeviceInfo = oslo, phone }),
			update("u7", `$delete`), at("u7", noon, nil))
		mustBeSeen(t, s, "u7", profile.Seen{FirstMS: noon, LastMS: noon})
	})
	t.Run("an update is dated", func(t *testing.T) {
		if p := get(t, s, "u1"); p.UpdatedMS <= 0 {
			t.Errorf("UpdatedMS is %d", p.UpdatedMS)
		}
	})
}

// testSightings is about what events say: it may come up to a minute late, but
// nothing new may be lost.
func testSightings(t *testing.T, open Opener) {
	s := open(t)
	see := func(t *testing.T, id string, ms int64, place profile.Place, device profile.DeviceInfo) {
		t.Helper()
		apply(t, s, seenAs(id, profile.SeenAt(ms, place, device, profile.Arrival{})))
	}
	none, nothing := profile.Place{}, profile.DeviceInfo{}

	t.Run("a device that only sent events is known", func(t *testing.T) {
		see(t, "d1", noon, oslo, phone)
		mustBeSeen(t, s, "d1", profile.Seen{FirstMS: noon, LastMS: noon, Place: oslo, Device: phone})
		if p := get(t, s, "d1"); p.ID != "d1" || p.Project != home || len(p.Traits) != 0 {
			t.Errorf("the profile is %s", describe(p))
		}
	})
	t.Run("last seen is never a minute behind", func(t *testing.T) {
		for ms := noon; ms < noon+10*minute; ms += 7 * second {
			see(t, "d2", ms, none, nothing)
			if late := ms - get(t, s, "d2").LastSeenMS; late < 0 || late >= profile.SightingEveryMS {
				t.Fatalf("last seen is %d ms behind", late)
			}
		}
	})
	t.Run("a new place or device is known at once", func(t *testing.T) {
		see(t, "d3", noon, oslo, phone)
		see(t, "d3", noon+1, lima, nothing)
		mustBeSeen(t, s, "d3", profile.Seen{FirstMS: noon, LastMS: noon + 1, Place: lima, Device: phone})
		see(t, "d3", noon+2, none, desktop)
		mustBeSeen(t, s, "d3", profile.Seen{FirstMS: noon, LastMS: noon + 2, Place: lima, Device: desktop})
	})
	t.Run("an older event moves first seen at once, not place and device", func(t *testing.T) {
		see(t, "d4", noon, oslo, phone)
		see(t, "d4", noon-1, lima, desktop)
		mustBeSeen(t, s, "d4", profile.Seen{FirstMS: noon - 1, LastMS: noon, Place: oslo, Device: phone})
	})
	t.Run("several events of one request count together", func(t *testing.T) {
		c := seenAs("d5", profile.SeenAt(noon+2*minute, oslo, nothing, profile.Arrival{}))
		for _, more := range []profile.Changes{
			sighted("d6", noon), sighted("d5", noon), seenAs("d5", profile.SeenAt(noon+4*minute, lima, nothing, profile.Arrival{})),
		} {
			c.Sightings = append(c.Sightings, more.Sightings...)
		}
		apply(t, s, c)
		mustBeSeen(t, s, "d5", profile.Seen{FirstMS: noon, LastMS: noon + 4*minute, Place: lima})
		mustBeSeen(t, s, "d6", profile.Seen{FirstMS: noon, LastMS: noon})
	})
	t.Run("one sighting may stand for many events", func(t *testing.T) {
		apply(t, s, seenAs("d7", profile.SeenAt(noon-minute, oslo, phone, letter).Join(profile.SeenAt(noon+minute, lima, nothing, direct))))
		mustBeSeen(t, s, "d7", profile.Seen{FirstMS: noon - minute, LastMS: noon + minute, Place: lima, Device: phone, Arrival: letter})
	})
	t.Run("sightings leave traits alone, and updates what was seen", func(t *testing.T) {
		u := update("u1", `$set a 1`)
		u.TimeMS = noon
		applied(t, s, u)
		see(t, "u1", noon+2*minute, oslo, phone)
		mustHold(t, s, "u1", "a 1")
		u = update("u1", `$set a 2`)
		u.TimeMS = noon + 3*minute
		applied(t, s, u)
		mustHold(t, s, "u1", "a 2")
		mustBeSeen(t, s, "u1", profile.Seen{FirstMS: noon, LastMS: noon + 3*minute, Place: oslo, Device: phone})
	})
	t.Run("after $delete the next event is seen anew", func(t *testing.T) {
		see(t, "u2", noon, oslo, phone)
		applied(t, s, update("u2", `$delete`))
		mustBeUnknown(t, s, home, "u2")
		see(t, "u2", noon+1, none, nothing)
		mustBeSeen(t, s, "u2", profile.Seen{FirstMS: noon + 1, LastMS: noon + 1})
	})
	t.Run("what was forgotten stays forgotten", func(t *testing.T) {
		see(t, "u3", noon, oslo, phone)
		unseen := update("u3", `$delete; $set a 1`)
		unseen.KeepLastSeen = true
		applied(t, s, unseen)
		mustBeSeen(t, s, "u3", profile.Seen{})
		see(t, "u3", noon+1, none, nothing)
		mustBeSeen(t, s, "u3", profile.Seen{FirstMS: noon + 1, LastMS: noon + 1})
	})
	t.Run("an event without a time tells nothing", func(t *testing.T) {
		see(t, "d9", 0, oslo, phone)
		mustBeUnknown(t, s, home, "d9")
	})
}

// testArrivals is about how people first came.
func testArrivals(t *testing.T, open Opener) {
	s := open(t)
	came := func(t *testing.T, id string, ms int64, how profile.Arrival) {
		t.Helper()
		apply(t, s, seenAs(id, profile.SeenAt(ms, profile.Place{}, profile.DeviceInfo{}, how)))
	}
	mustHaveCome := func(t *testing.T, id string, how profile.Arrival) {
		t.Helper()
		if p := get(t, s, id); p.Arrival != how {
			t.Errorf("%s came by %+v, want %+v", id, p.Arrival, how)
		}
	}

	t.Run("the first arrival stays", func(t *testing.T) {
		came(t, "d1", noon, letter)
		came(t, "d1", noon+minute, search)
		came(t, "d1", noon+2*minute, direct)
		mustHaveCome(t, "d1", letter)
	})
	t.Run("who came directly first is not won by a later campaign", func(t *testing.T) {
		came(t, "d2", noon, direct)
		came(t, "d2", noon+minute, letter)
		mustHaveCome(t, "d2", direct)
	})
	t.Run("an earlier arrival that comes late counts at once", func(t *testing.T) {
		came(t, "d3", noon, search)
		came(t, "d3", noon-1, letter)
		mustHaveCome(t, "d3", letter)
	})
	t.Run("a server's event tells of no arrival and takes none away", func(t *testing.T) {
		came(t, "d4", noon-minute, profile.Arrival{})
		came(t, "d4", noon, search)
		came(t, "d4", noon-2*minute, profile.Arrival{})
		mustHaveCome(t, "d4", search)
		came(t, "d4", noon-1, letter)
		mustHaveCome(t, "d4", letter)
	})
	t.Run("a visitor who signs up came as the device did", func(t *testing.T) {
		came(t, "d5", noon, letter)
		apply(t, s, link("d5", "ann", noon+minute))
		came(t, "ann", noon+2*minute, direct)
		mustHaveCome(t, "ann", letter)
	})
	t.Run("an update tells of no arrival", func(t *testing.T) {
		applied(t, s, update("d1", `$set a 1`))
		mustHaveCome(t, "d1", letter)
	})
}

// testOrder sends what happened a minute apart in every order.
func testOrder(t *testing.T, open Opener) {
	s := open(t)
	history := []profile.Seen{
		profile.SeenAt(noon, oslo, phone, profile.Arrival{}),
		profile.SeenAt(noon+minute, lima, profile.DeviceInfo{}, search),
		profile.SeenAt(noon+2*minute, profile.Place{}, desktop, letter),
		profile.SeenAt(noon+3*minute, oslo, profile.DeviceInfo{}, direct),
		profile.SeenAt(noon+4*minute, profile.Place{}, profile.DeviceInfo{}, profile.Arrival{}),
	}
	want := profile.Seen{FirstMS: noon, LastMS: noon + 4*minute, Place: oslo, Device: desktop, Arrival: search}
	n := 0
	for order := range permutations(len(history)) {
		id := fmt.Sprint("person", n)
		n++
		for _, i := range order {
			apply(t, s, seenAs(id, history[i]))
		}
		if mustBeSeen(t, s, id, want); t.Failed() {
			t.Fatalf("in the order %v", order)
		}
	}
}

// permutations yields every order of n things.
func permutations(n int) iter.Seq[[]int] {
	return func(yield func([]int) bool) {
		order := make([]int, 0, n)
		var place func() bool
		place = func() bool {
			if len(order) == n {
				return yield(order)
			}
			for i := range n {
				if slices.Contains(order, i) {
					continue
				}
				order = append(order, i)
				if !place() {
					return false
				}
				order = order[:len(order)-1]
			}
			return true
		}
		place()
	}
}
