package enrich

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"

	"loch/shared/fault"
	"loch/shared/profile"
)

const embeddedCountries = "geo-whois-asn-country"

// GeoInfo describes the database that places come from.
type GeoInfo struct {
	Type     string // as the database calls itself: "GeoLite2-City"
	Built    time.Time
	Embedded bool
	Cities   bool // it knows regions and cities, not only countries
}

// String is a line for a start-up banner.
func (g GeoInfo) String() string {
	what, from := "countries", "from a file"
	if g.Cities {
		what = "cities"
	}
	if g.Embedded {
		from = "embedded"
	}
	return fmt.Sprintf("%s, %s by %s of %s", from, what, g.Type, g.Built.Format(time.DateOnly))
}

// places looks addresses up in one database, of either of the two shapes in
// which the record of a network is written.
type places struct {
	reader *maxminddb.Reader
	nested bool
	info   GeoInfo
}

// flatRecord is the shape of ip-location-db.
type flatRecord struct {
	Country  string `maxminddb:"country_code"`
	Region   string `maxminddb:"state1"`
	City     string `maxminddb:"city"`
	Timezone string `maxminddb:"timezone"`
}

// nestedRecord is the shape of MaxMind and DB-IP. Only what is needed is
// decoded, which costs a third of the whole.
type nestedRecord struct {
	Country struct {
		Code string `maxminddb:"iso_code"`
	} `maxminddb:"country"`
	Subdivisions []struct {
		Names names `maxminddb:"names"`
	} `maxminddb:"subdivisions"`
	City struct {
		Names names `maxminddb:"names"`
	} `maxminddb:"city"`
	Location struct {
		Timezone string `maxminddb:"time_zone"`
	} `maxminddb:"location"`
}

type names struct {
	English string `maxminddb:"en"`
}

// openPlaces opens a database file, or the embedded one for an empty path, and
// finds out its shape.
func openPlaces(path string) (*places, error) {
	p := &places{}
	name := "the embedded country database"
	if path == "" {
		b, err := embedded(countryFile)
		if err != nil {
			return nil, err
		}
		if p.reader, err = maxminddb.OpenBytes(b); err != nil {
			return nil, brokenRules(countryFile, err)
		}
	} else {
		// The name without its folders: enough for whoever set it.
		name = filepath.Base(path)
		var err error
		if p.reader, err = maxminddb.Open(path); err != nil {
			return nil, fault.Wrap(err, fault.Invalid,
				"the geography database "+name+" cannot be read as a MaxMind DB (.mmdb) file")
		}
	}
	p.info = GeoInfo{
		Type:     p.reader.Metadata.DatabaseType,
		Built:    p.reader.Metadata.BuildTime().UTC(),
		Embedded: path == "",
	}
	if p.info.Embedded {
		p.info.Type = embeddedCountries // the file calls itself "country ipvAll"
	}
	if err := p.findShape(name); err != nil {
		_ = p.reader.Close() // the first error says more
		return nil, err
	}
	return p, nil
}

// findShape decides by the first records that say anything: the databases' own
// type names are too many.
func (p *places) findShape(name string) error {
	const enough = 1000
	seen := 0
	for result := range p.reader.Networks() {
		var record map[string]any
		if err := result.Decode(&record); err != nil {
			return fault.Wrap(err, fault.Invalid, "the geography database "+name+" is damaged")
		}
		switch {
		case isMap(record["country"]):
			p.nested = true
			_, p.info.Cities = record["city"]
			// A country database has no location; a city's first record may have no city.
			p.info.Cities = p.info.Cities || isMap(record["location"])
			return nil
		case isText(record["country_code"]):
			p.info.Cities = isText(record["city"])
			return nil
		}
		if seen++; seen == enough {
			break
		}
	}
	return fault.Newf(fault.Invalid,
		"the geography database %s (type %q) has no countries; it must be of the City or Country kind", name, p.info.Type)
}

func isMap(v any) bool {
	_, ok := v.(map[string]any)
	return ok
}

func isText(v any) bool {
	_, ok := v.(string)
	return ok
}

func (p *places) close() error { return p.reader.Close() }

// lookup returns the place of an address. A record that cannot be read gives
// nothing, as an unknown address does: geography is never worth an event.
func (p *places) lookup(a netip.Addr) profile.Place {
	a = a.Unmap()
	if !isPublic(a) {
		return profile.Place{}
	}
	result := p.reader.Lookup(a)
	if !p.nested {
		var r flatRecord
		if result.Decode(&r) != nil {
			return profile.Place{}
		}
		return place(r.Country, r.Region, r.City, r.Timezone)
	}
	var r nestedRecord
	if result.Decode(&r) != nil {
		return profile.Place{}
	}
	region := ""
	if len(r.Subdivisions) > 0 {
		region = r.Subdivisions[0].Names.English
	}
	return place(r.Country.Code, region, r.City.Names.English, r.Location.Timezone)
}

func place(country, region, city, timezone string) profile.Place {
	if len(country) != 2 || country == "ZZ" {
		return profile.Place{} // a region without its country is no place
	}
	return profile.Place{Country: country, Region: region, City: city, Timezone: timezone}
}

// reserved are the networks that are nobody's place on the internet (the IANA
// special-purpose registries), as far as netip does not know them itself.
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),       // this network
	netip.MustParsePrefix("100.64.0.0/10"),   // carrier-grade NAT
	netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("240.0.0.0/4"),     // future use, and broadcast
	netip.MustParsePrefix("100::/64"),        // discard
	netip.MustParsePrefix("2001:db8::/32"),   // documentation
	netip.MustParsePrefix("3fff::/20"),       // documentation
	netip.MustParsePrefix("fec0::/10"),       // site-local of old
}

func isPublic(a netip.Addr) bool {
	if !a.IsValid() || !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	a = a.WithZone("")
	for i := range reserved {
		if reserved[i].Contains(a) {
			return false
		}
	}
	return true
}
