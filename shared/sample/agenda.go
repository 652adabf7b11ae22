package sample

import (
	"cmp"
	"container/heap"
	"slices"
)

const (
	dayMS  = 24 * 3600_000
	hourMS = 3600_000
	// stretchVisits bounds how many starts of visits are kept at a time: a day is
	// looked through in as many stretches as that needs.
	stretchVisits = 32_768
)

// floor divides and rounds down, also below zero.
func floor(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// start is a visit that is going to begin.
type start struct {
	at    int64 // milliseconds
	who   uint64
	class class // reader, crawler, or anything else for a person who returns
	k     uint8 // first or second visit of the day
}

// agenda knows which visits are open and which begin next.
//
// People who return have their days decided by themselves. One-time readers and
// bots fill each hour up to what the curve of the whole asks for, so that the
// sample has exactly as many events as were wanted, spread as the days are.
type agenda struct {
	visits   openVisits
	spare    []*visit
	upcoming []start // of the hour, in order
	at       int     // the next of upcoming

	stretch    []start // of people who return, in order
	stretchAt  int
	stretchEnd int64
	stretchMS  int64

	hour      int64 // the end of the hour that upcoming covers
	curve     curve
	committed int // events of all visits begun
	botEvents int
	readers   uint64
	crawlers  uint64
}

// open prepares the first hour.
func (a *agenda) open(g *Generator) {
	a.hour, a.stretchEnd = g.start, g.start
	a.curve.open(g)
}

// next returns the parcel to be sent next and its visit; the visit is the
// caller's until the next call.
func (a *agenda) next(g *Generator) (*visit, parcel) {
	for {
		if a.at < len(a.upcoming) && (len(a.visits) == 0 || a.upcoming[a.at].at <= a.visits[0].due()) {
			a.begin(g, a.upcoming[a.at])
			a.at++
			continue
		}
		if a.at == len(a.upcoming) && a.hour < g.end && (len(a.visits) == 0 || a.visits[0].due() >= a.hour) {
			a.plan(g)
			continue
		}
		if len(a.visits) == 0 {
			return nil, parcel{}
		}
		v := a.visits[0]
		p := v.parcels[v.next]
		v.next++
		if v.next < len(v.parcels) {
			heap.Fix(&a.visits, 0)
		} else {
			heap.Pop(&a.visits)
			a.spare = append(a.spare, v) // used again after the caller is done
		}
		return v, p
	}
}

// begin opens a visit.
func (a *agenda) begin(g *Generator, s start) {
	var v *visit
	if n := len(a.spare); n > 0 {
		v, a.spare = a.spare[n-1], a.spare[:n-1]
	} else {
		v = new(visit)
	}
	var p person
	switch s.class {
	case reader:
		p = g.reader(s.who)
	case crawler:
		p = g.crawler(s.who)
	default:
		p = g.person(s.who)
	}
	day := floor(s.at+p.place.offset*60_000, dayMS)
	if s.class == reader || s.class == crawler {
		p.born, p.left = day, day
	}
	g.begin(v, p, day, int(s.k), s.at)
	n := v.events()
	a.committed += n
	g.stats.Visits++
	switch {
	case s.class == crawler:
		a.botEvents += n
	case v.fresh:
		g.stats.People++
	}
	if v.turn.signUp == signUpDone {
		g.stats.SignUps++
	}
	heap.Push(&a.visits, v)
}

// plan makes the next hour's list of visits.
func (a *agenda) plan(g *Generator) {
	from := a.hour
	a.hour = min(a.hour+hourMS, g.end)
	a.upcoming, a.at = a.upcoming[:0], 0
	if from >= a.stretchEnd {
		a.look(g)
	}
	due := a.curve.until(a.hour)
	// A small sample has so few people that a busy one would use it up long
	// before its end: what is too far ahead of the curve is left out.
	returning, most := 0, (due+g.events/400+8-a.committed)*meanScale/a.curve.perVisit
	for ; a.stretchAt < len(a.stretch) && a.stretch[a.stretchAt].at < a.hour; a.stretchAt++ {
		if returning < most {
			a.upcoming = append(a.upcoming, a.stretch[a.stretchAt])
			returning++
		}
	}

	d := seeded(g.seed, tagHour, uint64(from))
	place := func(class class, who uint64) {
		at := from + int64(d.next()%uint64(a.hour-from))
		a.upcoming = append(a.upcoming, start{at: at, who: who, class: class})
	}
	for want := (due*botShare/1000 - a.botEvents) * meanScale; want > a.curve.perCrawler/2; want -= a.curve.perCrawler {
		place(crawler, a.crawlers)
		a.crawlers++
	}
	for want := (due-a.committed)*meanScale - returning*a.curve.perVisit; want > a.curve.perReader/2; want -= a.curve.perReader {
		for !g.awake(a.readers, from, &d) {
			a.readers++
		}
		place(reader, a.readers)
		a.readers++
	}
	slices.SortFunc(a.upcoming, func(x, y start) int {
		return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(x.class, y.class), cmp.Compare(x.who, y.who))
	})
}

// look finds the visits of people who return in the next stretch of time.
func (a *agenda) look(g *Generator) {
	from := a.stretchEnd
	a.stretchEnd = min(from+a.stretchMS, g.end)
	a.stretch, a.stretchAt = a.stretch[:0], 0
	for i := range g.people {
		p := g.person(i)
		shift := p.place.offset * 60_000
		for day := floor(from+shift, dayMS); day <= floor(a.stretchEnd-1+shift, dayMS); day++ {
			for k := range p.visitsOn(day) {
				if at := p.startAt(day, k); at >= from && at < a.stretchEnd {
					a.stretch = append(a.stretch, start{at: at, who: i, class: p.class, k: uint8(k)})
				}
			}
		}
	}
	slices.SortFunc(a.stretch, func(x, y start) int {
		return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(x.who, y.who))
	})
}

// openVisits is a heap by the time of each visit's next request.
type openVisits []*visit

func (v *visit) due() int64 { return v.parcels[v.next].at }

func (o openVisits) Len() int { return len(o) }
func (o openVisits) Less(i, j int) bool {
	if o[i].due() != o[j].due() {
		return o[i].due() < o[j].due()
	}
	return o[i].key < o[j].key
}
func (o openVisits) Swap(i, j int) { o[i], o[j] = o[j], o[i] }

// Push and Pop are for container/heap.
func (o *openVisits) Push(v any) { *o = append(*o, v.(*visit)) }
func (o *openVisits) Pop() any {
	old := *o
	v := old[len(old)-1]
	*o = old[:len(old)-1]
	return v
}
