package sample

import "net/netip"

// step is one thing that the browser queues for sending: an event or a profile
// update. What it says in detail is drawn again from the visit's key and the
// step's number each time it is written, so a step that is sent twice is the
// same twice.
type step struct {
	at        int64 // milliseconds since 1970
	kind      kind
	user      bool   // the device is identified by now
	paid      bool   // has paid in this visit
	entry     bool   // the page is the landing page, with its query
	page      uint8  // the page it happens on
	from      uint8  // the page before the host changed, the browser's referrer
	fromEntry bool   // that page was the landing page, with its query
	external  bool   // the referrer is the landing's, not a page of ours
	lasted    uint16 // seconds, where the event tells how long something took
	document  uint16 // which of the person's documents
}

// parcel is one request of a visit: a run of its steps that go by one route.
type parcel struct {
	at       int64
	from, to uint16 // steps [from, to); those that go by another route are passed over
	route    route
	beacon   bool
	again    uint8 // events in it that an earlier parcel held
	count    uint8 // steps in it that go by its route
}

// route is where a step is sent.
type route uint8

const (
	toTrack route = iota
	toEngage
	toGroups
	toServer // by the product's own server, with another library
)

// visit is one person on one device for a while: planned as a whole when it
// starts, written out request by request.
type visit struct {
	g       *Generator
	person  person
	life    life
	turn    turn
	key     uint64
	day     int64
	k       int
	fresh   bool // the person's first visit in the sample
	machine *machine
	screen  [2]int
	address netip.Addr
	landing landing
	initial landing // what brought the device here for the first time
	carried landing // whose utm parameters the SDK still remembers

	deviceID, userID, company string

	now     step // where the plan has got to: page, referrer, identity and clock
	dice    dice
	steps   []step
	parcels []parcel
	next    int // the parcel to be sent
}

// begin plans the k-th visit of a day.
func (g *Generator) begin(v *visit, p person, day int64, k int, at int64) {
	v.reset(g, p)
	v.day, v.k = day, k
	v.fresh = v.firstInSample()
	v.key = p.visitKey(day, k)
	v.life = p.before(day, k)
	v.turn = p.turn(&v.life, day, k)
	v.who(day)
	v.arrive()
	v.now.at = at
	v.now.user = v.life.known[v.turn.device]
	v.now.page, v.now.entry, v.now.external = uint8(v.landing.page), true, true
	v.act()
	v.pack()
}

// reset makes a used visit ready for the next, keeping its memory.
func (v *visit) reset(g *Generator, p person) {
	*v = visit{g: g, person: p, steps: v.steps[:0], parcels: v.parcels[:0]}
}

// firstInSample says whether the person was not seen before since the sample
// began.
func (v *visit) firstInSample() bool {
	if v.person.class == reader || v.person.class == crawler {
		return true
	}
	for day := max(v.person.born, v.g.firstDay-1); day < v.day; day++ {
		for k := range v.person.visitsOn(day) {
			if v.person.startAt(day, k) >= v.g.start {
				return false
			}
		}
	}
	return v.k == 0 || v.person.startAt(v.day, 0) < v.g.start
}

// who fills in device, screen, address and ids. An access line keeps its
// address for a week.
func (v *visit) who(day int64) {
	p := &v.person
	device := v.turn.device
	v.machine = p.machine(device)
	networks := p.place.networks
	if p.class == crawler {
		v.machine, networks = p.bot()
	}
	d := seeded(p.key, tagDevice, uint64(device), 2)
	v.screen = v.machine.screens[d.below(len(v.machine.screens))]
	d = seeded(p.key, tagAddress, uint64(device), uint64(day/7))
	v.address = d.address(networks)
	v.deviceID = string(p.deviceID(make([]byte, 0, 36), device))
	if p.class == member {
		v.userID = string(p.userID(make([]byte, 0, 16)))
		v.company = v.g.company(p).id
	}
	v.dice = seeded(v.key, tagTurn)
}

// arrive fills in how this visit, the device's first and the last tagged one
// came.
func (v *visit) arrive() {
	first := v.life.first[v.turn.device]
	v.landing = landAt(v.key, first == 0)
	v.initial = v.landing
	if first != 0 {
		v.initial = landAt(first, true)
	}
	switch {
	case len(v.landing.source.utm) > 0:
		v.carried = v.landing
	case v.turn.device == 0 && v.life.campaign != 0:
		v.carried = landAt(v.life.campaign, v.life.campaign == first)
	default:
		v.carried = landing{source: &sources[0]}
	}
	if v.landing.source == &sources[0] { // by a bookmark into the product
		switch {
		case v.turn.logIn:
			v.landing.page = pageLogin
		case v.life.known[v.turn.device]:
			v.landing.page = pageApp
		}
	}
}

func landAt(key uint64, first bool) landing {
	d := seeded(key, tagFirst)
	return land(&d, first)
}

// does adds a step at the plan's clock.
func (v *visit) does(k kind) *step {
	s := v.now
	s.kind = k
	v.steps = append(v.steps, s)
	return &v.steps[len(v.steps)-1]
}

// waits moves the plan's clock by a time around median, at least a tenth of it
// and at most 15 minutes, and returns the seconds that passed.
func (v *visit) waits(medianMS int64) uint16 {
	ms := min(v.dice.spread(medianMS), 15*60_000)
	v.now.at += ms
	return uint16((ms + 500) / 1000)
}

// opens goes to a page and counts its view. Within one host the page is
// changed without a load, so the browser's referrer stays; another host is a
// new load, which sees the page that it came from.
func (v *visit) opens(page int) {
	if pages[page].host != pages[v.now.page].host {
		v.now.from, v.now.fromEntry, v.now.external = v.now.page, v.now.entry, false
	}
	v.now.page, v.now.entry = uint8(page), false
	v.does(pageView)
}
