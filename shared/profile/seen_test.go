package profile

import (
	"math/rand/v2"
	"testing"
)

// anySeen is what some events told, at times that often collide.
func anySeen(r *rand.Rand) Seen {
	s := Seen{}
	for range r.IntN(4) {
		places := []Place{{}, {City: "Oslo"}, {City: "Lima"}, {Country: "PE"}}
		devices := []DeviceInfo{{}, {OS: "iOS"}, {OS: "Linux"}}
		arrivals := []Arrival{{}, {Channel: "Direct"}, {Channel: "Email", UTMSource: "news"}}
		s = s.Join(SeenAt(r.Int64N(6), places[r.IntN(len(places))], devices[r.IntN(len(devices))], arrivals[r.IntN(len(arrivals))]))
	}
	return s
}

// What events tell can be joined in any order, in parts and again.
func TestJoinIsOfAnyOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 1))
	for range 20_000 {
		a, b, c := anySeen(r), anySeen(r), anySeen(r)
		if x, y := a.Join(b), b.Join(a); x != y {
			t.Fatalf("%+v with %+v is %+v, the other way round %+v", a, b, x, y)
		}
		if x, y := a.Join(b).Join(c), a.Join(b.Join(c)); x != y {
			t.Fatalf("%+v with %+v and %+v: %+v or %+v", a, b, c, x, y)
		}
		if x := a.Join(b).Join(b); x != a.Join(b) {
			t.Fatalf("%+v with %+v twice is %+v", a, b, x)
		}
		if a.Join(Seen{}) != a || a.Tells(a) || a.Tells(Seen{}) {
			t.Fatalf("%+v changes by itself or by nothing", a)
		}
	}
}

func TestTells(t *testing.T) {
	const t0 = int64(1_000_000)
	home, away := Place{City: "Oslo"}, Place{City: "Lima"}
	phone, ad, mail := DeviceInfo{OS: "iOS"}, Arrival{Channel: "paid"}, Arrival{Channel: "Email"}
	at := func(ms int64) Seen { return SeenAt(ms, Place{}, DeviceInfo{}, Arrival{}) }
	last := SeenAt(t0, Place{}, DeviceInfo{}, ad).Join(SeenAt(t0+5, home, DeviceInfo{}, Arrival{}))
	for _, c := range []struct {
		says string
		o    Seen
		want bool
	}{
		{"the same moment", at(t0 + 5), false},
		{"within the minute", at(t0 + 5 + SightingEveryMS - 1), false},
		{"after the minute", at(t0 + 5 + SightingEveryMS), true},
		{"between first and last", at(t0 + 1), false},
		{"before the first", at(t0 - 1), true},
		{"no time", at(0), false},
		{"the same place", SeenAt(t0+6, home, DeviceInfo{}, Arrival{}), false},
		{"another place", SeenAt(t0+6, away, DeviceInfo{}, Arrival{}), true},
		{"another place, but older", SeenAt(t0+4, away, DeviceInfo{}, Arrival{}), false},
		{"a first device, though older", SeenAt(t0+4, Place{}, phone, Arrival{}), true},
		{"another arrival, but later", SeenAt(t0+1, Place{}, DeviceInfo{}, mail), false},
		{"an earlier arrival", SeenAt(t0-1, Place{}, DeviceInfo{}, mail), true},
	} {
		if got := last.Tells(c.o); got != c.want {
			t.Errorf("%s: %v", c.says, got)
		}
	}
	if !(Seen{}).Tells(at(t0)) {
		t.Error("the first sighting of all tells nothing")
	}
}

// Asked for every event.
func BenchmarkTells(b *testing.B) {
	s := SeenAt(1_000_000, Place{"NO", "Oslo", "Oslo", "Europe/Oslo"}, DeviceInfo{"Safari", "iOS", "phone", "Apple", "iPhone"}, Arrival{Channel: "Direct"})
	o := s
	o.LastMS += 5
	o.PlaceMS, o.DeviceMS = o.LastMS, o.LastMS
	b.ReportAllocs()
	for b.Loop() {
		if s.Tells(o) {
			b.Fatal("nothing is new")
		}
	}
}
