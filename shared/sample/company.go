package sample

import "strconv"

// company is the group that a member belongs to. People of one company may sit
// in several countries.
type company struct {
	id, name, industry string
	seats              int
}

var (
	companyFirst  = list("Alder", "Birch", "Cobalt", "Dune", "Ember", "Fjord", "Garnet", "Harbour", "Indigo", "Juniper", "Kestrel", "Linden", "Maple", "Nimbus", "Onyx", "Pebble", "Quartz", "Rowan", "Saffron", "Thistle", "Umber", "Vesper", "Willow", "Yarrow")
	companySecond = list("Works", "Studio", "Foods", "Logistics", "Health", "Energy", "Textiles", "Robotics", "Press", "Games", "Travel", "Optics", "Finance", "Schools", "Gardens", "Legal")
)

// company finds the company of a person. There is about one for twelve people;
// a few have many.
func (g *Generator) company(p *person) company {
	d := seeded(p.key, tagCompany)
	n := min(d.below(g.companies), d.below(g.companies))
	d = seeded(g.seed, tagCompany, uint64(n))
	first, second := d.below(len(companyFirst)), d.below(len(companySecond))
	c := company{
		name:     companyFirst[first] + " " + companySecond[second],
		industry: companySecond[second],
		seats:    3 + int(d.spread(9)),
	}
	c.id = lower(companyFirst[first]) + "-" + lower(companySecond[second]) + "-" + strconv.Itoa(n+1)
	return c
}

// lower lets a plain word begin with a small letter; a space becomes nothing.
func lower(word string) string {
	b := make([]byte, 0, len(word))
	for _, c := range []byte(word) {
		switch {
		case c >= 'A' && c <= 'Z':
			b = append(b, c+'a'-'A')
		case c != ' ':
			b = append(b, c)
		}
	}
	return string(b)
}

// name is what the person is called, and the e-mail address: under .example,
// where no mail arrives.
func (p *person) name(company string) (name, email string) {
	d := seeded(p.key, tagName, 1)
	n := p.place.names
	first, last := d.below(len(n.first)), d.below(len(n.last))
	name = n.first[first] + " " + n.last[last]
	if n.familyFirst {
		name = n.last[last] + " " + n.first[first]
	}
	email = lower(n.firsts[first]) + "." + lower(n.lasts[last]) + strconv.Itoa(d.below(100)) + "@" + company + ".example"
	return name, email
}
