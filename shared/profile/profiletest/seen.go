package profiletest

import (
	"testing"

	"loch/shared/profile"
)

var (
	oslo    = profile.Place{Country: "NO", Region: "Oslo", City: "Oslo", Timezone: "Europe/Oslo"}
	lima    = profile.Place{Country: "PE", City: "Lima"}
	phone   = profile.DeviceInfo{Browser: "Safari", OS: "iOS", DeviceType: "phone", Brand: "Apple", Model: "iPhone"}
	desktop = profile.DeviceInfo{Browser: "Firefox", OS: "Linux", DeviceType: "desktop"}
)

const second, minute = int64(1000), int64(60_000)

// mustBeSeen checks first and last seen, place and device.
func mustBeSeen(t *testing.T, s profile.Store, id string, want profile.Seen) {
	t.Helper()
	if p := get(t, s, id); p.Seen() != want {
		t.Errorf("%s was seen %+v\nwant %+v", id, p.Seen(), want)
	}
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
	t.Run("an older update says where, but not with what", func(t *testing.T) {
		applied(t, s,
			at("u6", noon, func(u *profile.Update) { u.Place, u.DeviceInfo = oslo, phone }),
			at("u6", noon-1, func(u *profile.Update) { u.Place, u.DeviceInfo = lima, desktop }))
		mustBeSeen(t, s, "u6", profile.Seen{FirstMS: noon - 1, LastMS: noon, Place: lima, Device: phone})
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
		apply(t, s, profile.Changes{Sightings: []profile.Sighting{{Project: home, ID: id, TimeMS: ms, Place: place, Device: device}}})
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
		apply(t, s, profile.Changes{Sightings: []profile.Sighting{
			{Project: home, ID: "d5", TimeMS: noon + 2*minute, Place: oslo},
			{Project: home, ID: "d6", TimeMS: noon},
			{Project: home, ID: "d5", TimeMS: noon},
			{Project: home, ID: "d5", TimeMS: noon + 4*minute, Place: lima},
		}})
		mustBeSeen(t, s, "d5", profile.Seen{FirstMS: noon, LastMS: noon + 4*minute, Place: lima})
		mustBeSeen(t, s, "d6", profile.Seen{FirstMS: noon, LastMS: noon})
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
