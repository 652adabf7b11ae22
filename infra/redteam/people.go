package main

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// person is somebody who has one value of each list.
type person [kinds]string

// crowd is made-up people and the lists that name all of them.
type crowd struct {
	people []person // the first ones are in the lake
	lists  lists    // sorted, so that the order says nothing
}

// makeCrowd makes n people: the same seed, the same people.
func makeCrowd(seed uint64, n int) *crowd {
	m := maker{r: rand.New(rand.NewPCG(seed, 0)), taken: map[string]bool{}}
	c := &crowd{people: make([]person, n)}
	for i := range c.people {
		c.people[i] = m.person(i)
	}
	for k := range kinds {
		for i := range c.people {
			c.lists[k] = append(c.lists[k], c.people[i][k])
		}
		slices.Sort(c.lists[k])
	}
	return c
}

// maker draws values and never the same twice.
type maker struct {
	r     *rand.Rand
	taken map[string]bool
}

func (m *maker) person(i int) person {
	var p person
	local := m.local()
	p[email] = local + "@" + pick(m.r, mailHosts)
	p[user] = m.user(i, local, p[email])
	p[device] = m.new(func() string { return m.device(i) })
	p[phone] = m.new(m.phone)
	p[address] = m.new(m.address)
	return p
}

// new draws until the value is nobody's yet.
func (m *maker) new(draw func() string) string {
	for {
		if v := draw(); !m.taken[v] {
			m.taken[v] = true
			return v
		}
	}
}

// local is the part of an e-mail before the @, as people choose it.
func (m *maker) local() string {
	return m.new(func() string {
		first, last := pick(m.r, firstNames), pick(m.r, lastNames)
		number := strconv.Itoa(10 + m.r.IntN(990))
		switch m.r.IntN(4) {
		case 0:
			return first + "." + last + number
		case 1:
			return first[:1] + "." + last + number
		case 2:
			return first + "_" + last + number
		}
		return last + "." + first + number
	})
}

// user is a user id in one of the ways in which websites make them.
func (m *maker) user(i int, local, mail string) string {
	switch i % 6 {
	case 0: // a row number
		return m.new(func() string { return strconv.Itoa(10_000_000 + m.r.IntN(89_999_999)) })
	case 1: // the e-mail itself
		return mail
	case 2: // as payment companies do
		return m.new(func() string { return "usr_" + m.letters(14) })
	case 3:
		return m.new(m.uuid)
	case 4: // a login
		return strings.NewReplacer(".", "-", "_", "-").Replace(local)
	}
	return m.new(func() string { // a login of letters alone
		return pick(m.r, firstNames) + pick(m.r, lastNames) + strings.ToLower(m.letters(3))
	})
}

// device is a device id as the three generations of browser SDKs make them.
func (m *maker) device(i int) string {
	switch i % 3 {
	case 0:
		return m.uuid()
	case 1:
		return fmt.Sprintf("%014x-%014x-%08x-%06x-%014x", m.r.Uint64()>>8, m.r.Uint64()>>8, m.r.Uint32(), m.r.Uint32()>>8, m.r.Uint64()>>8)
	}
	return m.letters(22)
}

func (m *maker) uuid() string {
	var b [16]byte
	for i := range b {
		b[i] = byte(m.r.Uint32())
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func (m *maker) letters(n int) string {
	const set = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	b := make([]byte, n)
	for i := range b {
		b[i] = set[m.r.IntN(len(set))]
	}
	// A digit at a place of its own, so that no made id is a word.
	b[n/2] = set[m.r.IntN(10)]
	return string(b)
}

// phone is a mobile number of a plan that exists, as E.164.
func (m *maker) phone() string {
	digits := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = '0' + byte(m.r.IntN(10))
		}
		return string(b)
	}
	switch m.r.IntN(5) {
	case 0:
		return "+49" + pick(m.r, []string{"151", "160", "170", "171", "175", "176"}) + "2" + digits(7)
	case 1:
		return "+447" + pick(m.r, []string{"4", "5", "7", "8", "9"}) + digits(8)
	case 2:
		return "+336" + digits(8)
	case 3:
		return "+346" + digits(8)
	}
	return "+1" + pick(m.r, []string{"212", "312", "415", "617", "206", "305", "713", "404"}) + pick(m.r, []string{"2", "3", "4", "6", "7", "8"}) + digits(6)
}

// address is of a range that registries have given out. 106 to 108 is left out:
// read as one number, those are moments of these years.
func (m *maker) address() string {
	first := pick(m.r, []int{24, 31, 46, 62, 71, 77, 78, 79, 80, 81, 82, 84, 86, 88, 90, 91, 93, 95, 109, 176, 178, 188, 212, 217})
	return fmt.Sprintf("%d.%d.%d.%d", first, m.r.IntN(256), m.r.IntN(256), 1+m.r.IntN(254))
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

var mailHosts = []string{
	"gmail.com", "gmail.com", "gmail.com", "outlook.com", "hotmail.com", "yahoo.com", "icloud.com", "gmx.de", "web.de",
	"t-online.de", "orange.fr", "free.fr", "btinternet.com", "libero.it", "proton.me", "company.example", "mail.example.co.uk",
}

var firstNames = strings.Fields(`anna maria sofia emma lena laura julia sarah hannah lea clara eva nina lisa paula ines
	carmen lucia elena marta irene chloe camille manon jade alice olivia amelia isla grace freya mia zoe ruby ella ivy
	thomas michael andreas stefan peter martin daniel lukas felix jonas paul leon max tim jan david carlos javier pablo
	diego mateo hugo louis jules arthur gabriel oliver george harry jack noah oscar arlo leo theo james john robert`)

var lastNames = strings.Fields(`mueller schmidt schneider fischer weber meyer wagner becker schulz hoffmann koch bauer
	richter klein wolf neumann schwarz braun krueger hofmann garcia martinez lopez sanchez perez gomez ruiz diaz moreno
	alvarez romero navarro torres dominguez martin bernard dubois thomas robert richard petit durand leroy moreau simon
	laurent lefebvre roux smith jones taylor brown williams wilson johnson davies patel wright walker hughes green hall
	lewis harris clarke jackson turner cooper ward morris`)
