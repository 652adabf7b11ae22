package sample

// class is what becomes of a person.
type class uint8

const (
	reader  class = iota // comes once, reads, is gone: most visitors of any site
	looker               // comes back a few times, never signs up
	starter              // starts to sign up and gives up
	member               // signs up
	crawler              // a bot
)

// The first part of each stream's seed, so that no two draws share a stream.
const (
	tagPerson uint64 = 1 + iota
	tagReader
	tagCrawler
	tagDay
	tagTurn
	tagDevice
	tagName
	tagCompany
	tagDocument
	tagFirst
	tagVisit
	tagStep
	tagAddress
	tagInsert
	tagHour
)

// person is who visits. All of it follows from the seed and a number, so no list
// of people is kept: whoever is needed is made again.
type person struct {
	key   uint64
	class class
	place *place
	born  int64 // the local day of the first visit
	left  int64 // the last local day on which there may be a visit
	rate  int64 // the chance of a visit on a working day, of 65536
	phone bool  // the first device is a phone
	both  bool  // has a second device, of the other sort
}

// stockDays is how long before the sample's first day people began to come, so
// that the sample does not start with an empty product.
const stockDays = 60

// person makes the i-th person who may return.
func (g *Generator) person(i uint64) person {
	d := seeded(g.seed, tagPerson, i)
	p := person{key: d.next(), place: &places[placeChoice.draw(&d)]}
	born := d.below(stockDays + g.days)
	if d.chance(150) { // the product grows
		born = max(born, d.below(stockDays+g.days))
	}
	p.born = g.firstDay + int64(born) - stockDays
	switch r := d.below(100); {
	case r < 48:
		p.class, p.rate, p.left = looker, d.spread(5000), p.born+d.spread(9)
	case r < 65:
		p.class, p.rate, p.left = starter, d.spread(9000), p.born+d.spread(6)
	case r < 76: // signs up and does not stay
		p.class, p.rate, p.left = member, d.spread(20000), p.born+d.spread(2)
	default:
		p.class, p.rate, p.left = member, d.spread(17000), p.born+7+d.spread(75)
	}
	p.rate = min(p.rate, 58000)
	p.phone = d.chance(p.place.phones)
	p.both = d.chance(400)
	return p
}

// reader makes the j-th one-time visitor, who comes on the given day.
func (g *Generator) reader(j uint64) person {
	d := seeded(g.seed, tagReader, j)
	p := person{key: d.next(), class: reader, place: &places[placeChoice.draw(&d)]}
	p.phone = d.chance(p.place.phones)
	return p
}

// weekend says whether a day, counted from 1970-01-01, is Saturday or Sunday.
func weekend(day int64) bool {
	w := (day + 4) % 7
	return w == 0 || w == 6
}

// visitsOn is how many visits a person makes on a local day: 0, 1 or 2.
func (p *person) visitsOn(day int64) int {
	if day < p.born || day > p.left {
		return 0
	}
	d := seeded(p.key, tagDay, uint64(day))
	r := d.next()
	rate := p.rate
	if weekend(day) {
		rate = rate * 35 / 100
	}
	if day != p.born && int64(r>>48) >= rate {
		return 0
	}
	if r&3 == 0 {
		return 2
	}
	return 1
}

// startOf is the second of the local day at which the k-th visit starts. A
// second visit comes some hours after the first; one that would fall on the next
// day is drawn back to the evening.
func (p *person) startOf(day int64, k int) int64 {
	d := seeded(p.key, tagDay, uint64(day), 1)
	c := workdayHours
	if weekend(day) {
		c = weekendHours
	}
	at := int64(c.draw(&d))*3600 + int64(d.below(3600))
	if k == 1 {
		at = min(at+7200+int64(d.below(4*3600)), 86399-int64(d.below(600)))
	}
	return at
}

// startAt is startOf in milliseconds since 1970.
func (p *person) startAt(day int64, k int) int64 {
	return (day*86400+p.startOf(day, k)-p.place.offset*60)*1000 + int64(p.key%1000)
}

// The hours of a day by how many visits start in them, on the visitor's clock.
var (
	workdayWeights = [24]int{6, 4, 3, 2, 3, 7, 16, 34, 62, 84, 90, 86, 66, 74, 86, 84, 72, 54, 40, 36, 38, 34, 22, 12}
	weekendWeights = [24]int{12, 8, 5, 3, 3, 5, 10, 20, 36, 54, 66, 68, 60, 58, 60, 60, 58, 54, 52, 56, 60, 52, 36, 22}
	workdayHours   = choose(24, func(i int) int { return workdayWeights[i] })
	weekendHours   = choose(24, func(i int) int { return weekendWeights[i] })
)

// machine is the person's first or second device.
func (p *person) machine(device int) *machine {
	d := seeded(p.key, tagDevice, uint64(device))
	if p.onPhone(device) {
		return p.place.phone(&d)
	}
	return p.place.computer(&d)
}

func (p *person) onPhone(device int) bool { return p.phone != (device == 1) }

// deviceID appends the id that mixpanel-browser made on the device.
func (p *person) deviceID(b []byte, device int) []byte {
	d := seeded(p.key, tagDevice, uint64(device), 1)
	return d.uuid(b)
}

// userID appends the id that the product gave the person at sign-up.
func (p *person) userID(b []byte) []byte {
	d := seeded(p.key, tagName)
	return d.hex(append(b, "usr_"...), 12)
}
