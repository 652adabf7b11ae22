package sample

const (
	// returningShare of a thousand events are of people who may come back.
	returningShare = 660
	// botShare of a thousand events are of bots.
	botShare = 30
	// meanScale keeps the means below as integers.
	meanScale = 100
)

// curve is how events should add up over the sample's hours, and what a visit
// brings in the mean, in hundredths of an event.
type curve struct {
	start                           int64
	end                             int64
	total                           int64 // of all weights
	done                            int64 // of the hours up to at
	at                              int64
	events                          int
	lead                            int64 // how long before the end the last event is due
	perVisit, perReader, perCrawler int
}

// size decides how many people there are. The first few hundred possible people
// are looked at to learn how much one does; what they do not do, readers fill up.
func (g *Generator) size() {
	const tried = 400
	g.people, g.companies = tried, 30
	var v visit
	c := &g.agenda.curve
	events, visits := 0, 0
	for i := range uint64(tried) {
		p := g.person(i)
		for day := g.firstDay; day < g.firstDay+int64(g.days); day++ {
			for k := range p.visitsOn(day) {
				g.begin(&v, p, day, k, p.startAt(day, k))
				events += v.events()
				visits++
			}
		}
	}
	c.perVisit = max(events*meanScale/max(visits, 1), meanScale)
	c.perReader, c.perCrawler = g.mean(g.reader, reader), g.mean(g.crawler, crawler)
	wanted := uint64(g.events) * returningShare / 1000
	g.people = max(1, wanted*tried/uint64(max(events, 1)))
	g.companies = int(g.people/30) + 3

	perDay := g.events * returningShare / 1000 * meanScale / c.perVisit / g.days
	stretches := int64(perDay/stretchVisits) + 1
	g.agenda.stretchMS = max(dayMS/stretches, hourMS)
}

// mean is what one visit of a reader or bot brings.
func (g *Generator) mean(make func(uint64) person, c class) int {
	const tried = 300
	var v visit
	n := 0
	for i := range uint64(tried) {
		p := make(1<<40 + i)
		p.born, p.left = g.firstDay, g.firstDay
		g.begin(&v, p, g.firstDay, 0, g.start)
		n += v.events()
	}
	return max(n*meanScale/tried, meanScale)
}

// open adds up the weights of all hours.
func (c *curve) open(g *Generator) {
	c.start, c.end, c.at, c.events = g.start, g.end, g.start, g.events
	c.lead = hourMS
	for at := c.start; at < c.end-c.lead; at += hourMS {
		c.total += weight(at)
	}
}

// until is how many events should have begun by a time, which never goes back.
// The last are due an hour early, since a visit takes its time to be told; the
// last hour asks for a few more than are wanted, to make up for what is missing.
func (c *curve) until(at int64) int {
	for ; c.at < at; c.at += hourMS {
		if c.at >= c.end-c.lead {
			return c.events + c.events/200 + 4
		}
		c.done += weight(c.at)
	}
	return int(int64(c.events) * c.done / c.total)
}

// weight is how much of the world's working time an hour holds.
func weight(at int64) int64 {
	var sum int64
	for i := range places {
		sum += int64(places[i].share) * places[i].weight(at)
	}
	return sum
}

// weight is how busy a place is in the hour that starts at a time.
func (p *place) weight(at int64) int64 {
	local := at + p.offset*60_000
	day := floor(local, dayMS)
	hour := (local - day*dayMS) / hourMS
	if weekend(day) {
		return int64(weekendWeights[hour]) * 38 / 100
	}
	return int64(workdayWeights[hour])
}

// awake says whether the j-th reader is one who would come in this hour, so that
// the sleeping half of the world is not read for.
func (g *Generator) awake(j uint64, at int64, d *dice) bool {
	p := g.reader(j)
	return d.below(100) < int(p.place.weight(at))
}
