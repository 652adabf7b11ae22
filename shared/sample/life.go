package sample

// life is what happened to a person before a visit. It is found by going
// through the earlier visits one by one, each of which has a turn that follows
// from the person alone.
type life struct {
	visits    int
	signedUp  bool
	joined    int64     // the day of signing up
	first     [2]uint64 // the key of each device's first visit; 0 while there is none
	known     [2]bool   // the device has been identified
	cardFails int       // visits that ended at the card form
	paid      bool
	plan      int   // index in plans, once paid
	yearly    bool  // pays by the year
	paidDay   int64 // when the first payment was
	invoices  int64 // months billed since
	documents int
	campaign  uint64 // the visit that last came by a tagged link, by its key; 0 is none
}

// step of the two funnels that a visit reaches.
const (
	billingNone = iota
	billingOpened
	billingChosen
	billingCard // the card was taken
	billingDone
)

const (
	signUpNone = iota
	signUpStarted
	signUpDone
)

// turn is what one visit brings, before it is told in events.
type turn struct {
	device  int
	signUp  int
	billing int
	stuck   bool // the card form failed
	logIn   bool // a signed-up person on a device that is not identified
	invoice bool // a month has passed: the product's server bills
	plan    int
	yearly  bool
	writes  int // documents created
}

// plans are what Quillmark sells, with a seat's price a month.
var plans = []struct {
	name  string
	price int
}{{"free", 0}, {"starter", 9}, {"team", 19}, {"business", 39}}

// turn decides a visit. Where users are stuck is decided here too: the card
// form fails four times in five on phones, and one time in twelve on computers.
func (p *person) turn(l *life, day int64, k int) turn {
	d := seeded(p.key, tagTurn, uint64(day), uint64(k))
	var t turn
	if l.signedUp && p.both && d.chance(330) {
		t.device = 1
	}
	switch {
	case !l.signedUp && p.class == starter:
		if d.chance(600) {
			t.signUp = signUpStarted
		}
	case !l.signedUp && p.class == member:
		switch {
		case l.visits >= 2 || d.chance(550):
			t.signUp = signUpDone
		case d.chance(200):
			t.signUp = signUpStarted
		}
	case l.signedUp:
		t.logIn = !l.known[t.device]
		t.writes = min(int(d.spread(620)/1000), 6)
		p.billing(l, day, &t, &d)
	}
	return t
}

// billing decides how far a member gets towards paying.
func (p *person) billing(l *life, day int64, t *turn, d *dice) {
	if l.paid {
		t.plan, t.yearly = l.plan, l.yearly
		t.invoice = !l.yearly && (day-l.paidDay)/30 > l.invoices
		return
	}
	open := 130
	if l.cardFails > 0 {
		open = 330 // those who wanted to pay try again, a few times
		if l.cardFails > 2 {
			open = 40
		}
	}
	if !d.chance(open) {
		return
	}
	t.billing = billingOpened
	t.plan = 1 + d.lean(3)
	t.yearly = d.chance(240)
	if !d.chance(720) {
		return
	}
	t.billing = billingChosen
	fails := 80
	if p.onPhone(t.device) {
		fails = 800
	}
	if d.chance(fails) {
		t.stuck = true
		return
	}
	if !d.chance(880) { // sees the form and thinks again
		return
	}
	t.billing = billingCard
	if d.chance(850) { // the others see the sum with tax
		t.billing = billingDone
	}
}

// take moves a life past a visit. key is the visit's, tagged says whether it
// came by a link that carries a campaign.
func (l *life) take(t *turn, day int64, key uint64, tagged bool) {
	l.visits++
	if l.first[t.device] == 0 {
		l.first[t.device] = key
	}
	if tagged && t.device == 0 {
		l.campaign = key
	}
	if t.signUp == signUpDone {
		l.signedUp, l.joined, l.known[t.device] = true, day, true
	}
	if t.logIn {
		l.known[t.device] = true
	}
	if t.stuck {
		l.cardFails++
	}
	if t.billing == billingDone {
		l.paid, l.plan, l.yearly, l.paidDay = true, t.plan, t.yearly, day
	}
	if t.invoice {
		l.invoices = (day - l.paidDay) / 30
	}
	l.documents += t.writes
}

// before replays a person's life up to the k-th visit of a day.
func (p *person) before(day int64, k int) life {
	var l life
	for at := p.born; at <= day; at++ {
		n := p.visitsOn(at)
		if at == day {
			n = min(n, k)
		}
		for i := range n {
			t := p.turn(&l, at, i)
			key := p.visitKey(at, i)
			l.take(&t, at, key, tagged(key, l.first[t.device] == 0))
		}
	}
	return l
}

func (p *person) visitKey(day int64, k int) uint64 {
	d := seeded(p.key, tagVisit, uint64(day), uint64(k))
	return d.next()
}

// tagged says whether a visit came by a link that carries a campaign, without
// making the link.
func tagged(key uint64, first bool) bool {
	d := seeded(key, tagFirst)
	c := laterChoice
	if first {
		c = firstChoice
	}
	return len(sources[c.draw(&d)].utm) > 0
}
