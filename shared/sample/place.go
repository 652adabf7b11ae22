package sample

import "net/netip"

// place is where people sit: a country, or a part of one with its own clock.
type place struct {
	country  string
	share    int    // how many of a thousand people
	offset   int64  // minutes east of UTC; standard time all the year
	language string // navigator.language
	accept   string // Accept-Language
	currency string
	phones   int // how many of a thousand devices are phones
	apple    int // how many of a thousand phones are iPhones
	macs     int // how many of a thousand computers are Macs
	foxes    int // how many of a thousand computers run Firefox
	names    *names
	networks []netip.Prefix
}

// Networks are well-known address ranges of big access providers, one to four a
// country. Documentation ranges have no country, so real ones stand here, as
// made-up senders in X-Forwarded-For and for nothing else: nothing is ever sent
// to them, and no address in them is known to belong to anyone.
var places = []place{
	{"US", 125, -300, "en-US", "en-US,en;q=0.9", "USD", 340, 580, 420, 60, english, nets("73.0.0.0/8", "71.160.0.0/11", "68.32.0.0/11")},
	{"US", 70, -360, "en-US", "en-US,en;q=0.9", "USD", 360, 560, 380, 60, english, nets("98.192.0.0/10", "107.192.0.0/11", "47.32.0.0/12")},
	{"US", 75, -480, "en-US", "en-US,en;q=0.9", "USD", 330, 600, 520, 70, english, nets("67.160.0.0/11", "76.96.0.0/11", "174.192.0.0/10")},
	{"CA", 40, -300, "en-CA", "en-CA,en;q=0.9,fr-CA;q=0.7", "USD", 340, 570, 400, 70, english, nets("99.224.0.0/11", "70.48.0.0/13", "184.144.0.0/13")},
	{"MX", 22, -360, "es-MX", "es-MX,es;q=0.9,en;q=0.6", "USD", 480, 240, 190, 40, spanish, nets("189.128.0.0/11", "201.96.0.0/11")},
	{"BR", 52, -180, "pt-BR", "pt-BR,pt;q=0.9,en-US;q=0.7,en;q=0.6", "USD", 470, 200, 160, 50, portuguese, nets("177.32.0.0/14", "179.208.0.0/12", "187.64.0.0/13")},
	{"GB", 92, 0, "en-GB", "en-GB,en;q=0.9", "GBP", 360, 520, 400, 70, english, nets("86.128.0.0/10", "81.128.0.0/11", "90.192.0.0/11")},
	{"DE", 110, 60, "de-DE", "de-DE,de;q=0.9,en-US;q=0.7,en;q=0.6", "EUR", 290, 390, 270, 220, german, nets("79.192.0.0/10", "84.128.0.0/10", "91.0.0.0/10", "88.64.0.0/12")},
	{"FR", 62, 60, "fr-FR", "fr-FR,fr;q=0.9,en;q=0.6", "EUR", 330, 360, 320, 140, french, nets("86.192.0.0/11", "82.64.0.0/14", "109.208.0.0/12")},
	{"NL", 36, 60, "nl-NL", "nl-NL,nl;q=0.9,en;q=0.8", "EUR", 300, 430, 360, 110, dutch, nets("77.160.0.0/12", "84.24.0.0/13")},
	{"ES", 34, 60, "es-ES", "es-ES,es;q=0.9,en;q=0.6", "EUR", 380, 270, 270, 80, spanish, nets("83.32.0.0/11", "88.0.0.0/11", "80.24.0.0/13")},
	{"SE", 24, 60, "sv-SE", "sv-SE,sv;q=0.9,en;q=0.8", "EUR", 320, 580, 390, 90, nordic, nets("78.64.0.0/12", "81.224.0.0/12")},
	{"PL", 30, 60, "pl-PL", "pl-PL,pl;q=0.9,en;q=0.7", "EUR", 350, 190, 180, 170, polish, nets("83.0.0.0/11", "79.184.0.0/13")},
	{"IN", 88, 330, "en-IN", "en-IN,en;q=0.9,hi;q=0.6", "USD", 520, 90, 160, 40, indian, nets("122.160.0.0/12", "117.192.0.0/10", "59.88.0.0/13")},
	{"JP", 55, 540, "ja", "ja,en-US;q=0.8,en;q=0.6", "USD", 330, 650, 300, 60, japanese, nets("60.32.0.0/12", "219.96.0.0/11")},
	{"KR", 32, 540, "ko-KR", "ko-KR,ko;q=0.9,en-US;q=0.7", "USD", 420, 270, 220, 30, korean, nets("121.128.0.0/10", "175.192.0.0/10")},
	{"AU", 34, 600, "en-AU", "en-AU,en;q=0.9", "USD", 350, 580, 430, 60, english, nets("1.120.0.0/13", "110.144.0.0/13")},
	{"NG", 19, 60, "en-NG", "en-NG,en;q=0.9", "USD", 560, 120, 110, 40, nigerian, nets("105.112.0.0/12", "102.88.0.0/13")},
}

var placeChoice = choose(len(places), func(i int) int { return places[i].share })

// datacentre is where the made-up product's own server sends from.
var datacentre = nets("3.120.0.0/14")

func nets(prefixes ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(prefixes))
	for i, p := range prefixes {
		out[i] = netip.MustParsePrefix(p)
	}
	return out
}

// address draws one address from networks; network and broadcast numbers are
// left out.
func (d *dice) address(networks []netip.Prefix) netip.Addr {
	p := networks[d.below(len(networks))]
	a := p.Addr().As4()
	v := uint32(a[0])<<24 | uint32(a[1])<<16 | uint32(a[2])<<8 | uint32(a[3])
	v |= uint32(d.next()) & (1<<(32-p.Bits()) - 1)
	v = v&^0xff | uint32(d.between(1, 254))
	return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
}
